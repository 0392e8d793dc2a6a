# %% [markdown] slideshow={"slide_type": "slide"}
# # 07 · Is binary cross-entropy on grey pixels a likelihood?
#
# Notebook 06 promised "a lower bound on log p(x)", and trained on grey pixels with a cross-entropy made for coins. Does
# the promise hold? One test decides: **a likelihood sums to one over everything that could have been observed.**
#
# After this notebook you can
# - say what the cross-entropy on grey pixels is, and by how many nats it fails to be a density;
# - choose among five likelihoods, and know which of their scores may stand in one table;
# - show that **the σ of a Gaussian decoder is the β of the KL term**, and let the model find it;
# - recognise a likelihood that can be made as good as you like without learning anything.
#
# Needs: 04 (the ELBO), 06 (the VAE and the effective β). Reading: 45 minutes. Run All: about 45 seconds on two cores.

# %% slideshow={"slide_type": "skip"}
import lzma
import math

import torch
import torch.nn.functional as F

from vae_utils import VAE, exercises, fit, grey_pixels, load_images, negative_elbo, plots
from vae_utils.grey_pixels import bits_per_dimension, dequantize
from vae_utils.likelihoods import Bernoulli, ContinuousBernoulli, DiscretizedLogistic, Gaussian, PixelGaussian
from vae_utils.training import evaluate
from vae_utils.widgets import SigmaExplorer

# %% slideshow={"slide_type": "skip"}
images = load_images("digits")
images

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What is a pixel?
#
# Before asking which likelihood fits, look at what it has to fit.

# %% tags=["nbval-check-output"]
levels = (255 * images.train).round().byte()  # (8000, 1, 28, 28)  whole numbers 0 ... 255
assert torch.equal(levels / 255, images.train)
paper, ink = ((levels == value).float().mean().item() for value in (0, 255))
never_inked = int((levels.amax(0) == 0).sum())
print(f"exactly 0 (paper): {paper:.1%}; exactly 255 (ink): {ink:.1%}; between: {1 - paper - ink:.1%}")
print(f"pixels that are paper in all 8,000 images: {never_inked} of 784")

# %% [markdown]
# A pixel is one of **256 levels**. Four in five are paper. The rest are nearly all shades of grey; few are full ink.
# It is not a coin (two values), and not a real number either (a continuum). Each likelihood below pretends something.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The test: does it sum to one?
#
# For a coin with log-odds $\ell$ and probability $\lambda = \mathrm{sigmoid}(\ell)$, the likelihood of $x \in \{0, 1\}$ is
#
# $$p(x \mid \lambda) = \lambda^{x} (1 - \lambda)^{1 - x}, \qquad -\log p(x \mid \lambda) = \text{binary cross-entropy}.$$
#
# At $x = 0$ and $x = 1$ this gives $1 - \lambda$ and $\lambda$: they sum to one. The right-hand side also *accepts*
# $x = 0.3$, and code does not complain.
#
# **Predict first.** Now $x$ may be any number from 0 to 1. At $\lambda = \tfrac12$, what is the area under the curve
# $\lambda^x (1 - \lambda)^{1 - x}$? Is there a $\lambda$ at which it is 1?


# %% tags=["nbval-check-output"]
def mass(logit, steps=200_001):
    """Area under exp(-cross-entropy) for x from 0 to 1, by the trapezoidal rule in float64."""
    x = torch.linspace(0, 1, steps, dtype=torch.float64)
    cross_entropy = F.binary_cross_entropy_with_logits(torch.full_like(x, logit), x, reduction="none")
    return torch.trapezoid((-cross_entropy).exp(), x).item()


steps = torch.arange(256) / 255  # the levels that a pixel can take
for rate in (0.5, 0.9, 0.99, 0.9999):
    logit = math.log(rate / (1 - rate))
    exact = math.tanh(logit / 2) / logit if logit else 0.5
    assert abs(mass(logit) - exact) < 1e-8
    print(
        f"λ = {rate}: area {exact:.3f}; sum over the 256 levels {(rate**steps * (1 - rate) ** (1 - steps)).sum():.1f}"
    )

# %% slideshow={"slide_type": "subslide"}
shown, (left, right) = plots.figure(
    1,
    2,
    title="The cross-entropy leaves at least half of the probability unaccounted for",
    alt="Left: the curves exp(-cross-entropy) over x from 0 to 1 for four probabilities; at one half it is flat at 0.5, so its "
    "area is one half. Right: the area over the probability: one half in the middle, falling to zero at both ends, far below 1.",
    size=(7.5, 3.2),
)
x = torch.linspace(0, 1, 200)
for rate, dash in ((0.5, "-"), (0.9, "--"), (0.99, "-."), (0.9999, ":")):
    left.plot(x, rate**x * (1 - rate) ** (1 - x), dash, linewidth=2, color=plots.VAE, label=f"λ = {rate}")
left.legend(loc="upper left")
left.set(xlabel="pixel x", ylabel="exp(−cross-entropy)", ylim=(0, 1.05))
grid = torch.linspace(-12, 12, 401).double()
right.plot(grid.sigmoid(), torch.where(grid == 0, 0.5, (grid / 2).tanh() / grid), color=plots.VAE, linewidth=2)
right.axhline(1, color=plots.EXACT, linestyle="--")
right.text(0.5, 0.94, "a density", ha="center", va="top")
right.set(xlabel="probability of ink λ", ylabel="area under the curve", ylim=(0, 1.08))
shown

# %% [markdown] slideshow={"slide_type": "fragment"}
# One half at best. The integral can be done by hand: the curve is $e^{\ell x} / (1 + e^{\ell})$, an exponential, so
#
# $$\int_0^1 \lambda^x (1 - \lambda)^{1 - x}\, dx = \frac{\tanh(\ell / 2)}{\ell} \;\leq\; \frac12 .$$
#
# The surer the pixel, the smaller the area. Nor is the expression a probability of the 256 levels: summed over them,
# it lies far *above* one.
#
# How much does this matter for an image of 784 pixels? Masses of independent pixels multiply.

# %% slideshow={"slide_type": "skip"}
K = 16


def train(likelihood, loss=negative_elbo, epochs=5, seed=0):
    """The same networks, optimiser and budget for everyone. Returns the model and its mean test terms in nats."""
    torch.manual_seed(seed)
    model = VAE(K, hidden=200, likelihood=likelihood)
    fit(model, images.train, loss, epochs=epochs, learning_rate=4e-3, seed=seed, progress=False)
    return model, evaluate(model, images.test, loss)


# %%
grey, grey_terms = train(Bernoulli())
with torch.no_grad():
    mu, _ = grey.encode(images.test)
    logits = grey.decode(mu).double()  # (2000, 1, 28, 28)
