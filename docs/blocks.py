"""What a code cell contributes to a slide: its code, and what it printed or drew."""

import ast
import base64
import io
import itertools
import math
import re

from PIL import Image, ImageOps

WIDTH, ROOM = 1160, 640  # pixels of a 1280 x 720 slide that can be filled
GAP = 14
RUNNING_HEAD = 44
CODE_SIZES, BREAKS_LINES = (17, 24), 18  # pixels; larger letters are not worth a broken line
PRINTED_SIZES = 16, 24
# Lines of code that a lecture can show: what defines something, what trains, and other steps.
DEFINITIONS, TRAINING, STEPS, BESIDE_A_FIGURE = 24, 12, 4, 8
# Of the size that a figure has on a slide of its own, and pixels of its width: it gets one rather than be smaller.
FIGURE_SHRINKS_TO, NARROWEST = 0.72, 660
WIDGET_NOTE = "Interactive part:"
NOT_SHOWN = ("Not attempted", "epoch: progress bar")
DRAWS = re.compile(r"\bfigure\(|\bplots\.|\.plot\(|\.snapshot\(|\btitle=|LiveTraining\(")


def lecture_code(source: str, drawing: bool) -> str:
    """Code without assertions and, if the cell draws, without the statements from the first that draws."""
    lines, kept, end, body = source.splitlines(), [], 0, ast.parse(source).body
    if sum(isinstance(statement, ast.Assert) for statement in body) >= len(body) / 2:
        return ""  # it checks what the text says
    for statement in body:
        first = _first_line(statement)
        text = "\n".join(lines[first - 1 : statement.end_lineno])
        if drawing and DRAWS.search(text):
            break
        named = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Name)  # there for its output only
        if not (named or isinstance(statement, ast.Assert)):
            kept += [*lines[end : first - 1], *lines[first - 1 : statement.end_lineno]]
        end = statement.end_lineno
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip("\n")
    worth = [line for line in text.splitlines() if line.strip() and not line.startswith(("import ", "from ", "#"))]
    return text if worth and not (drawing and len(worth) < 3) else ""


def slide_code(source: str, drawing: bool) -> str:
    """The code of a cell that a lecture shows: what defines something or trains, and steps if they are very few.

    Args:
        source: the cell.
        drawing: whether it draws a figure, which is what the slide is then about.

    Returns:
        Python, or "" for what is better read in the notebook.
    """
    text = lecture_code(source, drawing)
    body = [statement for statement in ast.parse(text).body if not _only_prints(statement)]
    defined = [statement for statement in body if isinstance(statement, ast.FunctionDef | ast.ClassDef)]
    most = DEFINITIONS if defined else TRAINING if re.search(r"\bfit\(|\.backward\(", text) else STEPS * (not drawing)
    most = min(most, BESIDE_A_FIGURE) if drawing else most
    shown = "\n\n".join(_as_written(text, run) for run in _runs(defined or body))
    return shown if 1 < sum(bool(line) for line in shown.splitlines()) <= most else ""


def _only_prints(statement: ast.stmt) -> bool:
    """Whether a statement does nothing but print."""
    if isinstance(statement, ast.For | ast.If | ast.With):
        return all(map(_only_prints, [*statement.body, *getattr(statement, "orelse", [])]))
    call = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "print"


def _runs(statements: list[ast.stmt]) -> list[list[ast.stmt]]:
    """Statements, those that follow each other together; each definition is one by itself."""
    runs: list[list[ast.stmt]] = []
    for statement in statements:
        alone = isinstance(statement, ast.FunctionDef | ast.ClassDef)
        if runs and not alone and not isinstance(runs[-1][-1], ast.FunctionDef | ast.ClassDef):
            runs[-1].append(statement)
        else:
            runs.append([statement])
    return runs


def _as_written(text: str, run: list[ast.stmt]) -> str:
    """The lines of statements, without empty ones and without assertions; of a docstring only the first sentence."""
    lines, left_out = text.splitlines(), set()
    for node in itertools.chain.from_iterable(map(ast.walk, run)):
        if isinstance(node, ast.Assert):
            left_out |= set(range(node.lineno - 1, node.end_lineno))
        elif isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
            words, first = node.body[0], ast.get_docstring(node).replace("\n", " ")
            lines[words.lineno - 1] = f'{" " * words.col_offset}"""{re.split(r"(?<=[.?!]) ", first)[0]}"""'
            left_out |= set(range(words.lineno, words.end_lineno))
    spans = [range(_first_line(statement) - 1, statement.end_lineno) for statement in run]
    return "\n".join(lines[at] for span in spans for at in span if at not in left_out and lines[at].strip())


