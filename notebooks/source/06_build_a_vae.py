# %% [markdown] slideshow={"slide_type": "slide"}
# # 06 · Build a VAE: does it work?
#
# In this notebook you build a VAE, train it, put it through the same test as its rivals, and look for the mistake
# that hides in one line of the loss.
#
# After this notebook you can
# - write a VAE, its loss and its training loop from memory: about fifty lines, all of them on this page;
# - find out from a loss function alone **which β it trains with**, and say what goes wrong when nobody checked;
# - measure whether the result generates, against the rivals of notebook 02 and under the same rules.
#
# Needs: 02 (the scorecard), 03 (μ and logvar of an encoder), 04 (the ELBO), 05 (the reparameterization trick).
# Reading: 35 minutes. Run All: about 45 seconds on two cores.

# %% slideshow={"slide_type": "skip"}
import torch
import torch.nn.functional as F
from scipy.stats import norm
from sklearn.mixture import GaussianMixture
from torch import nn

import vae_utils
from vae_utils import Autoencoder, History, exercises, fit, load_images, plots, reconstruction_error
from vae_utils.evaluation import active_units, kl_per_dimension, train_classifier
from vae_utils.scorecard import Scorecard
from vae_utils.training import evaluate
from vae_utils.widgets import LatentExplorer, LiveTraining

# %% slideshow={"slide_type": "skip"}
images = load_images("digits")
images

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Everything is on the table
#
# Notebook 02 ended with three complaints about the plain autoencoder: no likelihood, no encoder that knows how sure
# it is, and no single objective. Since then you have collected the parts that answer them:
#
# | Part | From | In this notebook |
# |---|---|---|
# | prior $p(z) = \mathcal N(0, I)$ | 03 | where new images will come from |
# | decoder $p_\theta(x \mid z)$ | 03 | a network from $z$ to pixel logits |
# | encoder $q_\phi(z \mid x)$ | 03 | a network from $x$ to $\mu$ and logvar |
# | ELBO = reconstruction − KL | 04 | the one number that trains both networks |
# | $z = \mu + \sigma\,\varepsilon$ | 05 | the way the gradient reaches the encoder |
#
# What is left is to connect them. Follow one batch of $B$ images through:

# %% slideshow={"slide_type": "subslide"}
plots.show_vae_diagram(title="One batch through a VAE: two networks, one roll of dice, two terms")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The model, in full
#
# The encoder's last layer has $2K$ outputs: the first $K$ are $\mu$, the others are logvar. Nothing in the network
# makes them so; the loss gives them these roles. The decoder ends in **logits**, the log-odds of ink at each pixel.

# %%
K = 2  # two latent dimensions, so that we can look at all of the latent space


class MyVAE(nn.Module):
    def __init__(self, latent_dim, hidden=400):
        super().__init__()
        self.latent_dim = latent_dim
        # (B, 1, 28, 28) -> (B, 2K), and back: (B, K) -> (B, 1, 28, 28) logits
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(784, hidden), nn.ReLU(), nn.Linear(hidden, 2 * latent_dim))
        self.decoder = nn.Sequential(
            nn.Linear(latent_dim, hidden), nn.ReLU(), nn.Linear(hidden, 784), nn.Unflatten(1, (1, 28, 28))
        )

    def encode(self, x):
        mu, logvar = self.encoder(x).chunk(2, dim=1)  # (B, K) each
        return mu, logvar

    def generate(self, z):
        return self.decoder(z).sigmoid()  # (B, 1, 28, 28) pixels in [0, 1]

    def forward(self, x):
        mu, logvar = self.encode(x)
        z = mu + (0.5 * logvar).exp() * torch.randn_like(mu)  # (B, K) notebook 05
        return self.decoder(z), mu, logvar, z


