"""Downloads against mirrors on this computer that fail, lie, fall silent or hang up, and processes that are killed."""

import gzip
import os
import re
import signal
import threading
import time
from pathlib import Path

import pytest
import torch

from vae_utils import downloads, mirrors
from vae_utils.downloads import SOURCES, data_folder, raw_files
from vae_utils.whole_files import FORGOTTEN, UNFINISHED

from .conftest import CONTENT, FILE, Child

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def files_in(folder):
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file())


def test_a_good_mirror_gives_the_decompressed_file(fetch, tmp_path, capsys):
    path = fetch("good")
    assert path == tmp_path / "MNIST" / "raw" / FILE
    assert path.read_bytes() == CONTENT
    assert list(path.parent.iterdir()) == [path]  # no archive and no workshop stay behind
    assert FILE in capsys.readouterr().err  # the bar


def test_a_good_file_is_not_fetched_again(fetch, server):
    fetch("good")
    fetch("good")
    assert server.asked == [f"/good/{FILE}.gz"]


def test_a_server_that_unpacks_is_as_good(fetch):
    assert fetch("unpacked").read_bytes() == CONTENT


# Rows 1 to 6: mirrors -------------------------------------------------------------------------------------------------

REASONS = {
    "none": "404",
    "refused": "403",
    "busy": "503",
    "web-page": "a web page came instead of the file",
    "packed-page": "a web page came instead of the file",
    "json": "wrong sha256",
    "wrong": "wrong sha256",
    "truncated": "EOFError",
    "corrupted": "BadGzipFile|zlib.error|wrong sha256",  # whichever notices first
    "hangs-up": "IncompleteRead",
    "resets": "Connection",
    "resets-inside": "Connection",
    "empty": "wrong sha256",
    "bomb": "more than 200000 bytes",
    "endless": "more than 200000 bytes",
}
SLOW_REASONS = {
    "silent": "timed out",
    "stalls": "timed out",
    "drips": "too slow: 0 bytes",  # not one chunk arrives
    "drips-headers": "too slow: 0 bytes",
    "slow": "too slow: [1-9]",
}


@pytest.fixture
def impatient(monkeypatch, request):
    """A file may have 200,000 bytes, and the bad mirror is not waited for long."""
    monkeypatch.setattr(mirrors, "LARGEST", 200_000)
    monkeypatch.setattr(mirrors, "SLOWEST", 10**6)
    mirror = getattr(request.node, "callspec", None) and next(iter(request.node.callspec.params.values()))
    original = mirrors._download

    def download(url, *others):
        slow = mirror in SLOW_REASONS and f"/{mirror}/" in url  # the others have all the time that they need
        monkeypatch.setattr(mirrors, "SECONDS_OF_SILENCE", 0.8 if slow else 15)
        monkeypatch.setattr(mirrors, "SECONDS_OF_PATIENCE", 0.5 if slow and mirror not in ("silent", "stalls") else 60)
        monkeypatch.setattr(mirrors, "CHUNK", 64 if mirror == "slow" else 1024)
        original(url, *others)

    monkeypatch.setattr(mirrors, "_download", download)


@pytest.mark.parametrize("bad", [*REASONS, *SLOW_REASONS])
def test_the_next_mirror_is_asked_and_that_is_said_in_a_line(fetch, server, capsys, impatient, bad):
    start = time.monotonic()
    assert fetch(bad, "good").read_bytes() == CONTENT
    assert time.monotonic() - start < 10  # the silent server says nothing for 20 seconds
    assert [path.split("/")[1] for path in server.asked] == [bad, "good"]
    lines = [line for line in capsys.readouterr().err.splitlines() if "nothing usable" in line]
    assert len(lines) == 1 and FILE in lines[0] and f"/{bad}/" in lines[0]


