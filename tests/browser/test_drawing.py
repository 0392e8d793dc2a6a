"""The DrawingPad as a learner meets it: a stroke drawn with the mouse, and what the kernel answers."""

import pytest
from playwright.sync_api import expect

from .lab import NotebookPage, write_notebook
from .models import SOURCE

PAD = "pad = DrawingPad(made(4), digits)\npad"
READ = "print(len(pad.surface.value), pad.neighbours() != [])"
LAST = """
strokes = pad.surface.value
print("keys", len(strokes), *([round(share, 4) for share in strokes[0][at:][:2]] for at in (0, 24, 40)))
"""
TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))"
WRONG = "pad.draw_strokes([[0.5]])"


@pytest.fixture(scope="module")
def notebook(lab, browser):
    """A notebook with a pad, run once; the test that ends its kernel comes last."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    write_notebook(lab.root / "drawing.ipynb", [SOURCE, PAD, READ, WRONG, LAST])
    opened = NotebookPage(page, lab, "drawing.ipynb")
    opened.run_through(PAD)
    yield opened
    page.close()
    lab.delete_sessions()


class Pad:
    """The pad on the notebook's page."""

    def __init__(self, notebook):
        self.notebook, self.page = notebook, notebook.page
        self.root = self.page.locator(".jp-OutputArea-output:has(.vae-pad)")
        self.canvas, self.answer = self.root.locator(".vae-pad"), self.root.locator("img.widget-image")

    def ink(self):
        """Share of the pad's pixels that are dark."""
        return (self.notebook.pixels(self.canvas)[..., 0] < 128).mean()

    def stroke(self, *points):
        """Draw with the mouse through points in shares of the pad's side."""
        self.canvas.scroll_into_view_if_needed()
        box = self.canvas.bounding_box()
        for index, (x, y) in enumerate(points):
            self.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=6)
            if index == 0:
                self.page.mouse.down()
        self.page.mouse.up()
        self.page.evaluate(TWO_FRAMES)

    def press(self, name):
        self.root.get_by_role("button", name=name, exact=True).click()

    def says(self, text):
        """Wait until the pad says something."""
        self.root.get_by_text(text).first.wait_for(timeout=60_000)


