"""What the tests of faults share: mirrors on this computer that misbehave, and processes that may be killed."""

import functools
import gzip
import hashlib
import http.server
import os
import socket
import struct
import subprocess
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vae_utils import mirrors
from vae_utils.downloads import SOURCES, Source, raw_files

CONTENT = bytes(range(256)) * 400
FILE = "train-images-idx3-ubyte"
PAGE = b"\n<!doctype html><title>Please log in</title>"


def bodies() -> dict[str, bytes]:
    """What each mirror that answers with 200 sends."""
    packed = gzip.compress(CONTENT, mtime=0)
    corrupted = bytearray(packed)
    corrupted[len(packed) // 2] ^= 16
    return {
        "good": packed,
        "unpacked": CONTENT,  # a proxy that unpacks
        "web-page": PAGE,
        "packed-page": gzip.compress(PAGE),
        "json": b'{"error": "try later"}',
        "wrong": gzip.compress(b"another file"),
        "truncated": packed[:-20],
        "corrupted": bytes(corrupted),
        "hangs-up": packed,
        "resets-inside": packed,
        "stalls": packed,
        "drips": packed,
        "drips-headers": packed,
        "slow": packed,
        "empty": b"",
        "bomb": gzip.compress(bytes(300_000)),
        "endless": bytes(300_000),
        "fails-once": packed,
    }


class Mirrors(http.server.SimpleHTTPRequestHandler):
    """One server, one mirror a folder: those of `bodies`, silent, resets, refused (403), busy (503); else 404."""

    asked: list[str]
    released: threading.Event
    half_sent: threading.Event

    def log_message(self, *_):
        pass

    def _reset(self):
        """End the connection with RST instead of FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.rfile, self.wfile = open(os.devnull, "rb"), open(os.devnull, "wb")
        self.close_connection = True

    def do_GET(self):
        self.asked.append(self.path)
        mirror = self.path.split("/")[1]
        if mirror == "silent":
            self.released.wait(20)
            return
        if mirror == "resets" or (mirror == "fails-once" and len(self.asked) == 1):
            self._reset()
            return
        if mirror not in bodies():
            self.send_error({"busy": 503, "refused": 403}.get(mirror, 404))
            return
        body = bodies()[mirror]
        if mirror == "drips-headers":
            self._drip(b"HTTP/1.0 200 OK\r\n" + b"X-Header: " + body)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        if mirror == "packed-page":
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        cut = {"hangs-up", "resets-inside", "stalls", "drips", "slow"}
        start = 0 if mirror in ("drips", "slow") else len(body) // 2
        self.wfile.write(body[:start] if mirror in cut else body)
        self.wfile.flush()
        self.half_sent.set()
        if mirror == "resets-inside":
            self._reset()
        if mirror == "stalls":
            self.released.wait(20)
        if mirror in ("drips", "slow"):
            self._drip(body, 1 if mirror == "drips" else 10)

    def _drip(self, content: bytes, size: int = 1):
        """Send so little every 30 milliseconds that no silence ever lasts."""
        for start in range(0, len(content), size):
            if self.released.wait(0.03):
                return
            self.wfile.write(content[start : start + size])
            self.wfile.flush()


@pytest.fixture
def server(monkeypatch) -> Iterator[http.server.ThreadingHTTPServer]:
    """The mirrors, running; `asked` are the paths that were asked for."""
    monkeypatch.setattr(mirrors, "PAUSE", 0.01)
    events = {"released": threading.Event(), "half_sent": threading.Event()}
    handler = type("Handler", (Mirrors,), {"asked": [], **events})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        running.handle_error = lambda *_: None  # clients that hang up are no news here
        thread = threading.Thread(target=functools.partial(running.serve_forever, poll_interval=0.01))
        thread.start()
        running.mirrors, running.asked = handler, handler.asked
        yield running
        handler.released.set()
        running.shutdown()
        thread.join()


@pytest.fixture
def fetch(server, monkeypatch, tmp_path) -> Callable[..., Path]:
    """Fetch the one file of a data set from the named mirrors; its path."""

    def get(*mirrors, folder=tmp_path):
        base = f"http://127.0.0.1:{server.server_port}"
        digest = hashlib.sha256(CONTENT).hexdigest()
        urls = tuple(f"{base}/{mirror}/" for mirror in mirrors)
        monkeypatch.setitem(SOURCES, "mnist", Source("MNIST", urls, {FILE: digest}))
        return raw_files("mnist", folder)[FILE]

    return get


@pytest.fixture
def everyones_folder() -> Iterator[Path]:
    """A folder that any user of this computer can reach; pytest's own can be reached by one."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)


class Child:
    """A process of its own that does some work and tells how it ended.

    Args:
        work: is called in the child.
        unprivileged: as nobody, if this is the administrator, whom no permission stops.
    """

    def __init__(self, work: Callable[[], object], unprivileged: bool = False) -> None:
        self._told, tells = os.pipe()
        self.id = os.fork()
        if self.id:
            os.close(tells)
            return
        text = "done"
        try:
            if unprivileged and os.geteuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            work()
        except BaseException as error:
            text = f"{type(error).__name__}: {error}\n{''.join(traceback.format_exception(error)[-3:])}"
        finally:
            os.write(tells, text.encode()[:60_000])
            os._exit(0)

    def send(self, number: int) -> None:
        """A signal."""
        os.kill(self.id, number)

    def end(self) -> str:
        """Wait for it; "done", or the error with its traceback; empty if it was killed."""
        with open(self._told, encoding="utf-8") as file:
            text = file.read()
        os.waitpid(self.id, 0)
        return text


@pytest.fixture(params=["a small disk", "a limit on the size of files"])
def full_disk(request, tmp_path) -> Callable[[Callable[[Path], object]], object]:
    """Calls a function, in a child, with a folder where 32 KiB fit and no more."""
    if request.param == "a small disk":
        place = tmp_path / "small"
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", "size=32k,mode=777", "tmpfs", str(place)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("only the administrator may mount a small disk")
        yield lambda work: work(place)
        subprocess.run(["umount", "-l", str(place)], check=True)
        return

    def limited(work):
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (32 * 1024, 32 * 1024))
        return work(tmp_path)

    yield limited
