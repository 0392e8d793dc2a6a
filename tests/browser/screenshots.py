"""Look at a lesson as a learner sees it: open it in JupyterLab, run all cells, save the whole page as pictures.

python tests/browser/screenshots.py notebooks/06_build_a_vae.ipynb --out screenshots
python tests/browser/screenshots.py notebooks/06_build_a_vae.ipynb --out screenshots --stored   (as it opens, not run)
"""

import argparse
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from lab import LabServer, NotebookPage, find_browser, launch_arguments
from playwright.sync_api import sync_playwright

SCROLLER = ".jp-WindowedPanel-outer"


def main() -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Save screenshots of a whole notebook as JupyterLab shows it.")
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, default=Path("screenshots"), help="folder for the pictures")
    parser.add_argument("--stored", action="store_true", help="do not run: show the outputs that are stored")
    parser.add_argument("--width", type=int, default=1100, help="width of the window in pixels")
    parser.add_argument("--height", type=int, default=1600, help="height of each picture in pixels")
    parser.add_argument("--seconds", type=float, default=300, help="longest time that Run All may take")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the server ends with this program
    executable = find_browser()
    if executable is None:
        print("No Chromium or Chrome found: install one, or name it in the variable CHROMIUM.", file=sys.stderr)
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    failed = False
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        root, private = Path(folder, "notebooks"), Path(folder, "private")
        root.mkdir(), private.mkdir()
        for notebook in options.notebooks:
            shutil.copy(notebook, root)
        browser = playwright.chromium.launch(**launch_arguments(executable))
        with LabServer(root, private) as server:
            for notebook in options.notebooks:
                page = browser.new_page(viewport={"width": options.width, "height": options.height})
                opened = NotebookPage(page, server, notebook.name)
                try:
                    if not options.stored:
                        opened.run_all(options.seconds)
                except AssertionError as problem:
                    print(f"{notebook.name}: {problem}", file=sys.stderr)
                    failed = True
                for path in photograph(page, options.out, notebook.stem):
                    print(path)
                page.close()
                server.delete_sessions()
        browser.close()
    return int(failed)


def photograph(page, folder: Path, name: str) -> list[Path]:
    """Scroll through the notebook and save one picture a windowful; returns the files."""
    page.wait_for_timeout(1500)  # equations and pictures that arrive after the kernel is idle
    scroller, paths = page.locator(SCROLLER).first, []
    seen, total = scroller.evaluate("element => [element.clientHeight, element.scrollHeight]")
    for old in folder.glob(f"{name}-[0-9][0-9].png"):
        old.unlink()
    for number, top in enumerate(range(0, max(total, 1), max(seen - 40, 1)), start=1):
        scroller.evaluate("(element, top) => element.scrollTo(0, top)", top)
        page.wait_for_timeout(200)
        paths.append(folder / f"{name}-{number:02d}.png")
        scroller.screenshot(path=paths[-1])
        if top + seen >= total:
            break
    return paths


if __name__ == "__main__":
    sys.exit(main())
