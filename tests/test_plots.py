"""Figures: they leave pyplot alone, carry their alt text wherever it is read, keep small, and no text is lost."""

import base64
import io
import math
import subprocess
import sys
from itertools import combinations

import nbformat
import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup
from matplotlib.colors import to_rgb
from nbconvert import HTMLExporter
from PIL import Image

from vae_utils import History, plots
from vae_utils.plots.layout import push_apart, words, wrap

ALT = 'Two lines, "a" < "b". They cross at 0: neither wins.'
LONG = "A message that is far too long for a single line of a figure and must therefore be broken into several lines"


def blobs(count=200):
    """Codes of ten classes in overlapping heaps."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % 10
    centres = 0.4 * torch.randn(10, 2, generator=generator)
    return centres[labels] + torch.randn(count, 2, generator=generator), labels


def pictures(count):
    """Pictures with one dark square each, at a place of its own."""
    x = torch.zeros(count, 1, 28, 28)
    for index in range(count):
        x[index, 0, 2 + index % 20 : 8 + index % 20, 10:20] = 1.0
    return x


def lines():
    """A figure with six lines that end close together."""
    made, axes = plots.figure(title=LONG, alt=ALT)
    for index in range(6):
        axes.plot([0, 1], [index, 0.01 * index], label=f"model number {index}")
    axes.set_xlabel("z (prior standard deviations)")
    axes.set_ylabel("KL (nats per image)")
    plots.label_lines(axes)
    return made


def two_panels():
    """Codes beside pictures."""
    made, (left, right) = plots.figure(1, 2, title=LONG, alt=ALT)
    plots.draw_codes(left, *blobs())
    left.set_title("codes")
    plots.draw_images(right, pictures(12), columns=4)
    right.set_title("pictures")
    return made


HISTORY = {
    name: [level + 50 / epoch for epoch in range(1, 21)]
    for name, level in (("loss", 100), ("reconstruction", 80), ("kl", 20))
}
WORSE = {name: [value + 0.3 for value in values] for name, values in HISTORY.items()}


def drawn_codes(codes, labels=None, *, title="t", classes=None):
    shown, axes = plots.figure(title=title, alt=ALT, size=(6.0, 5.2))
    axes.set_aspect("equal", adjustable="datalim")
    plots.draw_codes(axes, codes, labels, classes=classes)
    return shown


def drawn_map():
    shown, axes = plots.figure(title=LONG, alt=ALT, size=(6.6, 5.4))
    values = torch.linspace(0, 1, 40) * torch.linspace(0, 1, 40)[:, None]
    plots.draw_map(axes, values, (-3, 3, -3, 3), label="realism (nats)")
    plots.draw_codes(axes, *blobs(), alpha=0.95)
    return shown


FIGURES = {
    "lines": lines,
    "two panels": two_panels,
    "strip": lambda: plots.show_images(pictures(6), title=None, alt=ALT),
    "grid": lambda: plots.show_images(pictures(23), title=LONG, alt=ALT),
    "captions": lambda: plots.show_images(
        pictures(8),
        titles=["original", "a caption of several words", "reconstructed", "x"] * 2,
        title=LONG,
        alt=ALT,
        columns=4,
    ),
    "rows": lambda: plots.show_images(
        [pictures(9), pictures(9), pictures(4)],
        row_labels=["original", "reconstruction of the autoencoder", "PCA\n16 numbers"],
        titles=[f"digit {index}" for index in range(9)],
        title=LONG,
        alt=ALT,
    ),
    "codes": lambda: drawn_codes(*blobs(2000), title=LONG),
    "named codes": lambda: drawn_codes(*blobs(), classes=[f"garment {index}" for index in range(10)], title=LONG),
    "map": drawn_map,
    "history": lambda: plots.plot_history(HISTORY, WORSE, title=LONG, alt=ALT),
    "one curve": lambda: plots.plot_history({"loss": [120.0]}, title=LONG, alt=ALT),
    "manifold": lambda: plots.show_manifold(
        lambda z: (z[:, :1, None, None] + torch.linspace(-1, 1, 28)).sigmoid().expand(-1, 1, 28, 28),
        title=LONG,
        alt=ALT,
    ),
}


@pytest.fixture(scope="module", params=FIGURES)
def made(request):
    """Each kind of figure in turn."""
    return FIGURES[request.param]()


def test_every_text_can_be_read(made):
    assert plots.layout_problems(made) == []


def test_the_png_is_crisp_and_small(made):
    png = made.png()
    width, height = Image.open(io.BytesIO(png)).size
    assert (width, height) == tuple((made.get_size_inches() * 192).round().astype(int))
    assert width <= 7.5 * 192 and len(png) < 90_000


@pytest.mark.parametrize("name", ["lines", "rows", "map"])
def test_a_second_run_stores_the_same_bytes(name):
    torch.manual_seed(0)
    first = FIGURES[name]().png()
    torch.manual_seed(0)
    assert FIGURES[name]().png() == first


def test_the_bundle_carries_the_alt_text(made):
    data, metadata = made._repr_mimebundle_()
    assert data["text/plain"] == ALT and metadata["image/png"]["alt"] == ALT
    width, height = Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).size
    assert metadata["image/png"]["width"] == pytest.approx(width / 2, abs=1)
    assert metadata["image/png"]["height"] == pytest.approx(height / 2, abs=1)
    image = BeautifulSoup(data["text/html"], "html.parser").img
    assert image["alt"] == ALT and image["src"].endswith(data["image/png"])


def test_pyplot_does_not_know_the_figures():
    code = (
        "import sys, torch\nfrom vae_utils import plots\n"
        "plots.show_images(torch.rand(4, 1, 28, 28), title='t', alt='a').png()\n"
        "plots.figure(title='t', alt='a')[0].png()\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "import matplotlib.pyplot as plt\n"
        "assert plt.get_fignums() == []"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_global_style_stays_as_it_was():
    import matplotlib

    before = dict(matplotlib.rcParams)
    for name in ("lines", "rows", "map"):
        FIGURES[name]()
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("bad", [{"title": "", "alt": ALT}, {"title": "  ", "alt": ALT}, {"title": "t", "alt": " \n"}])
def test_a_figure_without_message_or_alt_text_is_refused(bad):
    with pytest.raises(ValueError, match="say"):
        plots.figure(**bad)
    with pytest.raises(ValueError, match="say"):
        plots.show_images(pictures(2), **bad)


def test_the_palette_of_a_crowded_figure_tints_no_grey():
    figure, axes = plots.figure(title="t", alt=ALT, size=(7.5, 6))
    dice = torch.Generator().manual_seed(0)
    plots.draw_codes(axes, torch.randn(500, 2, generator=dice), torch.arange(500) % 10, alpha=0.45)
    small = Image.open(io.BytesIO(figure.png()))
    true = np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(int)
    error = np.abs(np.asarray(small.convert("RGB")) - true)
    grey = (true == true[..., :1]).all(-1)
    assert small.mode == "P" and error[grey].max() <= 2 and error.mean() < 0.3
    assert 0.02 < (~grey).mean() < 0.9, "there are colours, too"


def test_the_name_of_a_class_stays_in_the_axes_when_its_codes_do_not():
    figure, (axes, _) = plots.figure(1, 2, title="t", alt=ALT)
    axes.set(xlim=(-5, 5), ylim=(-5, 5))
    far = torch.tensor([[-9.0, 0.0], [-9.1, 0.2], [40.0, 40.0], [0.0, -7.0]])
    plots.draw_codes(axes, far, torch.tensor([0, 1, 2, 3]))
    figure.set_dpi(plots.style.DPI)
    figure.draw_without_rendering()
    inside = axes.get_window_extent()
    for name in axes.texts:
        box = name.get_window_extent()
        assert inside.x0 <= box.x0 and box.x1 <= inside.x1 and inside.y0 <= box.y0 and box.y1 <= inside.y1, name


def test_a_notebook_shows_our_png_also_after_pyplot_was_imported():
    """IPython has a formatter for matplotlib's Figure, which would drop the palette and the size."""
    pytest.importorskip("matplotlib_inline")
    code = """
import base64, io
from IPython.core.interactiveshell import InteractiveShell
from matplotlib_inline.backend_inline import configure_inline_support
shell = InteractiveShell.instance()
configure_inline_support(shell, "module://matplotlib_inline.backend_inline")
import matplotlib.pyplot
from matplotlib_inline.config import InlineBackend
from IPython.core.pylabtools import select_figure_formats
select_figure_formats(shell, ["png"])
from PIL import Image
from vae_utils import History, plots
figure, _ = plots.figure(title="t", alt="what it shows")
data, metadata = shell.display_formatter.format(figure)
assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).size == (1440, round(3.7 * 192)), "not our PNG"
assert metadata["image/png"]["alt"] == data["text/plain"] == "what it shows", (metadata, data["text/plain"])
figure.axes[0].plot([0, 1])
assert shell.display_formatter.format(figure)[0]["image/png"] != data["image/png"], "an old picture was shown again"
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("template", ["lab", "classic"])
def test_nbconvert_writes_the_alt_text(template):
    data, metadata = plots.show_images(pictures(3), title="t", alt=ALT)._repr_mimebundle_()
    if template == "classic":
        data.pop("text/html")  # as a stored notebook may: this template reads the metadata
    output = nbformat.v4.new_output("display_data", data=data, metadata=metadata)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("figure", outputs=[output])])
    page, _ = HTMLExporter(template_name=template).from_notebook_node(notebook)
    assert [image["alt"] for image in BeautifulSoup(page, "html.parser").find_all("img")] == [ALT]


def test_pictures_are_dark_on_light_and_pixel_exact():
    x = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    shown = np.asarray(Image.open(io.BytesIO(plots.show_images(x, title=None, alt=ALT).png())).convert("L")) / 255
    margin, scale = 12, 8  # device pixels
    for index in range(3):
        left = margin + index * (28 * scale + 12)
        square = shown[margin : margin + 28 * scale, left : left + 28 * scale]
        blocks = square.reshape(28, scale, 28, scale)[:, 2:-2, :, 2:-2]  # without the frame
        assert blocks.std(axis=(1, 3)).max() == 0, "an image pixel is not one even square"
        assert np.abs(blocks[:, 0, :, 0] - (1 - x[index, 0].numpy())).max() < 0.025


def test_the_manifold_lies_as_its_axes_say():
    """A decoder that paints z1 left and z2 right: both grow in the direction of their axes, in equal steps of mass."""
    seen = []

    def generate(z):
        seen.append(z)
        return torch.zeros(len(z), 1, 28, 28)

    plots.show_manifold(generate, title="t", alt=ALT, steps=4)
    z = seen[0].reshape(4, 4, 2)  # rows from the top
    assert (z[:, 1:, 0] > z[:, :-1, 0]).all() and (z[1:, :, 1] < z[:-1, :, 1]).all()
    mass = torch.distributions.Normal(0.0, 1.0).cdf(z[0, :, 0])
    torch.testing.assert_close(mass, torch.tensor([0.125, 0.375, 0.625, 0.875]))


def test_the_map_has_its_first_row_below():
    values = torch.zeros(4, 4)
    values[0] = 1.0
    made, axes = plots.figure(title="t", alt=ALT)
    plots.draw_map(axes, values, (-2, 2, -2, 2), label="value")
    assert axes.images[0].origin == "lower" and tuple(axes.images[0].get_extent()) == (-2, 2, -2, 2)


def test_codes_keep_the_colour_of_their_class_and_are_named():
    codes, labels = blobs()
    made = drawn_codes(codes, labels)
    colours = made.axes[0].collections[0].get_facecolors()[:, :3]
    np.testing.assert_allclose(colours, [to_rgb(plots.CLASS_COLOURS[label]) for label in labels])
    assert {text.get_text() for text in made.axes[0].texts} == {str(digit) for digit in range(10)}


def axes():
    return plots.figure(title="t", alt=ALT)[1]


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: plots.show_images(torch.rand(4, 1, 28, 28), titles=["one"], title="t", alt=ALT), "titles has 1 .* 4"),
        (lambda: plots.show_images([pictures(2)], row_labels=["a", "b"], title="t", alt=ALT), "row_labels has 2 .* 1"),
        (lambda: plots.show_images([pictures(2), torch.rand(3, 784)], title="t", alt=ALT), r"\(3, 784\)"),
        (lambda: plots.show_images([], title="t", alt=ALT), "empty"),
        (lambda: plots.show_images(pictures(4) * float("nan"), title="t", alt=ALT), "not finite"),
        (
            lambda: plots.show_images(pictures(4) * 255, title="t", alt=ALT),
            "images must be pixels .* divide bytes by 255",
        ),
        (lambda: plots.show_images([pictures(4), -5 * pictures(4)], title="t", alt=ALT), "the sigmoid of logits"),
        (lambda: plots.draw_images(axes(), pictures(4) * 255), "images must be pixels"),
        (
            lambda: plots.show_manifold(lambda z: 9 * z[:, :1, None, None].expand(-1, 1, 28, 28), title="t", alt=ALT),
            "pixels",
        ),
        (lambda: plots.show_images(pictures(100), columns=80, title="t", alt=ALT), "80 columns do not fit"),
        (lambda: drawn_codes(torch.full((3, 2), torch.inf)), "not finite"),
        (lambda: drawn_codes(torch.rand(3, 2), torch.tensor([0, 1, 12])), "12"),
        (lambda: plots.plot_history({"loss": []}, title="t", alt=ALT), "no epochs"),
        (lambda: plots.plot_history(HISTORY, title="t", alt=ALT, terms=["beta"]), "beta"),
        (lambda: plots.show_manifold(lambda z: z, title="t", alt=ALT, steps=1), "steps"),
        (lambda: plots.show_manifold(lambda z: pictures(len(z)) * math.nan, title="t", alt=ALT), "not finite"),
        (lambda: plots.draw_images(axes(), pictures(4) * math.nan), "not finite"),
        (lambda: plots.show_images([pictures(4), pictures(2)], columns=2, title="t", alt=ALT), "at least 4"),
        (
            lambda: plots.draw_map(axes(), torch.tensor([[0.0, math.nan]]), (0, 1, 0, 1), label="l"),
            "NaN in 1 places of 2",
        ),
        (lambda: plots.draw_codes(axes(), torch.zeros(0, 2), torch.zeros(0, dtype=torch.int64)), "received none"),
        (lambda: plots.draw_codes(axes(), torch.rand(2, 2), torch.tensor([0, 2]), classes=["a"]), "1 names, .* to 2"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_line_that_ends_in_nothing_is_named_where_it_stops():
    made, axes_ = plots.figure(title="t", alt=ALT)
    axes_.plot([0, 1, 2, 3], [0.0, 1.0, 5.0, math.nan], label="breaks off")
    axes_.plot([0, 1, 2, 3], [0.0, 0.0, 0.0, 0.0], label="goes on")
    plots.label_lines(axes_)
    heights = {text.get_text(): axes_.transLimits.inverted().transform(text.get_position())[1] for text in axes_.texts}
    assert heights["breaks off"] == pytest.approx(5, abs=0.3) and heights["goes on"] == pytest.approx(0, abs=0.3)


def test_history_names_its_last_values():
    made = plots.plot_history(HISTORY, WORSE, title="t", alt=ALT, terms=["kl", "loss"])
    assert [axes.get_title("left") for axes in made.axes] == ["KL", "loss"]
    assert {text.get_text() for text in made.axes[0].texts} == {"train 22.5", "test 22.8"}
    assert made.axes[0].get_ylabel() == "nats per image" and made.axes[0].get_xlabel() == "epoch"


def test_layout_problems_finds_what_is_wrong():
    made, axes = plots.figure(title="t", alt=ALT)
    axes.text(0.5, 0.5, "under", transform=axes.transAxes)
    axes.text(0.5, 0.5, "over", transform=axes.transAxes)
    made.text(0.99, 0.5, "cut off at the right")
    found = " ".join(plots.layout_problems(made))
    assert "'under' lies over 'over'" in found and "'cut off at the right' is cut off" in found


def test_a_move_redraws_only_what_moves_and_shows_the_same():
    made, axes = plots.figure(title="t", alt=ALT)
    (line,) = axes.plot([0, 1], [0, 1])
    axes.set_ylim(0, 1)
    made.moving = [line]
    made.draw_fast()
    line.set_ydata([1, 0])
    quick = np.asarray(made.draw_fast())
    made.forget_background()
    np.testing.assert_array_equal(np.asarray(made.draw_fast()), quick)
    line.set_ydata([0, 1])
    assert (np.asarray(made.draw_fast()) != quick).any()
    assert Image.open(io.BytesIO(made.png())).size[0] == 1440, "the stored picture keeps its resolution"


# Machado, Oliveira & Fernandes (2009), severity 1.0, on linear RGB.
SIGHT = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def cielab(colours, sight):
    """Colours as seen, in CIELAB (D65)."""
    rgb = np.array([to_rgb(colour) for colour in colours])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ np.array(SIGHT[sight]).T
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.clip(linear, 0, 1) @ np.array(to_xyz).T / [0.9505, 1, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize(
    "colours",
    [
        plots.CLASS_COLOURS,
        (plots.VAE, plots.AUTOENCODER, plots.PRIOR, plots.POSTERIOR, plots.LIKELIHOOD, plots.EXACT, plots.WRONG),
    ],
    ids=["classes", "roles"],
)
def test_colours_that_meet_in_one_figure_can_be_told_apart(colours, sight):
    seen = cielab(colours, sight)
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 15


def test_text_is_broken_between_words_but_never_inside_a_formula():
    made = plots.LessonFigure(title=None, alt=ALT, size=(3, 2))
    assert words("the $D_{KL} (q || p)$, in nats") == ["the", "$D_{KL} (q || p)$,", "in", "nats"]
    assert words("cost ($\\beta = 4$) grows") == ["cost", "($\\beta = 4$)", "grows"]
    broken = wrap(made, LONG, 3 * 192, 11.5, "bold")
    assert broken.replace("\n", " ") == LONG and broken.count("\n") >= 3


def test_boxes_are_pushed_apart():
    centres = push_apart(np.zeros((6, 2)) + np.arange(6)[:, None] * 0.1, np.full((6, 2), [30.0, 20.0]))
    for a, b in combinations(centres, 2):
        assert (np.abs(a - b) >= [29.4, 19.4]).any()


def test_labels_that_move_apart_stay_around_their_lines():
    made, axes = plots.figure(title="t", alt=ALT)
    axes.set_ylim(0, 1)
    for end in (0.50, 0.51):
        axes.plot([0, 1], [0, end], label=f"ends at {end}")
    plots.label_lines(axes)
    made.draw_without_rendering()
    low, high = (axes.transAxes.transform(text.get_position())[1] for text in axes.texts)
    ends = axes.transData.transform([[1, 0.50], [1, 0.51]])[:, 1]
    assert high - low > 20 and abs((low + high) / 2 - ends.mean()) < 3


def test_the_bottleneck_diagram_shows_the_image_and_counts_its_pixels():
    image = pictures(5)[4]
    drawn = plots.show_bottleneck_diagram(image, title="An hourglass")
    assert plots.layout_problems(drawn) == []
    texts = [text.get_text() for text in drawn.axes[0].texts]
    assert texts[:2] == ["encoder", "decoder"] and {"x, 784 pixels", "code z, K numbers", "?"} <= set(texts)
    assert np.array_equal(drawn.axes[0].images[0].get_array(), image[0].numpy()) and "784 pixels" in drawn.alt


@pytest.mark.parametrize(
    "call",
    [
        lambda: plots.show_images(None, title="t", alt="a"),
        lambda: plots.show_images(pictures(2), title=3, alt="a"),
        lambda: plots.show_images(pictures(2), title="t", alt="a", columns="two"),
        lambda: plots.show_manifold(3, title="t", alt="a"),
        lambda: plots.draw_codes(axes(), blobs()[0], "labels"),
        lambda: plots.draw_map(axes(), [[0, 1]], (0, 1, 0, 1), label="l"),
        lambda: plots.plot_history({"loss": ["high"]}, title="t", alt="a"),
        lambda: plots.figure(0, title="t", alt="a"),
        lambda: plots.figure(title=b"t", alt="a"),
        lambda: plots.show_bottleneck_diagram("image", title="t"),
        lambda: plots.mosaic(pictures(4), 1.5),
        lambda: plots.draw_images(None, pictures(4)),
        lambda: History({"loss": [1.0]}).plot(title=torch.ones(3)),
    ],
)
def test_what_cannot_be_drawn_is_told_with_all_arguments(as_a_learner, call):
    with pytest.raises((TypeError, ValueError), match="cannot work with .* = .*; what failed inside was|must"):
        call()
