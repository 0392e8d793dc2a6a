"""The shape of the package: imports go down the levels, modules stay readable, nothing heavy or unsafe creeps in."""

import ast
import graphlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "vae_utils"
# They are written once, in the package's docstring: "- level 0, ...: `name`, `name`; ...: `name`".
LEVELS = [
    set(re.findall(r"`(\w+)`", level))
    for level in ast.get_docstring(ast.parse((ROOT / "__init__.py").read_text(encoding="utf-8")))
    .partition("\n\n- level 0")[2]
    .partition("\n\n")[0]
    .split("\n- level ")
]
MAX_LINES = 250
# What `import vae_utils` must not load: each costs a learner a second or more, or is missing on some machines.
HEAVY = {"sklearn", "torchvision", "ipywidgets", "matplotlib", "scipy", "IPython", "pooch", "anywidget"}


def modules(root: Path) -> dict[str, ast.Module]:
    """Each module of a package, parsed, by its dotted name."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def imports(tree: ast.Module, known: set[str]) -> set[str]:
    """The package's own modules that a module imports, at its top or inside a function."""
    targets = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            targets |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            # `from a import b` names the module a.b if there is one, else something inside a.
            targets |= {name if name in known else node.module for name in inner}
    return targets & known


def problems(root: Path) -> list[str]:
    """Everything in a package that breaks the rules that can be read off its source."""
    trees = modules(root)
    level_of = {name: level for level, names in enumerate(LEVELS) for name in names}
    found, graph = [], {name: imports(tree, set(trees)) for name, tree in trees.items()}
    for name, targets in graph.items():
        if name == root.name:
            continue
        room = name.split(".")[1]
        if room not in level_of:
            found.append(f"{name}: is on no level; give it one in the docstring of {root.name}")
            continue
        for target in targets:
            other = target.partition(".")[2].split(".")[0]
            if level_of.get(other, len(LEVELS)) > level_of[room]:
                found.append(f"{name}: imports {target}, which is on a higher level")
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as cycle:
        found.append("import cycle: " + " -> ".join(cycle.args[1]))
    for name, tree in trees.items():
        found += [
            f"{name}: {problem}"
            for problem in problems_of_module(tree)
            # Solutions are shown to learners as they would write them: with shapes in the docstring, without types.
            if not (".exercises.lesson_" in name and "no type" in problem and "my_" in problem)
        ]
    for path in sorted(root.rglob("*.py")):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > MAX_LINES:
            found.append(f"{path.relative_to(root.parent)}: {lines} lines, more than {MAX_LINES}: split it")
    return found


def problems_of_module(tree: ast.Module) -> list[str]:
    """What a module must not do, and documentation that it lacks."""
    found = [] if ast.get_docstring(tree) else ["the module has no docstring"]
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.ImportFrom):
            if any(alias.name == "*" for alias in node.names):
                found.append(f"line {line}: star import")
            if node.level:
                found.append(f"line {line}: relative import; write the full name")
            if node.module == "__future__":
                found.append(f"line {line}: __future__ import; annotations must be real for the shape checks")
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {node.module} if isinstance(node, ast.ImportFrom) else {alias.name for alias in node.names}
            if names & {"pickle", "cPickle", "dill", "joblib", "shelve"}:
                found.append(f"line {line}: a pickle can run any code; store arrays or safetensors")
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"torch.load", "np.load", "numpy.load"}:
            given = {word.arg: ast.unparse(word.value) for word in node.keywords}
            if given.get("allow_pickle", "False") != "False" or (
                ast.unparse(node.func) == "torch.load" and given.get("weights_only") != "True"
            ):
                found.append(f"line {line}: {ast.unparse(node.func)} may load a pickle, which can run any code")
    return found + undocumented(tree, "")


def undocumented(parent: ast.Module | ast.ClassDef, prefix: str) -> list[str]:
    """Public functions, classes and methods without a docstring, or with an argument or result of unsaid type."""
    found = []
    for node in parent.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        if not ast.get_docstring(node):
            found.append(f"{prefix}{node.name} has no docstring")
        if isinstance(node, ast.ClassDef):
            # A method that overrides one of another class of ours or of a library is documented there.
            if all(ast.unparse(base) == "nn.Module" for base in node.bases):
                found += undocumented(node, f"{node.name}.")
            continue
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        untyped = [item.arg for item in arguments if item.annotation is None and item.arg not in ("self", "cls")]
        found += [f"{prefix}{node.name}: argument {name} has no type" for name in untyped]
        found += [f"{prefix}{node.name}: the result has no type"] * (node.returns is None)
    return found


def test_the_package_keeps_its_shape():
    found = problems(ROOT)
    assert not found, "\n" + "\n".join(found)


def test_importing_the_package_loads_nothing_heavy():
    code = f"import sys, vae_utils; print(sorted({HEAVY!r} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT.parent)
    assert result.stdout.strip() == "[]", f"`import vae_utils` loaded {result.stdout.strip()}"


GOOD = '"""A module."""\n'


@pytest.mark.parametrize(
    ("file", "source", "message"),
    [
        ("data.py", "from vae_utils.models import X\n", "data: imports vae_utils.models, which is on a higher level"),
        ("data.py", "def _f():\n    import vae_utils.training\n", "imports vae_utils.training, which is on a higher"),
        ("data.py", "from vae_utils import models\n", "imports vae_utils.models, which is on a higher level"),
        ("data.py", "from vae_utils import VAE\n", "imports vae_utils, which is on a higher level"),
        ("data.py", "from vae_utils.toy import X\n", "import cycle"),
        ("utils.py", "", "vae_utils.utils: is on no level"),
        ("data.py", "from math import *\n", "star import"),
        ("data.py", "from .toy import x\n", "relative import"),
        ("data.py", "from __future__ import annotations\n", "__future__"),
        ("data.py", "import pickle\n", "pickle"),
        ("data.py", "import torch\ntorch.load('x')\n", "torch.load may load a pickle"),
        ("data.py", "import numpy as np\nnp.load('x', allow_pickle=True)\n", "np.load may load a pickle"),
        ("data.py", "x = 1\n" * 250, "251 lines"),
        ("data.py", "def f() -> None:\n    pass\n", "f has no docstring"),
        ("data.py", 'class A:\n    """A."""\n    def f(self) -> None:\n        pass\n', "A.f has no docstring"),
        ("data.py", 'def f(x) -> None:\n    """F."""\n', "argument x has no type"),
        ("data.py", 'def f(x: int):\n    """F."""\n', "the result has no type"),
    ],
)
def test_each_rule_catches_its_breach(tmp_path, file, source, message):
    root = tmp_path / "vae_utils"
    root.mkdir()
    for name in ("__init__", "models", "training"):
        (root / f"{name}.py").write_text(GOOD)
    (root / "toy.py").write_text(GOOD + "import vae_utils.data\n")
    (root / "data.py").write_text(GOOD)
    assert problems(root) == []
    (root / file).write_text(GOOD + source)
    assert message in "\n".join(problems(root))