# %% [markdown] slideshow={"slide_type": "subslide"}
# ## The loss, in three lines
#
# We minimise the negative ELBO of notebook 04,
#
# $$ -\mathrm{ELBO}(x) \;=\; \underbrace{-\,\mathbb E_{q_\phi(z \mid x)}\big[\log p_\theta(x \mid z)\big]}_{\text{reconstruction}}
# \;+\; \underbrace{\mathrm{KL}\big(q_\phi(z \mid x)\,\big\|\,p(z)\big)}_{\text{KL to the prior}} , $$
#
# with one draw of $z$ in place of the expectation. (In notebook 04 the reconstruction was something to make large. In
# a loss it gets a minus: a cost, to be made small.) Both terms are **sums**: over the 784 pixels in the first, over
# the $K$ latent dimensions in the second. The unit is nats per image. Only the batch is averaged, and later.
#
# For the decoder we take independent Bernoulli pixels, so the first term is the binary cross-entropy. Our pixels are
# grey, not 0 or 1. That makes this term a good loss and not quite a log-likelihood; notebook 07 is about that
# difference.


# %%
def my_negative_elbo(model, x):
    logits, mu, logvar, _ = model(x)
    reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum((1, 2, 3))  # (B,)
    kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1)  # (B,)
    return {"loss": reconstruction + kl, "reconstruction": reconstruction, "kl": kl}


# %% [markdown] slideshow={"slide_type": "skip"}
# From here on `vae_utils.VAE` and `vae_utils.negative_elbo` will do. They are the same thing, and this cell would
# fail if they were not: same seed, same weights, same noise, same numbers.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
torch.manual_seed(0)
mine = MyVAE(K)
torch.manual_seed(0)
theirs = vae_utils.VAE(K)

batch = images.train[:64]
torch.manual_seed(1)
my_terms = my_negative_elbo(mine, batch)
torch.manual_seed(1)
their_terms = vae_utils.negative_elbo(theirs, batch)
for name, term in my_terms.items():
    torch.testing.assert_close(term, their_terms[name])
    print(name, tuple(term.shape), "equal")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The loop
#
# An untrained decoder says "ink with probability about one half" everywhere, which costs about $784 \ln 2 \approx 543$
# nats an image. The untrained encoder answers with almost the prior, at a KL of almost nothing. Those are the numbers to
# start from.
#
# **Predict first.** With $K = 2$, which of the two terms will be the larger one when training ends: the
# reconstruction, or the KL? By what factor, roughly?

# %%
torch.manual_seed(0)
model = MyVAE(K)
start = evaluate(model, images.test, my_negative_elbo)
print(f"before training: {start['loss']:.0f} nats per image, of which KL: {start['kl']:.2f}")
assert abs(start["loss"] - 784 * torch.tensor(2.0).log()) < 20 and start["kl"] < 0.1, (
    "the text says: about 543, KL near 0"
)

# %% slideshow={"slide_type": "subslide"}
epochs, batch_size = 8, 128
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
history, live = History(), LiveTraining(images.test[:500], images.test_labels[:500], every=4, epochs=epochs)

for _ in range(epochs):
    totals = {}
    for chosen in torch.randperm(len(images.train)).split(batch_size):
        terms = my_negative_elbo(model, images.train[chosen])
        loss = terms["loss"].mean()  # nats per image
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        for name, term in terms.items():
            totals[name] = totals.get(name, 0) + term.detach().sum().item() / len(images.train)
    history.record(totals, evaluate(model, images.test, my_negative_elbo))
    live(model, history)

# %% slideshow={"slide_type": "subslide"}
last = {name: values[-1] for name, values in history.test.items()}
print({name: round(value, 1) for name, value in last.items()}, "nats per image")
history.plot(
    title="The KL is paid in the first epoch; after that the same few nats are spent better and better",
    alt="Three panels over 8 epochs: loss and reconstruction fall steeply, then slowly; the KL is about five nats from "
    "the first epoch on and stays there. Train and test curves are close from the second epoch on.",
)

