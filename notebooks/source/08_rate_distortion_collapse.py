# %% [markdown] slideshow={"slide_type": "slide"}
# # 08 · Rate, distortion, collapse: what does β buy?
#
# The KL term is a price, and β says how high it is. Turn the price up and a model says less about each image in its
# code, and redraws it worse. Turn it up too far, or give the decoder a way around the code, and the code falls
# silent. This notebook measures the trade, breaks it on purpose, and mends it.
#
# After this notebook you can
# - place any VAE in the **rate–distortion plane**, and read its β off the slope of the curve;
# - recognise **posterior collapse**, say which of its causes you are looking at, and treat it with annealing, cycles
#   or **free bits**, knowing what each does and does not give;
# - measure **disentanglement**, and say how much of it is β and how much the seed.
#
# Needs: 04 (what the KL charges for), 06 (the loss and its β), 07 (why the digits are made binary here). Reading: 40
# minutes. Run All: about 40 seconds on two cores.

# %% slideshow={"slide_type": "skip"}
import json
import math
from importlib.resources import files

import torch
import torch.nn.functional as F
from scipy.stats import spearmanr
from torch import nn

from vae_utils import VAE, exercises, fit, load_images, negative_elbo, plots
from vae_utils.autoregressive import AutoregressiveVAE
from vae_utils.collapse import annealing, cyclical, free_bits
from vae_utils.disentanglement import latent_information, mutual_information_gap
from vae_utils.evaluation import active_units, train_classifier
from vae_utils.rate_distortion import rate_distortion, sweep
from vae_utils.scorecard import Scorecard
from vae_utils.shapes import FACTORS, all_levels, train_and_test_levels
from vae_utils.widgets import RateDistortionExplorer

# %% slideshow={"slide_type": "skip"}
images = load_images("digits")
train, test = (images.train > 0.5).float(), (images.test > 0.5).float()  # binary: then the ELBO bounds a probability

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two numbers instead of one
#
# The two terms of the negative ELBO have older names, from the theory of compression:
#
# $$ \underbrace{R = \mathbb E_{x}\big[\mathrm{KL}(q_\phi(z \mid x)\,\|\,p(z))\big]}_{\textbf{rate}}, \qquad
# \underbrace{D = \mathbb E_{x}\,\mathbb E_{q_\phi(z \mid x)}\big[-\log p_\theta(x \mid z)\big]}_{\textbf{distortion}} . $$
#
# The **rate** is what it costs to say which $z$: nats of code per image. The **distortion** is what remains to be
# said about the pixels once $z$ is known. Both are averages over the images, in nats per image, and their sum is the
# negative ELBO. A β-VAE minimises $D + \beta R$.
#
# The **entropy** $H$ of the data is the average of $-\log p_{\text{data}}(x)$, where $p_{\text{data}}$ is the distribution
# that they come from: for binary images the nats per image that the best possible code needs. (For continuous data $p$
# is a density, which can exceed 1: then $D$ and $H$ can be negative.) For any model the
# average of $\log p(x)$ is $-H - \mathrm{KL}(p_{\text{data}} \,\|\, p)$, hence at most $-H$, and the ELBO lies below it.
# So **no model, whatever its networks, gets below the line**
#
# $$ R + D \;\ge\; H , $$
#
# a straight line of slope −1 in the plane of $R$ and $D$ (Alemi et al. 2018). On its own training images a model can
# get below it, by learning them by heart; so we measure on test images.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Why the slope is −β
#
# Let $D(R)$ be the lowest distortion that our networks can reach at rate $R$. Training with β looks for the place
# where $D(R) + \beta R$ is smallest. If that is not at the very end, $R = 0$, the derivative vanishes there:
#
# $$ \frac{dD}{dR} = -\beta . $$
#
# In words: **β is the rate of exchange**. At β = 4 a model goes on buying nats of code as long as each saves more than
# four nats of distortion, and then stops. At β = 1, the ELBO, one nat of code must save at least one nat. Where even
# the first small piece of code saves less than β for each nat, the best rate is 0.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The clean case: two Gaussians
#
# Before the digits, a data set where everything can be computed: $x$ has two independent dimensions, Gaussian, with
# mean zero and variances $s_1^2 = 1$ and $s_2^2 = 0.25$. Model: linear encoder, linear decoder, and a decoder noise of fixed
# variance $\sigma^2 = 0.09$. All is Gaussian, so both terms have closed forms, and no sampling is needed: with
# $\mu = Ax$, $z = \mu + \sqrt V \varepsilon$ and $\hat x = Wz$,
#
# $$ R = \tfrac12 \sum_k \big[(A S A^\top)_{kk} + V_k - 1 - \log V_k\big], \qquad
# D = \sum_i \Big[\tfrac12 \log 2\pi\sigma_i^2 + \frac{e_i}{2\sigma_i^2}\Big], $$
#
# where $S = \mathrm{diag}(s_1^2, s_2^2)$, $V$ is the diagonal matrix of the encoder's variances $V_k$ (the same for
# every $x$), and $e_i$ is the mean squared error of dimension $i$. At first all $\sigma_i = \sigma$.


# %%
variances = torch.tensor([1.0, 0.25])  # of the data: s²


def rate_and_distortion(A, log_v, W, log_noise):
    """Exact, for many models at once.  A, W: (M, 2, 2); log_v, log_noise: (M, 2) -> (M,), (M,) nats."""
    S, V = torch.diag(variances), torch.diag_embed(log_v.exp())
    rate = 0.5 * ((A @ S @ A.mT).diagonal(dim1=1, dim2=2) + log_v.exp() - 1 - log_v).sum(1)
    residual = torch.eye(2) - W @ A  # what is lost of x, but for the noise of z
    error = (residual @ S @ residual.mT + W @ V @ W.mT).diagonal(dim1=1, dim2=2)  # (M, 2)  mean squared
    distortion = 0.5 * (math.log(2 * math.pi) + log_noise + error / log_noise.exp()).sum(1)
    return rate, distortion


