# %% [markdown] slideshow={"slide_type": "slide"}
# # 04 · What are we maximising, and what does the KL do?
#
# Notebook 03 ended with a wish: a q close to the posterior. But the posterior is what we cannot compute. How do you
# come close to a target that you cannot see?
#
# After this notebook you can
# - derive the **ELBO** in two ways, and say exactly how far below log p(x) it lies;
# - write the KL term of a VAE, check it against sampling, and say what a nat of it buys;
# - keep apart the three KL divergences that people mix up, and say what each one does to an encoder.
#
# Needs: 03 (prior, likelihood, posterior, and why an encoder should say where to look). Reading: 40 minutes.
# Run All: about 15 seconds on two cores.

# %% slideshow={"slide_type": "skip"}
import math

import torch
from torch.distributions import Normal, kl_divergence

from vae_utils import exercises, plots
from vae_utils.distributions import kl_to_standard_normal
from vae_utils.plots import figure
from vae_utils.plots.ledger import draw_ledger
from vae_utils.toy import ToyModel
from vae_utils.widgets.posterior import PosteriorExplorer

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One observation, three guesses
#
# The integral p(x) = ∫ p(x|z) p(z) dz is hopeless to estimate with z drawn from the
# prior, because almost none of those z explain x. So let an encoder say where to look: a density q(z), made for this
# one x.
#
# Which q? The ideal is the posterior p(z|x) = p(x, z) / p(x). But the posterior needs p(x), and p(x) is the number that
# we could not get. This notebook breaks the circle: it finds a score for q that needs neither.
#
# We stay with the toy, where every answer can be looked up. One latent number z ~ N(0, 1), one observed number
# x ~ N(f(z), 0.5²), with the decoder f(z) = z + 0.8 sin 2z. We observe x = 2, and here are three guesses for q.

# %% slideshow={"slide_type": "-"}
toy, x = ToyModel(noise=0.5, curve="wave"), 2.0
guesses = {"wide": (1.0, -0.5), "narrow": (0.9, -4.0), "between": (1.1, -2.0)}  # name: (mu, logvar) of q
dashes = {"wide": "--", "narrow": ":", "between": "-"}


def q_of(mu, logvar):
    """The Gaussian N(mu, exp(logvar)), in double precision."""
    mu, logvar = (torch.as_tensor(value, dtype=torch.float64) for value in (mu, logvar))
    return Normal(mu, (0.5 * logvar).exp())


shown, axes = figure(
    title="Three guesses for q, and the answer that is normally hidden",
    alt="Densities over z. The exact posterior, in black, rises steeply at 0.3, peaks at 0.9 and falls slowly until 3. "
    "The wide guess spreads from -1 to 3, the narrow one is a spike at 0.9, the third follows the posterior roughly.",
)
axes.fill_between(toy.grid, toy.posterior(x), color=plots.EXACT, alpha=0.12, linewidth=0)
axes.plot(toy.grid, toy.posterior(x), color=plots.EXACT, linewidth=2, label="exact posterior p(z|x)")
for name, parameters in guesses.items():
    density = q_of(*parameters).log_prob(toy.grid).exp()
    axes.plot(toy.grid, density, dashes[name], color=plots.ENCODER, linewidth=2, label=f"q, {name}")
axes.set(xlim=(-1.5, 4), ylim=(0, 3.1), xlabel="z (prior standard deviations)", ylabel="density (per unit of z)")
axes.legend()
shown

# %% [markdown] slideshow={"slide_type": "subslide"}
# The black curve is the answer at the back of the book. With images you never see it. What you *can* compute is the
# joint density p(x, z) = p(z) p(x|z), at any z you like: one pass through the decoder.
#
# **Predict first.** Rank the three guesses by eye. Then write down how you would rank them *without* the black curve,
# from p(x, z) and q(z) alone.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## First derivation: from an average to a bound
#
# Divide and multiply by q. For any q that is positive wherever the joint density is,
#
# $$p(x) = \int q(z)\,\frac{p(x, z)}{q(z)}\,dz = \mathbb{E}_{q}\big[w(z)\big], \qquad w(z) = \frac{p(x, z)}{q(z)}.$$
#
# In words: draw z from q, give it the **weight** w(z), and the weights average to p(x), whichever q you chose.
# These are the weights of notebook 03.
#
# We want the logarithm, because likelihoods of many images multiply and we train on sums. But the log of an average is
# not the average of the logs: the curve bends downwards, so a large weight gains less than a small weight loses.

# %% slideshow={"slide_type": "-"}
shown, (left, right) = figure(
    1,
    2,
    title="Moving the log inside the average loses, unless all weights are equal",
    alt="Left: the logarithm; two weights 0.2 and 1.8 average to 1, whose log is 0, but their logs average to -0.51. "
    "Right: log w over z for the three guesses. It is far from constant for the wide guess, close to the constant "
    "log p(x) for the guess between: only weights that are all equal lose nothing.",
)
w = torch.linspace(0.08, 2.2, 200)
left.plot(w, w.log(), color=plots.EXACT, linewidth=2)
left.plot([0.2, 1.8], [math.log(0.2), math.log(1.8)], "o-", color=plots.MUTED, linewidth=2)
left.plot([1, 1], [0, math.log(0.36) / 2], "o-", color=plots.WRONG, linewidth=2)
left.text(0.92, 0.12, "log of the average: 0", ha="right", fontsize=9)
left.text(1.06, -0.72, "average of the\nlogs: −0.51", fontsize=9, va="center")
left.set(xlim=(-0.3, 2.3), xlabel="weight w", ylabel="log w (nats)")
right.axhline(toy.log_marginal(x), color=plots.EXACT, linewidth=1.6)
right.text(-0.5, toy.log_marginal(x) + 0.2, "log p(x)", fontsize=9)
for name, parameters in guesses.items():
    q = q_of(*parameters)
    z = q.mean + q.stddev * torch.linspace(-2, 2, 101)  # (101,)  where 95% of q lies
    log_w = toy.log_joint(x, z) - q.log_prob(z)  # (101,)
    right.plot(z, log_w, dashes[name], color=plots.ENCODER, linewidth=2, label=name)
