"""`@checked`: what a signature says about its arguments is enforced with messages for learners.

In the tests jaxtyping and beartype enforce every signature. A learner runs without them, and would see an error of some
line deep inside, or no error at all. This is for functions that are called now and then; what runs in each training
step checks for itself.
"""

import functools
import inspect
import math
import re
import types
import typing
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any, TypeVar

import torch
from torch import Generator, Tensor, nn

F = TypeVar("F", bound=Callable[..., Any])
FAILURES = (ValueError, TypeError, RuntimeError, AttributeError, LookupError, ArithmeticError, AssertionError)
WIDE = {torch.float32, torch.float64}  # in half precision sums over pixels lose what is measured


def checked(function: F | None = None, *, finite: bool = True, strict: bool = True) -> F:
    """Let a function refuse arguments that do not fit its annotations, by name.

    Shapes are read from jaxtyping's annotations: an axis that has the same name in two arguments must be as long in
    both. A number annotated `int` must fit into 64 bits.

    Args:
        function: with annotations; decorate with `@checked` or `@checked(finite=False)`.
        finite: whether NaN and infinities are refused, in tensors and as numbers.
        strict: whether arguments are looked at before the call. Figures take what can be drawn, arrays and lists too;
            there only what fails inside is told with its arguments.

    Returns:
        The function; it raises TypeError (another kind of thing) or ValueError (another shape, range or number). What
        goes wrong inside it all the same, as in a model of another size, becomes an error that tells all arguments.
    """
    if function is None:
        return functools.partial(checked, finite=finite, strict=strict)
    signature = inspect.signature(function)
    accepted: tuple | None = None

    @functools.wraps(function)
    def checks_first(*args: Any, **options: Any) -> Any:
        nonlocal accepted
        # Training steps call with the same shapes again and again; only what is finite has to be looked at each time.
        form = None if finite or options else tuple(map(_form, args))
        if strict and (form is None or form != accepted):
            lengths: dict[str, tuple[int, str]] = {}
            for name, value in signature.bind(*args, **options).arguments.items():
                parameter = signature.parameters[name]
                if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                    _check(name, value, parameter, lengths, finite)
            accepted = form
        try:
            return function(*args, **options)
        except FAILURES as error:
            if isinstance(error, torch.OutOfMemoryError | NotImplementedError) or _names(error, signature):
                raise
            bound = signature.bind(*args, **options).arguments
            told = ", ".join(
                f"{name} = {received(value)}" for name, value in bound.items() if name not in ("self", "cls")
            )
            kind = TypeError if isinstance(error, TypeError | AttributeError) else ValueError
            title = f"{type(error).__name__}: {error}".strip().splitlines()[0]
            raise kind(f"{function.__name__} cannot work with {told}; what failed inside was {title}") from error

    return checks_first


def _form(value: object) -> object:
    """All that the checks see of an argument that need not be finite, or something that equals nothing."""
    if isinstance(value, Tensor):
        return value.dtype, value.shape, value.is_meta
    return type(value) if isinstance(value, nn.Module | Generator | None) else object()


def _names(error: Exception, signature: inspect.Signature) -> bool:
    """Whether an error speaks of an argument already."""
    words = set(re.findall(r"\w+", str(error)))
    return isinstance(error, ValueError | TypeError) and bool(words & set(signature.parameters))


def _check(name: str, value: object, parameter: inspect.Parameter, lengths: dict, finite: bool) -> None:
    kind = parameter.annotation
    if value is parameter.default or kind is parameter.empty or kind is Any:
        return
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        kinds = [one for one in typing.get_args(kind) if one is not type(None)]
        if value is None and len(kinds) < len(typing.get_args(kind)):
            return
        if len(kinds) > 1:
            return _check_one_of(name, value, kinds)
        kind = kinds[0]
    if hasattr(kind, "dim_str"):
        _check_tensor(name, value, kind.dim_str.split(), kind.dtypes, lengths, finite)
    elif kind in (int, float):
        _check_number(name, value, kind, finite)
    elif isinstance(kind, type) and issubclass(kind, nn.Module):
        # Models of a certain class are the function's business: lesson 06 writes a VAE of its own.
        if kind is nn.Module and not isinstance(value, nn.Module):
            raise TypeError(f"{name} must be a model, such as VAE(2), received {received(value)}; run its cell first")
    elif typing.get_origin(kind) is Callable or kind is Callable:
        if not callable(value):
            raise TypeError(f"{name} must be a function, received {received(value)}")
    else:
        _check_one_of(name, value, [kind])


