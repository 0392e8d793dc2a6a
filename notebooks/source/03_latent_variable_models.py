# %% [markdown] slideshow={"slide_type": "slide"}
# # 03 · Where does P(image) come from if we only have a decoder?
#
# Here is a picture. How probable is it? A decoder cannot say, although it draws pictures all day. Two additions turn
# it into a model that can: then the answer is one well-defined number. Finding that number is another matter.
#
# After this notebook you can
# - turn a decoder into a complete P(image) with two additions, and compute p(x) and p(z|x) exactly where that is
#   possible;
# - say why an average over random codes is a correct estimate of p(x) and a useless one for images, with the number
#   of codes it would take;
# - say what an encoder q(z|x) is for, train a small one without any new theory, and name two things it cannot say.
#
# Needs: 01 (decoder, PCA), 02 (an autoencoder's codes have no prior). Reading: 45 minutes. Run All: about 20 seconds
# on two cores.

# %% slideshow={"slide_type": "skip"}
import math

import torch
from torch import nn
from torch.distributions import MultivariateNormal, Normal

from vae_utils import exercises, load_images
from vae_utils.importance import effective_sample_size, log_mean_weight
from vae_utils.plots import ENCODER, EXACT, LIKELIHOOD, MUTED, PRIOR, WRONG, figure, label_lines, show_images
from vae_utils.toy import ToyModel
from vae_utils.widgets import ToyExplorer

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What a decoder does not say
#
# Hand a decoder a code and it draws a picture. Hand it a picture and ask "how probable is this?", and it has no
# answer, for two reasons.
#
# **It does not say which codes occur, and how often.** That was the trouble in notebook 02: we made up a distribution
# of codes after the training.
#
# **It does not say what to think of a picture that it cannot draw exactly.** A decoder with 16 inputs draws a
# 16-dimensional sheet of pictures in a space of 784 dimensions. Practically every real picture lies off the sheet.
#
# So we add two things:
# - a **prior** $p(z) = \mathcal N(0, I)$: the codes occur like this, by decree;
# - a **likelihood** $p(x \mid z)$: the picture is what the decoder draws, plus noise of standard deviation σ on each
#   pixel.
#
# To make a picture: draw a code, decode it, add the noise. A model with a variable that is never observed, here the
# code, is a **latent-variable model**. These two lines are the whole model, and it has a P(image). We only have to
# find it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A picture with one pixel
#
# Take the smallest case: one latent number z, one pixel x. The decoder is a curve, $f(z) = z + 0.8 \sin 2z$, and the
# noise is σ = 0.3. Nothing is trained here; everything can be computed.
#
# **Predict first.** The prior over z has one hump, in the middle. We send 200,000 codes through the curve and add
# noise. What will the histogram of x look like: one hump, flat, or something else? Look at the formula again before
# you decide.


# %%
def decode(z):
    return z + 0.8 * torch.sin(2 * z)


sigma = 0.3
generator = torch.Generator().manual_seed(0)
z = torch.randn(200_000, generator=generator)  # (N,)  how often each code occurs
x = decode(z) + sigma * torch.randn(200_000, generator=generator)  # (N,)  what is seen

# %% slideshow={"slide_type": "subslide"}
shown, (left, right) = figure(
    1, 2, title="One hump of codes becomes two humps of x, piled up where the curve is flat",
    alt="Left: 1,500 samples around the decoder's curve, x against z; the curve rises, is nearly flat around z = 1.1 "
    "to 2 and -1.1 to -2, and rises again. Right: histogram of x with two humps, near 1.55 and -1.55, and a valley at "
    "0.",
    sharey=True, width_ratios=[2, 1], size=(7.5, 3.6),
)  # fmt: skip
line = torch.linspace(-3.6, 3.6, 400)
left.scatter(z[:1500], x[:1500], s=5, color=MUTED, linewidths=0)
left.plot(line, decode(line), color=LIKELIHOOD, linewidth=2)
left.annotate("decoder f(z)", (-0.4, decode(torch.tensor(-0.4))), (0.35, -1.2), color=LIKELIHOOD)
left.set(xlabel="code z (prior standard deviations)", ylabel="x", xlim=(-3.6, 3.6), ylim=(-3.6, 3.6))
right.hist(x, bins=72, range=(-3.6, 3.6), density=True, orientation="horizontal", color=MUTED)
right.set(xlabel="share of samples per unit of x")
shown

# %% [markdown]
# Two humps, and a valley at x = 0, although codes near z = 0 are the most frequent. Where the curve is flat, many codes are sent to nearly the same
# x: they pile up. Where it is steep, the codes are spread thin. A decoder shapes a density by where it is flat and
# where it is steep. That is how one plain Gaussian can become ten kinds of digits.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Add up every explanation
#
# A given x can come from any code: from some easily, from most only by a freak of the noise. So its density is the
# sum over all codes of "how often does this code occur" times "how well does it explain x":
#
# $$p(x) = \int p(x \mid z)\, p(z)\, dz$$
#
# This is the **marginal** density of x, and for a picture it is the P(image) of our title. In one dimension the
# integral is a sum over a fine grid of codes, and that is as good as exact.

# %% tags=["nbval-check-output"]
codes = torch.linspace(-6, 6, 2_401, dtype=torch.float64)  # (G,)  a grid of codes
step = 12 / 2_400
prior = Normal(0.0, 1.0).log_prob(codes).exp()  # (G,)  p(z)


def marginal(x, sigma):
    likelihood = Normal(decode(codes), sigma).log_prob(x[:, None]).exp()  # (N, G)  p(x|z), a row for each x
    return (likelihood * prior).sum(1) * step  # (N,)    p(x)


xs = torch.linspace(-6, 6, 481, dtype=torch.float64)  # (N,)
p_x = marginal(xs, sigma)
area, top = (p_x.sum() * 12 / 480).item(), xs[p_x.argmax()].abs().item()
ratio = (p_x.max() / marginal(torch.zeros(1).double(), sigma)).item()
print(f"area under p(x): {area:.4f}   humps at x = ±{top:.2f}, {ratio:.1f} times as high as the valley at 0")

# %%
within = ((x > 1) & (x < 2)).float().mean().item()  # of the samples drawn above
exact = (p_x[(xs > 1) & (xs < 2)].sum() * 12 / 480).item()
assert abs(area - 1) < 1e-6 and 1.5 < top < 1.6 and 2.2 < ratio < 2.6
assert abs(within - exact) < 0.03, "the sum over codes and the histogram describe the same distribution"
toy = ToyModel(noise=0.3, curve="wave")  # the package's toy: the same model, the same sums
assert torch.allclose(toy.marginal(xs), p_x, rtol=1e-6, atol=1e-8)
assert torch.equal(toy.decode(codes), decode(codes))

