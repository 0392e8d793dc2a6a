"""The explorer page: how long until its first picture, and how many pictures a second while dragging.

notebooks/explorer.html, opened from disk in headless Chromium. Prints a table and writes results/explorer_page.json.

python benchmarks/explorer_page.py                  about a minute; on Linux, prefix OMP_NUM_THREADS=1
"""

import argparse
import os
import sys
import time
from pathlib import Path

import report
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "browser"))
from lab import find_browser, launch_arguments  # noqa: E402

PAGE = ROOT / "notebooks" / "explorer.html"
LOADS, SECONDS = 20, 3
SEE = """const see = (canvas) =>
    canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.join();"""
# A move that follows none in the frames before is drawn at once: milliseconds, median and 95 %.
SINGLE = """async (control) => {
    const frame = () => new Promise(requestAnimationFrame), took = [], box = control.getBoundingClientRect();
    control.setPointerCapture = () => {};
    for (let single = 0; single < 80; single++) {
        for (let quiet = 0; quiet < 4; quiet++) await frame();
        const share = 0.3 + 0.05 * (single % 9), began = performance.now();
        if (control.matches('input')) {
            control.value = share;
            control.dispatchEvent(new Event('input', { bubbles: true }));
        } else {
            const place = { clientX: box.left + share * box.width, clientY: box.top + box.height / 2 };
            control.dispatchEvent(new PointerEvent('pointermove', { ...place, buttons: 1, pointerId: 1 }));
        }
        took.push(performance.now() - began);
    }
    delete control.setPointerCapture;
    took.splice(0, 20); // the first ones, before the browser has compiled what runs often
    took.sort((a, b) => a - b);
    return [took[Math.floor(took.length / 2)], took[Math.floor(0.95 * took.length)]];
}"""
# As in slider_latency.py: in each frame, how many of the pictures are others than in the frame before?
WATCH = f"""(selector) => {{
    {SEE}
    const pictures = [...document.querySelectorAll(selector)];
    const counted = window.counted = {{ pictures: 0, frames: 0, moves: 0, last: pictures.map(see), on: true }};
    const moved = () => {{ counted.moves++; }};
    addEventListener('mousemove', moved, true);
    const frame = () => {{
        if (!counted.on) return removeEventListener('mousemove', moved, true);
        counted.frames++;
        const now = pictures.map(see);
        counted.pictures += now.filter((picture, index) => picture !== counted.last[index]).length / now.length;
        counted.last = now;
        requestAnimationFrame(frame);
    }};
    requestAnimationFrame(frame);
}}"""
WATCHED = """() => {
    const { pictures, moves, frames } = window.counted;
    window.counted.on = false;
    return [pictures, moves, frames];
}"""
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
    page.goto(PAGE.as_uri())
    page.wait_for_selector("html[data-complete]", state="attached", timeout=60_000)
    counted = {entry["name"]: entry["value"] for entry in counter.send("Performance.getMetrics")["metrics"]}
    shown = float(page.evaluate("document.documentElement.dataset.ready"))
    found = {"first_picture_ms": shown, "cpu_ms": 1000 * counted["TaskDuration"]}
    page.context.close()
    return found


def drag(page: Page, target: str, shown: str) -> dict[str, float]:
    """What a single move takes, and new pictures (of each canvas) and frames a second while a mouse drags."""
    control = page.locator(target)
    control.evaluate("(part) => part.scrollIntoView({ block: 'center', behavior: 'instant' })")
    median, late = control.evaluate(SINGLE)
    box, places = control.bounding_box(), [0.3, 0.7]
    row = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + places[-1] * box["width"], row)
    page.mouse.down()
    page.evaluate(WATCH, shown)
    began = time.monotonic()
    while (passed := time.monotonic() - began) < SECONDS:
        page.mouse.move(box["x"] + places[0] * box["width"], row, steps=60)
        places.reverse()
    pictures, moves, frames = (round(count / passed, 1) for count in page.evaluate(WATCHED))
    page.mouse.up()
    counts = {"pictures_per_s": pictures, "mouse_moves_per_s": moves, "frames_per_s": frames}
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
    head = ["dragging", "pictures/s", "mouse/s", "frames/s", "a move, ms", "95 %, ms"]
    report.table(head, [[name, *row.values()] for name, row in measured["dragging"].items()])
    report.save("explorer_page", measured)
