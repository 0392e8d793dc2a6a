"""Each widget of each lesson, in its notebook in JupyterLab: moved with mouse and keyboard, watched for what it shows.

Lessons are opened in their quick form (see quick.py): which widgets they have, and what these need, is found in the
built notebooks. One page and one kernel serve them all, one after the other.
"""

import json

import nbformat
import pytest

import build
from tests import environments

from .lab import ERRORS, PANEL, READY, NotebookPage, write_notebook
from .quick import quick_cells

# What a widget shows: for each picture a number that changes with it, and whether it is more than one even colour.
SHOWN = """async (output) => {
    const found = [];
    for (const picture of output.querySelectorAll('canvas, img, svg')) {
        if (!picture.getBoundingClientRect().width) continue;
        let content;
        if (picture.tagName === 'svg') content = new TextEncoder().encode(picture.outerHTML);
        else {
            // Rejected while another picture takes its place; what is there then is looked at again.
            if (picture.tagName === 'IMG') await picture.decode().catch(() => {});
            const copy = document.createElement('canvas');
            copy.width = picture.naturalWidth || picture.width;
            copy.height = picture.naturalHeight || picture.height;
            const context = copy.getContext('2d', { willReadFrequently: true });
            context.drawImage(picture, 0, 0);
            content = context.getImageData(0, 0, copy.width, copy.height).data;
        }
        let sum = content.length;
        for (let index = 0; index < content.length; index++) sum = (Math.imul(sum, 31) + content[index]) | 0;
        found.push([sum, picture.tagName === 'svg' || content.some((byte, index) => byte !== content[index % 4])]);
    }
    return found;
}"""
# What a screen reader would not find a name for.
UNNAMED = """(output) => [...output.querySelectorAll('.noUi-handle, .ui-slider-handle, input, select, button, canvas')]
    .filter((one) => one.getBoundingClientRect().width && one.tabIndex >= 0)
    .filter((one) => !(one.getAttribute('aria-label') || one.getAttribute('aria-labelledby') || one.labels?.length
        || one.innerText?.trim()))
    .map((one) => one.outerHTML.slice(0, 120))"""
# What the Tab key has come to within an output, and whether a ring around it says so.
STOP = f"""(output) => {{
    const one = document.activeElement, ring = getComputedStyle(one);
    return !output.contains(one) ? null : {{
        slider: one.matches('.noUi-handle, .ui-slider-handle'), what: one.outerHTML.slice(0, 120),
        ringed: ring.outlineStyle !== 'none' && parseFloat(ring.outlineWidth) > 0,
        menu: one.tagName === 'SELECT', chosen: one.selectedIndex, end: one.selectedIndex === one.options?.length - 1,
        cell: {PANEL}.content.activeCellIndex,
    }};
}}"""
# A cell is selected, as arrow keys do it, and has the focus.
SELECT = f"""(place) => {{
    document.activeElement.blur();
    {PANEL}.content.activeCellIndex = place;
    {PANEL}.content.mode = 'command';
    {PANEL}.content.activate();
}}"""
FORGET = f"""async () => {{
    const code = '%reset -f\\nimport gc\\ngc.collect()';
    await {PANEL}.sessionContext.session.kernel.requestExecute({{ code }}).done;
}}"""
OPEN = """async ([path, kernel]) => {
    const app = window.jupyterapp, before = app.shell.currentWidget;
    await app.commands.execute('docmanager:open', { path, factory: 'Notebook', kernel: { id: kernel } });
    before?.dispose();
}"""


class Lessons:
    """One page of JupyterLab in which lessons are opened one after the other, with one kernel."""

    def __init__(self, lab, page):
        self.page, self.lab, self.complaints = page, lab, []
        page.on("console", lambda line: self.complaints.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda problem: self.complaints.append(str(problem)))
        write_notebook(lab.root / "first.ipynb", ["None"])
        self.notebook = NotebookPage(page, lab, "first.ipynb")
        self.kernel = page.evaluate(f"() => {PANEL}.sessionContext.session.kernel.id")

    def run(self, name):
        """Open the quick form of a lesson and run it; returns the outputs that hold its widgets."""
        cells, shown = quick_cells(nbformat.read(build.NOTEBOOKS / f"{name}.ipynb", as_version=4))
        write_notebook(self.lab.root / f"quick_{name}.ipynb", cells)
        # A page asks for all widgets of its kernel when it opens: those of the lesson before must be gone by then.
        self.page.evaluate(FORGET)
        self.page.evaluate(OPEN, [f"quick_{name}.ipynb", self.kernel])
        self.page.wait_for_function(
            f"(name) => {PANEL}?.context?.path === name", arg=f"quick_{name}.ipynb", timeout=60_000
        )
        self.page.wait_for_function(READY, timeout=60_000)
        self.complaints.clear()
        self.notebook.run_all()
        panel = self.page.locator(".jp-NotebookPanel:visible .jp-Cell")
        return [
            Widget(self, panel.nth(place).locator(".jp-OutputArea-output:has(.jupyter-widgets)").first, place)
            for place in shown
        ]


