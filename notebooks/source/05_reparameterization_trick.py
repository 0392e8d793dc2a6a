# %% [markdown] slideshow={"slide_type": "slide"}
# # 05 · How do you differentiate through a dice roll?
#
# After this notebook you can
# - say what a sampling step does to the gradient, and recognise a VAE that is broken by it;
# - move the randomness out of the way with the **reparameterization trick**, and verify the gradient that it gives;
# - compare it with an older unbiased estimator by a number, improve that one as far as a baseline can, and say when the
#   trick is the wrong tool.
#
# Needs: 03 (the encoder's μ and log σ²) and 04 (the ELBO). Reading: 35 minutes. Run All: about 20 seconds on two
# cores.

# %% slideshow={"slide_type": "skip"}
from functools import partial

import torch
from torch.distributions import Bernoulli, Categorical, Dirichlet, Gamma, Normal

from vae_utils import exercises, plots
from vae_utils.data import load_images
from vae_utils.distributions import bernoulli_log_likelihood, kl_to_standard_normal, reparameterize
from vae_utils.models import VAE
from vae_utils.objectives import negative_elbo
from vae_utils.training import fit
from vae_utils.widgets import ReparameterizationExplorer

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One draw, one gradient
#
# In notebook 04 we improved q by differentiating a sum over a grid of z. A VAE cannot: its encoder gives a mean μ and a log-variance, one z is drawn from that Gaussian, and the decoder has to make do with it. Training has to know how the loss answers when μ moves.
#
# Here is the smallest model of that situation: one μ, one draw, one decoder weight, a squared error.
#
# **Predict first.** After `loss.backward()`, what will `mu.grad` hold: about the right number, 0, or nothing at all?
# And will PyTorch complain?

# %% tags=["nbval-check-output"] slideshow={"slide_type": "fragment"}
mu, sigma = torch.tensor(1.5, requires_grad=True), torch.tensor(1.0)
weight = torch.tensor(2.0, requires_grad=True)
z = Normal(mu, sigma).sample()  # ()  one number
loss = (weight * z - 1.0).square()
loss.backward()
print("decoder weight has a gradient:", weight.grad is not None)
print("mu has a gradient:            ", mu.grad is not None)
print("z remembers mu:               ", z.requires_grad)
assert weight.grad is not None and mu.grad is None and not z.requires_grad

# %% [markdown] slideshow={"slide_type": "-"}
# Nothing at all, and no complaint. `sample()` rolls the dice and hands back the number that came up. How that number
# would have been another one if μ had been another one is not recorded anywhere, so there is no path from z back to μ.
# The decoder weight stands on the other side of z and gets its gradient as usual.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A VAE that does not know it is broken
#
# Put that `sample()` into a VAE. This is the negative ELBO of notebook 04, in nats per image: a cost, so the
# reconstruction now carries a minus. Its likelihood is a coin for each pixel, whose minus log is the binary
# cross-entropy, our loss since notebook 02 (notebook 07 asks whether grey pixels permit that). One thing is wrong with
# it: z forgets where it came from.


# %% slideshow={"slide_type": "-"}
def blocked_elbo(model, x):
    """Reconstruction + KL, with a sampling step that no gradient can pass.  x: (B, 1, 28, 28) -> terms of (B,)."""
    mu, logvar = model.encode(x)  # (B, K) each
    z = Normal(mu, (0.5 * logvar).exp()).sample()  # (B, K)  plain numbers
    reconstruction = -bernoulli_log_likelihood(model.decode(z), x)  # (B,)
    kl = kl_to_standard_normal(mu, logvar).sum(-1)  # (B,)
    return {"loss": reconstruction + kl, "reconstruction": reconstruction, "kl": kl}


# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Exercise 1 · What will the encoder learn? (predict, 3 minutes)
#
# We train it on 8,000 digits. What will the encoder have learnt at the end?
# - `"a"` nothing: it keeps its random weights
# - `"b"` to answer μ = 0, log σ² = 0 to every image
# - `"c"` what it should, only more slowly
# - `"d"` to make log σ² ever smaller, until there is no noise

# %% slideshow={"slide_type": "-"}
my_prediction = ...  # "a", "b", "c" or "d"

exercises.blocked_encoder.check(my_prediction)

# %% [markdown] slideshow={"slide_type": "subslide"}
# Now run it. For comparison we also compute what one pays for an answer that knows nothing of the image in front of it:
# always the average training image.

# %% slideshow={"slide_type": "-"}
images = load_images("digits")
torch.manual_seed(0)
blocked = VAE(latent_dim=16, hidden=200)
with torch.no_grad():
    untrained = blocked_elbo(blocked, images.test)["loss"].mean().item()
blocked_history = fit(blocked, images, blocked_elbo, epochs=3)

# %% slideshow={"slide_type": "-"}
average_image = images.train.mean(0, keepdim=True)  # (1, 1, 28, 28)
average_logits = average_image.clamp(1e-4, 1 - 1e-4).logit().expand_as(images.test)
average_cost = -bernoulli_log_likelihood(average_logits, images.test).mean().item()

loss, kl = blocked_history.test["loss"][-1], blocked_history.test["kl"][-1]
print(f"test loss untrained:          {untrained:.0f} nats per image")
print(f"test loss after 3 epochs:     {loss:.0f} nats per image, of which KL {kl:.2f}")
print(f"always the average image:     {average_cost:.0f} nats per image")
assert untrained - loss > 250 and kl < 0.005 and 0 < loss - average_cost < 25


