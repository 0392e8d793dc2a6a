# %% [markdown] slideshow={"slide_type": "slide"}
# # 00 · Two kinds of model: what would it mean to learn P(image)?
#
# Show a digit classifier the static of a dead television channel. It has ten answers, "0" to "9", and none of them is
# "not a digit". How sure will it be of the one it gives? In this notebook you build the classifier, and beside it a
# model of the other kind, which learns from the same digits how probable a whole *image* is.
#
# After this notebook you can
# - say what a **discriminative** and a **generative** model promise, and what neither of them promises;
# - fit a model of $P(\text{image})$ in about fifteen lines, compute $\log p(x)$ in nats, and draw new images from it;
# - show where such a model is wrong, and what a better one needs: that is the plan of the whole series.
#
# Needs: basic PyTorch and basic probability. Reading: 30 minutes. Run All: about 20 seconds on two cores.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ## Is everything there?
#
# Run this cell: click into it and press Shift + Enter. It compares the installed packages with what the course needs
# and with each other, and looks at the data. If something is missing, too old or damaged, it says what, and the
# command that fixes it. (`python -m vae_utils.doctor` in a terminal says the same, and which versions it found.)
#
# If the cell stops with `ModuleNotFoundError`, the notebook runs in another Python than the one in which you
# installed the course. Write `%pip install -e ..` into a new cell, run it, and restart the kernel.

# %% tags=["nbval-check-output"]
from vae_utils import doctor

found, problems = doctor.examine()
print(*(problems or ["all is well"]), sep="\n")
assert not problems, "fix what is printed above, restart the kernel, and start again from the top"

# %% slideshow={"slide_type": "skip"}
import math
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import nn

from vae_utils import Classifier, cross_entropy, exercises, fit, load_images, plots
from vae_utils.widgets import BlendExplorer
from vae_utils.widgets.blend import KINDS, blend

# %% [markdown] slideshow={"slide_type": "subslide"}
# ## How this series works
#
# Each notebook asks one question and keeps three habits.
#
# **Predict, run, explain.** Where you read "Predict first", stop and write your answer down before you run the next
# cell. A wrong prediction is the best thing that can happen: it shows you the exact place to look at.
#
# **Build it once.** Each new idea is written out in plain code. The notebook then shows that `vae_utils`, the package
# of this course, computes the same, and from there on uses the package.
#
# **Distrust the text.** Every number in the text is computed in a cell and guarded by an `assert`. If a claim stops
# being true on your machine, the notebook stops there and tells you.
#
# Every exercise has three commands: `check` says whether an answer is right and, if not, what is wrong with it;
# `hint` gives one more hint each time; `solution` shows one way to do it.
#
# You can also use **other images**. The numbers in the text are for handwritten digits. To run a lesson on pictures
# of clothes (Fashion-MNIST), put `%load_ext vae_utils.other_data` into a new cell above its first one. The same cells
# then run on 10,000 of those. Where a claim holds for digits only, a line says so and the notebook goes on.
#
# ### Exercise 1 · A first probability (predict, 2 minutes)
#
# Take a picture of 28 × 28 pixels, each black or white, and let a fair coin decide each pixel. What is the
# *natural* logarithm of the probability that exactly this picture comes out? Try a wrong answer first, to see what
# happens: −784, for example.

# %%
answer = ...

exercises.coin_flip_image.check(answer)

# %% slideshow={"slide_type": "skip"}
# exercises.coin_flip_image.hint()        # remove the first # and run the cell; again for the next hint
# exercises.coin_flip_image.solution()

# %% [markdown] slideshow={"slide_type": "subslide"}
# ## The data: digits in black and white
#
# The course carries 10,000 handwritten digits with it: 8,000 to learn from and 2,000 to test on. In this notebook we
# make every pixel either paper (0) or ink (1). A black-and-white picture is one of finitely many, so "the probability
# of this picture" is a plain probability. Grey pixels need more care; they come back in notebook 07.

# %% tags=["nbval-check-output"]
images = load_images("digits")
train, test = (images.train > 0.5).float(), (images.test > 0.5).float()  # (8000, 1, 28, 28), (2000, 1, 28, 28)
digits = replace(images, name="black-and-white digits", train=train, test=test)
print(digits)
print(f"there are 2^784, about 10^{784 * math.log10(2):.0f}, such pictures")

