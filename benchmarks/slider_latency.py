"""From a slider's event to the new picture on the page: decoded in the browser, by the kernel, and the usual way.

JupyterLab in headless Chromium, the same decoder three ways. Prints a table and writes results/slider_latency.json.
Read milliseconds as ratios: they are those of one machine, and all ways were measured in one run on it.

python benchmarks/slider_latency.py                 about two minutes; on Linux, prefix OMP_NUM_THREADS=1
"""

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

import report
from playwright.sync_api import Locator, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "browser"))
from lab import LabServer, NotebookPage, find_browser, launch_arguments, write_notebook  # noqa: E402

MOVES, SECONDS = 60, 3
SETUP = """
import time
import ipywidgets, matplotlib.pyplot as plt, torch
from vae_utils import VAE
from vae_utils.widgets import LatentExplorer

def made(kind):
    torch.manual_seed(0)
    model = VAE(16, kind)
    with torch.no_grad():
        for weight in model.decoder.parameters():
            weight.mul_(4)
    return model

def usual(model):
    def show(z=0.0):
        code = torch.zeros(1, 16)
        code[0, 0] = z
        with torch.no_grad():
            picture = model.generate(code)[0, 0]
        plt.figure(figsize=(3, 3))
        plt.imshow(picture, cmap="gray_r")
        plt.show()
    return ipywidgets.interact(show, z=(-3.0, 3.0, 0.01))

mlp, conv = made("mlp"), made("conv")
"""
WAYS = {
    "in the browser": "LatentExplorer({})",
    "by the kernel": "LatentExplorer({}, in_browser=False)",
    "interact + imshow": "usual({});",
}
# Python's share of a move by the kernel: to decode the picture and to send it.
SHARE = """
def share(explorer, moves=200):
    began = time.process_time()  # of this process alone, with the sliders' own messages
    for move in range(moves):
        explorer.sliders[0].value = (move % 2) + 0.5
        explorer.feed()
    return 1000 * (time.process_time() - began) / moves
print(share(LatentExplorer(mlp, in_browser=False)), share(LatentExplorer(conv, in_browser=False)))
"""
BUSY = """
x, y = torch.randn(400, 400), torch.randn(400, 400)
while True:
    (x @ y).sum()
"""
# The picture of an explorer or an output: what it shows now as a text, or null while a new one is loading.
SEE = """
const see = (output) => {
    const canvas = output.querySelector('.vae-picture canvas');
    if (canvas) return canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.join();
    const image = output.querySelector('img');
    return image && image.complete && image.naturalWidth ? image.src : null;
};
const soon = () => new Promise((done) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = done;
    channel.port2.postMessage(0);
});
const press = (output, key) => output.querySelector('.noUi-handle')
    .dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
"""
ONE_BY_ONE = f"""async (output, moves) => {{
    {SEE}
    press(output, 'Home');
    await new Promise((done) => setTimeout(done, 500));
    const found = [];
    for (let move = 0; move < moves; move++) {{
        await new Promise((done) => setTimeout(done, 40));
        const before = see(output), began = performance.now();
        press(output, move % 40 < 20 ? 'PageUp' : 'PageDown');
        for (;;) {{
            const now = see(output);
            if (now !== null && now !== before) break;
            if (performance.now() - began > 5000) throw new Error('no new picture within 5 s');
            await soon();
        }}
        found.push(performance.now() - began);
    }}
    return found;
}}"""
# A drag: in each frame of the screen the mouse reports itself once, as a real one does, and the picture is looked at.
# The events are made in the page. Sent by playwright, one after the other, they come 10 to 20 times a second on a busy
# machine, which would be measured instead: each gives a new picture. What is painted is noted on its way to the canvas,
# as reading it back in each frame would hold up the next one; the last is read back.
DRAGGED = f"""async (output, seconds) => {{
    {SEE}
    const handle = output.querySelector('.noUi-handle'), base = output.querySelector('.noUi-base');
    const track = base.getBoundingClientRect(), row = track.y + track.height / 2;
    const frame = () => new Promise(requestAnimationFrame);
    const mouse = (target, kind, share) => target.dispatchEvent(new MouseEvent(kind, {{
        bubbles: true, cancelable: true, clientX: track.x + share * track.width, clientY: row, buttons: 1,
    }}));
    const readout = output.querySelector('.widget-readout'), start = handle.getBoundingClientRect();
    const canvas = output.querySelector('.vae-picture canvas'), pen = CanvasRenderingContext2D.prototype;
    const put = pen.putImageData;
    let painted = see(output);
    pen.putImageData = function (data, ...place) {{
        if (this.canvas === canvas) painted = data.data.join();
        put.call(this, data, ...place);
    }};
    mouse(handle.firstElementChild, 'mousedown', (start.x + start.width / 2 - track.x) / track.width);
    const began = performance.now();
    let last = painted, value = readout.textContent, pictures = 0, moves = 0, frames = 0, passed = 0;
    for (; passed < seconds; frames++) {{
        await frame();
        passed = (performance.now() - began) / 1000;
        const now = canvas ? painted : see(output);
        if (now !== null && now !== last) {{ last = now; pictures++; }}
        mouse(document.body, 'mousemove', 0.1 + 0.8 * (1 - Math.abs(passed % 2 - 1))); // a second there, a second back
        if (readout.textContent !== value) {{ value = readout.textContent; moves++; }}
    }}
    mouse(document.body, 'mouseup', 0.5);
    await frame();
    pen.putImageData = put;
    if (moves < 0.8 * frames) throw new Error(`the slider followed ${{moves}} of ${{frames}} moves`);
    if (canvas && painted !== see(output)) throw new Error('the canvas does not show what was painted last');
    return [pictures / passed, frames / passed];
}}"""
# What this machine can do at most, here: one small canvas is painted anew in each frame, and nothing else happens.
CEILING = """async (seconds) => {
    const canvas = document.createElement('canvas'), context = canvas.getContext('2d');
    canvas.width = canvas.height = 28;
    document.body.append(canvas);
    let frames = 0;
    for (const until = performance.now() + 1000 * seconds; performance.now() < until; frames++) {
        await new Promise(requestAnimationFrame);
        context.fillStyle = `rgb(${frames % 256}, 0, 0)`;
        context.fillRect(0, 0, 28, 28);
    }
    canvas.remove();
    return frames / seconds;
}"""