# %%
def train_gaussian(betas, log_noise, learn_noise=False, steps=300):
    """One linear VAE for each β, all from the same weights, by gradient descent.  betas, log_noise: (M,)"""
    generator = torch.Generator().manual_seed(0)
    A, W = (0.3 * torch.randn(2, 2, generator=generator).repeat(len(betas), 1, 1) for _ in range(2))
    log_v, log_noise = torch.zeros(len(betas), 2), log_noise[:, None].repeat(1, 2)
    weights = [A, log_v, W, log_noise][: 4 if learn_noise else 3]
    optimizer = torch.optim.Adam([weight.requires_grad_() for weight in weights], lr=0.05)
    for _ in range(steps):
        rate, distortion = rate_and_distortion(A, log_v, W, log_noise)
        optimizer.zero_grad()
        (distortion + betas * rate).sum().backward()
        optimizer.step()
    return rate.detach(), distortion.detach()


# %% [markdown] slideshow={"slide_type": "subslide"}
# **Predict first.** At a small β both latents are worth their price. As β grows, will the two fall silent together, or
# one after the other? And gradually, or at a definite β?

# %% [markdown] slideshow={"slide_type": "fragment"}
# The optimum can be derived (it is the "reverse water-filling" of information theory). To describe a Gaussian of
# variance $s_i^2$ up to a mean squared error $e_i$ takes $\tfrac12 \log (s_i^2 / e_i)$ nats: the entropy of a Gaussian is
# $\tfrac12 \log (2\pi e \cdot \text{variance})$, the variance is $s_i^2$ before $z$ is known and $e_i$ afterwards, and the
# difference is what $z$ tells. (The rate is at least this, and equal to it when the codes of all $x$ together follow the
# prior.) So each dimension minimises
#
# $$ \frac{e_i}{2\sigma^2} + \beta \cdot \tfrac12 \log\frac{s_i^2}{e_i} , $$
#
# whose derivative vanishes at $e_i = \beta\sigma^2$. The best model leaves this *same* error in each dimension, unless
# the dimension has less variance than that to begin with:
#
# $$ e_i = \min(\beta\sigma^2,\; s_i^2), \qquad R = \sum_i \tfrac12 \log\frac{s_i^2}{e_i} . $$
#
# The rate of dimension $i$ falls as β grows, and is exactly 0 from $\beta = s_i^2 / \sigma^2$ on: here from 2.8 and from
# 11.1. One after the other, then, each at a definite price.

# %%
noise = 0.09  # σ²


def best(beta):
    """The optimum for each β: rate and distortion in nats.  (M,) -> (M,), (M,)"""
    error = torch.minimum(beta[:, None] * noise, variances)  # (M, 2)
    rate = 0.5 * (variances / error).log().sum(1)
    return rate, 0.5 * (math.log(2 * math.pi * noise) + error / noise).sum(1)


prices = torch.tensor([0.4, 1.0, 2.0, 4.0, 8.0, 14.0])
rates, distortions = train_gaussian(prices, torch.full((6,), math.log(noise)))
exact_rates, exact_distortions = best(prices)
for beta, rate, exact in zip(prices, rates, exact_rates, strict=True):
    print(f"β = {beta:4.1f}: rate {rate.abs():.2f} nats, exact {exact:.2f}")
assert (rates - exact_rates).abs().max() < 0.02 and (distortions - exact_distortions).abs().max() < 0.02
assert (variances / noise - torch.tensor([11.1, 2.8])).abs().max() < 0.05, "the text says: silent from 11.1 and 2.8"

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### A decoder that needs no code
#
# Now one change: the decoder may **learn its noise**, one variance for each dimension. Then it can model this data set
# perfectly with $W = 0$: say nothing about the code, and put $\sigma_i^2 = s_i^2$. The data need no latent at all.
#
# They do not forbid one either. With $\beta = 1$, whatever part of the variance the code explains, the noise can
# explain the rest, and the sum is the same: for *every* rate $R \ge 0$ there is a model on the line
# $R + D = H = \sum_i \tfrac12 \log(2\pi e\, s_i^2)$.
#
# **Predict first.** We train nine such models at β = 1. They differ only in the noise that their decoders start with,
# from $\sigma^2 = 0.02$ to $1$; then it is learned. Where on the line will they end?

# %%
entropy = 0.5 * (2 * math.pi * math.e * variances).log().sum().item()
starts = torch.linspace(math.log(0.02), 0.0, 9)
free_rates, free_distortions = train_gaussian(torch.ones(9), starts, learn_noise=True, steps=400)
dearer, _ = train_gaussian(torch.full((9,), 2.0), starts, learn_noise=True, steps=700)
print(f"entropy of the data: {entropy:.3f} nats")
print("R + D:       ", [round(value, 2) for value in (free_rates + free_distortions).tolist()])
print("R at β = 1:  ", [round(value, 2) for value in free_rates.tolist()])
print("R at β = 2:  ", [abs(round(value, 2)) for value in dearer.tolist()])
assert ((free_rates + free_distortions) - entropy).abs().max() < 0.02
assert (exact_rates + exact_distortions - entropy)[1].abs() < 1e-5, "the text says: fixed noise reaches H at β = 1"
assert free_rates.min() < 0.5 and free_rates.max() > 1.2 and dearer.max() < 0.05

# %% slideshow={"slide_type": "subslide"}
chart, (left, right) = plots.figure(
    1,
    2,
    title="A fixed σ meets the line R + D = H at one place, where β = 1; a learned σ anywhere on it",
    alt="Two rate-distortion planes. Left, fixed noise: a convex curve falling from rate 0, with six trained models on it, "
    "and the line R + D = H touching it at beta 1. Right, learned noise: nine models trained at beta 1 "
    "are scattered along the straight line R + D = H, from rate 0 to more than one nat.",
    sharex=True,
    sharey=True,
)
curve = best(torch.logspace(-1, math.log10(14), 200))
left.plot(*curve, color=plots.EXACT, linewidth=1.5)
left.plot(rates, distortions, "o", color=plots.VAE)
for beta, rate, distortion in zip(prices.tolist(), rates.tolist(), distortions.tolist(), strict=True):
    left.annotate(f"β = {beta:g}", (rate, distortion), (5, 4), textcoords="offset points", fontsize=9)
line = torch.tensor([0.0, 4.0])
left.set_title("σ fixed: exact curve, six trained models")
right.plot(free_rates, free_distortions, "o", color=plots.VAE)
right.set_title("σ learned: nine models, all at β = 1")
for axes in (left, right):
    axes.plot(line, entropy - line, "--", color=plots.EXACT, linewidth=1.5, zorder=1)
    axes.annotate("R + D = H", (2.9, entropy - 2.9), (-4, -10), textcoords="offset points", ha="right", fontsize=9)
    axes.set(xlabel="rate R (nats)", xlim=(-0.15, 4))