right.set(xlim=(-0.6, 2.7), ylim=(-6.5, 0.2), xlabel="z", ylabel="log w(z) (nats)")
right.legend(loc="lower right")
shown

# %% [markdown] slideshow={"slide_type": "subslide"}
# That is **Jensen's inequality** for the logarithm, and it gives the bound in one line:
#
# $$\log p(x) = \log \mathbb{E}_{q}\big[w(z)\big] \;\geq\; \mathbb{E}_{q}\big[\log w(z)\big]
# = \mathbb{E}_{q}\big[\log p(x, z) - \log q(z)\big] =: \mathrm{ELBO}(q).$$
#
# p(x) is also called the **evidence**, so the right-hand side is the **evidence lower bound**, ELBO: an average
# under q (which you can sample) of the difference of two log-densities (which you can evaluate). Its unit is nats. It is
# the score that was asked for.
#
# When is nothing lost? When all weights are equal: p(x, z) / q(z) must not depend on z. Then q(z) is proportional to
# p(x, z), and the only such density is the posterior. Look at the right panel again: the flatter the line, the better
# the guess.


# %% slideshow={"slide_type": "-"} tags=["nbval-check-output"]
def elbo(toy, x, mu, logvar):
    """E_q[log p(x, z) - log q(z)] for q = N(mu, exp(logvar)), in nats, by a sum over the grid."""
    log_q = q_of(mu, logvar).log_prob(toy.grid)  # (G,)
    log_w = toy.log_joint(x, toy.grid) - log_q  # (G,)  log of the weight
    return (log_q.exp() * log_w).sum() * toy.spacing  # ()  average of log w under q


scores = {name: elbo(toy, x, *parameters).item() for name, parameters in guesses.items()}
for name, score in scores.items():
    print(f"{name:8} ELBO {score:6.2f} nats")
print(f"{'':8} log p(x) {toy.log_marginal(x):.2f} nats")
assert all(abs(score - toy.elbo(x, *guesses[name])) < 1e-8 for name, score in scores.items())  # as in vae_utils
assert scores["wide"] < scores["narrow"] < scores["between"] < toy.log_marginal(x)

# %% [markdown] slideshow={"slide_type": "fragment"}
# "Between" wins, and the black curve was not used. The other two may have surprised you: the narrow guess misses much
# of the posterior, but the wide one loses more, because it puts mass where p(x, z) is nearly zero (the plunge in the
# right panel). No guess exceeds log p(x), as promised.
#
# The sum over the grid is exact to many digits, and possible only because z is one number. A VAE does the same with
# samples: draw z from q, average log w. That estimate is unbiased for the ELBO (not for log p(x)); you will write it
# below.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Second derivation: what exactly is left out
#
# Jensen says "at most". How much is missing? Start at the other end, from the thing we wish were small: the divergence
# from q to the posterior. The **Kullback–Leibler divergence** of two densities is the average log-ratio, in nats,
#
# $$\mathrm{KL}(q \,\|\, p) = \mathbb{E}_{q}\big[\log q(z) - \log p(z)\big] \;\geq\; 0, \quad\text{and 0 only if } q = p.$$
#
# (Jensen once more, with the weight p/q, whose average under q is 1.)
#
# Put in the posterior p(z|x) = p(x, z) / p(x), and note that log p(x) does not depend on z:
#
# $$\mathrm{KL}\big(q \,\|\, p(z|x)\big) = \mathbb{E}_{q}\big[\log q(z) - \log p(x, z)\big] + \log p(x) = \log p(x) - \mathrm{ELBO}(q).$$
#
# Read it from right to left:
#
# $$\boxed{\;\log p(x) = \mathrm{ELBO}(q) + \mathrm{KL}\big(q \,\|\, p(z|x)\big)\;}$$
#
# An equation, not a bound, and true for every q. What Jensen lost is a KL divergence. It is called **the gap**.

# %% [markdown] slideshow={"slide_type": "subslide"}
# Three lines of algebra deserve a test that could fail. For the decoder f(z) = 1.5 z everything is Gaussian: the
# evidence is a normal density and the gap a KL between two Gaussians, both known in closed form from
# `torch.distributions`, which has never heard of our grid. For the two bent decoders the gap is summed over the grid.

# %% slideshow={"slide_type": "-"} tags=["nbval-check-output"]
random = torch.Generator().manual_seed(0)
trials = torch.rand(30, 3, generator=random, dtype=torch.float64)  # (30, 3)  x, mu, logvar
trials = 3 * trials - torch.tensor([0.0, 1.5, 3.0])  # from 0 to 3, from -1.5 to 1.5, from -3 to 0
line = ToyModel(noise=0.5, curve="line")
variance = 1.5**2 + line.noise**2  # of x
worst = 0.0
for x_, mu, logvar in trials:
    posterior = Normal(1.5 * x_ / variance, line.noise / variance**0.5)  # completing the square
    gap = kl_divergence(q_of(mu, logvar), posterior)
    evidence = Normal(0.0, variance**0.5).log_prob(x_)
    worst = max(worst, abs(elbo(line, x_.item(), mu, logvar) + gap - evidence).item())
for curve in ("wave", "square"):
    bent = ToyModel(noise=0.5, curve=curve)
    for x_, mu, logvar in trials.tolist():
        both = elbo(bent, x_, mu, logvar).item() + bent.gap(x_, mu, logvar)
        worst = max(worst, abs(both - bent.log_marginal(x_)))