# %% [markdown]
# The sum gives a density: its area is 1, and it matches the histogram. Its unit is "per unit of x". For a picture
# with 784 pixels it is "per unit of each of 784 pixels". Such a density may well be above 1, so a log p(x) above zero is
# no mistake.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Which codes could have made this x?
#
# Turn the question round. We see x = 1.5. Which code was it? Bayes' rule weighs each code by its share of the sum:
#
# $$p(z \mid x) = \frac{p(x \mid z)\, p(z)}{p(x)}$$
#
# The **posterior** p(z|x) is a density over codes, one for each x. Below the line stands the very integral that we
# have computed: whoever knows p(x) knows the posterior, and the other way round.
#
# **Predict first.** A horizontal line at x = 1.5 cuts the curve three times. How many humps has the posterior when
# the noise is σ = 2? When it is 0.3? When it is 0.05? Which hump will be highest?


# %% tags=["nbval-check-output"]
def posterior(x, sigma):
    joint = prior * Normal(decode(codes), sigma).log_prob(x).exp()  # (G,)  p(x|z) p(z)
    return joint / (joint.sum() * step)  # (G,)  p(z|x)


x_seen = torch.tensor(1.5, dtype=torch.float64)
posteriors = {sigma: posterior(x_seen, sigma) for sigma in (2.0, 0.3, 0.05)}
between_turns = ((-6, 1.12), (1.12, 2.02), (2.02, 6))  # the curve turns at z = 1.12 and z = 2.02
for sigma, density in posteriors.items():
    mean = (density * codes).sum() * step
    spread = ((density * (codes - mean) ** 2).sum() * step).sqrt()
    masses = [density[(low < codes) & (codes <= high)].sum() * step for low, high in between_turns]
    print(f"σ = {sigma:4.2f}: mean {mean:.2f}, standard deviation {spread:.2f}")
    print("   mass left of, between and right of the turning points:", " / ".join(f"{mass:.2f}" for mass in masses))
    ours = ToyModel(sigma, "wave").posterior(1.5)[6000:-6000:5]  # the package's grid is wider and finer
    assert torch.allclose(ours, density, rtol=1e-6, atol=1e-9)

# %% slideshow={"slide_type": "subslide"}
shown, panels = figure(
    1, 3, title="The sharper the decoder, the fewer codes explain the same x = 1.5",
    alt="Three panels over z with prior, likelihood and posterior for x = 1.5. Sigma 2: the posterior is a hump a "
    "little to the right of the prior. Sigma 0.3: one skewed hump from 0.4 to 2.5 with its top near 0.7. Sigma 0.05: "
    "three separate spikes near 0.7, 1.7 and 2.3, the first the highest.",
    size=(7.5, 3.1),
)  # fmt: skip
for axes, (sigma, density) in zip(panels, posteriors.items(), strict=True):
    likelihood = Normal(decode(codes), sigma).log_prob(x_seen).exp()
    axes.plot(codes, prior, color=PRIOR, linewidth=2, label="prior")
    axes.plot(
        codes, likelihood * density.max() / likelihood.max(), "--", color=LIKELIHOOD, label="likelihood*", zorder=4
    )
    axes.plot(codes, density, color=EXACT, linewidth=2.2, label="posterior")
    axes.set(xlim=(-3, 3.5), ylim=(0, None), xlabel="code z")
    axes.set_title(f"σ = {sigma:g}")
panels[0].set_ylabel("density (* scaled in height)")
panels[0].legend(loc="upper left", fontsize=8, handlelength=1.4, borderaxespad=0)
panels[0].set_ylim(0, 0.85)
shown


# %% tags=["nbval-check-output"]
def count_peaks(density):
    inside = density[1:-1]
    return int(((inside > density[:-2]) & (inside > density[2:]) & (inside > 1e-3)).sum())


peaks = {sigma: count_peaks(density) for sigma, density in posteriors.items()}
first = (posteriors[0.05][codes < 1.12].sum() * step).item()
likelihood_area = (Normal(decode(codes), 0.3).log_prob(x_seen).exp().sum() * step).item()
print("humps:", peaks, f"  area under the likelihood at σ = 0.3, as a function of z: {likelihood_area:.2f}")
assert count_peaks(posterior(x_seen, 0.27)) == 1 and count_peaks(posterior(x_seen, 0.2)) == 2
assert (
    count_peaks(posterior(x_seen, 0.13)) == 2
    and count_peaks(posterior(x_seen, 0.11)) == 3
    and peaks == {2.0: 1, 0.3: 1, 0.05: 3}
)
assert 0.5 < first < 0.56 and 2.5 < likelihood_area < 2.6

# %% [markdown] slideshow={"slide_type": "subslide"}
# - **Much noise:** x says little, and the posterior stays near the prior.
# - **σ = 0.3:** one skewed hump. "Somewhere between 0.4 and 2.5" is all that can be said.
# - **Little noise:** three separate explanations. The likelihood rates them equally; the prior prefers the code
#   nearest to 0. Width counts too: the middle spike holds much mass because the curve is flat there.
#
# The likelihood is drawn dashed, and scaled, for a reason: as a function of z it is not a density. Its area here is
# not 1.

# %% [markdown]
# **Move σ from 3 down to 0.05 at x = 1.5: when does the posterior fall apart, first into two humps, then into
# three?** Watch the number of useful draws in the line below as well (how many codes drawn blindly explain x at all); it
# will matter soon. Then choose the decoder "square" and x = 2: what can you say about z when you know only its square?
# (The figure above shows three settings of σ. "Square" has a figure further down: "two peaks".)

# %%
ToyExplorer(x=1.5, noise=0.3)

# %% [markdown]
# The second hump appears near σ = 0.25, the third near 0.12. With "square" the posterior has two peaks, at 2 and −2:
# the size of z can be read off x, the sign cannot. We shall come back to that.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Exercise 1 · All posteriors together (predict, 3 minutes)
#
# Draw many x from the model. For each, take its exact posterior. Average all those densities. What do you get?
# - "a": something narrower than the prior, since each posterior is narrower than the prior;
# - "b": the prior;
# - "c": a curve with two humps, like p(x);
# - "d": a flat curve.
#
# Put the letter in place of the dots, before you read on.

# %%
exercises.average_posterior.check(...)

# %%
pooled, widths = torch.zeros_like(codes), []
for value in x[:2_000].double():  # x drawn from the model
    density = posterior(value, 0.3)
    pooled += density / 2_000
    mean = (density * codes).sum() * step
    widths.append((density * (codes - mean) ** 2).sum() * step)