# %% slideshow={"slide_type": "fragment"}
plots.show_images(
    test[:20],
    title="What both models will see: 0 is paper, 1 is ink, nothing in between",
    alt="Twenty handwritten test digits in black and white, without grey. They remain easy to read.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The first kind: P(label | image)
#
# A classifier takes an image $x$ and answers with ten numbers that sum to one: $P(y \mid x)$, the probability of each
# label *given that image*. A model of a label given an input is called **discriminative**. Three layers are enough.


# %%
def my_classifier():
    return nn.Sequential(
        nn.Flatten(),  # (B, 784)
        nn.Linear(784, 256),
        nn.ReLU(),
        nn.Linear(256, 64),
        nn.ReLU(),
        nn.Linear(64, 10),  # (B, 10) logits: softmax turns them into P(label | image)
    )


def train_classifier(seed, epochs=3):
    torch.manual_seed(seed)
    classifier = my_classifier()
    optimizer = torch.optim.Adam(classifier.parameters(), lr=2e-3)
    for _ in range(epochs):
        for chosen in torch.randperm(len(train)).split(128):
            loss = F.cross_entropy(classifier(train[chosen]), digits.train_labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return classifier


# %% [markdown] slideshow={"slide_type": "notes"}
# We train five of them, which differ in nothing but the seed: in their first random weights and in the order in which
# they see the images. One trained network is one roll of the dice, and you should not believe a claim that was checked
# on a single roll.


# %%
@torch.no_grad()
def ask(classifier, x):
    """The confidence and the label: the largest P(label | image), and where it stands.  (B, 1, 28, 28) -> (B,), (B,)."""
    return classifier(x).softmax(1).max(1)


classifiers = [train_classifier(seed) for seed in range(5)]
accuracies = [(ask(model, test)[1] == digits.test_labels).float().mean().item() for model in classifiers]
sure = [ask(model, test)[0].median().item() for model in classifiers]
print("accuracy on test digits, five seeds:", *(f"{accuracy:.3f}" for accuracy in accuracies))
print("median confidence on test digits:   ", *(f"{confidence:.3f}" for confidence in sure))
assert min(accuracies) > 0.88, "the text says: about nine of ten right"
assert min(sure) > 0.95, "the text says: more than 95% sure"

# %% [markdown]
# About nine of ten test digits are right after a few seconds, and on half of them the network is more than 95% sure.
# Nothing is wrong with these classifiers.

# %% [markdown] slideshow={"slide_type": "skip"}
# From here on you could use the package: `Classifier` is the network above, and `fit` is the loop above with a
# progress bar, a learning-rate schedule and a stop button that loses nothing. Same seed, same weights, same answers:

# %% slideshow={"slide_type": "skip"}
torch.manual_seed(0)
mine = my_classifier()
torch.manual_seed(0)
packaged = Classifier()
torch.testing.assert_close(mine(test[:100]), packaged(test[:100]))

history = fit(packaged, digits, cross_entropy, epochs=3)
accuracy = (ask(packaged, test)[1] == digits.test_labels).float().mean().item()
assert accuracy > 0.88, "the loop of the package trains as well as the one above"

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Now show it static
#
# Each pixel of the next pictures is a fair coin flip. No human would call them digits.
#
# **Predict first.** The classifier must answer with ten probabilities that sum to one. On static, will its largest
# one be about 0.1 ("no idea"), about 0.5, or well above that?

# %%
generator = torch.Generator().manual_seed(0)
static = (torch.rand(2000, 1, 28, 28, generator=generator) < 0.5).float()

on_static = torch.stack([ask(model, static)[0] for model in classifiers])  # (5, 2000)
counts = torch.stack([ask(model, static)[1].bincount(minlength=10) for model in classifiers])  # (5, 10)
medians = on_static.median(1).values
print("median confidence on static, five seeds:", *(f"{confidence:.2f}" for confidence in medians))
print("share of static above 0.9:              ", *(f"{share:.2f}" for share in (on_static > 0.9).float().mean(1)))
print("its favourite answer to static:         ", *(f"{label:4d}" for label in counts.argmax(1)))
print("share of static that gets this answer:  ", *(f"{count / len(static):.2f}" for count in counts.amax(1)))
assert medians.min() > 0.6 and medians.median() > 0.7, "the text says: well above one half for every seed"
assert medians.max() > 0.85 and medians.max() - medians.min() > 0.05, "the text says: for some near 0.9 or above"
assert counts.amax(1).min() > 0.4 * len(static), "the text says: one answer for about half of the static or more"

# %% [markdown] slideshow={"slide_type": "subslide"}
# Well above one half for every seed, and for some near 0.9 or above. Each network even has a favourite: one digit that it
# sees in about half of the static or more. How sure it is, and of what, depends on the seed. *That* it is sure does not.
#
# Did it lie? No. It was asked: "*given* that this is one of ten digits, which one?" Its ten probabilities sum to one
# for **every** image, whether or not the image makes sense. There is no eleventh answer, and nothing in its training
# ever told it what an image *is*. It learned $P(\text{label} \mid \text{image})$, and that says nothing about
# $P(\text{image})$.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The second kind: P(image)
#
# A **generative** model gives a probability to the image itself. Now it is not ten labels that share a probability of
# one, but all $2^{784}$ pictures. To make one of them more probable, the model must take from others. So it has to
# decide what a digit looks like.
#
# The simplest honest attempt: 50 **templates**. A template says, for each pixel, how probable ink is. To make a picture,
# choose a template at random, then flip a coin for each pixel, biased as the template says. This is a **mixture of
# Bernoullis** (a Bernoulli is a biased coin), and its probability of a picture $x$ is
#
# $$ p(x) \;=\; \sum_{k=1}^{50} \pi_k \prod_{d=1}^{784} \mu_{kd}^{\,x_d}\,(1-\mu_{kd})^{1-x_d} . $$
#
# In words: for each template $k$, how often it is chosen ($\pi_k$), times the probability that its 784 coins fall
# exactly like this ($\mu_{kd}$ is its probability of ink at pixel $d$); then the sum over all templates that could
# have made the picture.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Why logarithms, and what is a nat?
#
# A product of 784 factors below one is soon too small for PyTorch's 32-bit numbers, which end near $10^{-45}$. Its
# logarithm is not. We use the natural logarithm, and its unit is the **nat**: the probability is $e$ times smaller for
# each nat less. The pixels are already summed, so the number is *per image*.
#
# For the sum over templates we need the logarithm of a sum of exponentials. `logsumexp` does this without ever
# leaving the logarithms: it takes out the largest term first.


# %%
def log_joint(x, weights, templates):
    """log P(template k, image x) in nats.  (B, 1, 28, 28), (K,), (K, 784) -> (B, K)."""
    x = x.flatten(1)  # (B, 784)
    return weights.log() + x @ templates.log().T + (1 - x) @ (1 - templates).log().T  # (B, K)


def log_mixture(x, weights, templates):
    """log p(x) in nats per image.  -> (B,)."""
    return log_joint(x, weights, templates).logsumexp(1)


# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Learning the templates: EM
#
# If we knew which template made which image, learning would be averaging: a template is the mean of its images. If we
# knew the templates, Bayes' rule would say which of them probably made an image:
#
# $$ r_{nk} = P(k \mid x_n) = \frac{P(k, x_n)}{p(x_n)} , \qquad \log r_{nk} = \log P(k, x_n) - \log p(x_n) . $$
#
# We know neither, so we guess and take turns. This is **expectation–maximisation**, EM: compute the
# *responsibilities* $r_{nk}$ (E), average the images weighted with them (M), repeat.
#
# One precaution. If a pixel was never inked in the images of a template, its average is 0, and the first test image with
# ink there gets probability zero: $-\infty$ nats. So every template pretends to have seen one image more, with
# half ink on every pixel (**smoothing**).


# %%
def em(x, components=50, iterations=30, smoothing=0.5, seed=0):
    """Fit a mixture of Bernoullis.  (N, 1, 28, 28) -> weights (K,), templates (K, 784), the objective of each step."""
    x, objective = x.flatten(1), []
    chosen = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))[:components]
    templates = 0.25 + 0.5 * x[chosen]  # (K, 784)  start from faded images
    weights = torch.full((components,), 1 / components)
    for _ in range(iterations):
        joint = log_joint(x, weights, templates)  # (N, K)
        log_p = joint.logsumexp(1, keepdim=True)  # (N, 1)
        pretended = smoothing * (templates.log() + (1 - templates).log()).sum()
        objective.append(((log_p.double().sum() + pretended) / len(x)).item())
        r = (joint - log_p).exp()  # (N, K)  E: which template made which image?
        counts = r.sum(0)  # (K,)
        weights = counts / len(x)  # M: how often is a template used?
        templates = (r.T @ x + smoothing) / (counts[:, None] + 2 * smoothing)  # M: what does it look like?
    return weights, templates, objective