print("log p(x) = ELBO + gap, for 90 combinations of decoder, x and q, to 1e-6:", worst < 1e-6)
assert worst < 1e-6

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Climb the score
#
# The left-hand side, log p(x), does not contain q. So whatever a change of q adds to the ELBO, it takes from the gap,
# nat for nat. To bring q close to a posterior that we cannot see, climb a score that we can.
#
# **Predict first.** We start with q equal to the prior and follow the gradient of the ELBO. Where will it stop? Will
# the ELBO reach log p(x)?


# %% slideshow={"slide_type": "-"}
def fit_q(toy, x, mu=0.0, logvar=0.0, steps=120):
    """Climb the ELBO from a first guess. Returns mu, logvar and ELBO before each step and at the end, (steps + 1, 3)."""
    parameters = torch.tensor([mu, logvar], dtype=torch.float64, requires_grad=True)
    climber = torch.optim.RMSprop([parameters], lr=0.03)
    path = []
    for _ in range(steps + 1):
        score = elbo(toy, x, *parameters)
        path.append([*parameters.tolist(), score.item()])
        climber.zero_grad()
        (-score).backward()
        climber.step()
    return torch.tensor(path)


path = fit_q(toy, x)  # (121, 3)
best_mu, best_logvar, best_elbo = path[-1].tolist()
best_gap = toy.gap(x, best_mu, best_logvar)
print(f"mu {best_mu:.2f}, sigma {math.exp(best_logvar / 2):.2f}, ELBO {best_elbo:.2f}, gap {best_gap:.2f} nats")

# %% slideshow={"slide_type": "-"}
shown, (left, right) = figure(
    1,
    2,
    title="Climbing the ELBO brings q to the posterior that it has never seen",
    alt="Left: q starts as the prior, moves right and narrows until it covers the exact posterior as well as a Gaussian "
    "can. Right: over the steps the ELBO rises from -11.7 to -1.8 nats, just below the constant log p(x) = -1.74; the "
    "shaded gap between them shrinks to 0.09 nats and stays.",
    size=(7.5, 3.4),
)
left.fill_between(toy.grid, toy.posterior(x), color=plots.EXACT, alpha=0.15, linewidth=0)
left.plot(toy.grid, toy.posterior(x), color=plots.EXACT, linewidth=2)
for step, opacity in ((0, 0.25), (5, 0.4), (15, 0.6), (120, 1.0)):
    density = q_of(*path[step, :2]).log_prob(toy.grid).exp()
    left.plot(toy.grid, density, color=plots.ENCODER, alpha=opacity, linewidth=2, label=f"q, step {step}")
left.set(xlim=(-2.5, 4), ylim=(0, 1.35), xlabel="z", ylabel="density (per unit of z)")
left.legend(loc="upper left")
right.fill_between(range(len(path)), path[:, 2], toy.log_marginal(x), color=plots.ENCODER, alpha=0.2, linewidth=0)
right.plot(path[:, 2], color=plots.ENCODER, linewidth=2)
right.axhline(toy.log_marginal(x), color=plots.EXACT, linewidth=1.6)
right.text(118, toy.log_marginal(x) + 0.03, "log p(x)", ha="right", fontsize=9)
right.text(118, toy.log_marginal(x) - 0.22, f"gap {best_gap:.2f}", ha="right", fontsize=9)
right.text(12, -2.25, "ELBO", color=plots.ENCODER, fontsize=9)
right.text(7, -3.13, f"starts at −{-path[0, 2]:.1f}", fontsize=9)
right.set(xlim=(0, 120), ylim=(-3.2, -1.5), xlabel="gradient step", ylabel="nats")
shown

# %% slideshow={"slide_type": "skip"}
assert 0.07 < best_gap < 0.11, "the text says: a gap of about 0.09 nats remains"
line_gap = line.gap(x, *fit_q(line, x)[-1, :2].tolist())
assert line_gap < 1e-3, "the text says: with a straight decoder the gap closes"

# %% [markdown] slideshow={"slide_type": "fragment"}
# It stops about 0.09 nats short. Nothing is wrong with the climb: this posterior is skewed, q is a Gaussian, and no
# Gaussian fits better. With a straight decoder the posterior *is* Gaussian and the gap closes (below 0.001 nats).
#
# Two consequences, one for each half of a VAE.
#
# - **The encoder φ.** Maximising the ELBO over q is minimising KL(q ‖ p(z|x)). Here we climbed for one x. A VAE lets
#   one network output μ and logvar for every image (amortization), which can only add to the gap.
# - **The decoder θ.** Raising the ELBO over θ pushes up a number that log p(x) cannot fall below. But the ELBO may
#   also rise because the gap shrank. From the ELBO alone you cannot tell which; the last section measures it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The same number, cut in another place
#
# The ELBO contains log p(x, z) = log p(x|z) + log p(z). Group the prior with q instead of with the likelihood:
#
# $$\mathrm{ELBO}(q) = \underbrace{\mathbb{E}_{q}\big[\log p(x|z)\big]}_{\text{reconstruction}}
# - \underbrace{\mathrm{KL}\big(q \,\|\, p(z)\big)}_{\text{KL to the prior}}.$$
#
# This is the form that a VAE trains on, with its sign flipped. **Reconstruction**: how well codes drawn from q
# explain x, in nats. **KL to the prior**: how far q has moved away from what was assumed before x was seen, in nats.
#
# Be careful: there are now two divergences on the page.
#
# | | KL(q ‖ p(z\|x)) | KL(q ‖ p(z)) |
# |---|---|---|
# | from q to | the posterior | the prior |
# | name | the gap | the KL term |
# | in the loss? | never: it needs p(x) | yes, in closed form |
# | at the best q | as small as the family allows | not zero, unless x says nothing about z |

# %% [markdown] slideshow={"slide_type": "fragment"}
# **Predict first.** Of the three guesses, which has the best reconstruction? Which has the smallest KL to the prior?
# Is either of them the winner, "between"?