def shown(opened: NotebookPage, index: int) -> Locator:
    """The slider and the picture of a way, once they have been moved: the first drag of a page takes longer."""
    cell = opened.page.locator(".jp-Cell").nth(1 + index)
    cell.scroll_into_view_if_needed()
    # The widget of `interact` holds its slider and its output: the smallest element with both.
    output = cell.locator(".jp-OutputArea-output:has(.noUi-handle)").first
    output.evaluate(DRAGGED, 1)
    return output


def alone(opened: NotebookPage) -> float:
    """Frames a second while the slider of `interact` is dragged and no picture follows, for the kernel is busy."""
    return round(shown(opened, list(WAYS).index("interact + imshow")).evaluate(DRAGGED, SECONDS)[1], 1)


def measure(opened: NotebookPage, busy: bool) -> dict:
    """Milliseconds to the picture (median, 95 %), and pictures a second while dragging, of each way and decoder."""
    found = {}
    for index, (kind, way) in enumerate((kind, way) for kind in ("mlp", "conv") for way in WAYS):
        if busy and way != "in the browser":
            continue
        output = shown(opened, index)
        output.evaluate(ONE_BY_ONE, 5)
        times = sorted(output.evaluate(ONE_BY_ONE, MOVES))
        pictures, frames = output.evaluate(DRAGGED, SECONDS)
        found[f"{kind}, {way}"] = {
            "median_ms": round(statistics.median(times), 2),
            "p95_ms": round(times[int(0.95 * len(times))], 2),
            "pictures_per_s": round(pictures, 1),
            "frames_per_s": round(frames, 1),
        }
    return found


def run() -> dict:
    """The whole measurement."""
    cells = [SETUP, *(way.format(kind) for kind in ("mlp", "conv") for way in WAYS.values()), SHARE, BUSY]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        root, private = Path(folder, "notebooks"), Path(folder, "private")
        root.mkdir(), private.mkdir()
        write_notebook(root / "latency.ipynb", cells)
        browser = playwright.chromium.launch(**launch_arguments(find_browser()))
        with LabServer(root, private) as server:
            opened = NotebookPage(browser.new_page(viewport={"width": 1280, "height": 1000}), server, "latency.ipynb")
            opened.run_through(SHARE)
            shares = opened.page.locator(".jp-Cell").nth(len(cells) - 2).locator(".jp-OutputArea-output").inner_text()
            ceiling = round(opened.page.evaluate(CEILING, SECONDS), 1)
            idle = measure(opened, busy=False)
            opened.start_cell(BUSY)
            busy_ceiling = round(opened.page.evaluate(CEILING, SECONDS), 1)
            busy, bare = measure(opened, busy=True), alone(opened)
        version = browser.version
        browser.close()
    python_ms = {kind: round(float(text), 2) for kind, text in zip(("mlp", "conv"), shares.split(), strict=True)}
    load = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None  # a busy machine flatters the browser
    found = {"idle": idle, "busy_kernel": busy, "ceiling_per_s": ceiling, "python_ms_per_move": python_ms}
    found |= {"busy_ceiling_per_s": busy_ceiling, "busy_slider_alone_per_s": bare}
    return found | {"load": load, "chromium": version}


def table(results: dict) -> str:
    """The results as text."""
    lines = [f"{'way':36}{'median ms':>10}{'95 % ms':>10}{'pictures/s':>12}{'times faster':>14}"]
    for state, note in (("idle", ""), ("busy_kernel", ", busy kernel")):
        for name, row in results[state].items():
            usual = results["idle"][f"{name.split(',')[0]}, interact + imshow"]["median_ms"]
            numbers = f"{row['median_ms']:10.2f}{row['p95_ms']:10.2f}{row['pictures_per_s']:12.1f}"
            lines.append(f"{name + note:36}{numbers}{usual / row['median_ms']:14.1f}")
    lines.append(
        f"a canvas painted anew in each frame, and nothing else: {results['ceiling_per_s']:.1f} a second, with a busy "
        f"kernel {results['busy_ceiling_per_s']:.1f}; there, a slider without a picture: "
        f"{results['busy_slider_alone_per_s']:.1f}"
    )
    share = ", ".join(f"{kind} {value:.2f} ms" for kind, value in results["python_ms_per_move"].items())
    return "\n".join([*lines, f"Python's share of a move by the kernel: {share}"])


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    measured = run()
    print(table(measured))
    report.save("slider_latency", measured)
