# %% [markdown] slideshow={"slide_type": "slide"}
# # 02 · Why can't an autoencoder generate?
#
# After this notebook you can
# - say what a decoder does with a code that no image ever had, and why that question decides about generation;
# - measure **completeness** and **continuity** of a latent space, with numbers that you can defend;
# - tell apart what is wrong with the usual demonstration from what is wrong with the autoencoder.
#
# Needs: 01 (encoder, decoder, bottleneck). Reading: 30 minutes. Run All: about 40 seconds on two cores.

# %% slideshow={"slide_type": "skip"}
import torch
from matplotlib.patches import Circle
from sklearn.mixture import GaussianMixture

from vae_utils import Autoencoder, exercises, fit, load_images, plots, reconstruction_error
from vae_utils.evaluation import density_and_coverage, features, local_stretch, path_smoothness, train_classifier
from vae_utils.scorecard import Scorecard
from vae_utils.widgets import PlaneExplorer

# %% slideshow={"slide_type": "skip"}
images = load_images("digits")
torch.manual_seed(0)
autoencoder = Autoencoder(latent_dim=16)
fit(autoencoder, images, reconstruction_error, epochs=25, learning_rate=4e-3).summary()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Half of a generator
#
# The autoencoder of notebook 01 has two halves. The encoder turns a digit into 16 numbers. The decoder turns 16
# numbers into a digit. Generating images needs the second half only: make up 16 numbers, decode them, done.
#
# So draw each of the 16 numbers from a standard normal distribution, $z \sim \mathcal N(0, I)$, the first thing that
# comes to mind and the first thing that most tutorials try.
#
# **Predict first.** The decoder reconstructs test digits well. What will it make of random codes: digits, blurred
# digits, something that looks like handwriting but is none, or grey noise?

# %% slideshow={"slide_type": "subslide"}
count = len(images.test)  # 2000
noise = torch.randn(count, 16, generator=torch.Generator().manual_seed(0))
with torch.no_grad():
    test_codes = autoencoder.encode(images.test)  # (2000, 16)
    rows = [images.test[:10], autoencoder.generate(test_codes[:10]), autoencoder.generate(noise[:10])]
plots.show_images(
    rows,
    row_labels=["test digits", "reconstructed", "decoded N(0, I)"],
    title="The same decoder: faithful where the codes of images lie, lost where they do not",
    alt="Three rows of ten pictures: test digits; their reconstructions, nearly the same; decoded standard normal codes, "
    "which look like handwriting but are mostly no digit.",
)

# %% [markdown]
# Strokes, but hardly a digit. Many texts stop here and say: there, an autoencoder cannot generate.
#
# That is not proof of anything yet. Why should the codes of digits lie where $\mathcal N(0, I)$ puts its mass? Nobody
# asked for that in the loss. Look at where they do lie.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
with torch.no_grad():
    train_codes = autoencoder.encode(images.train)  # (8000, 16)
spread = train_codes.std(0)
print("standard deviation of the codes more than twice the prior's in", int((spread > 2).sum()), "of 16 dimensions")
assert (spread > 2).all()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Give it a fair chance
#
# The scale of an autoencoder's codes is arbitrary: halve the encoder's last layer, double the decoder's first, and
# the same pictures come out. A test that depends on the scale tests nothing. So we let the autoencoder keep its codes
# and fit a density to them, after training, in two strengths:
#
# 1. one **Gaussian** with the mean and the covariance of the training codes;
# 2. a **mixture** of 20 Gaussians, fitted by expectation–maximisation (the model of notebook 00, in 16 dimensions).
#
# Both are drawn from as easily as $\mathcal N(0, I)$.

# %%
factor = torch.linalg.cholesky(train_codes.T.cov())  # (16, 16)
mixture = GaussianMixture(20, random_state=0).fit(train_codes.double().numpy())
codes = {
    "N(0, I)": noise,
    "fitted Gaussian": train_codes.mean(0) + noise @ factor.T,
    "fitted mixture": torch.from_numpy(mixture.sample(count)[0]).float(),
}

