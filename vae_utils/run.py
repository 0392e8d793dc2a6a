"""The steps of one training run, and everything it needs to go on after an interrupt as if nothing had happened.

`training.fit` is what to call; this module holds the optimiser's loop and nothing of data sets, bars or devices' names.
"""

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

Loss = Callable[..., dict[str, Tensor]]


@dataclass
class Run:
    """A model, its optimiser, and the place in the data and in the random numbers where the run stands.

    Attributes:
        plan: the arguments that must not change between an interrupt and `resume`.
        order: the order of the images in the epoch under way; None between epochs.
        step: steps done in that epoch.
        sums: term -> its sum over the images of that epoch so far.
    """

    model: nn.Module
    plan: dict[str, float]
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    random_state: list[Tensor]
    order: Tensor | None = None
    step: int = 0
    sums: dict[str, Tensor] = field(default_factory=dict)

    @classmethod
    def start(cls, model: nn.Module, plan: dict[str, float], device: torch.device) -> "Run":
        """A run at its first step, with its random numbers seeded by the plan's "seed"."""
        optimizer = torch.optim.Adam(model.parameters(), lr=plan["learning_rate"], fused=device.type != "mps")
        steps = plan["epochs"] * math.ceil(plan["images"] / plan["batch_size"])
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            plan["learning_rate"],
            total_steps=max(steps, 10),  # the schedule divides by the length of its first phase
            pct_start=0.2,
            cycle_momentum=False,
        )
        with torch.random.fork_rng(devices=cuda_devices(device)):
            torch.manual_seed(plan["seed"])
            return cls(model, plan, optimizer, schedule, _random_state(device))

    def finish_epoch(
        self, x: Tensor, labels: Tensor | None, loss: Loss, interrupted: Callable[[], bool]
    ) -> dict[str, float] | None:
        """Go on to the end of the epoch; its means, or None if it was interrupted on the way.

        Args:
            x, labels: all training images (N, 1, 28, 28) and their classes (N,), on the training device.
            loss: as in `training.fit`.
            interrupted: asked before every step.

        Raises:
            FloatingPointError: a loss that is not finite; the weights are those before that step.
            ValueError: a loss of the wrong form.
        """
        self.model.train()
        _set_random_state(self.random_state, x.device)
        if self.order is None:
            self.order, self.step, self.sums = torch.randperm(len(x)).to(x.device), 0, {}
        for chosen in self.order.split(self.plan["batch_size"])[self.step :]:
            if interrupted():
                return None
            terms = checked_terms(loss, self.model, x[chosen], None if labels is None else labels[chosen])
            mean = terms["loss"].mean()
            if not torch.isfinite(mean):
                raise FloatingPointError(f"the loss became {mean.item()} in step {self.step + 1}")
            self.optimizer.zero_grad()
            mean.backward()
            self.optimizer.step()
            self.schedule.step()
            for name, term in terms.items():
                self.sums[name] = self.sums.get(name, 0.0) + term.detach().sum()
            self.step += 1
            self.random_state = _random_state(x.device)
        self.order = None
        return {name: total.item() / len(x) for name, total in self.sums.items()}

    def move(self, device: torch.device) -> None:
        """Bring the weights, and what the optimiser remembers of them, to a device."""
        self.model.to(device)
        for state in self.optimizer.state.values():
            state.update({name: value.to(device) for name, value in state.items() if isinstance(value, Tensor)})


def takes_labels(loss: Loss) -> bool:
    """Whether a loss is `loss(model, x, labels)` rather than `loss(model, x)`.

    Raises:
        ValueError: neither.
    """
    parameters = inspect.signature(loss).parameters.values()
    needed = [
        parameter.name
        for parameter in parameters
        if parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    if len(needed) not in (2, 3):
        raise ValueError(f"loss must take (model, x) or (model, x, labels), received one that takes {tuple(needed)}")
    return len(needed) == 3


def checked_terms(loss: Loss, model: nn.Module, x: Tensor, labels: Tensor | None) -> dict[str, Tensor]:
    """Call a loss and refuse anything but named tensors of one number an image.

    Raises:
        ValueError: the loss did not return {"loss": (B,), ...}.
    """
    terms = loss(model, x) if labels is None else loss(model, x, labels)
    if not isinstance(terms, dict) or "loss" not in terms:
        received = f"a dict with {list(terms)}" if isinstance(terms, dict) else type(terms).__name__
        raise ValueError(f'loss must return a dict with the key "loss", such as {{"loss": ...}}, received {received}')
    for name, term in terms.items():
        if not isinstance(term, Tensor) or term.shape != (len(x),):
            received = tuple(term.shape) if isinstance(term, Tensor) else type(term).__name__
            raise ValueError(
                f'the term "{name}" must hold one number an image, shape ({len(x)},), received {received}; '
                "sum over pixels and latent dimensions, and leave the mean over the batch to fit"
            )
    return terms


def cuda_devices(device: torch.device) -> list[int]:
    """The CUDA device whose random state a run on `device` uses, as `torch.random.fork_rng` wants it."""
    return [device.index or torch.cuda.current_device()] if device.type == "cuda" else []


def _random_state(device: torch.device) -> list[Tensor]:
    return [torch.get_rng_state()] + [torch.cuda.get_rng_state(index) for index in cuda_devices(device)]


def _set_random_state(state: list[Tensor], device: torch.device) -> None:
    torch.set_rng_state(state[0])
    # A run resumed on another kind of device has no state for it; it then goes on with other noise.
    for saved, index in zip(state[1:], cuda_devices(device), strict=False):
        torch.cuda.set_rng_state(saved, index)
