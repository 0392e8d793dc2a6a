"""The steps of one training run, and everything it needs to go on after an interrupt as if nothing had happened.

`training.fit` is what to call; this module holds the optimiser's loop and nothing of data sets, bars or devices' names.
"""

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from vae_utils.randomness import drawing_from, first_state

Loss = Callable[..., dict[str, Tensor]]


@dataclass
class Run:
    """A model, its optimiser, and the place in the data and in the random numbers where the run stands.

    Attributes:
        plan: the arguments that must not change between an interrupt and `resume`.
        random_state: see `randomness`; it moves on with each step that is done.
        epoch: the epoch under way or finished last, from 0.
        order: the order of the images in that epoch.
        step: steps done in that epoch.
        sums: term -> its sum over the images of that epoch so far.
    """

    model: nn.Module
    plan: dict[str, int | float]
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    random_state: list[Tensor]
    epoch: int = -1
    order: Tensor | None = None
    step: int = 0
    sums: dict[str, Tensor] = field(default_factory=dict)

    @classmethod
    def start(cls, model: nn.Module, plan: dict[str, int | float], device: torch.device) -> "Run":
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
        return cls(model, plan, optimizer, schedule, first_state(plan["seed"], device))

    def finish_epoch(
        self, epoch: int, x: Tensor, labels: Tensor | None, loss: Loss, interrupted: Callable[[], bool]
    ) -> dict[str, float] | None:
        """Go on to the end of an epoch; its means, or None if it was interrupted on the way.

        Called again for an epoch that is finished, it does nothing and returns the same means.

        Args:
            epoch: which epoch, from 0.
            x, labels: all training images (N, 1, 28, 28) and their classes (N,), on the training device.
            loss: as in `training.fit`.
            interrupted: asked before every step.

        Raises:
            FloatingPointError: a loss or gradient that is not finite; the weights are those before that step.
            ValueError: a loss of the wrong form.
        """
        self.model.train()
        if self.epoch != epoch:
            with drawing_from(self.random_state, x.device) as later:
                order = torch.randperm(len(x)).to(x.device)
            self.epoch, self.order, self.step, self.sums, self.random_state = epoch, order, 0, {}, later
        for chosen in self.order.split(self.plan["batch_size"])[self.step :]:
            if interrupted():
                return None
            # The state moves on only when the step is done, so that a step cut off is done again with the same noise.
            with drawing_from(self.random_state, x.device) as later:
                terms = checked_terms(loss, self.model, x[chosen], None if labels is None else labels[chosen])
            self._descend(terms["loss"].mean())
            for name, term in terms.items():
                self.sums[name] = self.sums.get(name, 0.0) + term.detach().sum()
            self.step += 1
            self.random_state = later
        return {name: total.item() / len(x) for name, total in self.sums.items()}

    def _descend(self, mean: Tensor) -> None:
        if not torch.isfinite(mean):
            raise FloatingPointError(f"the loss became {mean.item()} in step {self.step + 1}")
        if not mean.requires_grad:
            raise ValueError('the term "loss" does not depend on the weights; leave out .detach(), .item() and no_grad')
        self.optimizer.zero_grad()
        mean.backward()
        norms = [weight.grad.norm() for weight in self.model.parameters() if weight.grad is not None]
        # A finite loss can have a gradient that is not (the square root of 0), and Adam would never get over it.
        if norms and not torch.stack(norms).isfinite().all():
            raise FloatingPointError(f"the gradient became NaN or infinite in step {self.step + 1}")
        self.optimizer.step()
        self.schedule.step()

    def move(self, device: torch.device) -> None:
        """Bring the weights, and what the optimiser remembers of them, to a device."""
        self.model.to(device)
        for state in self.optimizer.state.values():
            state.update({name: value.to(device) for name, value in state.items() if isinstance(value, Tensor)})


def takes_labels(loss: Loss) -> bool:
    """Whether a loss is `loss(model, x, labels)` rather than `loss(model, x)`.

    Raises:
        TypeError: not a function.
        ValueError: neither.
    """
    if not callable(loss):
        hint = "pass the function itself, as in fit(model, images, negative_elbo)"
        raise TypeError(f"loss must be a function, received {type(loss).__name__}; {hint}")
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