# %% slideshow={"slide_type": "subslide"}
mixed = torch.randperm(count, generator=torch.Generator().manual_seed(0))  # the mixture draws component by component
codes["fitted mixture"] = codes["fitted mixture"][mixed]
with torch.no_grad():
    generated = {name: autoencoder.generate(z) for name, z in codes.items()}  # (2000, 1, 28, 28) each
plots.show_images(
    [pictures[:10] for pictures in generated.values()],
    row_labels=list(generated),
    title="One decoder, three ways to draw its codes: the first ten of each, not chosen",
    alt="Three rows of ten decoded draws. From N(0, I) hardly a digit; from the fitted Gaussian some digits among tangles; "
    "from the fitted mixture mostly digits.",
)

# %% [markdown]
# The better the codes are drawn, the better the pictures. Which of the three rows would you call "it can generate"?
# Ten pictures and an opinion are not enough. We need a measure.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to ask of a latent space
#
# Two properties, and one measurement for each.
#
# - **Completeness**: a code drawn from the chosen density decodes to something real, and all of what is real turns
#   up.
# - **Continuity**: a small step in $z$ is a small step in the picture.
#
# Pixels are a bad ruler for both: shift a digit by one pixel and half of its pixels change. So we train a small
# classifier, throw away its last layer, and compare pictures by the 64 numbers before it, their **features**.

# %%
classifier = train_classifier(images)
accuracy = (classifier(images.test).argmax(1) == images.test_labels).float().mean().item()
print(f"accuracy on test digits: {accuracy:.2f}")
assert accuracy > 0.92
real = features(classifier, images.test)  # (2000, 64)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Density and coverage
#
# Around every real image, draw a ball in feature space that reaches its $k$-th nearest real neighbour ($k = 5$).
# Where digits are common the balls are small, where they are rare the balls are large. Together they are a map of
# what is real.
#
# - **Coverage** is the share of balls that hold at least one generated image. It is 0 if nothing real is ever met,
#   and close to 1 if everything is.
# - **Density** counts, for each generated image, in how many balls it lies, divided by $k$. It is about 1 for real
#   images, can exceed 1 for a generator that plays safe, and near 0 for one that makes nothing real.

# %% slideshow={"slide_type": "subslide"}
generator = torch.Generator().manual_seed(3)
points, fakes = torch.randn(12, 2, generator=generator), 0.4 * torch.randn(12, 2, generator=generator) + 0.7
radii = torch.cdist(points, points).sort(1).values[:, 2]  # column 0 is the point itself: k = 2
met = (torch.cdist(points, fakes) <= radii[:, None]).any(1)
sketch, axes = plots.figure(
    title=f"{int(met.sum())} of {len(met)} balls hold a generated point: the coverage is {met.float().mean():.2f}",
    alt="Twelve real points in the plane, each with a circle to its second nearest real neighbour, and twelve generated "
    "points crowded in one corner. Circles that hold a generated point are filled.",
    size=(5.2, 4.4),
)
for (x, y), radius, holds in zip(points.tolist(), radii.tolist(), met.tolist(), strict=True):
    axes.add_patch(Circle((x, y), radius, facecolor=plots.VAE, edgecolor=plots.EXACT, alpha=0.25, fill=holds))
axes.plot(*points.T, "o", color=plots.EXACT, label="real")
axes.plot(*fakes.T, "x", color=plots.WRONG, label="generated", markeredgewidth=2)
axes.set(aspect="equal", xlabel="feature 1", ylabel="feature 2")
axes.legend(loc="upper left")
sketch

# %% [markdown] slideshow={"slide_type": "subslide"}
# Written out, it is six lines. `vae_utils` computes the same.