def test_a_stroke_is_drawn_sent_and_answered(notebook):
    pad = Pad(notebook)
    pad.says("The pad is empty")
    before = notebook.settled_pixels(pad.answer)
    assert pad.ink() == 0
    pad.stroke((0.3, 0.25), (0.7, 0.25), (0.45, 0.8))
    assert 0.03 < pad.ink() < 0.2
    pad.says("Reconstruction error")
    notebook.changed_pixels(pad.answer, before)
    answered = notebook.settled_pixels(pad.answer)  # the picture changes while the stroke grows
    high, wide = answered.shape[:2]
    seen, made = (answered[: high // 2, place : place + wide // 5, 0] for place in (0, wide // 4))
    assert (seen < 60).mean() > 0.02 and made.std() > 10, "the drawing and its reconstruction are on screen"
    notebook.answered()  # a page holds back what it sends until the kernel has answered to what was before
    notebook.run_cell(READ)
    notebook.page.locator(".jp-OutputArea-output", has_text="1 True").wait_for()

    pad.stroke((0.4, 0.5), (0.65, 0.5))
    notebook.changed_pixels(pad.answer, answered)
    two = notebook.settled_pixels(pad.answer)
    pad.press("Undo a stroke")
    notebook.changed_pixels(pad.answer, two)
    assert (notebook.settled_pixels(pad.answer) == answered).all(), "as with one stroke"
    pad.press("Clear")
    pad.says("The pad is empty")
    assert pad.ink() == 0


def test_without_a_mouse_a_test_image_can_be_put_on_the_pad(notebook):
    pad = Pad(notebook)
    pad.canvas.scroll_into_view_if_needed()
    number = pad.root.get_by_role("spinbutton").first
    number.focus()
    for key in ("Control+a", "1", "2", "Tab", "Enter"):
        notebook.page.keyboard.press(key)
    pad.says("Reconstruction error")
    notebook.page.wait_for_function(
        "(canvas) => canvas.getAttribute('aria-label').includes('test image 12')", arg=pad.canvas.element_handle()
    )
    assert pad.ink() > 0.03
    pad.stroke((0.5, 0.2), (0.5, 0.8))
    assert "Drawing pad with 1 stroke on it." in pad.canvas.get_attribute("aria-label"), "drawing replaces the image"
    pad.press("Clear")
    pad.says("The pad is empty")


def test_a_digit_is_drawn_with_the_keyboard_alone(notebook):
    """A seven: the pen goes to its upper left, is lowered, drawn to the right and then down aslant, and raised."""
    pad, keyboard = Pad(notebook), notebook.page.keyboard
    pad.canvas.scroll_into_view_if_needed()
    pad.root.get_by_role("spinbutton").first.focus()
    for _ in range(12):
        keyboard.press("Shift+Tab")
        if pad.canvas.evaluate("(canvas) => canvas === document.activeElement"):
            break
    ring = pad.canvas.evaluate("(canvas) => getComputedStyle(canvas).outline")
    assert "solid" in ring and "3px" in ring, "the focus cannot be seen"
    assert "Arrow keys move the pen" in pad.canvas.get_attribute("aria-label")
    pen = pad.root.locator(".vae-pen")
    expect(pen).to_be_visible()
    for key in ["ArrowLeft"] * 6:
        keyboard.press(key)
    assert pad.ink() == 0, "the pen is up"
    box, paper = pen.bounding_box(), pad.canvas.bounding_box()
    left = (box["x"] + box["width"] / 2 - paper["x"]) / paper["width"]
    assert left == pytest.approx(0.5 - 6 / 28, abs=0.01)
    keyboard.press("Space")
    expect(pen).to_have_class("vae-pen vae-down")
    for key in ["ArrowRight"] * 12:
        keyboard.press(key)
    keyboard.down("ArrowLeft")
    for _ in range(6):  # two keys at once: aslant
        keyboard.press("ArrowDown")
    keyboard.up("ArrowLeft")
    keyboard.press("Shift+ArrowDown")
    assert 0.02 < pad.ink() < 0.2
    expect(pad.root.get_by_text("Pen down, ")).to_be_attached()
    keyboard.press("Enter")
    drawn = pad.ink()
    keyboard.press("ArrowRight")
    assert pad.ink() == drawn, "the pen is up"
    pad.says("Reconstruction error")
    notebook.answered()
    notebook.run_cell(LAST)
    told = notebook.page.locator(".jp-OutputArea-output", has_text="keys 1").last
    expect(told).to_have_text("keys 1 [0.2857, 0.25] [0.7143, 0.25] [0.4643, 0.6071]", timeout=30_000)
    pad.canvas.focus()
    keyboard.press("Space")
    keyboard.press("ArrowUp")
    keyboard.press("Tab")  # who leaves the pad raises the pen
    expect(pen).to_have_class("vae-pen")
    assert "2 strokes" in pad.canvas.get_attribute("aria-label")
    pad.press("Clear")
    pad.says("The pad is empty")
    assert pad.ink() == 0


def test_an_error_and_a_kernel_that_is_gone_are_named(notebook):
    pad = Pad(notebook)
    notebook.run_cell(WRONG)
    pad.says("a stroke must be x, y, x, y")
    pad.press("Undo a stroke")
    pad.says("The pad is empty")
    pad.root.get_by_role("alert").wait_for(state="detached", timeout=30_000)
    notebook.shut_kernel_down()
    pad.stroke((0.5, 0.2), (0.5, 0.8))
    assert pad.ink() > 0.01
    pad.says("Waiting for the kernel")