# %% slideshow={"slide_type": "-"}
def terms(toy, x, mu, logvar):
    """(reconstruction, KL to the prior, gap) of q = N(mu, exp(logvar)), in nats."""
    kl = kl_divergence(q_of(mu, logvar), Normal(0.0, 1.0)).item()
    return elbo(toy, x, mu, logvar).item() + kl, kl, toy.gap(x, mu, logvar)


shown, panels = figure(
    1,
    3,
    title="Neither term alone finds the best guess; their difference does",
    alt="Three ledgers in nats. Wide: reconstruction -2.74, KL to the prior 0.55, gap 1.55. Narrow: -0.49, 1.91, 0.66. "
    "Between: -0.66, 1.17, 0.09. The three always add up to log p(x) = -1.74; the guess that is best in neither of the "
    "first two terms has the highest ELBO.",
    sharey=True,
    size=(7.5, 3.3),
)
for axes, (name, parameters) in zip(panels, guesses.items(), strict=True):
    draw_ledger(axes, *terms(toy, x, *parameters), floor=-4.3)
    axes.set_title(name)
panels[0].set_ylabel("nats")
shown

# %% slideshow={"slide_type": "-"} tags=["nbval-check-output"]
wide, narrow, between = (terms(toy, x, *parameters) for parameters in guesses.values())
assert narrow[0] > between[0] > wide[0]  # reconstruction
assert wide[1] < between[1] < narrow[1]  # KL to the prior
as_prior = elbo(toy, x, 0.0, 0.0).item()
mu, logvar = guesses["between"]
shortcut = toy.log_likelihood(x, torch.tensor(mu)).item() - between[1]  # at z = mu, without draws
print(f"q equal to the prior: KL term 0, ELBO {as_prior:.1f} nats")
print(f"'ELBO' with z = mu:   {shortcut:.2f} nats, above log p(x) = {toy.log_marginal(x):.2f}")
assert shortcut > toy.log_marginal(x) + 0.1, "the text says: no bound any more"
assert abs(as_prior + 11.7) < 0.1 and abs(shortcut + 1.53) < 0.01 and abs(toy.log_marginal(x) + 1.74) < 0.01

# %% [markdown] slideshow={"slide_type": "fragment"}
# Narrow reconstructs best and pays for it. Wide pays least and reconstructs badly. The winner is second in both.
#
# Two traps, with numbers. A KL term of zero is no success: q equal to the prior has it, and an ELBO of −11.7.
# And a popular shortcut evaluates the reconstruction at z = μ instead of at draws from q. The result here is
# −1.53 nats, *above* log p(x) = −1.74: no lower bound. Report ELBOs with z drawn from q.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Move q yourself
#
# One question: **how short can you make the hatched bar?** First with the curve "wave". Then switch to "line", then to
# "square", whose posterior has two peaks. The button *Best q* shows what a search finds.

# %% slideshow={"slide_type": "-"}
PosteriorExplorer(noise=0.5, x=2.0)

# %% slideshow={"slide_type": "skip"}
gaps = {}
for curve in ("wave", "line", "square"):
    search = PosteriorExplorer(noise=0.5, x=2.0, curve=curve)
    search.best()
    gaps[curve] = search.gap
assert 0.07 < gaps["wave"] < 0.11 and gaps["line"] < 0.001 and 0.69 < gaps["square"] < 0.75
assert abs(gaps["wave"] - best_gap) < 0.005, "the text says: no Gaussian fits better than the one we climbed to"

# %% [markdown] slideshow={"slide_type": "fragment"}
# At x = 2: about 0.09 nats for the wave (the panel "between" of the figure above is close to it), 0 for the line, and
# about 0.71 for the square. Remember that last number; it is nearly log 2 = 0.693, and it will be explained.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Exercise 1 · What rose? (predict, 3 minutes)
#
# A decoder is frozen. You go on training the encoder alone. The mean test ELBO rises by 3 nats per image, while its
# term KL(q ‖ p(z)), the divergence from q to the *prior*, rises by 2 nats per image. What is certain?
#
# - `"a"`: mean log p(x) of the test images rose by 3 nats.
# - `"b"`: the divergence from q to the posterior fell by 3 nats; log p(x) is what it was.
# - `"c"`: the divergence from q to the posterior rose by 2 nats.
# - `"d"`: the reconstructions got better by 1 nat.
#
# Stuck? `exercises.what_rose.hint()`, and `.solution()` in the end. The other exercises have them too.

# %% slideshow={"slide_type": "-"}
my_answer = ...

exercises.what_rose.check(my_answer)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Exercise 2 · The ELBO from samples (implement, 8 minutes)
#
# Write what a VAE computes: draw `samples` codes from q = N(mu, exp(logvar)), and average log p(x, z) − log q(z).
# `log_joint` is a function that takes codes of shape (S,) and returns log p(x, z) of shape (S,), in nats.
# `mu` and `logvar` are tensors of shape ().


# %% slideshow={"slide_type": "-"}
def my_elbo(log_joint, mu, logvar, samples):
    """One estimate of the ELBO from `samples` draws, in nats: a tensor of shape ()."""
    ...


exercises.elbo_from_samples.check(my_elbo)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The KL term in closed form
#
# The prior is N(0, 1) and q is N(μ, σ²). Write out the average log-ratio; the constants ½ log 2π cancel:
#
# $$\mathrm{KL} = \mathbb{E}_{q}\Big[\underbrace{-\log\sigma - \tfrac{(z - \mu)^2}{2\sigma^2}}_{\log q}
# + \underbrace{\tfrac{z^2}{2}}_{-\log p}\Big].$$
#
# Under q the average of (z − μ)² is σ², and the average of z² is μ² + σ². Hence, for one latent dimension,
#
# $$\mathrm{KL}\big(\mathcal{N}(\mu, \sigma^2) \,\|\, \mathcal{N}(0, 1)\big)
# = \tfrac12\big(\mu^2 + \sigma^2 - 1 - \log\sigma^2\big).$$
#
# With K dimensions, q and prior are both products over dimensions, so the logs add up, and so do the KLs:
# **sum over dimensions**, then average over the batch. A mean over dimensions divides the KL term by K and trains
# another model; notebook 06 shows how often this happens.