# %%
def my_density_and_coverage(real, generated, k=5):
    to_real = torch.cdist(real, real)  # (N, N)
    radius = to_real.sort(1).values[:, k]  # (N,)  column 0 is the point itself
    inside = torch.cdist(real, generated) <= radius[:, None]  # (N, M)
    density = inside.sum().item() / (k * len(generated))
    coverage = inside.any(1).float().mean().item()
    return density, coverage


mine = my_density_and_coverage(real, features(classifier, generated["fitted mixture"]))
theirs = density_and_coverage(real, features(classifier, generated["fitted mixture"]))
assert abs(mine[0] - theirs.density) < 1e-2 and abs(mine[1] - theirs.coverage) < 1e-2

# %% [markdown]
# What can be reached? Not 1. Even two sets of real images do not cover each other fully: for $N = M$ large and $k =
# 5$, theory says $1 - 2^{-5} \approx 0.97$. We put real training images into the table as a row of their own.
# Anything near that row is as good as this ruler can see.
#
# **Predict first.** Write down three coverages: $\mathcal N(0, I)$, fitted Gaussian, fitted mixture.

# %% slideshow={"slide_type": "subslide"}
card = Scorecard(classifier, images.test)
card.add("real digits (training images)", images.train[:count])
for name, z in codes.items():
    card.add_model(name, autoencoder.generate, z, test_codes)
card

# %%
ceiling, naive, gaussian, fitted = (row.coverage for row in card.rows.values())
assert ceiling > 0.9 and naive < 0.25, "the text says: about one real digit in nine is met from N(0, I)"
assert 0.35 < gaussian < 0.65 and fitted > 0.8, "the text says: about half, and about nine tenths"

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What this says
#
# - Drawn from $\mathcal N(0, I)$, about one real digit in nine is ever met. **The holes are real.**
# - Drawn from a Gaussian fitted to the codes, about half are met. A good part of the first failure was a wrong scale.
# - Drawn from a mixture of twenty Gaussians, about nine in ten. Next to the row of real images, little is left to
#   wish for.
#
# So the sentence "an autoencoder cannot generate" is false as it stands. What is true: **nothing in its loss says
# where the codes shall lie**, so a density has to be found afterwards, and how good the pictures are depends on how
# well that goes.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## See the holes
#
# Sixteen dimensions cannot be drawn, two can. We train the same autoencoder with $K = 2$ and ask at every point of
# the plane: is what the decoder makes here real? The measure is the **realism** of a single picture: take the balls
# from above, with radius $r_i$ around real image $i$, and see how deep inside of one the picture $g$ lies,
#
# $$ \mathrm{realism}(g) = \max_i \; \frac{r_i}{\lVert f(g) - f(x_i) \rVert}, $$
#
# where $f$ are the features. Above 1 the picture lies inside a ball: as close to a real digit as real digits are to
# each other. Below 1 it lies outside of all.

# %%
torch.manual_seed(0)
flat = Autoencoder(latent_dim=2)
fit(flat, images, reconstruction_error, epochs=20, learning_rate=4e-3, progress=False)
with torch.no_grad():
    plane_codes = flat.encode(images.test)  # (2000, 2)

radius = torch.cdist(real, real).sort(1).values[:, 5]  # (2000,)


def realism(pictures):  # (N, 1, 28, 28) -> (N,)
    distance = torch.cdist(features(classifier, pictures), real)  # (N, 2000)
    return (radius / distance.clamp(min=1e-6)).amax(1)


# %% slideshow={"slide_type": "subslide"}
low, high = plane_codes.quantile(0.01, 0), plane_codes.quantile(0.99, 0)
low, high = low - 0.15 * (high - low), high + 0.15 * (high - low)
z1, z2 = torch.linspace(low[0], high[0], 70), torch.linspace(low[1], high[1], 70)
grid = torch.cartesian_prod(z2, z1).flip(1)  # (4900, 2), rows of equal z2
with torch.no_grad():
    realism_map = realism(flat.generate(grid)).reshape(70, 70)  # row 0: smallest z2
