"""Build the lessons: notebooks/source/NN_topic.py (jupytext py:percent) becomes the executed notebooks/NN_topic.ipynb.

    python notebooks/build.py                 build each lesson
    python notebooks/build.py 02 06           build these
    python notebooks/build.py --refresh       run nothing: take over changes of text, tags and opening cells, keep the
                                              outputs; refused where code was changed
    python notebooks/build.py --check         say what is out of date or unfit to publish; exit status 1 if anything is
    python notebooks/build.py --execute-only  run and time the lessons, write nothing

What this file is not: a test of what the lessons print. That is nbval's work, in tests/test_notebooks.py.
"""

import argparse
import base64
import hashlib
import io
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from PIL import Image

from setup_cell import is_setup, opening_cells

NOTEBOOKS = Path(__file__).resolve().parent
MAX_BYTES = 500_000
CELL_SECONDS = 300
LARGE_PNG_BYTES = 40_000
DARK = 200  # of 255, on the edge of a figure: lines and text, not paper
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
WIDGET_NOTE = "Interactive part: it appears here when you run this cell. The figure beside it shows the same."
# No Python version and no IPython version: they would change with the machine of whoever builds.
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"},
}
UNFIT_TEXT = {
    "a path of the machine that built it": re.compile(
        r"(?<![\w:/.<~])/(?:home|root|tmp|opt|usr|var|work|mnt|srv|private|Users)/\w|\b[A-Za-z]:\\\w|file://"
    ),
    "a memory address, which changes on each run": re.compile(r"\b0x[0-9a-f]{6,}\b"),
    "a timing, which changes on each run": re.compile(
        r"(?<![\w.])(?:\d+(?:\.\d+)? (?:s|sec|secs|seconds)|\d+\.\d+s|\d+(?:\.\d+)? ?(?:ms|it/s))\b"
    ),
}


# ---- source to notebook ----------------------------------------------------------------------------------------------


def lesson_names(notebooks: Path = NOTEBOOKS) -> list[str]:
    """Names of the lessons, such as "06_build_a_vae", in order."""
    return sorted(path.stem for path in (notebooks / "source").glob("[0-9][0-9]_*.py"))


def read_source(path: Path) -> nbformat.NotebookNode:
    """The notebook that a source describes, with the opening cells of each lesson: stable ids, no outputs."""
    text = path.read_text(encoding="utf-8")
    cells = jupytext.reads(text, fmt="py:percent").cells
    titled = bool(cells) and cells[0].cell_type == "markdown"
    cells[titled:titled] = opening_cells(path.stem)
    notebook = nbformat.v4.new_notebook(metadata=nbformat.from_dict(METADATA))
    notebook.metadata["vae_lessons"] = {
        "source_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "code_sha256": code_digest(cells),
    }
    seen: dict[str, int] = {}
    for parsed_cell in cells:
        new_cell = nbformat.v4.new_code_cell if parsed_cell.cell_type == "code" else nbformat.v4.new_markdown_cell
        metadata = {key: value for key, value in parsed_cell.metadata.items() if key != "lines_to_next_cell"}
        # The id follows the content: an edit changes the id of the edited cell and of no other.
        content = f"{parsed_cell.cell_type}\n{parsed_cell.source}"
        seen[content] = seen.get(content, 0) + 1
        digest = hashlib.sha256(f"{seen[content]}\n{content}".encode()).hexdigest()
        notebook.cells.append(new_cell(parsed_cell.source, id=digest[:12], metadata=nbformat.from_dict(metadata)))
    return notebook


def code_digest(cells: list[nbformat.NotebookNode]) -> str:
    """Hash of the code that outputs come from; the setup cell, which does nothing here, is left out."""
    code = [cell.source for cell in cells if cell.cell_type == "code" and not is_setup(cell)]
    return hashlib.sha256("\n# %%\n".join(code).encode()).hexdigest()


