"""How a lesson is cut into slides: what belongs together, what is shown of it, and where speaker notes come from."""

import base64
import io
from pathlib import Path

import nbformat
import pytest
from PIL import Image

import brief
import build
import deck
import offline
import pages
import prose
from blocks import ROOM, code_block, lecture_code, output_block, slide_code, trimmed

ROOT = Path(__file__).resolve().parents[1]


def slides_of(*cells: tuple, notes: dict[str, tuple[str, list[str]]] | None = None) -> list[list[str]]:
    """Texts of the blocks on each slide, made from (kind of slide, Markdown) pairs."""
    made = pages.Pages(notes or {})
    for kind, text in cells:
        made.add_prose(prose.chunks_of(text), kind)
    slides = []
    for cell in made.cells():
        if cell.metadata.deck["page_start"]:
            slides.append([])
        slides[-1].append(cell.source)
    return slides


def test_the_answer_is_not_beside_the_question():
    slides = slides_of(("slide", "## Head\n\n**Predict first.** Which?"), ("-", "The answer."))
    assert len(slides) == 2 and "The answer." in slides[1]


def test_the_answer_is_not_beside_an_exercise():
    slides = slides_of(
        ("slide", "### Exercise 1 · Which?\n\nA or B? Stuck? `x.hint()` helps. (Stuck? So does `x.solution()`.)"),
        ("-", "It is B."),
    )
    assert slides == [["### Exercise 1 · Which?", "A or B?"], ["Exercise 1 · Which?", "It is B."]]


def test_a_slide_shows_what_carries_a_paragraph():
    long = "It goes on, and on, and says no more than was said before, at some length. " * 2
    first = "The ELBO is a bound on the evidence."
    assert brief.shortened(first + " " + long) == first
    assert brief.shortened(f"Why? {first} {long}") == f"Why? {first}", "a question alone says nothing"
    assert brief.shortened(f"{first} {long}It is called **the gap**.") == f"{first} It is called **the gap**."
    assert brief.shortened(f"{first} {long}Two of them:") == f"{first} Two of them:"
    assert brief.shortened(f"{first} It is short.") == f"{first} It is short."
    assert brief.shortened("With A, e.g. $x. Y$ of Kim et al. 2020, it holds. Else " + long).endswith("it holds.")


def test_the_whole_text_is_among_the_speakers_notes():
    text = "The ELBO is a bound on the evidence. " + "The speaker says why, and says it at length. " * 4
    made = pages.Pages({"Head": ("Draw it.", [])})
    made.add_prose(prose.chunks_of(f"## Head\n\n{text}"), "slide")
    shown, notes = made.cells()[-1].source, made.cells()[-1].metadata.deck["notes"]
    assert shown == "The ELBO is a bound on the evidence."
    assert notes.startswith("Draw it.") and text.strip() in notes


def test_notes_can_quote_better_words(tmp_path):
    (tmp_path / "00.md").write_text("# Notes\n\n## Head\n\nSay it.\n\n> no bound\n> at a price\n", encoding="utf-8")
    notes = deck.read_notes(tmp_path / "00.md")
    assert notes == {"Head": ("Say it.", ["no bound", "at a price"])}
    text = "It is an equation, " + "and so on, " * 20 + "no\nbound. It comes at a price, though. The end."
    slides = slides_of(("slide", f"## Head\n\n{text}\n\nAnother."), notes=notes)
    assert slides == [["## Head", "No bound. At a price.\n\nAnother."]]


def test_a_number_at_the_start_of_a_line_begins_no_list():
    assert [chunk.kind for chunk in prose.chunks_of("as in 02 and\n06. And more.")] == ["text"]
    assert [chunk.kind for chunk in prose.chunks_of("These:\n1. one\n2. two")] == ["text", "item", "item"]


def test_words_about_a_figure_stand_below_it():
    figure = {"kind": "figure", "png": "", "alt": "A curve.", "height": 590, "least": 420}
    made = pages.Pages({})
    made.add_prose(prose.chunks_of("## Head"), "slide")
    made.add(dict(figure), "-")
    made.add_prose(prose.chunks_of("It rises."), "-")
    assert len(made.pages) == 1 and made.pages[0].blocks[1]["height"] >= 420 and made.pages[0].taken <= ROOM
    made.add_prose(prose.chunks_of("\n\n".join(["It falls and falls again, until the very end of it."] * 4)), "-")
    assert len(made.pages) == 2


def test_a_figure_below_code_is_large_or_on_a_slide_of_its_own():
    figure = {"kind": "figure", "png": "", "alt": "A curve.", "height": 500, "least": 360}
    made = pages.Pages({})
    made.add_prose(prose.chunks_of("## Head"), "slide")
    made.add({"kind": "code", "height": 50}, "-")
    made.add(dict(figure), "-")
    made.add({"kind": "code", "height": 200}, "slide")
    made.add(dict(figure), "-")
    kinds = [[block["kind"] for block in page.blocks] for page in made.pages]
    assert kinds == [["heading", "code", "figure"], ["running", "code"], ["running", "figure"]]


def test_a_figure_leaves_the_empty_paper_at_its_right_behind():
    def figure(width, height, ink):
        paper, out = Image.new("RGB", (width, height), "white"), io.BytesIO()
        paper.paste((0, 0, 0), ink)
        paper.save(out, format="PNG")
        return base64.b64encode(out.getvalue()).decode()

    png, width = trimmed(figure(1400, 400, (20, 20, 900, 380)), 700, 200)
    assert Image.open(io.BytesIO(base64.b64decode(png))).size == (920, 400) and width == 460
    full = figure(1400, 400, (20, 20, 1380, 380))
    assert trimmed(full, 700, 200) == (full, 700)
    _, width = trimmed(figure(1400, 1400, (20, 20, 900, 1380)), 700, 700)
    assert width == 700, "it would be no larger, and narrower than a slide wants it"