def _first_line(statement: ast.stmt) -> int:
    return min([statement.lineno, *(item.lineno for item in getattr(statement, "decorator_list", []))])


def code_block(code: str, below: int = 0) -> dict:
    """Code in the largest letters with which it fits; long lines are broken if all would be small otherwise.

    Args:
        code: Python.
        below: pixels to keep for what it prints, if that leaves enough for the code.
    """
    widest = int((WIDTH - 44) / (0.605 * BREAKS_LINES))
    # Rather a line without its remark than a broken one.
    code = "\n".join(re.sub(r"\s+# .*$", "", line) if len(line) > widest else line for line in code.splitlines())
    lines, room = code.splitlines(), ROOM - RUNNING_HEAD - 50 - (below if below < ROOM / 2 else 0)
    for size in range(CODE_SIZES[1], CODE_SIZES[0] - 1, -1):
        columns = int((WIDTH - 44) / (0.605 * size))
        taken = sum(max(1, math.ceil(len(line) / columns)) for line in lines)
        if 1.3 * size * taken <= room and (taken == len(lines) or size <= BREAKS_LINES):
            break
    return {"kind": "code", "text": code, "size": size, "height": int(1.3 * size * taken) + 30}


def trimmed(png: str, width: float, height: float) -> tuple[str, float]:
    """A figure without the empty paper at its right, so that it stands in the middle of a slide and may be larger.

    Args:
        png: the file, in base64.
        width, height: of the figure, in the pixels of the page.

    Returns:
        The file and its width. A tall figure keeps the paper that its slide leaves empty anyway.
    """
    picture = Image.open(io.BytesIO(base64.b64decode(png)))
    left, _, right, _ = ImageOps.invert(picture.convert("L")).getbbox() or (0, 0, picture.width, 0)
    tall = NARROWEST / (ROOM - RUNNING_HEAD) * height / width
    kept = max(right + min(left, picture.width - right), math.ceil(tall * picture.width))
    if kept >= picture.width - 8:
        return png, width
    out = io.BytesIO()
    picture.crop((0, 0, kept, picture.height)).save(out, format="PNG", optimize=True)
    return base64.b64encode(out.getvalue()).decode(), width * kept / picture.width


def output_block(output) -> dict | None:
    """What a cell printed or drew, if it belongs on a slide."""
    data = output.get("data", {})
    text = output.get("text") or data.get("text/plain", "")
    if text.startswith(NOT_SHOWN) or (output.get("name") == "stderr"):
        return None
    if text.startswith(WIDGET_NOTE):
        return {"kind": "interactive", "height": 76}
    if "image/png" in data:
        size = output.metadata["image/png"]
        png, width = trimmed(data["image/png"], size["width"], size["height"])
        scale = min(WIDTH / width, (ROOM - RUNNING_HEAD) / size["height"])
        height = int(size["height"] * scale)
        least = int(max(FIGURE_SHRINKS_TO * height, NARROWEST * size["height"] / width))
        return {"kind": "figure", "png": png, "alt": size["alt"], "height": height, "least": least}
    if "text/html" in data:
        return {"kind": "html", "text": data["text/html"], "height": 44 * data["text/html"].count("<tr") + 20}
    lines = text.rstrip().splitlines()
    if not lines:
        return None
    fitting = min((WIDTH - 40) / (0.605 * max(map(len, lines))), 560 / (1.3 * len(lines)))
    # A table is not worth much with broken lines; where smaller letters would not mend them, they stay larger.
    size = min(PRINTED_SIZES[1], fitting) if fitting >= PRINTED_SIZES[0] else BREAKS_LINES
    columns = int((WIDTH - 40) / (0.605 * size))
    taken = sum(max(1, math.ceil(len(line) / columns)) for line in lines)
    return {
        "kind": "text",
        "text": "\n".join(lines),
        "size": round(size, 1),
        "height": int(1.3 * size * taken) + 20,
    }
