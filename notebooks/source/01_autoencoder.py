# %% [markdown] slideshow={"slide_type": "slide"}
# # 01 · What does a bottleneck keep?
#
# Ask a network for a copy of its input, and forbid it to copy: between input and output the image has to pass through
# a handful of numbers. Whatever comes out on the other side was carried by those numbers. What do they carry?
#
# After this notebook you can
# - build an **autoencoder** and train it with a loop that you can read line by line;
# - say what a *linear* autoencoder learns, and measure how close that is to PCA;
# - compare a non-linear autoencoder with PCA fairly, over many K, and find out what each half of the network contributes.
#
# Needs: basic PyTorch, eigenvectors. Reading: 35 minutes. Run All: about 35 seconds on two cores.

# %% slideshow={"slide_type": "skip"}
import torch
import torch.nn.functional as F
from torch import nn

from vae_utils import Autoencoder, exercises, fit, load_images, networks, plots
from vae_utils.widgets import BottleneckExplorer

# %% slideshow={"slide_type": "skip"} tags=["nbval-check-output"]
images = load_images("digits")
print("train:", tuple(images.train.shape), " test:", tuple(images.test.shape))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 784 numbers through a gap of K

# %% slideshow={"slide_type": "-"}
digit = images.test[22]
plots.show_bottleneck_diagram(digit, title="Whatever reaches the right-hand side has passed through K numbers")

# %% [markdown] slideshow={"slide_type": "subslide"}
# The first half, the **encoder**, turns the image $x$ into its **code** $z$, a list of K numbers. The second half,
# the **decoder**, turns the code back into an image, the **reconstruction** $\hat x$. The narrow place between them
# is the **bottleneck**. Nobody labels anything: the image is the input and the target.
#
# How good is a reconstruction? Pixels run from 0 (paper) to 1 (ink). We add up the squared differences,
#
# $$e(x) = \sum_{i=1}^{784} (x_i - \hat x_i)^2 ,$$
#
# and call the result the **squared error per image**, in squared grey levels. Every model in this notebook is fitted to
# make this number small on the training digits, and judged by it on 2,000 test digits that none of them was fitted to.


# %%
def squared_error(reconstruction, x):
    """Squared grey levels per image.  Both (B, 1, 28, 28) -> (B,)."""
    return (reconstruction - x).square().flatten(1).sum(1)


# %%
train = images.train.flatten(1)  # (8000, 784)
mean = train.mean(0)  # (784,)
error_without_code = squared_error(mean.view(1, 28, 28), images.test).mean().item()
print(f"squared error per test image with K = 0: {error_without_code:.1f}")
assert abs(error_without_code - 53.5) < 0.1

# %% [markdown]
# With no code at all, K = 0, the best answer to every image is the same picture: the mean of the training images. It
# costs 53.5. That is where we start; a perfect copy costs 0.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The best flat answer: PCA
#
# Suppose that both halves must be linear. Then every reconstruction is the mean plus a mixture of K fixed pictures:
# all reconstructions together form a flat sheet with K dimensions in the space of 784 pixels. The best code of an
# image on a given sheet is the foot of the perpendicular from the image to the sheet.
#
# So only one question is left: *which sheet?* Write the K directions that span it as the orthonormal columns of a
# matrix $U$. The perpendicular foot, and the error that stays behind on average, are
#
# $$\hat x = m + U\,U^\top (x - m), \qquad \overline{e} = \operatorname{tr} C - \operatorname{tr}\, U^\top C\, U ,$$
#
# where $m$ is the mean and $C$ the covariance matrix of the training images. In words: what is left is the total
# variance minus the variance inside the sheet. It is smallest when the columns of $U$ are the eigenvectors of $C$
# with the K largest eigenvalues $\lambda_1 \ge \lambda_2 \ge \dots$; then the training error is $\lambda_{K+1} +
# \dots + \lambda_{784}$. This is **principal component analysis**, PCA, and the eigenvectors are its **components**.
#
# It needs no training loop, and no flat answer beats it on the images it was fitted to.
#
# **Predict first.** How much of the 53.5 does PCA leave with 2 numbers per image? With 16? With 64? Write down three
# percentages.

# %%
covariance = (train - mean).T @ (train - mean) / len(train)  # (784, 784)
eigenvalues, vectors = torch.linalg.eigh(covariance.double())  # in rising order
eigenvalues = eigenvalues.flip(0)  # (784,)
components = vectors.flip(1).T.float().contiguous()  # (784, 784), row k is component k