# %% [markdown] slideshow={"slide_type": "subslide"}
# There is a theorem: one turn of EM never lowers its objective (Dempster, Laird & Rubin, 1977). The objective is the
# sum of $\log p(x)$ over the training images, their **log-likelihood**, plus the same for the pretended ones (the
# code divides it by the number of images). A theorem about your algorithm is the best test that you can have: if the
# objective falls once, there is a bug.

# %%
weights, templates, objective = em(train)
steps = torch.tensor(objective).diff()
print(
    f"gain: {steps[0]:.0f} nats per image in the first turn, {steps[1:].sum():.0f} in the other {len(steps) - 1} together"
)
print(f"smallest change of a turn: {steps.min():+.4f} nats per image")
assert (steps > -1e-4).all(), "EM never lowers its objective"
assert -165 < objective[-1] < -140

# %% slideshow={"slide_type": "subslide"}
order = weights.argsort(descending=True)
plots.show_images(
    templates[order].reshape(-1, 1, 28, 28),
    title="What EM found without a single label: digits, in several handwritings each",
    alt="Fifty templates in grey, from the most to the least used. Most are blurred but readable digits: several slants of "
    "1, a round and a narrow zero, different twos. No label was used to find them.",
)

# %% [markdown]
# Nobody told EM that there are ten digits. It was asked to make the images probable, and templates that look like
# digits are how one does that.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What is log p(x) of a real digit?
#
# **Predict first.** Static has a log-probability of $784 \ln \tfrac12 \approx -543$ nats under fair coins. What will the
# mixture give to a *real* digit that it has never seen: about 0 (certain), about −5, about −140, or about −543?