# %% slideshow={"slide_type": "-"} tags=["nbval-check-output"]
def kl_term(mu, logvar):
    """KL(N(mu, exp(logvar)) || N(0, 1)) of each latent dimension, in nats.  (B, K), (B, K) -> (B, K)"""
    return 0.5 * (mu**2 + logvar.exp() - 1 - logvar)


mu, logvar = torch.randn(128, 16, generator=random), torch.randn(128, 16, generator=random)  # (B, K) each
authority = kl_divergence(Normal(mu, (0.5 * logvar).exp()), Normal(0.0, 1.0))  # (B, K)
assert torch.allclose(kl_term(mu, logvar), authority, atol=1e-5)
assert torch.allclose(kl_term(mu, logvar), kl_to_standard_normal(mu, logvar), atol=1e-5)  # as in vae_utils
print("nats per image:", tuple(kl_term(mu, logvar).sum(-1).shape))
s = torch.tensor(-2.0)
print(
    f"an encoder outputs -2. Read as log σ²: {kl_term(0 * s, s):.2f} nats. Read as log σ: {kl_term(0 * s, 2 * s):.2f}"
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# The last line is a bug that raises no error: the encoder's output is called `log_sigma` in one place and used as
# log σ² in another. Each half looks right, and the sum of both is no ELBO. In this series the name is `logvar`
# everywhere.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Or by sampling?
#
# A KL is an average under q, so n draws from q estimate it without any algebra: the mean of log q(z) − log p(z).
# Take μ = 1, σ = ½, where the closed form gives 0.82 nats.
#
# **Predict first.** How many draws until the typical error is 0.01 nats: about 50, 500, 5,000 or 50,000?
# And can an estimate come out negative, although a KL never is?

# %% slideshow={"slide_type": "-"}
q, prior = Normal(1.0, 0.5), Normal(0.0, 1.0)
exact = kl_term(torch.tensor(1.0), torch.tensor(math.log(0.25))).item()
repeats, counts = 2000, [1, 4, 16, 64, 256, 1024]
errors = []
for n in counts:
    z = q.mean + q.stddev * torch.randn(repeats, n, generator=random)  # (2000, n)
    log_ratio = q.log_prob(z) - prior.log_prob(z)  # (2000, n)
    estimates = log_ratio.mean(1)  # (2000,)
    errors.append((estimates - exact).pow(2).mean().sqrt().item())  # typical error: root mean square
    if n == 1:
        negative = (estimates < 0).float().mean().item()
deviation = math.sqrt(0.5 * (0.25 - 1) ** 2 + 1.0**2 * 0.25)  # of log q - log p under q, see below
logs = torch.tensor([counts, errors]).log()  # (2, 6)
logs = logs - logs.mean(1, keepdim=True)
slope = ((logs[0] * logs[1]).sum() / logs[0].pow(2).sum()).item()  # of the straight line fitted by least squares
print(f"slope of the fitted line {slope:.2f}; negative among single draws {negative:.0%}")

# %% slideshow={"slide_type": "-"}
shown, axes = figure(
    title="Each further digit of a sampled KL costs a hundred times the draws",
    alt="Typical error of the sampled KL against the number of draws, both on log scales. Six measured points from 1 to "
    "1024 draws fall on the exact line 0.73 / sqrt(n), of slope -1/2, which reaches 0.01 nats at 5,300 draws.",
    size=(7.5, 3.2),
)
enough = (deviation / 0.01) ** 2  # draws until the typical error is 0.01 nats
axes.loglog([1, 1e4], [deviation, deviation / 100], color=plots.EXACT, linewidth=1.6, label="exact: 0.73 / √n")
axes.loglog(counts, errors, "o", color=plots.ENCODER, label="measured, 2,000 repeats each")
axes.plot([0.7, enough, enough], [0.01, 0.01, 0.005], color=plots.WRONG, linewidth=1.4, linestyle="--")
axes.text(0.8, 0.011, "error 0.01 nats", color=plots.WRONG, fontsize=9)
axes.set(xlim=(0.7, 1.5e4), ylim=(0.005, 1.2), xlabel="draws n", ylabel="typical error (nats)")
axes.legend()
shown

# %% slideshow={"slide_type": "skip"}
assert abs(slope + 0.5) < 0.04, "the text says: error falls as 1/√n"
assert all(abs(error * n**0.5 / deviation - 1) < 0.2 for n, error in zip(counts, errors, strict=True))
assert 5200 < enough < 5400 and 0.08 < negative < 0.16 and abs(exact - 0.82) < 0.01

# %% [markdown] slideshow={"slide_type": "fragment"}
# About 5,000 draws. With z = μ + σε, ε ~ N(0, 1), the log-ratio is ½(σ² − 1)ε² + μσε plus a constant. Its variance is
# ½(σ² − 1)² + μ²σ². The black line is drawn from this formula, not fitted. A straight line fitted to the measured
# points has a slope of about −0.5. And about one single draw in nine is negative: an estimate need not respect what
# holds for the average.
#
# The closed form has no noise and costs nothing, so VAEs with a Gaussian prior use it. With a prior or a q that has
# no closed form (flows, mixtures; notebook 10) you sample, and pay with variance. Both are unbiased.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Exercise 3 · The KL between any two Gaussians (implement, 10 minutes)
#
# Priors can be learnt, too. Write KL(q ‖ p) for q = N(mu_q, exp(logvar_q)) and p = N(mu_p, exp(logvar_p)), for each
# dimension. Derive it as above, on paper, before you type.


# %% slideshow={"slide_type": "-"}
def my_kl(mu_q, logvar_q, mu_p, logvar_p):
    """KL(q || p) of each dimension, in nats.  Four tensors (B, K) -> (B, K)"""
    ...


exercises.kl_of_two_gaussians.check(my_kl)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What a nat of KL buys
#
# Now look at the formula as a price list. One latent dimension can do two things that cost: move its mean away from 0,
# and be more certain than the prior.
#
# **Predict first.** What does it cost to halve σ, from ½ to ¼? From 1/1000 to 1/2000?

# %% slideshow={"slide_type": "-"}
shown, (left, right) = figure(
    1,
    2,
    title="A mean at μ costs μ²/2; in the end, each halving of σ costs one bit",
    alt="Price of one latent dimension in nats. Left: at sigma 1, moving the mean costs mu squared over 2: 0.5 at 1, 2 at "
    "2, 4.5 at 3. Right: at mu 0, against sigma on a log scale, the cost is 0 at sigma 1, rises by 0.69 nats for each "
    "halving of sigma once it is small, and steeply for sigma above 1.",
    sharey=True,
    size=(7.5, 3.3),
)
mu, sigma = torch.linspace(-3.2, 3.2, 200), torch.logspace(-6, 1.4, 200, base=2)
left.plot(mu, kl_term(mu, 0 * mu), color=plots.VAE, linewidth=2)
right.plot(sigma, kl_term(0 * sigma, 2 * sigma.log()), color=plots.VAE, linewidth=2)
dots = torch.tensor([-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0])
left.plot(dots, kl_term(dots, 0 * dots), "o", color=plots.VAE)
halvings = 2.0 ** torch.arange(-5, 2)
right.plot(halvings, kl_term(0 * halvings, 2 * halvings.log()), "o", color=plots.VAE)
right.set_xscale("log", base=2)
right.set_xticks(halvings.tolist(), ["1/32", "1/16", "1/8", "1/4", "1/2", "1", "2"])
right.minorticks_off()
right.annotate("0.69 nats a step", (1 / 16, 2.5), xytext=(1 / 7, 3.2), fontsize=9, arrowprops={"arrowstyle": "-"})
left.set(ylim=(-0.15, 5), xlabel="mean μ (σ = 1)", ylabel="KL to the prior (nats)")
right.set_xlabel("standard deviation σ (μ = 0)")
shown


# %% slideshow={"slide_type": "-"} tags=["nbval-check-output"]
def price(sigma):
    """Nats for a standard deviation sigma at mu = 0, in double precision."""
    return kl_term(torch.tensor(0.0), 2 * torch.tensor(sigma, dtype=torch.float64).log()).item()


for high in (0.5, 0.001):
    print(f"from sigma = {high:g} to {high / 2:g}: {price(high / 2) - price(high):.3f} nats")
print(f"log 2 = {math.log(2):.3f} nats = 1 bit")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Log 2 is one **bit**. (From ½ to ¼ it is a little less, because the term σ²/2 falls too.) Each time the range of z
# is cut in half, the price rises by one bit, however small σ is already. A plain autoencoder encodes to a point: σ =
# 0. Its price would be infinite. *That* is what the KL term changes: codes may no longer be arbitrarily precise.
#
# Notebook 03 read the KL as the logarithm of how many random codes one would have to try. It fits: each bit halves
# the part of the prior where q still looks.
#
# The mean pays half its square. Within the bulk of the prior that is cheap (0.5 nats at 1), outside it is expensive
# (4.5 nats at 3).

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Who pays?
#
# Precision is worth its price only where the decoder turns it into nats of reconstruction. For a straight decoder
# f(z) = a z with noise s the best q is exact, so the balance can be computed: σ² = s² / (a² + s²), and averaged over
# all x,
#
# $$\mathbb{E}_{x}\big[\mathrm{KL}(q \,\|\, p(z))\big] = \tfrac12\log\big(1 + a^2/s^2\big) = I(x; z),$$
#
# the **mutual information**: how many nats x and z tell about each other.

# %% slideshow={"slide_type": "-"} tags=["nbval-check-output"]
noise = 0.5
u = torch.linspace(-9, 9, 3601, dtype=torch.float64)  # (U,)  x in its own standard deviations
weight = Normal(0.0, 1.0).log_prob(u).exp() * (u[1] - u[0])  # (U,)  sums to 1
for slope_a in (0.0, 0.25, 0.5, 1.0, 2.0, 8.0):
    spread = math.sqrt(slope_a**2 + noise**2)  # standard deviation of x
    mu = slope_a * (spread * u) / spread**2  # (U,)  posterior mean of each x
    logvar = torch.full_like(mu, 2 * math.log(noise / spread))
    mean_kl = (weight * kl_term(mu, logvar)).sum().item()
    assert abs(mean_kl - 0.5 * math.log(1 + slope_a**2 / noise**2)) < 1e-6
    print(
        f"slope {slope_a:4}: sigma {noise / spread:.2f}, mean KL {mean_kl:.2f} nats = {mean_kl / math.log(2):.2f} bits"
    )

# %% [markdown] slideshow={"slide_type": "fragment"}
# Read the first row. A dimension that the decoder ignores has the prior for its best q, and costs nothing. So a VAE
# switches off what it does not use, visibly: its KL is 0. Notebook 06 counts such dimensions, notebook 08 shows when
# this goes too far. Further down, a steeper decoder buys more precision: twice the slope, about one bit more.
#
# So what does the KL do? **It charges the encoder for each nat that z tells about x.** For the best q of this example
# the price is exactly the information. For any encoder, the KL averaged over the data is *at least* the information
# (it also pays for an average code distribution that differs from the prior; notebook 10 splits the two).
#
# What it does not do: pull every q to the prior until they are alike. That would be KL = 0, and z would say nothing.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The other way round
#
# A KL divergence has a direction. Fitting q to a posterior p, one could minimise
#
# $$\text{reverse: } \mathrm{KL}(q \,\|\, p) = \mathbb{E}_{q}[\log q - \log p],
# \qquad \text{forward: } \mathrm{KL}(p \,\|\, q) = \mathbb{E}_{p}[\log p - \log q].$$
#
# The gap of the ELBO is the reverse one. It averages under q: it is punished where q has mass and p has none, and blind
# where q has none. The forward one, the third divergence of this notebook besides the gap and the KL term, averages
# under p: it is punished where p has mass and q has none.
#
# The decoder f(z) = z²/2, here with noise 0.4, cannot tell z from −z, so its posterior has two equal peaks.
#
# **Predict first.** You have met the reverse one in the explorer above. Sketch the best Gaussian q for the *forward*
# direction, and guess its gap. Which of the two would you want?

# %% slideshow={"slide_type": "-"}
square = ToyModel(noise=0.4, curve="square")


def kl(log_a, log_b):
    """KL(a || b) in nats of two log densities on the grid, (G,) each."""
    return ((log_a.exp() * (log_a - log_b)).sum() * square.spacing).item()


fits, divergences = {}, {}
for x_, start in ((2.0, 1.0), (0.5, 0.2)):
    log_p = square.log_joint(x_, square.grid) - square.log_marginal(x_)  # (G,)  log of the exact posterior
    reverse = fit_q(square, x_, start, -2.0)[-1, :2].tolist()  # climb the ELBO from right of 0
    forward = square.posterior_moments(x_)  # mean and log variance of the posterior
    fits[x_] = {"reverse": reverse, "forward": forward}
    for name, parameters in fits[x_].items():
        log_q = q_of(*parameters).log_prob(square.grid)
        divergences[x_, name] = kl(log_q, log_p), kl(log_p, log_q)
        both = divergences[x_, name]
        print(f"x = {x_}, {name} fit: KL(q||p) = {both[0]:6.2f}   KL(p||q) = {both[1]:6.2f} nats")

# %% slideshow={"slide_type": "-"}
shown, (left, right) = figure(
    1,
    2,
    title="The ELBO's KL takes one of two far peaks, and covers two near ones",
    alt="Exact posteriors with two peaks, and the best Gaussian for each direction. Left, x = 2: the peaks lie at -2 and "
    "2. The reverse fit covers the right peak alone; the forward fit is broad, with its maximum in the empty middle. "
    "Right, x = 0.5: the peaks are near, and both fits cover both, with the reverse one a little narrower.",
    size=(7.5, 3.4),
)
for axes, (x_, parameters) in zip((left, right), fits.items(), strict=True):
    density = square.posterior(x_)
    axes.fill_between(square.grid, density, color=plots.EXACT, alpha=0.12, linewidth=0)
    axes.plot(square.grid, density, color=plots.EXACT, linewidth=2, label="posterior p")
    for name, dash in (("reverse", "-"), ("forward", "--")):
        q = q_of(*parameters[name]).log_prob(square.grid).exp()
        label = {"reverse": "reverse, KL(q‖p): the ELBO", "forward": "forward, KL(p‖q)"}[name]
        axes.plot(square.grid, q, dash, color=plots.ENCODER, linewidth=2, label=label)
    axes.set_title(f"x = {x_:g}")
    axes.set(xlim=(-4.5, 4.5), ylim=(0, 2.9 if x_ == 2 else 0.95), xlabel="z")
left.set_ylabel("density (per unit of z)")
left.legend(loc="upper center")
shown

# %% slideshow={"slide_type": "skip"}
far_reverse, far_forward = divergences[2.0, "reverse"], divergences[2.0, "forward"]
assert abs(far_reverse[0] - math.log(2)) < 0.03, "the text says: log 2 and a little"
assert far_forward[0] > 10 and far_reverse[1] > 50 and 0.5 < far_forward[1] < 3
assert fits[2.0]["reverse"][0] > 1.5 and abs(fits[0.5]["reverse"][0]) < 0.01

# %% [markdown] slideshow={"slide_type": "fragment"}
# For x = 2 the reverse fit takes one peak and leaves the other: its gap is log 2 and a little. Why log 2? On its peak
# q is about twice as high as p, because p had to share its mass between two, and log 2 is the log-ratio. The best
# forward Gaussian has the mean and variance of p (maximum likelihood with draws from p): it is what the encoder of
# notebook 03 learnt. It has its maximum at z = 0, where f(0) = 0 explains nothing: as a q it would have a gap of more
# than 10 nats.
#
# So the ELBO's choice is the better one for a decoder that must reconstruct: nearly every draw from q explains x. The
# price is a q that is too sure; it has never heard of the other explanation. Approximate posteriors of this kind tend
# to be too narrow.
#
# There is a plain reason for the direction, too. Reverse averages under q, from which we can draw. Forward averages
# under the posterior of this x, from which we cannot; notebook 03 got round that by training on dreams instead of
# real x.

# %% [markdown] slideshow={"slide_type": "fragment"}
# The right panel guards against a slogan. "Reverse KL seeks modes" is folklore with a condition: here the posterior has
# two peaks as well, and the best reverse fit sits between them, because they are near.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Exercise 4 · Where does it let go? (investigate, 15 minutes)
#
# Somewhere between x = 0.5 and x = 2 the best q jumps from the middle to one side. Find that x for
# `ToyModel(noise=0.4, curve="square")`, to ± 0.01.
#
# At one x, two numbers decide: the highest ELBO among the q with μ = 0, and the highest among those with a μ well
# away from 0. Use `square.elbo(x, mu, logvar)`, or anything above.

# %% slideshow={"slide_type": "-"}
my_x = ...

exercises.where_it_lets_go.check(my_x)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The bound also pulls on the decoder
#
# One question is open. The ELBO trains the decoder as well. If the gap were the same for all decoders, the best ELBO
# and the best likelihood would agree. It is not the same.
#
# An experiment without sampling and without an encoder network. Nature is the toy with f(z) = z²/2 and noise s = 0.5;
# data are unlimited. Our model has the right f, and one parameter: its noise s. For each s we give every x its *best
# possible* Gaussian q.
#
# **Predict first.** Maximum likelihood finds s = 0.5. Will the ELBO find a smaller s, a larger one, or the same?

# %% slideshow={"slide_type": "-"}
mu = torch.linspace(0, 4.4, 177, dtype=torch.float64)[:, None]  # (M, 1)  by symmetry μ >= 0 is enough
sigma = torch.linspace(0.04, 1.5, 293, dtype=torch.float64)  # (S,)
mean_f = (mu**2 + sigma**2) / 2  # (M, S)  E_q[f(z)]
mean_f2 = (mu**4 + 6 * mu**2 * sigma**2 + 3 * sigma**4) / 4  # (M, S)  E_q[f(z)²]
kl_to_prior = kl_term(mu, 2 * sigma.log())  # (M, S)


def best_bound(x, s):
    """The ELBO of the best Gaussian q for one x, when the model's noise is s; nats."""
    squared_error = x**2 - 2 * x * mean_f + mean_f2  # (M, S)  E_q[(x - f(z))²]
    log_likelihood = -0.5 * math.log(2 * math.pi * s**2) - squared_error / (2 * s**2)
    return (log_likelihood - kl_to_prior).max().item()


climbed = square.elbo(2.0, *fits[2.0]["reverse"])
assert -1e-3 < climbed - best_bound(2.0, square.noise) < 0.02  # the table is a little coarse

# %% slideshow={"slide_type": "-"}
data = torch.linspace(-2, 9, 111, dtype=torch.float64)  # (N,)  all x that matter
share = ToyModel(0.5, "square").marginal(data) * (data[1] - data[0])  # (N,)  how often nature makes them
candidates = torch.arange(0.3, 1.001, 0.05).tolist()
likelihoods = [(share * ToyModel(s, "square").marginal(data).log()).sum().item() for s in candidates]
bounds = [(share * torch.tensor([best_bound(x_, s) for x_ in data])).sum().item() for s in candidates]
by_likelihood = candidates[likelihoods.index(max(likelihoods))]
by_bound = candidates[bounds.index(max(bounds))]
shown, axes = figure(
    title="The ELBO prefers a decoder noisier than the true one, even with the best q",
    alt="Mean nats per observation against the model's noise s. log p(x) peaks at the true value 0.5. The ELBO of the best "
    "Gaussian q lies below it, with a gap that shrinks from 0.3 to 0.05 nats as s grows, so that its peak lies near 0.7.",
    size=(7.5, 3.3),
)
axes.fill_between(candidates, bounds, likelihoods, color=plots.ENCODER, alpha=0.15, linewidth=0)
for values, chosen, colour, label in (
    (likelihoods, by_likelihood, plots.EXACT, "log p(x)"),
    (bounds, by_bound, plots.ENCODER, "best ELBO"),
):
    axes.plot(candidates, values, color=colour, linewidth=2, label=label)
    axes.plot(chosen, max(values), "o", color=colour, markersize=8)
axes.set(xlabel="noise s of the model's decoder (units of x)", ylabel="nats per observation")
plots.label_lines(axes)
shown

# %% slideshow={"slide_type": "skip"}
assert abs(share.sum().item() - 1) < 0.001 and abs(by_likelihood - 0.5) < 0.01 and 0.64 < by_bound < 0.76
lost = max(likelihoods) - likelihoods[bounds.index(max(bounds))]
assert 0.02 < lost < 0.06, "the text says: about 0.04 nats"

# %% [markdown] slideshow={"slide_type": "fragment"}
# A larger one: the ELBO prefers s of about 0.7 where the truth is 0.5. With more noise the two peaks of the posterior
# melt into one, a Gaussian fits better, and the gap shrinks faster than the likelihood falls (about 0.04 nats are
# lost). No encoder error is involved, and no lack of data.
#
# So the ELBO does not only fit q to the decoder's posterior. It also bends the decoder towards posteriors that q can
# express. That is a known property of variational learning, and a reason to want richer q (notebook 09).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## To take with you
#
# **Remember.**
# - log p(x) = ELBO + KL(q ‖ p(z|x)), for every q. Climbing the ELBO brings q to a posterior that nobody can compute.
# - ELBO = reconstruction − KL(q ‖ p(z)). The second KL is another one: a price, in nats, for what z tells about x.
# - The price of one dimension is ½(μ² + σ² − 1 − log σ²): sum over dimensions, mean over the batch. Each halving of
#   an already small σ costs a bit, σ = 0 is infinitely expensive.
# - The gap is a *reverse* KL: q keeps to where the posterior is, and may miss a part of it.
#
# **What could fool you.** A higher ELBO need not be a better model: the gap may have shrunk, or the decoder may have
# bent to suit q. A KL term near 0 is no success. A reconstruction at z = μ gives no bound.
#
# **Sources.** Kingma & Welling (2014), arXiv:1312.6114: the identity is equation 1, the bound equations 2 and 3, the
# closed-form KL appendix B. Blei et al. (2017), arXiv:1601.00670, section 2.2: the ELBO from the KL to the posterior. Hoffman & Johnson
# (2016), *ELBO surgery*: the average KL and the information. Cremer et al. (2018), arXiv:1801.03558: the parts of the
# gap. Turner & Sahani (2011), *Two problems with variational expectation maximisation for time-series models*: too
# narrow q, and the pull on the parameters. "Mode-seeking" is folklore; Minka (2005), *Divergence measures and message
# passing*, MSR-TR-2005-173, section 2, says what each direction prefers.
#
# **Next:** [05 · How do you differentiate through a dice roll?](05_reparameterization_trick.ipynb) We climbed the ELBO by differentiating a sum over a grid. A VAE has samples of z instead, and a sample
# does not remember μ.