def pca(x, K):
    """Reconstruct images from K numbers.  (B, 1, 28, 28) -> (B, 1, 28, 28)."""
    z = (x.flatten(1) - mean) @ components[:K].T  # (B, K)    encode
    return (mean + z @ components[:K]).view_as(x)  # (B, 1, 28, 28)  decode


# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
on_train = squared_error(pca(images.train, 16), images.train).mean().item()
assert abs(on_train - eigenvalues[16:].sum().item()) < 1e-3, "the formula for the training error"
pca_error = {K: squared_error(pca(images.test, K), images.test).mean().item() for K in (0, 1, 2, 4, 8, 16, 32, 64)}
print("  K   error of PCA on test digits   share of K = 0")
for K, error in pca_error.items():
    print(f"{K:3d}   {error:14.1f}   {error / pca_error[0]:20.0%}")

# %% slideshow={"slide_type": "-"}
steps = (1, 2, 4, 8, 16, 32, 64)
plots.show_images(
    torch.cat([digit[None], mean.view(1, 1, 28, 28), *(pca(digit[None], K) for K in steps)]),
    titles=["original", "K = 0", *(f"K = {K}" for K in steps)],
    title="PCA fades a digit in: a guess at 8 numbers, readable at 16, nearly all of it at 64",
    alt="One test digit and its PCA reconstructions from 0 to 64 numbers. With few numbers it is a grey smear close to "
    "the mean image; it becomes readable around 16 and close to the original at 64.",
)

# %% [markdown]
# Two numbers leave 83% of the error, sixteen leave 40%, sixty-four leave 14%. Neighbouring pixels agree, so 784 of
# them hold far fewer than 784 independent facts. These are the numbers that a network has to beat.

# %%
assert [round(100 * pca_error[K] / pca_error[0]) for K in (2, 16, 64)] == [83, 40, 14]

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A linear autoencoder
#
# Now a network: one linear layer as the encoder, $z = W_e\,x$, one as the decoder, $\hat x = W_d\,z$, trained by
# gradient descent on the squared error. It has never heard of eigenvectors. We take K = 6, and subtract the mean from
# the images by hand (more on that below).
#
# ### Exercise 1 · Predict (predict, 3 minutes)
#
# What will the six columns of the decoder be when training has converged? Set `answer` to one letter.
#
# - `"a"`: the first six principal components, in order;
# - `"b"`: six pictures that span the same sheet as these components, but other pictures;
# - `"c"`: another sheet, with a somewhat higher error, because gradient descent ends in a local minimum;
# - `"d"`: it depends on the seed whether the sheet of PCA is found.

# %%
answer = ...
exercises.linear_autoencoder_finds.check(answer)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Training on all images at once
#
# To compare with PCA to several digits we need a minimum, not something near one. So each step uses all 8,000 images.
# For a linear network that is cheap, because the images occur in the loss only through their covariance $C$, which is
# what PCA looks at too. Multiply the square out and average over the (centred) images:
#
# $$\overline{\lVert x - W_d W_e x \rVert^2}
#   = \operatorname{tr} C - 2 \operatorname{tr}(W_e C W_d) + \operatorname{tr}(W_e C W_e^\top W_d^\top W_d) .$$

# %%
C = covariance.double()  # double precision: rounding shall not decide how small an angle gets


def linear_loss(encode, decode):
    """Mean squared error per training image.  encode: (K, 784), decode: (784, K) -> ()."""
    encode_C = encode @ C  # (K, 784)
    return C.trace() - 2 * (encode_C * decode.T).sum() + ((encode_C @ encode.T) * (decode.T @ decode)).sum()


generator = torch.Generator().manual_seed(0)
encode, decode = torch.randn(2, 6, 784, generator=generator, dtype=torch.float64) / 28
centred = (train - mean).double()
image_by_image = (centred - centred @ encode.T @ decode).square().sum(1).mean()
assert torch.isclose(linear_loss(encode, decode.T), image_by_image, rtol=1e-5), "the formula above"


# %% slideshow={"slide_type": "skip"}
def train_linear(K, seed, steps=500):
    """Full-batch Adam from random weights.  Returns the decoder, (784, K), and the final error."""
    torch.manual_seed(seed)
    encode = nn.Linear(784, K, bias=False).double().weight  # (K, 784)
    decode = nn.Linear(K, 784, bias=False).double().weight  # (784, K)
    optimizer = torch.optim.Adam([encode, decode], lr=2e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2e-2, total_steps=steps)
    for _ in range(steps):
        loss = linear_loss(encode, decode)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return decode.detach(), linear_loss(encode, decode).item()


