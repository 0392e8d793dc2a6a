"""The explorers with charts: in JupyterLab they show Python's numbers, with the kernel busy; and their mathematics."""

import json
import math
import re

import numpy as np
import pytest
import torch

from vae_utils.distributions import kl_to_standard_normal
from vae_utils.toy import CURVES, ToyModel
from vae_utils.widgets import canvas
from vae_utils.widgets import toy as toy_explorer
from vae_utils.widgets.chart import Axis, Chart, area, boxes, dots, line, rule, text
from vae_utils.widgets.rate_distortion import ROWS as RATE_ROWS

from .lab import NotebookPage, write_notebook

LOAD = """async (text) => {
    window.tested = await import(URL.createObjectURL(new Blob([text], { type: 'text/javascript' })));
}"""
TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))"
SOURCE = """
import torch
from vae_utils import VAE, Autoencoder, Classifier, load_images
from vae_utils.evaluation import DensityCoverage
from vae_utils.likelihoods import Gaussian
from vae_utils.rate_distortion import rate_distortion
from vae_utils.widgets import *

digits, dice = load_images("digits"), torch.Generator().manual_seed(0)
images, labels = digits.test[:60], digits.test_labels[:60]
binary = (images > 0.5).float()

def made(model, factor=4):
    for weight in model.decoder.parameters():
        weight.data.mul_(factor)
    return model

def log_p(x):
    return -0.7 * (x - 0.1).abs().sum((1, 2, 3))

torch.manual_seed(0)
vae, models = made(VAE(3)), [made(VAE(3, likelihood=Gaussian(sigma)), 3) for sigma in (0.1, 0.3, 0.8)]
autoencoders = {K: Autoencoder(K, hidden=16) for K in (1, 4, 8)}
for model in autoencoders.values():
    model.decoder[2].bias.data.copy_(images.mean(0).flatten())
components = torch.linalg.svd(images.flatten(1) - images.flatten(1).mean(0), full_matrices=False)[2][:8]
weights = torch.tensor([-80.0, -140.0]) + 3 * torch.randn(1000, 2, generator=dice)
scores = [{"reconstruction": 100.0 * n, "kl": 5.0 + n} for n in range(3)]
draws = {
    "a": lambda count, t, dice: t * torch.randn(count, 3, generator=dice),
    "b": lambda count, t, dice: 1 + t * torch.randn(count, 3, generator=dice),
}
measured = {name: {t: DensityCoverage(t / 2, t / 3) for t in (0.0, 1.0)} for name in draws}
known = {"nats": torch.randn(300, generator=dice), "ink": torch.rand(300, generator=dice)}
others = {"nats": torch.randn(200, generator=dice) + 1, "ink": torch.rand(200, generator=dice)}
strangers = {"x": others, "y": {name: 2 * values for name, values in others.items()}}
by_rate = [made(VAE(3), factor) for factor in (3, 4, 5)]
marks = [rate_distortion(model, images, beta) for model, beta in zip(by_rate, (0.5, 1.0, 4.0))]
place = {"values": torch.rand(6, 6, generator=dice), "extent": (-0.5, 1.5), "label": "value"}
"""
EXPLORERS = {
    "toy": "ToyExplorer(x=1.5, noise=0.3)",
    "posterior": "PosteriorExplorer()",
    "reparameterization": "ReparameterizationExplorer()",
    "slice": "SliceExplorer(vae, images, labels, corners=(2, 0, 7), **place)",
    "blend": "BlendExplorer(Classifier(), log_p, binary)",
    "bottleneck": "BottleneckExplorer(autoencoders, components, images.flatten(1).mean(0), images)",
    "bound": "BoundExplorer(weights, images[:2])",
    "sigma": "SigmaExplorer(models, scores, images)",
    "rate": "RateDistortionExplorer(by_rate, marks, images)",
    "prior": "PriorExplorer(vae, draws, measured)",
    "outliers": "OutlierExplorer(known, strangers)",
}
BUSY = "import time\ntime.sleep(3600)"


@pytest.fixture(scope="module")
def own():
    """The same explorers, made here."""
    names = {}
    with torch.random.fork_rng():
        exec(SOURCE, names)
        return {name: eval(made, names) for name, made in EXPLORERS.items()}