log_mass = ((logits / 2).tanh() / logits).log().sum((1, 2, 3))  # (2000,)  log of the product of 784 areas
print(f"cross-entropy + KL: {grey_terms['loss']:.0f} nats per image")
print(f"log of the total mass: {log_mass.mean():.0f} nats on average, {log_mass.max():.0f} at most")
assert 125 < grey_terms["loss"] < 150 and abs(log_mass.mean() + 1240) < 40
assert 8 < -log_mass.mean() / grey_terms["loss"] < 11, "the text says: about nine times"
assert log_mass.max() < -784 * math.log(2), "the text says: below 784 log ½ for every image"

# %% [markdown] slideshow={"slide_type": "slide"}
# So the decoder's "density", summed over all grey images, gives about $e^{-1240}$ for a typical code instead of 1. The
# number on the loss curve is below 150 nats; the constant that was left out is about nine times as large. Nor is it a
# constant: it depends on $\lambda$, hence on θ, and training without it is training for something else.
#
# The answer to the title is therefore **no**: for grey $x$ the cross-entropy is the negative logarithm of no density. But
# it is not nonsense either.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What the cross-entropy is: coins, on average
#
# Turn the image into a binary one, $b$, by flipping a coin for each pixel with probability $x$ of ink. The cross-entropy
# is *linear* in $x$, and $\mathbb E[b] = x$. So
#
# $$\mathbb E_{b \sim \mathrm{Bernoulli}(x)}\big[\log p(b \mid z)\big]
# = \sum_{\text{pixels}} x \log \lambda + (1 - x) \log (1 - \lambda) = -\,\text{cross-entropy}(x, \lambda).$$
#
# Exactly. For every $z$, the cross-entropy with a grey image is the average over all its binarizations. And because
# $q_\phi(z \mid x)$ may be any density, it may serve as the encoder of each $b$: **the loss of notebook 06 is a valid
# bound on the average of $-\log p(b)$ over coin flips of the image.** So it is a likelihood after all, but of other
# data.


# %%
def flipped_target(model, x):
    """The encoder sees the grey image; the decoder is scored on one flip of it."""
    outputs, mu, logvar, _ = model(x)
    reconstruction = F.binary_cross_entropy_with_logits(outputs, torch.bernoulli(x), reduction="none").sum((1, 2, 3))
    kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1)
    return {"loss": reconstruction + kl}


def flipped(model, x):
    """Encoder and decoder both see a fresh flip: a VAE of binary images, as in Burda et al. (2016)."""
    return negative_elbo(model, torch.bernoulli(x))


scores = {"on grey": grey_terms["loss"]}
scores["on flips of the target"] = evaluate(grey, images.test, flipped_target)["loss"]
scores["on flips of both"] = evaluate(grey, images.test, flipped)["loss"]
print("cross-entropy + KL, nats per image:", {name: f"{value:.1f}" for name, value in scores.items()})
assert abs(scores["on flips of the target"] - scores["on grey"]) < 1, "the text says: the same"
assert abs(scores["on flips of both"] - scores["on grey"]) < 4, "the text says: within a few nats"

# %% [markdown] slideshow={"slide_type": "fragment"}
# The first two numbers agree to within the noise of one flip an image, as they must. The third is the usual bound for
# binary digits, whose encoder is shown the flip and nothing else: within a few nats the same, from a model that has
# never seen a binary digit.
#
# That is how to read a score like "135 nats on MNIST" for grey inputs: nats of **coin-flipped** digits. Digits
# thresholded at ½ are a third data set, with less noise and so, as a rule, fewer nats. All three
# are called MNIST.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Divide by the mass: the continuous Bernoulli
#
# The repair is as short as the diagnosis. Divide by the area, and the curve is a density on [0, 1]:
#
# $$p(x \mid \ell) = C(\ell)\, \lambda^x (1 - \lambda)^{1 - x}, \qquad C(\ell) = \frac{\ell}{\tanh(\ell / 2)} .$$
#
# In words: an exponential whose logarithm has the slope $\ell$, cut off at 0 and 1. Loaiza-Ganem & Cunningham (2019) named it the
# **continuous Bernoulli**. In code it is one more term, and a trap: at $\ell = 0$ the constant is 0 / 0.


# %%
def naive_log_c(logits):
    return (logits / (logits / 2).tanh()).log()


def my_log_c(logits):
    """log C, with its Taylor series where the formula is 0 / 0."""
    near = logits.abs() < 0.2
    safe = torch.where(near, 1.0, logits)  # the branch that is not taken must not divide by 0 either
    return torch.where(near, math.log(2) + logits**2 / 12 - 7 * logits**4 / 1440, naive_log_c(safe))


for function in (naive_log_c, my_log_c):
    logits = torch.tensor([0.0, 0.001], requires_grad=True)  # λ = 0.5 and 0.50025, in float32
    at_zero, close = function(logits)
    (slope,) = torch.autograd.grad(close, logits)
    share = slope[1] / (logits[1] / 6)  # near 0 the slope is ℓ / 6
    print(f"{function.__name__:12} value at 0: {at_zero:.4f}; slope at 0.001 over the exact slope: {share:.2f}")

# %%
logits = torch.cat([torch.linspace(-30, 30, 6001), torch.linspace(-0.2, 0.2, 4001)])
x = torch.rand(len(logits), generator=torch.Generator().manual_seed(0))
mine = -F.binary_cross_entropy_with_logits(logits, x, reduction="none") + my_log_c(logits)
torch.testing.assert_close(mine, grey_pixels.continuous_bernoulli_log_likelihood(logits, x), atol=2e-6, rtol=1e-5)
few = torch.tensor([0.0, 1e-3], requires_grad=True)
(slope,) = torch.autograd.grad(my_log_c(few).sum(), few)
assert slope[0] == 0 and abs(slope[1] / (few[1] / 6) - 1) < 1e-4 and naive_log_c(few)[0].isnan()
assert abs(naive_log_c(few)[1] - my_log_c(few)[1]) < 1e-6, "the text says: the value is right"

# %% [markdown] slideshow={"slide_type": "fragment"}
# The naive form gives NaN at $\ell = 0$, and close to 0 its *slope* is wrong although its value is right: two large
# numbers cancel. A decoder that starts out at grey starts there.
#
# One more surprise. The mean of the coin is $\lambda$. The mean of the continuous Bernoulli is not: it is
# $1 / (1 - e^{-\ell}) - 1 / \ell$, always closer to ½. To place its mean at 0.1, a decoder has to send $\lambda$ to
# almost 0:

# %% tags=["nbval-check-output"]
for logit in (-1.0, -3.0, -10.0, -100.0):
    rate = 1 / (1 + math.exp(-logit))
    mean = grey_pixels.continuous_bernoulli_mean(torch.tensor(logit, dtype=torch.float64)).item()
    print(f"logit {logit:6.0f}: λ = {rate:.2g}, mean {mean:.2g}")

# %% [markdown]
# So `sigmoid(logits)` of such a model is *not* its mean image. It is blacker and whiter than what the model believes.
# When a figure praises sharp pictures, ask which of the two it shows.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A density needs a unit: bits per dimension
#
# A density at a point is no probability. On a pixel that is *always* exactly 0, a density can be raised without limit by
# piling up on 0. And it changes with the unit: on the scale 0…255 every density is 255 times smaller than on 0…1.
#
# To compare densities with probabilities, give both the same task: **code one of 256 levels**. Spread each level evenly
# over its own interval of width 1/256 (**dequantization**), $v = (255\,x + u) / 256$ with $u$ uniform on [0, 1). A density
# $p(v)$ then gives each level a probability, its integral over the interval, and by Jensen's inequality
#
# $$-\log P(\text{level}) = -\log \int_0^1 \frac{p(v)}{256}\, du \;\leq\; \mathbb E_u\big[-\log p(v)\big] + \log 256 .$$
#
# Average over pixels, divide by $\log 2$, and the unit is **bits per dimension** (bits per pixel here):
#
# $$\text{bits} = \frac{-\log p(v)}{784\, \log 2} + 8 .$$
#
# The uniform density costs 8 bits, as the raw file does. And no valid model can go below 0.


# %%
def my_dequantize(x):
    return (255 * x + torch.rand_like(x)) / 256  # each level fills its interval [k / 256, (k + 1) / 256)


def my_bits(nats):  # nats: cost of a dequantized image under a density on [0, 1]
    return nats / (784 * math.log(2)) + math.log2(256)


torch.manual_seed(0)
mine = my_dequantize(images.test[:100])
torch.manual_seed(0)
torch.testing.assert_close(mine, dequantize(images.test[:100]))
assert my_bits(0.0) == 8 and my_bits(-1000.0) == bits_per_dimension(-1000.0, levels=256)

# %% [markdown] slideshow={"slide_type": "subslide"}
# From here on every *density* is trained and tested on dequantized pixels, with fresh noise at each step. First the
# continuous Bernoulli, and beside it the network that was trained *without* the constant but is scored with it.


# %%
def dequantized(model, x, beta=1.0):
    return negative_elbo(model, dequantize(x), beta=beta)


continuous, continuous_terms = train(ContinuousBernoulli(), dequantized)
outputs_as_density = VAE(K, hidden=200, likelihood=ContinuousBernoulli())
outputs_as_density.load_state_dict(grey.state_dict())
misread = evaluate(outputs_as_density, images.test, dequantized)
bits = {"continuous Bernoulli": bits_per_dimension(continuous_terms["loss"], levels=256)}
print(f"trained with log C:    {bits['continuous Bernoulli']:.2f} bits per dimension")
print(f"trained without log C: {bits_per_dimension(misread['loss'], levels=256):.2f} bits per dimension")
assert 3.2 < bits["continuous Bernoulli"] < 4.1
assert bits_per_dimension(misread["loss"], levels=256) - bits["continuous Bernoulli"] > 2, (
    "the text says: more than two bits"
)

# %% [markdown]
# The constant that "does not matter" is worth more than two bits for each pixel. Trained without it, the decoder has no
# reason to be as sure of paper as the density rewards.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The Gaussian: σ is β
#
# The other habit is the squared error. It is the likelihood of a Gaussian with mean $m_\theta(z)$ and *some* σ:
#
# $$-\log p(x \mid z) = \frac{\lVert x - m_\theta(z) \rVert^2}{2 \sigma^2} + \frac{d}{2} \log (2 \pi \sigma^2).$$
#
# Put it into the β-VAE's loss, and multiply by σ² (which moves no minimum):
#
# $$\sigma^2 \cdot \text{loss} = \tfrac12 \lVert x - m_\theta(z) \rVert^2 \;+\; \sigma^2 \beta\; \mathrm{KL} \;+\; \text{terms without θ and φ}.$$
#
# σ and β occur only as $\sigma^2 \beta$. **For the networks there is one knob, not two**: halve σ and take four times
# the β, and nothing changes but the length of the gradient. Check it on the gradient itself:


# %%
def gradient(sigma, beta):
    """Gradient of the loss over all weights, at the weights of `grey` and with the same noise, as one vector."""
    model = VAE(K, hidden=200, likelihood=Gaussian(sigma))
    model.load_state_dict(grey.state_dict(), strict=False)  # all but σ
    model.double()
    torch.manual_seed(0)
    negative_elbo(model, images.train[:64].double(), beta=beta)["loss"].mean().backward()
    return torch.cat([weight.grad.flatten() for weight in model.parameters()])


start = gradient(sigma=0.2, beta=1.0)
for sigma, beta in ((0.1, 4.0), (0.4, 0.25), (0.1, 1.0)):
    other = gradient(sigma, beta)
    cosine, ratio = F.cosine_similarity(start, other, dim=0), other.norm() / start.norm()
    print(f"σ = {sigma}, β = {beta}: σ²β = {sigma**2 * beta:.2g}, cosine {cosine:.4f}, length {ratio:.4f} times")
    same_product = abs(sigma**2 * beta - 0.04) < 1e-9
    assert abs(cosine - 1) < 1e-9 and abs(ratio - 0.04 / sigma**2) < 1e-4 if same_product else cosine < 0.999

# %% [markdown] slideshow={"slide_type": "subslide"}
# The same direction for the same product (to rounding), another one otherwise. Adam divides by the length, so training
# runs agree too, up to rounding (one epoch here):

# %%
pair = [train(Gaussian(0.2), dequantized, epochs=1)]
pair += [train(Gaussian(0.1), lambda model, x: dequantized(model, x, beta=4.0), epochs=1)]
with torch.no_grad():
    first, second = (model.generate(model.encode(images.test)[0]) for model, _ in pair)
print(f"mean difference of a reconstructed pixel: {(first - second).abs().mean():.4f}")
print(
    "KL (nats):", *(f"{terms['kl']:.2f}" for _, terms in pair), " loss (nats):", *(f"{t['loss']:.0f}" for _, t in pair)
)
assert (first - second).abs().mean() < 0.01 and abs(pair[0][1]["kl"] - pair[1][1]["kl"]) < 0.5
assert pair[1][1]["loss"] - pair[0][1]["loss"] > 1000, "the text says: more than a thousand nats apart"