# %% slideshow={"slide_type": "-"}
def reconstruct(model, x):
    """Decode one draw of z for each image, as in training.  x: (B, 1, 28, 28) -> (B, 1, 28, 28)."""
    torch.manual_seed(0)
    with torch.no_grad():
        mu, logvar = model.encode(x)  # (B, K) each
        return model.generate(Normal(mu, (0.5 * logvar).exp()).sample())


shown = images.test[:10]  # (10, 1, 28, 28)
answers = reconstruct(blocked, images.test)  # (2000, 1, 28, 28)
assert answers.std(0).mean() < 0.04, "the text below says: the same picture for every digit"
assert (answers - average_image).abs().mean() < 0.04, "the text below says: the average digit"
plots.show_images(
    [shown, reconstruct(blocked, shown)],
    row_labels=["test image", "blocked VAE"],
    title="The blocked VAE answers every digit with the same blur",
    alt="Ten test digits and below them their reconstructions by the VAE whose sampling step blocks the gradient. All "
    "reconstructions are nearly the same grey blur, close to the average digit: the code carries nothing.",
)

# %% [markdown] slideshow={"slide_type": "-"}
# The loss fell by more than 250 nats; nothing crashed and nothing warned. Yet every digit comes back as the average digit,
# the same blur up to traces of the noise, at about that picture's price, and the KL is zero to two decimals.
#
# The encoder did learn something. The KL is a formula in μ and log σ²; its gradient never passes through z, so it arrives.
# It arrives *alone*: with no word from the reconstruction, the encoder does what the KL asks and gives every image the
# prior. The decoder, fed noise, learns to ignore it. From outside this looks like the **collapse** of notebook 08, a code
# that says nothing, which has other causes. Look for a stray `sample()`, `detach()` or `no_grad()` first.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What is the slope of an average?
#
# A single roll has no slope. But we never wanted one: what we minimise is an *average* over rolls,
#
# $$F(\mu, \sigma) = \mathbb{E}_{z \sim \mathcal{N}(\mu, \sigma^2)}\,[f(z)],$$
#
# where $f$ is what the decoder makes of z (nats per image). $F$ is an integral, smooth in μ and σ, and it has a
# derivative. For $f(z) = z^2$ we know it: $F = \mu^2 + \sigma^2$, so $\partial F/\partial\mu = 2\mu$. This $f$ stays with
# us, because every estimate can be held against the exact answer.
#
# The plainest way to a slope: compute the average of 25 draws at μ, move μ by 0.01, compute it again, divide.
#
# **Predict first.** At μ = 1.5, σ = 1 the answer is 3. How far off is the measured slope, typically, when you roll 25 *new*
# dice after the move? And when you keep the *same* 25 dice and only move μ?

# %% tags=["nbval-check-output"] slideshow={"slide_type": "fragment"}
torch.manual_seed(0)
repeats, draws, nudge = 20_000, 25, 0.01
here, there = torch.randn(2, repeats, draws, dtype=torch.float64)  # (repeats, draws) each: noise before and after


def average(mu, noise):
    return (mu + noise).square().mean(-1)  # (repeats,)  f(z) = z² with sigma = 1


new_dice = (average(1.5 + nudge, there) - average(1.5, here)) / nudge  # (repeats,)
same_dice = (average(1.5 + nudge, here) - average(1.5, here)) / nudge  # (repeats,)
print(f"new dice:  slope 3, give or take {round(new_dice.std().item(), -1):.0f}")
print(f"same dice: slope 3, give or take {same_dice.std():.1f}")
assert 85 < new_dice.std() < 103 and 0.37 < same_dice.std() < 0.43 and abs(same_dice.mean() - 3) < 0.05

# %% [markdown] slideshow={"slide_type": "-"}
# New dice: off by about 90, for a slope of 3. Same dice: off by 0.4. With new dice the difference of the two averages is
# almost all luck, and dividing by 0.01 multiplies the luck by a hundred. With the same dice the luck is in both averages
# and cancels.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Freeze the dice
#
# Below, 25 noises ε from N(0, 1) stand on the lowest line. Each is turned into a sample z = μ + σ ε, and each sample sits
# on the curve z². On the right, every μ that you visit leaves a dot: the average of z² over the 25 samples.
#
# **Predict first.** Move μ slowly from one end to the other; then tick *fresh noise* and do it again. What will the dots
# on the right look like in the two cases, and what happens to "gradient from PyTorch" in the line below?

# %% slideshow={"slide_type": "-"}
explorer = ReparameterizationExplorer()
explorer

# %% slideshow={"slide_type": "-"}
torch.manual_seed(1)
mus = torch.linspace(-2, 2, 41)[:, None]  # (41, 1)
cases = {"same 25 dice at every μ": torch.randn(25).expand(41, 25), "25 new dice at every μ": torch.randn(41, 25)}
figure, panels = plots.figure(
    1,
    2,
    title="With frozen noise the average has a slope; with fresh noise it only scatters",
    alt="Two panels: the average of z² over 25 samples against mu, with the exact curve mu² + 1. Left, with the same noise "
    "at every mu, the dots lie on a smooth curve close to the exact one. Right, with new noise at every mu, they scatter "
    "around it by about 0.5, and neighbouring dots jump: no slope can be read off.",
    size=(7.5, 3.2),
    sharey=True,
)
for axes, (name, noise), colour in zip(panels, cases.items(), (plots.VAE, plots.WRONG), strict=True):
    axes.plot(mus, mus.square() + 1, color=plots.PRIOR, linewidth=1.2, label="exact: μ² + σ²")
    axes.plot(mus, average(mus, noise), "o-", color=colour, markersize=4, linewidth=0.8, label="average of 25")
    axes.set_title(name)
    axes.set_xlabel("μ  (σ = 1)")
    axes.legend(loc="upper center")
