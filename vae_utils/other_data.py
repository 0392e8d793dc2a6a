"""Run a lesson on other images than digits, without an edit: an extension of IPython, for a cell above the first one.

    %load_ext vae_utils.other_data

From then on `load_images("digits")` gives Fashion-MNIST in this notebook, cut to as many images, so that budgets and
times stay what they are. The numbers that the text names are those of digits: where an assertion on one fails, a line
says so, and the lesson goes on. Everything else fails as always. For another set than Fashion-MNIST:

    from vae_utils.other_data import use
    use("mnist")
"""

import ast
import sys
from functools import wraps
from typing import Any

from vae_utils import data
from vae_utils.data import DIGITS_TRAIN, Images, load_images

DIGITS_TEST = 2_000


def cut(images: Images, train: int = DIGITS_TRAIN, test: int = DIGITS_TEST) -> Images:
    """The first images of a data set, at most so many for training and for testing."""
    return Images(
        images.name,
        images.train[:train],
        images.train_labels[:train],
        images.test[:test],
        images.test_labels[:test],
        images.classes,
    )


def use(name: str = "fashion-mnist", shell: Any = None) -> Images:
    """Let `load_images("digits")` give another data set in this notebook, and failed claims of the text be said only.

    Args:
        name: of a data set that `load_images` knows.
        shell: the running IPython; found if None.

    Returns:
        The data set, cut to as many images as there are digits.

    Raises:
        RuntimeError: this is no notebook, nor IPython.
        ValueError, OSError: as `load_images`.
    """
    if shell is None:
        from IPython import get_ipython

        shell = get_ipython()
    if shell is None:
        raise RuntimeError("there is no running notebook; in a program write load_images(name) with the name you want")
    images = cut(load_images(name))

    @wraps(load_images)
    def stand_in(wanted: str = "digits", folder: Any = None) -> Images:
        return images if wanted == "digits" else load_images(wanted, folder)

    _give(shell, stand_in)
    unload_claims(shell)
    shell.ast_transformers.append(SoftClaims())
    shell.user_ns[SAY] = lambda claim: print(f"Not so on {name}: {claim}")
    print(
        f"Data: {name}, {len(images.train):,} images to train on and {len(images.test):,} to test, wherever the lesson "
        'asks for "digits". Its text tells of digits; a line below a cell says which of its numbers differ.'
    )
    return images


def load_ipython_extension(shell: Any) -> None:
    """Called by `%load_ext vae_utils.other_data`."""
    use(shell=shell)


def unload_ipython_extension(shell: Any) -> None:
    """Called by `%unload_ext vae_utils.other_data`: digits and hard assertions are back."""
    _give(shell, load_images)
    unload_claims(shell)


def unload_claims(shell: Any) -> None:
    """Let a failed assertion be an error again."""
    shell.ast_transformers[:] = [each for each in shell.ast_transformers if not isinstance(each, SoftClaims)]


SAY = "_says_that_a_claim_fails"


class SoftClaims(ast.NodeTransformer):
    """Turns each `assert claim, message` of a cell into a line that is printed when the claim is false.

    Assertions inside functions and classes stay: they guard code, not the text.
    """

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:  # noqa: N802, D102 - the name is ast's
        return node

    visit_AsyncFunctionDef = visit_ClassDef = visit_Lambda = visit_FunctionDef  # noqa: N815

    def visit_Assert(self, node: ast.Assert) -> ast.AST:  # noqa: N802, D102
        message = node.msg or ast.Constant(ast.unparse(node.test))
        said = ast.Expr(ast.Call(ast.Name(SAY, ast.Load()), [message], []))
        softened = ast.If(test=ast.UnaryOp(ast.Not(), node.test), body=[said], orelse=[])
        return ast.fix_missing_locations(ast.copy_location(softened, node))


def _give(shell: Any, function: Any) -> None:
    """Make a function the `load_images` of the package and of what the notebook has imported already."""
    known = (load_images, data.load_images)
    if any(shell.user_ns.get("load_images") is each for each in known):
        shell.user_ns["load_images"] = function
    sys.modules[__package__].load_images = data.load_images = function