def test_a_list_of_sources_is_set_in_small_letters():
    chunks = prose.chunks_of("- a claim\n\n**Sources.**\n\n- One (1901)\n- Two (1902)\n\n**Next:** 01")
    assert [chunk.role for chunk in chunks] == ["", "small", "small", "small", ""]


def test_a_table_that_fits_in_small_letters_is_not_broken():
    def printed(letters):
        return output_block(nbformat.v4.new_output("stream", name="stdout", text="x" * letters))

    assert printed(110)["size"] < 18 and printed(110)["height"] < 50
    assert printed(130)["size"] == 18, "broken anyway"


def test_a_sentence_goes_on_after_its_formula_on_the_same_slide():
    long = "\n\n".join(["word " * 17] * 6)
    around = "We want to know the density\n\n$$p(x) = 1,$$\n\nof which this here is an estimate."
    slides = slides_of(("slide", f"## Head\n\n{long}\n\n{around}"))
    assert slides[-1] == ["Head", around]


def test_a_list_stays_with_the_line_above_it():
    long = "\n\n".join(["word " * 25] * 4)
    items = "\n".join(f"- item {number} " + "word " * 20 for number in range(4))
    slides = slides_of(("slide", f"## Head\n\n{long}\n\nThese are they:\n{items}"))
    assert len(slides) == 2 and slides[1][-1].startswith("These are they:\n\n- item 0")
    assert slides[1][0] == "Head", "a slide that goes on says what it belongs to"


def test_too_much_text_goes_on_below():
    slides = slides_of(("slide", "## Head\n\n" + "\n\n".join(["word " * 80] * 6)))
    assert len(slides) > 1
    assert all(sum(chunk.height for chunk in prose.chunks_of(slide[-1])) < ROOM for slide in slides)


def test_needs_and_minutes_are_for_the_speaker():
    made = pages.Pages({})
    made.add_prose(prose.chunks_of("# 00 · Why?\n\nNeeds: 03. Reading: 40 minutes."), "slide")
    assert made.pages[0].notes == ["Needs: 03. Reading: 40 minutes."]


def test_code_is_shown_without_checks_and_drawing():
    code = "x = 1\n\n\ny = 2\nz = 3\nassert x\nchart, axes = figure(title='t')\naxes.plot(x)\nchart"
    assert lecture_code(code, drawing=True) == "x = 1\n\ny = 2\nz = 3"
    assert lecture_code("x = 1\nassert x == 1, 'the text says'", drawing=False) == ""
    assert lecture_code("card = Scorecard()\ncard.add(1)\ncard", drawing=False) == "card = Scorecard()\ncard.add(1)"
    assert lecture_code("@no_grad()\ndef f():\n    return 1  # (B,)", drawing=False).startswith("@no_grad()")


def test_a_lecture_shows_definitions_and_training_but_few_other_steps():
    steps = "a = 1\nb = 2\nc = 3\nd = 4\ne = 5"
    defines = 'def f(x):\n    """Twice.  (B,).\n    Long.\n    """\n    y = x  # (B,)\n\n    assert y\n    return 2 * y'
    shown = 'def f(x):\n    """Twice."""\n    y = x  # (B,)\n    return 2 * y'
    assert slide_code(f"{steps}\n\n\n{defines}\n\n\nprint(f(1))", drawing=False) == shown
    assert slide_code(steps, drawing=False) == "" and slide_code("a = 1\nb = 2", drawing=False) == "a = 1\nb = 2"
    assert slide_code("a = 1\nb = 2\nc = 3\nfigure(a)", drawing=True) == ""
    assert slide_code(f"{steps}\nfit(a)", drawing=False) == f"{steps}\nfit(a)"
    assert slide_code("for a in b:\n    print(a)\nprint(1)", drawing=False) == ""


def test_letters_of_code_get_smaller_before_lines_are_broken():
    assert code_block("x = 1")["size"] == 24
    assert code_block("x = 1\n" * 17)["size"] == 24 > code_block("x = 1\n" * 17, below=200)["size"]
    assert code_block("x" * 90)["size"] == 20
    assert code_block("\n".join(["x" * 130] * 3))["size"] == 18
    assert code_block("x" * 80 + "  # (B, K) " + "and more " * 5)["text"] == "x" * 80, "a remark goes first"
    assert code_block("\n".join(["x = 1"] * 25))["height"] < ROOM


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
    texts, head = {}, ""
    for cell in cells:
        for chunk in prose.chunks_of(cell.source) if cell.cell_type == "markdown" else ():
            head = prose.plain(chunk.text) if chunk.kind == "heading" else head
            texts.setdefault(head, []).append(" ".join(chunk.text.split()))
    assert set(notes) <= set(texts), f"no such heading: {set(notes) - set(texts)}"
    assert all(len(text) > 60 or (quotes and not text) for text, quotes in notes.values())
    assert sum(bool(text) for text, _ in notes.values()) >= 5
    for head, (_, quotes) in notes.items():
        for quote in quotes:
            assert any(quote in text for text in texts[head]), f"the lesson does not say below {head!r}: {quote}"
