"""Cells run out of order: a NameError in a notebook names the cell that makes what is missing.

Python knows only that a name is not there. The notebook's own file knows which cell makes it; where it can be found, as
in JupyterLab, Jupyter Notebook and VS Code, the message says so, and elsewhere what to run.
"""

import ast
import json
import os
import sys
from pathlib import Path
from typing import Any

RUN_ABOVE = "run the cells above this one first, from the top (menu Run > Run All Above Selected Cell)"


def watch() -> None:
    """Let NameErrors of a notebook be told with their cell; does nothing elsewhere, and nothing twice."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is not None and getattr(shell, "kernel", None) is not None and not shell.custom_exceptions:
        shell.set_custom_exc((NameError,), _show)


def advice(name: str, cells: list[dict[str, Any]]) -> str:
    """Which cell makes a name, in words.

    Args:
        name: what is missing.
        cells: those of a notebook, as its file holds them.

    Returns:
        What to run; empty if no cell makes the name, as it is misspelt then.
    """
    section = ""
    for cell in cells:
        source = "".join(cell.get("source", ""))
        if cell.get("cell_type") == "markdown":
            titles = [line.lstrip("# ") for line in source.splitlines() if line.startswith("#")]
            section = titles[-1] if titles else section
        if cell.get("cell_type") == "code" and name in _made_by(source):
            first = next(line for line in source.splitlines() if line.strip())
            place = f" in the section “{section}”" if section else ""
            return f"it is made by the cell{place} that begins with “{first.strip()}”: {RUN_ABOVE}"
    return ""


def _made_by(source: str) -> set[str]:
    """The names that a cell makes at its top level."""
    lines = ["" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines()]
    try:
        tree = ast.parse("\n".join(lines))
    except SyntaxError:
        return set()
    made, waiting = set(), list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            made.add(node.name)  # what is inside stays inside
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            made.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            made |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif not isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            waiting += ast.iter_child_nodes(node)
    return made


def _cells(shell: Any) -> list[dict[str, Any]] | None:
    """The cells of the notebook that runs here; None where its file is not to be found."""
    path = shell.user_ns.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME", "")
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _show(shell: Any, kind: type, error: NameError, trace: Any, tb_offset: int | None = None) -> None:
    name = getattr(error, "name", None)
    if kind is NameError and name:
        try:
            cells = _cells(shell)
            told = advice(name, cells) if cells is not None else f"if another cell makes it, {RUN_ABOVE}"
        except Exception:  # the error itself is what matters
            told = ""
        if told:
            error.args = (f"name {name!r} is not defined; {told}",)
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