panels[0].set_ylabel("average of z²")
figure

# %% [markdown] slideshow={"slide_type": "-"}
# With frozen noise every sample *slides* when μ moves, its $f$ changes smoothly, and so does the average. The 25 dice are
# a sample, so the curve lies a little beside the exact one; the slope is right up to the luck of these dice, and right on
# average. With fresh noise the samples *jump*. This is what "blocked" means: the new numbers have no memory of the old.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Roll first, shift and stretch after
#
# So: draw the noise where there is nothing to learn, ε ~ N(0, 1), and *compute* z from it,
#
# $$z = \mu + \sigma\,\epsilon, \qquad \sigma = \exp(\tfrac12 \log\sigma^2).$$
#
# z has exactly the distribution it had before: a Gaussian that is stretched by σ and shifted by μ is the Gaussian
# N(μ, σ²). What has changed is the way from μ to z: one addition, one multiplication, and both have derivatives. The
# randomness has become an input, like a pixel. This is the **reparameterization trick**.

# %% slideshow={"slide_type": "-"}
figure, (left, right) = plots.figure(
    1,
    2,
    title="Move the dice out of the way, and the gradient comes through",
    alt="Two computation graphs. Left: mu and sigma lead to z, which is itself the dice roll, and z leads to f(z); the "
    "gradient comes back from f(z) to z and is blocked there. Right: the dice roll is a separate node epsilon beside mu and "
    "sigma, z is computed from the three, and the gradient comes back from f(z) through z to mu and sigma.",
    size=(7.5, 3.2),
    sharex=True,
    sharey=True,
)
places = {"μ": (0, 1), "σ": (0, -1), "f(z)": (3.4, 0)}
in_the_way, behind = [("μ", "z ⚂"), ("σ", "z ⚂")], [("z ⚂", "f(z)")]
nodes = {**places, "z ⚂": (1.7, 0)}
plots.draw_graph(left, nodes, in_the_way + behind, dice=["z ⚂"], gradient=behind, blocked=in_the_way)
left.set_title("z = sample(): z is the dice")
path, aside = [("μ", "z"), ("σ", "z"), ("z", "f(z)")], [("ε ⚂", "z")]
nodes = {**places, "z": (1.7, 0), "ε ⚂": (1.7, -1.5)}
plots.draw_graph(right, nodes, path + aside, dice=["ε ⚂"], gradient=path)
right.set_title("z = μ + σ ε: the dice stand aside")
figure

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Exercise 2 · Write it (implement, 6 minutes)
#
# Two lines, before you look at ours in the next cell. `mu` and `logvar` are (B, K); return z, (B, K). The check draws
# samples and looks at their mean, variance and shape, at whether the noise is fresh for every number, and at both gradients.


# %% slideshow={"slide_type": "-"}
def my_reparameterize(mu, logvar):
    """z ~ N(mu, exp(logvar)), differentiable in both.  mu, logvar: (B, K) -> (B, K)."""
    ...


exercises.reparameterize.check(my_reparameterize)

# %% slideshow={"slide_type": "skip"}
# exercises.reparameterize.hint()
# exercises.reparameterize.solution()


# %% [markdown] slideshow={"slide_type": "subslide"}
# Ours, and a check that `vae_utils` does the same: from the same seed both draw the same numbers, bit for bit.


# %% slideshow={"slide_type": "-"} tags=["nbval-check-output"]
def roll_shift_stretch(mu, logvar):
    """z ~ N(mu, exp(logvar)), differentiable in both.  mu, logvar: (B, K) -> (B, K)."""
    epsilon = torch.randn_like(mu)  # (B, K)  all the randomness is here
    return mu + (0.5 * logvar).exp() * epsilon  # (B, K)  exp(logvar / 2) is the standard deviation


mu, logvar = torch.randn(2, 500, 16)  # (500, 16) each
torch.manual_seed(0)
inline = roll_shift_stretch(mu, logvar)
torch.manual_seed(0)
packaged = reparameterize(mu, logvar)
print("the same as vae_utils.reparameterize:", torch.equal(inline, packaged))
assert torch.equal(inline, packaged)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Why the average of the slopes is the slope of the average
#
# The distribution of ε does not depend on μ, so the derivative may go inside the average:
#
# $$\frac{\partial}{\partial\mu}\,\mathbb{E}_{z}[f(z)]
#   = \frac{\partial}{\partial\mu}\,\mathbb{E}_{\epsilon}[f(\mu + \sigma\epsilon)]
#   = \mathbb{E}_{\epsilon}[f'(\mu + \sigma\epsilon)].$$
#
# Each draw contributes the slope of $f$ where it landed. For the log-variance the chain rule adds the factor
# $\partial z/\partial\log\sigma^2 = \tfrac12\sigma\epsilon$. One draw gives an estimate that is right on average: an
# **unbiased** estimate, called the **pathwise** gradient. (To go inside, $f$ must not jump, and its slope must have an
# average. We come back to this.)
#
# For $f(z) = z^2$ at μ = 1.5, log σ² = 0 the exact derivatives are 2μ = 3 and σ² = 1.

