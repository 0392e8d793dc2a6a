# %% [markdown] slideshow={"slide_type": "slide"}
# # 11 · What can you do with a good latent space?
#
# Walk through it, mix two images, make a digit lean over, give a 7 the handwriting of somebody's 3, draw a digit of your
# own and see where it lands. Each of these is a demonstration that you have seen somewhere. Here each is also measured,
# against the cheapest rival there is: doing the same in pixels.
#
# After this notebook you can
# - interpolate between images in two ways, and say what the arc (slerp) gains and what is merely claimed for it;
# - find the direction of an **attribute** such as slant, move along it, and judge the result **at equal effect**;
# - keep style and label apart with a **conditional VAE**, and measure how far apart they are.
#
# Needs: 02 (features of a classifier), 04 (the ELBO), 06 (the VAE). Reading: 35 minutes. Run All: about 25 seconds on two
# cores.

# %% slideshow={"slide_type": "skip"}
from fractions import Fraction

import ipywidgets
import torch
import torch.nn.functional as F
from scipy.stats import f as f_distribution
from sklearn.linear_model import LogisticRegression

from vae_utils import VAE, exercises, fit, load_images, negative_elbo, plots
from vae_utils.checkpoints import checkpoint_card, load_checkpoint
from vae_utils.evaluation import features, train_classifier
from vae_utils.interpolation import interpolate, path, path_length
from vae_utils.models import ConditionalVAE
from vae_utils.objectives import negative_conditional_elbo
from vae_utils.widgets import DecodedPicture, DrawingPad, Interpolator, LatentExplorer
from vae_utils.widgets import controls as make
from vae_utils.widgets.strokes import mnist_picture

digits = load_images("digits")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Models that come with the package
#
# Training for this notebook has been done for you, on all of MNIST: a VAE with 16 latent dimensions, one with 2, and
# a conditional VAE with 8. Their cards say how, and give the command that trains them again. (They know digits only.
# If you run this notebook on other images, as notebook 00 says, small ones are trained here instead.)

# %%
names = ("vae-mnist-k16", "vae-mnist-k2", "cvae-mnist-k8")
if digits.name == "digits":
    for name in names:
        card = checkpoint_card(name)
        print(f"{name}: {card['data']}\n    {card['recipe']}")
    vae, plane, cvae = (load_checkpoint(name) for name in names)
else:
    torch.manual_seed(0)
    vae, plane, cvae = VAE(16, hidden=200), VAE(2, hidden=200), ConditionalVAE(8, len(digits.classes))
    for model, loss in ((vae, negative_elbo), (plane, negative_elbo), (cvae, negative_conditional_elbo)):
        fit(model, digits, loss, epochs=8, learning_rate=4e-3)
for model in (vae, plane, cvae):
    model.requires_grad_(False)  # from here on they are only used

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Read this before any number.** Our 10,000 digits are the first of MNIST's *training* set, and the three models were
# trained on all of that set. So the images called "test" below are images that the models have seen. No number in
# this notebook says how well they do on new images. What we compare are ways to *use* these models, on the same images,
# which each of them has seen. The one image that is surely new is the one that you draw.
#
# The judge is different: a small classifier, trained here on the first 8,000 digits. It has not seen the other 2,000.

# %%
classifier = train_classifier(digits).requires_grad_(False)
x, y = digits.test, digits.test_labels


def read(images):
    """The digits that the judge reads.  (N, 1, 28, 28) -> (N,)"""
    return classifier(images).argmax(1)


mu, logvar = vae.encode(x)  # (2000, 16) each
rebuilt = vae.generate(mu)  # (2000, 1, 28, 28)
shares = {"images": (read(x) == y).float().mean().item(), "rebuilt": (read(rebuilt) == y).float().mean().item()}
print({name: f"{share:.1%} read correctly" for name, share in shares.items()})
assert all(share > 0.91 for share in shares.values()), "the text says: about 94%"

# %% [markdown] slideshow={"slide_type": "fragment"}
# The judge reads about 94% of the images, and of their reconstructions. That is the yardstick for all that is made
# from them below.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Traversal: one dimension at a time
#
# - Go to a test image and drag the sliders from the top. Which of them would you give a name?
# - Lock one that you like, press *Draw from the prior*, and drag another. Does it still do the same?

# %%
explorer = LatentExplorer(vae, x, labels=y, start=3)
explorer

# %% slideshow={"slide_type": "subslide"}
assert explorer.order[0] == 1 and y[3] == 0 and abs(mu[3, 1] + 2.3) < 0.05, "the text says: a 0, near −2.3"
explorer.snapshot(
    title="A single latent dimension rarely has a name: shape, slant and even the digit change together",
    alt="Decoded pictures: a row for each of the three most used latent dimensions, set from −3 to 3 prior standard deviations "
    "in the code of one test image. In each row several properties change at once; some rows pass through other digits.",
    rows=3,
)

# %% [markdown] slideshow={"slide_type": "subslide"}
# Each column *sets* the dimension to that value. (The test image, a 0, has z[1] = −2.3, so it would stand near the left
# end of the first row.)
#
# Nothing in the ELBO asks for one of *our* properties on each axis (notebook 08), so they lie in directions across the
# axes. We shall find such directions further down. First: is there an axis that carries slant alone? That takes a way to
# measure it.
#
# The **slant** of a digit: how far its ink moves to the right per row upwards, from the second moments of the ink about
# its centre, $-m_{xy} / m_{yy}$. Its **thickness**: twice the ink over the length of its outline. A stroke of width w and
# length l has the area wl and the outline 2l; the outline is the sum of the lengths of the image's gradient.


# %%
def attributes(images):
    """Slant (columns per row) and thickness (pixels) of each image.  (N, 1, 28, 28) -> {name: (N,)}"""
    ink, steps = images[:, 0], torch.arange(28.0)
    mass = ink.sum((1, 2))
    across = steps - (ink.sum(1) @ steps / mass)[:, None]  # (N, 28) columns from the centre of mass
    down = steps - (ink.sum(2) @ steps / mass)[:, None]  # (N, 28) rows
    m_xy = torch.einsum("nij,nj,ni->n", ink, across, down)
    m_yy = torch.einsum("nij,ni->n", ink, down.square())
    framed = F.pad(ink, (1, 1, 1, 1))
    gx = (framed[:, 1:-1, 2:] - framed[:, 1:-1, :-2]) / 2
    gy = (framed[:, 2:, 1:-1] - framed[:, :-2, 1:-1]) / 2
    return {"slant": -m_xy / m_yy, "thickness": 2 * mass / (gx.square() + gy.square()).sqrt().sum((1, 2))}


