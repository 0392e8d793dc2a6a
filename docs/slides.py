"""Turn lessons into decks for a lecture; they open from disk, without a network.

    python docs/slides.py                   all lessons, into docs/build/slides
    python docs/slides.py 04 --out FOLDER   lesson 04, elsewhere

A deck is NN_topic.slides.html together with the folder `offline` beside it. In the browser: `s` opens the speaker's
view, `f` fills the screen, `o` shows all slides; `?print-pdf` after the address makes it printable. Needs
`pip install -e ".[docs]"`. With jupyter_nbconvert_config.py, `jupyter nbconvert --to slides` does the same.
"""

import argparse
import sys
from pathlib import Path

from nbconvert.exporters import SlidesExporter
from traitlets.config import Config, PyFileConfigLoader

HERE = Path(__file__).resolve().parent
NOTEBOOKS = HERE.parent / "notebooks"


def lessons(wanted: list[str] | None = None) -> list[Path]:
    """The stored notebooks, in order; of `wanted` numbers or names only, if any are given."""
    found = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
    return [path for path in found if not wanted or path.stem.startswith(tuple(wanted))]


def build(notebooks: list[Path], out: Path, explorer: str | None = None) -> list[Path]:
    """Write the decks of some notebooks into a folder.

    Args:
        notebooks: paths of stored notebooks.
        out: the folder; made if it is not there.
        explorer: where the explorer lies, as seen from the decks; None puts it beside them.

    Returns:
        The paths of the decks.
    """
    config = Config(PyFileConfigLoader("jupyter_nbconvert_config.py", path=str(HERE)).load_config())
    if explorer is not None:
        config.Deck.explorer = explorer
    exporter, decks = SlidesExporter(config=config), []
    for notebook in notebooks:
        text, resources = exporter.from_filename(str(notebook))
        decks.append(out / f"{notebook.stem}.slides.html")
        for name, content in {decks[-1].name: text.encode(), **resources["outputs"]}.items():
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (out / name).write_bytes(content)
    return decks


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Turn lessons into decks that open without a network.")
    parser.add_argument("lessons", nargs="*", metavar="NN", help="numbers or names of lessons; none means all")
    parser.add_argument("--out", type=Path, default=HERE / "build" / "slides", help="folder of the decks")
    options = parser.parse_args(arguments)
    chosen = lessons(options.lessons)
    for deck in build(chosen, options.out):
        print(deck)
    if not chosen:
        print(f"no notebook starts with {' or '.join(options.lessons)}", file=sys.stderr)
    return 0 if chosen else 1


if __name__ == "__main__":
    sys.exit(main())