def _check_one_of(name: str, value: object, kinds: list) -> None:
    kinds = [typing.get_origin(kind) or kind for kind in kinds]
    plain = tuple({float: Real, int: Integral}.get(kind, kind) for kind in kinds if isinstance(kind, type))
    if len(plain) < len(kinds) or isinstance(value, plain):
        return
    raise TypeError(
        f"{name} must be of the type {' or '.join(kind.__name__ for kind in kinds)}, received {received(value)}"
    )


def _check_number(name: str, value: object, kind: type, finite: bool) -> None:
    what = "a whole number" if kind is int else "a number"
    one = isinstance(value, Tensor) and value.ndim == 0 and value.is_floating_point() and kind is float
    if isinstance(value, bool) or not (one or isinstance(value, Integral if kind is int else Real)):
        error = ValueError if isinstance(value, Real) else TypeError
        raise error(f"{name} must be {what}, received {received(value)}")
    if kind is int and abs(int(value)) >= 2**63:
        raise ValueError(f"{name} must be a whole number that fits into 64 bits, received {value}")
    if kind is float and finite and not (one and value.is_meta) and not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number, received {value}")


def _check_tensor(name: str, value: object, axes: list, dtypes: Sequence[str], lengths: dict, finite: bool) -> None:
    floats = "float32" in dtypes
    if not isinstance(value, Tensor):
        advice = "torch.as_tensor(...).float()" if floats else "torch.as_tensor(...)"
        raise TypeError(f"{name} must be a tensor, received {received(value)}; convert it with {advice}")
    if str(value.dtype).removeprefix("torch.") not in dtypes or floats and value.dtype not in WIDE:
        wanted, advice = ("float32 or float64", ".float()") if floats else ("whole numbers", ".long()")
        raise TypeError(f"{name} must hold {wanted}, received {value.dtype}; convert it with {advice}")
    if value.is_meta:
        raise ValueError(f'{name} holds no numbers: it is on the device "meta"; make it on the CPU')
    shape, shown = tuple(value.shape), f"({', '.join(axis.lstrip('*') for axis in axes)})"
    open_end = next((place for place, axis in enumerate(axes) if axis == "..." or axis.startswith("*")), None)
    before, after = (axes, []) if open_end is None else (axes[:open_end], axes[open_end + 1 :])
    fits = len(shape) == len(axes) if open_end is None else len(shape) >= len(axes) - 1
    pairs = [*zip(before, shape, strict=False), *zip(reversed(after), reversed(shape), strict=False)]
    if not fits or any(axis.isdigit() and int(axis) != length for axis, length in pairs):
        whole = axes[-3:] == ["1", "28", "28"] and value.numel() and value.numel() % 784 == 0
        advice = "; reshape it with x.reshape(-1, 1, 28, 28)" * bool(whole)
        raise ValueError(f"{name} must have the shape {shown}, received {shape}{advice}")
    if open_end is not None and axes[open_end].startswith("*"):
        pairs.append((axes[open_end], shape[len(before) : len(shape) - len(after)]))
    for axis, length in pairs:
        if not axis.isdigit():
            known, first = lengths.setdefault(axis, (length, name))
            if known != length:
                axis = axis.lstrip("*")
                raise ValueError(f"{name} {shape} does not fit {first}: {axis} is {known} there and {length} here")
    if finite and floats and not torch.isfinite(value).all():
        raise ValueError(f"{name} must be finite, and holds NaN or infinity: did the training diverge?")


def received(value: object) -> str:
    """How messages name what was received."""
    if isinstance(value, Tensor):
        return f"a tensor {tuple(value.shape)} of {str(value.dtype).removeprefix('torch.')}"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, (str, Real, complex)) or value is None:
        return repr(value)[:60]
    name = getattr(value, "__name__", "")
    return f"the function {name}" if inspect.isroutine(value) and name else f"a {type(value).__name__}"