# %%
def log_p(x):
    return log_mixture(x, weights, templates)  # (B,) nats per image


on_train, on_test = log_p(train), log_p(test)
fair_coins = 784 * math.log(0.5)
print(f"log p(x), mean over test digits:     {on_test.mean():.0f} nats")
print(f"log p(x), mean over training digits: {on_train.mean():.0f} nats")
print(f"the probability itself: about 10^{on_test.mean() / math.log(10):.0f}")
print(f"in bits: {-on_test.mean() / math.log(2):.0f}")
assert -150 < on_test.mean() < -137, "the text says: about -144"
assert 390 < on_test.mean() - fair_coins < 410, "the text says: about 400 more than fair coins"
assert 2 < on_train.mean() - on_test.mean() < 10, "the text says: some six nats better on training digits"
assert 195 < -on_test.mean() / math.log(2) < 217, "the text says: about 207 bits"

# %% [markdown] slideshow={"slide_type": "subslide"}
# About −144 nats: a probability of $10^{-62}$ or so. That is tiny, and it is *good*. There are $10^{236}$ pictures to share
# a probability of one, and real digits come in a great many of them. Single values of $p(x)$ say
# little. **Differences** say much: compared with fair coins, a digit gained about 400 nats, so the mixture finds it
# $e^{400}$ times as probable.
#
# There is also a way to feel the number itself. There is a code that spends $-\log_2 p(x)$ bits, rounded up, on each
# image $x$, and averaged over $p$ no code does better by more than a bit (Shannon, 1948). A raw picture takes 784
# bits; with this model a test digit takes about 207. Learning $P(\text{image})$ and compressing images are two sides
# of one task.
#
# And the gap of some six nats between training and test digits is overfitting, in its natural unit.

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Does it really sum to one?
#
# A probability that does not sum to one is a score with a grand name. We cannot add up $2^{784}$ numbers. But a window of
# 4 × 4 pixels has only $2^{16}$ pictures, and the mixture on a window is the mixture of the same templates, cut to it.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
window = templates.reshape(-1, 28, 28)[:, 12:16, 12:16].flatten(1)  # (K, 16)
every_picture = (torch.arange(2**16)[:, None] >> torch.arange(16) & 1).float()  # (65536, 16)
total = log_mixture(every_picture, weights, window).double().exp().sum().item()
print(f"{len(every_picture)} pictures, total probability {total:.4f}")
assert abs(total - 1) < 1e-4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The same static, asked the other way
#
# Both models have seen the same 8,000 digits. Beside fair coins we now take a harder noise: coins biased so that each
# pixel is inked as often as in the digits. It has the right amount of ink in the right region, and no strokes.
#
# **Predict first.** Where do the two noises fall in $\log p(x)$, compared with 2,000 real test digits: below all of
# them, among the worst of them, or all over?