# %% [markdown] slideshow={"slide_type": "fragment"}
# The same model, with losses that lie more than a thousand nats apart. Three lessons in one:
#
# - "I use the squared error and β = 1" says nothing until you say σ. (With `((x - x_hat) ** 2).sum()` somebody chose it
#   for you. Exercise 1.)
# - Tuning β with a squared error is tuning σ. It is not a departure from the ELBO; it is a choice of likelihood.
# - But as *likelihoods* the two differ: the term without θ, $\tfrac d2 \log 2\pi\sigma^2$, says what σ costs. It is the
#   term that can tell which σ is right.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Exercise 1 · The σ nobody chose (predict, 3 minutes)
#
# A VAE's loss is `((x - x_hat) ** 2).sum((1, 2, 3)) + kl`, without any factor, on pixels in [0, 1]. As a Gaussian with
# β = 1, which σ is that?

# %%
my_sigma = ...

exercises.sigma_of_a_sum_of_squares.check(my_sigma)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Exercise 2 · The best σ in closed form (implement, 8 minutes)
#
# For given images and decoded means, which single σ makes the images most likely? Derive it from the density above, then
# write it. (Stuck? `exercises.best_sigma.hint()`, and `.solution()` in the end.)


# %%
def my_best_sigma(x, mean):
    """The one σ that makes images most likely, given their decoded means.  x, mean: (B, 1, 28, 28) -> ()."""
    ...


exercises.best_sigma.check(my_best_sigma)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Let the model find σ
#
# If σ is part of the likelihood, it is a parameter: one number, $\log \sigma$, trained with the networks. At a
# minimum its gradient is zero, and that happens where σ is the root mean squared error of the decoder's means (Rybkin
# et al. 2021 call the result a σ-VAE). Nobody has to tune β.
#
# One practical matter. Adam moves a number by about the learning rate a step, and $\log \sigma$ has a long way to go:
# from σ = 1 to about 0.14, as it turns out, farther than five epochs of such steps can take it. The package therefore
# trains a tenth of $\log \sigma$, so that each step counts ten times:


# %%
def my_log_prob(mean, x, tenth):
    """log p(x|z) in nats, (B,), from decoded means and images (B, 1, 28, 28), and a tenth of log σ."""
    log_sigma = 10 * tenth
    squares = ((x - mean) / log_sigma.exp()) ** 2  # (B, 1, 28, 28)
    return -(0.5 * squares + log_sigma + 0.5 * math.log(2 * math.pi)).sum((1, 2, 3))


tenth = torch.nn.Parameter(torch.tensor(0.0))  # the one number to train; σ starts at 1
package, x = Gaussian(1.0, learned=True), images.test[:4]
outputs = torch.zeros_like(x)  # logits: means of one half
mine, theirs = my_log_prob(outputs.sigmoid(), x, tenth), package.log_prob(outputs, x)
torch.testing.assert_close(mine, theirs)
mine.mean().backward()
theirs.mean().backward()
torch.testing.assert_close(tenth.grad, package.log_sigma_over_stride.grad)

# %% [markdown] slideshow={"slide_type": "subslide"}
# The fair comparison is a sweep: fixed σ from 0.1 to 0.8, and one run that starts at σ = 1 and moves.
#
# **Predict first.** How well will the learned σ do against the best of the sweep: worse (it has to search), as well, or
# better?

# %%
sweep = [train(Gaussian(sigma), dequantized) for sigma in (0.1, 0.2, 0.4, 0.8)]
learned, learned_terms = train(Gaussian(1.0, learned=True), dequantized)
found = learned.likelihood.sigma
sweep.append(train(Gaussian(found), dequantized))  # the value that was found, held fixed from the start
for model, terms in sweep:
    print(f"σ = {model.likelihood.sigma:.2f} fixed:   −ELBO {terms['loss']:6.0f}   KL {terms['kl']:5.1f} nats")
print(f"σ = {found:.2f} learned: −ELBO {learned_terms['loss']:6.0f}   KL {learned_terms['kl']:5.1f} nats")
assert 5 * math.ceil(len(images.train) / 128) * 4e-3 < -math.log(found), (
    "the text says: farther than such steps can take it"
)

# %%
with torch.no_grad():
    torch.manual_seed(0)
    v = dequantize(images.train)
    means = torch.cat([learned.likelihood.mean(learned(part)[0]) for part in v.split(1000)])  # z drawn, as in training
    error = (v - means).square().mean().sqrt().item()
again, again_terms = train(Gaussian(1.0, learned=True), dequantized, seed=1)
small, small_terms = train(Gaussian(0.05, learned=True), dequantized)
best_fixed, at_found = min(terms["loss"] for _, terms in sweep), sweep[-1][1]["loss"]
print(f"learned σ {found:.3f}; root mean squared error on the training images {error:.3f}")
print(f"another seed:    σ {again.likelihood.sigma:.3f}, −ELBO {again_terms['loss']:.0f} nats")
print(f"started at 0.05: σ {small.likelihood.sigma:.3f}, −ELBO {small_terms['loss']:.0f} nats")
assert abs(found / error - 1) < 0.05, "the text says: it is the root mean squared error"
assert best_fixed - learned_terms["loss"] > 40, "the text says: better than every fixed σ of the sweep"
assert at_found - learned_terms["loss"] > 40, "the text says: better than the same σ held fixed"
assert abs(again_terms["loss"] - learned_terms["loss"]) < 30 and 0.11 < found < 0.16
assert abs(small.likelihood.sigma - found) < 0.02, "the text says: nearly the same σ"
assert small_terms["loss"] - learned_terms["loss"] > 300, "the text says: more than 300 nats worse"
bits["Gaussian, one learned σ"] = bits_per_dimension(learned_terms["loss"], levels=256)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Better than every fixed σ, and hardly by luck: a second seed of the learned σ lands within 30 nats. The learned σ
# ends at the root mean squared error of its own reconstructions, as the closed form says.
#
# The last row of the sweep is the surprising one: it holds the *very same* σ fixed from the start, and ends many nats
# worse. So the value is only half of it; the other half is the **way** there. Our reading: while the decoder is still
# poor, σ is large, which is a large β: first the coarse things at a low price, then finer ones. It is a schedule that
# nobody had to write.
#
# Then where σ starts should matter, and it does: started at 0.05, it comes to nearly the same σ and ends more than
# 300 nats worse. So let it start large. Five epochs are few; how much of the difference survives longer training we
# have not measured.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Move σ
#
# - From the smallest σ to the largest: what happens to the reconstruction, and what to the draws from the prior? At which σ
#   do the two look most alike?
# - Tick the box. A *sample* of this model is a mean **plus noise of size σ on every pixel**. Which of the pictures would
#   you have called a sample?

