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
# The time, from the beginning of the navigation, of the frame after the one in which the first pictures were drawn.
WATCH = """new MutationObserver((_, watching) => {
    if (!('ready' in (document.documentElement?.dataset ?? {}))) return;
    watching.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() => { globalThis.shownAt = performance.now(); }));
}).observe(document, { attributes: true, subtree: true });"""
# As in slider_latency.py: a move in each frame, and which of the pictures have changed in it.
DRAGGED = """async ([target, kind, shown, seconds]) => {
    const control = document.querySelector(target), pictures = [...document.querySelectorAll(shown)];
    control.scrollIntoView({ block: 'center', behavior: 'instant' });
    control.setPointerCapture = () => {};
    const see = (canvas) => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.join();
    const box = control.getBoundingClientRect();
    const at = (share) => ({ clientX: box.left + (0.3 + 0.4 * share) * box.width, clientY: box.top + box.height / 2,
        buttons: 1, bubbles: true, pointerId: 1 });
    const move = (share) => {
        if (kind === 'pointer') return control.dispatchEvent(new PointerEvent('pointermove', at(share)));
        control.value = share;
        return control.dispatchEvent(new Event('input', { bubbles: true }));
    };
    const frame = () => new Promise(requestAnimationFrame);
    move(0);
    const took = []; // a move that follows none in the frames before is drawn at once
    for (let single = 0; single < 60; single++) {
        for (let quiet = 0; quiet < 4; quiet++) await frame();
        const began = performance.now();
        move((single % 10) / 10);
        took.push(performance.now() - began);
    }
    const until = performance.now() + 1000 * seconds;
    let last = pictures.map(see), changed = 0, frames = 0;
    while (performance.now() < until) {
        move(Math.abs(((frames % 80) - 40) / 40));
        await frame();
        frames++;
        const now = pictures.map(see);
        changed += now.filter((picture, index) => picture !== last[index]).length;
        last = now;
    }
    took.splice(0, 20); // the first ones, before the browser has compiled what runs often
    took.sort((a, b) => a - b);
    return {
        pictures_per_s: changed / pictures.length / seconds, frames_per_s: frames / seconds,
        move_ms: took[Math.floor(took.length / 2)], move_p95_ms: took[Math.floor(0.95 * took.length)],
    };
}"""
# What is dragged, as what, and the pictures that follow it.
DRAGS = {
    "plane, K = 2": ("#two .vae canvas.vae-plane", "pointer", "#two .vae canvas.decoded"),
    "slider, both K = 2": ("#two input", "input", "#two canvas.decoded"),
    "slider, both K = 16": ("#sixteen input", "input", "#sixteen canvas.decoded"),
    "plane, ten digits": ("#style canvas.vae-plane", "pointer", "#style .ten canvas"),
}


def opened(browser: Browser) -> Page:
    """The page in a context of its own, without a network, standing still."""
    context = browser.new_context(offline=True, reduced_motion="reduce", viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.add_init_script(WATCH)
    return page


def load(browser: Browser) -> dict[str, float]:
    """One load: milliseconds until the first picture is shown, and CPU milliseconds of the page until all is there."""
    page = opened(browser)
    counter = page.context.new_cdp_session(page)
    counter.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(PAGE.as_uri())
    page.wait_for_selector("html[data-complete]", state="attached", timeout=60_000)
    counted = {entry["name"]: entry["value"] for entry in counter.send("Performance.getMetrics")["metrics"]}
    found = {"first_picture_ms": page.evaluate("shownAt"), "cpu_ms": 1000 * counted["TaskDuration"]}
    page.context.close()
    return found


def run() -> dict:
    """The whole measurement."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_arguments(find_browser()))
        loads = [load(browser) for _ in range(LOADS)]
        page = opened(browser)
        page.goto(PAGE.as_uri())
        page.wait_for_selector("html[data-complete]", state="attached", timeout=60_000)
        dragged = {}
        for name, (target, kind, shown) in DRAGS.items():
            found = page.evaluate(DRAGGED, [target, kind, shown, SECONDS])
            dragged[name] = {key: round(value, 2 if key.endswith("ms") else 1) for key, value in found.items()}
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