# %%
biased = (torch.rand(2000, 1, 28, 28, generator=generator) < train.mean(0)).float()

log_static, log_biased = log_p(static), log_p(biased)
for name, values in {"test digits": on_test, "biased coins": log_biased, "fair coins": log_static}.items():
    print(f"{name:13s} from {values.min():6.0f} to {values.max():6.0f} nats")
overlap = (on_test < log_biased.max()).float().mean().item()
beaten = (on_test[:, None] > log_biased).float().mean().item()
print(f"test digits less probable than the luckiest of 2,000 biased coins: {overlap:.0%}")
print(f"a digit and a biased-coin picture at random: the digit is more probable in {beaten:.0%} of the cases")
assert log_static.max() < on_test.min() - 400, "the text says: hundreds of nats below the worst digit"
assert on_test.median() - log_static.median() > 950, "the figure says: a thousand nats lower"
assert 0.03 < overlap < 0.25 and 0.95 < beaten < 0.999, "the text says: overlaps the worst tenth or so of the digits"

# %% slideshow={"slide_type": "subslide"}
typical = classifiers[medians.argsort()[2]]  # neither the surest of the five on static nor the least sure
gallery = torch.cat([test[:2], static[:3], biased[:2]])  # the first of each kind, not chosen
answers = zip(*ask(typical, gallery), log_p(gallery), strict=True)
plots.show_images(
    gallery,
    titles=[f'"{label}", {confidence:.0%}\n−{-nats:.0f} nats' for confidence, label, nats in answers],
    title="The classifier sees a digit in everything; the mixture puts static far lower",
    alt="Two digits, three pictures of fair coin flips, two of biased coins, each with the classifier's label and "
    "confidence and with log p(x). The classifier names a digit for each; log p(x) of the fair coin flips is lower by a thousand nats or more.",
)

# %% slideshow={"slide_type": "subslide"}
chart, (left, right) = plots.figure(
    1,
    2,
    title="Static: classifiers are often sure of it; the mixture puts it far below every digit",
    alt="Left: cumulative curves of the confidence of five classifiers on test digits and on static. They overlap "
    "widely. Right: histograms of log p(x). Fair coins lie below -1000 nats, biased coins near -250, digits around "
    "-140; biased coins overlap the lower end of the digits.",
)
share = torch.linspace(0, 1, 2000)
for model in classifiers:
    left.plot(ask(model, test)[0].sort().values, share, color=plots.EXACT, linewidth=1.2)
    left.plot(ask(model, static)[0].sort().values, share, color=plots.WRONG, linewidth=1.2)
left.set(title="classifiers, five seeds", xlabel="confidence", xlim=(0.1, 1))
left.set_ylabel("share of images with\nat most this confidence")
left.text(0.97, 0.04, "test digits", ha="right")
left.text(0.47, 0.42, "fair coins", ha="right", color=plots.WRONG)
for values, colour in ((on_test, plots.EXACT), (log_biased, "#0f7a43"), (log_static, plots.WRONG)):
    right.hist(values.clamp(min=-1700).tolist(), bins=torch.arange(-1700, 1, 20).tolist(), color=colour, alpha=0.75)
right.set(title="mixture", xlabel="log p(x) (nats per image)", ylabel="images in 20 nats", xlim=(-1700, 250))
right.text(log_static.mean(), 360, "fair coins", ha="center", color=plots.WRONG)
right.text(-310, 800, "biased coins", ha="right", color="#0f7a43")
right.text(-90, 420, "test\ndigits")
chart