# %% slideshow={"slide_type": "-"}
torch.manual_seed(0)
mu = torch.full((100_000, 1), 1.5, requires_grad=True)  # (B, 1)
logvar = torch.zeros(100_000, 1, requires_grad=True)  # (B, 1)
roll_shift_stretch(mu, logvar).square().mean().backward()
by_mu, by_logvar = mu.grad.sum().item(), logvar.grad.sum().item()
print(f"gradient with respect to mu:     {by_mu:.2f}   exact 3")
print(f"gradient with respect to logvar: {by_logvar:.2f}   exact 1")
assert abs(by_mu - 3) < 0.04 and abs(by_logvar - 1) < 0.04  # six standard errors

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### A check to keep: `gradcheck`
#
# `torch.autograd.gradcheck` compares the gradient of any function with differences like our nudge. It wants
# **float64**, because it moves inputs by a millionth and float32 rounds such differences away.
#
# **Predict first.** We give it z = μ + σ ε three times: with frozen noise, with fresh noise, and with frozen noise
# but σ detached. Which of the three will pass?

# %% tags=["nbval-check-output"] slideshow={"slide_type": "fragment"}
torch.manual_seed(0)
mu, logvar = torch.randn(2, 4, 3, dtype=torch.float64)  # (4, 3) each
inputs = mu.requires_grad_(), logvar.requires_grad_()


def frozen(mu, logvar):
    return reparameterize(mu, logvar, torch.Generator().manual_seed(0))


def sigma_detached(mu, logvar):
    return mu + (0.5 * logvar).exp().detach() * torch.randn(mu.shape, generator=torch.Generator().manual_seed(0))


frozen_passes, fresh_passes, detached_passes = (
    torch.autograd.gradcheck(function, inputs, raise_exception=False)
    for function in (frozen, reparameterize, sigma_detached)
)
print("frozen noise:                ", frozen_passes)
print("fresh noise:                 ", fresh_passes)
print("frozen noise, sigma detached:", detached_passes)
assert frozen_passes and not fresh_passes and not detached_passes

# %% [markdown] slideshow={"slide_type": "-"}
# The first. Fresh noise fails although the code is right: the check rolls again between its two looks. The third is a real
# bug of the kind that trains without complaint: σ gets no gradient. Give a layer that samples a `generator` argument, as
# `vae_utils` does, and `gradcheck` will do the rest.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The same VAE, with the dice aside
#
# `negative_elbo` of `vae_utils` is `blocked_elbo` with `reparameterize` in place of `sample()`. Same network, same initial
# weights, same three epochs.

# %% slideshow={"slide_type": "-"}
torch.manual_seed(0)
model = VAE(latent_dim=16, hidden=200)
trick_history = fit(model, images, negative_elbo, epochs=3)
trick_loss = trick_history.test["loss"][-1]
print(f"sample():         {blocked_history.test['loss'][-1]:.0f} nats per image")
print(f"reparameterized:  {trick_loss:.0f} nats per image, of which KL {trick_history.test['kl'][-1]:.0f}")
assert 28 < loss - trick_loss < 42 and 9 < trick_history.test["kl"][-1] < 15

# %% slideshow={"slide_type": "-"}
plots.show_images(
    [shown, reconstruct(blocked, shown), reconstruct(model, shown)],
    row_labels=["test image", "sample()", "μ + σ ε"],
    title="One line makes the difference between one blur for all and a picture for each",
    alt="Ten test digits, their reconstructions by the blocked VAE, all the same blur, and by the VAE with the "
    "reparameterization trick: after three epochs they are soft, they differ, and about half can be recognised as the "
    "digit above them.",
)

# %% [markdown] slideshow={"slide_type": "-"}
# About 35 nats better, with a KL of about 13 nats: the code now carries something. Three epochs are few, and some
# digits still come back as others; notebook 06 trains this model properly.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The other way: ask the probabilities
#
# An older estimator needs no path from μ to z, and not even a derivative of $f$. It differentiates the *density*
# instead of the sample:
#
# $$\frac{\partial}{\partial\mu}\int f(z)\,q(z)\,dz
#   = \int f(z)\,\frac{\partial q(z)}{\partial\mu}\,dz
#   = \int f(z)\,q(z)\,\frac{\partial\log q(z)}{\partial\mu}\,dz
#   = \mathbb{E}_z\!\left[f(z)\,\frac{z-\mu}{\sigma^2}\right].$$
#
# The middle step is $\partial q = q\,\partial\log q$. The factor $s(z) = (z-\mu)/\sigma^2$ is called the **score**: it says
# how much more probable z becomes, in nats per unit of μ, when μ moves right. Draws right of μ become more frequent, draws
# left of it rarer, and each brings its $f$ into the average. This is the **score-function** estimator, also called REINFORCE.
#
# **Predict first.** For $f(z) = z^2$ at μ = 1.5, σ = 1: how many times the draws of the pathwise estimator does it
# need for the same accuracy: 2, 13, or 100 times?


# %% slideshow={"slide_type": "fragment"}
def pathwise(mu, sigma, epsilon):
    """The slope of f(z) = z² at each draw.  epsilon: (...) -> (...)."""
    return 2 * (mu + sigma * epsilon)


def score_function(mu, sigma, epsilon, baseline=0.0):
    """f(z), less a baseline, times the score of each draw.  epsilon: (...) -> (...)."""
    z = mu + sigma * epsilon
    return (z.square() - baseline) * (z - mu) / sigma**2