# %%
explorer = SigmaExplorer(
    [model for model, _ in sweep] + [learned], [terms for _, terms in sweep] + [learned_terms], images.test
)
explorer

# %% [markdown] slideshow={"slide_type": "subslide"}
# The same without a kernel:

# %%
shown, (left, right) = plots.figure(
    1,
    2,
    title="A larger σ is a larger β: less information in the code; the learned σ has the best bound",
    alt="Left: KL against σ for fixed σ from 0.1 to 0.8: it falls from about 65 to about 6 nats. Right: minus ELBO in bits "
    "per dimension against σ; a curve, flat and lowest from 0.14 to 0.2, and below it the star of the learned σ.",
    size=(7.5, 3.1),
)
fixed = sorted(((model.likelihood.sigma, terms) for model, terms in sweep), key=lambda pair: pair[0])
sigmas = [sigma for sigma, _ in fixed]
left.plot(sigmas, [terms["kl"] for _, terms in fixed], "o-", color=plots.VAE, linewidth=2)
left.plot(found, learned_terms["kl"], "*", color=plots.EXACT, markersize=14)
left.set(ylabel="KL (nats per image)", ylim=(0, None))
right.plot(sigmas, [bits_per_dimension(t["loss"], levels=256) for _, t in fixed], "o-", color=plots.VAE, linewidth=2)
right.plot(found, bits["Gaussian, one learned σ"], "*", color=plots.EXACT, markersize=14)
right.text(found * 1.1, bits["Gaussian, one learned σ"] - 0.03, "learned", va="center")
right.text(0.42, bits_per_dimension(fixed[-2][1]["loss"], levels=256) - 0.1, "fixed", color=plots.VAE, va="top")
right.set(ylabel="−ELBO (bits per dimension)")
for axes in (left, right):
    axes.set_xscale("log", base=2)
    axes.set_xticks([0.1, 0.2, 0.4, 0.8], ["0.1", "0.2", "0.4", "0.8"])
    axes.set_xlabel("σ of the decoder")
shown

# %%
kls = [terms["kl"] for _, terms in fixed]
assert kls == sorted(kls, reverse=True) and 50 < kls[0] < 80 and kls[-1] < 10, "the figure says: from about 65 to 6"
two_lowest = sorted((terms["loss"], sigma) for sigma, terms in fixed)[:2]
assert {sigma for _, sigma in two_lowest} == {sigmas[1], sigmas[2]} and two_lowest[1][0] - two_lowest[0][0] < 40, (
    "the figure says: flat and lowest there"
)


def reconstruction_rmse(model):
    with torch.no_grad():
        return (images.test - model.generate(model.encode(images.test)[0])).square().mean().sqrt().item()


fixed_rmse = {model.likelihood.sigma: reconstruction_rmse(model) for model, _ in sweep}
for sigma, value in sorted(fixed_rmse.items()):
    print(f"σ = {sigma:.2f} fixed:   root mean squared error of reconstructions {value:.3f}")
print(f"σ = {found:.2f} learned: root mean squared error of reconstructions {reconstruction_rmse(learned):.3f}")
assert max(fixed_rmse.values()) == fixed_rmse[sigmas[-1]] > 1.1 * fixed_rmse[sigmas[0]], "the title says: blurs"
assert reconstruction_rmse(learned) < min(fixed_rmse.values())

# %% slideshow={"slide_type": "subslide"}
prior = torch.randn(5, K, generator=torch.Generator().manual_seed(1))
chosen = [sweep[0][0], learned, sweep[2][0], sweep[3][0]]
with torch.no_grad():
    rows = [torch.cat([model.generate(model.encode(images.test[:5])[0]), model.generate(prior)]) for model in chosen]
