"""What a code cell contributes to a slide: its code, and what it printed or drew."""

import ast
import math
import re

WIDTH, ROOM = 1160, 640  # pixels of a 1280 x 720 slide that can be filled
GAP = 14
RUNNING_HEAD = 44
CODE_SIZES, BREAKS_LINES = (15, 22), 16  # pixels; larger letters are not worth a broken line
WIDGET_NOTE = "Interactive part:"
NOT_SHOWN = ("Not attempted", "epoch: progress bar")
DRAWS = re.compile(r"\bfigure\(|\bplots\.|\.plot\(|\.snapshot\(|\btitle=|LiveTraining\(")


def lecture_code(source: str, drawing: bool) -> str:
    """Code without assertions and, if the cell draws, without the statements from the first that draws."""
    lines, kept, end, body = source.splitlines(), [], 0, ast.parse(source).body
    if sum(isinstance(statement, ast.Assert) for statement in body) >= len(body) / 2:
        return ""  # it checks what the text says
    for statement in body:
        first = min([statement.lineno, *(item.lineno for item in getattr(statement, "decorator_list", []))])
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


def code_block(code: str, below: int = 0) -> dict:
    """Code in the largest letters with which it fits; long lines are broken if all would be small otherwise.

    Args:
        code: Python.
        below: pixels to keep for what it prints, if that leaves enough for the code.
    """
    lines, room = code.splitlines(), ROOM - RUNNING_HEAD - 50 - (below if below < ROOM / 2 else 0)
    for size in range(CODE_SIZES[1], CODE_SIZES[0] - 1, -1):
        columns = int((WIDTH - 44) / (0.605 * size))
        taken = sum(max(1, math.ceil(len(line) / columns)) for line in lines)
        if 1.3 * size * taken <= room and (taken == len(lines) or size <= BREAKS_LINES):
            break
    return {"kind": "code", "text": code, "size": size, "height": int(1.3 * size * taken) + 30}


def output_block(output) -> dict | None:
    """What a cell printed or drew, if it belongs on a slide."""
    data = output.get("data", {})
    text = output.get("text") or data.get("text/plain", "")
    if text.startswith(NOT_SHOWN) or (output.get("name") == "stderr"):
        return None
    if text.startswith(WIDGET_NOTE):
        return {"kind": "interactive", "height": 66}
    if "image/png" in data:
        size = output.metadata["image/png"]
        scale = min(WIDTH / size["width"], (ROOM - RUNNING_HEAD) / size["height"])
        height = int(size["height"] * scale)
        return {"kind": "figure", "png": data["image/png"], "alt": size["alt"], "height": height}
    if "text/html" in data:
        return {"kind": "html", "text": data["text/html"], "height": 44 * data["text/html"].count("<tr") + 20}
    lines = text.rstrip().splitlines()
    if not lines:
        return None
    size = max(15, min(20, (WIDTH - 40) / (0.605 * max(map(len, lines))), 560 / (1.3 * len(lines))))
    return {
        "kind": "text",
        "text": "\n".join(lines),
        "size": round(size, 1),
        "height": int(1.3 * size * len(lines)) + 20,
    }