left.set(ylabel="distortion D (nats)", ylim=(-2.3, 7.5))
chart

# %% [markdown]
# Left, training meets the theory to within 0.02 nats: the curve, latents that go silent at a definite price. The curve
# touches the line $R + D = H$ at one place, β = 1: there the code explains what the fixed noise leaves over, and
# $p(x)$ is exact. Every other β misses the line.
#
# Right, the sentence to remember. All nine models have the *same* ELBO, and it is the highest there is. Some use
# their code, some hardly. **The ELBO does not say how much z shall know.** It fixes $R + D$; with a decoder that can
# do without z, every split is as good as every other, and the start decides. At β = 2 a nat of code costs two and
# saves one: all nine go to $R = 0$.
#
# So silence of the code is not always an illness. Here it is a correct answer: there is nothing that only z could say.
# It becomes an illness when you wanted the code: for features, for control, for compression.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Digits: five prices
#
# Five VAEs of notebook 06, on binary digits, the same start and the same noise, with β from ¼ to 32. Written out, the
# sweep is a loop; `sweep` does that loop and measures each model on the test images.
#
# **Predict first.** How many of the 16 latents will be active at each β? And whose $R + D$ will be lowest?

# %%
betas = (0.25, 1.0, 3.0, 8.0, 32.0)
train = train[:6000]
models, places = sweep(lambda: VAE(16, hidden=128), train, test, betas, epochs=7, learning_rate=5e-3, progress=False)

with torch.no_grad():  # what the package measured, by hand, for the second of them
    mu, logvar = models[1].encode(test)
    kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar)  # (N, K)
    logits = models[1].decode(mu + (0.5 * logvar).exp() * torch.randn_like(mu))
    D = F.binary_cross_entropy_with_logits(logits, test, reduction="none").sum((1, 2, 3)).mean()
assert abs(kl.sum(1).mean() - places[1].rate) < 1e-3 and abs(D - places[1].distortion) < 1
assert int((mu.var(0) > 0.01).sum()) == places[1].active == active_units(mu)

print("    β   rate  distortion    sum  active")
for place in places:
    print(f"{place.beta:5g} {place.rate:6.1f} {place.distortion:11.1f} {place.negative_elbo:6.1f} {place.active:7d}")

# %% slideshow={"slide_type": "subslide"}
chart, (left, right) = plots.figure(
    1,
    2,
    title="The higher the price, the less code: about forty nats at β = ¼, none at β = 32",
    alt="Left: distortion over rate for five values of beta, a convex falling curve that touches the line of slope minus one at "
    "beta 1; active units are written beside the points. Right: KL of each latent, sorted, one line a beta: "
    "high for small beta, near zero for the largest.",
    width_ratios=(1.15, 1),
)
R, D = [place.rate for place in places], [place.distortion for place in places]
left.plot(R, D, "o-", color=plots.VAE, linewidth=2)
for place in places:
    text = f"β = {place.beta:g}, {place.active} active"
    left.annotate(text, (place.rate, place.distortion), (7, 5), textcoords="offset points", fontsize=9)
lowest = min(place.negative_elbo for place in places)
line = torch.tensor([0.0, 45.0])
left.plot(line, lowest - line, "--", color=plots.MUTED, zorder=1)
left.set(xlabel="rate R (nats per image)", ylabel="distortion D (nats per image)", xlim=(-2, 64), ylim=(65, 225))
left.set_title("dashed: R + D of the best of the five")
for place in places:
    right.plot(range(1, 17), place.kl.sort(descending=True).values, "o-", markersize=3, label=f"β = {place.beta:g}")
right.set(xlabel="latent dimension, sorted", ylabel="KL (nats per image)", ylim=(-0.15, 5), xticks=[1, 4, 8, 12, 16])
right.legend()
chart

# %% slideshow={"slide_type": "subslide"}
trained = [rate_distortion(model, train, beta) for model, beta in zip(models, betas, strict=True)]
print("between β and β: nats of distortion saved by each nat of rate")
for dear, cheap in zip(trained[1:], trained, strict=False):
    saved = (dear.distortion - cheap.distortion) / (cheap.rate - dear.rate)
    print(f"{cheap.beta:12g} {dear.beta:7g} {saved:10.2f}")
    assert cheap.beta < saved < dear.beta, "the text says: between the two prices"
