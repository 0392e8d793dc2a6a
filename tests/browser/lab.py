"""A Jupyter server of its own and a notebook opened in it by a real browser, for the tests and for screenshots.py.

What this file is not: a JupyterLab client library. It does what a learner does: open, run all, drag a slider, look.
"""

import base64
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import numpy as np

BROWSER_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
BROWSER_PATHS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
)
# What JupyterLab would ask a fresh user, and what keeps cells outside the window from being drawn.
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none", "scrollPastEnd": False},
}
# The current notebook's panel; `--expose-app-in-browser` puts the application there.
PANEL = "window.jupyterapp.shell.currentWidget"
STATUS = f"{PANEL}.sessionContext.session?.kernel?.status"
READY = f"""() => {{
    const session = {PANEL}?.sessionContext;
    return {PANEL}?.context?.isReady && session?.isReady && session.session?.kernel?.connectionStatus === 'connected'
        && session.session.kernel.status === 'idle';
}}"""
RUN_ALL = """() => {
    window.runFinished = false;
    void window.jupyterapp.commands.execute('notebook:run-all-cells').then(() => { window.runFinished = true; });
}"""
ERRORS = f"""() => {PANEL}.content.widgets.map((shown) => shown.model).flatMap((cell, index) =>
    cell.type !== 'code' ? [] : cell.sharedModel.toJSON().outputs.filter(output => output.output_type === 'error')
        .map(output => `cell ${{index + 1}}: ${{output.ename}}: ${{output.evalue}}`))"""
# ipywidgets holds a slider's next value back until the kernel has answered to the last, and a page may ask for more
# when it has an answer: hence several questions, one after the other.
ANSWERED = f"""async () => {{
    const frame = () => new Promise(requestAnimationFrame);
    for (let round = 0; round < 4; round++) {{
        await {PANEL}.sessionContext.session.kernel.requestKernelInfo();
        await frame();
    }}
    await frame();
}}"""
PIXELS = """async picture => {
    // Rejected while another picture takes its place; what is there then is looked at again.
    for (let left = 100; left && picture.tagName === 'IMG'; left--) {
        if (await picture.decode().then(() => true, () => false)) break;
        await new Promise(requestAnimationFrame);
    }
    const copy = document.createElement('canvas');
    copy.width = picture.naturalWidth || picture.width;
    copy.height = picture.naturalHeight || picture.height;
    const context = copy.getContext('2d');
    context.drawImage(picture, 0, 0);
    const bytes = context.getImageData(0, 0, copy.width, copy.height).data;
    let text = '';
    for (let start = 0; start < bytes.length; start += 32768)
        text += String.fromCharCode(...bytes.subarray(start, start + 32768));
    return [copy.height, copy.width, btoa(text)];
}"""


def find_browser() -> str | None:
    """The Chromium to use: the variable CHROMIUM if set, else one of the usual names and places, else None."""
    if named := os.environ.get("CHROMIUM"):
        return shutil.which(named)
    found = (shutil.which(name) for name in (*BROWSER_NAMES, *BROWSER_PATHS))
    return next((path for path in found if path), None)


def launch_arguments(executable: str) -> dict:
    """Keyword arguments for playwright.chromium.launch."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    # Chromium's sandbox refuses to start as root; containers have a small /dev/shm.
    return {"executable_path": executable, "args": ["--disable-dev-shm-usage"] + ["--no-sandbox"] * is_root}


class LabServer:
    """JupyterLab on a free port over `root`, with settings, data and kernels' files in `private`; a context manager.

    Args:
        root: the folder whose notebooks it opens.
        private: an empty folder of its own.
        environment: further environment variables for it and its kernels.
        python: the Python in which it and its kernels run; this one by default.
        application: the module with the pages, "jupyterlab" or "notebook" (version 7).
    """

    def __init__(
        self,
        root: Path,
        private: Path,
        environment: dict[str, str] | None = None,
        python: str = sys.executable,
        application: str = "jupyterlab",
    ) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.root, self.token, self.url = Path(root), secrets.token_hex(16), f"http://127.0.0.1:{port}"
        self.page = {"jupyterlab": "doc/tree", "notebook": "notebooks"}[application]
        settings = private / "settings"
        for name, values in SETTINGS.items():
            file = settings / "@jupyterlab" / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values), encoding="utf-8")
        own = {
            "JUPYTER_CONFIG_DIR": private / "config",
            "JUPYTER_DATA_DIR": private / "data",
            "JUPYTER_RUNTIME_DIR": private / "runtime",
            "IPYTHONDIR": private / "ipython",
            "JUPYTERLAB_SETTINGS_DIR": settings,
            "JUPYTERLAB_WORKSPACES_DIR": private / "workspaces",
        }
        self.log = private / "server.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [python, "-m", application, "--no-browser", "--allow-root", "--expose-app-in-browser"]
                + [f"--ServerApp.root_dir={root}", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
                + [f"--IdentityProvider.token={self.token}"],
                env={**os.environ, **(environment or {}), **{name: str(path) for name, path in own.items()}},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> "LabServer":
        deadline = time.monotonic() + 90
        while True:
            try:
                self.request("GET", "api/status")
                return self
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise RuntimeError(f"JupyterLab did not start:\n{self.log.read_text()[-3000:]}") from None
                time.sleep(0.2)

    def __exit__(self, *_: object) -> None:
        try:
            self.delete_sessions()
        finally:
            self.stop()

    def stop(self) -> None:
        """End the server."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def request(self, method: str, path: str) -> bytes:
        """One call of the server's REST interface."""
        request = urllib.request.Request(f"{self.url}/{path}", method=method)
        request.add_header("Authorization", f"token {self.token}")
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.read()

    def delete_sessions(self) -> None:
        """Close all notebooks' sessions, and so end their kernels."""
        for session in json.loads(self.request("GET", "api/sessions")):
            self.request("DELETE", f"api/sessions/{session['id']}")


