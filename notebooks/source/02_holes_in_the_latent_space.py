# %% [markdown] slideshow={"slide_type": "slide"}
# # 02 · Why can't an autoencoder generate?
#
# An autoencoder has a decoder: numbers in, digit out. So make up the numbers. It will be a disappointment, though not
# quite for the reason that most texts give.
#
# After this notebook you can
# - say what a decoder does with a code that no image ever had, and why that question decides about generation;
# - measure **completeness** and **continuity** of a latent space, with numbers that you can defend;
# - tell apart what is wrong with the usual demonstration from what is wrong with the autoencoder.
#
# Needs: 00 (mixtures, EM, what a confidence says), 01 (encoder, decoder, bottleneck). Reading: 30 minutes. Run All: about
# 35 seconds on two cores.

# %% slideshow={"slide_type": "skip"}
import torch
from matplotlib.patches import Circle
from sklearn.mixture import GaussianMixture

from vae_utils import Autoencoder, exercises, fit, load_images, plots, reconstruction_error
from vae_utils.evaluation import density_and_coverage, features, local_stretch, path_smoothness, train_classifier
from vae_utils.scorecard import Scorecard
from vae_utils.widgets import SliceExplorer

# %% slideshow={"slide_type": "skip"}
images = load_images("digits")
torch.manual_seed(0)
autoencoder = Autoencoder(latent_dim=16)
history = fit(autoencoder, images, reconstruction_error, epochs=25, learning_rate=4e-3)

# %% [markdown] slideshow={"slide_type": "skip"}
# The loss is now **binary cross-entropy**, in nats per image: minus the log-probability of the image, with the decoder's
# picture as the template of biased coins of notebook 00. (Grey pixels need more care; notebook 07.) It cannot be compared
# with the errors of notebook 01.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Half of a generator
#
# The autoencoder of notebook 01 has two halves. The encoder turns a digit into 16 numbers. The decoder turns 16
# numbers into a digit. The space of all such codes is the **latent space**. Generating images needs the second half only:
# make up 16 numbers, decode them, done.
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
    title="The same decoder: faithful where images have their codes, lost elsewhere",
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
print(
    "standard deviation of the codes more than 2, twice that of N(0, I), in",
    int((spread > 2).sum()),
    "of 16 dimensions",
)
assert (spread > 2).all()
assert noise.norm(dim=1).quantile(0.99) < 7 < train_codes.norm(dim=1).quantile(0.01), "the text says: they hardly meet"

# %% [markdown]
# So the two hardly meet: 99 of 100 draws from $\mathcal N(0, I)$ lie less than 7 from the origin, 99 of 100 codes lie
# farther out. The strokes above come from a region where almost no digit was encoded.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Give it a fair chance
#
# The scale of an autoencoder's codes is arbitrary: halve the encoder's last layer, double the weights of the
# decoder's first, and the same pictures come out. A test that depends on the scale tests nothing. So we let the
# autoencoder keep its codes and fit a density to them, after training, in two strengths:
#
# 1. one **Gaussian** with the mean and the covariance of the training codes;
# 2. a **mixture** of 20 Gaussians, fitted by expectation–maximisation (the algorithm of notebook 00, here with
#    Gaussian components in 16 dimensions).
#
# Both are drawn from as easily as $\mathcal N(0, I)$.