torch.manual_seed(0)
epsilon = torch.randn(2_000, 1_000, dtype=torch.float64)  # 2,000 experiments of 1,000 draws
variance = {}
for name, estimate in (("pathwise", pathwise), ("score function", score_function)):
    gradients = estimate(1.5, 1.0, epsilon)  # (experiments, draws)
    mean, error = gradients.mean(1), gradients.std(1) / 1_000**0.5  # (experiments,)
    covered = ((mean - 3).abs() < 1.96 * error).double().mean().item()
    variance[name] = gradients.var().item()
    print(f"{name:14}  mean {gradients.mean():.2f}  variance {variance[name]:4.1f}  3 is in {covered:.1%} of intervals")
    assert abs(gradients.mean() - 3) < 0.04 and 0.93 < covered < 0.97
ratio = variance["score function"] / variance["pathwise"]
print(f"ratio of the variances: {ratio:.1f}")
assert 12.5 < ratio < 13.3 and abs((1.5**4 + 14 * 1.5**2 + 15) - 51.5625) < 1e-9

# %% [markdown] slideshow={"slide_type": "subslide"}
# Both are unbiased. Each of 2,000 experiments made a 95% confidence interval from 1,000 draws, and for either estimator
# about 95% of them contain the exact answer.
#
# The variance of one draw is 4 against 52, a ratio of about **13**: the score function needs 13 times the draws for the same
# accuracy. Both can be computed. The pathwise $2z$ has the variance $4\sigma^2$. One draw of the score function is
# $z^2\epsilon/\sigma$; with $\mathbb{E}[\epsilon^2] = 1$, $\mathbb{E}[\epsilon^4] = 3$, $\mathbb{E}[\epsilon^6] = 15$ and
# z = μ + σ ε,
#
# $$\mathrm{Var} = \frac{\mathbb{E}[z^4\epsilon^2]}{\sigma^2} - (2\mu)^2
#   = \frac{\mu^4 + 18\mu^2\sigma^2 + 15\sigma^4}{\sigma^2} - 4\mu^2
#   = \frac{\mu^4}{\sigma^2} + 14\mu^2 + 15\sigma^2,$$
#
# which is 51.6 at μ = 1.5, σ = 1.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A baseline helps
#
# Why so much noise? Suppose $f$ were the constant 1,000. The true gradient is 0, and so is every pathwise draw. The score
# function gives 1,000 times the score, right only on average.
#
# So subtract a level $b$ that does not depend on the draw, a **baseline**. It biases nothing, because the score averages to
# zero: all probability together stays 1 when μ moves, so $\mathbb{E}[s] = \int \partial q\,dz = \partial \int q\,dz = 0$
# and $\mathbb{E}[(f - b)\,s] = \mathbb{E}[f s]$. The mean is the same for all $b$, so the variance is least where the second
# moment is:
#
# $$\mathbb{E}[(f-b)^2 s^2] = \mathbb{E}[f^2 s^2] - 2b\,\mathbb{E}[f s^2] + b^2\,\mathbb{E}[s^2]
#   \quad\Rightarrow\quad b^* = \frac{\mathbb{E}[f s^2]}{\mathbb{E}[s^2]}.$$
#
# This is an average of $f$ in which draws far from μ count more, in proportion to $s^2$.
#
# **Predict first.** The mean of $f$ is μ² + σ² = 3.25. Is this the best baseline? And does the best one reach the trick?

# %% slideshow={"slide_type": "fragment"}
z = 1.5 + epsilon  # (2000, 1000)
score = epsilon  # (2000, 1000)  (z - mu) / sigma², sigma = 1
best = ((z.square() * score**2).mean() / (score**2).mean()).item()
for name, baseline in (("none", 0.0), ("mean of f", 3.25), ("best", best)):
    variance[name] = score_function(1.5, 1.0, epsilon, baseline).var().item()
    print(f"baseline {name:9} b = {baseline:.2f}:  variance {variance[name]:.1f}")
assert abs(best - 5.25) < 0.05  # exact: mu² + 3 sigma²
assert abs(variance["mean of f"] - 28) < 1 and abs(variance["best"] - 24) < 1  # exact: 8 mu² + 6 sigma² = 24

# %% slideshow={"slide_type": "-"}
b = torch.linspace(-1, 11.5, 101)
figure, axes = plots.figure(
    title="The best baseline halves the variance, and is not the mean of f",
    alt="Variance of one draw of the score function against the baseline b: a parabola through 51.6 at b = 0 and 28 at the "
    "mean of f, 3.25, with its lowest point, 24, at b = 5.25. A horizontal line far below, at 4, is the pathwise estimator.",
    size=(7.5, 3.3),
)
axes.plot(b, 24 + (b - 5.25).square(), color=plots.AUTOENCODER, linewidth=2, label="score function")
axes.axhline(4, color=plots.VAE, linewidth=2)
axes.text(9.0, 4.8, "pathwise: 4", color=plots.VAE, va="bottom")
for at, name, offset in ((0.0, "none: 51.6", (8, 5)), (3.25, "mean of f: 28", (4, 8)), (5.25, "best: 24", (-20, -17))):
    height = 24 + (at - 5.25) ** 2
    axes.plot(at, height, "o", color=plots.AUTOENCODER, markersize=7)
    axes.annotate(name, (at, height), offset, textcoords="offset points")
axes.set(xlabel="baseline b (units of f)", ylabel="variance of one draw", ylim=(0, 66))
figure