# %%
assert 155 < last["loss"] < 178 and 4 < last["kl"] < 7, "the text says: the KL is at about five nats"
assert all(4 < value < 7.5 for value in history.test["kl"]), "the text says: from the first epoch on"
assert history.test["reconstruction"][0] - last["reconstruction"] > 20, "the text says: falls by more than 20 nats"
assert 20 < last["reconstruction"] / last["kl"] < 45, "the text says: some thirty times"
ahead = [train - test for train, test in zip(history.train["loss"], history.test["loss"], strict=True)]
assert ahead[0] > 20 and max(map(abs, ahead[1:])) < 8, "the text says: train above test at the first epoch, then close"

# %% [markdown]
# The reconstruction ends at some thirty times the KL. And the KL did not grow slowly: before training it was next to
# nothing, after one epoch it is about five nats, and there it stays. From then on the reconstruction falls by more
# than 20 further nats *at the same price*: the two networks learn to agree on a better code of the same length. (At
# the first epoch the train curve lies above the test curve: it is the mean over the whole epoch, the test value is
# taken at its end.)

# %% [markdown] slideshow={"slide_type": "skip"}
# Would you like to watch it again, and stop where something happens? The buttons below train another model like it beside
# the notebook, so that you can go on reading. Nothing is lost when you press *Stop*: *Go on* continues the very same run.
# **Look for:** when do the classes in the second panel begin to separate, and which of them last?

# %% slideshow={"slide_type": "skip"}
torch.manual_seed(1)
again = LiveTraining(images.test[:500], images.test_labels[:500])
again.panel(MyVAE(K), images, my_negative_elbo, epochs=12)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The whole latent space on one page
#
# Two latent dimensions fit on paper. Cut each axis into twelve pieces of equal mass under $\mathcal N(0, 1)$ and decode
# at the middle of each: at the quantiles 1/24, 3/24, …, 23/24, found with the inverse of the normal cumulative
# distribution function. So every picture stands for the same share, 1/144, of what you would draw from the prior. The
# outermost ones speak for all that lies beyond them, too.

# %%
quantiles = (torch.arange(12, dtype=torch.float64) + 0.5) / 12
print("coordinates of the grid:", [round(float(z), 2) for z in norm.ppf(quantiles)])

# %% slideshow={"slide_type": "subslide"}
plots.show_manifold(
    model.generate,
    title="From each digit you can walk to another, and pass through blurred ones on the way",
    alt="Twelve by twelve decoded pictures over the latent plane at the quantiles of the prior. Neighbours look alike. "
    "Towards the edges most are clear digits; in the middle and between kinds of digit lie blurred mixtures.",
)

# %% [markdown] slideshow={"slide_type": "subslide"}
# Compare with the map of notebook 02. Neighbours resemble each other, and the region where the prior puts its mass is
# covered with strokes. But look along the borders between two kinds of digit: there are pictures that are neither.
# "Every point of a VAE's latent space decodes to a valid image" is a sentence you will read in many places. It is
# false, and the figure above is the counterexample. How often draws from the prior are no digits, notebook 10 will
# estimate.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does it generate? The scorecard of notebook 02
#
# Two dimensions are for looking. For the contest we take $K = 16$: one autoencoder, one VAE, **the same networks, the
# same number of epochs, the same optimiser, the same seed** (the last layer of the VAE's encoder is twice as wide,
# for μ and logvar). From here on the loop is `fit`, which does what the loop above does and adds a learning-rate
# schedule, a progress bar, and a stop button that loses nothing.

# %%
K = 16
torch.manual_seed(0)
autoencoder = Autoencoder(K)
autoencoder_history = fit(autoencoder, images, reconstruction_error, epochs=12, learning_rate=4e-3)

torch.manual_seed(0)
vae = vae_utils.VAE(K)
vae_history = fit(vae, images, vae_utils.negative_elbo, epochs=12, learning_rate=4e-3)

# %% [markdown] slideshow={"slide_type": "subslide"}
# The autoencoder gets every chance it had in notebook 02: codes from $\mathcal N(0, I)$, codes from a Gaussian fitted
# to its training codes, and codes from a mixture of 20 Gaussians fitted to them. The VAE gets its prior and nothing
# else.
#
# **Predict first.** Coverage is the share of real test digits that have a generated one close by; for the autoencoder
# it was below 0.1 from $\mathcal N(0, I)$, and several times that from the fitted densities. Where will the VAE's
# prior samples come in: below them all, between, or above the mixture?