totals = [place.negative_elbo for place in places]
assert min(totals) == totals[1] and places[0].active == 16, "the text says: lowest at β = 1; all active at ¼"
assert places[-1].rate < 0.1 and places[-1].active == 0, "the text says: silent at 32"
assert places[3].active >= 14 and 1.5 < places[3].rate < 2.7 and 30 < places[0].rate < 50, (
    "the text says: forty, and two nats"
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Three readings.
#
# - **The slope is the price.** Between two models, each nat of rate saves an amount of distortion that lies between
#   their two βs. That is no accident of our training: if both are optimal, neither would gain by being the other, and
#   those two inequalities say exactly this. (It is measured on the training images, which the models were optimised on.)
# - **$R + D$ is lowest at β = 1.** On the training images, at the optimum, it must be: β = 1 is the only one that
#   minimises it. On test images nothing forces it; here it is so too. A smaller β redraws better and bounds
#   $\log p(x)$ worse; a larger β has a shorter code and bounds it worse too.
# - **At β = 32 the code is silent.** Every latent is switched off, as in the Gaussian case: even the first small piece
#   of rate would save less than 32 for each nat. This is collapse by **price**.
#
# Count active units with care. "Active" means that the mean of $q(z \mid x)$ varies by more than 0.01 over the images
# (Burda et al. 2016), a low bar. At β = 8 all or nearly all latents pass it, and all 16 together carry about two nats. The right panel
# says more.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Move along the curve
#
# The slider changes β; the same six test images are reconstructed and the same six draws from the prior are decoded.
#
# - At which β do the reconstructions stop being the *same digit*?
# - Compare the samples at β = ¼ with those at β = 1. Better reconstructions, and the samples: better or worse?

# %%
explorer = RateDistortionExplorer(models, places, test)
explorer

# %% slideshow={"slide_type": "subslide"}
noise_rows = torch.randn(10, 16, generator=torch.Generator().manual_seed(0))
with torch.no_grad():
    rows = [test[:10]]
    rows += [model.generate(model.encode(test[:10])[0]) for model in models]
    rows += [models[0].generate(noise_rows), models[1].generate(noise_rows)]
plots.show_images(
    rows,
    row_labels=["test digits"] + [f"β = {beta:g}" for beta in betas] + ["samples, β = 0.25", "samples, β = 1"],
    title="The same ten digits at five prices: first the detail goes, then for most the identity, then everything",
    alt="Ten test digits; reconstructions at beta one quarter, 1, 3, 8 and 32, from sharp to the same grey blob for all; then "
    "draws from the prior at beta one quarter and at beta 1: both tangled; the eye hardly tells which are better.",
)

# %% [markdown] slideshow={"slide_type": "subslide"}
# Most reconstructions keep the digit up to β = 3. At β = 8 many have lost it: a 6 looks like a 0. (The thin 8 fares
# badly at every price, even at ¼.) Ten samples a row are too few to judge by eye, so we count: the coverage of
# notebook 02 (here of black-and-white digits, so not to be compared with the numbers there), the share of test digits that have
# a sample close by.

# %%
card = Scorecard(train_classifier(images), test)
codes = torch.randn(len(test), 16, generator=torch.Generator().manual_seed(0))
with torch.no_grad():
    cheap, fair = (card.add(f"β = {beta:g}", model.generate(codes)) for beta, model in zip(betas[:2], models[:2]))
print(f"coverage by samples from the prior: β = ¼ {cheap.coverage:.2f}, β = 1 {fair.coverage:.2f}")
assert fair.coverage > cheap.coverage + 0.02, "the text says: better samples at β = 1"

# %% [markdown] slideshow={"slide_type": "fragment"}
# The model with the better reconstructions has the worse samples, in this one pair. A likely reason: at β = ¼
# the KL term is cheap, so the codes may lie where the prior seldom draws, and the prior may draw where no digit was encoded. Notebook
# 10 measures this.

# %% [markdown]
# ### Exercise 1 · Where does it collapse? (predict, 3 minutes)
#
# A dimension of Gaussian data has the variance 0.5; the decoder's noise is fixed at $\sigma = 0.2$. At which β is this
# dimension switched off?

# %%
my_beta_of_collapse = ...

exercises.where_it_collapses.check(my_beta_of_collapse)

# %% [markdown]
# ### Exercise 2 · Two nats (investigate, 15 minutes)
#
# Data with four independent Gaussian dimensions of variances 1, 0.5, 0.2 and 0.1, a decoder with $\sigma^2 = 0.01$:
# at which β is the optimal rate 2 nats? Answer to ± 0.05. How many dimensions are on at that β?

# %%
my_beta_of_two_nats = ...

exercises.two_nats.check(my_beta_of_two_nats)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Collapse at β = 1, on purpose
#
# A high price is one way to silence a code. Another is a decoder that does not need it. Ours so far predicts all
# pixels from z alone. Give it a second source: let it **read what it has already drawn**. Pixel $i$ is then predicted
# from z and from all pixels before it, row by row:
#
# $$ \log p_\theta(x \mid z) = \sum_i \log p_\theta(x_i \mid x_1, \dots, x_{i-1}, z) . $$
#
# Such a decoder can model digits without any z: a stroke tells how it goes on. It is the situation of the two
# Gaussians with a learned σ, with a network in place of the σ. One masked hidden layer is enough: hidden unit $h$ sees
# only the first pixels, as many as its mask says, and a pixel hears only the units that have not seen it.
#
# To keep it quick, the digits are halved to 14 × 14.


# %%
def halve(x):
    return (F.avg_pool2d(x, 2) > 0.4).float()  # (N, 1, 14, 14), binary


small_train, small_test = halve(images.train), halve(images.test)
PIXELS, HIDDEN, K = 14 * 14, 256, 16


class ReadsAlong(nn.Module):
    """p(x_i | x_1 ... x_(i-1), z) for all pixels i in one pass."""

    def __init__(self):
        super().__init__()
        self.from_z, self.from_pixels = nn.Linear(K, HIDDEN), nn.Linear(PIXELS, HIDDEN)
        self.to_pixels = nn.Linear(HIDDEN, PIXELS)
        seen = torch.arange(HIDDEN) * PIXELS // HIDDEN  # unit h sees this many pixels
        self.sees = (torch.arange(PIXELS)[None, :] < seen[:, None]).float()  # (HIDDEN, PIXELS)
        self.heard = (seen[None, :] <= torch.arange(PIXELS)[:, None]).float()  # (PIXELS, HIDDEN)

    def forward(self, z, x):
        context = F.linear(x.flatten(1), self.from_pixels.weight * self.sees, self.from_pixels.bias)
        hidden = (context + self.from_z(z)).relu()  # (B, HIDDEN)
        return F.linear(hidden, self.to_pixels.weight * self.heard, self.to_pixels.bias).reshape(x.shape)


# %% [markdown] slideshow={"slide_type": "skip"}
# The package's `AutoregressiveVAE` has this decoder, and the encoder of notebook 06 in small. The next cell checks
# that its decoder is ours, and that no pixel can see itself or a later one.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
model = AutoregressiveVAE(K, side=14, hidden=HIDDEN)
mine = ReadsAlong()
mine.load_state_dict({name: part for name, part in model.decoder.state_dict().items() if name in mine.state_dict()})
x, z = small_test[:5], torch.randn(5, K)
torch.testing.assert_close(mine(z, x), model.decoder(z, x))
changed = x.clone()
changed[:, :, 7, 3] = 1 - changed[:, :, 7, 3]
moved = (mine(z, changed) != mine(z, x)).any(0).flatten()  # (196,)  which predictions noticed?
print("first pixel that notices a change of pixel", 7 * 14 + 3, "is pixel", moved.nonzero()[0].item())

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### A loss that knows its step
#
# Three remedies are in common use. All change how the KL is charged *during training*; none changes the model.
#
# - **KL annealing**: β rises from 0 to 1 over the first half of training. The decoder learns to use z while it is free.
# - **Cyclical annealing**: the same, four times over.
# - **Free bits**: β stays 1, but in each latent dimension the first λ nats (averaged over the batch) are charged whether
#   they are used or not, so using them costs nothing more: $\sum_k \max(\lambda, \overline{\mathrm{KL}}_k)$.

# %% [markdown]
# ### Exercise 3 · Charge for free bits (implement, 8 minutes)
#
# Write what free bits charge for a batch: the KL of each dimension is averaged over the batch, each dimension pays at
# least λ, and the dimensions are summed.


# %%
def my_free_bits(kl, nats):
    """What free bits charge for a batch.  kl: (B, K) nats; nats: a number -> a tensor with one number."""
    ...


exercises.free_bits_charge.check(my_free_bits)

# %% [markdown]
# The loss has to know which step it is in. In a loop of our own we pass it.


# %%
def my_annealing(done, warmup=0.5):  # done: share of training, 0 to 1
    return min(1.0, done / warmup)


def my_cycles(done, cycles=4, rise=0.5):
    return min(1.0, (done * cycles % 1) / rise)


def my_terms(model, x, free_nats=0.0):
    logits, mu, logvar, _ = model(x)
    reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum((1, 2, 3))  # (B,)
    kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).mean(0)  # (K,)  mean over the batch
    return reconstruction.mean(), kl.clamp(min=free_nats).sum()  # what is charged for each term