@pytest.fixture(scope="module")
def notebook(lab, browser):
    """One notebook with all explorers, run once."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.complaints = []
    page.on("console", lambda said: page.complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    write_notebook(lab.root / "charts.ipynb", [SOURCE, *EXPLORERS.values(), BUSY])
    opened = NotebookPage(page, lab, "charts.ipynb")
    opened.run_through(EXPLORERS["outliers"])
    page.wait_for_function(f"() => document.querySelectorAll('.vae-note').length === {len(EXPLORERS)}")
    before = len(page.complaints)  # JupyterLab's own, for example about a missing favicon
    opened.start_cell(BUSY)  # from here on the kernel can do nothing
    yield opened
    assert page.complaints[before:] == []
    page.close()
    lab.delete_sessions()


class Shown:
    """One explorer on the page, beside the same one here."""

    def __init__(self, notebook, own, name):
        self.notebook, self.page, self.python = notebook, notebook.page, own[name]
        self.root = self.page.locator(".jp-Cell").nth(1 + list(EXPLORERS).index(name)).locator(".jp-OutputArea-output")
        self.root.scroll_into_view_if_needed()

    def __getattr__(self, name):
        return self.__dict__.get(name) or getattr(self.__dict__["python"], name)

    def drag(self, number, fraction):
        """Drag a slider; returns what stands beside it."""
        slider = self.root.locator(".widget-slider").nth(number)
        self.notebook.drag_slider(slider, fraction)
        self.page.evaluate(TWO_FRAMES)
        return slider.locator(".widget-readout").text_content().replace("−", "-")

    def choose(self, number, text):
        self.root.locator(".widget-dropdown select").nth(number).select_option(text)
        self.page.evaluate(TWO_FRAMES)

    def press(self, name):
        self.root.get_by_role("button", name=name, exact=True).click()
        self.page.evaluate(TWO_FRAMES)

    @property
    def note(self):
        self.page.evaluate(TWO_FRAMES)
        return self.root.locator(".vae-note").text_content()

    @property
    def wanted(self):
        """The line that Python writes for the present values of its controls."""
        return re.sub("<[^>]*>", "", self.python.note.value).replace("&lt;", "<")

    def path(self, chart, mark):
        """What a mark of a chart is drawn as."""
        return self.root.locator(".vae-chart > svg").nth(chart).locator("> path, > g:not(.vae-axes)").nth(mark)

    def ink(self, label):
        shown = self.notebook.pixels(self.root.get_by_role("img", name=label, exact=True))
        return 1 - shown[..., 0] / 255


@pytest.fixture
def shown(notebook, own):
    return lambda name: Shown(notebook, own, name)


def numbers(text):
    """The numbers of a line."""
    return [float(found.replace("−", "-").replace(",", "")) for found in re.findall(r"[-−]?\d[\d,]*\.?\d*", text)]


def same(here, there, tolerance=0.0101):
    """Two lines agree in their words, and in their numbers as far as they are rounded."""
    assert re.sub(r"[-−]?\d[\d,]*\.?\d*", "#", here) == re.sub(r"[-−]?\d[\d,]*\.?\d*", "#", there)
    assert numbers(here) == pytest.approx(numbers(there), rel=1e-3, abs=tolerance)


def test_the_toy_follows_x_sigma_and_curve(shown):
    toy = shown("toy")
    same(toy.note, toy.wanted)
    before = toy.path(2, 2).get_attribute("d")
    # The slider of sigma goes to its ends only: between them its readout is rounded, and all is steep in sigma.
    for curve, across, wide in ((None, 0.2, 1.0), ("square: z²/2", 0.9, 0.0), ("line: 1.5 z", 0.5, 1.0)):
        if curve:
            toy.choose(0, curve)
            toy.curve.value = dict(toy.curve.options)[curve]
        toy.x.value, toy.noise.value = float(toy.drag(0, across)), float(toy.drag(1, wide))
        same(toy.note, toy.wanted)
    assert toy.path(2, 2).get_attribute("d") != before


def test_the_posterior_explorer_shows_the_exact_bound_and_finds_the_best_q(shown):
    explorer = shown("posterior")
    for curve in ("wave", "square"):
        explorer.python.curve.value = curve
        explorer.choose(0, {"wave": "wave: z + 0.8 sin 2z", "square": "square: z²/2"}[curve])
        for control, number, place in ((explorer.x, 0, 0.6), (explorer.mu, 1, 0.7), (explorer.logvar, 2, 0.5)):
            control.value = float(explorer.drag(number, place))
        same(explorer.note, explorer.wanted)
        explorer.press("Best q")
        explorer.best()
        assert numbers(explorer.note)[1] == pytest.approx(explorer.gap, abs=0.006)
    explorer.press("q = prior")
    explorer.start_over()
    same(explorer.note, explorer.wanted)
    # Read out when the moves have stopped.
    explorer.root.get_by_role("status").get_by_text("KL to the prior 0.00").wait_for(state="attached")


def test_the_samples_slide_jump_and_are_rolled(shown):
    explorer = shown("reparameterization")
    explorer.mu.value = float(explorer.drag(0, 0.8))
    explorer.sigma.value = float(explorer.drag(1, 0.3))
    same(explorer.note, explorer.wanted)
    frozen = explorer.path(1, 1).get_attribute("d")
    rolled = []
    for _ in range(3):  # one roll has the same rounded mean as the one before about once in a hundred times
        explorer.press("Roll the dice once")
        rolled.append((explorer.path(1, 1).get_attribute("d"), explorer.note))
    dots, notes = zip(*rolled, strict=True)
    assert {*dots} != {frozen} and {*notes} != {explorer.wanted}
    explorer.root.get_by_role("checkbox").check()
    jumping = {explorer.note for place in (0.2, 0.25, 0.3) if explorer.drag(0, place)}
    assert len(jumping) == 3 and all("none: sample() gave plain numbers" in line for line in jumping)
    explorer.root.get_by_role("checkbox").uncheck()
    assert "none" not in explorer.note


def test_the_slice_decodes_and_finds_neighbours_also_by_dragging_on_the_map(shown):
    explorer = shown("slice")
    explorer.a.value, explorer.b.value = float(explorer.drag(0, 0.8)), float(explorer.drag(1, 0.3))
    same(explorer.note, explorer.wanted, tolerance=0.11)
    with torch.no_grad():
        decoded = explorer.model.generate(explorer.z)[0, 0].numpy()
    assert np.abs(explorer.ink("decoded here") - decoded).max() < 2 / 255
    near = explorer.ink("the nearest images")
    wanted = explorer.images[explorer.nearest()[0], 0].numpy()
    assert np.abs(near[:28, :28] - wanted).max() < 2 / 255
    box = explorer.root.locator(".vae-chart > svg").bounding_box()
    before = explorer.note
    explorer.page.mouse.click(box["x"] + 0.9 * box["width"], box["y"] + 0.2 * box["height"])
    assert explorer.note != before
    readouts = explorer.root.locator(".widget-readout").all_text_contents()
    assert float(readouts[0]) > 1 and float(readouts[1]) > 1


def test_the_arrow_keys_move_a_slider_that_is_named(shown):
    explorer = shown("slice")
    handle = explorer.root.get_by_role("slider", name="towards").first
    handle.focus()
    before = explorer.note, float(explorer.root.locator(".widget-readout").first.text_content())
    for _ in range(20):
        explorer.page.keyboard.press("ArrowLeft")
    assert explorer.note != before[0]
    assert float(explorer.root.locator(".widget-readout").first.text_content()) == pytest.approx(before[1] - 0.2)


@pytest.mark.parametrize(
    ("name", "control", "number", "place", "chart"),
    [
        ("blend", "share", 0, 0.4, 0),
        ("bottleneck", "width", 0, 0.0, None),
        ("bound", "k", 0, 0.5, 0),
        ("sigma", "sigma", 0, 1.0, 0),
        ("rate", "model", 0, 1.0, 0),
        ("prior", "temperature", 0, 0.3, 0),
        ("outliers", "share", 0, 0.4, 0),
    ],
)
def test_what_was_computed_before_is_looked_up(shown, name, control, number, place, chart):
    explorer = shown(name)
    assert explorer.note == explorer.wanted
    before = explorer.root.locator(".vae-panels").inner_html() if chart is not None else explorer.ink("PCA")
    read = explorer.drag(number, place).replace(",", "")
    slider = getattr(explorer.python, control)
    if hasattr(slider, "options"):
        slider.index = [str(label).replace(",", "") for label in slider._options_labels].index(read)
    else:
        slider.value = float(read)
    assert explorer.note == explorer.wanted
    after = explorer.root.locator(".vae-panels").inner_html() if chart is not None else explorer.ink("PCA")
    assert np.any(before != after)


def test_the_pictures_looked_up_are_the_right_ones(shown):
    explorer = shown("prior")
    explorer.choose(0, "b")
    explorer.source.value = "b"
    explorer.temperature.value = round(float(explorer.drag(0, 0.7)), 2)
    assert explorer.note == explorer.wanted
    with torch.no_grad():
        wanted = explorer.model.generate(explorer._codes("b", explorer.temperature.value))
    sheet = explorer.ink("32 decoded draws")
    for number in (0, 9, 31):
        top, left = 30 * (number // 8), 30 * (number % 8)
        assert np.abs(sheet[top : top + 28, left : left + 28] - wanted[number, 0].numpy()).max() < 5 / 255
    places = shown("rate")
    places.model.index = [f"{place.beta:g}" for place in places.places].index(places.drag(0, 0.0))
    assert places.note == places.wanted
    for row, label in zip([places._shown(), *places._made(places.models[0])], RATE_ROWS, strict=True):
        sheet = places.ink(label)
        for number in (0, 5):
            assert np.abs(sheet[:, 30 * number :][:, :28] - row[number, 0].detach().numpy()).max() < 2 / 255
    noisy = shown("sigma")
    before = noisy.ink("reconstruction")
    noisy.root.get_by_role("checkbox").check()
    noisy.noisy.value = True
    assert noisy.note == noisy.wanted and np.any(before != noisy.ink("reconstruction"))


def test_another_image_waits_for_the_kernel_and_says_so(shown):
    explorer = shown("bottleneck")
    field = explorer.root.locator("input[type=number]")
    field.fill("5")
    field.press("Enter")
    assert explorer.note == "test image 5: the kernel is computing it …"
    explorer.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()")
    explorer.root.locator(".vae-note").filter(has_text="Squared error").wait_for()
    explorer.number.value = 5
    assert explorer.note == explorer.wanted
    assert np.abs(explorer.ink("test image") - explorer.images[5, 0].numpy()).max() < 1 / 255


# ---- the mathematics and the drawing by themselves, without Jupyter --------------------------------------------------


@pytest.fixture
def script(page):
    """script(name): the module with what it imports, as window.tested."""

    def load(name):
        page.evaluate(LOAD, canvas.bundle(name))
        return page.evaluate

    return load


@pytest.mark.parametrize(("x", "noise"), [(1.5, 0.3), (-1.0, 0.05), (4.0, 3.0)])
def test_bayes_rule_and_the_bound_are_pythons(script, x, noise):
    evaluate, tables = script("exact_toy.js"), toy_explorer.toy_tables()
    xs = torch.linspace(-3.5, 4.5, 241)
    for number, curve in enumerate(CURVES):
        toy = ToyModel(noise, curve)
        asked = [tables["grid"].float().tolist(), tables["decoded"][number].float().tolist(), noise, x, xs.tolist()]
        found = evaluate(
            """([grid, decoded, noise, x, xs]) => {
                const toy = window.tested.makeToy(grid, decoded, noise), solved = toy.solve(x);
                const best = toy.best(x, [-3, 3], [-5, 0.3]);
                return {
                    ...solved, posterior: [...solved.posterior], marginal: [...toy.marginal(xs)], best,
                    reconstruction: toy.reconstruction(x, 0.7, -1.3), kl: window.tested.klToPrior(0.7, -1.3),
                };
            }""",
            asked,
        )
        exact = toy.posterior(x)[:: toy_explorer.STRIDE]
        assert np.abs(np.array(found["posterior"]) - exact.numpy()).max() < 1e-3 * exact.max().item()
        mean, logvar = toy.posterior_moments(x)
        assert found["logMarginal"] == pytest.approx(toy.log_marginal(x), abs=1e-4)
        assert (found["mean"], found["deviation"]) == pytest.approx((mean, math.exp(logvar / 2)), abs=1e-4)
        marginal = toy.marginal(xs.double())
        assert found["marginal"] == pytest.approx(marginal.tolist(), abs=1e-4 * marginal.max().item())
        kl = kl_to_standard_normal(*torch.tensor([0.7, -1.3], dtype=torch.float64)).item()
        assert found["kl"] == pytest.approx(kl, abs=1e-9)
        assert found["reconstruction"] - kl == pytest.approx(toy.elbo(x, 0.7, -1.3), rel=1e-4, abs=1e-4)
        if curve == "line":  # its posterior is a Gaussian, so the best q is known
            best = min(max(mean, -3), 3), min(max(logvar, -5), 0.3)
            assert (found["best"]["mu"], found["best"]["logvar"]) == pytest.approx(best, abs=0.02)


def test_the_slope_along_the_path_is_what_autograd_finds(script):
    text = canvas.bundle("reparameterization.js").rpartition("\nexport default")[0]
    evaluate = script("exact_toy.js")
    evaluate(LOAD, text)
    noise = torch.randn(25, generator=torch.Generator().manual_seed(0))
    mu = torch.tensor(1.2, requires_grad=True)
    (mu + 0.7 * noise).square().mean().backward()
    found = evaluate("([noise]) => window.tested.slopes(1.2, 0.7, noise, noise, 0.01)", [noise.tolist()])
    assert found["path"] == pytest.approx(mu.grad.item(), abs=1e-5) and found["exact"] == pytest.approx(2.4)
    assert found["measured"] == pytest.approx(mu.grad.item() + 0.01, abs=1e-3)


def test_neighbours_are_the_nearest(script):
    evaluate = script("exact_toy.js")
    evaluate(LOAD, canvas.bundle("slice.js").rpartition("\nexport default")[0])
    codes, code = torch.randn(50, 4), torch.randn(4)
    found = evaluate(
        "([codes, code]) => window.tested.nearest(codes, code, 4)", [codes.flatten().tolist(), code.tolist()]
    )
    distances, rows = (codes - code).norm(dim=1).topk(4, largest=False)
    assert [each["row"] for each in found] == rows.tolist()
    assert [each["distance"] for each in found] == pytest.approx(distances.tolist(), abs=1e-5)


MARKS = [
    line([0, 1, 2, 4], [0, 1, math.inf, 2], colour="#000", name="curve"),
    area([0, 4], [0, 0], [1, 2], colour="#000", name="area"),
    boxes([1], [3], [0], [2], colour="#000", name="box"),
    dots([2, 9], [1, 1], colour="#000", size=3, name="dot"),
    rule("y", 1, name="rule"),
    text([2], [1], ["here"], name="word"),
]


def test_marks_are_drawn_where_their_numbers_say(script):
    """400 x 200 pixels, no labels: the axes begin at (42, 8) and end at (388, 176)."""
    chart = Chart(Axis("", 0, 4), Axis("", 0, 2), MARKS, "a chart", width=400, height=200)
    evaluate = script("chart.js")
    described = json.loads(json.dumps(chart.described()).replace("Infinity", "1e999"))
    described["marks"][0]["y"] = [0, 1, None, 2]
    found = evaluate(
        """(spec) => {
            spec.marks[0].y[2] = NaN;
            const chart = window.tested.makeChart(spec), at = (name) => [...chart.picture.children].slice(2 + name)[0];
            const drawn = [0, 1, 2, 3, 4].map((mark) => at(mark).getAttribute('d')), word = at(5).firstChild;
            chart.limits('x', 0, 8);
            chart.set('box', { left: [0] });
            const ticks = [...chart.picture.querySelectorAll('.vae-axes text')].map((each) => each.textContent);
            return [drawn, [Number(word.getAttribute('x')), word.textContent], at(2).getAttribute('d'), ticks];
        }""",
        described,
    )
    drawn, word, box, ticks = found
    assert drawn == [
        "M42 176L128.5 92M388 8",
        "M42 92L388 8L388 176L42 176Z",
        "M128.5 8H301.5V176H128.5Z",
        "M212 92a3 3 0 1 0 6 0a3 3 0 1 0 -6 0",
        "M42 92H388",
    ]
    assert word == [215, "here"] and box == "M42 8H171.75V176H42Z"
    assert ticks[:5] == ["0", "2", "4", "6", "8"]


@pytest.mark.parametrize(
    ("axis", "most", "texts"),
    [
        ({"low": -3, "high": 4}, 5, ["−2", "0", "2", "4"]),
        ({"low": 0, "high": 0.065}, 5, ["0.00", "0.02", "0.04", "0.06"]),
        ({"low": 0.5, "high": 2000, "log": True}, 5, ["1", "10", "100", "1,000"]),
        ({"low": 0, "high": 1, "ticks": [[0.5, "half"], [2, "no"]]}, 5, ["half"]),
    ],
)
def test_ticks_are_round(script, axis, most, texts):
    found = script("chart.js")("([axis, most]) => window.tested.ticksOf(axis, most)", [axis, most])
    assert [words for _, words in found] == texts
