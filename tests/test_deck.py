"""How a lesson is cut into slides: what belongs together, what is left out, and where speaker notes come from."""

import re
from pathlib import Path

import nbformat
import pytest

import build
import deck
import offline
import prose
from blocks import code_block, lecture_code, output_block

ROOT = Path(__file__).resolve().parents[1]


def slides_of(*cells: tuple, notes: dict[str, str] | None = None) -> list[list[str]]:
    """Texts of the blocks on each slide, made from (kind of slide, Markdown) pairs."""
    pages = deck.Pages(notes or {})
    for kind, text in cells:
        pages.add_prose(prose.chunks_of(text), kind)
    slides = []
    for cell in pages.cells():
        if cell.metadata.deck["page_start"]:
            slides.append([])
        slides[-1].append(cell.source)
    return slides


def test_the_answer_is_not_beside_the_question():
    slides = slides_of(("slide", "## Head\n\n**Predict first.** Which?"), ("-", "The answer."))
    assert len(slides) == 2 and "The answer." in slides[1]


def test_a_list_stays_with_the_line_above_it():
    long = "word " * 150
    items = "\n".join(f"- item {number} " + "word " * 30 for number in range(4))
    slides = slides_of(("slide", f"## Head\n\n{long}\n\nThese are they:\n{items}"))
    assert len(slides) == 2 and slides[1][-1].startswith("These are they:\n\n- item 0")
    assert slides[1][0] == "Head", "a slide that goes on says what it belongs to"


def test_too_much_text_goes_on_below():
    slides = slides_of(("slide", "## Head\n\n" + "\n\n".join(["word " * 80] * 6)))
    assert len(slides) > 1
    assert all(sum(chunk.height for chunk in prose.chunks_of(slide[-1])) < deck.ROOM for slide in slides)


def test_needs_and_minutes_are_for_the_speaker():
    pages = deck.Pages({})
    pages.add_prose(prose.chunks_of("# 00 · Why?\n\nNeeds: 03. Reading: 40 minutes."), "slide")
    assert pages.pages[0].notes == ["Needs: 03. Reading: 40 minutes."]


def test_code_is_shown_without_checks_and_drawing():
    code = "x = 1\n\n\ny = 2\nz = 3\nassert x\nchart, axes = figure(title='t')\naxes.plot(x)\nchart"
    assert lecture_code(code, drawing=True) == "x = 1\n\ny = 2\nz = 3"
    assert lecture_code("x = 1\nassert x == 1, 'the text says'", drawing=False) == ""
    assert lecture_code("card = Scorecard()\ncard.add(1)\ncard", drawing=False) == "card = Scorecard()\ncard.add(1)"
    assert lecture_code("@no_grad()\ndef f():\n    return 1  # (B,)", drawing=False).startswith("@no_grad()")


def test_letters_of_code_get_smaller_before_lines_are_broken():
    assert code_block("x = 1")["size"] == 22
    assert code_block("x = 1\n" * 18)["size"] == 22 > code_block("x = 1\n" * 18, below=200)["size"]
    assert code_block("x" * 100)["size"] == 18
    assert code_block("\n".join(["x" * 130] * 3))["size"] == 16
    assert code_block("\n".join(["x = 1"] * 25))["height"] < deck.ROOM


def test_outputs_without_a_message_are_left_out():
    assert output_block(nbformat.v4.new_output("stream", name="stdout", text="a\nb\n"))["text"] == "a\nb"
    bar = nbformat.v4.new_output("display_data", {"text/html": "<progress>", "text/plain": "epoch: progress bar"})
    assert output_block(bar) is None
    assert output_block(nbformat.v4.new_output("stream", name="stdout", text="\n")) is None


def test_a_widget_leads_to_the_explorer_if_there_is_one(tmp_path, monkeypatch):
    widget = {"text/plain": "Interactive part: it appears here when you run this cell."}
    cells = [nbformat.v4.new_markdown_cell("# Head", metadata={"slideshow": {"slide_type": "slide"}})]
    cells.append(nbformat.v4.new_code_cell("Explorer()", outputs=[nbformat.v4.new_output("display_data", widget)]))
    for there in (False, True):
        if there:
            (tmp_path / "explorer.html").write_text("<p>it</p>")
        monkeypatch.setattr(offline, "EXPLORER", tmp_path / "explorer.html")
        made, resources = deck.Deck().preprocess(nbformat.v4.new_notebook(cells=cells), {})
        kinds = [cell.metadata.deck["kind"] for cell in made.cells]
        assert kinds == ["heading", "interactive"] if there else kinds == ["heading"]
        assert resources["deck"]["explorer"] == ("explorer.html" if there else "")
        assert ("explorer.html" in resources["outputs"]) == there


def test_a_missing_package_names_its_remedy():
    with pytest.raises(FileNotFoundError, match=r'pip install -e "\.\[docs\]"'):
        offline.contents([("no-such-package", "reveal.js", "reveal.js")])


@pytest.mark.parametrize("name", build.lesson_names())
def test_the_speaker_has_notes_for_headings_of_the_lesson(name):
    notes = deck.read_notes(ROOT / "docs" / "notes" / f"{name[:2]}.md")
    cells = build.read_source(ROOT / "notebooks" / "source" / f"{name}.py").cells
    texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    heads = [prose.plain(head) for text in texts for head in re.findall(r"^#+ .*$", text, flags=re.M)]
    assert set(notes) <= set(heads), f"no such heading: {set(notes) - set(heads)}"
    assert len(notes) >= 5 and all(len(text) > 60 for text in notes.values())
