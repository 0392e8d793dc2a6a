"""Build the explorer that needs no kernel: one HTML file with trained decoders in it, opened from disk.

    python docs/explorer.py                 writes notebooks/explorer.html; takes about half a minute
    python docs/explorer.py --check         exit status 1 if that file was made from something else than is here now

The page and its parts lie in docs/explorer; decoder.js, page.js and plane.js are those of the notebooks' widgets. Every
number on the page is measured here, on the shipped checkpoints.
"""

import argparse
import base64
import copy
import hashlib
import html
import json
import re
import sys
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from vae_utils import load_images
from vae_utils.checkpoints import SHIPPED, SUFFIX, load_checkpoint
from vae_utils.data import Images
from vae_utils.distributions import kl_to_standard_normal
from vae_utils.evaluation import train_classifier
from vae_utils.interpolation import path
from vae_utils.models import VAE, ConditionalVAE
from vae_utils.plots import CLASS_COLOURS
from vae_utils.plots.layout import push_apart
from vae_utils.scorecard import Scorecard
from vae_utils.widgets.canvas import FOLDER, bundle, picture_sheet
from vae_utils.widgets.export import ExportedDecoder, export_decoder

HERE = Path(__file__).resolve().parent
PARTS = HERE / "explorer"
TARGET = HERE.parent / "notebooks" / "explorer.html"
# The page's name of a model, and the checkpoint that it is.
CHECKPOINTS = {
    "ae2": "autoencoder-mnist-k2",
    "vae2": "vae-mnist-k2",
    "ae16": "autoencoder-mnist-k16",
    "vae16": "vae-mnist-k16",
    "cvae": "cvae-mnist-k8",
}
MAX_BYTES = 1_000_000
TOLERANCE = 0.5 / 255  # pixels: half a grey level
DOTS, ENDS_PER_CLASS, DRAWS, TRIALS = 1500, 2, 12, 64
PRIOR, FITTED = "N(0, I)", "a Gaussian fitted to its codes"
SAME_STEP = 0.15  # medians of largest over mean step that differ by less are called about equal
NAME_SIZE, PLANE_PIXELS = (20.0, 22.0), 296  # of the box with a class's name, and of the plane in plane.js
WALK = """\
<div class="bar"><div class="way"><canvas class="vae-pixels end" role="img" height="28" width="28"></canvas>
<input type="range" min="0" max="1" step="0.001" value="0"
aria-label="The same walk in both, from the first digit to the second">
<canvas class="vae-pixels end" role="img" height="28" width="28"></canvas></div>
<button type="button" class="play">▶ Walk</button><button type="button" class="another">Another pair</button></div>"""
PROFILE = """\
<div class="steps"><svg class="profile" viewBox="0 0 40 6" preserveAspectRatio="none" role="img">
<path d=""></path><line x1="0" y1="5" x2="40" y2="5"></line></svg>
<span class="words">largest step: <span class="step"></span> × mean</span></div>"""


# ---- numbers as text -------------------------------------------------------------------------------------------------


def packed(data: bytes) -> str:
    """Bytes, compressed, as text: five letters of 85 for four bytes, without the one that HTML reads as a tag."""
    return base64.b85encode(zlib.compress(data, 9)).decode().replace("<", ",")


def halves(numbers: bytes) -> str:
    """Numbers of 16 bits as text: the high bytes, of which few kinds are frequent, before all the low ones."""
    return packed(numbers[1::2] + numbers[0::2])


def lightened(exported: ExportedDecoder, decoder: nn.Sequential, codes: Tensor) -> bytes:
    """The weights in 16 bits with as many of their last bits at 0 as the pictures allow: zeros compress.

    Raises:
        ValueError: the weights need more than 16 bits.
    """
    if exported.precision != "float16":
        raise ValueError("a decoder needs weights of 32 bits, and the page would be too large")
    plain = copy.deepcopy(decoder).float().eval()
    with torch.no_grad():
        wanted = plain(codes).sigmoid()
        weights = np.frombuffer(exported.weights, "<u2")
        for dropped in (4, 3, 2, 1):
            # Rounded to the nearest number with these bits at 0; a carry into the exponent is the right one.
            shorter = ((weights.astype(np.uint32) + (1 << (dropped - 1))) >> dropped << dropped).astype("<u2")
            numbers, place = torch.from_numpy(shorter.view("<f2").astype(np.float32)), 0
            for tensor in plain.parameters():
                tensor.copy_(numbers[place : place + tensor.numel()].view_as(tensor))
                place += tensor.numel()
            if (plain(codes).sigmoid() - wanted).abs().max() <= TOLERANCE:
                return shorter.tobytes()
    return exported.weights