variance = (pooled * codes**2).sum() * step - ((pooled * codes).sum() * step) ** 2
print(f"variance: single posterior {torch.stack(widths).mean():.2f} on average, all of them pooled {variance:.2f}")
assert abs(variance - 1) < 0.12 and 0.15 < torch.stack(widths).mean() < 0.25
assert (pooled - prior).abs().sum() * step < 0.12, "the area between the pooled posteriors and the prior"

# %% [markdown]
# The answer is "b": $\int p(z \mid x)\, p(x)\, dx = \int p(x, z)\, dx = p(z)$. Each posterior has a variance of about 0.2.
# Their means supply the rest, up to the prior's 1.
#
# Keep this for later. If the pictures really come from the model and the posteriors are exact, then the codes of all
# pictures, pooled, fill the prior: **no holes, by construction**. That is what notebook 02 was missing. Both "ifs"
# hold only approximately for real images; notebook 10 measures how far.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Throw darts instead
#
# A grid of 100 points per axis needs $100^{16} = 10^{32}$ points for 16 latent dimensions. But the integral is an
# average over the prior, and averages can be estimated. Draw S codes from the prior, see how well each explains x,
# take the mean. Each such code is a **dart**, thrown without looking at x:
#
# $$p(x) = \mathbb E_{p(z)}\big[p(x \mid z)\big] \approx \hat p(x) = \frac1S \sum_{s=1}^{S} p(x \mid z_s),
# \qquad z_s \sim p(z)$$
#
# This is **naive Monte Carlo**. It needs a decoder and nothing else, and it is **unbiased**: the mean of $\hat p(x)$
# over many repetitions is p(x), whatever S is.
#
# A practical point: the likelihood of a picture is a product of 784 factors, far outside of what a float can hold. So
# we keep logarithms, and let `logsumexp` take out the largest one before it calls `exp`.


# %%
def log_mean(log_weights):
    """Logarithm of the mean of exp(log_weights), without leaving the logarithms.  (S, ...) -> (...)"""
    return torch.logsumexp(log_weights, dim=0) - math.log(len(log_weights))


z = torch.randn(10_000, generator=generator, dtype=torch.float64)  # (S,)
log_weights = Normal(decode(z), 0.3).log_prob(x_seen)  # (S,)  log p(x|z)
naive, exact = log_mean(log_weights).exp().item(), math.exp(toy.log_marginal(1.5))
print(f"p(1.5) from 10,000 darts {naive:.2f}, exact {exact:.2f};  exp(-800) as a float {torch.tensor(-800.0).exp()}")
assert abs(naive / exact - 1) < 0.1
assert torch.equal(log_mean(log_weights), log_mean_weight(log_weights)), "the package computes the same"

# %% [markdown] slideshow={"slide_type": "subslide"}
# ## How many darts hit?
#
# The darts do not count alike: a code far from the posterior adds next to nothing. Call $w_s = p(x \mid z_s)$ the
# weight of a dart. The **effective sample size** says how many darts of equal weight the whole throw is worth:
#
# $$\mathrm{ESS} = \frac{\big(\sum_s w_s\big)^2}{\sum_s w_s^2}$$
#
# If all weights are equal it is S; if one dart has all the weight it is 1. On the toy we can compute which share of
# many darts is useful. ESS/S tends to 1/N, with
#
# $$N(x) = \frac{\mathbb E_{p(z)}[w^2]}{\mathbb E_{p(z)}[w]^2} = \int \frac{p(z \mid x)^2}{p(z)}\, dz.$$
#
# So N is the number of darts thrown for each useful one. (The second equality holds because $w / p(x) = p(z \mid x) / p(z)$,
# by Bayes' rule.) Large N means: the posterior sits where the prior seldom throws.
#
# The variance of one weight, relative to $p(x)^2$, is $N - 1$, and a mean of S independent weights has 1/S of it. So the
# estimate's standard deviation, relative to p(x), is exactly $\sqrt{(N - 1)/S}$.


# %%
def effective(log_weights):
    """What S weighted draws are worth in draws of equal weight.  (S, ...) -> (...)"""
    shares = torch.softmax(log_weights, dim=0)  # (S, ...)  weights that sum to 1
    return 1 / shares.square().sum(dim=0)


def darts_per_hit(x, sigma):
    return (posterior(x, sigma) ** 2 / prior).sum().item() * step


needed, measured = darts_per_hit(x_seen, 0.3), len(z) / effective(log_weights).item()
print(f"σ = 0.3, x = 1.5: one dart in {needed:.1f} is useful (exact), one in {measured:.1f} (measured on 10,000)")
assert abs(needed - 3) < 0.1 and abs(measured - needed) < 0.3
assert torch.equal(effective(log_weights), effective_sample_size(log_weights)), "the package computes the same"

# %% [markdown]
# One dart in three. In this toy naive Monte Carlo is excellent, and if images were like it, this course would end
# here.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The same darts, a sharper decoder
#
# Now make life harder, still in one dimension: a sharp decoder, σ = 0.03, and a rarer x = 2. The posterior is a spike
# of width 0.016 far out at z = 2.66.
#
# **Predict first.** We estimate p(x) from 100 darts, and repeat that 90,000 times. The mean of the 90,000 estimates
# will be right: it is unbiased. How many of the single estimates will be too low: a half, two thirds, or nearly all?

# %%
ratios, hard = {}, torch.tensor(2.0, dtype=torch.float64)
for sigma, value in ((0.3, x_seen), (0.03, hard)):
    z = torch.randn(100, 90_000, generator=generator)  # (S, repetitions)
    estimates = log_mean(Normal(decode(z), sigma).log_prob(value)).exp()  # (repetitions,)
    ratios[sigma] = estimates / math.exp(ToyModel(sigma, "wave").log_marginal(value.item()))
    mean, error = ratios[sigma].mean(), ratios[sigma].std() / 300  # 300 = sqrt(90,000)
    low, median = (ratios[sigma] < 1).double().mean(), ratios[sigma].median()
    needed = darts_per_hit(value, sigma)
    expected, spread = math.sqrt((needed - 1) / 100), ratios[sigma].std()
    print(f"σ = {sigma}: one dart in {needed:.0f} is useful; spread expected {expected:.2f}, measured {spread:.2f}")
    print(
        f"   estimate / truth: mean {mean:.2f} ± {error:.2f}, median {median:.1g}, too low in {low:.0%} of the throws"
    )
    assert abs(mean - 1) < 5 * error, "unbiased"

# %%
easy, spiky = ratios[0.3], ratios[0.03]
assert 0.45 < (easy < 1).double().mean() < 0.58 and abs(easy.std() - math.sqrt(1.99 / 100)) < 0.01
assert (spiky < 1).double().mean() > 0.88 and spiky.median() < 1e-13 and 3 < spiky.std() < 5
spike_mean, spike_logvar = ToyModel(0.03, "wave").posterior_moments(2.0)
assert abs(spike_mean - 2.66) < 0.005 and abs(math.exp(spike_logvar / 2) - 0.016) < 0.0005, "as the text says"