# %% [markdown] slideshow={"slide_type": "subslide"}
# Every one of the 2,000 fair-coin pictures lies hundreds of nats below the *worst* of 2,000 real digits. No threshold
# on the classifier's confidence separates the two like that: its curves run into each other, for some seeds more and
# for others less.
#
# Now the honest part. The harder noise, with the digits' own share of ink in each pixel, **overlaps** the worst tenth or
# so of the real digits. This model sees ink in the right region and cannot quite tell that the strokes are missing. And
# how *many* hundreds of nats the fair coins lose depends on the smoothing, which sets the price of ink where no
# training digit had any. Believe the order, not the digits of such a number.

# %% slideshow={"slide_type": "skip"}
separated = [(ask(m, test)[0][:, None] > ask(m, static)[0]).float().mean().item() for m in classifiers]
print("a digit and static at random; the classifier is surer of the digit:", *(f"{s:.2f}" for s in separated))
assert max(separated) < 0.97 and min(separated) > 0.4, "the text says: the curves run into each other"

other = em(train, iterations=5, smoothing=0.05, seed=1)
moved = log_mixture(static, *other[:2]).mean() - log_static.mean()
print(f"fair coins with a tenth of the smoothing: {moved:+.0f} nats; five turns of EM")
assert moved < -100, "the text says: how many hundreds of nats depends on the smoothing"
assert log_mixture(static, *other[:2]).max() < log_mixture(test, *other[:2]).min(), "the order does not"

# %% [markdown] slideshow={"slide_type": "slide"}
# ## From a digit to noise, pixel by pixel
#
# **The question for this explorer:** replace more and more pixels of a digit by coin flips. Which of the two models
# notices first? Then replace them by *blank paper*, which erases the digit. Where does $\log p(x)$ go, and do you
# agree with it?

# %%
BlendExplorer(classifiers[0], log_p, test)

# %% slideshow={"slide_type": "skip"}
shares, some = torch.linspace(0, 1, 21), test[:200]
order_of_pixels, coins = torch.rand(2, 200, 1, 28, 28, generator=generator)  # its own noise for each digit
noises = [(coins < 0.5).float(), (coins < train.mean(0)).float(), torch.zeros_like(coins)]
curves = {}  # kind of noise -> confidence (21,) and log p(x) (21,): medians over 200 digits
for kind, noise in zip(KINDS, noises, strict=True):
    mixed = [blend(some, noise, order_of_pixels, share) for share in shares.tolist()]
    confidence = [torch.cat([ask(model, x)[0] for model in classifiers]).median() for x in mixed]
    curves[kind] = torch.stack(confidence), torch.stack([log_p(x).median() for x in mixed])
fair, _, blank_paper = (curves[kind] for kind in KINDS)
tenth = fair[1][2] - fair[1][0]
print(f"a tenth of the pixels replaced by fair coins: {tenth:.0f} nats, confidence {fair[0][2]:.2f}")
print(f"replaced by blank paper, all of them: {blank_paper[1][-1] - blank_paper[1][0]:+.0f} nats")
assert -190 < tenth < -120, "the text says: about 150 nats"
assert fair[0][2] > 0.85, "the text says: the classifier hardly notices"
assert blank_paper[1][-1] > blank_paper[1][0] + 10, "the text says: blank paper is more probable"
assert 0.6 < (on_test < log_p(torch.zeros(1, 1, 28, 28))).float().mean() < 0.95, "what an exercise asks for"
assert blank_paper[0][-1] < 0.3, "the text says: on an empty page the classifier is sure of nothing"

# %% slideshow={"slide_type": "subslide"}
chart, (left, right) = plots.figure(
    1,
    2,
    title="Fair coins: log p(x) falls at once. Blank paper: it ends above where it began",
    alt="Left: the median confidence over the share of pixels replaced: it dips in the middle for fair coins and comes "
    "back; for blank paper it falls to almost 0.1. Right: log p(x): a steep fall for fair coins, a fall by about a hundred nats for "
    "biased coins, and for blank paper an end some tens of nats above the start.",
)
colours = (plots.WRONG, "#0f7a43", plots.PRIOR)
for (kind, (confidence, nats)), colour in zip(curves.items(), colours, strict=True):
    left.plot(shares, confidence, color=colour, linewidth=2)
    right.plot(shares, nats, color=colour, linewidth=2, label=kind)
left.set(title="classifiers: median confidence", xlabel="share of pixels replaced", ylim=(0, 1.02))
right.set(title="mixture: median log p(x) (nats)", xlabel="share of pixels replaced")
right.legend(loc="lower left")
chart