def test_all_mirrors_down_names_each_with_its_reason(fetch, server, tmp_path, impatient):
    with pytest.raises(OSError, match=f"could not download {FILE} from any mirror") as caught:
        fetch(*REASONS)
    message = str(caught.value)
    lines = {line.split("/")[3]: line for line in message.splitlines() if line.startswith("  http")}
    assert list(lines) == list(REASONS)
    assert all(f"http://127.0.0.1:{server.server_port}/" in line for line in lines.values())
    for mirror, reason in REASONS.items():
        assert re.search(reason, lines[mirror]), lines[mirror]
    assert 'load_images("digits")' in message and str(tmp_path / "MNIST" / "raw") in message
    assert files_in(tmp_path) == []


@pytest.mark.parametrize("mirror", SLOW_REASONS)
def test_a_slow_mirror_is_told_as_such(fetch, impatient, monkeypatch, mirror):
    monkeypatch.setattr(mirrors, "ROUNDS", 1)
    with pytest.raises(OSError, match=SLOW_REASONS[mirror]):
        fetch(mirror)


def test_a_connection_that_broke_is_tried_again(fetch, server):
    assert fetch("fails-once").read_bytes() == CONTENT
    assert len(server.asked) == 2


def test_a_port_where_nobody_listens_is_a_reason_like_others(fetch, server, monkeypatch):
    path = fetch("good")
    path.unlink()
    nobody = downloads.Source("MNIST", ("http://127.0.0.1:9/", "http://no.such.host.invalid/"), SOURCES["mnist"].sha256)
    monkeypatch.setitem(SOURCES, "mnist", nobody)
    with pytest.raises(OSError, match="(?s)127.0.0.1:9/.*ConnectionError.*no.such.host.invalid.*Without a network"):
        raw_files("mnist", path.parents[2])


def test_a_file_that_was_there_stays_when_nothing_better_comes(fetch):
    path = fetch("good")
    path.write_bytes(b"my own images")
    with pytest.raises(OSError, match="from any mirror"):
        fetch("wrong")
    assert path.read_bytes() == b"my own images"
    assert files_in(path.parent) == [FILE]


# Row 7: what lies in the cache ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("damaged", [b"", CONTENT[:-1], b"\x01" + CONTENT[1:], CONTENT + b"\0"])
def test_a_damaged_file_is_set_aside_and_fetched_again(fetch, damaged):
    path = fetch("good")
    path.write_bytes(damaged)
    assert fetch("good").read_bytes() == CONTENT
    assert path.with_name(f"{FILE}.damaged").read_bytes() == damaged


def test_what_was_set_aside_before_is_not_overwritten(fetch):
    path = fetch("good")
    for damaged in (b"first", b"second", b"third"):
        path.write_bytes(damaged)
        fetch("good")
    assert path.read_bytes() == CONTENT
    kept = [path.with_name(f"{FILE}.damaged{end}").read_bytes() for end in ("", "-2", "-3")]
    assert kept == [b"first", b"second", b"third"]


def test_a_folder_in_the_place_of_the_file_is_set_aside(fetch):
    path = fetch("good")
    path.unlink()
    path.mkdir()
    (path / "mine").write_text("kept")
    assert fetch("good").read_bytes() == CONTENT
    assert (path.with_name(f"{FILE}.damaged") / "mine").read_text() == "kept"


@pytest.mark.skipif(os.name == "nt", reason="links need permission on Windows")
def test_links_are_followed_and_what_they_point_to_is_left_alone(fetch, tmp_path):
    path = fetch("good")
    elsewhere = tmp_path / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    assert fetch("none") == path  # good behind the link: no mirror is needed
    elsewhere.write_bytes(b"someone's")
    assert fetch("good").read_bytes() == CONTENT and elsewhere.read_bytes() == b"someone's"
    path.unlink()
    path.symlink_to(tmp_path / "nowhere")
    assert fetch("good").read_bytes() == CONTENT


# What lies in a folder packed --------------------------------------------------------------------------------------