# %% slideshow={"slide_type": "subslide"}
shown, (left, right) = figure(
    1, 2, title="Unbiased, both of them; but with the sharp decoder nearly every single estimate is far too low",
    alt="Two histograms of the estimate divided by the truth, 90,000 repetitions of 100 darts. Left, sigma 0.3, x = "
    "1.5: a bell around 1. Right, sigma 0.03, x = 2: nearly all mass in the first bar next to 0, and a thin tail far "
    "beyond 10.",
    size=(7.5, 3.1),
)  # fmt: skip
left.hist(easy, bins=60, range=(0, 2), weights=torch.full_like(easy, 1 / 90_000), color=WRONG)
right.hist(spiky, bins=60, range=(0, 30), weights=torch.full_like(spiky, 1 / 90_000), color=WRONG)
left.set_title("σ = 0.3, x = 1.5: 1 dart in 3 useful")
right.set_title("σ = 0.03, x = 2: 1 dart in 1,534 useful")
right.set_yscale("log")
left.set(xlabel="estimate / truth", ylabel="share of repetitions")
right.set(xlabel="estimate / truth", ylabel="share (logarithmic)")
for axes in (left, right):
    axes.axvline(1, color=EXACT, linewidth=1.5, linestyle="--")
shown

# %% [markdown]
# Nine throws in ten are too low, and half of **all** throws by a factor of more than $10^{13}$. The mean is still 1: now and
# then a dart hits the spike, the estimate comes out ten or twenty times too high, and pays for all the others.
# **Unbiased is a promise about the mean of many repetitions. You will throw once.**
#
# We need log p(x), and there it is worse: the logarithm turns "$10^{13}$ times too low" into minus 30 nats and
# "twenty times too high" into plus 3, so the mean of $\log \hat p(x)$ lies below log p(x) (Jensen's inequality,
# notebook 04). A lucky throw cannot mend that: by Markov's inequality the estimate exceeds c times p(x) with a
# probability of at most 1/c.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 2 · From one dimension to twenty (predict, 4 minutes)
#
# The toy at σ = 0.3 and x = 1.5 has N = 3: one dart in three is useful. Now take a picture of 20 such pixels, each
# with its own latent number, all of them independent, each x = 1.5. One code is now 20 numbers. How many darts for each useful one? Put the number in place of the dots (an expression such as `2 * 10**5` will do). Stuck? `exercises.NAME.hint()`, and `.solution()` in the end.

# %%
exercises.darts_in_twenty_dimensions.check(...)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Real digits, with the exact answer beside the estimate
#
# To see how far an estimate is off, we need a model of images whose log p(x) is known exactly. There is one: a
# **linear** decoder. Draw z, multiply by a matrix W, add the mean image b and noise σ. The sum of Gaussians is a
# Gaussian, so
#
# $$p(x \mid z) = \mathcal N(Wz + b,\; \sigma^2 I) \quad\Rightarrow\quad p(x) = \mathcal N(b,\; WW^\top + \sigma^2 I).$$
#
# Even the best W and σ are known in closed form (Tipping & Bishop, 1999). With λ the variances along the principal
# directions U of the training images: $\sigma^2$ is the mean of the λ that are left out, and
# $W = U_K (\Lambda_K - \sigma^2 I)^{1/2}$. It is the PCA of notebook 01, with a prior and noise: **probabilistic
# PCA**, a complete P(image). Grey values count as real numbers here. It is not a good model of digits, but one whose
# every answer can be checked.

# %%
digits = load_images("digits")
train, test = digits.train.flatten(1).double(), digits.test.flatten(1).double()  # (8000, 784), (2000, 784)
b = train.mean(0)  # (784,)
variances, directions = torch.linalg.eigh(torch.cov(train.T))
variances, directions = variances.flip(0), directions.flip(1)  # (784,), (784, 784)  largest first


def linear_decoder(K):
    noise = variances[K:].mean()  # ()        σ²
    return directions[:, :K] * (variances[:K] - noise).sqrt(), noise  # (784, K)  W


def log_likelihoods(x, z, K):  # (B, 784), (S, K) -> (S, B)
    W, noise = linear_decoder(K)
    r = x - b  # (B, 784)
    length = ((z @ (W.T @ W)) * z).sum(1, keepdim=True)  # (S, 1)  |Wz|²
    squared = r.square().sum(1) - 2 * z @ (r @ W).T + length  # (S, B)  |r - Wz|², without 100,000 pictures in memory
    return -0.5 * (squared / noise + 784 * (2 * math.pi * noise).log())


# %% [markdown] slideshow={"slide_type": "subslide"}
# A linear model has a Gaussian posterior, too, so the number of darts for a hit is known exactly as well. With
# posterior means $m_k$ and variances $s_k^2$ the integral for N becomes a product over the latent dimensions:
#
# $$N(x) = \prod_{k=1}^{K} \frac{1}{s_k \sqrt{2 - s_k^2}}\, \exp\!\Big(\frac{m_k^2}{2 - s_k^2}\Big)$$
#
# **Predict first.** Twenty test digits, 100,000 darts for each. With K = 1 the estimate of log p(x) is as good as
# exact. At K = 16, by how many nats will it be off: 0.1, 1, 10, or more than 100? And does log p(x) itself rise or
# fall with K?


# %%
def exact_encoder(x, K):
    W, noise = linear_decoder(K)
    return (x - b) @ W / variances[:K], noise / variances[:K]  # (B, K) means, (K,) variances of p(z|x)


few, table = test[:20], []
for K in (1, 2, 4, 6, 8, 12, 16, 24, 32):
    W, noise = linear_decoder(K)
    truth = MultivariateNormal(b, W @ W.T + noise * torch.eye(784).double()).log_prob(few)  # (20,)
    z = torch.randn(100_000, K, generator=generator, dtype=torch.float64)  # (S, K)
    log_weights = log_likelihoods(few, z, K)  # (S, 20)
    naive, ess = log_mean(log_weights), effective(log_weights)  # (20,), (20,)
    m, s2 = exact_encoder(test, K)  # for all 2,000 test digits
    log_needed = (m.square() / (2 - s2) - 0.5 * (s2 * (2 - s2)).log()).sum(1) / math.log(10)  # (2000,)  log10 N
    spread = log_needed.quantile(torch.tensor([0.1, 0.5, 0.9]).double())  # (3,)
    table.append((K, truth.mean(), naive.mean(), ess.median(), spread))
    print(f"K = {K:2d}: log p(x) {truth.mean():4.0f}, naive {naive.mean():4.0f} nats; ", end="")
    print(f"ESS {ess.median():7.1f} of 100,000; darts for a hit 10^{log_needed.median():.1f}")