# ---- what the page shows ---------------------------------------------------------------------------------------------


class Flat(nn.Module):
    """A conditional VAE's decoder as one from (z, one number a class), as the browser runs it."""

    def __init__(self, model: ConditionalVAE) -> None:
        super().__init__()
        self.decoder, self.latent_dim = model.decoder, model.latent_dim + model.classes

    def generate(self, z: Tensor) -> Tensor:
        """Codes with class numbers (B, K + C) to pixels (B, 1, 28, 28)."""
        return self.decoder(z).sigmoid()


def codes_of(model: nn.Module, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor | None]:
    """Codes of images (N, K): the encoder's means; and the KL of each dimension (K,), for models that have one."""
    with torch.no_grad():
        found = model.encode(images, labels) if isinstance(model, ConditionalVAE) else model.encode(images)
    if isinstance(found, Tensor):
        return found, None
    return found[0], kl_to_standard_normal(*found).mean(0)


def trial_codes(codes: Tensor, classes: int) -> Tensor:
    """Codes on which the browser's weights are checked: on both sides of all that the page can reach."""
    noise = torch.randn(TRIALS, codes.shape[1], generator=torch.Generator().manual_seed(0))
    chosen = torch.cat([noise, 2 * noise, codes.mean(0) + 2 * codes.std(0) * noise, codes[:TRIALS]])
    if not classes:
        return chosen
    return torch.cat([chosen, torch.eye(classes).repeat(-(-len(chosen) // classes), 1)[: len(chosen)]], 1)


def plane(codes: Tensor, labels: Tensor, square: bool) -> dict:
    """Dots, limits of both axes, and where the classes are named; `square`: one scale, with 0 in the middle."""
    if square:
        reach = max(3.3, 1.03 * codes.abs().quantile(0.995).item())
        limits = [[-reach, reach]] * 2
    else:
        # Where the prior is belongs to the picture, too.
        low, high = codes.min(0).values.clamp(max=-3), codes.max(0).values.clamp(min=3)
        reach, middle = 1.04 * (high - low).max() / 2, (low + high) / 2
        limits = [[(centre - reach).item(), (centre + reach).item()] for centre in middle]
    kinds = labels.unique().tolist()
    medians = np.stack([codes[labels == kind].median(0).values.numpy() for kind in kinds])
    low, unit = np.array(limits)[:, 0], np.diff(limits)[:, 0] / PLANE_PIXELS
    places = low + unit * push_apart((medians - low) / unit, np.tile(NAME_SIZE, (len(kinds), 1)))
    names = [[kind, *(round(value, 3) for value in place)] for kind, place in zip(kinds, places.tolist(), strict=True)]
    return {"codes": halves(codes.numpy().astype("<f2").tobytes()), "limits": limits, "classNames": names}


def end_images(images: Images) -> list[int]:
    """Numbers of the test images that walks lead between: the first ones of each class, class by class in turn."""
    chosen = [
        (images.test_labels == kind).nonzero()[:ENDS_PER_CLASS, 0].tolist() for kind in range(len(images.classes))
    ]
    return [numbers[turn] for turn in range(ENDS_PER_CLASS) for numbers in chosen]


def widest_difference(models: Mapping[str, nn.Module], ends: Mapping[str, Tensor], labels: list[int]) -> list[int]:
    """The pair of images on whose walk the autoencoder's largest step, over its mean step, exceeds the VAE's most."""
    pairs = [(a, b) for a in range(len(labels)) for b in range(a + 1, len(labels)) if labels[a] != labels[b]]
    first, second = (torch.tensor(numbers) for numbers in zip(*pairs, strict=True))
    ratios = []
    for name in ("ae2", "vae2"):
        ways = path(ends[name][first], ends[name][second], steps=40)  # (41, pairs, 2)
        with torch.no_grad():
            shown = torch.stack([models[name].generate(codes).flatten(1) for codes in ways])
        steps = (shown[1:] - shown[:-1]).norm(dim=-1)
        ratios.append(steps.max(0).values / steps.mean(0))
    return list(pairs[int((ratios[0] - ratios[1]).argmax())])


def measure(models: Mapping[str, nn.Module], images: Images, codes: Mapping[str, Tensor]) -> Scorecard:
    """The scorecard of the lessons for the four unconditional models."""
    count = len(images.test)
    card = Scorecard(train_classifier(images), images.test)
    card.add("real digits (others than those compared with)", images.train[:count])
    for name, model in models.items():
        if name == "cvae":
            continue
        noise = torch.randn(count, model.latent_dim, generator=torch.Generator().manual_seed(0))
        card.add_model(_title(model), model.generate, noise, codes[name])
        if not isinstance(model, VAE):
            with torch.no_grad():
                fitted = model.generate(codes[name].mean(0) + noise @ torch.linalg.cholesky(codes[name].T.cov()).T)
            card.add(_title(model, FITTED), fitted)
    return card


def conclusion(card: Scorecard, models: Mapping[str, nn.Module]) -> str:
    """What the numbers say about the two models of two dimensions, whichever way they came out."""
    scores = [card[_title(models[name])] for name in ("ae2", "vae2")]
    autoencoder, vae = (score.step_median for score in scores)
    fitted = card[_title(models["ae2"], FITTED)].coverage
    known = (
        f"A Gaussian fitted to the autoencoder’s codes afterwards takes its coverage from {scores[0].coverage:.2f} to "
        f"{fitted:.2f}; the VAE’s is {scores[1].coverage:.2f}."
    )
    both = f"{autoencoder:.1f} in the autoencoder and {vae:.1f} in the VAE"
    if vae < autoencoder - SAME_STEP:
        return f"With two numbers the VAE’s walks are also the more even ones: the median is {both}. {known}"
    compared = "about equally even" if vae < autoencoder + SAME_STEP else "less even in the VAE"
    return (
        f"With two numbers, straight walks between digits are {compared}: the median is {both}. What sets the two "
        "apart is where codes lie: a code from N(0, I) lands where the VAE’s decoder has been taught, and the "
        f"autoencoder’s has not. {known}"
    )


def page_data(
    models: Mapping[str, nn.Module], images: Images, codes: Mapping[str, Tensor], use: Tensor
) -> tuple[dict, dict[str, str]]:
    """All that explorer.js reads: layers, dots, images that walks lead between; and weights as text, by element."""
    data: dict = {"colours": list(CLASS_COLOURS), "classes": len(images.classes), "models": {}, "planes": {}}
    texts = {}
    for name, model in models.items():
        conditional = isinstance(model, ConditionalVAE)
        trial = trial_codes(codes[name], model.classes if conditional else 0)
        exported = export_decoder(Flat(model) if conditional else model, trial)
        weights = lightened(exported, model.decoder, trial)
        data["models"][name] = {"layers": exported.layers}
        texts[f"weights-{name}"] = halves(weights)
    labels = images.test_labels[:DOTS]
    dims = use.argsort(descending=True)[:2].tolist()
    for name, chosen, square in (("ae2", [0, 1], False), ("vae2", [0, 1], True), ("cvae", dims, True)):
        data["planes"][name] = {**plane(codes[name][:DOTS, chosen], labels, square), "dims": chosen}
    data["planes"]["cvae"]["classNames"] = []  # the classes lie on each other: that is what it is for
    data["labels"] = labels.tolist()
    numbers = end_images(images)
    ends = {name: codes[name][numbers] for name in models if name != "cvae"}
    kinds = images.test_labels[numbers].tolist()
    sheet = picture_sheet(images.test[numbers])
    data["ends"] = {"sheet": packed(sheet), "labels": kinds, "first": widest_difference(models, ends, kinds)}
    data["ends"]["codes"] = {name: [[round(x, 4) for x in z] for z in found.tolist()] for name, found in ends.items()}
    return data, texts


# ---- the page --------------------------------------------------------------------------------------------------------


def inputs() -> str:
    """Hash of all that the page is made from: this file, the page's parts, shared JavaScript and CSS, checkpoints."""
    digest = hashlib.sha256()
    parts = [Path(__file__), *sorted(PARTS.iterdir()), FOLDER / "explorer.css"]
    for text in [*(part.read_text(encoding="utf-8") for part in parts), bundle(str(PARTS / "explorer.js"))]:
        digest.update(text.encode())
    for name in CHECKPOINTS.values():
        digest.update((SHIPPED / f"{name}{SUFFIX}").read_bytes())
    return digest.hexdigest()


def build(models: Mapping[str, nn.Module] | None = None, made_from: str | None = None) -> str:
    """The whole page.

    Args:
        models: by the page's names; the shipped checkpoints if None.
        made_from: what `inputs` returns, if something else is to be written there.

    Raises:
        ValueError: the page is larger than it may be.
    """
    models = models or {name: load_checkpoint(checkpoint) for name, checkpoint in CHECKPOINTS.items()}
    images = load_images("digits")
    found = {name: codes_of(model, images.test, images.test_labels) for name, model in models.items()}
    codes = {name: pair[0] for name, pair in found.items()}
    card = measure(models, images, codes)
    data, texts = page_data(models, images, codes, found["cvae"][1])
    scores = {name: card[_title(model)] for name, model in models.items() if name != "cvae"}
    percent = {name: f"{100 * row.coverage:.0f} %" for name, row in scores.items()}
    count, kinds = len(images.test), data["ends"]["labels"]
    pairs = sum(first != second for at, first in enumerate(kinds) for second in kinds[:at])
    weights = sum(tensor.numel() for model in models.values() for tensor in model.decoder.parameters())
    styles = [(folder / "explorer.css").read_text(encoding="utf-8") for folder in (FOLDER, PARTS)]
    fill = {
        "made_from": made_from or inputs(),
        "style": "\n".join(styles),
        "walk": WALK,
        "profile": PROFILE,
        "pairs": str(pairs),
        "draws": str(DRAWS),
        "cvae_dims": str(models["cvae"].latent_dim),
        "cvae_others": str(models["cvae"].latent_dim - 2),
        "verdict": f"Of {count:,} real digits, {percent['vae2']} have a picture near them when B draws {count:,} at "
        f"random from the prior, and {percent['ae2']} when A does.",
        "conclusion": conclusion(card, models),
        "scorecard": card._repr_html_(),
        "how": f"Compared with {count:,} digits of MNIST in the features of a small classifier; all networks had seen "
        "them. Codes were drawn once, with seed 0. Density and coverage: Naeem et al. (2020), arXiv:2002.09797.",
        "footer": "Everything runs in this file: no network, no server, no kernel. The decoders have "
        f"{weights:,} weights. Page and weights: the vae-utils contributors, MIT and CC BY 4.0. "
        "Digits: MNIST, Yann LeCun and Corinna Cortes, CC BY-SA 3.0.",
        "data": json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"),
        **texts,
        "script": bundle(str(PARTS / "explorer.js")),
    }
    for name, row in scores.items():
        steps = f"{row.step_median:.1f}"
        terms = [
            ("real digits near one of its draws", percent[name]),
            ("largest step over the mean, on the median walk", steps),
        ]
        fill[f"numbers_{name}"] = "".join(f"<dt>{html.escape(term)}</dt><dd>{value}</dd>" for term, value in terms)
    page = (PARTS / "page.html").read_text(encoding="utf-8")
    text = re.sub(r"\{\{([\w-]+)\}\}", lambda gap: fill[gap[1]], page)
    if len(text.encode()) > MAX_BYTES:
        raise ValueError(f"the page has {len(text.encode()):,} bytes, more than {MAX_BYTES:,}: take smaller decoders")
    return text


def _title(model: nn.Module, drawn: str = PRIOR) -> str:
    kind = "VAE" if isinstance(model, VAE) else "autoencoder"
    return f"{kind}, K = {model.latent_dim}, drawn from {drawn}"


def main() -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=TARGET, help="the file to write")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the file is out of date")
    options = parser.parse_args()
    if options.check:
        current = options.out.exists() and inputs() in options.out.read_text(encoding="utf-8")[:2000]
        print("up to date" if current else f"{options.out.name} is out of date: run python docs/explorer.py")
        return 0 if current else 1
    text = build()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(text, encoding="utf-8", newline="\n")
    print(f"{options.out.name}: {len(text.encode()):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