# %%
noise = torch.randn(len(images.test), K, generator=torch.Generator().manual_seed(0))
with torch.no_grad():
    train_codes = autoencoder.encode(images.train)  # (8000, K)
    autoencoder_ends = autoencoder.encode(images.test)  # (2000, K)
    vae_ends, _ = vae.encode(images.test)  # (2000, K) means

scale = torch.linalg.cholesky(train_codes.T.cov())
mixture = GaussianMixture(20, random_state=0).fit(train_codes.double().numpy())
autoencoder_codes = {
    "autoencoder, N(0, I)": noise,
    "autoencoder, fitted Gaussian": train_codes.mean(0) + noise @ scale.T,
    "autoencoder, fitted mixture": torch.from_numpy(mixture.sample(len(noise))[0]).float(),
}
# The mixture draws component by component; mix them, so that the first ten are ten of all.
order = torch.randperm(len(noise), generator=torch.Generator().manual_seed(0))
autoencoder_codes["autoencoder, fitted mixture"] = autoencoder_codes["autoencoder, fitted mixture"][order]

# %% slideshow={"slide_type": "subslide"}
card = Scorecard(train_classifier(images), images.test)
card.add("real digits (training images)", images.train[:2000])
for name, codes in autoencoder_codes.items():
    card.add_model(name, autoencoder.generate, codes, autoencoder_ends)
card.add_model("VAE, prior N(0, I)", vae.generate, noise, vae_ends)
card

# %% slideshow={"slide_type": "subslide"}
rows = [card[name] for name in autoencoder_codes] + [card["VAE, prior N(0, I)"]]
chart, axes = plots.figure(
    title="The VAE's prior does about as well as a Gaussian fitted to an autoencoder's codes; a mixture beats both",
    alt="Bars of coverage. Autoencoder: N(0, I) about a tenth, fitted Gaussian about a half, fitted mixture about nine tenths, near "
    "the dashed line of real images. VAE, prior: about a half.",
    size=(7.5, 3),
)
names = ["autoencoder,\nN(0, I)", "autoencoder,\nfitted Gaussian", "autoencoder,\nfitted mixture", "VAE,\nprior"]
axes.bar(names, [row.coverage for row in rows], color=[plots.AUTOENCODER] * 3 + [plots.VAE], width=0.6)
for place, row in enumerate(rows):
    high = row.coverage > 0.15  # room for the number inside of the bar
    where = {"va": "top" if high else "bottom", "color": "white" if high and place == 3 else "black"}  # white on blue
    axes.text(place, row.coverage + (-0.02 if high else 0.02), f"{row.coverage:.2f}", ha="center", **where)
axes.axhline(card["real digits (training images)"].coverage, color=plots.EXACT, linestyle="--")
axes.text(-0.4, card["real digits (training images)"].coverage + 0.02, "real digits", va="bottom")
axes.set(ylim=(0, 1.15), ylabel="coverage of the test digits")
chart

