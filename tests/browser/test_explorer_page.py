"""The explorer without a kernel: opened from disk, without a network, it draws what PyTorch draws."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from vae_utils import load_images
from vae_utils.checkpoints import load_checkpoint

from .contrast import FAINT, disorder

ROOT = Path(__file__).resolve().parents[2]
CLASSES = 10
READ = """canvas => {
    const { width, height } = canvas, data = canvas.getContext('2d').getImageData(0, 0, width, height).data;
    return Array.from({ length: width * height }, (_, index) => data[4 * index]);
}"""
DECODE = "([name, codes]) => codes.map((code) => [...window.explorer.decoders[name].decode(code)])"


@pytest.fixture(scope="module")
def explorer():
    """The program that builds the page."""
    spec = importlib.util.spec_from_file_location("explorer_builder", ROOT / "docs" / "explorer.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def opened(explorer, page):
    """The page in a browser that has no network and stands still unless told to walk; problems are collected."""
    page.problems = []
    page.on("pageerror", lambda problem: page.problems.append(str(problem)))
    page.on("console", lambda message: message.type == "error" and page.problems.append(message.text))
    page.on("request", lambda sent: sent.url.startswith(("http", "ws")) and page.problems.append(sent.url))
    page.context.set_offline(True)
    page.emulate_media(reduced_motion="reduce")
    page.goto(explorer.TARGET.as_uri())
    page.wait_for_selector("html[data-complete]", state="attached", timeout=60_000)
    yield page
    assert page.problems == []


def wanted(model, codes):
    """What PyTorch draws: (B, 784) pixels."""
    with torch.no_grad():
        return model.decoder(torch.as_tensor(np.asarray(codes), dtype=torch.float32)).sigmoid().flatten(1).numpy()


def shown(page, selector):
    """Ink that a canvas shows, 784 pixels."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return 1 - np.array(page.locator(selector).evaluate(READ)) / 255


def test_the_page_was_made_from_what_is_here_and_is_small(explorer):
    text = explorer.TARGET.read_text(encoding="utf-8")
    assert f'content="{explorer.inputs()}"' in text, "run: python docs/explorer.py"
    assert len(text.encode()) <= explorer.MAX_BYTES
    assert "{{" not in text.partition("<script")[0] and "http://" not in text


def test_each_decoder_draws_what_pytorch_draws(explorer, opened):
    for name, checkpoint in explorer.CHECKPOINTS.items():
        model = load_checkpoint(checkpoint)
        size = opened.evaluate("(name) => window.explorer.decoders[name].latentDim", name)
        codes = 1.5 * torch.randn(40, size, generator=torch.Generator().manual_seed(1))
        if name == "cvae":
            codes[:, -CLASSES:] = torch.eye(CLASSES).repeat(4, 1)
        elif name.startswith("ae"):
            codes = model.encode(load_images("digits").test[:40]).detach() + 0.1 * codes
        pictures = np.array(opened.evaluate(DECODE, [name, codes.tolist()]))
        assert np.abs(pictures - wanted(model, codes)).max() <= 1 / 255, name


def test_the_first_pictures_wait_for_nothing_else(explorer, page):
    """When they are on the screen, the way between them is still blank, and no other model has been unpacked."""
    page.add_init_script("""new MutationObserver((_, watch) => {
        if (!('ready' in document.documentElement.dataset)) return;
        watch.disconnect();
        const pixels = (part) => part.getContext('2d').getImageData(0, 0, part.width, part.height).data;
        const inked = (part) => pixels(part).some((value) => value % 255);
        const count = (selector) => [...document.querySelectorAll(selector)].filter(inked).length;
        window.early = [count('#two canvas.decoded'), count('#two .plane canvas'), count('.strip canvas'),
            Object.keys(window.explorer.decoders)];
    }).observe(document, { attributes: true, subtree: true });""")
    page.emulate_media(reduced_motion="reduce")
    page.goto(explorer.TARGET.as_uri())
    page.wait_for_selector("html[data-complete]", state="attached", timeout=60_000)
    *inked, unpacked = page.evaluate("() => window.early")
    assert inked == [2, 2, 0] and sorted(unpacked) == ["ae2", "vae2"]
    assert page.locator(".profile path[d^=M]").count() == 4, "the ways were not surveyed afterwards"


def test_both_walk_the_same_way_and_can_be_dragged(explorer, opened):
    data = opened.evaluate("() => ({ codes: window.explorer.data.ends.codes, first: window.explorer.data.ends.first })")
    opened.locator("#two input[type=range]").fill("0.3")
    for name, side in (("ae2", ".ae"), ("vae2", ".vae")):
        start, end = (np.array(data["codes"][name][number]) for number in data["first"])
        model, code = load_checkpoint(explorer.CHECKPOINTS[name]), 0.7 * start + 0.3 * end
        drawn = shown(opened, f"#two {side} canvas.decoded")
        assert np.abs(drawn - wanted(model, [code])[0]).max() <= 1.5 / 255
        plane = opened.locator(f"#two {side} canvas.vae-plane")
        box = plane.bounding_box()
        opened.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
        opened.mouse.down()
        opened.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.3 * box["height"], steps=4)
        opened.mouse.up()
        dragged = shown(opened, f"#two {side} canvas.decoded")
        index = 0 if name == "ae2" else 1
        code = opened.evaluate("(index) => [...window.explorer.two.walkers[index].code]", index)
        assert np.abs(dragged - drawn).max() > 0.1
        assert np.abs(dragged - wanted(model, [code])[0]).max() <= 1.5 / 255
    opened.locator("#two .play").click()
    opened.wait_for_function("() => Number(document.querySelector('#two input').value) > 0.31")
    opened.locator("#two .play").click()
    assert not opened.evaluate("() => window.explorer.two.playing")