holes = (realism_map < 1).float().mean().item()
plots.show_map(
    realism_map.clamp(max=2),
    (low[0].item(), high[0].item(), low[1].item(), high[1].item()),
    label="realism (1 = the edge of the real)",
    points=plane_codes[:600],
    labels=images.test_labels[:600],
    title=f"{holes:.0%} of this rectangle decodes to something that is no digit",
    alt=f"Heat map over the latent plane of a two-dimensional autoencoder with 600 test codes on top. {holes:.0%} of the area "
    "has a realism below one; much of it lies between the arms of the star that the codes form.",
)

# %%
with torch.no_grad():
    at_codes = (realism(flat.generate(plane_codes)) < 1).float().mean().item()
print(f"holes: {holes:.2f} of the rectangle, {at_codes:.2f} of the places where test digits are encoded")
assert holes > at_codes

# %% [markdown]
# The codes form arms, one for each kind of digit, and the decoder has only ever seen the arms. What lies between them
# was never trained: it is whatever the network's layers happen to make of it. Nobody asked the encoder to leave
# holes, and nobody asked it not to.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Drag a point through it
#
# Move the two sliders. The marked point is decoded on the right, next to the training digits whose codes lie nearest.
#
# - Go from the middle of one arm to the middle of the next. Where does the picture stop being a digit?
# - Find a place that is far from every code. What does the decoder do there?

# %%
explorer = PlaneExplorer(flat, images.test, images.test_labels, realism_map, extent=(low, high))
explorer

# %% slideshow={"slide_type": "subslide"}
start, end = (plane_codes[images.test_labels == digit].median(0).values for digit in (0, 1))
steps = torch.linspace(0, 1, 10)[:, None]
with torch.no_grad():
    walk = flat.generate(start + steps * (end - start))