for done in torch.linspace(0, 0.999, 50).tolist():
    assert math.isclose(my_annealing(done), annealing(0.5)(done), abs_tol=1e-9)
    assert math.isclose(my_cycles(done), cyclical(4, 0.5)(done), abs_tol=1e-9)
torch.manual_seed(0)
expected = free_bits(model, x, nats=0.25)["loss"].mean()
torch.manual_seed(0)
torch.testing.assert_close(sum(my_terms(model, x, free_nats=0.25)), expected)

# %% [markdown] slideshow={"slide_type": "subslide"}
# Four treatments, three seeds each, 350 steps. The learning rate, 0.02, is deliberately high, as it would be when
# someone is in a hurry: what is learnt quickest gets ahead, and that is the reading along. (`fit` hands a loss the
# model and a batch, and no step; `vae_utils.collapse.fit_with_schedule` sets β anew before each of its epochs.)
#
# **Predict first.** With β = 1 from the start, how many of the 16 latents will carry more than 0.1 nats? Which remedy
# will use the most? And the question that matters: which will have the lowest $R + D$?


# %%
def train_small(seed, schedule=lambda done: 1.0, free_nats=0.0, learning_rate=0.02, steps=350):
    torch.manual_seed(seed)
    model = AutoregressiveVAE(K, side=14, hidden=HIDDEN)
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate, fused=True)
    for step in range(steps):
        x = small_train[torch.randint(len(small_train), (64,))]
        reconstruction, kl = my_terms(model, x, free_nats)
        optimizer.zero_grad()
        (reconstruction + schedule(step / steps) * kl).backward()
        optimizer.step()
    return model


treatments = {
    "β = 1 throughout": {},
    "annealing": {"schedule": my_annealing},
    "four cycles": {"schedule": my_cycles},
    "free bits, λ = 0.25": {"free_nats": 0.25},
}
treated = {name: [train_small(seed, **options) for seed in range(3)] for name, options in treatments.items()}


# %% slideshow={"slide_type": "subslide"}
@torch.no_grad()
def examine(model):
    """Test images: rate, distortion, KL of each latent, active units, and the price of a wrong code."""
    torch.manual_seed(0)
    mu, logvar = model.encode(small_test)
    z = mu + (0.5 * logvar).exp() * torch.randn_like(mu)
    D, swapped = (
        F.binary_cross_entropy_with_logits(model.decoder(code, small_test), small_test, reduction="sum").item() / len(z)
        for code in (z, z.roll(1, 0))  # roll: each image gets the code of another one
    )
    kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).mean(0)
    used = int((kl > 0.1).sum())
    return {"R": kl.sum().item(), "D": D, "active": active_units(mu), "used": used, "swap": swapped - D, "kl": kl}


found = {name: [examine(model) for model in models_] for name, models_ in treated.items()}
print("three seeds each:       rate             R + D               KL > 0.1      active      wrong code costs (nats)")
for name, rows in found.items():
    columns = [[row["R"] for row in rows], [row["R"] + row["D"] for row in rows], [row["swap"] for row in rows]]
    text = ["  ".join(f"{value:4.1f}" for value in column) for column in columns]
    counts = ["  ".join(f"{row[key]:2d}" for row in rows) for key in ("used", "active")]
    print(f"{name:20s} {text[0]}    {text[1]}    {counts[0]}    {counts[1]}    {text[2]}")

# %% [markdown] slideshow={"slide_type": "subslide"}
# How much of the collapse is the decoder's, and how much the hurry's? The untreated model once more, same seeds, same
# number of steps, with a quarter of the learning rate:

# %%
patient = [examine(train_small(seed, learning_rate=0.005)) for seed in range(3)]
for row in patient:
    print(f"rate {row['R']:.1f}   R + D {row['R'] + row['D']:.1f}   KL > 0.1: {row['used']}   active {row['active']}")

# %% slideshow={"slide_type": "subslide"}
chart, (left, right) = plots.figure(
    1,
    2,
    title="Every remedy brings the code back; the bound stays, or gets a little worse",
    alt="Left: rate-distortion plane with twelve models. Those trained at beta 1 lie at rates of about two nats; annealed, "
    "cyclical and free-bits models at four to six, all near the same line of slope minus one. Right: KL of each latent, "
    "sorted, means over three seeds: two or three latents without a remedy, more with annealing, all near 0.25 with free bits.",
    width_ratios=(1.15, 1),
)
colours = (plots.WRONG, plots.VAE, plots.LIKELIHOOD, plots.AUTOENCODER)
for (name, rows), colour, marker in zip(found.items(), colours, "Xos^", strict=True):
    left.plot([row["R"] for row in rows], [row["D"] for row in rows], marker, color=colour, markersize=8, label=name)
    kl = torch.stack([row["kl"].sort(descending=True).values for row in rows]).mean(0)
    right.plot(range(1, K + 1), kl, marker + "-", color=colour, markersize=4, label=name)