@pytest.fixture
def packed_in(tmp_path, monkeypatch):
    """Puts the file, as .gz, into a folder; the cache of the user is elsewhere."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def put(folder, content=CONTENT):
        folder.mkdir(parents=True)
        (folder / f"{FILE}.gz").write_bytes(gzip.compress(content))
        return folder / f"{FILE}.gz"

    return put


@pytest.mark.parametrize("place", ["MNIST/raw", "MNIST", "raw", "."])
def test_packed_files_in_a_folder_are_unpacked_and_kept(fetch, server, tmp_path, packed_in, place):
    folder = tmp_path / "usb stick"
    archive = packed_in(folder / place)
    for _ in range(2):
        path = fetch("none", folder=folder)
        assert path == folder / "MNIST" / "raw" / FILE and path.read_bytes() == CONTENT
        assert len(files_in(folder)) == 2 and archive.exists()
    assert not server.asked
    path.write_bytes(b"mine")
    assert fetch("none", folder=folder).read_bytes() == CONTENT
    assert path.with_name(f"{FILE}.damaged").read_bytes() == b"mine" and not server.asked


def test_files_beside_each_other_are_found_without_torchvisions_folders(fetch, server, tmp_path):
    (tmp_path / FILE).write_bytes(CONTENT)
    assert fetch("none") == tmp_path / FILE and not server.asked


@needs_fork
def test_packed_files_in_a_read_only_folder_are_unpacked_into_the_cache(
    fetch, everyones_folder, packed_in, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(everyones_folder / "cache"))
    (everyones_folder / "cache").mkdir(mode=0o777)
    (everyones_folder / "cache").chmod(0o777)
    archive = packed_in(everyones_folder / "teacher's")
    archive.parent.chmod(0o555)

    def work():
        for _ in range(2):
            path = fetch("none", folder=archive.parent)
            assert path.is_relative_to(everyones_folder / "cache") and path.read_bytes() == CONTENT

    assert Child(work, unprivileged=True).end() == "done"
    (everyones_folder / "cache").chmod(0o555)
    monkeypatch.setenv("XDG_CACHE_HOME", str(everyones_folder / "cache" / "another"))
    told = Child(lambda: fetch("none", folder=archive.parent), unprivileged=True).end()
    assert told.startswith("CannotWrite: cannot write to ") and "VAE_UTILS_DATA" in told


@pytest.mark.parametrize("damage", ["cut", "flipped", "another file", "no gzip", "bomb"])
def test_a_damaged_packed_file_is_named_where_nothing_better_comes(fetch, tmp_path, packed_in, damage, monkeypatch):
    archive = packed_in(tmp_path / "MNIST" / "raw", CONTENT if damage != "bomb" else bytes(10**6))
    content = archive.read_bytes()
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 8
    changed = {"cut": content[:-9], "flipped": flipped, "another file": gzip.compress(b"."), "no gzip": b"<html>"}
    archive.write_bytes(changed.get(damage, content))
    monkeypatch.setattr(mirrors, "LARGEST", 200_000)
    with pytest.raises(OSError, match="is damaged, or not of this data set") as caught:
        fetch("none")
    told = str(caught.value)
    assert str(archive) in told and f"as it is or as .gz: {FILE}." in told
    assert fetch("good").read_bytes() == CONTENT


def test_all_that_is_missing_is_named(fetch, tmp_path, monkeypatch):
    fetch("good")
    known, digest = SOURCES["mnist"], SOURCES["mnist"].sha256[FILE]
    files = {FILE: digest, "second": digest, "third": digest, "fourth": digest}
    monkeypatch.setitem(SOURCES, "mnist", downloads.Source("MNIST", known.mirrors, files))
    (tmp_path / "MNIST" / "raw" / "third").write_bytes(CONTENT)
    monkeypatch.setattr(mirrors, "_download", lambda *_: (_ for _ in ()).throw(ValueError("no network")))
    with pytest.raises(OSError, match="missing into .*raw yourself, as it is or as .gz: second, fourth"):
        raw_files("mnist", tmp_path)


# Row 10: folders that cannot be written -------------------------------------------------------------------------------


def test_a_file_where_the_folder_should_be_names_the_variable(fetch, tmp_path, monkeypatch):
    in_the_way = tmp_path / "a file"
    in_the_way.write_text("no folder")
    with pytest.raises(OSError, match="cannot write to .*a file.*VAE_UTILS_DATA"):
        fetch("good", folder=in_the_way)
    monkeypatch.setenv("VAE_UTILS_DATA", str(in_the_way))
    with pytest.raises(OSError, match="cannot write to .*a file.*VAE_UTILS_DATA"):
        fetch("good", folder=None)
    assert in_the_way.read_text() == "no folder"
    with pytest.raises(OSError, match="cannot write to .*VAE_UTILS_DATA"):
        fetch("good", folder="a\0b")


@needs_fork
@pytest.mark.parametrize("locked", ["data", "data/MNIST/raw"])
def test_a_read_only_folder_names_the_variable(fetch, everyones_folder, locked):
    folder = everyones_folder / "data"
    (folder / "MNIST" / "raw").mkdir(parents=True)
    (everyones_folder / locked).chmod(0o555)
    if locked == "data":
        (folder / "MNIST" / "raw").rmdir()
        (folder / "MNIST").rmdir()
    told = Child(lambda: fetch("good", folder=folder), unprivileged=True).end()
    assert told.startswith("CannotWrite: cannot write to ") and "Permission denied" in told and "VAE_UTILS_DATA" in told
    assert str(folder) in told and files_in(folder) == []


@needs_fork
def test_a_good_file_in_a_read_only_folder_is_read(fetch, everyones_folder):
    path = fetch("good", folder=everyones_folder)
    path.parent.chmod(0o555)
    assert Child(lambda: fetch("none", folder=everyones_folder), unprivileged=True).end() == "done"


@needs_fork
def test_a_file_that_may_not_be_read_is_set_aside(fetch, everyones_folder):
    path = fetch("good", folder=everyones_folder)
    for parent in (path.parent, path.parents[1]):
        parent.chmod(0o777)
    path.chmod(0)
    assert Child(lambda: fetch("good", folder=everyones_folder), unprivileged=True).end() == "done"
    assert path.read_bytes() == CONTENT


@needs_fork
def test_a_folder_locked_during_the_download_names_the_variable(fetch, everyones_folder, monkeypatch):
    original = downloads.fetch_from_any

    def lock_then_return(urls, target, digest):
        fetched = original(urls, target, digest)
        target.parents[1].chmod(0o555)
        return fetched

    monkeypatch.setattr(downloads, "fetch_from_any", lock_then_return)
    told = Child(lambda: fetch("good", folder=everyones_folder), unprivileged=True).end()
    assert told.startswith("CannotWrite: cannot write to ") and "VAE_UTILS_DATA" in told
    raw = everyones_folder / "MNIST" / "raw"
    raw.chmod(0o777)
    assert not (raw / FILE).exists()


# Row 11: full disks and interrupts ------------------------------------------------------------------------------------


@needs_fork
def test_a_disk_that_is_full_says_so_and_asks_no_other_mirror(fetch, server, tmp_path, full_disk):
    told = Child(lambda: full_disk(lambda folder: fetch("good", "unpacked", folder=folder))).end()
    assert told.startswith("CannotWrite: cannot write to ") and "free some space" in told, told
    assert len(server.asked) == 1
    assert files_in(tmp_path) == []


@needs_fork
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT] if hasattr(signal, "SIGKILL") else [])
def test_ended_in_the_middle_leaves_nothing_under_the_final_name(fetch, server, tmp_path, number):
    def work():
        signal.signal(signal.SIGINT, signal.default_int_handler)
        fetch("stalls", folder=tmp_path)

    child = Child(work)
    assert server.mirrors.half_sent.wait(10)
    child.send(number)
    told = child.end()
    raw = tmp_path / "MNIST" / "raw"
    assert not (raw / FILE).exists()
    if number == signal.SIGINT:
        assert told.startswith("KeyboardInterrupt") and files_in(tmp_path) == []
    else:
        assert told == "" and len(list(raw.iterdir())) == 1  # what it worked on, which is cleared away a day later
    assert fetch("good").read_bytes() == CONTENT
    for left in raw.glob(f"{UNFINISHED}*"):
        os.utime(left, (0, time.time() - FORGOTTEN - 1))
    (raw / FILE).unlink()
    fetch("good")
    assert [path.name for path in raw.iterdir()] == [FILE]


# Row 12: two at once --------------------------------------------------------------------------------------------------


@needs_fork
@pytest.mark.parametrize("before", [None, b"damaged"])
def test_two_processes_at_once_leave_one_valid_file(fetch, tmp_path, before):
    path = fetch("good")
    for _ in range(3):
        path.unlink()
        if before:
            path.write_bytes(before)
        children = [Child(lambda: fetch("good", folder=tmp_path)) for _ in range(3)]
        assert [child.end() for child in children] == ["done"] * 3
        assert path.read_bytes() == CONTENT
    others = {file.name for file in path.parent.iterdir()} - {FILE}
    assert all(name.startswith(f"{FILE}.damaged") for name in others) and bool(others) == bool(before)


@needs_fork
def test_a_folder_that_goes_away_after_it_was_listed_is_no_fault(fetch, tmp_path):
    """What another process worked in is listed, and gone when its age is asked for: as a link to nothing is."""
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / f"{UNFINISHED}gone").symlink_to("nowhere")
    assert fetch("good", folder=tmp_path).read_bytes() == CONTENT


def test_a_reader_finds_the_file_while_it_is_replaced(fetch):
    """Setting a damaged file aside does not take it away first."""
    path = fetch("good")
    path.write_bytes(b"damaged")
    missing, done = [], threading.Event()

    def look():
        while not done.is_set():
            missing.append(not path.exists())

    watcher = threading.Thread(target=look)
    watcher.start()
    for _ in range(10):
        path.write_bytes(b"damaged")
        fetch("good")
    done.set()
    watcher.join()
    assert missing and not any(missing)


# Row 13 and around ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Été à Zürich/数据 1", "with 'quotes' & \"more\"#?%20", "-rf", "🙂"])
def test_folders_with_spaces_and_letters_of_any_language(fetch, tmp_path, name):
    if os.name == "nt" and '"' in name:
        pytest.skip("Windows has no such names")
    assert fetch("good", folder=tmp_path / name).read_bytes() == CONTENT
    assert files_in(tmp_path / name) == [str(Path("MNIST", "raw", FILE))]


def test_the_folder_is_the_argument_or_the_variable_or_the_cache(monkeypatch, tmp_path, as_a_learner):
    monkeypatch.setenv("VAE_UTILS_DATA", str(tmp_path / "variable"))
    assert data_folder(tmp_path / "argument") == tmp_path / "argument"
    assert data_folder() == tmp_path / "variable"
    monkeypatch.delenv("VAE_UTILS_DATA")
    assert "vae_utils" in str(data_folder())
    assert data_folder("~/somewhere") == Path.home() / "somewhere"
    with pytest.raises(TypeError, match="folder must be the path of a folder, received 3"):
        data_folder(3)
    with pytest.raises(TypeError, match="folder must be the path of a folder"):
        data_folder(torch.ones(3))


@pytest.mark.parametrize("name", ["cifar", "", None, ["mnist"]])
def test_an_unknown_name_is_refused_with_the_known_ones(as_a_learner, name):
    with pytest.raises(ValueError, match="name must be one of 'mnist', 'fashion-mnist', received"):
        raw_files(name)


def test_every_source_has_two_mirrors_and_four_hashes():
    for source in SOURCES.values():
        assert len(source.mirrors) >= 2 and all(mirror.endswith("/") for mirror in source.mirrors)
        assert len(set(source.sha256.values())) == 4
        assert all(len(digest) == 64 for digest in source.sha256.values())