def execute(notebook: nbformat.NotebookNode, folder: Path = NOTEBOOKS) -> list[float]:
    """Run all cells in a fresh kernel that works in `folder`; returns the seconds of each cell."""
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        store_widget_state=False,
        coalesce_streams=True,
    )
    seconds, started = [0.0] * len(notebook.cells), {}
    client.on_cell_execute = lambda cell, cell_index: started.update({cell_index: time.perf_counter()})
    client.on_cell_executed = lambda cell, cell_index, execute_reply: seconds.__setitem__(
        cell_index, time.perf_counter() - started[cell_index]
    )
    with (
        tempfile.TemporaryDirectory() as profile
    ):  # the author's own IPython start-up files must not leak into a lesson
        # Threads that wait in a loop for a core that another program holds make torch 20 times slower, and one thread
        # loses little when it is alone.
        client.execute(env={"OMP_NUM_THREADS": "1", **os.environ, "IPYTHONDIR": profile})
    return seconds


def clean(notebook: nbformat.NotebookNode) -> None:
    """Make the outputs fit to be stored: no widget views, no run times, each picture once and small."""
    notebook.metadata.update(nbformat.from_dict(METADATA))  # the kernel wrote its versions there
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            output.get("metadata", {}).pop(WIDGET_VIEW, None)
            data = output.get("data", {})
            if data.pop(WIDGET_VIEW, None) is not None and set(data) <= {"text/plain"}:
                # Without its state a stored view reads "Error displaying widget: model not found".
                data.update({"text/plain": WIDGET_NOTE, "text/markdown": f"*{WIDGET_NOTE}*"})
            if "image/png" in data:
                # Figures come as an <img> too, for the sake of its alt text; stored, the same picture once is enough,
                # and not each page that shows notebooks lets an <img> with its data through.
                if data.get("text/html", "").startswith('<img src="data:image/png'):
                    del data["text/html"]
                data["image/png"] = shrink_png(data["image/png"])