# %%
factor = torch.linalg.cholesky(train_codes.T.cov())  # (16, 16)
mixture = GaussianMixture(20, random_state=0).fit(train_codes.double().numpy())
codes = {
    "N(0, I)": noise,
    "fitted Gaussian": train_codes.mean(0) + noise @ factor.T,  # noise @ factor.T has the covariance of the codes
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
# - **Completeness**: a code drawn from the chosen density decodes to something real, and every kind of real picture
#   turns up.
# - **Continuity**: a small step in $z$ is a small step in the picture.
#
# Pixels are a bad ruler for both: shift a digit by one pixel and it is, pixel by pixel, another picture. So we train
# a small classifier, throw away its last layer, and compare pictures by the 64 numbers before it, their **features**.

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
#   and close to 1 if everything is. (The sketch below has $k = 2$; balls that hold a generated point are filled.)
# - **Density** (an unlucky name: it is no probability density) counts, for each generated image, in how many balls it
#   lies, divided by $k$. It is about 1 for real images, since each ball holds $k$ of the others and so an image lies in
#   $k$ balls on average. It can exceed 1 for a generator that repeats the commonest kind, and is near 0 for one that
#   makes nothing real.

# %% slideshow={"slide_type": "subslide"}
generator = torch.Generator().manual_seed(1)
points = 0.55 * torch.randn(12, 2, generator=generator) + torch.tensor([[-1.2, 0.0], [1.2, 0.3]]).repeat(
    6, 1
)  # two groups
fakes = 0.35 * torch.randn(12, 2, generator=generator) + torch.tensor([1.2, 0.3])  # one group is missed
radii = torch.cdist(points, points).sort(1).values[:, 2]  # column 0 is the point itself: k = 2
met = (torch.cdist(points, fakes) <= radii[:, None]).any(1)
sketch, axes = plots.figure(
    title=f"{int(met.sum())} of {len(met)} balls hold a generated point: the coverage is {met.float().mean():.2f}",
    alt="Twelve real points, each with a circle to its second nearest real neighbour, in two groups, and twelve generated "
    "points, all in one of the groups. Circles that hold a generated point are filled.",
    size=(7.5, 3.6),
)
for (x, y), radius, holds in zip(points.tolist(), radii.tolist(), met.tolist(), strict=True):
    axes.add_patch(Circle((x, y), radius, facecolor=plots.EXACT, edgecolor=plots.EXACT, alpha=0.2, fill=holds))
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
# What can a perfect generator reach? Not 1. Even two independent sets of real images do not cover each other fully:
# for $N = M$ large and $k = 5$, theory says $1 - 2^{-5} \approx 0.97$. We put real training images into the table as
# a row of their own. (The classifier was trained on these and reads them better than new ones, so their row lies two
# or three hundredths below 0.97.) Anything near that row is as good as this ruler can see.
#
# **Predict first.** Write down three coverages: $\mathcal N(0, I)$, fitted Gaussian, fitted mixture.

# %% slideshow={"slide_type": "subslide"}
card = Scorecard(classifier, images.test)
card.add("real digits (training images)", images.train[:count])
for name, pictures in generated.items():
    card.add(name, pictures)
card

# %%
yardstick, naive, gaussian, fitted = (row.coverage for row in card.rows.values())
assert 0.93 < yardstick < 0.96 and 0.02 < naive < 0.13, "the text says: 0.95; about one real digit in ten, or fewer"
assert 0.35 < gaussian < 0.65 and 0.85 < fitted < 0.94, "the text says: about half, and about nine tenths"
densities = [row.density for row in card.rows.values()]
assert densities[0] > 0.9 and 0.4 < densities[2] < 0.62 and densities[3] < densities[0], "the text says: 1, and 0.5"
mixed = images.test[
    torch.randperm(2000, generator=torch.Generator().manual_seed(0))
]  # they come from two sources in turn
fresh = density_and_coverage(*(features(classifier, half) for half in mixed.split(1000))).coverage
assert 0.95 < fresh < 0.99 and yardstick < fresh, "the text says: 0.97 for digits that the classifier has not seen"

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What this says
#
# - Drawn from $\mathcal N(0, I)$, about one real digit in ten, or fewer, is ever met. But a good part of that failure
#   is the wrong place and scale.
# - Drawn from a Gaussian fitted to the codes, place and scale are right. Still only about half of the digits are met,
#   and the density is 0.5 where real digits have 1: many draws land where no digit was encoded. **The holes are
#   real.**
# - Drawn from a mixture of twenty Gaussians, about nine in ten, not far below the row of real images. Not every draw
#   is a digit, though: look at the pictures again, and at the density.
#
# So the sentence "an autoencoder cannot generate" is false as it stands. What is true: **nothing in its loss says
# where the codes should lie**, so a density has to be found afterwards, and how good the pictures are depends on how
# well that goes.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## See the holes
#
# Sixteen dimensions cannot be drawn, but a slice can. Three codes span a plane: take those of a 0, a 1 and a 4 from
# the test set. Every place of that plane is a code,
#
# $$ z(a, b) = z_A + a\,(z_B - z_A) + b\,(z_C - z_A), $$
#
# with the three digits at $(0, 0)$, $(1, 0)$ and $(0, 1)$. Decode all of it, and ask the classifier how sure it is of
# what it sees. Notebook 00 warned that a sure classifier proves nothing. An unsure one does say something: here is no
# clear digit of any of the ten kinds.

# %%
corners = tuple((images.test_labels == digit).nonzero()[0].item() for digit in (0, 1, 4))


def plane(corners, low=-0.5, high=1.5, side=60):
    """Codes on the plane through three test codes: (side * side, 16), rows of equal b."""
    first, second, third = test_codes[list(corners)]
    steps = torch.linspace(low, high, side)
    b, a = torch.cartesian_prod(steps, steps).T[:, :, None]  # (side * side, 1) each
    return first + a * (second - first) + b * (third - first)


@torch.no_grad()
def confidence(pictures):  # (N, 1, 28, 28) -> (N,) probability of the likeliest class
    return classifier(pictures).softmax(1).amax(1)


with torch.no_grad():
    sureness = confidence(autoencoder.generate(plane(corners))).reshape(60, 60)

# %% slideshow={"slide_type": "subslide"}
slice_map, axes = plots.figure(
    title="Between three clear digits lies ground where the classifier is unsure",
    alt="Map of the classifier's confidence over a plane through the codes of a 0, a 1 and a 4. It is light, sure, around the "
    "three marked corners; dark bands and patches of doubt run between them and beyond.",
    size=(6.5, 4.2),
)
plots.draw_map(axes, sureness, (-0.5, 1.5, -0.5, 1.5), label="classifier's confidence")
for digit, place in zip((0, 1, 4), ((0, 0), (1, 0), (0, 1)), strict=True):
    axes.text(*place, str(digit), ha="center", va="center", fontweight="bold", bbox={"facecolor": "white"})
axes.set(xlabel="a: towards the 1", ylabel="b: towards the 4")
slice_map

# %% [markdown]
# One slice is an anecdote. Twenty slices, each through three test digits of different kinds, and only the triangle
# between the three: what share of it leaves the classifier less than 90% sure?

# %%
with torch.no_grad():
    at_digits = (confidence(images.test) < 0.9).float().mean().item()
    at_codes = (confidence(autoencoder.generate(test_codes)) < 0.9).float().mean().item()
    inside = torch.cartesian_prod(*[torch.linspace(0, 1, 20)] * 2).sum(1) <= 1  # a + b <= 1: the triangle
    shares, generator = [], torch.Generator().manual_seed(0)
    while len(shares) < 20:
        three = torch.randint(count, (3,), generator=generator).tolist()
        if len(set(images.test_labels[three].tolist())) == 3:
            pictures = autoencoder.generate(plane(three, low=0, high=1, side=20)[inside])
            shares.append((confidence(pictures) < 0.9).float().mean().item())
between = torch.tensor(shares)
print(
    f"unsure: {at_digits:.2f} of the test digits, {at_codes:.2f} of their reconstructions, "
    f"{between.mean():.2f} ± {between.std():.2f} of a triangle between three of them"
)
assert at_digits < 0.17 and at_codes < 0.2 and between.mean() > 2.5 * at_codes, "the text says: several times as much"

# %% [markdown]
# Where digits are encoded the decoder is on its own ground. Between them the share of doubt is several times as
# large. The decoder was never trained there: what comes out is whatever its layers happen to make of the place.
# Nobody asked the encoder to leave holes, and nobody asked it not to.
#
# One honest remark. Any decoder that changes a 0 into a 1 *gradually* has to pass through something that is neither,
# so some doubt between classes is the price of continuity. A VAE pays it too, as you will see.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Move through a hole
#
# Two sliders move a point over the slice; or drag it in the map. It is decoded in the middle; on the right stand the
# four test digits whose codes lie nearest, in all sixteen dimensions.
#
# - Walk from the 0 to the 1: keep b at 0 and move a from 0 to 1. Where does the picture stop being a 0? Is there a
#   stretch where it is nothing?
# - Find a dark patch. How far is the nearest code, compared with the distance between the corners?

# %%
explorer = SliceExplorer(
    autoencoder,
    images.test,
    images.test_labels,
    corners=corners,
    values=sureness,
    extent=(-0.5, 1.5),
    label="confidence",
)
explorer

# %% slideshow={"slide_type": "subslide"}
start, end = test_codes[list(corners[:2])]
with torch.no_grad():
    walk = autoencoder.generate(torch.lerp(start, end, torch.linspace(0, 1, 10)[:, None]))
plots.show_images(
    walk,
    columns=10,
    titles=[f"{sure:.0%}" for sure in confidence(walk).tolist()],
    title="From the 0 to the 1 in ten pictures, and how sure the classifier is",
    alt="Ten decoded pictures on the straight line between the codes of a 0 and a 1, each with the classifier's confidence: high "
    "at the ends, and low on a stretch where the picture is neither.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Continuity: does the picture jump?
#
# On the way from one code to another, cut the line into 32 equal steps and measure how far the features move in each.
# If the picture changes evenly, all steps are alike and the **largest step over the mean step** is 1. If all of the
# change happens in one jump, it is 32.
#
# The second number is the **local stretch**: take a tiny step in the latent space, and ask how far the picture moves
# (the norm of the decoder's Jacobian). Here we measure in pixels; for tiny steps they are a good enough ruler. If it
# varies much from place to place, distances in the latent space mean little.
#
# **Predict first.** For a typical path between two test digits, is the largest of the 32 steps about 1.5, 5 or 20 times
# the mean?

# %%
start, end = test_codes[:400].split(200)  # 200 paths between test digits
smooth = path_smoothness(autoencoder.generate, lambda x: features(classifier, x), start, end, steps=32)
stretch = local_stretch(autoencoder.generate, test_codes[:400])
print(f"largest over mean step: median {smooth.median:.2f}, 95th percentile {smooth.p95:.2f}")
print(f"local stretch: 95th percentile over median {stretch.quantile(0.95) / stretch.median():.2f}")
assert 1.3 < smooth.median < 2.1 and smooth.p95 < 3.2, "the text says: about 1.6"
assert 1.1 < stretch.quantile(0.95) / stretch.median() < 1.45, "the text says: about three tenths more"

# %% slideshow={"slide_type": "subslide"}
chart, axes = plots.figure(
    title="On most paths the largest of 32 steps is under twice the mean: no jumps",
    alt=f"Histogram over 200 paths of the largest step over the mean step. Median {smooth.median:.1f}, 95th percentile "
    f"{smooth.p95:.1f}; a single jump would be at 32.",
    size=(7.5, 2.6),
)
axes.hist(smooth.ratios.tolist(), bins=30, color=plots.AUTOENCODER)
axes.axvline(smooth.median, color=plots.EXACT)
axes.set(xlabel="largest step / mean step (1 = perfectly even, 32 = one jump)", ylabel="paths")
chart

# %% [markdown]
# This is not the picture most texts paint. In the median the largest step is about 1.6 times the mean one. The local
# stretch is rather even, too: its 95th percentile lies about three tenths above the median. A network of two layers
# is a smooth function, and 16 dimensions leave room to pass by other digits. **Jumps are not what is wrong with this
# autoencoder. Holes are.** Keep that in mind in notebook 06, when the VAE is put through the same test: there they
# fill three more columns of the table. They belong to the decoder, so all rows of one decoder show the same.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## If a mixture repairs it, why go on?
#
# Because what we have now is an autoencoder and, beside it, a density that knows nothing of images. Three things are
# missing.
#
# 1. **A likelihood.** How probable is this picture? The mixture gives a density of *codes*. Nothing so far says how
#    an image departs from what the decoder draws, so there is no probability of *images* yet: models cannot be
#    compared, and nothing can be said about a new picture.
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
# ### Exercise 1 · One perfect picture (predict, 3 minutes)
#
# A generator has memorised one real test digit and returns it 2,000 times. What is its coverage? Write a number; a
# factor of five in either direction is close enough. Stuck? `exercises.NAME.hint()`, and `.solution()` in the end.

# %%
my_coverage = ...

exercises.coverage_of_one.check(my_coverage)

# %% [markdown]
# ### Exercise 2 · Coverage (implement, 10 minutes)
#
# Write the coverage yourself, without looking at the cell above: from features of real and of generated images, and from
# $k$, return the share of balls that hold at least one generated image. Mind that every real point is its own nearest
# neighbour.


# %%
def my_coverage_of(real, generated, k):
    """real: (N, F); generated: (M, F); k: a whole number -> coverage, a number from 0 to 1."""
    ...


exercises.coverage.check(my_coverage_of)

# %% [markdown]
# ### Exercise 3 · Playing safe (investigate, 10 minutes)
#
# **Predict first:** which of density and coverage rises when the generator plays safe? Draw codes from the fitted
# Gaussian with its standard deviation multiplied by a **temperature** of 0.5 (the recipe without it is in `codes`
# above). Decode them, compute density and coverage with `density_and_coverage(real, features(classifier, ...))`, and
# hand over the pair.

# %%
my_pair = ...

exercises.playing_safe.check(my_pair, autoencoder, classifier, images)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## To take with you
#
# - A decoder is only as good as the codes you give it, and an autoencoder's loss does not say where codes lie.
# - From $\mathcal N(0, I)$ about a tenth of the test digits or fewer are met, from a fitted Gaussian about half, from
#   a fitted mixture about nine tenths.
# - Completeness is measured with density and coverage, continuity with steps along paths. Holes: yes. Jumps: hardly.
# - What is missing after the repair: a likelihood, an encoder that states its uncertainty, one objective.
#
# **What could fool you.** An autoencoder decoded at $\mathcal N(0, I)$ whatever its scale, and called proof. And a
# coverage without the row of real images. That row is a yardstick, not a ceiling: fresh real digits cover each other
# to 0.97, those that the classifier was trained on to 0.95. And one network from one seed: notebook 10 repeats this
# with five.
#
# **Sources.** Naeem et al. (2020), *Reliable fidelity and diversity metrics for generative models*, arXiv:2002.09797,
# equations 3 and 4 and section 3.3. Ghosh et al. (2020), *From variational to deterministic autoencoders*,
# arXiv:1903.12436 (densities fitted to the codes). That an autoencoder "has jumps" is folklore; it depends on the
# network and on the ruler.
#
# **Next:** [03 · Latent variable models](03_latent_variable_models.ipynb): where does P(image) come from, if all we have
# is a decoder?