decoders, errors = zip(*(train_linear(6, seed) for seed in (0, 1)), strict=True)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### How far apart are two sheets?
#
# Two planes in space can share a line and still be tilted against each other. **Principal angles** measure the tilt:
# the first is the smallest angle between a direction in one sheet and a direction in the other, the next the smallest
# among the directions perpendicular to those, and so on. If the *largest* of the K angles is 0, the sheets are the same.
#
# With orthonormal bases $Q_A$, $Q_B$, what sticks out of sheet A is $Q_B - Q_A Q_A^\top Q_B$, and its singular values
# are the sines of the angles.


# %%
def principal_angles(A, B):
    """Angles between the spans of two sets of columns, in degrees, largest first.  (784, K), (784, K) -> (K,)."""
    Q_A, Q_B = torch.linalg.qr(A)[0], torch.linalg.qr(B)[0]
    sines = torch.linalg.svdvals(Q_B - Q_A @ (Q_A.T @ Q_B))  # cosines would lose small angles to rounding
    return torch.rad2deg(torch.asin(sines.clamp(max=1)))


U = vectors.flip(1)[:, :6]  # (784, 6)  the first six components
random_sheet = torch.randn(784, 6, generator=generator, dtype=torch.float64)

# %% slideshow={"slide_type": "subslide"}
largest = {
    name: principal_angles(U, sheet)[0].item()
    for name, sheet in (("a random sheet", random_sheet), ("seed 0", decoders[0]), ("seed 1", decoders[1]))
}
for name, angle in largest.items():
    print(f"{name}: largest angle to PCA's sheet {angle:.4f} degrees")
excess = max(errors) / eigenvalues[6:].sum().item() - 1
print(f"error above the least possible: {excess:.7%}")
assert largest["a random sheet"] > 80 and max(largest["seed 0"], largest["seed 1"]) < 0.05
assert -1e-9 < excess < 1e-5


# %% slideshow={"slide_type": "-"}
def as_pictures(columns):
    """Signed pictures: 0 becomes middle grey.  (784, K) -> (K, 1, 28, 28)."""
    return (0.5 + 0.5 * columns / columns.abs().amax(0)).T.float().view(-1, 1, 28, 28)


plots.show_images(
    [as_pictures(columns) for columns in (U, *decoders)],
    row_labels=["PCA", "linear autoencoder, seed 0", "linear autoencoder, seed 1"],
    titles=[str(k + 1) for k in range(6)],
    title="Three bases of one sheet: the sheet is learnt, the axes are an accident",
    alt="Three rows of six signed pictures: the first six principal components, and the decoder columns of linear "
    "autoencoders trained from two seeds. The rows look unlike each other although they span the same subspace.",
)

# %% [markdown] slideshow={"slide_type": "subslide"}
# The answer to the exercise is `"b"`. The largest angle is under a twentieth of a degree (between random sheets it is
# close to 90), the error is PCA's to five digits, but the pictures are different, and different again for each seed.
#
# **Why.** Take any solution and write its code along other axes: $A z$ in place of $z$, with an invertible K × K matrix
# $A$. The decoder can undo that (how, you write down in exercise 2), and then every reconstruction is what it was. So
# the loss cannot tell these solutions apart, and all of them are minima. Rotations are
# only a small part of them. Stretch one axis of the code by a thousand: the loss does not notice.
#
# **What is proved.** If C is invertible with distinct eigenvalues, these are the only minima, and all other
# points with zero gradient are saddles: there is no bad minimum for gradient descent to end in (Baldi & Hornik 1989).
# (Our C is not invertible: more than a hundred pixels are white in all training images. The decoder does not mind.)
#
# **Centring.** We subtracted the mean by hand. Biases would learn it: with them, the best sheet is PCA's, through the
# mean. Without centring *and* without biases you get another one, tilted by more than 30 degrees (next cell), because it
# has to pass through the empty image.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
uncentred = torch.linalg.eigh(C + torch.outer(mean, mean).double())[1].flip(1)[:, :6]
print(f"largest angle without centring or bias: {principal_angles(U, uncentred)[0]:.0f} degrees")
print("pixels that are white in all training images:", int((train.amax(0) == 0).sum()))
assert principal_angles(U, uncentred)[0] > 30 and (train.amax(0) == 0).sum() > 100

# %% [markdown]
# ### Exercise 2 · Change the axes (implement, 5 minutes)
#
# Write a function that takes the two weight matrices of a linear autoencoder and an invertible matrix $A$, and
# returns the weights of another autoencoder: its code is $A z$ instead of $z$, and it gives the same reconstructions.


# %%
def my_change_of_axes(encode, decode, A):
    """encode: (K, D), decode: (D, K), A: (K, K) invertible -> new encode (K, D), new decode (D, K)."""
    ...