# %% [markdown]
# A measuring instrument has to be calibrated. We draw straight strokes whose slant and width we know.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
for slant, width in ((0.2, 2.0), (0.4, 2.0), (-0.4, 3.0), (0.8, 4.0)):
    stroke = [[0.5 - 0.4 * slant, 0.9, 0.5 + 0.4 * slant, 0.1]]  # x, y, x, y: from the foot to the top
    found = {name: value.item() for name, value in attributes(mnist_picture(stroke, width)[None, None]).items()}
    print(f"drawn: slant {slant:+.1f}, width {width:.0f}; found: {found['slant']:+.1f}, {found['thickness']:.1f}")
    assert abs(found["slant"] - slant) < 0.06 and abs(found["thickness"] - width) < 0.6

# %% [markdown] slideshow={"slide_type": "fragment"}
# Slant is right. Thickness is right to half a pixel: too high for thin strokes, whose two edges blur into one another,
# and too low for thick ones, whose ends are outline, too. To compare edits of the same images that is good enough.
#
# Now the correlation of both with each latent dimension, over the 8,000 training images:

# %%
train_mu = torch.cat([vae.encode(part)[0] for part in digits.train.split(1000)])  # (8000, 16)
train_attributes = attributes(digits.train)
correlation = torch.corrcoef(torch.cat([train_mu.T, torch.stack(list(train_attributes.values()))]))[16:, :16]  # (2, 16)
for name, row in zip(train_attributes, correlation, strict=True):
    print(
        f"{name:9}: largest |correlation| {row.abs().max():.2f}, {int((row.abs() > 0.2).sum())} of 16 dimensions above 0.2"
    )
assert (correlation.abs().amax(1) < 0.8).all(), "the text says: no axis carries one alone"
assert ((correlation.abs() > 0.2).sum(1) >= 3).all(), "the text says: several take part"

# %% [markdown] slideshow={"slide_type": "fragment"}
# Several dimensions take part in each attribute, and none carries it alone.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A latent space that fits on the screen
#
# With two dimensions nothing is hidden: drag over the plane. Each dot is a digit, coloured by its class; the dashed
# circles are one, two and three standard deviations of the prior. Find a place inside the circles where no class is at
# home, and look at what is decoded there.

# %%
LatentExplorer(plane, x, labels=y)