for total in (36, 38, 40):
    left.plot(line[:1].tolist() + [9.0], [total, total - 9.0], "--", color=plots.MUTED, linewidth=1, zorder=1)
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    left.text(7.9, total - 7.9, f"R + D = {total}", fontsize=9, ha="center", va="center", color=plots.PRIOR, bbox=box)
left.set(xlabel="rate R (nats per image)", ylabel="distortion D (nats per image)", xlim=(0, 9))
left.legend(loc="upper right")
right.set(xlabel="latent dimension, sorted", ylabel="KL (nats per image)", ylim=(0, None), xticks=[1, 4, 8, 12, 16])
chart

# %% slideshow={"slide_type": "skip"}
plain, annealed, cycled, freed = ([row["R"] for row in rows] for rows in found.values())
assert max(plain) < min(annealed) and max(plain) < min(cycled) and max(plain) < min(freed), "more rate, every seed"
assert max(plain) < 4 and min(annealed) > 3.5
used = {name: [row["used"] for row in rows] for name, rows in found.items()}
assert max(used["β = 1 throughout"]) <= 6 and min(used["free bits, λ = 0.25"]) >= 14
bounds = [sum(row["R"] + row["D"] for row in rows) / 3 for rows in found.values()]
assert all(abs(bound - bounds[0]) < 0.6 for bound in bounds[1:3]), "the text says: within 0.6 nats of the plain ones"
assert sum(row["active"] for row in found["β = 1 throughout"]) > 1.5 * sum(used["β = 1 throughout"]), "active is kind"
assert max(plain) + 0.5 < min(row["R"] for row in patient) and min(row["used"] for row in patient) >= 6, "the hurry"
assert abs(sum(row["R"] + row["D"] for row in patient) / 3 - bounds[0]) < 0.6, "the text says: the same sum"
assert 0.2 < bounds[3] - bounds[0] < 3, "the text says: free bits a nat or so worse"
swaps = {name: sum(row["swap"] for row in rows) / 3 for name, rows in found.items()}
assert swaps["annealing"] > 2 * swaps["free bits, λ = 0.25"]

# %% [markdown] slideshow={"slide_type": "fragment"}
# Trained the plain way, the model's code says one to three nats about a digit, with a few of its 16 latents. That is
# **posterior collapse**: for the others $q(z_k \mid x)$ is nearly the prior, whatever the image. (Active units
# understate it: the bar of 0.01 is passed by far more latents than carry 0.1 nats.) Each remedy raises the rate, in
# every seed. Four details are worth more than that success.
#
# - **The bound did not improve.** With annealing and cycles the mean of $R + D$ ends within 0.6 nats of the untreated
#   models, with free bits a nat or so higher. As in the Gaussian case, the strong decoder has made the ELBO nearly
#   indifferent to where on the line a model stands. A remedy chooses the place; for a better bound it is no help here.
# - **Free bits do what they are paid for.** All 16 latents carry about 0.25 nats, because 0.25 is free. By active units
#   they are the winner. By the last column they are not: handing the decoder the code of *another* image costs a
#   freed model less than half of what it costs an annealed one, while their rates are not far apart.
# - **The order of learning decides.** At the end the annealed models minimise the very loss that the untreated ones
#   minimised throughout, β = 1. What differs is what they learnt first: to use the code, or to do without.
# - **So does the hurry.** With a learning rate of 0.005 instead of 0.02, the untreated models end at about twice the
#   rate, with more of their latents in use, and again at nearly the same $R + D$. Before you reach for a remedy, try a
#   smaller step.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### What collapse looks like
#
# Draw many digits *with one and the same z*, pixel by pixel, and average them. If z says what the digit is, the draws
# agree and their mean is that digit. If z is silent, the decoder makes up another digit each time, and the mean is the
# same blur for every z. The draws themselves may look fine, which is why collapse goes unnoticed.

# %% slideshow={"slide_type": "subslide"}
chosen, generator = small_test[:8], torch.Generator().manual_seed(1)
rows = [chosen]
for name in ("β = 1 throughout", "annealing"):
    codes = treated[name][0].encode(chosen)[0].detach().repeat_interleave(64, 0)  # (8 * 64, K)  64 times the same code
    rows.append(treated[name][0].generate(codes, generator).unflatten(0, (8, 64)).mean(1))  # (8, 1, 14, 14)
apart = [picture.flatten(1).std(0).mean().item() for picture in rows[1:]]  # how the eight means differ
chance = [(picture * (1 - picture) / 64).sqrt().mean().item() for picture in rows[1:]]  # of the mean of 64 draws
print(f"spread of the means over the eight codes: collapsed {apart[0]:.3f}, annealed {apart[1]:.3f}")
print(f"what 64 draws would give by chance alone: collapsed {chance[0]:.3f}, annealed {chance[1]:.3f}")
assert apart[1] > 1.5 * apart[0] > 1.8 * chance[0], "the text says: less than annealed, more than chance"
plots.show_images(
    rows,
    row_labels=["test digit", "collapsed", "annealed"],
    title="The mean of 64 draws with one code: a collapsed model listens to it less",
    alt="Eight test digits of 14 by 14 pixels; below each the mean of 64 draws from the decoder with that digit's code. In the "
    "collapsed model's row all but one, a round 0, are similar blurs; in the annealed model's row most resemble the digits.",
)

# %% [markdown]
# The collapsed model is not quite deaf. The nats it still spends tell a round 0 from the rest, and the means differ by
# more than chance; most of what makes a 6 a 6, its decoder makes up by itself.
#
# Rate, distortion and collapse are complete here, and this is a good place for a pause. The rest is a question of its own.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does a higher price sort the factors?
#
# It is said that under the pressure of a higher β a VAE gives each **factor** of the data, such as size or position,
# a latent of its own: **disentanglement** (Higgins et al. 2017). To test it we draw data whose factors are known and
# independent: three kinds of shape, five sizes, seven angles, 11 × 11 positions.

