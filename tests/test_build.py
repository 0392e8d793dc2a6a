"""notebooks/build.py: the same source gives the same bytes, and each kind of unfit notebook is refused by name."""

import base64
import io
import shutil

import nbformat
import numpy as np
import pytest
from PIL import Image

import build

WHITE = "iVBORw0KGgoAAAANSUhEUgAAAAQAAAAECAAAAACMmsGiAAAAEUlEQVR42mP8z8DAwMSAQgAAE1EBB/2hEgAAAAAASUVORK5CYII="
SOURCE = """\
# %% [markdown] slideshow={"slide_type": "slide"}
# # A lesson
#
# with a formula $x$.

# %% tags=["nbval-check-output"]
print("one")
print("two")

# %%
import ipywidgets

ipywidgets.IntSlider()

# %%
handle = display("first", display_id=True)
handle.update("last")

# %%
picture = "WHITE"
display({"image/png": picture, "text/html": f'<img src="data:image/png;base64,{picture}" alt="x">'}, raw=True)

# %%
# The same cell twice.

# %%
# The same cell twice.
""".replace("WHITE", WHITE)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with one built lesson."""
    folder = tmp_path_factory.mktemp("notebooks")
    (folder / "source").mkdir()
    (folder / "source" / "01_lesson.py").write_text(SOURCE, encoding="utf-8")
    assert build.main([], folder) == 0
    return folder


@pytest.fixture
def lesson(built, tmp_path):
    """A copy of that folder, to be spoilt."""
    return shutil.copytree(built, tmp_path / "notebooks")


def edit(folder, change):
    """Apply `change` to the stored notebook."""
    path = folder / "01_lesson.ipynb"
    notebook = nbformat.read(path, as_version=4)
    change(notebook)
    nbformat.write(notebook, path)


def test_a_built_notebook_passes_the_check(lesson):
    assert build.main(["--check"], lesson) == 0


def test_building_again_gives_the_same_bytes(lesson):
    before = (lesson / "01_lesson.ipynb").read_bytes()
    assert build.main(["01"], lesson) == 0
    assert (lesson / "01_lesson.ipynb").read_bytes() == before


def test_what_is_stored(lesson):
    notebook = nbformat.read(lesson / "01_lesson.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert set(notebook.metadata) == {"kernelspec", "language_info", "vae_lessons"}
    assert "version" not in notebook.metadata.language_info
    assert notebook.cells[0].metadata == {"slideshow": {"slide_type": "slide"}}
    assert notebook.cells[0].source.startswith("# A lesson\n\nwith")
    assert build.is_setup(notebook.cells[1]) and notebook.cells[1].outputs == []
    assert notebook.cells[2].metadata == {"tags": ["nbval-check-output"]}
    assert [output.text for output in notebook.cells[2].outputs] == ["one\ntwo\n"]
    assert notebook.cells[3].outputs[0].data["text/plain"] == build.WIDGET_NOTE
    assert build.WIDGET_VIEW not in notebook.cells[3].outputs[0].data
    assert notebook.cells[4].outputs[0].data["text/plain"] == "'last'"
    assert set(notebook.cells[5].outputs[0].data) == {"image/png"}
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)


def test_an_edit_changes_the_id_of_one_cell_only(lesson):
    source = lesson / "source" / "01_lesson.py"
    before = [cell.id for cell in build.read_source(source).cells]
    source.write_text(SOURCE.replace('print("two")', 'print("three")'), encoding="utf-8")
    after = [cell.id for cell in build.read_source(source).cells]
    assert [index for index, (old, new) in enumerate(zip(before, after, strict=True)) if old != new] == [2]


def test_a_changed_source_is_out_of_date(lesson, capsys):
    source = lesson / "source" / "01_lesson.py"
    source.write_text(SOURCE.replace('print("two")', 'print("three")'), encoding="utf-8")
    assert build.main(["--check"], lesson) == 1
    message = capsys.readouterr().err
    assert "01_lesson.ipynb: was not built from the present source/01_lesson.py" in message
    assert "cell 3 ('print(\"one\")'): differs from" in message
    assert "run: python notebooks/build.py 01" in message


def test_windows_line_ends_do_not_make_it_out_of_date(lesson):
    (lesson / "source" / "01_lesson.py").write_bytes(SOURCE.replace("\n", "\r\n").encode())
    assert build.check("01_lesson", lesson) == []


def test_a_missing_notebook_and_an_orphan_are_named(lesson, capsys):
    (lesson / "01_lesson.ipynb").rename(lesson / "02_other.ipynb")
    assert build.main(["--check"], lesson) == 1
    message = capsys.readouterr().err
    assert "01_lesson.ipynb: does not exist" in message
    assert "02_other.ipynb: has no source/02_other.py" in message


def test_an_unknown_lesson_is_refused(lesson, capsys):
    assert build.main(["09"], lesson) == 1
    assert "no lesson '09'" in capsys.readouterr().err


def stream(text, name="stdout"):
    return nbformat.v4.new_output("stream", name=name, text=text)


def error():
    return nbformat.v4.new_output("error", ename="E", evalue="v")


def html(text):
    return nbformat.v4.new_output("display_data", {"text/html": text})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda nb: nb.cells[2].update(source="print('edited by hand')"), "differs from source/01_lesson.py"),
        (lambda nb: nb.cells[2].update(id="another-id"), "differs from source/01_lesson.py"),
        (lambda nb: nb.cells[0].metadata.clear(), "differs from source/01_lesson.py"),
        (lambda nb: nb.cells.pop(), "has 7 cells, its source 8"),
        (lambda nb: nb.metadata.update(vae_lessons={}), "was not built from the present source"),
        (lambda nb: nb.metadata.vae_lessons.update(code_sha256="0"), "was not built from the present source"),
        (lambda nb: nb.cells[1].outputs.append(stream("done")), "printed something"),
        (lambda nb: nb.metadata.update(widgets={"state": {}}), "stores widget state"),
        (lambda nb: nb.cells[4].update(execution_count=7), "execution count 7, expected 4"),
        (lambda nb: nb.cells[2].update(execution_count=None), "execution count None, expected 2"),
        (
            lambda nb: nb.cells[2].outputs.append(nbformat.v4.new_output("error", ename="E", evalue="v")),
            "an error (E: v)",
        ),
        (
            lambda nb: nb.cells[2].outputs.append(stream("UserWarning: x", "stderr")),
            "wrote to stderr ('UserWarning: x')",
        ),
        (lambda nb: nb.cells[2].outputs.append(stream("in /" + "home/me/x")), "a path of the machine"),
        (lambda nb: nb.cells[2].outputs.append(html("in <b>C:\\Users\\me</b>")), "a path of the machine"),
        (lambda nb: nb.cells[2].outputs.append(stream("<object at 0x7fe312f97dd0>")), "a memory address"),
        (lambda nb: nb.cells[2].outputs.append(stream("20 epochs in 12.3 s")), "a timing"),
        (lambda nb: nb.cells[2].outputs.append(html("<progress></progress> 12 s")), "a timing"),
        (lambda nb: nb.cells[2].outputs.append(stream("12.3s")), "a timing"),
        (lambda nb: nb.cells[2].outputs.append(stream("loop: 85 ms")), "a timing"),
        (lambda nb: nb.cells[2].outputs.append(stream("[00:12<00:00, 81.27it/s]")), "a timing"),
        (lambda nb: nb.cells[2].outputs.append(stream("x" * 500_000)), "more than 500 kB"),
        (lambda nb: nb.cells[3].outputs[0].data.update({build.WIDGET_VIEW: {"model_id": "1"}}), "stores a widget view"),
    ],
)
def test_what_is_unfit_is_refused(lesson, change, message, capsys):
    edit(lesson, change)
    assert build.main(["--check"], lesson) == 1
    printed = capsys.readouterr().err
    assert message in printed
    assert "01_lesson.ipynb" in printed


@pytest.mark.parametrize(
    "text",
    [
        "KL 3.5 nats",
        "https://example.org/home/x",
        "seeds 0, 1, 2",
        "in the 1990s, the 0s and 6s",
        "σ = 0.5",
        '<b style="a: 3s">x</b>',
    ],
)
def test_harmless_outputs_pass(lesson, text):
    edit(lesson, lambda nb: nb.cells[2].outputs.append(html(text)))
    assert build.check("01_lesson", lesson) == []


def test_a_failing_cell_keeps_the_old_notebook(lesson, capsys):
    before = (lesson / "01_lesson.ipynb").read_bytes()
    (lesson / "source" / "01_lesson.py").write_text(SOURCE + "\n# %%\n1 / 0\n", encoding="utf-8")
    assert build.main(["01"], lesson) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert (lesson / "01_lesson.ipynb").read_bytes() == before
    assert list(lesson.glob("*.part")) == []


# ---- refreshing: outputs are kept, no code is run --------------------------------------------------------------------


def test_refreshing_an_unchanged_lesson_changes_nothing(lesson, capsys):
    before = (lesson / "01_lesson.ipynb").read_bytes()
    assert build.main(["--refresh"], lesson) == 0
    assert (lesson / "01_lesson.ipynb").read_bytes() == before
    assert "as it was" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a formula", "two formulas"),
        ('"slide_type": "slide"', '"slide_type": "subslide"'),
        ('tags=["nbval-check-output"]', 'slideshow={"slide_type": "fragment"}'),
        ("# %%\nimport", "# %% [markdown]\n# A new cell.\n\n# %%\nimport"),
    ],
)
def test_text_and_tags_are_refreshed_without_running_code(lesson, monkeypatch, old, new):
    def run_nothing(*_):
        raise AssertionError("code was run")

    def outputs(notebook):
        return [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]

    path, source = lesson / "01_lesson.ipynb", lesson / "source" / "01_lesson.py"
    before = outputs(nbformat.read(path, as_version=4))
    assert old in SOURCE
    source.write_text(SOURCE.replace(old, new), encoding="utf-8")
    assert "or, as no code was changed, python notebooks/build.py --refresh" in build.check("01_lesson", lesson)[0]
    monkeypatch.setattr(build, "execute", run_nothing)
    assert build.main(["--refresh"], lesson) == 0
    assert build.check("01_lesson", lesson) == []
    assert outputs(nbformat.read(path, as_version=4)) == before


def test_another_setup_cell_moves_the_counts_and_keeps_the_outputs(lesson, monkeypatch):
    edit(lesson, lambda nb: nb.cells[4].outputs[0].update(output_type="execute_result", execution_count=4))
    monkeypatch.setattr(build, "opening_cells", lambda _: [])
    assert build.main(["--refresh"], lesson) == 0
    cells = nbformat.read(lesson / "01_lesson.ipynb", as_version=4).cells
    assert cells[1].execution_count == 1 and cells[1].outputs[0].text == "one\ntwo\n"
    assert cells[3].outputs[0].execution_count == 3


@pytest.mark.parametrize("by_hand", [False, True], ids=["source", "source and notebook"])
def test_changed_code_is_not_refreshed(lesson, capsys, by_hand):
    path, changed = lesson / "01_lesson.ipynb", SOURCE.replace('print("two")', 'print("three")')
    (lesson / "source" / "01_lesson.py").write_text(changed, encoding="utf-8")
    if by_hand:  # as an editor that keeps both files alike does; the outputs are still those of the old code
        edit(lesson, lambda nb: nb.cells[2].update(source='print("one")\nprint("three")'))
    before = path.read_bytes()
    assert "--refresh" not in build.check("01_lesson", lesson)[0], "it would be refused"
    assert build.main(["--refresh"], lesson) == 1
    assert "outputs come from other code" in capsys.readouterr().err
    assert path.read_bytes() == before
    assert build.main(["--check"], lesson) == 1


def test_execute_only_writes_nothing(lesson, capsys):
    (lesson / "01_lesson.ipynb").unlink()
    assert build.main(["--execute-only"], lesson) == 0
    assert " s, " in capsys.readouterr().out
    assert list(lesson.glob("*.ipynb")) == []


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P"])
@pytest.mark.parametrize(
    ("place", "cut_off"), [((0, 9), True), ((29, 9), True), ((9, 0), True), ((9, 19), True), ((9, 9), False)]
)
def test_a_figure_with_text_on_its_edge_is_named(lesson, capsys, mode, place, cut_off):
    picture, file = Image.new("L", (30, 20), 255), io.BytesIO()
    picture.putpixel(place, 0)
    picture.convert(mode).save(file, "PNG")
    encoded = base64.b64encode(file.getvalue()).decode()
    edit(lesson, lambda nb: nb.cells[5].outputs[0].data.update({"image/png": encoded}))
    assert build.main(["--check"], lesson) == cut_off
    assert ("cell 6 ('picture = " in capsys.readouterr().err) == cut_off


def test_a_large_picture_gets_a_palette_and_a_small_one_is_left_alone():
    def encode(pixels):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        return base64.b64encode(file.getvalue()).decode()

    noisy = np.random.default_rng(0).integers(0, 40, (200, 300, 3), dtype=np.uint8)
    large, small = encode(noisy), encode(noisy[:20, :20])
    assert build.shrink_png(small) == small
    shrunk = build.shrink_png(large)
    assert len(shrunk) < 0.6 * len(large)
    picture = Image.open(io.BytesIO(base64.b64decode(shrunk)))
    assert picture.mode == "P"
    assert np.abs(np.asarray(picture.convert("RGB")).astype(int) - noisy).mean() < 4
