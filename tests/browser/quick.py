"""A lesson cut down to its widgets: the cells that show one and what these need, trained for moments.

A whole lesson trains for a minute, and nbval runs it anyway. Here only its widgets matter, so statements that no widget
depends on are left out, `fit` sees a few images once, and numbers of steps and draws are small. What is kept is found
from the built notebook, where each cell that shows a widget left a note; nothing is listed by hand.
"""

import ast
import re
import symtable

import nbformat

import build

# What changes its first argument, or the object whose method it is.
CHANGERS = re.compile(r"fit|train|^(append|extend|update|requires_grad_|load_state_dict|mul_|add_|fill_)$")
MOST = {"epochs": 1, "iterations": 2, "samples": 200, "steps": 3, "components": 5}  # of arguments with these names
STARTUP = """
import sys
from dataclasses import replace
import torch
import vae_utils.evaluation, vae_utils.rate_distortion, vae_utils.scorecard
from vae_utils import training

torch.manual_seed(0)
whole = getattr(training.fit, "whole", training.fit)

def quick_fit(model, images, loss, *labels, **settings):
    settings |= {"epochs": 1, "batch_size": 64, "learning_rate": 5e-3, "progress": False}
    if torch.is_tensor(images):
        return whole(model, images[:640], loss, *(each[:640] for each in labels), **settings)
    few = {"train": images.train[:640], "train_labels": images.train_labels[:640]}
    few |= {"test": images.test[:100], "test_labels": images.test_labels[:100]}
    return whole(model, replace(images, **few), loss, **settings)

quick_fit.whole = whole
for module in [module for name, module in sys.modules.items() if name.startswith("vae_utils")]:
    if getattr(module, "fit", None) is whole:
        module.fit = quick_fit
"""


def widget_cells(notebook: nbformat.NotebookNode) -> list[int]:
    """Places of the cells of a built notebook that show a widget."""

    def shows(cell: nbformat.NotebookNode) -> bool:
        return any(build.WIDGET_NOTE in str(output.get("data", {})) for output in cell.get("outputs", []))

    return [index for index, cell in enumerate(notebook.cells) if shows(cell)]


def quick_cells(notebook: nbformat.NotebookNode) -> tuple[list[str], list[int]]:
    """The lesson's widgets and what they need, as code cells; which of these cells show a widget."""
    statements = [
        (place, statement)
        for place, cell in enumerate(notebook.cells)
        if cell.cell_type == "code"
        for statement in ast.parse(cell.source).body
    ]
    shown = set(widget_cells(notebook))
    last = {place: index for index, (place, _) in enumerate(statements) if place in shown}
    # What a function reads is looked up when it is called: whoever needs a function needs that too.
    definitions = (each for _, each in statements if isinstance(each, ast.FunctionDef | ast.ClassDef))
    inside = {each.name: _names(each, read=True) for each in definitions}
    needed, kept = set(), {}
    for index in range(len(statements) - 1, -1, -1):
        place, statement = statements[index]
        made = _names(statement, read=False)
        if index not in last.values() and not (made | _changed(statement)) & needed:
            continue
        kept.setdefault(place, []).insert(0, ast.unparse(_Smaller().visit(statement)))
        if isinstance(statement, ast.Assign | ast.FunctionDef | ast.ClassDef):
            needed -= made
        todo = list(_names(statement, read=True))
        while todo:
            name = todo.pop()
            if name not in needed:
                needed.add(name)
                todo += inside.get(name, ())
    places = sorted(kept)
    cells = [STARTUP, *("\n".join(kept[place]) for place in places)]
    return cells, [1 + places.index(place) for place in sorted(shown)]


class _Smaller(ast.NodeTransformer):
    """Fewer steps and draws, and no assertions: what they are about has not happened."""

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        return ast.Pass()

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        node.value = self._at_most(node.arg, self.visit(node.value))
        return node

    def visit_arguments(self, node: ast.arguments) -> ast.AST:
        names = [argument.arg for argument in node.args[len(node.args) - len(node.defaults) :]]
        node.defaults = [self._at_most(name, value) for name, value in zip(names, node.defaults, strict=True)]
        return node

    @staticmethod
    def _at_most(name: str | None, value: ast.AST) -> ast.AST:
        small = isinstance(value, ast.Constant) and name in MOST
        return ast.Constant(min(value.value, MOST[name])) if small else value


def _names(statement: ast.stmt, *, read: bool) -> set[str]:
    """Names of the notebook that a statement reads, or that it makes; those within a function are its own."""
    found = set()

    def collect(table: symtable.SymbolTable) -> None:
        for symbol in table.get_symbols():
            if table.get_type() == "module":
                made = symbol.is_assigned() or symbol.is_imported()
                if symbol.is_referenced() if read else made:
                    found.add(symbol.get_name())
            elif read and symbol.is_global() and symbol.is_referenced():
                found.add(symbol.get_name())
        for child in table.get_children():
            collect(child)

    collect(symtable.symtable(ast.unparse(statement), "cell", "exec"))
    if not read and isinstance(statement, ast.For):  # nobody needs what a loop ended on
        found -= {name.id for name in ast.walk(statement.target) if isinstance(name, ast.Name)}
    return found


def _changed(statement: ast.stmt) -> set[str]:
    """Names of what a statement changes inside."""
    found = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store):
            found.add(_root(node))
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if CHANGERS.search(name):
                found |= {_root(argument) for argument in node.args[:1]}
                found |= {_root(node.func)} if isinstance(node.func, ast.Attribute) else set()
    return found - {None}


def _root(node: ast.AST) -> str | None:
    """The x of x.y[0].z; None of what does not begin with a name."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None