# %% slideshow={"slide_type": "-"}
shapes = load_images("shapes")
train_factors, test_factors = train_and_test_levels()  # (8000, 5), (2000, 5)
plots.show_images(
    shapes.train[:20],
    title="20 of 12,705 pictures made from five factors: kind, size, angle, across, down",
    alt="Twenty small black shapes on white: squares, ellipses and triangles of different size, angle and place.",
)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### The mutual information gap
#
# Let $I(z_j; v_k)$ be the mutual information (notebook 04) of latent $z_j$ and factor $v_k$. For each factor, take the lead
# of its best latent $j_1$ over its second best $j_2$, as a share of all there is to know, the factor's entropy $H(v_k)$.
# The mean over the $F$ factors is the **mutual information gap**, MIG (Chen et al. 2018):
#
# $$ \mathrm{MIG} = \frac1F \sum_k \frac{1}{H(v_k)} \Big( I(z_{j_1}; v_k) - I(z_{j_2}; v_k) \Big) . $$
#
# It is 1 if each factor is known entirely to one latent and not at all to any other, and 0 if each is known equally well to
# two, or to none. (It does not mind one latent that knows two factors.) First two codes whose gap we know: the position,
# and the position turned by 45°.


# %%
def my_information(code, factor):
    """I(code; factor) in nats, for numbers that take few values: from the table of how often they meet."""
    _, rows = code.unique(return_inverse=True)
    _, columns = factor.unique(return_inverse=True)
    joint = torch.zeros(rows.max() + 1, columns.max() + 1, dtype=torch.float64)
    joint.index_put_((rows, columns), torch.tensor(1 / len(code), dtype=torch.float64), accumulate=True)
    apart = joint.sum(1, keepdim=True) * joint.sum(0, keepdim=True)
    return (torch.xlogy(joint, joint / apart)).nan_to_num().sum().item()


place_factors = all_levels()[:, 3:]  # (12705, 2)  across, down
straight = place_factors.float()
turned = torch.stack([straight.sum(1), straight[:, 0] - straight[:, 1]], 1)
for name, code in (("straight", straight), ("turned by 45°", turned)):
    sure = torch.full_like(code, -12.0)  # log variance: nearly a point
    information, entropies = latent_information(code, sure, place_factors)  # (2, 2), (2,)
    for j, k in ((0, 0), (0, 1), (1, 0)):
        assert abs(my_information(code[:, j], place_factors[:, k]) - information[j, k]) < 1e-3
    print(f"{name:14s} MIG = {mutual_information_gap(code, sure, place_factors).gap:.2f}")

# %% [markdown] slideshow={"slide_type": "subslide"}
# Both codes say the same; only the axes differ. Nothing in $p(x)$ or in the prior $\mathcal N(0, I)$, which looks the same
# from all directions, prefers one. That is the heart of a theorem: **without labels or further assumptions, disentanglement
# cannot be identified from the data** (Locatello et al. 2019, theorem 1). What a VAE does prefer comes from its diagonal
# $q(z \mid x)$, its networks, and its seed.
#
# A quick VAE, and the share of each factor's entropy that each of its latents knows:

# %% slideshow={"slide_type": "skip"}
torch.manual_seed(0)
quick = VAE(6, hidden=128)
fit(
    quick,
    shapes.train[:4000],
    lambda model, x: negative_elbo(model, x, beta=2.0),
    epochs=10,
    learning_rate=4e-3,
    progress=False,
)
with torch.no_grad():
    quick_gap = mutual_information_gap(*quick.encode(shapes.test), test_factors)
assert quick_gap.shares[:, [0, 2]].max() < 0.05, "the title says: kind and angle are in none"
assert (quick_gap.shares[:, 3:] > 0.05).sum(0).min() >= 2, "the title says: position is smeared"

# %%
table, axes = plots.figure(
    title=f"After a short training position is smeared over the latents; kind and angle are in none: MIG = {quick_gap.gap:.2f}",
    alt="Table of six latents by five factors; the shade is the share of the factor's entropy that the latent knows. Position "
    "and size are spread over several latents; kind and angle are hardly known to any.",
    size=(6, 3.2),
)
axes.imshow(quick_gap.shares, cmap="Greys", vmin=0, vmax=0.5, aspect="auto")
for j, k in torch.cartesian_prod(torch.arange(6), torch.arange(5)).tolist():
    share = quick_gap.shares[j, k].item()
    axes.text(k, j, f"{share:.2f}", ha="center", va="center", color="white" if share > 0.3 else "black")
axes.set(xticks=range(5), xticklabels=list(FACTORS), yticks=range(6), yticklabels=[f"z{j}" for j in "₁₂₃₄₅₆"])
axes.set(xlabel="factor", ylabel="latent", title="share of the factor's entropy that the latent knows")
axes.grid(False)
table

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Thirty-five VAEs
#
# A fair test needs longer training, several β and many seeds: 35 convolutional VAEs with six latents, 50 epochs each, more
# than an hour on a laptop. So `benchmarks/mig_seeds.py` ran it once, and this cell reads the stored results: mean ±
# standard deviation over ten seeds (five at β = 8), and the **rank correlation** of test loss and gap, +1 if both put the
# models in the same order, −1 if in opposite orders.
#
# **Predict first.** How large is the difference between β = 1 and β = 4, compared with the spread over the seeds?

# %%
stored = json.loads((files("vae_utils") / "data_files" / "mig_seeds.json").read_text(encoding="utf-8"))
runs = {beta: [run for run in stored["runs"] if run["beta"] == beta] for beta in (1.0, 2.0, 4.0, 8.0)}
gaps = {beta: torch.tensor([run["gap"] for run in rows]) for beta, rows in runs.items()}
for beta, rows in runs.items():
    losses = [run["distortion"] + beta * run["rate"] for run in rows]
    rank = spearmanr(losses, gaps[beta]).statistic
    print(
        f"β = {beta:g}: MIG {gaps[beta].mean():.2f} ± {gaps[beta].std():.2f}, from {gaps[beta].min():.2f} to "
        f"{gaps[beta].max():.2f}; rank correlation of test loss and MIG {rank:+.2f}"
    )

everything = torch.cat(list(gaps.values()))
between = sum(len(values) * (values.mean() - everything.mean()) ** 2 for values in gaps.values())
share = (between / ((everything - everything.mean()) ** 2).sum()).item()
print(f"of the variance of the {len(everything)} gaps, β explains {share:.0%} and the seed {1 - share:.0%}")