# %% [markdown] slideshow={"slide_type": "-"}
# The best baseline is μ² + 3σ² = 5.25, above the mean. It brings the variance from 51.6 to 8μ² + 6σ² = 24, still six times
# the trick's. The trick knows what no constant can replace: the slope of $f$ at each draw.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## More dimensions, and surer encoders
#
# An encoder has K latents, and its σ is often far below 1. Take $f(z) = z_1^2 + \dots + z_K^2$ and the gradient with
# respect to μ₁. The pathwise estimate is still 2 z₁. The score function multiplies the score of z₁ by *all* of $f$.
#
# **Predict first.** Without a baseline its variance was 13 times the trick's at K = 1. What is it at K = 16: about 13, 200
# or 800 times? And with the best baseline?


# %% slideshow={"slide_type": "fragment"}
def exact_variances(mu, sigma, K):
    """Variance of one draw of the gradient w.r.t. mu₁: pathwise, score function with the best baseline, with none."""
    mean, spread = mu**2 + sigma**2, 4 * mu**2 * sigma**2 + 2 * sigma**4  # of each z_k²
    baseline = mu**2 + 3 * sigma**2 + (K - 1) * mean
    with_best = 8 * mu**2 + 6 * sigma**2 + (K - 1) * spread / sigma**2
    return 4 * sigma**2, with_best, with_best + baseline**2 / sigma**2


torch.manual_seed(0)
sizes, measured = [1, 2, 4, 8, 16, 32, 64], []
epsilon = torch.randn(100_000, 64)  # (draws, 64)
for K in sizes:
    f, score = (1.5 + epsilon[:, :K]).square().sum(1), epsilon[:, 0]  # (draws,) each, sigma = 1
    best = (f * score**2).mean() / (score**2).mean()
    estimates = (2 * (1.5 + score), (f - best) * score, f * score)  # (draws,) each
    measured.append([draws.var().item() for draws in estimates])
    for found, exact in zip(measured[-1], exact_variances(1.5, 1.0, K), strict=True):
        assert abs(found / exact - 1) < 0.1
ratios = [found / measured[4][0] for found in measured[4]]
print(f"K = 16: with the best baseline {ratios[1]:.0f} times the trick's variance, with none {ratios[2]:.0f} times")
assert 42 < ratios[1] < 53 and 710 < ratios[2] < 850
assert [round(exact / 4) for exact in exact_variances(1.5, 1.0, 16)[1:]] == [47, 776]

# %% slideshow={"slide_type": "-"}
figure, (left, right) = plots.figure(
    1,
    2,
    sharey=True,
    title="The score function gets noisier with every latent; as the encoder gets surer, only the trick's noise vanishes",
    alt="Variance of one draw, on logarithmic scales. Left, over 1 to 64 latents: the pathwise estimator stays at 4, the "
    "score function with the best baseline grows in the end like K, to 717, without one like K squared, to about "
    "45,000. Right, sigma falls from 1 to 0.05 at K = 1: pathwise falls to 0.01, best baseline stays near 18, no baseline "
    "rises to about 2,000.",
)
names, colours = ("pathwise", "best baseline", "no baseline"), (plots.VAE, plots.LIKELIHOOD, plots.AUTOENCODER)
sigmas = torch.linspace(1, 0.05, 100)
by_size = list(zip(*(exact_variances(1.5, 1.0, K) for K in sizes), strict=True))
by_sigma = exact_variances(1.5, sigmas, 1)
for name, colour, dots, line, curve in zip(names, colours, zip(*measured, strict=True), by_size, by_sigma, strict=True):
    left.loglog(sizes, line, "-", sizes, dots, "o", color=colour, linewidth=2, markersize=5)
    right.loglog(sigmas, curve, color=colour, linewidth=2, label=name)
left.set(title="lines: exact, dots: measured", xlabel="number of latents K  (σ = 1)", ylabel="variance of one draw")
left.set_xticks(sizes, sizes)
right.set(title="exact", xlabel="σ, a surer encoder to the right  (K = 1)", xlim=(1, 0.05))
right.set_xticks([1, 0.5, 0.2, 0.1, 0.05], [1, 0.5, 0.2, 0.1, 0.05])
for axes in (left, right):
    axes.minorticks_off()
plots.label_lines(right)
figure

# %% [markdown] slideshow={"slide_type": "-"}
# Computed exactly, 47 times with the best baseline and 776 with none (the printed values differ by luck). Left: as K
# grows, the variance without a baseline comes to grow with K², because the level of $f$ grows with K and is squared; with one it grows
# with K, because the other latents' luck remains in $f$. The score function hears one number about the whole roll, and must
# find out over many rolls which of the K dice deserved the praise. The trick is told, for each.
#
# Right: as σ shrinks, the trick's noise vanishes. With the best baseline the score function's variance falls from 24 to
# 8μ² = 18 and no lower; without one it grows without limit.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## On a real VAE
#
# Now let $f$ be the reconstruction error, in nats, of the VAE that you trained above (K = 16). The exact gradient
# with respect to μ is unknown, but its variance can be measured: for 30 test images, 1,000 draws of z each, the
# variances summed over the 16 latents.


# %% slideshow={"slide_type": "-"}
def gradient_variances(model, x, draws=1_000):
    """Variance of one draw of the reconstruction's gradient with respect to mu.  x: (1, 1, 28, 28) -> three numbers."""
    with torch.no_grad():
        mu, logvar = model.encode(x)  # (1, K) each
    mu = mu.repeat(draws, 1).requires_grad_()  # (draws, K)
    sigma, epsilon = (0.5 * logvar).exp(), torch.randn_like(mu)  # (1, K), (draws, K)
    f = -bernoulli_log_likelihood(model.decode(mu + sigma * epsilon), x.expand(draws, 1, 28, 28))  # (draws,)
    (path,) = torch.autograd.grad(f.sum(), mu)  # (draws, K)
    f, score = f.detach()[:, None], epsilon / sigma  # (draws, 1), (draws, K)
    best = (f * score**2).mean(0) / (score**2).mean(0)  # (K,)  one baseline a latent
    return [estimate.var(0).sum().item() for estimate in (path, (f - best) * score, f * score)]


