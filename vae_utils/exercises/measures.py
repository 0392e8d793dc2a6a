"""What a check measures on an answer, and how two sets of measurements are compared."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from vae_utils.exercises.report import pair, sentence
from vae_utils.exercises.sandbox import Guarded, Wrong, describe, first_line

TOLERANCE = 1e-4  # of float32 results, absolute below 1 and relative above


@dataclass(frozen=True)
class Quantity:
    """One thing that a check measures on an answer.

    `says` begins the sentence ("The variance of your samples is") that ends "<value>; <expected> was expected."
    Without `expected`, what the same measurement gives on the reference solution is expected. `tolerance` is
    absolute. `why` is added to the message when no planted mistake explains the answer. What is expected of a `secret`
    quantity is not told, only whether the value is too high or too low: it is the answer itself.
    """

    says: str
    value: object
    expected: object = None
    tolerance: object = None
    why: str = ""
    secret: bool = False


@dataclass
class Findings:
    """Everything measured on one answer, and the problem that ended the measuring, if any."""

    quantities: list[Quantity] = field(default_factory=list)
    problem: str = ""

    def difference(self, reference: "Findings") -> str:
        """The first thing that is wrong, in words; empty when all is as in the reference."""
        for mine, right in zip(self.quantities, reference.quantities, strict=False):
            expected = right.value if mine.expected is None else mine.expected
            wrong = _difference(mine.value, expected, mine.tolerance, secret=mine.secret)
            if wrong is not None:
                return f"{mine.says} {wrong}. {mine.why}".strip()
        return sentence(self.problem)

    def same_as(self, other: "Findings") -> bool:
        """Whether all measurements agree, within a few tolerances: samples of the same mistake differ a little."""
        return (self.problem, len(self.quantities)) == (other.problem, len(other.quantities)) and all(
            _difference(mine.value, its.value, mine.tolerance, slack=4) is None
            for mine, its in zip(self.quantities, other.quantities, strict=True)
        )


def _difference(value: object, expected: object, tolerance: object, slack: int = 1, secret: bool = False) -> str | None:
    """The first difference beyond the tolerance in words, or None. One expected number serves all."""
    value, expected = (torch.as_tensor(x).detach().double() for x in (value, expected))
    if value.shape != expected.shape and expected.ndim:
        return f"of shape {tuple(value.shape)}; {tuple(expected.shape)} was expected"
    allowed = TOLERANCE * expected.abs().clamp(min=1) if tolerance is None else torch.as_tensor(tolerance)
    equal = (value == expected) | (value.isnan() & expected.isnan())  # also infinities
    wrong = (~equal & ~((value - expected).abs() <= slack * allowed)).nonzero()
    if not len(wrong):
        return None
    at = tuple(wrong[0].tolist())
    goal = expected.expand(value.shape)[at]
    where = f" at index {list(at)}" if value.numel() > 1 else ""
    if secret:
        return f"{value[at].item():.6g}{where}; that is too {'high' if value[at] > goal else 'low'}"
    received, right = pair(value[at].item(), goal.item())
    return f"{received}{where}; {right} was expected"


def require(condition: object, message: str) -> None:
    """Ends the check with this message unless the condition holds."""
    if not bool(condition):
        raise Wrong(message)


def normal(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal numbers, the same at every call: inputs for checks."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def outputs(
    f: Callable, args: tuple, names: list[str], per_row: bool, gradients: bool, random: bool
) -> Iterator[Quantity]:
    """What f returns for these arguments, and if asked, one row alone and the gradients.

    Of a random function only the kind and shape are looked at (by calling it) and where gradients arrive:
    a right answer may draw its noise in another way than the reference.
    """
    if gradients:
        args = tuple(a.clone().requires_grad_() if _is_float(a) else a for a in args)
    output = f(*args)
    call = describe(names, args)
    first = next(a for a in args if isinstance(a, Tensor)) if per_row else None
    if per_row and len(first) > 1:
        alone = f(*(a[-1:] if isinstance(a, Tensor) and a.shape[:1] == first.shape[:1] else a for a in args))
        why = "In the batch it returns the second number: your function mixes the rows."
        for (_, many), (_, one) in zip(leaves(output), leaves(alone), strict=True):
            yield Quantity("Given the last row of a batch alone, your function returns", one, many[-1:], why=why)
    for where, tensor in leaves(output) if not random else ():
        says = f"result{where} of your function is" if where else "your function returns"
        yield Quantity(f"With {call}, {says}", tensor)
    if gradients:
        yield from gradient(output, dict(zip(names, args, strict=False)), random)


def gradient(output: object, inputs: dict[str, object], random: bool = False) -> Iterator[Quantity]:
    """Gradients of a fixed weighted sum of the output, with respect to each tensor or module of the inputs."""
    floating = [tensor for _, tensor in leaves(output) if tensor.is_floating_point()]
    require(
        any(tensor.requires_grad for tensor in floating),
        "No gradient can flow back from your result to its inputs. Did you use `.item()`, `.detach()`, "
        "`torch.no_grad()`, `.sample()` or NumPy?",
    )
    total = sum((tensor * normal(*tensor.shape, seed=1)).sum() for tensor in floating)
    targets = {name: value for name, value in inputs.items() if _is_float(value)}
    for name, value in inputs.items():
        if isinstance(value, torch.nn.Module):
            targets |= {f"{name}.{inner}": parameter for inner, parameter in value.named_parameters()}
    try:
        found = torch.autograd.grad(total, list(targets.values()), allow_unused=True)
    except RuntimeError as error:
        raise Wrong(f"Backpropagating through your function raised {first_line(error)}") from None
    for (name, target), value in zip(targets.items(), found, strict=True):
        value = torch.zeros_like(target) if value is None else value
        if random:
            yield Quantity(f"The number of elements of {name} that a gradient reaches is", value.count_nonzero())
            continue
        yield Quantity(f"The gradient of your result (a weighted sum of it) with respect to {name} is", value)


def gaussian_samples(
    f: Guarded, *args: Tensor, mean: Tensor, variance: Tensor, draws: int = 20_000
) -> Iterator[Quantity]:
    """Whether f(*args), args (B, K), draws independent Gaussians with this mean and variance, both (B, K).

    Tolerances are seven standard errors: with the fixed seeds a right answer passes always, and with any
    other seeds it would fail about once in 10^10 numbers.
    """
    B, K = mean.shape
    rows = [a.repeat_interleave(draws, dim=0) for a in args]
    samples = f(*rows).detach().double().view(B, draws, K)
    again = f(*rows).detach().double().view(B, draws, K)
    require(not torch.equal(samples, again), "Two calls return the same numbers: is there fresh noise in each call?")
    spread = samples.var(dim=1)
    require((spread > 0).all(), "All rows of the batch get the same noise. Each number needs a noise of its own.")
    unit = (samples - samples.mean(1, keepdim=True)) / spread.sqrt()[:, None]
    together = unit.mT @ unit / draws * (1 - torch.eye(K))  # (B, K, K)
    why = "Each number needs a noise of its own."
    error = 7 / draws**0.5
    yield Quantity("The correlation between two dimensions of your samples is", together, 0.0, error, why)
    rows_together = torch.einsum("bdk,cdk->kbc", unit, unit) / draws * (1 - torch.eye(B))
    yield Quantity("The correlation between two rows of your samples is", rows_together, 0.0, error, why)
    # With the row 1, 2, ... further on, all at once: neighbours may share noise, or halves, or every seventh row.
    power = torch.fft.rfft(unit.flatten(0, 1), 2 * B * draws, dim=0).abs().square()
    further = torch.fft.irfft(power, dim=0)[1 : B * draws].abs().amax(0) / (B * draws)  # (K,)
    says = "The largest correlation of your samples with those a number of rows further on is"
    yield Quantity(says, further, 0.0, error, f"Rows of the batch share their noise. {why}")
    for at in torch.cartesian_prod(torch.arange(B), torch.arange(K)).tolist():
        says = f"With {describe(f.names, tuple(a[tuple(at)] for a in args))}, the {{}} of your samples is"
        m, v = mean[tuple(at)].item(), variance[tuple(at)].item()
        yield Quantity(says.format("mean"), samples[at[0], :, at[1]].mean(), m, error * v**0.5)
        yield Quantity(says.format("variance"), spread[tuple(at)], v, error * 2**0.5 * v)
    yield Quantity(
        "The fourth moment of your noise is", unit.pow(4).mean(1), 3.0, error * 96**0.5, "Is the noise Gaussian?"
    )
    # Gaussian noise that repeats is shared. Of 20,000 float32 numbers about 12 are equal by chance.
    fresh = min(len(numbers.unique()) for numbers in unit.mT.flatten(0, 1)) / draws
    require(fresh > 0.98, f"Rows of the batch share their noise. {why}")


def wide_and_narrow(f: Guarded, *logvar: float, draws: int = 20_000) -> Iterator[Quantity]:
    """Whether f(0, logvar) has the variance exp(logvar) at these values too, far from 0; tolerances as above."""
    expected = torch.tensor(logvar)
    rows = expected.expand(draws, len(logvar)).contiguous()
    found = f(torch.zeros_like(rows), rows).detach().double().var(0).log()
    given = " and ".join(f"{each:g}" for each in logvar)
    says = f"With mu = 0, logvar = {given}, the log variances of your samples are"
    yield Quantity(says, found, expected, 7 * (2 / draws) ** 0.5, "Is logvar cut off somewhere?")


def slopes(
    f: Guarded, first: Tensor, second: Tensor, slope_of_second: Callable[[Tensor], Tensor], names: tuple[str, str]
) -> Iterator[Quantity]:
    """How a draw z = f(first, second) answers to its parameters: dz/dfirst is 1, dz/dsecond known from z - first."""
    first, second = (tensor.clone().requires_grad_() for tensor in (first, second))
    z = f(first, second)
    require(z.requires_grad, "No gradient can flow back from your samples to their parameters.")
    by_first, by_second = torch.autograd.grad(z.sum(), [first, second], allow_unused=True)
    by_first, by_second = (torch.zeros_like(z) if slope is None else slope for slope in (by_first, by_second))
    yield Quantity(f"The slope dz/d{names[0]} of your samples is", by_first, 1.0, 1e-4)
    excess = by_second - slope_of_second(z.detach() - first.detach())
    yield Quantity(
        f"The slope dz/d{names[1]} of your samples, less what the noise in them implies, is",
        excess,
        0.0,
        1e-3,
        f"Does the gradient reach {names[1]} through everything that you compute from it?",
    )


def leaves(value: object, where: str = "") -> Iterator[tuple[str, Tensor]]:
    """The tensors in nested dicts and tuples, each with its place, as in "['kl']"."""
    if isinstance(value, (dict, tuple, list)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(item, f"{where}[{key!r}]")
    elif isinstance(value, (Tensor, int, float)):
        yield where, torch.as_tensor(value)


def in_cases(cases: Iterable | Callable) -> list[tuple]:
    """The argument tuples of a check, made anew when they are given as a function."""
    return [c if isinstance(c, tuple) else (c,) for c in (cases() if callable(cases) else cases)]


def _is_float(value: object) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()