# %%
results = {K: row for K, *row in table}
slope = (results[32][3][1] - results[1][3][1]) / 31  # powers of ten for each latent dimension
days = 10 ** results[16][3][1] / 1e9 / 86_400
print(
    f"each latent dimension multiplies the darts by about {10**slope:.1f};  10^9 darts a second, K = 16: {days:.0f} days"
)
assert abs(results[1][0] - results[1][1]) < 0.5 and abs(results[2][0] - results[2][1]) < 0.5
assert 130 < results[16][0] - results[16][1] < 170 and results[32][0] > results[16][0] > results[1][0] + 200
assert 17 < days < 19 and results[16][2] < 1.5 and 7.5 < 10**slope < 8.5
assert abs(results[16][0] - 205) < 10 and abs(results[16][1] - 50) < 15, "the text says: about 205 and 50"
assert -260 < results[32][1] < -140 and abs(results[4][0] - results[4][1]) < 4
widths = exact_encoder(test, 16)[1].sqrt()  # (16,)  standard deviations of the posterior
assert 0.07 < widths.min() < 0.08 and 0.17 < widths.max() < 0.19

# %% slideshow={"slide_type": "subslide"}
shown, (left, right) = figure(
    1, 2, title="Each latent dimension helps the model and makes random codes 8× less useful",
    alt="Left: mean log p(x) of 20 test digits against the number of latent dimensions K. The exact curve rises from "
    "-75 to about 340 nats; the estimate from 100,000 random codes follows it to K = 4, then falls below and sinks to "
    "about -200. Right: darts for one hit against K on a logarithmic axis, a straight line from 10 to 10 to the 29, "
    "with a band for 10 to 90 percent of the test digits; the 100,000 darts thrown are a horizontal line near the "
    "bottom.",
    size=(7.5, 3.3),
)  # fmt: skip
sizes = list(results)
left.plot(sizes, [row[0] for row in results.values()], "o-", color=EXACT, markersize=4, label="exact")
left.plot(sizes, [row[1] for row in results.values()], "o-", color=WRONG, markersize=4, label="naive")
left.set(xlabel="latent dimensions K", ylabel="log p(x), nats per image")
low, median, high = torch.stack([row[3] for row in results.values()]).T  # (sizes,) each
right.fill_between(sizes, 10**low, 10**high, color=WRONG, alpha=0.2, linewidth=0)
right.plot(sizes, 10**median, "o-", color=WRONG, markersize=4)
right.axhline(1e5, color=MUTED, linestyle="--")
right.text(32, 3e5, "thrown: 100,000", ha="right", color="#5f5f5f", fontsize=9)
right.set(yscale="log", xlabel="latent dimensions K", ylabel="darts for one hit, N")
label_lines(left)
shown

# %% [markdown]
# A better decoder and a worse estimate, from the same change. With K = 16, log p(x) is about 205 nats, and 100,000
# darts say about 50: wrong by nearly **160 nats**. One hit on the median test digit takes $1.6 \cdot 10^{15}$ darts: at a
# billion a second, eighteen days for one image.
#
# Nothing about this decoder is difficult: it is linear, and each posterior is a single Gaussian hump. But each pixel
# says a little about z, and 784 pixels together say a lot: along its 16 dimensions the posterior is between 7% and
# 18% as wide as the prior. A dart must hit all 16 at once.
#
# Look at the ESS column, too. At K = 16 it says that 1 of 100,000 darts is useful. The truth is less than $10^{-10}$
# of a dart. **The effective sample size is computed from the darts themselves; when all of them miss, it cannot
# know.**

# %% slideshow={"slide_type": "subslide"}
W, noise = linear_decoder(32)
z = torch.randn(100_000, 32, generator=generator, dtype=torch.float64)  # (S, 32)
best = z[log_likelihoods(test[:9], z, 32).argmax(0)]  # (9, 32)  of 100,000 codes the one that explains x best
right_place, _ = exact_encoder(test[:9], 32)  # (9, 32)  mean of the posterior
rows = [test[:9], b + best @ W.T, b + right_place @ W.T]  # (9, 784) each
errors = [(row - test[:9]).square().sum(1).mean().item() for row in rows[1:]]
assert errors[0] > 1.5 * errors[1]
show_images(
    [row.reshape(-1, 1, 28, 28).clamp(0, 1).float() for row in rows],
    row_labels=["test digit", "best of 100,000 random codes", "mean of the posterior"],
    title="K = 32: the decoder can draw these digits, and random codes do not find out",
    alt="Nine test digits; below each the picture of the best of 100,000 random codes, a blur of roughly the right "
    "kind; below that the picture of the posterior's mean, which resembles the digit closely.",
)

# %% [markdown]
# The right code exists; 100,000 blind ones do not come near it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Let somebody say where to look
#
# The darts were thrown blindfold. Suppose that for this x somebody names a distribution $q(z)$ of codes worth trying.
# Draw from q instead, and correct for having done so: a code that q proposes too often gets a smaller weight.
#
# $$p(x) = \int q(z)\, \frac{p(x \mid z)\, p(z)}{q(z)}\, dz
# = \mathbb E_{q(z)}\left[ \frac{p(x \mid z)\, p(z)}{q(z)} \right]$$
#
# This holds for every q that leaves out no code with $p(x, z) > 0$. It is **importance sampling**; naive Monte Carlo
# is the case q = p(z), where the prior cancels.
#
# Which q is best? Put the posterior in. Then $p(x \mid z) p(z) / p(z \mid x) = p(x)$, by Bayes' rule, **whatever z
# was drawn**. All weights are equal, the ESS is S, and a single draw gives the exact answer. To know that q one would
# have to know p(x), so it is no method; it is the target. A good q is one that is close to the posterior.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Exercise 3 · The estimate with q (implement, 8 minutes)
#
# You get, for S draws from q and B images, three tensors of shape (S, B): $\log p(z)$, $\log p(x \mid z)$ and
# $\log q(z)$. Return the estimate of log p(x) for each image, (B,). It must survive log-likelihoods of −2,000.


# %%
def my_estimate(log_prior, log_likelihood, log_q):
    """Estimate of log p(x) from S draws of q.  Three times (S, B) -> (B,)"""
    ...


exercises.estimate_with_q.check(my_estimate)

# %% [markdown]
# On the digits with K = 16 we know the posterior. One draw from it for each of the twenty images, against 100,000
# darts. And because nobody gets the posterior exactly, also a clumsy q: the same means, all sixteen standard
# deviations 20% too large.


# %%
def log_weights_from(m, s, S):
    z = m + s * torch.randn(S, *m.shape, generator=generator, dtype=torch.float64)  # (S, B, K)
    log_likelihood = Normal(z @ W.T + b, noise.sqrt()).log_prob(few).sum(-1)  # (S, B)
    return log_likelihood + Normal(0.0, 1.0).log_prob(z).sum(-1) - Normal(m, s).log_prob(z).sum(-1)