torch.manual_seed(0)
found = torch.tensor([gradient_variances(model, x[None]) for x in images.test[:30]])  # (30, 3)
ratios = (found / found[:, :1]).quantile(torch.tensor([0.1, 0.5, 0.9]), dim=0)  # (3, 3)
for column, name in ((1, "best baseline"), (2, "no baseline")):
    low, middle, high = ratios[:, column].tolist()
    print(f"{name:13}  median {middle:,.0f} times the trick's variance (80% of the images: {low:,.0f} to {high:,.0f})")
assert 12 < ratios[1, 1] < 35 and 3_000 < ratios[1, 2] < 100_000

# %% [markdown] slideshow={"slide_type": "-"}
# For the median image the score function has about twenty times the trick's variance with the best baseline for each
# latent, and of the order of ten thousand times without one. It needs that many draws, each with a pass through the
# decoder, where the trick needs one. This is why hardly anyone trains VAEs with Gaussian latents that way.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### But can it train one?
#
# **Predict first.** Same network, same seed, three epochs, one draw an image. Where will the score function end, compared
# with the average image, the blocked VAE and the trick: without a baseline, and with one?
#
# In code an estimator becomes a loss: a term whose *value* is 0 and whose *gradient* is (f − b) times the score. Our baseline
# is the reconstruction error at the image's mean code: one more pass through the decoder, and no bias, because it does not
# depend on the roll.


# %% slideshow={"slide_type": "fragment"}
def score_elbo(model, x, with_baseline=True):
    """Reconstruction + KL; the encoder hears of the reconstruction through the score function only."""
    mu, logvar = model.encode(x)  # (B, K) each
    q = Normal(mu, (0.5 * logvar).exp())
    z = q.sample()  # (B, K)  plain numbers
    reconstruction = -bernoulli_log_likelihood(model.decode(z), x)  # (B,)
    with torch.no_grad():
        level = -bernoulli_log_likelihood(model.decode(mu), x) if with_baseline else 0.0  # (B,)
    message = (reconstruction.detach() - level) * q.log_prob(z).sum(-1)  # (B,)  its gradient: (f - b) times the score
    kl = kl_to_standard_normal(mu, logvar).sum(-1)  # (B,)
    loss = reconstruction + kl + (message - message.detach())  # the last bracket is 0; its gradient is not
    return {"loss": loss, "reconstruction": reconstruction, "kl": kl}


runs = {"blocked sample()": blocked_history, "the trick": trick_history}
for name, with_baseline in (("score function, no baseline", False), ("score function, baseline", True)):
    torch.manual_seed(0)
    loss_function = partial(score_elbo, with_baseline=with_baseline)
    runs[name] = fit(VAE(latent_dim=16, hidden=200), images, loss_function, epochs=3)

# %% slideshow={"slide_type": "-"}
final = {name: run.test["loss"][-1] for name, run in runs.items()}
for name, value in sorted([*final.items(), ("always the average image", average_cost)], key=lambda item: item[1]):
    print(f"{name:28} {value:.0f} nats per image")
assert final["the trick"] + 8 < final["score function, baseline"] < final["the trick"] + 25
assert final["score function, baseline"] < average_cost < final["score function, no baseline"]

# %% slideshow={"slide_type": "-"}
figure, axes = plots.figure(
    title="With a good baseline the score function trains a VAE, more slowly; without one it is worse than no code",
    alt="Test loss in nats per image over three epochs for four ways to pass the gradient. The reparameterization trick ends "
    "lowest, the score function with a baseline follows, the blocked VAE stays a little above the cost of always answering "
    "with the average image, and the score function without a baseline ends highest.",
    size=(7.5, 3.6),
)
colours = (plots.WRONG, plots.VAE, plots.AUTOENCODER, plots.LIKELIHOOD)
for (name, run), colour in zip(runs.items(), colours, strict=True):
    axes.plot([1, 2, 3], run.test["loss"], "o-", color=colour, linewidth=2, label=f"{name}: {final[name]:.0f}")
axes.axhline(average_cost, color=plots.PRIOR, linewidth=1, linestyle="--")
axes.text(
    3,
    average_cost - 1,
    f"always the average image: {average_cost:.0f}",
    color=plots.PRIOR,
    va="top",
    ha="right",
    fontsize=9,
)
axes.set(xlabel="epoch", ylabel="test loss (nats per image)", xticks=[1, 2, 3])
plots.label_lines(axes)
figure

# %% [markdown] slideshow={"slide_type": "-"}
# Without a baseline it ends above the average image: what the encoder should hear drowns in noise. With one *it works*, some
# 15 nats behind the trick (one seed, one learning rate, one small network: read the order, not the decimals). Models with
# discrete latents have been trained so since 2014. Where the trick applies, it is better for less work.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Where the trick does not apply
#
# The derivative went inside the average on a condition: $f$ must not jump. Take an $f$ that is a jump and nothing
# else: 1 for z > 0, else 0. Its average is the probability of a positive z, whose derivative with respect to μ is the
# density of z at 0: about 0.352 at μ = 0.5, σ = 1.
#
# **Predict first.** What does the pathwise gradient say, and with what variance?