def shrink_png(encoded: str) -> str:
    """A large base64 PNG with 256 colours instead of millions, where that makes it smaller."""
    raw = base64.b64decode(encoded)
    if len(raw) <= LARGE_PNG_BYTES:
        return encoded.strip()
    picture = Image.open(io.BytesIO(raw))
    if picture.mode == "RGBA" and picture.getextrema()[3] == (255, 255):
        picture = picture.convert("RGB")
    method = Image.Quantize.FASTOCTREE if picture.mode == "RGBA" else Image.Quantize.MEDIANCUT
    small = io.BytesIO()
    picture.quantize(256, method=method, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
    best = min(raw, small.getvalue(), key=len)
    return base64.b64encode(best).decode()


def is_cut_off(encoded: str) -> bool:
    """Whether something dark lies on the edge of a base64 PNG, as text does for which a figure has no room."""
    picture = Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGBA")
    sheet = Image.new("RGBA", picture.size, "white")
    sheet.alpha_composite(picture)
    grey, (width, height) = sheet.convert("L"), picture.size
    edges = (0, 0, width, 2), (0, height - 2, width, height), (0, 0, 2, height), (width - 2, 0, width, height)
    return min(grey.crop(edge).getextrema()[0] for edge in edges) < DARK


def build(name: str, notebooks: Path = NOTEBOOKS, write: bool = True) -> list[str]:
    """Run one lesson, print its seconds, store it if `write`; returns what went wrong (then the old file is kept)."""
    notebook, started = read_source(notebooks / "source" / f"{name}.py"), time.perf_counter()
    print(f"{name}: running", flush=True)
    try:
        seconds = execute(notebook, notebooks)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as problem:
        return [f"{name}: a cell failed; the stored notebook was left as it was.\n{problem}"]
    clean(notebook)
    size = store(notebook, notebooks / f"{name}.ipynb", write)
    total, slowest = time.perf_counter() - started, sorted(range(len(seconds)), key=lambda index: -seconds[index])[:3]
    print(f"{name}: {total:.1f} s, {size / 1000:.0f} kB; slowest cells:")
    for index in slowest:
        print(f"    {seconds[index]:5.1f} s  {label(index, notebook.cells[index])}")
    return inspect(name, notebook, size)


def ran_with(stored: nbformat.NotebookNode, wanted: str) -> bool:
    """Whether a stored notebook's outputs come from code with this digest.

    Its own was written when the code ran: a cell that was edited in both files by hand does not pass for run.
    """
    return {stored.metadata.get("vae_lessons", {}).get("code_sha256"), code_digest(stored.cells)} == {wanted}


def refresh(name: str, notebooks: Path = NOTEBOOKS) -> list[str]:
    """Store a lesson as its source has it now, with the outputs that its code gave before; refused if code changed."""
    path, remedy = notebooks / f"{name}.ipynb", f"run: python notebooks/build.py {name[:2]}"
    if not path.exists():
        return [f"{name}.ipynb: does not exist, so there are no outputs to keep; {remedy}"]
    notebook, stored = read_source(notebooks / "source" / f"{name}.py"), nbformat.read(path, as_version=4)
    wanted = notebook.metadata["vae_lessons"]["code_sha256"]
    if not ran_with(stored, wanted):
        return [f"{name}.ipynb: its outputs come from other code than that of source/{name}.py; {remedy}"]
    ran = iter([cell for cell in stored.cells if cell.cell_type == "code" and not is_setup(cell)])
    count = 0
    for cell in notebook.cells:
        if cell.cell_type == "code":
            count += 1
            cell.execution_count = count
            cell.outputs = [] if is_setup(cell) else next(ran).outputs
            for output in cell.outputs:
                if output.output_type == "execute_result":
                    output.execution_count = count
    before = path.read_bytes()
    size = store(notebook, path)
    print(f"{name}: " + ("as it was" if path.read_bytes() == before else "refreshed"))
    return inspect(name, notebook, size)


def store(notebook: nbformat.NotebookNode, path: Path, write: bool = True) -> int:
    """Write a notebook whole or not at all; returns its size in bytes."""
    text = nbformat.writes(notebook, version=4) + "\n"
    if write:
        unfinished = path.with_suffix(".ipynb.part")
        unfinished.write_text(text, encoding="utf-8", newline="\n")
        unfinished.replace(path)
    return len(text.encode())


# ---- checks ----------------------------------------------------------------------------------------------------------


def label(index: int, cell: nbformat.NotebookNode) -> str:
    """How messages name a cell: its number in the file (from 1) and its first line."""
    return f"cell {index + 1} ({(cell.source.strip().splitlines() or ['empty'])[0][:60]!r})"


def output_text(output: nbformat.NotebookNode) -> str:
    """All that a reader of this output can read, HTML tags taken off."""
    data = output.get("data", {})
    parts = [output.get("text", ""), data.get("text/plain", ""), data.get("text/markdown", "")]
    parts.append(re.sub(r"<style.*?</style>|<script.*?</script>|<[^>]*>", " ", data.get("text/html", ""), flags=re.S))
    return "\n".join("".join(part) for part in parts)


def inspect(name: str, notebook: nbformat.NotebookNode, size: int) -> list[str]:
    """What makes an executed notebook unfit to publish: one message each, naming notebook, cell and remedy."""
    problems = []
    if size > MAX_BYTES:
        problems.append(f"is {size / 1000:.0f} kB, more than {MAX_BYTES / 1000:.0f} kB: show fewer or smaller figures")
    if "widgets" in notebook.metadata:
        problems.append("stores widget state (metadata.widgets): build it with this program, do not save it by hand")
    count = 0
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        count, where = count + 1, label(index, cell)
        if is_setup(cell) and cell.outputs:
            problems.append(f"{where}: printed something, so the course was not installed: install it and build again")
        if cell.execution_count != count:
            problems.append(f"{where}: execution count {cell.execution_count}, expected {count}: run top to bottom")
        for output in cell.outputs:
            if output.output_type == "error":
                problems.append(f"{where}: holds an error ({output.ename}: {output.evalue}): mend the cell")
                continue
            if output.get("name") == "stderr":
                problems.append(f"{where}: wrote to stderr ({output.text.strip()[:200]!r}): mend the cause")
            if WIDGET_VIEW in output.get("data", {}):
                problems.append(f"{where}: stores a widget view, which shows an error when opened: build it again")
            if (png := output.get("data", {}).get("image/png")) and is_cut_off(png):
                problems.append(f"{where}: its figure is cut off at an edge: shorten the text there, or make room")
            text = output_text(output)
            for what, pattern in UNFIT_TEXT.items():
                if found := pattern.search(text):
                    line = next(line for line in text[found.start() :].splitlines() if line.strip())
                    problems.append(f"{where}: shows {what} ({line[:60]!r}): do not print it")
    return [f"{name}.ipynb: {problem}" for problem in problems]


def check(name: str, notebooks: Path = NOTEBOOKS) -> list[str]:
    """Everything that is wrong with a stored notebook, as compared with its source and taken by itself."""
    remedy = f"run: python notebooks/build.py {name[:2]}"
    path = notebooks / f"{name}.ipynb"
    if not path.exists():
        return [f"{name}.ipynb: does not exist; {remedy}"]
    expected, stored = read_source(notebooks / "source" / f"{name}.py"), nbformat.read(path, as_version=4)
    if ran_with(stored, expected.metadata["vae_lessons"]["code_sha256"]):
        remedy += ", or, as no code was changed, python notebooks/build.py --refresh"
    problems = []
    if stored.metadata.get("vae_lessons") != expected.metadata["vae_lessons"]:
        problems.append(f"{name}.ipynb: was not built from the present source/{name}.py; {remedy}")
    if len(stored.cells) != len(expected.cells):
        counts = f"{len(stored.cells)} cells, its source {len(expected.cells)}"
        problems.append(f"{name}.ipynb: has {counts}; {remedy}")
    for index, (cell, wanted) in enumerate(zip(stored.cells, expected.cells, strict=False)):
        if any(cell.get(key) != wanted.get(key) for key in ("cell_type", "source", "id", "metadata")):
            problems.append(f"{name}.ipynb: {label(index, cell)}: differs from source/{name}.py; {remedy}")
            break
    return problems + inspect(name, stored, path.stat().st_size)


def main(arguments: list[str] | None = None, notebooks: Path = NOTEBOOKS) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Build the lessons from notebooks/source, or check what is stored.")
    parser.add_argument("lessons", nargs="*", metavar="NN", help="numbers or names of lessons; none means all")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="run nothing; exit 1 if a notebook is out of date or unfit")
    mode.add_argument("--refresh", action="store_true", help="run nothing; take over all changes but those of code")
    mode.add_argument("--execute-only", action="store_true", help="run and time the lessons, write nothing")
    options = parser.parse_args(arguments)
    names = lesson_names(notebooks)
    problems = []
    for wanted in options.lessons:
        if not any(name.startswith(wanted) for name in names):
            problems.append(f"no lesson {wanted!r} in {notebooks.name}/source; there are: {', '.join(names) or 'none'}")
    chosen = [name for name in names if not options.lessons or name.startswith(tuple(options.lessons))]
    for name in chosen:
        if options.check or options.refresh:
            problems += check(name, notebooks) if options.check else refresh(name, notebooks)
        else:
            problems += build(name, notebooks, write=not options.execute_only)
    if options.check and not options.lessons:
        orphans = sorted({path.stem for path in notebooks.glob("*.ipynb")} - set(names))
        problems += [f"{name}.ipynb: has no source/{name}.py; write it or remove the notebook" for name in orphans]
    print("\n".join(problems), file=sys.stderr, end="\n" if problems else "")
    if not problems:
        print(f"{len(chosen)} notebooks: " + ("up to date and fit to publish" if options.check else "no problems"))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