plots.show_images(
    rows + [images.test[:5]],
    row_labels=["σ = 0.1", f"σ = {found:.2f}, learned", "σ = 0.4", "σ = 0.8", "test images"],
    titles=["rebuilt"] * 5 + ["prior"] * 5,
    title="A large σ blurs the reconstructions; at a small fixed σ the draws are tangled",
    alt="Five reconstructions and five prior draws for four values of σ. At 0.1 the strokes are detailed and the draws are "
    f"tangled; at the learned {found:.2f} similar and cleaner; at 0.4 soft; at 0.8 soft grey digits. In the last row, "
    "the five test images.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A σ for every pixel: the trap
#
# Why one σ for all pixels? The corner is always paper, the middle is anyone's guess. Give the decoder a second output
# channel, $\log \sigma^2$ of each pixel. It is the natural next step, and the Gaussian decoder of Kingma & Welling
# (2014, appendix C.2).
#
# **Predict first.** 117 pixels are 0 in all 8,000 training images. Which mean and σ will the decoder give them, and what
# does $-\log p$ of such a pixel become?

# %% tags=["nbval-check-output"]
floors = [0.1, 0.01, 0.001, 0.0001]
for sigma in floors:
    cost = 0.5 * math.log(2 * math.pi * sigma**2)  # nats of a pixel at its mean
    print(f"σ = {sigma}: {cost:+.2f} nats = {cost / math.log(2) + 8:+.2f} bits a pixel")
flat = 1 / 12 / 256**2  # variance of a dequantized constant pixel
best = 0.5 * math.log(2 * math.pi * math.e * flat) / math.log(2) + 8
print(f"dequantized: at best {best:.2f} bits, at σ = {flat**0.5:.4f}")

# %% [markdown]
# The next cells draw two curves. *Left:* one pixel that is always paper, under a Gaussian centred on it, over σ: once as
# it is in the file (raw), once dequantized, when it fills an interval of width 1/256 and has the variance
# 1/(12 · 256²). *Right:* no network at all. Each of the 784 pixels gets the mean and the variance that it has over the
# training images, but no σ below the value on the axis. Without that limit, the same model is then scored on the test
# images.

# %%
grid = torch.logspace(-4.5, -1, 200, dtype=torch.float64)  # values of σ
torch.manual_seed(0)
curves = {}  # of one constant pixel, and of all training images, in bits per dimension
for label, variance, data in (("raw", 0.0, images.train), ("dequantized", flat, dequantize(images.train))):
    nats = 0.5 * (2 * math.pi * grid**2).log() + variance / (2 * grid**2)  # (200,)  a pixel that was constant
    spread = data.double().var(0, correction=0).flatten()  # (784,)
    sigma2 = torch.maximum(spread, grid[:, None] ** 2)  # (200, 784)  each pixel's best σ², not below the floor
    total = 0.5 * ((2 * math.pi * sigma2).log() + spread / sigma2).sum(1)  # (200,)  nats per training image
    curves[label] = nats / math.log(2) + 8, total / (784 * math.log(2)) + 8
logs = torch.maximum(images.train.double().var(0, correction=0), torch.tensor([1e-8, 1e-10]).view(2, 1, 1, 1)).log()
per_decade = 0.5 * (logs[0] - logs[1]).sum().item()
no_code = curves["dequantized"][1][0].item()  # at the left end
print(f"each factor of ten in the smallest σ: {per_decade:.0f} nats per image, {never_inked} pixels")
print(f"dequantized, without any code: {no_code:.2f} bits per dimension of the training images")
assert abs(per_decade - never_inked * math.log(10)) < 15 and abs(best - 0.25) < 0.01
assert abs(no_code - 6) < 0.1, "the text says: about 6 bits"

# %%
torch.manual_seed(1)
v, v_test = dequantize(images.train), dequantize(images.test).double()
mean, sigma2 = v.mean(0, dtype=torch.float64), v.double().var(0, correction=0)  # (1, 28, 28) each
on_test = 0.5 * ((2 * math.pi * sigma2).log() + (v_test - mean) ** 2 / sigma2).sum((1, 2, 3))  # (2000,)  nats
no_code_test = bits_per_dimension(on_test.mean().item(), levels=256)
print(f"the same model on the test images: {no_code_test:.2f} bits; dearest image: {on_test.max():.0f} nats")
assert bits["Gaussian, one learned σ"] - no_code_test > 0.5, "the text says: better by more than half a bit"
assert abs(no_code_test - 6.4) < 0.1 and on_test.max() > 1e5, "the text says: 6.4 bits; one image, 100,000 nats"

# %% slideshow={"slide_type": "subslide"}
shown, (left, right) = plots.figure(
    1,
    2,
    title="On raw pixels a score can be bought without learning anything; dequantized pixels have a floor",
    alt="Left: bits for a constant pixel against its σ. Raw: a straight line that falls below zero at σ = 0.0016. "
    "Dequantized: it stops at 0.25 bits and rises again. Right: bits per dimension of the training images for a Gaussian "
    "fitted to each pixel, no latent code, against the smallest σ allowed: raw falls on and on, dequantized is flat.",
    size=(7.5, 3.2),
)
for (label, (pixel, whole)), colour in zip(curves.items(), (plots.WRONG, plots.EXACT), strict=True):
    left.plot(grid, pixel, color=colour, linewidth=2)
    right.plot(grid, whole, color=colour, linewidth=2, label=label)
left.axhline(0, color=plots.MUTED)
left.set(ylim=(-5.5, 8), ylabel="bits for a constant pixel", xlabel="its σ")
right.set(ylabel="bits per dimension", xlabel="smallest σ allowed (training images)")
for axes in (left, right):
    axes.set_xscale("log")
right.legend(loc="upper left")
shown

# %% [markdown] slideshow={"slide_type": "fragment"}
# There is no best σ: the smaller, the better, without end. Each factor of ten is a gift of about 270 nats per image,
# for the 117 pixels in which there is nothing to learn. Below σ = 0.0016 such a pixel costs fewer than *zero* bits,
# which no code can. The likelihood is **unbounded** (Mattei & Frellsen 2018), so its maximum means nothing; in
# practice the smallest σ is whatever a clamp, an epsilon or the learning rate happens to allow, and two papers with
# two epsilons have two scores. (The continuous Bernoulli has the same hole with a slower leak: at x = 0 its density
# is about $|\ell|$.)
#
# Dequantization cures the *score*: no density can get a constant pixel below 0 bits, and no Gaussian below 0.25.

# %% [markdown] slideshow={"slide_type": "subslide"}
# But see where the black line ends: about 6 bits, with no latent code at all. On test images it is 6.4, more than
# half a bit better than the VAE with one σ, from a model that knows only each pixel's average and spread. (One
# image has ink where no training image had any, and alone costs more than 100,000 nats.)
#
# Does a VAE with a σ for each pixel make good use of this freedom?

# %%
pixelwise, pixelwise_terms = train(PixelGaussian(smallest_sigma=1e-4), dequantized)
second, second_terms = train(PixelGaussian(smallest_sigma=1e-4), dequantized, seed=1)
bits["Gaussian, σ of each pixel"] = bits_per_dimension(pixelwise_terms["loss"], levels=256)
second_bits = bits_per_dimension(second_terms["loss"], levels=256)

one, each = bits["Gaussian, one learned σ"], bits["Gaussian, σ of each pixel"]
for name, model, value, terms in (
    ("one σ", learned, one, learned_terms),
    ("pixel σ", pixelwise, each, pixelwise_terms),
    ("another seed", second, second_bits, second_terms),
):
    rmse = reconstruction_rmse(model)
    print(f"{name:12} {value:.2f} bits; KL {terms['kl']:.0f} nats; root mean squared error {rmse:.3f}")
assert one - max(each, second_bits) > 0.4, "the text says: the score improves"
assert all(0.3 < no_code_test - value < 1 for value in (each, second_bits)), "the text says: half a bit or so below"
shares = [terms["kl"] / learned_terms["kl"] for terms in (pixelwise_terms, second_terms)]
assert 0.35 < min(shares) and max(shares) < 0.65, "the text says: about half as many nats"
worse = min(map(reconstruction_rmse, (pixelwise, second))) / reconstruction_rmse(learned)
assert worse > 1.5, "the text says: larger by more than half"

# %% [markdown] slideshow={"slide_type": "fragment"}
# Not much. The score is better than with one σ, and half a bit or so below the 6.4 of the model without any code. But
# the code carries about half as many nats as with one σ, and the reconstructions are *worse*: their error is larger
# by more than half.
#
# Why? The gradient of $\log p(x \mid z)$ with respect to a mean $m$ is $(x - m) / \sigma^2$. For the same error, a
# paper pixel with σ = 0.002 pulls ten thousand times as hard as a stroke pixel with σ = 0.2; and a decoder that does
# badly on strokes can declare them noise, after which they pull even less (Seitzer et al. 2022). Better likelihood,
# worse pictures: both numbers are right, and they measure different things.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Probabilities of levels: the discretized logistic
#
# The pixel is one of 256 levels. So why not a probability for each? Take a bell whose *cumulative* distribution
# function has a closed form: the logistic, for which it is the sigmoid. Give each level the area of its bin:
#
# $$P(k) = \mathrm{sigmoid}\Big(\frac{(k + \frac12)/255 - c}{s}\Big) - \mathrm{sigmoid}\Big(\frac{(k - \frac12)/255 - c}{s}\Big),$$
#
# where the first bin begins at −∞ and the last ends at +∞ (Salimans et al. 2017). Centre $c$ and scale $s$ are the decoder's
# two channels. $c$ may leave [0, 1]: that is how a pixel becomes surely paper.


# %% tags=["nbval-check-output"]
def my_level_probabilities(centre, scale):
    """P of all 256 levels, (256,), float64."""
    edges = (torch.arange(255, dtype=torch.float64) + 0.5) / 255  # (255,)  between the levels
    below = ((edges - centre) / scale).sigmoid()  # (255,)  cumulative distribution at the edges
    return torch.cat([torch.zeros(1), below, torch.ones(1)]).diff()  # (256,)


levels_of_x = torch.arange(256, dtype=torch.float64) / 255
for centre, scale in ((0.5, 0.1), (0.98, 0.05), (-0.3, 0.05), (0.2, 0.001)):
    mine = my_level_probabilities(centre, scale)
    parameters = (torch.full_like(levels_of_x, value) for value in (centre, math.log(scale)))
    theirs = grey_pixels.discretized_logistic_log_likelihood(*parameters, levels_of_x).exp()
    torch.testing.assert_close(mine, theirs, atol=1e-12, rtol=1e-6)
    print(f"centre {centre:5}, scale {scale}: sum {mine.sum():.6f}, P(paper) = {mine[0]:.3f}")

# %% [markdown]
# It sums to one whatever the decoder says. A probability is at most 1, so no pixel can cost less than 0 bits: the trap is
# gone, without noise, without a floor. And a constant pixel can cost (almost) nothing. (The package takes the logarithm of
# the difference of two sigmoids without cancellation; `grey_pixels.py` says how.)

# %%
logistic, logistic_terms = train(DiscretizedLogistic())
bits["discretized logistic"] = bits_per_dimension(logistic_terms["loss"])  # a probability already: no + 8
print(f"{bits['discretized logistic']:.2f} bits; root mean squared error {reconstruction_rmse(logistic):.3f}")
assert 1.5 < bits["discretized logistic"] < 1.95 and reconstruction_rmse(logistic) < 1.2 * reconstruction_rmse(learned)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One table, and what must stay out of it
#
# Every row now answers one question: how many bits per pixel to code the 2,000 test images? Two rivals
# without any network belong beside them: a **histogram** of each pixel's 256 levels in the training set (no latent code, no
# neighbours), and a general-purpose file compressor, **xz**.
#
# **Predict first.** Which of the four VAEs beat the file compressor?

# %%
counts = torch.stack([pixel.bincount(minlength=256) for pixel in levels.flatten(1).T]).float()  # (784, 256)
histogram = (counts + 1) / (counts + 1).sum(1, keepdim=True)  # (784, 256)
test_levels = (255 * images.test).round().long().reshape(-1, 784)  # (2000, 784)
bits["histogram of each pixel"] = -histogram.log2()[torch.arange(784), test_levels].mean().item()
packed = lzma.compress(test_levels.byte().numpy().tobytes())
bits["xz, a file compressor"] = 8 * len(packed) / test_levels.numel()
for name, value in bits.items():
    print(f"{name:26} {value:.2f} bits per dimension")
at_its_mean = math.log2(found * math.sqrt(2 * math.pi)) + 8  # minus the log-density at the mean, in bits
print(f"Gaussian with σ = {found:.2f}, at its mean: {at_its_mean:.2f} bits a pixel")
assert 6 < at_its_mean < 7

# %% slideshow={"slide_type": "subslide"}
shown, axes = plots.figure(
    title="Only the likelihood that knows the levels comes near the compressor; none beats it",
    alt="Bars of bits per dimension: Gaussian with one learned σ about 7.2, Gaussian with a σ of each pixel between 5 and 6.5, "
    "continuous Bernoulli about 3.5, discretized logistic about 1.7, histogram of each pixel 1.7, xz 1.4.",
    size=(7.5, 2.9),
)
order = sorted(bits, key=bits.get, reverse=True)
colours = [plots.MUTED if name[0] in "hx" else plots.VAE for name in order]
axes.barh(order, [bits[name] for name in order], color=colours)
for place, name in enumerate(order):
    axes.text(bits[name] + 0.06, place, f"{bits[name]:.2f}", va="center")
axes.set(xlim=(0, 8.4), xlabel="bits per dimension of the test images (lower is better; raw file: 8)")
axes.grid(axis="y", visible=False)
shown

# %%
vaes = [bits[name] for name in bits if name[0] not in "hx"]
assert min(vaes) == bits["discretized logistic"] > bits["xz, a file compressor"] + 0.1, "the title says: none beats it"
assert abs(bits["discretized logistic"] - bits["histogram of each pixel"]) < 0.15, (
    "the text says: as many as the histogram"
)
assert bits["continuous Bernoulli"] > 2 * bits["histogram of each pixel"]

# %% [markdown] slideshow={"slide_type": "fragment"}
# None. The best of the VAEs needs about as many bits as a histogram that does not know what a digit is. Why?
#
# - Four of five pixels are *exactly* 0. The histogram has counted that, and the discretized logistic can send its centre
#   below 0, where the open bin collects all of the mass: both say "paper" for next to nothing. A density must hit
#   an interval of width 1/256. A Gaussian with the learned σ pays more than 6 bits for a paper pixel even when its
#   mean is exactly right (last line above).
# - A histogram can say "0 or 255, rarely between". One bell cannot. Mixtures of logistics can (Salimans et al. 2017).
# - All VAE numbers are upper bounds (−ELBO), of five epochs on 8,000 images, with independent pixels given z.
#
# A likelihood is a ruler for the whole image, and on these images most of it measures paper. So this is a verdict
# about digits: on clothes, where half of the page is cloth, in one run the logistic draws level with the compressor
# and beats the histogram clearly. (Notebook 00 says how to run a lesson on them.)

# %% [markdown] slideshow={"slide_type": "subslide"}
# What must stay out of the table, and why:
#
# | Number | Why it is not comparable |
# |---|---|
# | cross-entropy on grey pixels | no distribution over grey images; a bound for coin-flipped ones |
# | nats on binarized digits | another data set: 784 coins; and thresholded and flipped digits differ as well |
# | a density on raw pixels | unbounded; changes with the unit, the floor of σ, the epsilon |
# | a squared error | no likelihood until somebody says σ |
# | a loss with β ≠ 1 | for β < 1 no bound on log p(x); for β > 1 a looser one |

# %% [markdown] slideshow={"slide_type": "slide"}
# ## And the pictures?
#
# **Predict first.** Which of the four VAEs in the table has the smallest squared error: the best in bits, the worst,
# or one between?

# %%
models = {  # from the best in bits to the worst
    "discretized logistic": logistic,
    "continuous Bernoulli": continuous,
    "Gaussian, σ of each pixel": pixelwise,
    "Gaussian, one learned σ": learned,
    "Bernoulli": grey,  # no density of grey pixels, no bits
}
few = images.test[:9]
with torch.no_grad():
    outputs = {name: model.decode(model.encode(few)[0]) for name, model in models.items()}
means = {name: model.likelihood.mean(outputs[name]) for name, model in models.items()}
scored = [name.replace(", ", ",\n") + (f"\n{bits[name]:.2f} bits" if name in bits else "\nno bits") for name in means]
plots.show_images(
    [few, *means.values()],
    row_labels=["test image", *scored],
    title="Better bits are not better pictures",
    alt="Six rows of nine pictures: test images, then the means of four models from the best in bits to the worst, and "
    "of the Bernoulli, which has no bits. Logistic, Gaussian with one σ and Bernoulli: clear digits. Continuous Bernoulli and "
    "Gaussian with a σ of each pixel: blurred, though their bits are better than those of one σ.",
)

# %% [markdown] slideshow={"slide_type": "subslide"}
# Those were means. For three of the models, here is what else the decoder says: λ of the continuous Bernoulli, and a
# *draw* of all pixels from each of the other two.

# %%
dice = torch.Generator().manual_seed(0)
rows = {"continuous Bernoulli, mean": means["continuous Bernoulli"]}
rows["continuous Bernoulli, λ"] = outputs["continuous Bernoulli"].sigmoid()
for name, short in (("Gaussian, one learned σ", "Gaussian"), ("discretized logistic", "logistic")):
    rows[f"{short}, mean"] = means[name]
    rows[f"{short}, drawn"] = models[name].likelihood.sample(outputs[name], dice).clamp(0, 1)
plots.show_images(
    list(rows.values()),
    row_labels=list(rows),
    title="A mean is not a sample, and λ is not a mean",
    alt="Three pairs of rows. Continuous Bernoulli: a soft grey mean above a λ of hard black and white. Gaussian with "
    "one σ: a clean mean above a draw with noise on all of the page. Logistic: a clean mean above a draw with noisy strokes.",
)

# %%
errors = {name: reconstruction_rmse(model) for name, model in models.items()}
with torch.no_grad():
    rates = continuous.decode(continuous.encode(images.test)[0]).sigmoid()
errors["cont. Bernoulli, λ"] = (images.test - rates).square().mean().sqrt().item()
for name, value in errors.items():
    print(f"{name:25} root mean squared error {value:.3f}")
assert [name for name in models if name in bits] == [name for name in reversed(order) if name in models]
assert min(errors, key=errors.get) == order[0] == "Gaussian, one learned σ", "the text says: best by error, most bits"
assert errors["cont. Bernoulli, λ"] > errors["continuous Bernoulli"] + 0.01, "the text says: λ is further off"

# %% [markdown] slideshow={"slide_type": "fragment"}
# The order by bits and the order by error are not the same, and the best by error has the most bits of all. The Gaussian
# with one σ is what you train if you want small squared errors, and the worst code of the table. Likelihood, error and
# how a picture looks are three yardsticks. Theis et al. (2016) show for the first and the last that in high dimensions
# either can be good while the other is bad.
#
# **So which?** For binary data: Bernoulli. For levels and an honest likelihood: discretized logistic, or a mixture of
# them. For a quick, well-behaved VAE on real-valued data: a Gaussian with *one* learned σ. Cross-entropy on grey
# pixels is a fine loss (this series keeps using it), if you call its value what it is. A σ for each pixel only with
# dequantized data, and with a look at the pictures.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercises
#
# ### Exercise 3 · A Gaussian for grey levels (implement, 12 minutes)
#
# What was done to the logistic can be done to any density with a known cumulative distribution function. Write log P(level)
# for a Gaussian cut into 256 bins, whose outermost bins are open. For N(0, 1) that function is `torch.special.ndtr`.
# Add no small number inside the logarithm: it shows in rare levels.


# %%
def my_level_log_probability(mean, sigma, levels):
    """log P(level) under N(mean, sigma²) cut into 256 bins.  mean, sigma, levels (0 ... 255): (N,) -> (N,)."""
    ...


exercises.level_log_probability.check(my_level_log_probability)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Exercise 4 · The β hidden in a σ (investigate, 10 minutes)
#
# `sweep[2][0]` is the model that was trained with σ = 0.4 and β = 1. Let $s$ be the σ that fits this model's
# reconstructions of the test images (decode the encoder's means; no dequantization). A Gaussian with σ = $s$ and
# which β trains exactly like σ = 0.4 and β = 1? Compute it to three digits; do not use the rounded table.

# %%
my_beta = ...

exercises.hidden_beta.check(my_beta, sweep[2][0], images, 0.4)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## To take with you
#
# **Remember.**
# - A likelihood sums to one. Cross-entropy on grey pixels does not: at most ½ a pixel, about $e^{-1240}$ for an image. It *is*
#   the average cost of coin flips.
# - σ and β of a Gaussian decoder are one knob, σ²β. A learned σ becomes the root mean squared error, and on its way
#   there lowers β by itself, if it starts large.
# - A σ for each pixel on raw data has no maximum likelihood: the score is bought with constant pixels.
# - Bits per dimension compare densities and probabilities, if all are asked about the same levels: dequantize.
#
# **What could fool you.** A density that beats a probability. Two MNISTs. λ shown as a mean, a mean shown as a sample. A
# better likelihood taken for a better picture, or the other way round.
#
# **Sources.** Loaiza-Ganem & Cunningham (2019), arXiv:1907.06845, section 3: the continuous Bernoulli. Rybkin et al. (2021),
# *Simple and effective VAE training with calibrated decoders*, arXiv:2006.13202: the learned σ. Theis et al. (2016),
# arXiv:1511.01844, section 3: dequantization; likelihood and looks. Mattei & Frellsen (2018), arXiv:1802.04826: the
# unbounded likelihood. Seitzer et al. (2022), arXiv:2203.09168: what a learned σ does to the mean. Salimans et al. (2017),
# arXiv:1701.05517, section 2.1: the discretized logistic. Kingma & Welling (2014), arXiv:1312.6114, appendix C.2: the
# Gaussian decoder. Burda et al. (2016), arXiv:1509.00519: coin-flipped digits. That "BCE is the likelihood for images in
# [0, 1]" is folklore.
#
# **Next:** [08 · Rate, distortion, collapse: what does β buy?](08_rate_distortion_collapse.ipynb) σ²β is a price for
# information. What does each price buy, and when does the code fall silent?