class Widget:
    """A widget in a lesson."""

    def __init__(self, lessons, output, place):
        self.lessons, self.page, self.output, self.place = lessons, lessons.page, output, place
        output.wait_for(timeout=60_000)
        output.scroll_into_view_if_needed()
        self.answered()

    def answered(self):
        self.lessons.notebook.answered()

    def shown(self):
        return self.output.evaluate(SHOWN)

    def changed(self, before):
        """Wait until other pictures are there, and not blank ones, all of them drawn."""
        self.page.wait_for_function(
            f"""async ([output, before]) => {{
                const now = await ({SHOWN})(output);
                return JSON.stringify(now) !== before && now.some(([_, varied]) => varied);
            }}""",
            arg=[self.output.element_handle(), json.dumps(before, separators=(",", ":"))],
            timeout=60_000,
        )
        self.answered()

    @property
    def sliders(self):
        """Those that can be moved now; of many, the first four."""
        return self.output.locator(".widget-slider:visible").all()[:4]

    def drag(self, slider):
        """To the end that is farther away; returns the key that leads to the other."""
        handle, track = (
            slider.locator(kind).first for kind in (".noUi-handle, .ui-slider-handle", ".noUi-base, .ui-slider")
        )
        handle.scroll_into_view_if_needed()
        at, whole = handle.bounding_box(), track.bounding_box()
        left = at["x"] + at["width"] / 2 < whole["x"] + whole["width"] / 2
        self.lessons.notebook.drag_slider(slider, 0.93 if left else 0.07)
        return "Home" if left else "End"

    def stops(self):
        """Go through it with the Tab key alone, from its cell until it is left; what the key comes to."""
        self.page.evaluate(SELECT, self.place)
        if environments.colab():  # JupyterLab 3 goes into the cell's code, where Tab indents
            self.page.keyboard.press("Escape")  # after a key, and not a click, what a script focuses has its ring
            self.output.locator("button:enabled, select, input, [tabindex='0']").locator("visible=true").first.focus()
        else:
            self.page.wait_for_function("() => document.activeElement.matches('.jp-Cell')")
        for _ in range(10):
            if self.output.evaluate(STOP):
                break
            self.page.keyboard.press("Tab")
        while stop := self.output.evaluate(STOP):
            yield stop
            self.page.keyboard.press("Tab")

    def walk(self, ways):
        """Use it with the keyboard alone; ways: the key for each slider, Home or End."""
        count = 0
        for count, stop in enumerate(self.stops(), 1):
            assert count < 300, "the Tab key does not lead out"
            assert stop["ringed"], f"the focus cannot be seen: {stop}"
            if stop["slider"] and ways:
                before = self.shown()
                self.page.keyboard.press(ways.pop(0))
                self.changed(before)
            if stop["menu"]:
                self.page.keyboard.press("ArrowUp" if stop["end"] else "ArrowDown")
                now = self.output.evaluate(STOP)
                assert now["chosen"] != stop["chosen"] and now["cell"] == stop["cell"], "the arrow went to the notebook"
                self.answered()
        assert count and not ways, "not everything was reached"
        assert stop["cell"] == self.place

    def draw(self, pad):
        """A stroke with the mouse."""
        pad.scroll_into_view_if_needed()
        box = pad.bounding_box()
        self.page.mouse.move(box["x"] + 80, box["y"] + 60)
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + 150, box["y"] + 200, steps=5)
        self.page.mouse.up()


@pytest.fixture(scope="module")
def lessons(lab, browser):
    """The page, open until the last lesson has been driven."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    opened = Lessons(lab, page)
    yield opened
    page.close()
    lab.request("DELETE", f"api/kernels/{opened.kernel}")  # that of all these notebooks, whose sessions end with it


@pytest.mark.parametrize("name", build.lesson_names())
def test_every_widget_of_a_lesson_follows_its_sliders(lessons, name):
    found = lessons.run(name)
    assert found, f"no cell of {name}.ipynb shows a widget"
    for widget in found:
        for pad in widget.output.locator(".vae-pad").all():
            before = widget.shown()
            widget.draw(pad)
            widget.changed(before)
        if not widget.sliders:
            before = widget.shown()
            widget.output.get_by_role("button").first.click()
            widget.changed(before)
            # A run that it may have started is over when more than Stop can be pressed.
            widget.output.locator("button:enabled").filter(has_not_text="Stop").first.wait_for(timeout=60_000)
        ways = []
        for slider in widget.sliders:
            before = widget.shown()
            ways.append(widget.drag(slider))
            widget.changed(before)
        widget.walk(ways)
        assert widget.output.get_by_role("alert").filter(visible=True).all_inner_texts() == []
        assert widget.output.evaluate(UNNAMED) == [], "controls without a name"
    assert lessons.complaints == []
    assert lessons.page.evaluate(ERRORS) == []