plots.show_images(
    walk,
    columns=10,
    titles=[f"{value:.1f}" for value in realism(walk).tolist()],
    title="From a 0 to a 1 in ten equal steps; above each picture its realism",
    alt="Ten decoded pictures on the straight line between the median code of zeros and of ones, each with its realism: the "
    "ends are digits, some of the middle is not.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Continuity: does the picture jump?
#
# On the way from one code to another, cut the line into 32 equal steps and measure how far the features move in each.
# If the picture changes evenly, all steps are alike and the **largest step over the mean step** is 1. If all of the
# change happens in one jump, it is 32. The second number is the **local stretch**: how far the picture moves for a
# tiny step in the latent space, the norm of the decoder's Jacobian. If it varies much from place to place, distances
# in the latent space mean little.

# %%
start, end = test_codes[:400].split(200)  # 200 paths between test digits
smooth = path_smoothness(autoencoder.generate, lambda x: features(classifier, x), start, end, steps=32)
stretch = local_stretch(autoencoder.generate, test_codes[:400])
print(f"largest over mean step: median {smooth.median:.2f}, 95th percentile {smooth.p95:.2f}")
print(f"local stretch: 95th percentile over median {stretch.quantile(0.95) / stretch.median():.2f}")
assert 1.3 < smooth.median < 2.1 and smooth.p95 < 3.2, "the text says: about 1.7 and 2.2"
assert 1.1 < stretch.quantile(0.95) / stretch.median() < 1.5, "the text says: about a fifth more"

# %% slideshow={"slide_type": "subslide"}
chart, axes = plots.figure(
    title="Along most paths the largest of 32 steps is less than twice the mean: no jumps to speak of",
    alt=f"Histogram over 200 paths of the largest step over the mean step. Median {smooth.median:.1f}, 95th percentile "
    f"{smooth.p95:.1f}; a single jump would be at 32.",
    size=(7.5, 2.6),
)
axes.hist(smooth.ratios.tolist(), bins=30, color=plots.AUTOENCODER)
axes.axvline(smooth.median, color=plots.EXACT)
axes.set(xlabel="largest step / mean step (1 = perfectly even, 32 = one jump)", ylabel="paths")
chart

# %% [markdown]
# This is not the picture most texts paint. In the median the largest step is about 1.7 times the mean one. A network
# of two layers is a smooth function, and 16 dimensions leave room to pass by other digits. **Jumps are not what is
# wrong with this autoencoder. Holes are.** Keep that in mind in notebook 06, when the VAE is put through the same
# test.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## If a mixture repairs it, why go on?
#
# Because what we have now is an autoencoder and, beside it, a density that knows nothing of images. Three things are
# missing.
#
# 1. **A likelihood.** How probable is this picture? The mixture gives a density of *codes*. No formula turns it into
#    a probability of *images*, so models cannot be compared, and nothing can be said about a new picture.
# 2. **An encoder that knows what it does not know.** A smudged digit gets one code, as exact as a clear one.
# 3. **One objective.** The autoencoder was trained for reconstruction and the mixture for the codes it left behind.
#    Neither knew of the other. A change that makes the codes easier to model and costs a little reconstruction is
#    never found.
#
# A model that has all three starts from the other end: not with an encoder, but with a story of how images come
# about. That is notebook 03.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercises
#
# ### 1 · Predict: one perfect picture (3 minutes)
#
# A generator has memorised one real test digit and returns it 2,000 times. What is its coverage? Write a number; a factor
# of five in either direction is close enough.

# %%
my_coverage = ...

exercises.coverage_of_one.check(my_coverage)

# %% [markdown]
# ### 2 · Implement: coverage (10 minutes)
#
# Given features of real and of generated images, and $k$. Mind the point that is its own nearest neighbour.


# %%
def my_coverage_of(real, generated, k):
    """real: (N, F); generated: (M, F); k: a whole number -> coverage, a number from 0 to 1."""
    ...


exercises.coverage.check(my_coverage_of)

# %% [markdown]
# ### 3 · Investigate: playing safe (10 minutes)
#
# Draw codes from the fitted Gaussian with its standard deviation multiplied by a **temperature** of 0.5:
# `train_codes.mean(0) + 0.5 * noise @ factor.T`. Decode them and compute density and coverage with
# `density_and_coverage(real, features(classifier, ...))`. Hand over both, as a tuple, at temperature 0.5. Which of
# the two rises, and what does a generator lose that plays safe?

# %%
my_pair = ...

exercises.playing_safe.check(my_pair, autoencoder, classifier, images)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Remember
#
# - A decoder is only as good as the codes you give it, and an autoencoder's loss does not say where codes lie.
# - From $\mathcal N(0, I)$ about a ninth of the test digits are met, from a fitted Gaussian about half, from a fitted
#   mixture about nine tenths.
# - Completeness is measured with density and coverage, continuity with steps along paths. Holes: yes. Jumps: hardly.
# - What is missing after the repair: a likelihood, an encoder that states its uncertainty, one objective.
#
# **What could fool you.** An autoencoder decoded at $\mathcal N(0, I)$ whatever its scale, and called proof. And a
# coverage without the row of real images: 0.95 is the most this ruler can show here, not 1.
#
# **Sources.** Naeem et al. (2020), *Reliable fidelity and diversity metrics for generative models*, arXiv:2002.09797,
# equations 3 and 4 and section 3.3. Kynkäänniemi et al. (2019), *Improved precision and recall*, arXiv:1904.06991,
# equation 3 (realism). Ghosh et al. (2020), *From variational to deterministic autoencoders*, arXiv:1903.12436
# (densities fitted to the codes). That an autoencoder "has jumps" is folklore; it depends on the network and on the
# ruler.
#
# **Next.** 03: where does P(image) come from, if all we have is a decoder?