# %% [markdown] slideshow={"slide_type": "subslide"}
# With a tenth of the pixels replaced by fair coins, the mixture has taken off about 150 nats while the classifier is
# hardly less sure. That is not a fault of the classifier: reading a digit through noise is its job.
#
# But look at blank paper. When the digit has vanished, $\log p(x)$ is *higher* than at the start. And there the
# classifier is the one that answers well: on an empty page it is sure of nothing. Neither curve is "how much this looks like a digit". The last
# exercise is about why.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The mixture can be sampled
#
# A model of $P(\text{image})$ can do what no classifier can: make images. Choose a template with probability
# $\pi_k$, flip 784 biased coins.
#
# **Predict first.** Nearly every one of the 50 templates is a readable digit. Will the samples be readable, and will they be copies
# of training digits?

# %%
generator = torch.Generator().manual_seed(1)
k = torch.multinomial(weights, 500, replacement=True, generator=generator)  # (500,)  which template
samples = (torch.rand(500, 784, generator=generator) < templates[k]).float()  # (500, 784)  one coin a pixel

pixels = train.flatten(1)  # (8000, 784)


def nearest_training_digit(x):
    """How many pixels differ from the nearest training digit, and which one that is.  (B, 784) -> (B,), (B,)."""
    return (x @ (1 - pixels).T + (1 - x) @ pixels.T).min(1)  # ink where it has none, and the other way round


distances, nearest = nearest_training_digit(samples)
real_distances, _ = nearest_training_digit(test[:500].flatten(1))
print(f"pixels that differ from the nearest training digit, median: samples {distances.median():.0f}, ", end="")
print(f"real test digits {real_distances.median():.0f}")
print(f"closest of 500 samples: {distances.min():.0f} pixels; samples' mean log p(x): ", end="")
print(f"{log_p(samples).mean():.0f} nats")
assert distances.min() >= 5, "the text says: no sample is a copy"
assert distances.median() > real_distances.median() + 8, "the text says: farther away than real digits are"
assert abs(log_p(samples).mean() - on_test.mean()) < 12, "the text says: about as probable as real test digits"

# %% slideshow={"slide_type": "subslide"}
plots.show_images(
    [rows.reshape(-1, 1, 28, 28) for rows in (templates[k[:8]], samples[:8], pixels[nearest[:8]])],
    row_labels=["template", "sample", "nearest training digit"],
    title="New, and bad: each pixel flips its coin without looking at its neighbours",
    alt="Three rows of eight. Templates: blurred digits. Samples: ragged, speckled versions of the templates. "
    "The nearest training digits: clean strokes, clearly different from the samples. The samples are new but of poor quality.",
)

# %% [markdown] slideshow={"slide_type": "subslide"}
# They are new: none of 500 is a copy, and a sample is farther from its nearest training digit than a real test digit is.
# And they are bad: ragged edges, loose specks. The reason is in the formula. *Given the template, the pixels are
# independent.* A real stroke is here **or** there; the mixture flips a coin for each pixel of the blur between.
#
# Note how probable they are: about as probable as real test digits. $\log p(x)$ does not see the raggedness that you
# see at once. A high $\log p(x)$ and a good picture are two different things.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What is missing, and the plan
#
# Fifty templates are too few. With one for each slant, width, size and handwriting of each digit, every template could be
# sharp. A list of templates will never be long enough. So replace the list by a *machine that makes templates*: turn a
# few continuous knobs $z$, and a network draws the template for that setting.
#
# | Here | In the series | Notebook |
# |---|---|---|
# | template number $k$ | latent variable $z$, a few real numbers | 01, 02 |
# | weights $\pi_k$ | prior $p(z)$ | 03 |
# | template $\mu_k$ | decoder: $z \mapsto$ probability of ink at each pixel | 01, 06 |
# | $p(x) = \sum_k \pi_k\, p(x \mid k)$ | $p(x) = \int p(x \mid z)\, p(z)\, dz$ | 03 |
# | responsibilities $P(k \mid x)$ | encoder $q(z \mid x)$ | 03, 04 |
# | taking turns with EM | one objective, the ELBO, and gradient descent | 04, 05, 06 |
#
# That is a **variational autoencoder**, almost word for word: a mixture with infinitely many templates. The one hard
# step is the row of $p(x)$: the sum over 50 templates becomes an integral that nobody can compute. Most of this
# series is there to get around that.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercises
#
# ### Exercise 2 · Turn the mixture into a classifier (implement, 10 minutes)
#
# Fit one mixture to the images of each label, and you have $\log P(\text{image} \mid \text{label})$. Bayes' rule
# turns it round:
#
# $$ P(y \mid x) = \frac{P(x \mid y)\,P(y)}{P(x)} , \qquad P(x) = \sum_{y} P(x \mid y)\,P(y) . $$
#
# Write it for logarithms. From $\log P(x \mid y)$, (B, C), and $\log P(y)$, (C,), compute $P(y \mid x)$, (B, C),
# *and* $\log P(x)$, (B,): the generative route gives you the label, and beside it what a classifier cannot tell you.
# The commented cell below the hints tries your rule on the digits.


