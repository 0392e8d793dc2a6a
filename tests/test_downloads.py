"""Downloads against mirrors on this computer that work, fail, lie, fall silent or hang up."""

import functools
import gzip
import hashlib
import http.server
import os
import threading
import time
from pathlib import Path

import pytest

from vae_utils import downloads
from vae_utils.downloads import SOURCES, Source, data_folder, raw_files

CONTENT = bytes(range(256)) * 40
FILE = "train-images-idx3-ubyte"


class Mirrors(http.server.SimpleHTTPRequestHandler):
    """One server, one mirror a folder: /good, /web-page, /wrong, /truncated, /hangs-up, /silent, /busy; else 404."""

    asked: list[str]
    released: threading.Event

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.asked.append(self.path)
        packed = gzip.compress(CONTENT)
        mirror = self.path.split("/")[1]
        if mirror == "silent":
            self.released.wait(20)
            return
        bodies = {
            "good": packed,
            "web-page": b"<!doctype html><title>Please log in</title>",
            "wrong": gzip.compress(b"another file"),
            "truncated": packed[:-20],
            "hangs-up": packed,
            "empty": b"",
        }
        if mirror not in bodies:
            self.send_error(503 if mirror == "busy" else 404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(bodies[mirror])))
        self.end_headers()
        self.wfile.write(bodies[mirror][:10] if mirror == "hangs-up" else bodies[mirror])


@pytest.fixture
def server():
    handler = type("Handler", (Mirrors,), {"asked": [], "released": threading.Event()})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=functools.partial(running.serve_forever, poll_interval=0.01))
        thread.start()
        running.mirrors, running.asked = handler, handler.asked
        yield running
        handler.released.set()
        running.shutdown()
        thread.join()


@pytest.fixture
def fetch(server, monkeypatch, tmp_path):
    """Fetch the one file of a data set from the named mirrors; its path."""

    def get(*mirrors, folder=tmp_path):
        base = f"http://127.0.0.1:{server.server_port}"
        digest = hashlib.sha256(CONTENT).hexdigest()
        urls = tuple(f"{base}/{mirror}/" for mirror in mirrors)
        monkeypatch.setitem(SOURCES, "mnist", Source("MNIST", urls, {FILE: digest}))
        return raw_files("mnist", folder)[FILE]

    return get


def files_in(folder):
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file())


def test_a_good_mirror_gives_the_decompressed_file(fetch, tmp_path):
    path = fetch("good")
    assert path == tmp_path / "MNIST" / "raw" / FILE
    assert path.read_bytes() == CONTENT
    assert list(path.parent.iterdir()) == [path]  # no archive and no workshop stay behind


def test_a_good_file_is_not_fetched_again(fetch, server):
    fetch("good")
    fetch("good")
    assert server.asked == [f"/good/{FILE}.gz"]


@pytest.mark.parametrize("bad", ["none", "busy", "web-page", "wrong", "truncated", "hangs-up", "empty"])
def test_the_next_mirror_is_asked_and_that_is_said_in_a_line(fetch, server, capsys, bad):
    assert fetch(bad, "good").read_bytes() == CONTENT
    assert [path.split("/")[1] for path in server.asked] == [bad, "good"]
    lines = [line for line in capsys.readouterr().err.splitlines() if "nothing usable" in line]
    assert len(lines) == 1 and FILE in lines[0] and f"/{bad}/" in lines[0]


def test_a_silent_mirror_is_given_up(fetch, monkeypatch):
    monkeypatch.setattr(downloads, "SECONDS_OF_SILENCE", 0.3)
    start = time.monotonic()
    assert fetch("silent", "good").read_bytes() == CONTENT
    assert time.monotonic() - start < 10  # the server says nothing for 20 seconds