W, noise = linear_decoder(16)
m, s2 = exact_encoder(few, 16)
s = s2.sqrt().expand_as(m)  # (20, 16)
truth = MultivariateNormal(b, W @ W.T + noise * torch.eye(784).double()).log_prob(few)  # (20,)
one = log_mean_weight(log_weights_from(m, s, 1))
clumsy = log_weights_from(m, 1.2 * s, 100)
error, share = (log_mean_weight(clumsy) - truth).abs(), effective_sample_size(clumsy).mean() / 100
print(f"posterior, 1 draw: off by less than 1e-6 nats: {bool((one - truth).abs().max() < 1e-6)}")
print(f"clumsy q, 100 draws: off by {error.mean():.2f} nats on average; ESS {share:.0%}")
assert (one - truth).abs().max() < 1e-6 and 0.04 < error.mean() < 0.16 and 0.3 < share < 0.65

# %% [markdown]
# One draw from the right place beats what $10^{15}$ random ones could do, and a hundred from roughly the right place
# are off by about a tenth of a nat. **That is what an encoder is for in a latent-variable model.** It is not half of
# a compression program, as in notebook 01. It is the part that says where to look.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## From a point to a mean and a variance
#
# An autoencoder's encoder answers with a point. The posterior is not a point, so ours has to answer with a
# distribution. The usual choice is a Gaussian with a mean and a variance for each latent dimension:
#
# $$q_\phi(z \mid x) = \mathcal N\big(\mu_\phi(x),\; \mathrm{diag}\,\sigma_\phi^2(x)\big)$$
#
# A network cannot easily promise a positive number, so it outputs **logvar** = $\log \sigma^2$, which may be any number.
# A Gaussian without correlations between the dimensions is called **mean-field**.
#
# **One letter changes its meaning.** Up to here σ was the decoder's noise. From here on σ is the *encoder's* width, and
# the decoder's is called "the noise".
#
# Where do μ and logvar come from? One could search for the best pair for each image: 8,000 searches, 8,000 × 2K
# numbers to store, and a new search for each new image. Or one network, with weights φ, learns to map any x to its pair.
# Its training is paid for once, and every new image costs one forward pass: that is **amortization**. The price is that
# one network must serve all images, and may serve each a little less well.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ## Training an encoder on dreams
#
# Is there a way to train it already, before notebook 04? Yes: the decoder can produce as many pairs (z, x) as we
# like. Draw z, decode, add noise. Such a pair is a **dream** of the decoder (Hinton et al., 1995). Here x is the input and
# z the answer, and we ask the encoder to give the answer a high density:
#
# $$\min_\phi\; \mathbb E_{p(z)\,p(x \mid z)}\big[-\log q_\phi(z \mid x)\big],\qquad
# -\log q = \tfrac12\Big(\log 2\pi + \mathrm{logvar} + \frac{(z - \mu)^2}{e^{\mathrm{logvar}}}\Big)$$
#
# For a given x the z of the pairs are draws from the exact posterior p(z|x). Set the derivatives with respect to μ
# and logvar to zero, and the best answer is $\mu = \mathbb E[z \mid x]$ and $\sigma^2 = \mathrm{Var}[z \mid x]$: the
# **mean and the variance of the posterior**. So we know, to any number of digits, what the network should find.