def write_notebook(path: Path, cells: list[str]) -> None:
    """Write a notebook with these code cells."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)


class NotebookPage:
    """One notebook open in a browser page."""

    def __init__(self, page, server: LabServer, name: str) -> None:
        self.page = page
        page.goto(f"{server.url}/{server.page}/{name}?token={server.token}&reset")
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        page.wait_for_function(READY, timeout=60_000)

    def run_all(self, seconds: float = 120) -> None:
        """Run all cells; raises AssertionError if one failed."""
        self.page.evaluate(RUN_ALL)
        self.page.wait_for_function("() => window.runFinished", timeout=seconds * 1000)
        self.page.wait_for_function(READY, timeout=60_000)
        errors = self.page.evaluate(ERRORS)
        assert not errors, "Run All in JupyterLab failed in " + "; ".join(errors)

    def run_through(self, words: str, seconds: float = 120) -> None:
        """Run the cells from the top to the first that contains `words`, that one included."""
        self._go_to_cell(words, 1)
        self.page.evaluate(RUN_ALL.replace("run-all-cells", "run-all-above"))
        self._finish(seconds)

    def run_cell(self, words: str, seconds: float = 120) -> None:
        """Run the first cell that contains `words`."""
        self.start_cell(words)
        self._finish(seconds)

    def start_cell(self, words: str) -> None:
        """Begin to run the first cell that contains `words`, and wait until the kernel is busy or has finished."""
        self._go_to_cell(words)
        self.page.evaluate(RUN_ALL.replace("run-all-cells", "run-cell"))
        self.page.wait_for_function(f"() => window.runFinished || {STATUS} === 'busy'", timeout=60_000)

    def shut_kernel_down(self) -> None:
        """End the kernel as the menu does."""
        self.page.evaluate(f"() => {PANEL}.sessionContext.shutdown()")
        self.page.wait_for_function(f"() => ![ 'idle', 'busy' ].includes({STATUS})", timeout=60_000)

    def _go_to_cell(self, words: str, further: int = 0) -> None:
        position = f"""([words, further]) => {{
            const cells = {PANEL}.content.widgets.map((shown) => shown.model.sharedModel.toJSON().source);
            const found = cells.findIndex((source) => String(source).includes(words));
            {PANEL}.content.activeCellIndex = found + further;
        }}"""
        self.page.evaluate(position, [words, further])

    def _finish(self, seconds: float) -> None:
        self.page.wait_for_function("() => window.runFinished", timeout=seconds * 1000)
        self.page.wait_for_function(READY, timeout=60_000)

    def answered(self) -> None:
        """Wait until the kernel has answered to all that was sent to it, and what came of it is drawn."""
        self.page.evaluate(ANSWERED)

    def drag_slider(self, slider, fraction: float, steps: int = 8) -> None:
        """Drag the handle of an ipywidgets slider (a locator) with the mouse to a fraction 0..1 of its track."""
        handle = slider.locator(".noUi-handle, .ui-slider-handle").first
        handle.scroll_into_view_if_needed()
        box, track = handle.bounding_box(), slider.locator(".noUi-base, .ui-slider").first.bounding_box()
        row = box["y"] + box["height"] / 2
        self.page.mouse.move(box["x"] + box["width"] / 2, row)
        self.page.mouse.down()
        beyond = {0: -20, 1: 20}.get(fraction, 0)  # the handle may be held off its middle, and stops at the ends
        self.page.mouse.move(track["x"] + fraction * track["width"] + beyond, row, steps=steps)
        self.page.mouse.up()

    @staticmethod
    def pixels(picture) -> np.ndarray:
        """The pixels (H, W, 4), 0 to 255, of an <img> or <canvas> (a locator), at its own resolution."""
        height, width, encoded = picture.evaluate(PIXELS)
        return np.frombuffer(base64.b64decode(encoded), np.uint8).reshape(height, width, 4).copy()

    def changed_pixels(self, picture, before: np.ndarray, seconds: float = 60) -> np.ndarray:
        """Wait until the picture differs from `before`; returns its new pixels, or raises AssertionError."""
        deadline = time.monotonic() + seconds
        while True:
            now = self.pixels(picture)
            if now.shape != before.shape or (now != before).any():
                return now
            assert time.monotonic() < deadline, f"the picture did not change within {seconds:g} s"
            self.page.wait_for_timeout(50)

    def settled_pixels(self, picture, still: float = 1.0) -> np.ndarray:
        """The pixels of a picture once the kernel has answered and they have not changed for `still` seconds."""
        self.answered()
        now, since = self.pixels(picture), time.monotonic()
        while time.monotonic() - since < still:
            self.page.wait_for_timeout(50)
            before, now = now, self.pixels(picture)
            if before.shape != now.shape or (before != now).any():
                since = time.monotonic()
        return now
