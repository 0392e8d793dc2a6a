"""What pages and decks need beside themselves, so that they work without a network: MathJax, reveal.js, the explorer.

MathJax and reveal.js come out of the Python packages of the extra [docs]; nothing is downloaded when pages are built.
"""

import importlib.metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# One page that runs decoders without a kernel; pages and slides link to it, if it is there.
EXPLORER = ROOT / "notebooks" / "explorer.html"
# Formulas become SVG: browsers do not let a page on disk load MathJax's fonts. `$` as in Jupyter.
MATHJAX_SETTINGS = {
    "tex": {"inlineMath": [["$", "$"], ["\\(", "\\)"]], "displayMath": [["$$", "$$"], ["\\[", "\\]"]]},
    "svg": {"fontCache": "global", "scale": 0.92},
    "options": {"enableMenu": False},
}
# Package, the end of a file's path in it, the name it gets.
FILES = [
    ("sphinx-mathjax-offline", "static/mathjax/tex-svg.js", "mathjax.js"),
    ("sphinx-revealjs", "revealjs/dist/reveal.js", "reveal.js"),
    ("sphinx-revealjs", "revealjs/dist/reveal.css", "reveal.css"),
    ("sphinx-revealjs", "revealjs/plugin/notes/notes.js", "notes.js"),
    ("sphinx-revealjs", "revealjs/LICENSE", "reveal-licence.txt"),
]


def contents(files: list[tuple[str, str, str]]) -> dict[str, bytes]:
    """Files of installed packages: new name -> content.

    Args:
        files: (package, end of the file's path in it, new name) each.

    Raises:
        FileNotFoundError: a package is not installed, or no longer has the file.
    """
    result = {}
    for package, end, name in files:
        try:
            listed = importlib.metadata.files(package) or []
        except importlib.metadata.PackageNotFoundError:
            listed = []
        found = [path for path in listed if path.as_posix().endswith(end)]
        if not found:
            raise FileNotFoundError(f'{end} of the package {package} is missing: run pip install -e ".[docs]"')
        result[name] = found[0].read_binary()
    return result