# %%
real, naive, gaussian, fitted, prior = (row.coverage for row in card.rows.values())
assert prior > 3 * naive, "the text says: several times as many as N(0, I) through the autoencoder"
assert abs(prior - gaussian) < 0.12, "the text says: about as many as the fitted Gaussian"
assert fitted > prior + 0.25, "the text says: the mixture covers far more"
smooth = {name: row.step_median for name, row in card.rows.items() if row.step_median == row.step_median}
assert max(smooth.values()) - min(smooth.values()) < 0.25, "the text says: hardly any difference along the paths"
print(f"VAE − fitted Gaussian: {prior - gaussian:+.2f}; fitted mixture − VAE: {fitted - prior:+.2f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What the table says, and what it does not
#
# - **The VAE can be sampled.** Draws from its prior cover several times as many digits as the same draws through the
#   autoencoder, and nothing was fitted afterwards. (An easy rival: nobody asked the autoencoder's codes to lie
#   there.) That is the promise of the KL term, kept.
# - **It is no miracle.** A Gaussian fitted to the autoencoder's codes covers about as many, and a mixture of twenty
#   Gaussians far more. The VAE's own codes do not fill its prior evenly either: the **aggregated posterior**, the
#   average of $q_\phi(z \mid x)$ over all images, is not $\mathcal N(0, I)$. Notebook 10 measures that mismatch and
#   repairs what it can.
# - **Along straight paths between two test digits the two models hardly differ**, at this size and on this data. The
#   usual picture, a smooth VAE beside a jumpy autoencoder, is not what these numbers show.
#
# So why a VAE? Because coverage was never its objective. It has one objective for everything, an encoder that states
# its uncertainty, and a lower bound on $\log p(x)$ for every image (exactly so for black-and-white pixels; notebook
# 07). An autoencoder with a mixture on top has none of these.

# %% slideshow={"slide_type": "subslide"}
sheet = plots.show_images(
    [
        images.test[:10],
        autoencoder.generate(autoencoder_codes["autoencoder, N(0, I)"][:10]),
        autoencoder.generate(autoencoder_codes["autoencoder, fitted mixture"][:10]),
        vae.generate(noise[:10]),
    ],
    row_labels=["real", "autoencoder, N(0, I)", "autoencoder, fitted mixture", "VAE, prior"],
    title="Ten draws of each kind, not chosen: the table above in pictures",
    alt="Four rows of ten pictures: real digits; autoencoder from N(0, I), mostly tangled strokes; autoencoder from a fitted "
    "mixture, mostly clear digits; VAE from its prior, soft digits and some that are no digit.",
)
sheet

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The scaling trap
#
# The ELBO has no weight in it: one nat of reconstruction is worth one nat of KL. Yet the loss is one line of code,
# and there are several plausible ways to average. Here are three. $R$ is the reconstruction summed over the $d = 784$
# pixels, KL is summed over the $K = 16$ latent dimensions.
#
# | | in code | is |
# |---|---|---|
# | A | mean over the batch of the sums | $R + \mathrm{KL}$ |
# | B | the reconstruction by `mean()` over all pixels, the KL by sums | $R / d + \mathrm{KL}$ |
# | C | each term by its own `mean()` | $R / d + \mathrm{KL} / K$ |
#
# Dividing a loss by a constant does not move its minimum. Rescale each loss so that $R$ has the weight 1: then it reads
# $R + \beta\,\mathrm{KL}$, the loss of a **β-VAE**, and only A has $\beta = 1$.
#
# **Predict first.** Which β do B and C have, in numbers? And what will B's *reconstructions* of ten test digits look
# like?


# %%
def loss_a(logits, x, kl):  # kl: (B, K), one number for each latent dimension
    return F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum((1, 2, 3)).mean() + kl.sum(1).mean()


def loss_b(logits, x, kl):
    return F.binary_cross_entropy_with_logits(logits, x) + kl.sum(1).mean()


def loss_c(logits, x, kl):
    return F.binary_cross_entropy_with_logits(logits, x) + kl.mean()


# %% [markdown] slideshow={"slide_type": "subslide"}
# You need not trust the algebra. Feed each loss the same random terms, once with the KL and once without, and see
# what a nat of KL adds to it; then what a nat of reconstruction adds. The ratio of the two is the β that the loss
# trains with.


# %% tags=["nbval-check-output"]
def effective_beta(loss, d=784, K=16, B=128):
    logits = torch.randn(B, 1, 28, 28, dtype=torch.float64)
    x = torch.rand(B, 1, 28, 28, dtype=torch.float64)
    kl = torch.rand(B, K, dtype=torch.float64)
    zero = torch.zeros_like(kl)
    per_nat_of_reconstruction = loss(logits, x, zero) / loss_a(logits, x, zero)  # loss_a counts in nats per image
    per_nat_of_kl = (loss(logits, x, kl) - loss(logits, x, zero)) / kl.sum(1).mean()
    return (per_nat_of_kl / per_nat_of_reconstruction).item()


betas = {name: effective_beta(loss) for name, loss in [("A", loss_a), ("B", loss_b), ("C", loss_c)]}
for name, beta in betas.items():
    print(f"loss {name}: β = {beta:.0f}")
assert [round(beta) for beta in betas.values()] == [1, 784, 49]

# %% [markdown] slideshow={"slide_type": "subslide"}
# Rescaled, B is $R + d\,\mathrm{KL}$ and C is $R + (d / K)\,\mathrm{KL}$: $\beta = 784$ and $784 / 16 = 49$. Nothing
# failed and nothing warned. What would each of the three train? Three epochs with long steps, the same for all, so
# that nothing but β differs. (With the twelve epochs and short steps of `vae`, loss C collapses just the same: try
# it, half a minute.)

# %%
trapped = {}
for name in ("A", "B", "C"):
    torch.manual_seed(0)
    trapped[name] = vae_utils.VAE(K)
    fit(
        trapped[name],
        images,
        lambda model, x, beta=betas[name]: vae_utils.negative_elbo(model, x, beta=beta),
        epochs=3,
        learning_rate=2e-2,  # long steps: there is only one picture to learn
        progress=False,
    )
kls = {name: kl_per_dimension(model, images.test).sum().item() for name, model in trapped.items()}
print({name: round(kl, 2) for name, kl in kls.items()}, "nats of KL per image")
terms = evaluate(trapped["B"], images.test, vae_utils.negative_elbo)
small = terms["reconstruction"] / 784 + terms["kl"]  # the number that loss B shows
print(f"loss B ends at {small:.2f}")
assert 0.25 < small < 0.3
assert kls["A"] > 12 and max(kls["B"], kls["C"]) < 0.5, "the text says: B and C next to zero, and not by the long steps"

# %% slideshow={"slide_type": "subslide"}
with torch.no_grad():
    rows = [images.test[:10]] + [model.generate(model.encode(images.test[:10])[0]) for model in trapped.values()]
assert all((row - images.train.mean(0)).abs().mean() < 0.06 for row in rows[2:]), "the title says: the average digit"
plots.show_images(
    rows,
    row_labels=["original"] + [f"loss {name}: β = {beta:.0f}" for name, beta in betas.items()],
    title="With losses B and C the code says nothing, and every reconstruction is the average digit",
    alt="Ten test digits and their reconstructions. Loss A: recognisable. Losses B and C: the same grey blob ten times.",
)

# %% [markdown]
# With losses B and C the KL is next to zero: for every image the encoder answers with the prior, and the decoder,
# which then hears nothing but noise, paints the mean of all digits. The reason is a price. At β = 49 each nat of code
# has to save 49 nats of reconstruction, and training finds none that does. This is **posterior collapse**, here of
# our own making; notebook 08 is about it. A loss curve would not have told you: it falls, and with loss B it ends at a
# small number, about 0.27.
#
# Not only beginners fall into it. This is what the code of some well-known examples trains, read from their sources
# and computed below:

# %% slideshow={"slide_type": "subslide"} tags=["nbval-check-output"]
# (pixels d, latent dimensions K, reconstruction is a mean over pixels?, KL is a mean over dimensions?, weight of the KL)
public_code = {
    "PyTorch examples, vae/main.py": (784, 20, False, False, 1),
    "Keras, generative/vae.py": (784, 2, False, False, 1),
    "Keras, variational_autoencoder.py (2016) *": (784, 2, True, False, 1),
    "Lightning Bolts, basic_vae, 32×32×3": (3072, 256, True, True, 0.1),
    "AntixK/PyTorch-VAE, vae.yaml, 64×64×3": (12288, 128, True, False, 0.00025),
}
public_betas = {
    name: weight * (d if mean_of_pixels else 1) / (K if mean_of_dimensions else 1)
    for name, (d, K, mean_of_pixels, mean_of_dimensions, weight) in public_code.items()
}
for name, beta in public_betas.items():
    print(f"{name:42s} β = {beta:.3g}")

# %% [markdown]
# The last two use the squared error $\lVert x - \hat x \rVert^2$, which is a Gaussian's $-\log p(x \mid z)$ with variance
# $\sigma^2 = \tfrac12$ up to a constant; their β is counted against that. A squared error is never free of such a
# choice: its σ and β are the same knob, as notebook 07 shows. (* The weights alone. This file also draws z with a
# hundredth of the noise that its KL pays for, so it is no β-VAE for any β: nearly a plain autoencoder with a small
# penalty on μ. It was corrected later.) The files that were read are listed at the end, most of them with their commit.
#
# The habit that protects you: **sum over dimensions, average over the batch only, name the unit.** If you see a loss
# of 0.2, ask: per what?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Which dimensions are used?
#
# The KL is a sum over latent dimensions, so each dimension has a price of its own: the nats an image spends there. A
# dimension whose KL is zero is one where the encoder always answers with the prior. It carries no information about
# $x$, and the decoder learns to ignore it. The count of the others, those whose mean μ varies over the test images
# (variance above 0.01), is the number of **active units**. This is the first thing to look at in any trained VAE.

# %%
kl = kl_per_dimension(vae, images.test)  # (K,)
order = kl.argsort(descending=True)
print(f"KL per image: {kl.sum():.1f} nats; active units: {active_units(vae_ends)} of {K}")

# %% slideshow={"slide_type": "subslide"}
chart, axes = plots.figure(
    title=f"All {K} dimensions are used: none has a KL near zero",
    alt=f"Bars: KL of each latent dimension, from {kl.max():.1f} down to {kl.min():.1f} nats per image. No bar is near zero.",
    size=(7.5, 2.8),
)
axes.bar([str(dimension) for dimension in order.tolist()], kl[order], color=plots.VAE)
axes.set(xlabel="latent dimension, sorted", ylabel="KL (nats per image)")
chart

# %%
assert active_units(vae_ends) == K and kl.min() > 0.3, "the title says: all are used"
assert 15 < kl.sum() < 32

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Move through it
#
# One slider for each latent dimension, the most expensive first, in units of the prior's standard deviation.
#
# - Start at a test image. Find the dimension that changes the digit into another class with the smallest move.
# - Press *Draw from the prior* ten times. How many of the ten would you accept as digits? (That is the question of the
#   density in the table. Coverage asks another one: which of the real digits turn up?)
# - Set all sliders near ±3. For one dimension this is a place that the prior visits now and then; for all sixteen at
#   once, next to never.

# %%
explorer = LatentExplorer(vae, images.test, start=7)
explorer

# %% [markdown] slideshow={"slide_type": "subslide"}
# The same on paper, for the three most expensive dimensions: each row sets one dimension to the value above the
# column, and leaves the others at the code of the test image.

# %%
values = torch.linspace(-3, 3, 9)
with torch.no_grad():
    code = vae.encode(images.test[7:8])[0]  # (1, K)
    rows = []
    for dimension in order[:3].tolist():
        moved = code.repeat(len(values), 1)  # (9, K)
        moved[:, dimension] = values
        rows.append(vae.generate(moved))
plots.show_images(
    rows,
    row_labels=[f"z{dimension}" for dimension in order[:3].tolist()],
    titles=[f"{value:g}".replace("-", "−") for value in values.tolist()],
    title="In these three dimensions several things change at once; none deserves a name",
    alt="Three rows of nine pictures. In each row one latent dimension runs from minus 3 to 3 prior standard deviations while "
    "the others stay at a test image's code; strokes, slant and width change together, gradually.",
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercises
#
# `exercises.NAME.check(...)` says what is right or wrong, `.hint()` helps, `.solution()` shows one way. They wait for
# you: an untouched exercise breaks nothing.
#
# ### Exercise 1 · Another mean (predict, 2 minutes)
#
# Somebody trains a VAE on 128 × 128 colour pictures with $K = 256$, with the reconstruction as `F.mse_loss(...)` (a
# mean over everything) and the KL as a sum over dimensions and a mean over the batch. Multiply this loss by a
# constant so that the *sum* of squared errors has weight 1. Which β then stands before the KL?

# %%
my_beta = ...

exercises.beta_of_a_mean.check(my_beta)

# %% [markdown]
# ### Exercise 2 · Sample from the model (implement, 8 minutes)
#
# Write the function that generates `count` new images from a decoder: draw from the prior, decode, and return
# **pixels** in [0, 1]. `decoder` maps (B, K) to (B, 1, 28, 28) logits. No encoder, no test image: that would be
# reconstruction.


# %%
def my_sample(decoder, count, latent_dim):
    """Draw new images.  -> (count, 1, 28, 28) pixels in [0, 1]."""
    ...


exercises.sample_from_prior.check(my_sample)

# %% [markdown]
# ### Exercise 3 · The loss, with a weight (implement, 10 minutes)
#
# Write the β-VAE's loss for a batch as **one number**, ready for `backward()`: in nats per image, such that $\beta =
# 1$ is the negative ELBO.


# %%
def my_beta_loss(logits, x, mu, logvar, beta):
    """logits, x: (B, 1, 28, 28); mu, logvar: (B, K); beta: a number -> a tensor with one number."""
    ...


exercises.beta_vae_loss.check(my_beta_loss)

# %% [markdown]
# ### Exercise 4 · What does an image cost? (investigate, 15 minutes)
#
# Which test digit class is the most expensive to encode, counted by the KL term of `vae` in nats per image, averaged
# over the class? Compute the ten averages, hand over the ten numbers as a tensor of shape (10,), to ± 0.02 nats
# (do not round), and look which one is largest. Does it surprise you?

# %%
my_kl_by_class = ...

exercises.kl_by_class.check(my_kl_by_class, vae, images)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## To take with you
#
# - A VAE is two networks, one roll of dice and two terms. Encoder: $x \to \mu$, logvar. Decoder: $z \to$ logits.
#   Loss: reconstruction + KL.
# - Sum over dimensions, average over the batch, count in nats per image. Any other average is another β.
# - The prior can be sampled with nothing fitted afterwards, because the KL term asked for it: about as good as a
#   Gaussian fitted to an autoencoder's codes, and far behind a mixture.
# - Look at the KL of each dimension before you look at pictures.
#
# **What could fool you.** A figure titled "generated" that shows reconstructions. A falling loss whose KL is zero.
# And the claim that a VAE's latent space has no holes: a fitted mixture on a plain autoencoder covered more digits
# than our VAE's prior.
#
# **Sources.** Kingma & Welling (2014), *Auto-Encoding Variational Bayes*, arXiv:1312.6114: algorithm 1, section 3,
# appendix B and figure 4. Rezende, Mohamed & Wierstra (2014), arXiv:1401.4082. Higgins et al. (2017), *beta-VAE*,
# ICLR: equation 4. Naeem et al. (2020), arXiv:2002.09797 (density and coverage). Burda et al. (2016),
# arXiv:1509.00519, section 5.2 (active units). Ghosh et al. (2020), arXiv:1903.12436 (densities fitted to an
# autoencoder's codes). Public code: pytorch/examples `vae/main.py`; keras-team/keras-io `examples/generative/vae.py` at 09e02e1;
# keras-team/keras `examples/variational_autoencoder.py` at commit 05e727f; Lightning-AI/lightning-bolts
# `basic_vae_module.py` at 2c4602a; AntixK/PyTorch-VAE `models/vanilla_vae.py` and `configs/vae.yaml` at a6896b9.
#
# **Next:** [07 · Is binary cross-entropy on grey pixels a likelihood?](07_which_likelihood.ipynb) You have a VAE. The
# second half of the story is about how far to trust it, and it begins with the term we took on credit.