def test_a_finger_drags_over_the_plane(explorer, browser):
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, offline=True, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(explorer.TARGET.as_uri())
    page.wait_for_selector("html[data-complete]", state="attached", timeout=60_000)
    plane = page.locator("#two .vae canvas.vae-plane")
    plane.scroll_into_view_if_needed()
    before, box, finger = shown(page, "#two .vae canvas.decoded"), plane.bounding_box(), context.new_cdp_session(page)
    scrolled = page.evaluate("() => scrollY")
    for happening, right, down in (("Start", 0.4, 0.6), ("Move", 0.5, 0.5), ("Move", 0.5, 0.2), ("End", None, None)):
        points = [] if right is None else [{"x": box["x"] + right * box["width"], "y": box["y"] + down * box["height"]}]
        finger.send("Input.dispatchTouchEvent", {"type": f"touch{happening}", "touchPoints": points})
    code = page.evaluate("() => [...window.explorer.two.walkers[1].code]")
    model = load_checkpoint(explorer.CHECKPOINTS["vae2"])
    after = shown(page, "#two .vae canvas.decoded")
    assert np.abs(after - before).max() > 0.1 and np.abs(after - wanted(model, [code])[0]).max() <= 1.5 / 255
    assert page.evaluate("() => scrollY") == scrolled, "the page moved under the finger"
    context.close()


def test_the_site_embeds_it(from_disk):
    page = from_disk("explore.html", viewport={"width": 1280, "height": 900})
    inside = page.frame_locator("iframe.explorer")
    inside.locator("html[data-complete]").wait_for(state="attached", timeout=60_000)
    assert inside.locator("#two canvas.vae-plane").count() == 2
    assert page.locator("iframe.explorer").bounding_box()["width"] > 960
    assert page.locator("article a[href='explorer.html']").count() == 1


def test_the_keyboard_is_enough(opened):
    opened.locator("#two .answer").first.focus()
    seen = []
    for _ in range(8):
        opened.keyboard.press("Tab")
        seen.append(opened.evaluate("() => document.activeElement.ariaLabel || document.activeElement.textContent"))
    assert any(name.startswith("Latent plane") for name in seen) and any("same walk" in name for name in seen), seen
    opened.locator("#two canvas.vae-plane").first.focus()
    before = shown(opened, "#two .ae canvas.decoded")
    for _ in range(3):
        opened.keyboard.press("Shift+ArrowRight")
    assert np.abs(shown(opened, "#two .ae canvas.decoded") - before).max() > 0.05


def test_it_asks_before_it_tells(opened):
    told = opened.locator("#two [data-after]")
    assert not any(told.nth(index).is_visible() for index in range(told.count()))
    opened.get_by_role("button", name="It is A").click()
    assert opened.locator(".verdict").inner_text().startswith("It is B.")
    assert all(told.nth(index).is_visible() for index in range(told.count()))
    opened.get_by_role("button", name="It is B").click()
    assert opened.locator(".verdict").inner_text().startswith("Yes, B.")
    assert not opened.locator("#sixteen .numbers").first.is_visible()
    opened.locator("#sixteen .redraw").click()
    assert opened.locator("#sixteen .numbers").first.is_visible()
    boards = [opened.locator(f"#sixteen {side} .draws canvas").first.evaluate(READ) for side in (".ae", ".vae")]
    assert min(boards[1]) < 128 and boards[0] != boards[1]


def test_ten_digits_share_a_style(explorer, opened):
    opened.locator("#style .redraw").click()
    opened.wait_for_function("() => window.explorer.styles.left === 0")
    code = opened.evaluate("() => [...window.explorer.styles.input].slice(0, -10)")
    model = load_checkpoint(explorer.CHECKPOINTS["cvae"])
    for kind in (0, 7):
        flags = [float(kind == other) for other in range(CLASSES)]
        drawn = shown(opened, f"#style .ten canvas:nth-child({kind + 1})")
        assert np.abs(drawn - wanted(model, [code + flags])[0]).max() <= 1.5 / 255


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (390, 844), (320, 640), (1920, 1080)])
def test_it_fits_the_screen(opened, width, height):
    opened.set_viewport_size({"width": width, "height": height})
    opened.get_by_role("button", name="It is B").click()
    assert opened.evaluate("() => document.documentElement.scrollWidth") <= width
    small = opened.evaluate(
        """() => [...document.querySelectorAll("button")].filter((b) => b.offsetHeight < 40).length"""
    )
    assert small == 0, "buttons too small for fingers"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_its_words_can_be_seen_and_its_headings_are_in_order(opened, scheme):
    opened.emulate_media(color_scheme=scheme)
    opened.get_by_role("button", name="It is B").click()
    opened.locator("#sixteen .redraw").click()
    assert opened.evaluate(FAINT) == []
    assert not disorder(
        [int(name[1]) for name in opened.locator("h1, h2, h3").evaluate_all("all => all.map(h => h.tagName)")]
    )


def test_a_printed_card_stays_on_one_sheet(opened):
    opened.emulate_media(media="print")
    opened.set_viewport_size({"width": 718, "height": 1047})  # A4 with the browser's own margins
    places = opened.locator("#two .model").evaluate_all("cards => cards.map((card) => card.offsetTop)")
    assert places[0] == places[1] and opened.locator("#two").evaluate("part => part.offsetHeight") < 1047


def test_all_that_can_be_used_has_a_name(opened):
    unnamed = opened.evaluate("""() => [...document.querySelectorAll("button, input, canvas[role], svg[role]")]
        .filter((part) => !(part.ariaLabel || part.textContent.trim())).map((part) => part.outerHTML)""")
    assert unnamed == []