# %% slideshow={"slide_type": "subslide"}
chart, axes = plots.figure(
    title="β = 4 sorts better on average; the seed decides more than β does",
    alt="Mutual information gap of 35 VAEs, a dot each, over beta 1, 2, 4 and 8, with the mean of each group as a bar. The "
    "means are about 0.15, 0.15, 0.26 and 0.22; within beta 4 the dots run from 0.04 to 0.39.",
    size=(7.5, 3.2),
)
for place, values in enumerate(gaps.values()):
    across = place + torch.linspace(-0.16, 0.16, len(values))
    axes.plot(across, values, "o", color=plots.VAE, alpha=0.8)
    axes.plot([place - 0.28, place + 0.28], [values.mean()] * 2, color=plots.EXACT, linewidth=2)
axes.set(
    xticks=range(4), xticklabels=[f"β = {beta:g}" for beta in gaps], ylim=(0, 0.45), ylabel="mutual information gap"
)
axes.set_title("a dot: one seed; bar: their mean")
chart

# %% slideshow={"slide_type": "skip"}
difference = (gaps[4.0].mean() - gaps[1.0].mean()).item()
error = math.sqrt(gaps[4.0].var() / 10 + gaps[1.0].var() / 10)
assert 0.08 < difference < 0.14 and 2 < difference / error < 3, "the text says: 0.11, two to three standard errors"
assert 0.25 < share < 0.35, "the text says: β explains three tenths"
inside = (sum(((values - values.mean()) ** 2).sum() for values in gaps.values()) / (len(everything) - 4)).item()
allowed_for = (between.item() - 3 * inside) / (((everything - everything.mean()) ** 2).sum().item() + inside)  # ω²
assert 0.17 < allowed_for < 0.25, "the text says: about a fifth"
entropies = sorted(math.log(len(values)) for values in FACTORS.values())  # nats
left, reachable = max(run["rate"] for run in runs[4.0]), 0.0
assert left < 5.1 and abs(sum(entropies) - 9.4) < 0.06, "the text says: about five nats, and 9.4"
for entropy in entropies:  # the gap at its best: the cheapest factors known, and no second latent that knows any
    reachable += min(1, left / entropy) / len(entropies)
    left = max(0, left - entropy)
assert 0.58 < reachable < 0.65, "the text says: about 0.6"
assert gaps[1.0].max() > gaps[4.0].mean() and abs(gaps[2.0].mean() - gaps[1.0].mean()) < 0.02
ranks = [spearmanr([r["distortion"] + b * r["rate"] for r in rows], gaps[b]).statistic for b, rows in runs.items()]
assert ranks[2] < -0.8 and max(abs(rank) for rank in ranks[:2] + ranks[3:]) < 0.5, "−0.9 at β = 4 only"

# %% [markdown] slideshow={"slide_type": "fragment"}
# - **β helped, on average.** From β = 1 to β = 4, the best of the four, picked afterwards, the mean rises by 0.11, two
#   to three standard errors; from 1 to 2 it hardly moves. None of the 35 comes near 1, and at β = 4 none could: all five factors take log 12,705 ≈ 9.4 nats, and the
#   rate, about five nats, allows a gap of about 0.6.
# - **The seed decides more.** β explains three tenths of the variance of the 35 gaps (about a fifth, allowing for
#   four means fitted to 35 numbers), the seed the rest. At β = 4 alone the gap runs from 0.04 to 0.39; the luckiest
#   model at β = 1 beats the average there.
# - **Can the loss tell which seed was lucky?** At β = 4, yes: the lower, the larger the gap (rank correlation −0.9), as one
#   would expect if a diagonal $q$ favours axes that fit the factors (Rolínek et al. 2019). At the other three β
#   the correlation cannot be told from none. Without labels you would not know in which case you are.

# %% [markdown]
# ### Exercise 4 · The gap (implement, 8 minutes)
#
# From the table of mutual information, (K, F) in nats, and the factors' entropies, (F,), compute the gap.


# %%
def my_gap(information, entropies):
    """The mutual information gap.  information: (K, F) nats; entropies: (F,) nats -> a tensor with one number."""
    ...


exercises.mutual_information_gap.check(my_gap)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## To take with you
#
# - Negative ELBO = rate + distortion. β is the rate of exchange: at the optimum the last nat of code saves β
#   nats of distortion, $dD/dR = -\beta$.
# - The ELBO fixes the sum, not the split. With a decoder that can do without z, nearly every split is as good, and the
#   order of learning decides.
# - Collapse by price (a latent that saves less than β), by a decoder that does without, or by haste (it learns to do
#   without first): look at the KL of each latent. Annealing, cycles and free bits raised the rate; here they did not
#   improve the bound.
# - A larger β is no reliable method for disentanglement: the seed decides more. Show all seeds.
#
# **What could fool you.** Active units: a latent can be active and carry nothing useful; swap codes and see what it
# costs. Samples of a strong decoder, which can look as good when z is silent. One lucky seed.
#
# **Sources.** Alemi et al. (2018), *Fixing a Broken ELBO*, arXiv:1711.00464, section 2: rate, distortion and the line.
# Higgins et al. (2017), *beta-VAE*, ICLR. Cover & Thomas, *Elements of Information Theory*, 2nd edition, section 10.3: reverse
# water-filling. Lucas et al. (2019), *Don't Blame the ELBO!*, arXiv:1911.02469: collapse in linear VAEs. Germain et
# al. (2015), *MADE*, arXiv:1502.03509: the masks. Bowman et al. (2016), arXiv:1511.06349, section 3.1, and Chen et al.
# (2017), *Variational Lossy Autoencoder*, arXiv:1611.02731, section 2: decoders that read along, annealing. Kingma et
# al. (2016), arXiv:1606.04934, appendix C.8: free bits. Fu et al. (2019), arXiv:1903.10145, figure 2: cycles. Burda et al. (2016), arXiv:1509.00519, section
# 5.2: active units. Chen et al. (2018), arXiv:1802.04942: the gap. Locatello et al. (2019),
# arXiv:1811.12359: the theorem, and 12,000 models. Rolínek et al. (2019), arXiv:1812.06775: why a diagonal q prefers
# axes. Further: He et al. (2019), arXiv:1901.05534: collapse as an encoder that lags behind.
#
# **Next:** [09 · How good is the model, really?](09_how_tight_is_the_bound.ipynb) The ELBO has been our ruler all along, and it is a bound. How tight is it?