exercises.change_of_axes.check(my_change_of_axes)

# %% [markdown]
# Keep this in mind for notebook 02, where we decode codes drawn from $\mathcal N(0, I)$. For an autoencoder a
# standard deviation of 1 has no meaning until somebody fixes the unit.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Bend the sheet
#
# PCA is the best flat answer. But the set of all digits need not be flat: as a 1 leans over, each pixel on its way
# goes from white to black and back to white, and along a straight line a pixel can only rise or only fall. So put one
# hidden layer with a ReLU into each half and change nothing else. K = 16, and the error to beat is PCA's 21.5.

# %%
torch.manual_seed(0)
encoder = nn.Sequential(
    nn.Flatten(),  # (B, 784)
    nn.Linear(784, 400),
    nn.ReLU(),
    nn.Linear(400, 16),  # (B, 16)   the code
)
decoder = nn.Sequential(
    nn.Linear(16, 400),
    nn.ReLU(),
    nn.Linear(400, 784),
    nn.Unflatten(1, (1, 28, 28)),  # (B, 1, 28, 28)
)

# %% tags=["nbval-check-output"] slideshow={"slide_type": "subslide"}
x = images.train[:128]  # (128, 1, 28, 28)
z = encoder(x)
print("images", tuple(x.shape), " codes", tuple(z.shape), " reconstructions", tuple(decoder(z).shape))
weights = sum(w.numel() for half in (encoder, decoder) for w in half.parameters())
weights_of_pca = components[:16].numel() + mean.numel()
print(f"weights: autoencoder {weights}, PCA {weights_of_pca}: {weights / weights_of_pca:.0f} times as many")
torch.manual_seed(0)
same_encoder, same_decoder = networks.mlp_encoder(16), networks.mlp_decoder(16)
assert torch.equal(same_encoder(x), z) and torch.equal(same_decoder(z), decoder(z)), "vae_utils.networks is the same"

# %% [markdown]
# The last line says that `networks.mlp_encoder` and `networks.mlp_decoder` are these two networks: same shapes, and
# from the same seed the same numbers. And the line about weights is a warning about the word "fair": at the same K, the
# autoencoder has about 48 times as many as PCA. We compare what fits through the gap, not the size of the machine.
#
# ### The training loop, once
#
# Draw 128 images, encode, decode, measure, step downhill, repeat. The learning rate rises and then falls to zero
# (a "one-cycle" schedule), a common choice for a run as short as this one.