# %% tags=["nbval-check-output"] slideshow={"slide_type": "fragment"}
torch.manual_seed(0)
mu = torch.full((200_000,), 0.5, dtype=torch.float64, requires_grad=True)
epsilon = torch.randn_like(mu)
step = (mu + epsilon).sign().clamp(min=0)  # 1 where z > 0, else 0
(by_path,) = torch.autograd.grad(step.sum(), mu)  # (draws,)
by_score = step.detach() * epsilon  # (draws,)
exact = Normal(0.5, 1.0).log_prob(torch.tensor(0.0)).exp().item()
print(f"exact: {exact:.3f}")
print(f"pathwise: {by_path.mean():.3f}, variance {by_path.var():.3f}")
print("score function within 0.01 of the exact value:", abs(by_score.mean().item() - exact) < 0.01)
assert abs(exact - 0.352) < 1e-3 and (by_path == 0).all() and abs(by_score.mean() - exact) < 0.01

# %% [markdown] slideshow={"slide_type": "-"}
# Zero, with no variance at all: perfectly sure, and wrong. Every draw sits on a flat piece, and no slope shows the few that
# would cross the jump if μ moved. The score function does not look at slopes, and is right. (A kink, as in ReLU, does no
# harm: $f$ does not jump there.)

# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
for distribution in (Normal, Gamma, Dirichlet, Bernoulli, Categorical):
    print(f"{distribution.__name__:12} has a reparameterized sample, rsample(): {distribution.has_rsample}")
assert Normal.has_rsample and Gamma.has_rsample and not Bernoulli.has_rsample and not Categorical.has_rsample

# %% [markdown] slideshow={"slide_type": "-"}
# - **Discrete latents** can only jump: use the score function with baselines, or the Gumbel-softmax (Concrete) relaxation,
#   a soft choice that has a path and is biased for the hard one.
# - **Gamma, Beta, Dirichlet** have no formula as short as μ + σ ε, but a smooth path: implicit reparameterization
#   differentiates the cumulative distribution instead.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Exercise 3 · Another dice (implement, 10 minutes)
#
# The trick is not about Gaussians. The logistic distribution with centre μ and scale s has the cumulative distribution
# $P(z < t) = \mathrm{sigmoid}((t - \mu)/s)$. Draw from it so that gradients reach μ and log s. The only dice allowed is
# `torch.rand`, uniform on [0, 1).


# %% slideshow={"slide_type": "-"}
def my_logistic_sample(mu, logscale):
    """z ~ Logistic(mu, exp(logscale)), differentiable in both.  mu, logscale: (B, K) -> (B, K)."""
    ...


exercises.logistic_sample.check(my_logistic_sample)

# %% slideshow={"slide_type": "skip"}
# exercises.logistic_sample.hint()
# exercises.logistic_sample.solution()

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Exercise 4 · Where the trick loses (investigate, 15 minutes)
#
# That the trick has the lower variance is a rule of thumb, not a theorem. Take $f(z) = \sin(\omega z)$, μ = 0, σ = 1, one
# latent, no baseline (at μ = 0 the best one is 0). For a slow wave the trick wins. From which ω on (radians per unit of z)
# does the score function have the lower variance? Answer to within 0.02.

# %% slideshow={"slide_type": "-"}
my_omega = ...

exercises.crossover.check(my_omega)

# %% slideshow={"slide_type": "skip"}
# exercises.crossover.hint()
# exercises.crossover.solution()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## To take with you
#
# **Remember.**
# - Put the randomness where there is nothing to learn, z = μ + σ ε, and let the parameters act on it by arithmetic.
# - The score-function gradient is unbiased; the pathwise one is where $f$ does not jump. Without a baseline the first
#   has 13 times the other's variance on z² (μ = 1.5, σ = 1), 776 times at 16 latents, of the order of ten thousand
#   times on a small VAE.
# - The best baseline, E[f s²]/E[s²], leaves 6 times on z² and 47 times at 16 latents.
# - Freeze the noise and use float64 to check such a gradient.
#
# **What could fool you.** A VAE whose sampling step blocks the gradient lowers its loss and pulls its encoder to the prior,
# without a warning. Where $f$ jumps, the pathwise gradient does not see it: on a pure step it is wrong with variance zero.
#
# **Sources.** The trick: Kingma & Welling (2014), arXiv:1312.6114, section 2.4; Rezende, Mohamed & Wierstra (2014),
# arXiv:1401.4082, section 3. Score function: Williams (1992), *Machine Learning* 8; for variational inference, with control variates, Ranganath,
# Gerrish & Blei (2014), arXiv:1401.0118, section 3. Best baseline: Greensmith, Bartlett & Baxter (2004), *JMLR* 5. Both estimators and their
# variances, and common random numbers: Mohamed, Rosca, Figurnov & Mnih (2020), arXiv:1906.10652, sections 3 to 5 and 7. Discrete
# latents: Mnih & Gregor (2014), arXiv:1402.0030 (baselines); Jang, Gu & Poole (2017), arXiv:1611.01144, and Maddison, Mnih & Teh (2017),
# arXiv:1611.00712 (Gumbel-softmax, Concrete). Implicit: Figurnov, Mohamed & Mnih (2018), arXiv:1805.08498. The numbers on z²
# and the step are exact; those on the VAE are this notebook's own.
#
# **Next:** [06 · Build a VAE: does it work?](06_build_a_vae.ipynb) puts this step into a whole VAE.