def test_all_mirrors_down_names_each_with_its_reason(fetch, server, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "SECONDS_OF_SILENCE", 0.3)
    with pytest.raises(OSError, match=f"could not download {FILE} from any mirror") as caught:
        fetch("none", "busy", "web-page", "wrong", "truncated", "hangs-up", "empty", "silent")
    message = str(caught.value)
    lines = {line.split("/")[3]: line for line in message.splitlines() if line.startswith("  http")}
    assert list(lines) == ["none", "busy", "web-page", "wrong", "truncated", "hangs-up", "empty", "silent"]
    assert all(f"http://127.0.0.1:{server.server_port}/" in line for line in lines.values())
    for mirror, reason in {
        "none": "404",
        "busy": "503",
        "web-page": "a web page came instead of the file",
        "wrong": "wrong sha256",
        "truncated": "EOFError",
        "hangs-up": "IncompleteRead",
        "silent": "timed out",
    }.items():
        assert reason in lines[mirror], lines[mirror]
    assert 'load_images("digits")' in message and str(tmp_path / "MNIST" / "raw") in message
    assert files_in(tmp_path) == []


@pytest.mark.parametrize("damaged", [b"", CONTENT[:-1], b"\x01" + CONTENT[1:]])
def test_a_damaged_file_is_set_aside_and_fetched_again(fetch, damaged):
    path = fetch("good")
    path.write_bytes(damaged)
    assert fetch("good").read_bytes() == CONTENT
    assert path.with_name(f"{FILE}.damaged").read_bytes() == damaged


def test_a_file_that_was_there_stays_when_nothing_better_comes(fetch):
    path = fetch("good")
    path.write_bytes(b"my own images")
    with pytest.raises(OSError, match="from any mirror"):
        fetch("wrong")
    assert path.read_bytes() == b"my own images"
    assert files_in(path.parent) == [FILE]


def test_folders_with_spaces_and_letters_of_any_language(fetch, tmp_path):
    folder = tmp_path / "Été à Zürich" / "数据 1"
    assert fetch("good", folder=folder).read_bytes() == CONTENT
    assert files_in(folder) == [str(Path("MNIST", "raw", FILE))]


def test_a_folder_that_cannot_be_written_names_the_variable(fetch, tmp_path, monkeypatch):
    in_the_way = tmp_path / "a file"
    in_the_way.write_text("no folder")
    with pytest.raises(OSError, match="cannot write to .*a file.*VAE_UTILS_DATA"):
        fetch("good", folder=in_the_way)

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(downloads.tempfile, "TemporaryDirectory", refuse)
    with pytest.raises(OSError, match=r"cannot write to .*Permission denied.*VAE_UTILS_DATA"):
        fetch("good")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the administrator may write everywhere")
def test_a_read_only_folder_names_the_variable(fetch, tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OSError, match="cannot write to .*VAE_UTILS_DATA"):
            fetch("good")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_an_end_in_the_middle_leaves_nothing_under_the_final_name(fetch, tmp_path, monkeypatch, error):
    def half(packed, unpacked):
        unpacked.write(CONTENT[:100])
        unpacked.flush()
        raise error

    monkeypatch.setattr(downloads.shutil, "copyfileobj", half)
    with pytest.raises(type(error)):
        fetch("good")
    assert files_in(tmp_path) == []


def test_two_downloads_at_once_leave_one_valid_file(fetch, server):
    path = fetch("good")
    for _ in range(3):
        path.unlink()
        errors = []

        def download(errors=errors):
            try:
                raw_files("mnist", path.parents[2])
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=download) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert path.read_bytes() == CONTENT


def test_the_folder_is_the_argument_or_the_variable_or_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("VAE_UTILS_DATA", str(tmp_path / "variable"))
    assert data_folder(tmp_path / "argument") == tmp_path / "argument"
    assert data_folder() == tmp_path / "variable"
    monkeypatch.delenv("VAE_UTILS_DATA")
    assert "vae_utils" in str(data_folder())
    assert data_folder("~/somewhere") == Path.home() / "somewhere"


def test_every_source_has_two_mirrors_and_four_hashes():
    for source in SOURCES.values():
        assert len(source.mirrors) >= 2 and all(mirror.endswith("/") for mirror in source.mirrors)
        assert len(set(source.sha256.values())) == 4
        assert all(len(digest) == 64 for digest in source.sha256.values())