# %%
def my_bayes_rule(log_p_image, log_p_label):
    """log P(image | label), log P(label) -> P(label | image), log P(image).  (B, C), (C,) -> (B, C), (B,)."""
    ...


exercises.bayes_rule.check(my_bayes_rule)

# %% slideshow={"slide_type": "skip"}
# exercises.bayes_rule.hint()
# exercises.bayes_rule.solution()
#
# Then try it (a few seconds):
# each = [em(train[digits.train_labels == label], components=10)[:2] for label in range(10)]
# log_p_image = torch.stack([log_mixture(test, *mixture) for mixture in each], dim=1)  # (2000, 10)
# posterior, log_p_x = my_bayes_rule(log_p_image, digits.train_labels.bincount().div(8000).log())
# (posterior.argmax(1) == digits.test_labels).float().mean()    # as good as the network?

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Exercise 3 · What is more probable than a digit? (investigate, 8 minutes)
#
# You saw that the *median* digit becomes more probable when it is erased. **Predict:** what share of the 2,000 test
# digits is *less* probable than a blank page? Then compute the share. Why is it so, in one sentence?

# %%
share_below_blank = ...

exercises.blank_page.check(share_below_blank, log_p, test)

# %% slideshow={"slide_type": "skip"}
# exercises.blank_page.hint()
# exercises.blank_page.solution()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## To take with you
#
# **Remember.**
# - A discriminative model learns $P(\text{label} \mid \text{image})$: its probabilities sum to one over the labels, for
#   every image, sense or nonsense. A generative one learns $P(\text{image})$: they sum to one over the images.
# - $\log p(x)$ is in nats per image. Its size says how many bits the image would cost; *differences* compare images.
# - A mixture of 50 templates puts static hundreds of nats below every digit, and it can be sampled.
# - Its samples are bad because pixels are independent given the template. A VAE is the same with a continuum of templates.
#
# **What could fool you.**
# - A model of $P(\text{image})$ is no detector of nonsense. Biased coins, with the digits' own share of ink in each
#   pixel, overlap the worst digits here, and some pictures that are no digits are *more* probable than most digits.
#   Deep models do this too: several of them find house numbers more probable than the photographs they were trained
#   on.
# - One seed. The classifier's median confidence on static moves by tenths from seed to seed.
# - Our classifiers are small and were trained for seconds. That confidence far from the data can be high is
#   proved for ReLU networks (for an input scaled up without limit), but a number such as ours holds for our set-up only.
#
# **Sources.**
# - Bishop (2006), *Pattern Recognition and Machine Learning*, section 9.3.3: mixtures of Bernoullis and their EM.
# - Dempster, Laird & Rubin (1977), *JRSS B* 39, theorem 1: EM never lowers the likelihood. With a prior, as here: Bishop,
#   section 9.4.
# - Ng & Jordan (2001), *NeurIPS* 14: discriminative and generative classifiers compared.
# - Shannon (1948), *A Mathematical Theory of Communication*, section 9: code lengths.
# - Hein, Andriushchenko & Bitterwolf (2019), arXiv:1812.05720, theorem 3.1: ReLU networks are confident far from the data.
# - Nalisnick et al. (2019), arXiv:1810.09136: deep generative models can prefer another data set. Back in notebook 12.
#
# **Next:** [01 · Autoencoder](01_autoencoder.ipynb), where a network learns to draw an image from a few numbers.