# %% slideshow={"slide_type": "subslide"}
EPOCHS, BATCH, RATE = 5, 128, 4e-3
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=RATE)
schedule = torch.optim.lr_scheduler.OneCycleLR(
    optimizer, RATE, epochs=EPOCHS, steps_per_epoch=-(-8000 // BATCH), pct_start=0.2, cycle_momentum=False
)
torch.manual_seed(0)  # of the order of the images
for epoch in range(EPOCHS):
    for chosen in torch.randperm(8000).split(BATCH):
        x = images.train[chosen]  # (B, 1, 28, 28)
        z = encoder(x)  # (B, 16)
        reconstruction = decoder(z)  # (B, 1, 28, 28)
        loss = squared_error(reconstruction, x).mean()  # ()  mean over the batch
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        on_test = squared_error(decoder(encoder(images.test)), images.test).mean().item()
    print(f"epoch {epoch + 1}: test error {on_test:.1f}")

# %% slideshow={"slide_type": "skip"}
equal = next(K for K in range(785) if squared_error(pca(images.test, K), images.test).mean() <= on_test)
print(
    f"autoencoder, 16 numbers: {on_test:.1f}   PCA, 16 numbers: {pca_error[16]:.1f}   PCA needs {equal} numbers for it"
)
assert 13.5 < on_test < 16.5 and 23 <= equal <= 32 and 0.2 < 1 - on_test / pca_error[16] < 0.35

# %% [markdown]
# About 15.6 instead of 21.5: with the same 16 numbers, a bent sheet leaves about a quarter less error than the best flat
# one. To do as well, PCA needs about 27 numbers.
#
# ### The same from the package
#
# From here on a model is an `Autoencoder`, the two networks in one object, and `fit` is the loop above. `fit` also
# shows a bar, survives being interrupted, and repeats bit for bit on the same machine. What it minimises stays on the
# screen: a function `loss(model, x)` that returns a number for each image.


# %%
def loss(model, x):
    """What fit minimises.  x: (B, 1, 28, 28) -> {"loss": (B,)}."""
    return {"loss": squared_error(model(x), x)}


torch.manual_seed(0)
autoencoders = {16: Autoencoder(latent_dim=16)}
history = fit(autoencoders[16], images, loss, epochs=EPOCHS, batch_size=BATCH, learning_rate=RATE, seed=0)

# %% slideshow={"slide_type": "skip"} tags=["nbval-check-output"]
from_fit = history.test["loss"][-1]
print("fit and the loop end within 2% of each other:", abs(from_fit / on_test - 1) < 0.02)
assert abs(from_fit / on_test - 1) < 0.02

# %% [markdown]
# One convention to know. In this notebook the decoder's 784 outputs *are* the pixels, as they are for PCA, so that
# the hidden layers are the only difference between the two. From notebook 02 on, the outputs are **logits**, which a
# sigmoid turns into pixels between 0 and 1 (`model.generate`; do not call it on the models of this notebook), and the
# loss is binary cross-entropy.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Which half does the bending?
#
# Each half has a hidden layer now. Take one away: leave the encoder non-linear and make the decoder one linear layer,
# or the other way round.
#
# **Predict first.** PCA: 21.5. Both halves non-linear: about 15.6. Where will the two half-linear networks land?

# %%
halves = {
    "non-linear encoder, linear decoder": nn.Sequential(
        networks.mlp_encoder(16), nn.Linear(16, 784), nn.Unflatten(1, (1, 28, 28))
    ),
    "linear encoder, non-linear decoder": nn.Sequential(nn.Flatten(), nn.Linear(784, 16), networks.mlp_decoder(16)),
}
torch.manual_seed(0)
for model in halves.values():
    fit(model, images.train, loss, epochs=EPOCHS, learning_rate=RATE, progress=False)


def mean_error(model, x):
    """Mean squared error per image of a trained model."""
    with torch.no_grad():
        return squared_error(model(x), x).mean().item()


# %% slideshow={"slide_type": "subslide"}
print("squared error on training digits, on test digits")
for name, model in halves.items():
    print(f"{name}: {mean_error(model, images.train):.1f}, {mean_error(model, images.test):.1f}")
clever_encoder, clever_decoder = halves.values()
assert mean_error(clever_encoder, images.train) > eigenvalues[16:].sum().item(), "the floor explained below"
assert mean_error(clever_encoder, images.test) > 24
assert pca_error[16] - mean_error(clever_decoder, images.test) > 0.7 * (pca_error[16] - on_test)

# %% [markdown] slideshow={"slide_type": "subslide"}
# The clever encoder with the plain decoder is *worse* than PCA. The plain encoder with the clever decoder keeps
# most of the win.
#
# The first of these is a theorem. The outputs of a linear decoder lie on a flat sheet, whatever feeds it. On that
# sheet no code is better than the foot of the perpendicular, and a linear encoder computes that one. So with a linear
# decoder, no encoder of any size goes below PCA's error on the training images; a network that was trained for a few
# seconds stays above it. This includes the network that many people draw first, 784 → K → 784 with a non-linearity at
# the K units (Bourlard & Kamp 1988).
#
# The second is a measurement, on digits, at this size. What it suggests: finding the code is the easy half, the shape
# of the sheet is the decoder's work. Remember it when we throw the encoder away in notebook 02 and keep the decoder.
#
# Seeing a bent sheet is easiest at K = 1, where it is a curve.

# %%
torch.manual_seed(0)
autoencoders[1] = Autoencoder(latent_dim=1)
fit(autoencoders[1], images.train, loss, epochs=EPOCHS, learning_rate=RATE, progress=False)
with torch.no_grad():
    codes = autoencoders[1].encode(images.train)[:, 0]  # (8000,)
    places = codes.quantile(torch.linspace(0.002, 0.998, 401))  # (401,)  as dense as the codes are
    curve = autoencoders[1].decode(places[:, None])  # (401, 1, 28, 28)

# %% slideshow={"slide_type": "subslide"}
bent, (axes, strip) = plots.figure(
    2,
    1,
    title="K = 1: PCA answers on a line, the autoencoder on a curve through the digits",
    alt="Test digits, coloured by class, in the plane of the first two principal components. PCA with one number is a "
    "straight horizontal line. The autoencoder with one number is a curve that winds through the cloud. A strip below "
    "shows nine images along the curve, from a 0 over mixed shapes to a 1.",
    size=(7.5, 6.2),
    height_ratios=[6, 1],
)
axes.set(xlabel="along principal component 1 (grey levels)", ylabel="along component 2 (grey levels)", aspect="equal")
plane = components[:2].T  # (784, 2)
plots.draw_codes(axes, (images.test[:500].flatten(1) - mean) @ plane, images.test_labels[:500], alpha=0.45)
axes.axhline(0, color=plots.PRIOR, linewidth=3, label="PCA, one number")
path = (curve.flatten(1) - mean) @ plane  # (401, 2)
axes.plot(*path.T, color="white", linewidth=5.5)
axes.plot(*path.T, color=plots.AUTOENCODER, linewidth=3, label="autoencoder, one number")
axes.plot(*path[::50].T, "o", color="white", markeredgecolor=plots.AUTOENCODER, markersize=7, zorder=6)
axes.legend(loc="lower left")
plots.draw_images(strip, curve[::50], columns=9)
strip.set_title("decoded at the nine dots, from one end of the curve to the other")
bent

# %% [markdown]
# An eighth of the digits lies between neighbouring dots. What you see is a shadow of the curve: it bends in 782 further
# directions that the paper does not have. With ReLU units it is made of straight pieces, and at a kink one hidden
# unit of the decoder switches on or off.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How much, at which K?
#
# One K proves little. So train an autoencoder at K = 1, 2, 4, …, 64, each with the same five epochs.
#
# **Predict first.** Sketch two falling curves of the test error over K. Do they run in parallel, drift apart, meet,
# or cross?

# %%
ae_error = {}
print("  K    PCA   autoencoder   saved")
for K in (1, 2, 4, 8, 16, 32, 64):
    if K not in autoencoders:
        torch.manual_seed(0)
        autoencoders[K] = Autoencoder(latent_dim=K)
        fit(autoencoders[K], images.train, loss, epochs=EPOCHS, learning_rate=RATE, progress=False)
    ae_error[K] = mean_error(autoencoders[K], images.test)
    print(f"{K:3d}  {pca_error[K]:5.1f}  {ae_error[K]:12.1f}  {1 - ae_error[K] / pca_error[K]:6.0%}")

# %% slideshow={"slide_type": "subslide"}
curves, axes = plots.figure(
    title="The autoencoder leads most at K = 8 and 16; at K = 64 PCA is ahead",
    alt="Test error against the number of code numbers K, from 1 to 64, both axes logarithmic. The autoencoder lies "
    "below PCA up to K = 32, furthest at 8 and 16, and above it at 64.",
    size=(7.5, 3.9),
)
for test_error, colour, name in ((pca_error, plots.PRIOR, "PCA"), (ae_error, plots.AUTOENCODER, "autoencoder")):
    axes.plot(list(ae_error), [test_error[K] for K in ae_error], marker="o", color=colour, linewidth=2, label=name)
axes.set_xscale("log", base=2)
axes.set_yscale("log")
axes.set_xticks(list(ae_error), [str(K) for K in ae_error])
axes.set_yticks([10, 20, 40], ["10", "20", "40"])
axes.minorticks_off()
axes.set(xlabel="numbers kept, K", ylabel="squared error per test image")
plots.label_lines(axes)
curves

# %% slideshow={"slide_type": "skip"}
saved = {K: 1 - error / pca_error[K] for K, error in ae_error.items()}
assert all(saved[K] > 0.03 for K in (1, 2, 4, 8, 16, 32)) and saved[64] < -0.05
assert max(saved, key=saved.get) in (8, 16) and 0.21 < saved[8] < 0.36 and 0.21 < saved[16] < 0.36
train_error = mean_error(autoencoders[64], images.train)
print(f"K = 64 on training digits: autoencoder {train_error:.1f}, PCA {eigenvalues[64:].sum():.1f}")
assert train_error > eigenvalues[64:].sum()
print("with outputs clipped to [0, 1]: K, PCA, autoencoder")
for K, model in sorted(autoencoders.items()):
    clipped_pca = squared_error(pca(images.test, K).clamp(0, 1), images.test).mean().item()
    clipped = mean_error(nn.Sequential(model, nn.Hardtanh(0, 1)), images.test)
    print(f"{K:3d}  {clipped_pca:5.1f}  {clipped:5.1f}")
    assert (clipped < clipped_pca) == (K < 64), "clipping changes no winner"

# %% [markdown] slideshow={"slide_type": "subslide"}
# They cross. The autoencoder wins up to K = 32, by about 25 to 30% at K = 8 and 16. At K = 64 it loses.
#
# **Does the bend stop paying at 64?** No. Look at the training error, which the cell above printed: there, too, the
# autoencoder is worse than PCA. Yet a network of this size *contains* PCA, exactly: you will show it in exercise 3. A
# better answer was within its reach, and five epochs of Adam did not get there. At K = 64 we see the limits of this
# training and not those of bottlenecks. Would more epochs do it? Set 20 of them for K = 64 and see. PCA gets its
# optimum from one call of `eigh`; that is its real strength.
#
# **Is it the range?** Both models may answer with pixels below 0 or above 1. Clipping both helps both, and changes no
# winner.
#
# **Is ours a good autoencoder?** No. Hinton and Salakhutdinov (2006, figure 2) report 13.87 for PCA with 30 numbers
# on MNIST. Our PCA, fitted to fewer digits, comes close to that (next cell). Their deep autoencoder, trained for much
# longer, reaches 3.00; ours, with 32 numbers, about 12.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
pca_30 = squared_error(pca(images.test, 30), images.test).mean().item()
print(f"PCA with 30 numbers: {pca_30:.1f}")
assert abs(pca_30 - 13.87) < 0.1 * 13.87 and 10.5 < ae_error[32] < 13.5

# %% [markdown]
# ### Exercise 3 · PCA inside a ReLU network (implement, 12 minutes)
#
# The text above claimed that the network contains PCA. Show it for the encoder: build a hidden layer of 2K ReLU units
# and a linear layer on top that together compute PCA's code $z = V(x - m)$ **exactly**, where $V$ holds K components as
# rows. Return the weights and biases of `z = W2 @ relu(W1 @ x + b1) + b2`. (The decoder works the same way. 400 units
# are enough up to K = 200.)


# %%
def my_pca_encoder(components, mean):
    """components: (K, D), mean: (D,) -> W1 (2K, D), b1 (2K,), W2 (K, 2K), b2 (K,)."""
    ...


exercises.pca_inside_relu.check(my_pca_encoder)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Turn K yourself
#
# Move K up from 1. At which K can you read the digit in PCA's picture, and at which in the autoencoder's? Then set K
# to 16 and press **Largest win of PCA**: what is odd about that digit, and what has the autoencoder made of it?

# %%
explorer = BottleneckExplorer(autoencoders, components, mean, images.test, number=22)
explorer

# %% slideshow={"slide_type": "-"}
explorer.snapshot(
    title="The same digit through gaps of 1 to 64 numbers",
    alt="A test digit, and below it two rows of reconstructions from 1, 2, 4, 8, 16, 32 and 64 numbers. The "
    "autoencoder's row becomes a readable digit at a smaller K than PCA's row.",
)

# %% slideshow={"slide_type": "subslide"}
with torch.no_grad():
    answers = {"PCA": pca(images.test, 16), "autoencoder": autoencoders[16](images.test)}
lead = squared_error(answers["PCA"], images.test) - squared_error(answers["autoencoder"], images.test)  # (2000,)
print(f"K = 16: the autoencoder is closer on {(lead > 0).float().mean():.0%} of the test digits")
assert (lead > 0).float().mean() > 0.93
order = lead.argsort(descending=True)
shown = torch.cat([order[:5], order[-5:]])
plots.show_images(
    [images.test[shown], *(answer[shown] for answer in answers.values())],
    row_labels=["test digit", *(f"{name}, K = 16" for name in answers)],
    title="Left: where the autoencoder is ahead by most. Right: where PCA is",
    alt="Ten test digits with both reconstructions from 16 numbers. In the left five the autoencoder draws a clean digit "
    "and PCA a blur. The right five are very bold or oddly written; the autoencoder is a little worse, and draws one as "
    "another digit.",
)

# %% [markdown]
# On nearly every test digit the autoencoder is the closer one. The exceptions on the right are very bold or oddly
# written. For an odd 4, PCA gives a blur of what it might be; the autoencoder commits itself to something that is not
# a 4. A smaller mean error does not make every answer the better one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## So what does it keep?
#
# Show the autoencoder something that it was not trained on.
#
# **Predict first.** What comes out for a square, a cross and the letters H and E, at K = 8? And for digits that are
# moved three pixels to the right?

# %%
shapes = torch.zeros(4, 1, 28, 28)
square, cross, letter_h, letter_e = shapes[:, 0]
square[6:22, 6:22] = 1
square[8:20, 8:20] = 0
diagonal = torch.ones(18, 18).triu(-1).tril(1)  # three pixels wide
cross[5:23, 5:23] = torch.maximum(diagonal, diagonal.flip(1))
letter_h[5:23, 8:11] = letter_h[5:23, 17:20] = letter_h[13:15, 8:20] = 1
letter_e[5:23, 8:11] = letter_e[5:7, 8:20] = letter_e[13:15, 8:20] = letter_e[21:23, 8:20] = 1
fits = images.test[..., -3:].amax((1, 2, 3)) == 0  # no ink in the three columns that will fall off
moved = F.pad(images.test, (3, -3))  # (2000, 1, 28, 28)  white comes in from the left
strange = torch.cat([shapes, moved[[16, 24, 26, 32]]])

# %% slideshow={"slide_type": "subslide"}
with torch.no_grad():
    rows = [strange, pca(strange, 8), autoencoders[8](strange), autoencoders[64](strange)]
plots.show_images(
    rows,
    row_labels=["shown to it", "PCA, K = 8", "autoencoder, K = 8", "autoencoder, K = 64"],
    title="Through a gap of 8 everything becomes some digit, often the wrong one",
    alt="A square, a cross, the letters H and E and four digits moved to the right, with their reconstructions. With 8 "
    "numbers the autoencoder makes a round 0 of the square and something like an 8 or 9 of the letters, and other digits "
    "of most of the moved ones; with 64 numbers most shapes come through.",
)

# %%
models = {"PCA": lambda x: pca(x, 16), "autoencoder": autoencoders[16]}
before = {name: mean_error(model, images.test[fits]) for name, model in models.items()}
after = {name: mean_error(model, moved[fits]) for name, model in models.items()}
print(f"K = 16, on the {fits.float().mean():.0%} of the test digits that lose no ink:")
for name in models:
    print(f"{name}: {before[name]:.1f} as they are, {after[name]:.1f} moved by 3 pixels")
assert after["autoencoder"] > 2 * before["autoencoder"] and after["autoencoder"] > 0.88 * after["PCA"]

# %% [markdown] slideshow={"slide_type": "subslide"}
# The square comes back as something like a 0, and the moved digits as other digits. Eight numbers suffice to tell
# digits apart; nothing is left over for square corners, which hardly any digit has. With 64 numbers there is room,
# and most of the square survives.
#
# And three pixels to the right more than double the error, and use up most of the autoencoder's lead. You would
# call it the same digit. But MNIST's digits were centred before anyone saw them, position never varied, and so no
# number of the code was spent on it.
#
# That is the answer to the question of this notebook. A bottleneck keeps **what varied in the training images, as far
# as K numbers and the decoder's sheet can express it**, and replaces all else by what was common to them.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Exercise 4 · The exchange rate (investigate, 8 minutes)
#
# For 16 numbers of the autoencoder PCA needed about 27. Is the rate better or worse with **8**? Predict first. Then
# find the smallest K with which PCA is at least as good on the test digits (an error of at most `ae_error[8]`), and
# set `numbers` to it.

# %%
numbers = ...
exercises.exchange_rate.check(numbers, ae_error[8], images.train, images.test)

# %% [markdown] slideshow={"slide_type": "skip"}
# Stuck? Each exercise has hints and, when you ask for it, a solution: `exercises.exchange_rate.hint()`,
# `exercises.exchange_rate.solution()`.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## To take with you
#
# **Remember.**
# - Encoder, code, decoder: the error is measured between the image and its own reconstruction, and the gap of K numbers
#   is what makes it a task.
# - A linear autoencoder finds PCA's sheet and PCA's error, with axes that mean nothing: every invertible change of the
#   code gives the same reconstructions.
# - On the images PCA was fitted to, no network with a linear *decoder* beats it. Bend the decoder, and 25 to 30% of
#   the test error goes away at K = 8 and 16.
# - A bottleneck keeps what varied in the training images. What never varied, such as position, is not in the code.
#
# **What could fool you.**
# - "Autoencoder beats PCA" is a statement about one K, one data set and one training budget. At K = 64, after five
#   epochs, ours loses, although its network contains PCA.
# - Equal K is not equal size: 48 times the weights. And one seed is one run: change the seeds to see what moves.
# - A low error says nothing about codes that belong to no image. That is the next notebook.
#
# **Sources.**
# - Pearson (1901), *Philosophical Magazine* 2, 559–572: the closest plane to a set of points.
# - Baldi & Hornik (1989), *Neural Networks* 2, 53–58, Fact 4: one minimum up to a change of axes, else saddles.
# - Bourlard & Kamp (1988), *Biological Cybernetics* 59, 291–294: a non-linearity at the bottleneck does not help.
# - Further: Kunin et al. (2019), arXiv:1901.08168: with an L2 penalty, the decoder's singular vectors are the components.
# - Björck & Golub (1973), *Mathematics of Computation* 27, 579–594: principal angles, and sines for small ones.
# - Hinton & Salakhutdinov (2006), *Science* 313, 504–507, figure 2: deep autoencoders against PCA.
#
# **Next:** [02 · Why can't an autoencoder generate?](02_holes_in_the_latent_space.ipynb) You now own a decoder that
# turns a few numbers into a digit. Feed it numbers that you made up.