# %%
def train_encoder(decode, noise, steps=800, batch=512):
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(encoder.parameters(), lr=2e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        z = torch.randn(batch, 1)  # (B, 1)  a dream:
        x = decode(z) + noise * torch.randn(batch, 1)  # (B, 1)  what it looks like
        mu, logvar = encoder(x).chunk(2, dim=1)  # (B, 1) each
        loss = 0.5 * (math.log(2 * math.pi) + logvar + (z - mu) ** 2 / logvar.exp()).mean()  # nats per dream
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return encoder


torch.set_num_threads(1)  # more threads than one would only wait for each other on so small a network
encoder = train_encoder(decode, 0.3)
with torch.no_grad():
    mu, logvar = encoder(torch.tensor([[1.5]])).squeeze().tolist()
mean, log_variance = toy.posterior_moments(1.5)
print(f"x = 1.5: encoder μ {mu:.1f}, σ {math.exp(logvar / 2):.1f}   exact {mean:.1f}, {math.exp(log_variance / 2):.1f}")


# %% slideshow={"slide_type": "skip"}
def compare(encoder, toy, xs):
    """Encoder and exact posterior moments at each x, (N, 2) each: mean and standard deviation."""
    with torch.no_grad():
        mu, logvar = encoder(xs[:, None].float()).double().chunk(2, dim=1)  # (N, 1) each
    exact = torch.tensor([toy.posterior_moments(x) for x in xs.tolist()], dtype=torch.float64)  # (N, 2)
    return torch.cat([mu, (logvar / 2).exp()], 1), torch.stack([exact[:, 0], (exact[:, 1] / 2).exp()], 1)


def draw_posteriors(axes, toy, xs, found):
    heat = torch.stack([toy.posterior(x) for x in xs.tolist()])[:, 8000:-8000:25]  # (N, 321)  z from -4 to 4
    heat = heat / heat.max(1, keepdim=True).values
    extent = (float(xs[0]), float(xs[-1]), -4, 4)
    axes.imshow(heat.T, origin="lower", extent=extent, aspect="auto", cmap="Greys", vmax=1.6)
    mu, spread = found.T
    axes.plot(xs, mu, color=ENCODER, linewidth=2.2, label="encoder μ")
    axes.plot(xs, mu + spread, "--", color=ENCODER, linewidth=1.4, label="μ ± σ")
    axes.plot(xs, mu - spread, "--", color=ENCODER, linewidth=1.4)
    axes.set(xlabel="observed x", ylabel="code z", ylim=(-4, 4))
    axes.grid(False)


# %% [markdown]
# In the next figure grey is the exact posterior, one column for each x, each scaled to its own highest value, so dark
# means *near the peak of this posterior*; pink is the encoder. Where a posterior is skewed, from |x| = 1 to 1.5 most
# of all, its mean lies away from its peak, so there the correct line leaves the darkest grey.

# %% slideshow={"slide_type": "subslide"}
xs = torch.linspace(-2.4, 2.4, 97, dtype=torch.float64)
found, exact = compare(encoder, toy, xs)
shown, axes = figure(
    title="One small network has learnt the mean and the width of every posterior",
    alt="Grey: exact posteriors over the code z, one column for each x. On top the encoder's mean with a band of one "
    "standard deviation; it runs through the black points of the exact moments, narrow where the curve is steep and "
    "wide near |x| = 1.5.",
    size=(7.5, 3.6),
)  # fmt: skip
draw_posteriors(axes, toy, xs, found)
for sign in (-1, 0, 1):
    moment = (exact[:, 0] + sign * exact[:, 1])[4::8]
    axes.plot(xs[4::8], moment, ".", color=EXACT, markersize=5, label="exact" if not sign else None)
axes.legend(loc="upper left")
shown

# %%
weights = toy.marginal(xs)
weights = weights / weights.sum()  # how often each x occurs
error = (weights * (found - exact)[:, 0] ** 2).sum().sqrt().item()
width = (weights * (found / exact)[:, 1].log() ** 2).sum().sqrt().item()
print(f"error of μ: {error:.3f} prior standard deviations; error of σ: {width:.0%} (root mean square over p(x))")
assert error < 0.05 and width < 0.12, "amortization costs little here"


def useful_share(mean, spread, x, toy):
    """Share of draws from N(mean, spread²) that is useful, exactly: 1 / ∫ p(z|x)² / q(z) dz."""
    log_q = Normal(mean, spread).log_prob(toy.grid)
    return 1 / ((2 * toy.posterior(x).log() - log_q).exp().sum().item() * toy.spacing)


blind, guided = useful_share(0.0, 1.0, 1.5, toy), useful_share(mu, math.exp(logvar / 2), 1.5, toy)
exact_mean, exact_logvar = toy.posterior_moments(1.5)
matched = useful_share(exact_mean, math.exp(exact_logvar / 2), 1.5, toy)  # a Gaussian with the exact moments
print(f"useful draws at x = 1.5: {blind:.0%} from the prior, {guided:.0%} from the encoder, 100% from the posterior")
print(f"from a Gaussian with the posterior's own mean and width: {matched:.0%}")
assert 0.32 < blind < 0.35 and 0.72 < guided < 0.84 and abs(matched - 0.785) < 0.003

# %% [markdown]
# The network was never shown a posterior, only dreams, and it found the exact means to a few hundredths and the
# widths to a few per cent. At x = 1.5 nearly four in five of its draws are useful, and one in three of the prior's.
# Most of the rest is lost to the skew: a Gaussian with the exact mean and width does not do much better.
#
# Why is this not how VAEs are trained? Because it learns to encode what the decoder **dreams**. While the decoder is
# still bad, its dreams look nothing like digits, and we need codes for digits. Notebook 04 finds an objective that
# trains both networks on real images.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What a mean-field Gaussian cannot say
#
# Take the decoder "square", $f(z) = z^2/2$. An x of 2 comes from z = 2 or from z = −2: the sign is lost.
#
# **Predict first.** We train an encoder on dreams of this decoder. Which μ will it answer at x = 2: 2, −2, sometimes
# one, sometimes the other, or something else? And which σ?

# %%
square = ToyModel(0.3, "square")
square_encoder = train_encoder(square.decode, 0.3)
xs = torch.linspace(-0.4, 4, 89, dtype=torch.float64)
found, exact = compare(square_encoder, square, xs)
at_two = int((xs - 2).abs().argmin())
print(f"x = 2: encoder μ {abs(found[at_two, 0]):.0f}, σ {found[at_two, 1]:.1f};  exact σ {exact[at_two, 1]:.1f}")
peak = square.posterior(2.0)
hits = ((square.grid.abs() - 2).abs() < 0.45).double()  # within 3 widths of a peak
mass = (peak * hits).sum().item() * square.spacing
landed = (Normal(*found[at_two]).log_prob(square.grid).exp() * hits).sum().item() * square.spacing
print(f"within 0.45 of a peak: {mass:.0%} of the posterior, {landed:.0%} of the encoder's draws")
assert found[at_two, 0].abs() < 0.2 and abs(found[at_two, 1] - exact[at_two, 1]) < 0.1
assert mass > 0.98 and 0.15 < landed < 0.3 and peak[12_000] < 1e-6 * peak.max()

# %% [markdown]
# μ = 0: between the peaks, at a place where the code certainly is not. And σ = 1.9, wide enough to reach both.
# It is the right answer to the question asked: these **are** the posterior's mean and standard deviation. The family
# has one hump, so it cannot give a better one *by this measure* (notebook 04 has another). Nearly four of five draws land where no code explains x.
#
# With more dimensions a second thing is missing. One pixel, one code of **two numbers**, $x = z_1 + z_2 + $ noise of 0.3,
# observed x = 1: only the sum is known. The posterior is a thin ridge from top left to bottom right; a mean-field Gaussian has no
# slanted axes.

# %%
precision = torch.eye(2, dtype=torch.float64) + torch.ones(2, 2) / 0.3**2  # (2, 2)  of the posterior, for any x
Sigma = torch.linalg.inv(precision)  # (2, 2)
centre = Sigma.sum(1) / 0.3**2  # (2,)    posterior mean for x = 1
ridge, field = MultivariateNormal(centre, Sigma), Normal(centre, Sigma.diagonal().sqrt())  # field: the right moments
correlation = (Sigma[0, 1] / Sigma[0, 0]).item()


def useful_share_2d(q_mean, q_variance):
    """1 / ∫ p(z|x)² / q(z) dz on a grid over the plane, for a mean-field q."""
    side = torch.linspace(-21, 21, 601, dtype=torch.float64)
    plane = torch.stack(torch.meshgrid(side, side, indexing="xy"), -1)  # (601, 601, 2)
    log_q = Normal(q_mean, q_variance.sqrt()).log_prob(plane).sum(-1)
    return 1 / ((2 * ridge.log_prob(plane) - log_q).exp().sum().item() * 0.07**2)


from_field, from_prior = useful_share_2d(centre, Sigma.diagonal()), useful_share_2d(centre * 0, torch.ones(2).double())
print(
    f"correlation: posterior {correlation:.2f}, q 0.  useful draws: {from_field:.0%} from q, {from_prior:.0%} from the prior"
)
assert abs(correlation + 0.917) < 0.001 and abs(from_field - 0.158) < 0.003
assert from_prior > from_field, "the text says: draws from this q are less useful than draws from the prior"

# %% slideshow={"slide_type": "subslide"}
shown, (left, right) = figure(
    1, 2, title="A mean-field Gaussian has one hump and no slant",
    alt="Left: exact posteriors of the square decoder, two branches at plus and minus the root of 2x, with the "
    "encoder's mean at 0 between them and its band reaching to both. Right: the posterior as a thin slanted ridge "
    "over the two numbers of the code, and the mean-field Gaussian as circles around the same centre, mostly beside the ridge.",
    size=(7.5, 3.5),
)  # fmt: skip
draw_posteriors(left, square, xs, found)
left.set_title("two peaks: x = z²/2 + noise")
left.legend(loc="upper left")
side = torch.linspace(-2, 3, 161, dtype=torch.float64)
plane = torch.stack(torch.meshgrid(side, side, indexing="xy"), -1)  # (161, 161, 2)
right.contourf(
    side, side, ridge.log_prob(plane).exp(), levels=torch.linspace(0.03, 0.8, 8), cmap="Greys", vmin=-0.1, vmax=1.1
)
q_density = field.log_prob(plane).sum(-1).exp()
right.contour(side, side, q_density, levels=[q_density.max() * math.exp(-r * r / 2) for r in (2, 1)], colors=ENCODER)
right.set_title("a ridge: x = z₁ + z₂ + noise")
right.set(xlabel="z₁", ylabel="z₂", aspect="equal")
right.grid(False)
shown

# %% [markdown]
# (The circles are one and two standard deviations of q.) Both q have the right means and the right variances. What
# they lack is shape, and in the second case that makes draws from q less useful than draws from the prior: across the
# ridge q wastes most of them, and towards its ends it sends too few. Notebook 04 asks for another kind of closeness,
# under which q prefers to sit on **one** of the two peaks; it cannot have both either. And there is an escape that no
# formula here shows: in a VAE the decoder is trained too, and it may learn to avoid *posteriors* that q cannot
# describe (notebook 04 measures this).

# %% [markdown]
# **Predict first.** Suppose then that q sits on the right peak only, and fits it well. We have two gauges: the estimate of
# p(x) and the effective sample size. What will each of them show?

# %%
right_half = square.posterior(2.0) * (square.grid > 0) * 2 * square.spacing  # (G,)  sums to 1
peak_mean = (right_half * square.grid).sum()
one_peak = Normal(peak_mean, (right_half * (square.grid - peak_mean) ** 2).sum().sqrt())
z = one_peak.mean + one_peak.stddev * torch.randn(1_000, generator=generator, dtype=torch.float64)  # (S,)
log_weights = square.log_joint(2.0, z) - one_peak.log_prob(z)  # (S,)
ratio = (log_mean_weight(log_weights) - square.log_marginal(2.0)).exp().item()
share = effective_sample_size(log_weights).item() / 1_000
print(f"q on one peak, 1,000 draws: ESS {share:.0%}, estimate / truth {ratio:.2f}")
assert share > 0.85 and abs(ratio - 0.5) < 0.03

# %% [markdown]
# The effective sample size is close to perfect, and the estimate is half of the truth. No draw ever saw the other
# peak, so nothing complains. (It is still unbiased: a draw from the far tail of q would bring the other half, in one
# giant weight.)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Exercise 4 · Too narrow or too wide? (investigate, 12 minutes)
#
# The package's third decoder, "line", is $f(z) = 1.5\,z$; its posterior is exactly Gaussian. Suppose an encoder has its mean exactly right, but its
# standard deviation is c times the posterior's. For which c is at least half of its draws useful? Find the narrowest
# and the widest c, to **two decimals**. `useful_share` from above computes the share exactly.
# `straight = ToyModel(0.5, "line")` makes the model, and `mean, logvar = straight.posterior_moments(1.0)` gives the mean
# and the *log variance* for x = 1. (`toy` from above is the wave.)

# %%
narrowest, widest = ..., ...

exercises.width_of_q.check({"narrowest": narrowest, "widest": widest})

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A number to take along
#
# How many darts would the encoder have saved us? A rule with a proof behind it (Chatterjee & Diaconis, 2018): draws
# from the prior begin to find the posterior when there are about $e^{\mathrm{KL}}$ of them, where **KL**, the
# *Kullback–Leibler divergence* from the posterior to the prior, is the mean of $\log\frac{p(z \mid x)}{p(z)}$ over codes
# drawn from the posterior, in nats. For Gaussians it has a closed form, which notebook 04 derives.

# %% tags=["nbval-check-output"]
m, s2 = exact_encoder(test, 16)
kl = 0.5 * (m.square() + s2 - 1 - s2.log()).sum(1)  # (2000,)  nats per image
log_needed = (m.square() / (2 - s2) - 0.5 * (s2 * (2 - s2)).log()).sum(1)  # (2000,)  log N, as above
print(f"K = 16: KL {kl.median():.0f} nats per image, log N {log_needed.median():.0f}")
assert 32 < kl.median() < 34 and (kl < log_needed).all() and log_needed.median() - kl.median() < 4

# %% [markdown]
# About 33 nats, that is $e^{33} \approx 2 \cdot 10^{14}$ darts. The other count gave $1.6 \cdot 10^{15}$, or 35 nats:
# nearly the same in nats, eight times as many in darts. When the KL term appears in the next notebook, read it like
# this: **the logarithm of how many random codes one would have to try.** (N is the mean of the *ratio*
# $p(z \mid x)/p(z)$ over the same codes, and the log of a mean is at least the mean of the log: so log N ≥ KL.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## To take with you
#
# **Remember.**
# - Prior × likelihood, summed over all codes, is P(image). Divide one code's share by the sum, and you have its
#   posterior.
# - The average over random codes is unbiased, and for images hopeless: here about eight times as many codes for each
#   further latent dimension.
# - Draws from a q near the posterior need correction weights, and then a few of them suffice. The encoder is that q,
#   for all images at once.
# - μ and logvar for each dimension: one hump, no slant.
#
# **What could fool you.**
# - A high effective sample size. It knows only what its draws have seen: a q on one of two peaks shows a fine one and
#   misses half of p(x).
# - "Unbiased". It says nothing about the one estimate that you have; and the log of an unbiased estimate is biased
#   low.
# - The linear model's $10^{15}$ is no constant of nature. It depends on the decoder's noise: with much of it, few darts are
#   needed.
#   And random codes are not the only rival of an encoder: annealed importance sampling does the job without one, at
#   thousands of decoder calls for each image (Wu et al., 2017).
#
# **Sources.** Kingma & Welling (2014), arXiv:1312.6114, section 2.1 (the problem, and the recognition model).
# Tipping & Bishop (1999), Probabilistic principal component analysis, J. R. Stat. Soc. B 61, equations 7 and 8 (W and
# σ²). Owen (2013), Monte Carlo theory, methods and examples, chapter 9 (best q, effective sample size). Chatterjee &
# Diaconis (2018), arXiv:1511.01437, theorem 1.1. Hinton, Dayan, Frey & Neal (1995), The wake-sleep algorithm, Science
# 268 (an encoder trained on dreams). Wu, Burda, Salakhutdinov & Grosse (2017), arXiv:1611.04273. Proved:
# unbiasedness, the variance by N, the moments as optimum. Measured here: everything on digits.
#
# **Next:** [04 · ELBO and KL](04_elbo_and_kl.ipynb) puts q into the objective itself.
