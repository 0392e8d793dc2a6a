"""The explorer page: how long until its first picture, and how many pictures a second while dragging.

notebooks/explorer.html, opened from disk in headless Chromium. Prints a table and writes results/explorer_page.json.

python benchmarks/explorer_page.py                  about a minute; on Linux, prefix OMP_NUM_THREADS=1
"""

import argparse
import os
import sys
from pathlib import Path

import report
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "browser"))
from lab import find_browser, launch_arguments  # noqa: E402

PAGE = ROOT / "notebooks" / "explorer.html"
LOADS, SECONDS = 20, 3
# When the first picture was shown, known once all is there.
COMPLETE = """new Promise((done) => {
    const { dataset } = document.documentElement;
    const look = () => 'complete' in dataset && done(Number(dataset.ready));
    new MutationObserver(look).observe(document.documentElement, { attributes: true });
    look();
})"""
# Moves a control to a share of its width, as a mouse that drags it does.
MOVE = """
const frame = () => new Promise(requestAnimationFrame);
const move = (control, share) => {
    if (control.matches('input')) {
        control.value = share;
        return control.dispatchEvent(new Event('input', { bubbles: true }));
    }
    const box = control.getBoundingClientRect();
    const place = { clientX: box.left + share * box.width, clientY: box.top + box.height / 2 };
    control.setPointerCapture = () => {}; // there is no pointer
    control.dispatchEvent(new PointerEvent('pointermove', { ...place, buttons: 1, pointerId: 1 }));
    delete control.setPointerCapture;
};
"""
# A move that follows none in the frames before is drawn at once: milliseconds, median and 95 %.
SINGLE = f"""async (control) => {{
    {MOVE}
    const took = [];
    for (let single = 0; single < 80; single++) {{
        for (let quiet = 0; quiet < 4; quiet++) await frame();
        const share = 0.3 + 0.05 * (single % 9), began = performance.now();
        move(control, share);
        took.push(performance.now() - began);
    }}
    took.splice(0, 20); // the first ones, before the browser has compiled what runs often
    took.sort((a, b) => a - b);
    return [took[Math.floor(took.length / 2)], took[Math.floor(0.95 * took.length)]];
}}"""
# As in slider_latency.py: in each frame a report of the mouse, made in the page, and how many pictures are others
# than in the frame before. They are noted on their way to the canvas, and the last are read back.
DRAGGED = f"""async (control, [selector, seconds]) => {{
    {MOVE}
    const see = (canvas) => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.join();
    const pictures = [...document.querySelectorAll(selector)], painted = pictures.map(see), last = [...painted];
    const pen = CanvasRenderingContext2D.prototype, put = pen.putImageData;
    pen.putImageData = function (data, ...place) {{
        const which = pictures.indexOf(this.canvas);
        if (which >= 0) painted[which] = data.data.join();
        put.call(this, data, ...place);
    }};
    const began = performance.now();
    let changes = 0, frames = 0, passed = 0;
    for (; passed < seconds; frames++) {{
        await frame();
        passed = (performance.now() - began) / 1000;
        pictures.forEach((_, which) => {{
            changes += painted[which] !== last[which];
            last[which] = painted[which];
        }});
        const share = 0.1 + 0.8 * (1 - Math.abs(passed % 2 - 1));  // a second there, a second back
        move(control, share);
    }}
    for (let quiet = 0; quiet < 10; quiet++) await frame();
    pen.putImageData = put;
    if (pictures.some((canvas, which) => see(canvas) !== painted[which])) throw new Error('a canvas shows another one');
    return [changes / pictures.length / passed, frames / passed];
}}"""
# What is dragged, and the pictures that follow it.
DRAGS = {
    "plane, K = 2": ("#two .vae canvas.vae-plane", "#two .vae canvas.decoded"),
    "slider, both K = 2": ("#two input", "#two canvas.decoded"),
    "slider, both K = 16": ("#sixteen input", "#sixteen canvas.decoded"),
    "plane, ten digits": ("#style canvas.vae-plane", "#style .ten canvas"),
}


def opened(browser: Browser) -> Page:
    """The page in a context of its own, without a network, standing still."""
    context = browser.new_context(offline=True, reduced_motion="reduce", viewport={"width": 1280, "height": 720})
    return context.new_page()


def load(browser: Browser) -> dict[str, float]:
    """One load: milliseconds until the first picture is shown, and CPU milliseconds of the page until all is there."""
    page = opened(browser)
    counter = page.context.new_cdp_session(page)
    counter.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(PAGE.as_uri(), wait_until="domcontentloaded")
    # Not by Playwright's own waiting, which brings a script of 330 kB into the page that is being measured.
    shown = counter.send("Runtime.evaluate", {"expression": COMPLETE, "awaitPromise": True, "timeout": 60_000})
    counted = {entry["name"]: entry["value"] for entry in counter.send("Performance.getMetrics")["metrics"]}
    found = {"first_picture_ms": shown["result"]["value"], "cpu_ms": 1000 * counted["TaskDuration"]}
    page.context.close()
    return found


def drag(page: Page, target: str, shown: str) -> dict[str, float]:
    """What a single move takes, and new pictures (of each canvas) and frames a second during a drag."""
    control = page.locator(target)
    control.evaluate("(part) => part.scrollIntoView({ block: 'center', behavior: 'instant' })")
    median, late = control.evaluate(SINGLE)
    pictures, frames = control.evaluate(DRAGGED, [shown, SECONDS])
    counts = {"pictures_per_s": round(pictures, 1), "frames_per_s": round(frames, 1)}
    return counts | {"move_ms": round(median, 2), "move_p95_ms": round(late, 2)}


def run() -> dict:
    """The whole measurement."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_arguments(find_browser()))
        loads = [load(browser) for _ in range(LOADS)]
        page = opened(browser)
        page.goto(PAGE.as_uri())
        page.wait_for_selector("html[data-complete]", state="attached", timeout=60_000)
        dragged = {name: drag(page, *what) for name, what in DRAGS.items()}
        version = browser.version
        browser.close()
    spreads = {key: report.spread([found[key] for found in loads], 0) for key in loads[0]}
    load_now = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
    return {**spreads, "dragging": dragged, "bytes": PAGE.stat().st_size, "load": load_now, "chromium": version}


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    measured = run()
    for what in ("first_picture_ms", "cpu_ms"):
        print(what, measured[what])
    head = ["dragging", "pictures/s", "frames/s", "a move, ms", "95 %, ms"]
    report.table(head, [[name, *row.values()] for name, row in measured["dragging"].items()])
    report.save("explorer_page", measured)