# %% slideshow={"slide_type": "subslide"}
plots.show_manifold(
    plane.generate,
    title="Two dimensions, all of MNIST: borders between the digits stay blurred even after 60,000 images",
    alt="Seven by seven pictures decoded over the latent plane at the quantiles of the prior. Most are clear digits; between "
    "regions of two digits lie blurred mixtures that are neither.",
    steps=7,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## From one digit to another
#
# Take two codes, a and b. The **straight line** between them is $(1 - t)\,a + t\,b$, called **lerp**. You will read that one
# should not use it, and the argument is worth following.
#
# A draw from $\mathcal N(0, I)$ in K dimensions has a squared length of K, give or take $\sqrt{2K}$: nearly all draws
# lie in a shell of radius $\sqrt K$. Two independent draws are nearly at right angles. So the middle of the line between
# them has only the length $\sqrt{K/2}$: it cuts through the inside, where the decoder was hardly ever trained. The
# remedy is the **arc** about the origin (**slerp**), which keeps to the shell. With θ the angle between a and b:
#
# $$\mathrm{slerp}(a, b, t) = \frac{\sin((1 - t)\,\theta)}{\sin\theta}\, a + \frac{\sin(t\,\theta)}{\sin\theta}\, b .$$


# %% tags=["nbval-check-output"]
def my_slerp(a, b, t):
    """(B, K), (B, K), a number in [0, 1] -> (B, K)"""
    cosine = (a * b).sum(1, keepdim=True) / (a.norm(dim=1, keepdim=True) * b.norm(dim=1, keepdim=True))
    angle = torch.acos(cosine.clamp(-1, 1))  # (B, 1)
    return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / angle.sin()


torch.testing.assert_close(my_slerp(mu[:50], mu[50:100], 0.3), interpolate(mu[:50], mu[50:100], 0.3, "slerp"))
print("slerp as in vae_utils.interpolation")

# %% [markdown] slideshow={"slide_type": "subslide"}
# The first half of the argument is geometry, and exact. How likely is it that a draw from the prior is as short as the
# middle of a line? The middle m of two draws has $|m|^2 \sim \tfrac12 \chi^2_K$; for another draw z, the ratio
# $|z|^2 / 2|m|^2$ follows an F-distribution with (K, K) degrees of freedom.
#
# **Predict first.** In how many of a hundred cases is a draw from the prior shorter than the middle of a line, for
# K = 2, 16, 64 and 512?

# %% tags=["nbval-check-output"]
for K in (2, 16, 64, 512):
    print(f"K = {K:3}: {f_distribution.cdf(0.5, K, K):.2g}")

# %% [markdown] slideshow={"slide_type": "fragment"}
# In 33 cases of a hundred for K = 2, in 9 for K = 16, in 3 of a thousand for K = 64, and practically never for K =
# 512. The argument comes from GANs with a hundred dimensions and more (White, 2016). At K = 16 the inside of the
# shell is less visited, but far from empty. So the second half, "hence the pictures are worse", is a question for a
# measurement.
#
# - Choose two test images and walk. Switch between line and arc at t = 0.5, and look at the length of the code.
# - Find a pair for which the two middles show different digits.

# %%
Interpolator(vae, x, start=0, end=5)

# %% slideshow={"slide_type": "subslide"}
places = [step / 8 for step in range(9)]
fading = torch.cat([torch.lerp(rebuilt[0:1], rebuilt[5:6], t) for t in places])
ways = {way: vae.generate(path(mu[0], mu[5], 8, way)) for way in ("lerp", "slerp")}
plots.show_images(
    [fading, *ways.values()],
    row_labels=["pixels: cross-fade", "latent: line (lerp)", "latent: arc (slerp)"],
    titles=[f"t = {Fraction(t)}" for t in places],
    title="In pixels one digit fades into the other; in the latent space strokes move",
    alt="Three rows of nine pictures from one test digit to another. The cross-fade shows both at once in grey. Line and arc "
    "pass through strokes that bend from one digit into the other, and look much alike.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Measured on 300 pairs
#
# Three ways, the same 300 pairs of images. Along each way in 16 steps: how **long** is it, in the latent space and in the
# classifier's features? And in its middle:
#
# - **grey**: ink that is neither there nor not, $\sum x(1 - x)$ over the pixels. Ghosts are grey; so are blurred edges.
# - **sure**: the judge's mean confidence in whatever digit it reads.
# - **far**: the distance to the nearest of the 8,000 training images, in the judge's features.
#
# **Predict first.** Rank cross-fade, line and arc by each of the three. Where is the arc better than the line?


# %%
PAIRS = 300
a, b, pixels_a, pixels_b = mu[:PAIRS], mu[PAIRS : 2 * PAIRS], rebuilt[:PAIRS], rebuilt[PAIRS : 2 * PAIRS]
routes = {"cross-fade": torch.stack([torch.lerp(pixels_a, pixels_b, step / 16) for step in range(17)])}
norms = {}
for way in ("lerp", "slerp"):
    codes = path(a, b, 16, way)  # (17, 300, 16)
    norms[way] = codes.norm(dim=2)  # (17, 300)
    routes[way] = torch.stack([vae.generate(step) for step in codes])  # (17, 300, 1, 28, 28)

# %%
train_features = features(classifier, digits.train)  # (8000, 64)


def judged(images):
    """Of each image (N, 1, 28, 28): ink that is neither there nor not, the judge's confidence, distance to real images."""
    return {
        "grey": (images * (1 - images)).sum((1, 2, 3)),
        "sure": classifier(images).softmax(1).amax(1),
        "far": torch.cdist(features(classifier, images), train_features).amin(1),
    }  # (N,) each


middles = {name: judged(images[8]) for name, images in routes.items()}
middles["both ends"] = judged(torch.cat([pixels_a, pixels_b]))
lengths = {}
for name, images in routes.items():
    seen = features(classifier, images.flatten(0, 1)).unflatten(0, images.shape[:2])
    lengths[name] = path_length(seen).mean().item()  # in features

# %%
print("middle of        grey   sure    far   length in features")
for name, middle in middles.items():
    long = f"{lengths[name]:.1f}" if name in lengths else "–"
    print("{:12} {:8.1f} {:6.2f} {:6.2f} {:>10}".format(name, *(each.mean() for each in middle.values()), long))
gains = {key: middles["slerp"][key] - middles["lerp"][key] for key in ("grey", "sure", "far")}  # (300,) each
for key, gain in gains.items():
    print(f"arc − line, {key}: {gain.mean():+.3f} ± {gain.std() / PAIRS**0.5:.3f}")
chord, arc = (path_length(path(a, b, 64, way)) for way in ("lerp", "slerp"))  # (300,) each
print(f"length in the latent space: line {chord.mean():.2f}, arc {arc.mean():.2f}")
scaled = a / a.norm(dim=1, keepdim=True)
contrast = {radius: judged(vae.generate(radius * scaled))["grey"].mean().item() for radius in (1, 2, 4)}
print("grey ink of the codes a at length", "; ".join(f"{radius}: {grey:.0f}" for radius, grey in contrast.items()))


# %% slideshow={"slide_type": "subslide"}
shown, (left, right) = plots.figure(
    1,
    2,
    title="The arc keeps the length of its ends, and its pictures are less grey for it",
    alt=f"Left: the length of the code along the way, mean over 300 pairs; the line dips from {norms['lerp'][0].mean():.1f} to "
    f"{norms['lerp'][8].mean():.1f} in the middle, the arc stays level, below the thin line at 4. Right: grey ink along the way; highest for the cross-fade, lower on the line, and "
    "nearly level on the arc.",
    size=(7.5, 3.2),
)
shares = torch.linspace(0, 1, 17)
looks = {"cross-fade": (plots.PRIOR, "--"), "lerp": (plots.VAE, (0, (2, 1))), "slerp": (plots.VAE, "-")}
left.axhline(4, color=plots.EXACT, linewidth=1)
left.text(0.5, 4.05, "√K", ha="center", va="bottom")
greys = {name: (images * (1 - images)).sum((2, 3, 4)) for name, images in routes.items()}  # (17, 300) each
for axes, each in ((left, norms), (right, greys)):
    for name, found in each.items():
        colour, line = looks[name]
        axes.plot(shares, found.mean(1), color=colour, linestyle=line, linewidth=2, label=name)
left.set(xlabel="t", ylabel="length of the code", ylim=(0, 4.6))
right.set(xlabel="t", ylabel="grey ink (pixels)", ylim=(0, None))
left.legend(loc="lower center")
right.legend(loc="lower center")
shown

# %%
error = {key: (gain.std() / PAIRS**0.5).item() for key, gain in gains.items()}
gain = {key: found.mean().item() for key, found in gains.items()}
assert norms["lerp"][8].mean() < 0.78 * norms["lerp"][0].mean(), (
    "the text says: nearly by the factor of the root of 1/2"
)
assert contrast[1] > contrast[2] + 5 > contrast[4] + 10, "the text says: length is a knob for contrast"
drawn_length = (mu.square() + logvar.exp()).sum(1).mean().sqrt().item()  # of a code that is drawn, not of its mean
assert norms["lerp"][0].mean() < 3.9 < drawn_length < 4.4, "the text says: the missing part is sigma"
assert gain["grey"] < -3 and gain["grey"] < -10 * error["grey"], "the text says: less grey, beyond doubt"
greyer = {name: middles[name]["grey"].mean() / middles["both ends"]["grey"].mean() for name in ("lerp", "slerp")}
assert greyer["slerp"] < 1.18 < 1.22 < greyer["lerp"] < 1.5, "the text says: hardly; by about a third"
assert 2 * error["sure"] < gain["sure"] < 0.07, "the text says: a little surer"
assert 2 * error["far"] < gain["far"] < 0.6, "the text says: a little farther"
assert lengths["slerp"] > lengths["lerp"] > lengths["cross-fade"] and 1.05 < (arc / chord).mean() < 1.2
assert middles["cross-fade"]["grey"].mean() > 1.25 * middles["lerp"]["grey"].mean()
assert all(middles[name]["far"].mean() > 1.15 * middles["both ends"]["far"].mean() for name in routes)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What the arc is good for, and what it is not
#
# - **The geometry is true.** On the line the code shrinks by nearly $1/\sqrt 2$; on the arc it does not. (Both begin
#   below $\sqrt{16}$: our codes are the posteriors' means, and the missing part of the length is their σ.)
# - **The arc's pictures are crisper.** Its middle is hardly greyer than its ends, the line's is by about a third. Near the
#   origin the decoder averages; the length of a code is a knob for contrast.
# - **Crisper is not more real.** The judge is a little surer of the arc's middles, but they lie a little *farther* from
#   real digits. Two measures of "real" contradict each other, and both differences are small.
# - **All three leave the digits.** Between two digits there often is none, and no way around that: the middles are,
#   on average, clearly farther from real images than the ends.
#
# And the lengths? The arc is longer in both spaces, by about a tenth in the latent one, as geometry demands for codes
# nearly at right angles (at exactly 90° by $\tfrac{\pi}{2} / \sqrt 2 = 1.11$). But do not take shortness for quality.
# **The cross-fade is the shortest way of all**, in pixels by definition, and here in features, too. It is the one
# that nobody would choose.
#
# So: with 16 dimensions take either; with hundreds, and a prior that is really a shell, take the arc.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 1 · A quarter of the way (predict, 3 minutes)
#
# Two independent draws a and b from $\mathcal N(0, I)$ with K = 100. How long, about, is the point a quarter of the way
# along the straight line from a to b?
#
# Stuck? `exercises.NAME.hint()`, and `.solution()` in the end.

# %%
my_length = ...

exercises.length_on_the_line.check(my_length)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Arithmetic with attributes
#
# "Smiling woman − woman + man = smiling man": arithmetic of this kind made latent spaces famous. The recipe has one line.
# Take the codes of images that have the attribute, and of images that do not; the **difference of their means** is the
# direction.
#
# For slant, "have it" means: among the fifth with the largest slant. But which digits are those? A quarter of the
# zeros lean that far and only 7% of the nines, so the plain difference holds some zero minus nine. So we take the
# difference **within each class**, and average over the classes.


# %%
def direction(points, values, labels):
    """Mean difference between the highest and the lowest fifth by `values`, within each class.  (N, ...) -> (...)"""
    found = []
    for label in labels.unique():
        own = labels == label
        low, high = values[own].quantile(torch.tensor([0.2, 0.8]))
        found.append(points[own & (values >= high)].mean(0) - points[own & (values <= low)].mean(0))
    return torch.stack(found).mean(0)


slants = train_attributes["slant"]
top = {digit: (slants > slants.quantile(0.8))[digits.train_labels == digit].float().mean() for digit in (0, 9)}
print(f"standard deviation of slant: {slants.std():.2f} columns per row; ", end="")
print(f"in the top fifth: {top[0]:.0%} of the zeros, {top[9]:.0%} of the nines")
assert 0.2 < top[0] < 0.3 and abs(top[9] - 0.07) < 0.005, "the text says: a quarter; 7%"
directions = {
    name: {
        "latent": direction(train_mu, values, digits.train_labels),  # (16,)
        "pixels": direction(digits.train, values, digits.train_labels),  # (1, 28, 28)
    }
    for name, values in train_attributes.items()
}

# %% [markdown] slideshow={"slide_type": "subslide"}
# The rival does the same arithmetic on pixels: mean image of the slanted minus mean image of the upright, added to
# the image, clipped to [0, 1]. Both begin with the same reconstruction. For slant there is a third: **shearing** the
# image, the operation that slant is defined by. It knows what slant is; the other two were only shown examples. (It
# is not quite free of side effects: a stroke that leans over more gets longer and thinner, and resampling the pixels
# blurs it, which our measure takes for thicker.)
#
# **Predict first.** The slants of our digits have a standard deviation of about 0.3. Of a hundred digits that lean over by
# 0.4 more, how many can the judge still read, with each of the three?


# %%
def shear(images, slant):
    """Lean images over by so many columns per row."""
    turn = torch.tensor([[1.0, slant, 0.0], [0.0, 1.0, 0.0]]).expand(len(images), 2, 3)
    return F.grid_sample(images, F.affine_grid(turn, list(images.shape), align_corners=False), align_corners=False)


def edited(how, name, step, rows=slice(None)):
    """Pictures after a step along the direction of an attribute."""
    if how == "shear":
        return shear(rebuilt[rows], step)
    if how == "latent":
        return vae.generate(mu[rows] + step * directions[name]["latent"])
    return (rebuilt[rows] + step * directions[name]["pixels"]).clamp(0, 1)


# %% [markdown] slideshow={"slide_type": "subslide"}
# A step of 1 in pixels and one of 1 in the latent space change slant by different amounts. So we try many steps with each
# method, and compare them **where they changed slant equally**. That is the horizontal axis. (The same for thickness.)


# %%
def effects(how, name, steps, count=1000):
    """For each step: the mean change of both attributes, and the share still read as the same digit."""
    before, found = attributes(rebuilt[:count]), []
    for step in steps:
        images = edited(how, name, step, slice(count))
        change = {key: (value - before[key]).mean().item() for key, value in attributes(images).items()}
        kept = (read(images) == y[:count]).float().mean().item()
        found.append(
            change | {"kept": kept, "grey": (images * (1 - images)).sum((1, 2, 3)).mean().item(), "step": step}
        )
    return {key: [row[key] for row in found] for key in found[0]}


curves = {
    ("slant", "latent"): effects("latent", "slant", torch.linspace(-1.2, 1.2, 13).tolist()),
    ("slant", "pixels"): effects("pixels", "slant", torch.linspace(-2.4, 2.4, 13).tolist()),
    ("slant", "shear"): effects("shear", "slant", torch.linspace(-0.5, 0.5, 13).tolist()),
    ("thickness", "latent"): effects("latent", "thickness", torch.linspace(-1.2, 1.2, 13).tolist()),
    ("thickness", "pixels"): effects("pixels", "thickness", torch.linspace(-2.4, 1.2, 13).tolist()),
}

# %% slideshow={"slide_type": "subslide"}
shown, panels = plots.figure(
    1,
    3,
    title="Past a small change of slant, latent edits keep more digits readable than pixel arithmetic, and fewer than a shear",
    alt="Three panels. Left: share still read correctly against the change of slant: near 0.92 without change; at ±0.5 about 0.8 for "
    "a shear, 0.7 for the latent edit, 0.4 or less for pixel arithmetic. Middle: the same against thickness: latent "
    "and pixels lie on one another up to one pixel more. Right: change of thickness against slant: nearly flat "
    "for the latent edit, within a fifth of a pixel for the shear, steeply rising to both sides for pixel arithmetic.",
    size=(7.5, 3.3),
)
looks = {"latent": (plots.VAE, "-"), "pixels": (plots.PRIOR, "--"), "shear": (plots.EXACT, ":")}
for (name, how), found in curves.items():
    colour, line = looks[how]
    panels[0 if name == "slant" else 1].plot(found[name], found["kept"], line, color=colour, linewidth=2, label=how)
    if name == "slant":
        panels[2].plot(found["slant"], found["thickness"], line, color=colour, linewidth=2, label=how)
panels[0].set(xlabel="mean change of slant", ylabel="still read correctly", ylim=(0, 1), xlim=(-0.5, 0.5))
panels[1].set(xlabel="mean change of thickness (pixels)", ylim=(0, 1), xlim=(-1, 1.6))
panels[2].set(xlabel="mean change of slant", ylabel="side effect: thickness (pixels)", xlim=(-0.5, 0.5))
for axes in panels[:2]:
    axes.legend(loc="lower center")
shown


# %%
def at(name, how, change, key):
    """A curve read at a given mean change of the attribute (linear between its points)."""
    found = curves[name, how]
    reached = [index for index, value in enumerate(found[name]) if value >= change and index > 0]
    above = (reached or [len(found[name]) - 1])[0]  # beyond its last point a curve goes on as a straight line
    low, high = found[name][above - 1 : above + 1]
    share = (change - low) / (high - low)
    return (1 - share) * found[key][above - 1] + share * found[key][above]


# %%
print("at equal slant, −0.4 and +0.4:")
table, formats = {}, {"kept": "{:.0%} {:.0%}", "thickness": "{:+.2f} {:+.2f}", "grey": "{:.0f} {:.0f}"}
for how in looks:
    table[how] = {
        key: [at("slant", how, change, key) for change in (-0.4, 0.4)] for key in ("kept", "thickness", "grey")
    }
    cells = "; ".join(f"{key} {formats[key].format(*pair)}" for key, pair in table[how].items())
    right = [shear(rebuilt[:1000], at("slant", "shear", change, "step")) for change in (-0.4, 0.4)]
    own = [edited(how, "slant", at("slant", how, change, "step"), slice(1000)) for change in (-0.4, 0.4)]
    table[how]["away"] = [(a - b).flatten(1).norm(dim=1).mean().item() for a, b in zip(own, right, strict=True)]
    print(f"{how:6}: {cells}; from the shear {table[how]['away'][0]:.1f} {table[how]['away'][1]:.1f}")
nothing = [(rebuilt[:1000] - images).flatten(1).norm(dim=1).mean().item() for images in right]
print(f"untouched images: from the shear {nothing[0]:.1f} {nothing[1]:.1f}")
thick = {how: {key: at("thickness", how, 1.0, key) for key in ("kept", "grey")} for how in ("latent", "pixels")}
print("at +1.0 pixel of thickness:")
for how, found in thick.items():
    print("{:6}: kept {kept:.0%}; grey {grey:.0f}".format(how, **found))

# %%
for side in (0, 1):
    latent, pixels, sheared = ({key: found[side] for key, found in table[how].items()} for how in looks)
    assert latent["kept"] > pixels["kept"] + 0.05 and sheared["kept"] > latent["kept"], "the title's order"
    lost = [at("slant", "latent", 0.0, "kept") - found["kept"] for found in (pixels, latent)]
    assert lost[0] > 1.8 * lost[1], "the text says: about twice as many, or more"
    assert 0.3 < pixels["thickness"] < 0.8, "the text says: about half a pixel thicker"
    assert 0.11 < abs(sheared["thickness"]) < 0.18, "the text says: about a seventh of a pixel"
    assert abs(latent["thickness"]) < abs(sheared["thickness"]) - 0.02, "the text says: more than the latent edit"
    assert latent["away"] < 0.82 * nothing[side] and pixels["away"] > 0.88 * nothing[side], (
        "the text says: clearly; hardly"
    )
    small = [at("slant", how, (-0.15, 0.15)[side], "kept") for how in looks]
    assert max(small) - min(small) < 0.04, "the text says: small changes cost nobody anything"
    assert pixels["grey"] > latent["grey"] + 8, "the text says: ghosts"
returned = attributes(shear(shear(rebuilt[:1000], 0.4), -0.4))["thickness"] - attributes(rebuilt[:1000])["thickness"]
assert 0.05 < returned.mean() < 0.25, "the text says: resampling blurs, which reads as thicker"
assert abs(thick["latent"]["kept"] - thick["pixels"]["kept"]) < 0.06, "the text says: a draw"
assert thick["pixels"]["grey"] > thick["latent"]["grey"] + 8, "the text says: a halo"

# %% slideshow={"slide_type": "subslide"}
chosen = [next(index for index in range(2000) if y[index] == digit) for digit in (1, 2, 4, 6, 7, 8)]
steps = {how: at("slant", how, 0.4, "step") for how in looks}
rows = {f"{how}: slant +0.4": edited(how, "slant", step, chosen) for how, step in steps.items()}
rows |= {
    f"{how}: thicker by 1": edited(how, "thickness", at("thickness", how, 1.0, "step"), chosen)
    for how in ("latent", "pixels")
}
plots.show_images(
    [rebuilt[chosen], *rows.values()],
    row_labels=["reconstruction", *rows],
    title="The latent edit moves the strokes; pixel arithmetic lays the same stain over every image",
    alt="Six digits in six rows: reconstruction; leaning more by a latent step; by pixel arithmetic, with grey ghosts in the same "
    "places of every image; by a shear; thicker by a latent step; thicker by pixel arithmetic, with a grey halo.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What the latent direction knows
#
# - **It bends strokes.** The same vector is added to every code, but the decoder turns it into another change of every
#   picture. Pixel arithmetic adds one and the same stain to all. Judged by the right answer, the sheared image, pixel
#   arithmetic is hardly closer to it than the untouched image is; the latent edit is clearly closer.
# - **It has fewer side effects.** The stain makes the digits, on average, about half a pixel thicker, and grey all
#   over. The shear changes thickness by about a seventh of a pixel, more than the latent edit.
# - **It keeps more digits**, once the change is large. Up to a slant of about 0.15 hardly any method loses digits. At 0.4, of
#   those that were read before, pixel arithmetic loses about twice as many as the latent edit, or more, and the shear
#   fewest. "Identity is preserved" is too strong for all of them.
# - **It is beaten by a shear**, which knows what slant is. If you can write an attribute down, write it down. The
#   latent direction is for attributes of which you only have examples.
#
# And **thickness is a draw**, if you ask the judge: at one pixel more, both keep the same share. The halo of the pixel
# edit, which everybody sees, does not disturb it. One measure is not enough, and a classifier forgives what an eye does
# not.
#
# All this was at equal effect. Whoever compares at equal *step* can make either of them win.

# %% [markdown] slideshow={"slide_type": "subslide"}
# Two sliders of your own, in five lines: the code is that of a test image plus the sliders times the two directions, and the
# browser decodes it.

# %%
sliders = [make.slider(name, 0.0, -1.5, 1.5) for name in directions]  # steps along the directions
both = torch.stack([directions[name]["latent"] for name in directions])  # (2, 16)
picture = DecodedPicture(vae, sliders, mu[7], both, alt="A digit whose slant and thickness the sliders change.")
ipywidgets.VBox([*sliders, picture])

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Style and label apart: the conditional VAE
#
# What if the attribute is the digit itself? The step "mean of the 7s minus mean of the 3s" is attribute arithmetic as before.
# But if the labels are known in training, there is a cleaner way: give them to both networks.
#
# $$\log p(x \mid y) \;\ge\; \mathbb E_{q(z \mid x, y)}\big[\log p(x \mid z, y)\big] - \mathrm{KL}\big(q(z \mid x, y)\,\|\,p(z)\big)$$
#
# This is the ELBO of notebook 04 with y behind every bar, in nats per image. The prior p(z) is the same for all labels. And each nat
# about the digit that z carries would have to be paid for, although the decoder knows the digit already. So z is left
# with what the label does not say: the style.
#
# In code, the label enters as ten numbers, one of them 1, beside the code:

# %% tags=["nbval-check-output"]
z, labels = torch.randn(4, cvae.latent_dim, generator=torch.Generator().manual_seed(0)), torch.tensor([3, 1, 4, 1])
mine = cvae.decoder(torch.cat([z, F.one_hot(labels, 10).float()], dim=1))  # (4, 8 + 10) -> (4, 1, 28, 28) logits
torch.testing.assert_close(mine, cvae.decode(z, labels))
print("decoder's input:", z.shape[1], "+", 10, "numbers")

# %% [markdown] slideshow={"slide_type": "subslide"}
# Take an image, encode it *with its label*, keep the code, and decode it with another label: **style transfer**.
#
# **Predict first.** In how many of a hundred cases will the judge read the digit that was asked for? And what will be left of
# slant and thickness?

# %%
style, _ = cvae.encode(x, y)  # (2000, 8)
transferred = {}
for label in range(10):
    transferred[label] = cvae.generate(style, torch.full((len(x),), label))  # (2000, 1, 28, 28)
lean, thick_ones = (attributes(x)[name].argsort() for name in ("slant", "thickness"))
models = [lean[20].item(), lean[-20].item(), thick_ones[40].item(), thick_ones[-40].item(), lean[1000].item()]
plots.show_images(
    [torch.cat([x[[row]], *(transferred[label][[row]] for label in range(10))]) for row in models],
    titles=["image", *(f"as a {label}" for label in range(10))],
    row_labels=["leans left", "leans right", "thin", "thick", "ordinary"],
    title="One code, ten labels: the handwriting stays, the digit changes",
    alt="Five rows: a test digit, and its code decoded with the labels 0 to 9. In each row all ten digits share the slant and the "
    "thickness of the first image, and most are the digits asked for.",
)

# %% [markdown] slideshow={"slide_type": "subslide"}
# The rivals get the same labels, and no second training: arithmetic with the class means, in the codes of the plain VAE and in
# pixels. All are asked for each of the ten digits.

# %%
train_style = torch.cat(
    [cvae.encode(*part)[0] for part in zip(digits.train.split(1000), digits.train_labels.split(1000))]
)
in_class = [digits.train_labels == label for label in range(10)]
code_means = torch.stack([train_mu[own].mean(0) for own in in_class])  # (10, 16)
pixel_means = torch.stack([digits.train[own].mean(0) for own in in_class])  # (10, 1, 28, 28)
ways_to_change = {
    "conditional VAE": lambda label: transferred[label],
    "VAE, class means": lambda label: vae.generate(mu - code_means[y] + code_means[label]),
    "pixels, class means": lambda label: (rebuilt - pixel_means[y] + pixel_means[label]).clamp(0, 1),
}

# %%
before, outcome = attributes(x), {}
print("                     reads as asked   grey   correlation of slant, thickness with the original")
for name, change in ways_to_change.items():
    agreed, grey, kept = [], [], []
    for label in range(10):
        images, other = change(label), y != label  # only where the label really changes
        agreed.append((read(images) == label)[other].float().mean())
        grey.append((images * (1 - images)).sum((1, 2, 3)).mean())
        after = attributes(images)
        kept.append([torch.corrcoef(torch.stack([before[key], after[key]])[:, other])[0, 1] for key in before])
    outcome[name] = [
        torch.stack(agreed).mean().item(),
        torch.stack(grey).mean().item(),
        *torch.tensor(kept).mean(0).tolist(),
    ]
    print("{:19} {:13.1%} {:9.1f} {:12.2f} {:9.2f}".format(name, *outcome[name]))

# %%
generator = torch.Generator().manual_seed(1)
asked = torch.arange(10).repeat(100)
dreamt = cvae.generate(torch.randn(1000, cvae.latent_dim, generator=generator), asked)
print(f"from the prior, with a label: {(read(dreamt) == asked).float().mean():.1%} read as asked")
probe = {}
for name, points, others in (("VAE", train_mu, mu), ("conditional VAE", train_style, style)):
    fitted = LogisticRegression(max_iter=1000).fit(points, digits.train_labels)
    probe[name] = fitted.score(others, y)
    print(f"digit guessed from the code alone, {name}: {probe[name]:.1%}")

# %%
agreed, grey, slants, widths = (
    dict(zip(outcome, column, strict=True)) for column in zip(*outcome.values(), strict=True)
)
ours, arithmetic, pixels = outcome
assert 0.68 < min(agreed.values()) and max(agreed.values()) < 0.93, "the text says: three quarters or more"
assert 0 < agreed[arithmetic] - agreed[ours] < 0.1, "the text says: a little more often"
assert abs(agreed[ours] - agreed[pixels]) < 0.06, "the text says: even pixels come close"
assert min(slants.values()) > 0.8 and min(widths.values()) > 0.7, "the text says: all keep slant and thickness"
assert grey[pixels] > grey[ours] + 5, "the text says: faint"
assert 0.13 < probe[ours] < probe["VAE"] - 0.3, "the text says: more than by chance, far less than from the plain VAE"

# %% [markdown] slideshow={"slide_type": "fragment"}
# - **The judge reads the digit that was asked for** in about three quarters of the transfers or more, whichever way
#   is taken; real images reach about 94%. The conditional VAE is not ahead: arithmetic with class means in the plain
#   VAE's codes is read correctly a little more often, and even pixels come close. Its figure suggested more. (It has
#   half as many dimensions, 8 against 16, so the two models differ in more than the label. On clothes, in one run
#   with small models, it was far behind both: what is the style of a trouser, as a bag?)
# - **Style is kept by all three.** The correlations are high even for pixel arithmetic, and for a poor reason: whoever
#   leaves the strokes of the 3 where they are and lays a faint 7 over them keeps slant and thickness as well. A measure
#   of what is *kept* says little without one of what has *changed*.
# - **Apart, but not perfectly.** From the code alone a linear classifier guesses the digit far less often than from
#   the plain VAE's codes, but more often than the 11% or so that one gets with nothing to go by. The ELBO pulls each
#   q(z|x, y) towards p(z), and with that the codes of each class, but only as far as that pays: it stops where making
#   the codes more alike would cost more nats of reconstruction than it saves in KL. What is left shows in the
#   pictures: ask for a 6 in the style of a strongly leaning 5, and you ask for a combination that training hardly
#   saw.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The drawing pad
#
# Now an image that no model has seen: yours. The drawing is brought to MNIST's format, as the data were (its longer
# side to 20 pixels, its centre of mass to the middle of 28 × 28), and encoded.
#
# - Draw a digit as you write it. Is the reconstruction *your* digit, or a more ordinary one? Which neighbours does it have?
# - Draw it again with a pen twice as wide. Which posterior means move?
# - Draw something that is no digit: a house, a letter, a line through your digit. **Predict first:** will the model draw a
#   house? How will you see, from the numbers below the pad, that it was not the kind of image the model knows?

# %%
pad = DrawingPad(vae, digits)
pad

# %% slideshow={"slide_type": "subslide"}
five = [[0.68, 0.2, 0.4, 0.2, 0.36, 0.45, 0.55, 0.42, 0.68, 0.55, 0.65, 0.75, 0.45, 0.85, 0.3, 0.78]]  # x, y, x, y, ...
on_paper = DrawingPad(vae, digits)
on_paper.draw_strokes(five)
on_paper.snapshot(
    title="A drawn 5 among its neighbours: the posterior is narrow in most dimensions, and its means lie where the prior has mass",
    alt="A five drawn in one stroke, as the model sees it, and its reconstruction, a five of the same shape. The posterior's "
    "means lie between −2 and 2, with standard deviations well below 1 in most dimensions; the last one is not used, and "
    "stays at the prior. The five nearest training images are fives.",
)

# %% slideshow={"slide_type": "subslide"}
drawings = {
    "house": [[0.25, 0.9, 0.25, 0.45, 0.5, 0.12, 0.75, 0.45, 0.75, 0.9, 0.25, 0.9], [0.25, 0.45, 0.75, 0.45]],
    "letter A": [[0.25, 0.9, 0.5, 0.1, 0.75, 0.9], [0.35, 0.6, 0.65, 0.6]],
    "star": [[0.5, 0.1, 0.74, 0.82, 0.12, 0.38, 0.88, 0.38, 0.26, 0.82, 0.5, 0.1]],
    "grid": [[0.35, 0.1, 0.35, 0.9], [0.65, 0.1, 0.65, 0.9], [0.1, 0.35, 0.9, 0.35], [0.1, 0.65, 0.9, 0.65]],
}


def costs(images):
    """Reconstruction error from the posterior's mean, and KL, in nats per image: (2, N)"""
    means, logvars = vae.encode(images)
    error = F.binary_cross_entropy_with_logits(vae.decode(means), images, reduction="none").sum((1, 2, 3))
    return torch.stack([error, 0.5 * (means**2 + logvars.exp() - 1 - logvars).sum(1)])


pictures = torch.stack([mnist_picture(strokes) for strokes in drawings.values()])[:, None]  # (4, 1, 28, 28)
ordinary, drawn = costs(x), costs(pictures)  # (2, 2000), (2, 4)
above = (ordinary[:, :, None] < drawn[:, None]).float().mean(1)  # (2, 4)  share of digits that cost less
comes_back = vae.generate(vae.encode(pictures)[0])  # (4, 1, 28, 28)
answers = classifier(comes_back).softmax(1)  # (4, 10)

# %% slideshow={"slide_type": "subslide"}
plots.show_images(
    [pictures, comes_back],
    titles=list(drawings),
    row_labels=["drawn", "reconstruction"],
    title=f"A house is drawn, and something like a {digits.classes[answers[0].argmax()]} comes back",
    alt="Four drawings with straight lines (a house, a letter A, a star, a grid), and below each its reconstruction: rounder, and "
    "made of the strokes of digits. None shows what was drawn.",
)

# %%
for index, name in enumerate(drawings):
    error, kl = (f"{drawn[row, index]:.0f} nats, more than {above[row, index]:.0%} of the digits" for row in (0, 1))
    sure = f"read as {digits.classes[answers[index].argmax()]}, {answers[index].max():.0%} sure"
    print(f"{name:8}: error {error}; KL {kl}; reconstruction {sure}")
assert (above[0, 2:] > 0.98).all() and (above[0, :2] < 0.98).all(), "the text says: two are caught, two are not"
assert (above[1] < 0.98).all(), "the text says: the KL catches none"
assert answers[0].max() > 0.8, "the text says: sure of it"
width = {name: (0.5 * vae.encode(shown)[1]).exp().mean(1) for name, shown in (("digits", x), ("drawings", pictures))}
median = width["digits"].median().item()  # of the posterior's standard deviations, each a mean over 16 dimensions
print(f"mean σ of the median digit {median:.2f}, of the drawings", ", ".join(f"{s:.2f}" for s in width["drawings"]))
assert ((width["drawings"] > 0.7 * median) & (width["drawings"] < 1.1 * median)).all(), "the text says: about as sure"

# %% [markdown] slideshow={"slide_type": "fragment"}
# No code here is unusual: none of the KLs exceeds those of 98% of the digits. Nor is the posterior wider: the encoder
# is about as sure of each drawing as of the median digit. What can betray a drawing is its **reconstruction error**.
# It catches the star and the grid, which cost more than practically every digit. It does **not** catch the house and
# the A: an alarm that spares 98% of the digits lets both pass. And the judge, asked what the rebuilt house is, is
# sure of a digit. Notebook 12 measures how well that kind of alarm works, and how it fails.
#
# "You see what the model thinks of your drawing" would be too much, though. You see what the encoder, trained on digits,
# answers far away from its training data, where nobody has checked it.

# %% [markdown] slideshow={"slide_type": "skip"}
# ### All explorers of the series
#
# Each stands in `vae_utils.widgets`. Those that take a model take yours, too: `help(LatentExplorer)` says what it needs.
#
# | Explorer | What you move | Where |
# |---|---|---|
# | `BlendExplorer` | a digit towards noise or blank paper | [00](00_two_kinds_of_model.ipynb) |
# | `BottleneckExplorer` | the size of the code | [01](01_autoencoder.ipynb) |
# | `SliceExplorer` | a point in a plane through three codes | [02](02_holes_in_the_latent_space.ipynb) |
# | `ToyExplorer` | the x that is observed, and the noise of the decoder | [03](03_latent_variable_models.ipynb) |
# | `PosteriorExplorer` | q, towards the exact posterior | [04](04_elbo_and_kl.ipynb) |
# | `ReparameterizationExplorer` | μ and σ, with the noise held still | [05](05_reparameterization_trick.ipynb) |
# | `LiveTraining` | nothing: you watch `fit`, and can stop it | [06](06_build_a_vae.ipynb) |
# | `SigmaExplorer` | the σ of a Gaussian likelihood | [07](07_which_likelihood.ipynb) |
# | `RateDistortionExplorer` | β | [08](08_rate_distortion_collapse.ipynb) |
# | `BoundExplorer` | the number of draws k | [09](09_how_tight_is_the_bound.ipynb) |
# | `PriorExplorer` | the prior and its temperature | [10](10_the_prior_has_holes_too.ipynb) |
# | `LatentExplorer`, `Interpolator`, `DrawingPad` | codes, ways between them, a pen | here |
# | `OutlierExplorer` | the threshold of an alarm | [12](12_what_vaes_are_for.ipynb) |

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercises
#
# ### Exercise 2 · Transfer the style (implement, 5 minutes)
#
# Write style transfer for a batch: images, the labels that they have, and the labels that are wanted. Use the posterior's
# mean as the code. Before you type: which network gets which labels, and what would come out if you swapped them?


# %%
def my_transfer(model, x, labels, wanted):
    """Decode the codes of images with other labels.  -> (B, 1, 28, 28) pixels in [0, 1]."""
    ...


exercises.style_transfer.check(my_transfer)

# %% [markdown]
# ### Exercise 3 · Whose style, or which digit? (investigate, 12 minutes)
#
# `reads[label, n]` is the digit that the judge reads when image n was decoded with that label. For each *original* digit
# 0 to 9: in what share of the transfers to the nine other digits does the judge read what was asked? Hand over ten shares
# between 0 and 1. Then compare: how far apart are they, when chance alone moves each by about ± 0.01? And how far apart
# are the ten shares by the digit *asked for*? What matters more, whose style it is or what is asked for?

# %%
reads = torch.stack([read(transferred[label]) for label in range(10)])  # (10, 2000)
my_shares = ...

exercises.success_by_original.check(my_shares, reads, y)

# %% slideshow={"slide_type": "skip"}
hit, away = (reads == torch.arange(10)[:, None]).double(), torch.arange(10)[:, None] != y  # (10, 2000) each
by_asked = torch.stack([hit[digit][away[digit]].mean() for digit in range(10)])
by_shown = exercises.success_by_original.right_answer(reads, y)
per_image = (hit * away).sum(0) / 9  # (2000,)
chance = torch.stack([per_image[y == digit].std() / (y == digit).sum() ** 0.5 for digit in range(10)])
assert 0.007 < chance.mean() < 0.017, "the exercise says: about ± 0.01"
spans = [(found.max() - found.min()).item() for found in (by_asked, by_shown)]
assert 0.23 < spans[0] < 0.45 and spans[1] < 0.14, "the answer says: about a third; within a tenth"
assert spans[0] > 2 * spans[1], "the answer says: what is asked for matters more"

# %% [markdown] slideshow={"slide_type": "slide"}
# ## To take with you
#
# - Interpolate in the latent space and strokes move; in pixels they fade. The arc keeps the codes' length and with it
#   the contrast. It does not make the middles more real.
# - A mean difference of codes is a usable direction, better than the same arithmetic in pixels; a known operation, such as
#   a shear, is better still. Compare at equal effect, and look for side effects.
# - A conditional VAE keeps the label out of the code because it gets it for nothing, and keeps it out only as far as
#   the KL pays.
# - A VAE answers every image with something that it can draw, and its posterior looks as sure as ever. A high reconstruction
#   error is a reason not to believe it; a low one is no reason to.
#
# **What could fool you.** Short ways (the cross-fade is the shortest). A judge that forgives grey halos. High scores
# for keeping what was hardly touched. Equal steps with unequal effects. Images of the training set under the name of
# test images: here, all but the drawings.
#
# **Sources.** White (2016), *Sampling generative networks*, arXiv:1609.04468, section 2 (slerp, attribute vectors).
# Shoemake (1985), *Animating rotation with quaternion curves*. Radford et al. (2016), arXiv:1511.06434 (attribute arithmetic), and
# Larsen et al. (2016), arXiv:1512.09300 (with VAEs). Kingma, Rezende, Mohamed & Welling (2014),
# *Semi-supervised learning with deep generative models*, arXiv:1406.5298, figure 1 (analogies). Sohn, Lee & Yan (2015), *Learning
# structured output representation using deep conditional generative models*. LeCun et al. (1998),
# section III.A: MNIST's format. Further: Arvanitidis, Hansen & Hauberg (2018), *Latent space oddity*, arXiv:1710.11379
# (shortest ways measured through the decoder). Exact: the F-distribution of the lengths. Measured, with one trained model: everything else, and on digits only.
#
# **Next:** [12 · Was it worth it?](12_what_vaes_are_for.ipynb) Playtime is over. What are VAEs *for*?
