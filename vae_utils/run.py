"""The steps of one training run, and everything it needs to go on after an interrupt as if nothing had happened.

`training.fit` is what to call; this module holds the optimiser's loop and nothing of data sets, bars or devices' names.
"""

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from vae_utils.capture import CapturedStep, keeps_no_state, on_stream, refusing_to_wait
from vae_utils.interrupts import held
from vae_utils.on_disk import ImagesOnDisk
from vae_utils.randomness import drawing_from, first_state

PLAIN_STEPS = 3  # before one is recorded
STEPS_AT_ONCE = 100  # recorded steps between two looks at whether all went well

Loss = Callable[..., dict[str, Tensor]]


@dataclass
class Run:
    """A model, its optimiser, and the place in the data and in the random numbers where the run stands.

    Attributes:
        plan: the arguments that must not change between an interrupt and `resume`.
        left: a digest of the weights that an unfinished run left, which they must still be on `resume`; or empty.
        random_state: see `randomness`; it moves on with each step that is done.
        epoch: the epoch under way or finished last, from 0.
        order: the order of the images in that epoch.
        step: steps done in that epoch.
        sums: term -> its sum over the images of that epoch so far.
        plain_because: why its steps could not be recorded on a GPU (see `capture`); empty if they can.
        stream: the queue of the GPU on which it works; None elsewhere.
        captured: the recorded step; whoever changes what the loss or the model reads sets it to None.
    """

    model: nn.Module
    plan: dict[str, int | float | str]
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    random_state: list[Tensor]
    epoch: int = -1
    order: Tensor | None = None
    step: int = 0
    sums: dict[str, Tensor] = field(default_factory=dict)
    plain_because: str = ""
    stream: torch.cuda.Stream | None = None
    captured: CapturedStep | None = None
    left: str = ""

    @classmethod
    def start(cls, model: nn.Module, plan: dict[str, int | float | str], device: torch.device) -> "Run":
        """A run at its first step, with its random numbers seeded by the plan's "seed"."""
        rate = plan["learning_rate"]
        optimizer = torch.optim.Adam(
            model.parameters(), lr=rate, fused=device.type != "mps", capturable=device.type == "cuda"
        )
        steps = plan["epochs"] * math.ceil(plan["images"] / plan["batch_size"])
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            rate,
            total_steps=max(steps, 10),  # the schedule divides by the length of its first phase
            pct_start=0.2,
            cycle_momentum=False,
        )
        return cls(model, plan, optimizer, schedule, first_state(plan["seed"], device))

    def finish_epoch(
        self, epoch: int, x: Tensor | ImagesOnDisk, labels: Tensor | None, loss: Loss, interrupted: Callable[[], bool]
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
                order = torch.randperm(len(x))
            with held():
                # In place: recorded steps read it where it lies.
                self.order = order.to(x.device) if self.order is None else self.order.copy_(order)
                self.epoch, self.step, self.random_state = epoch, 0, later
                for total in self.sums.values():
                    total.zero_()
        if x.device.type == "cuda" and self.stream is None:
            self.stream = torch.cuda.Stream(x.device)
        batches = self.order.split(self.plan["batch_size"])
        with on_stream(self.stream):
            while self.step < len(batches):
                if interrupted():
                    return None
                chosen = batches[self.step]
                if len(chosen) == self.plan["batch_size"] and self._is_captured(loss, x, labels):
                    self._replay(len(x) // len(chosen))
                else:
                    part = x.index_select(0, chosen)  # several times faster than x[chosen]
                    self._plain_step(loss, part, None if labels is None else labels[chosen])
        return {name: total.item() / len(x) for name, total in self.sums.items()}

    def _plain_step(self, loss: Loss, x: Tensor, labels: Tensor | None) -> None:
        with drawing_from(self.random_state, x.device) as later:
            terms = checked_terms(loss, self.model, x, labels)
        if self.sums and set(terms) != set(self.sums):
            raise ValueError(
                f"loss must return the same terms at every call: {list(self.sums)} before, now {list(terms)}"
            )
        self._find_gradients(terms["loss"].mean())
        # All or nothing: a step that was cut off before is done again with the same noise.
        with held():
            self.optimizer.step()
            self.schedule.step()
            for name, term in terms.items():
                precise = torch.promote_types(term.dtype, torch.float32)  # float16 ends at 65504
                self.sums.setdefault(name, torch.zeros_like(term[0], dtype=precise)).add_(
                    term.detach().sum(dtype=precise)
                )
            self.step += 1
            self.random_state = later

    def _find_gradients(self, mean: Tensor) -> None:
        if not math.isfinite(value := mean.item()):
            raise FloatingPointError(f"the loss became {value} in step {self.step + 1}")
        if not mean.requires_grad:
            raise ValueError('the term "loss" does not depend on the weights; leave out .detach(), .item() and no_grad')
        weights = self.optimizer.param_groups[0]["params"]  # walking through the model takes longer
        for weight in weights:
            weight.grad = None
        mean.backward()
        norms = [torch.linalg.vector_norm(weight.grad) for weight in weights if weight.grad is not None]
        # A finite loss can have a gradient that is not (the square root of 0), and Adam would never get over it.
        if norms and not torch.stack(norms).isfinite().all():
            raise FloatingPointError(f"the gradient became NaN or infinite in step {self.step + 1}")

    def _is_captured(self, loss: Loss, x: Tensor | ImagesOnDisk, labels: Tensor | None) -> bool:
        """Whether there is a recorded step; it is made when the optimiser has its state and libraries are loaded."""
        in_reach = isinstance(x, Tensor) and x.device.type == "cuda"
        ready = in_reach and (self.epoch > 0 or self.step >= PLAIN_STEPS)
        if self.captured is None and not self.plain_because and ready and keeps_no_state(loss):
            try:
                self.captured = self._capture(loss, x, labels)
            except (RuntimeError, TypeError, ValueError) as error:  # the plain step does the same, more slowly
                self.plain_because = str(error)
        return self.captured is not None

    def _capture(self, loss: Loss, x: Tensor, labels: Tensor | None) -> CapturedStep:
        def terms_of(x: Tensor, labels: Tensor | None) -> dict[str, Tensor]:
            return checked_terms(loss, self.model, x, labels)

        size = self.plan["batch_size"]
        with drawing_from(self.random_state, x.device) as later, refusing_to_wait():
            terms_of(x[:size], None if labels is None else labels[:size])
        if not torch.equal(later[0], self.random_state[0]):
            raise RuntimeError("the loss draws random numbers of the CPU, which cannot be recorded")
        with drawing_from(self.random_state, x.device):
            return CapturedStep(
                self.model, self.optimizer, terms_of, self.sums, x, labels, self.order, size, STEPS_AT_ONCE
            )

    def _replay(self, full_batches: int) -> None:
        """Do several recorded steps and look at the result once: looking costs more than a step."""
        rates = []
        for _ in range(min(STEPS_AT_ONCE, full_batches - self.step)):
            rates.append(self.schedule.get_last_lr()[0])
            self.schedule.step()
        with drawing_from(self.random_state, self.order.device) as later:
            done, mean, cut_off = self.captured.replay(self.step, rates)
        self.random_state = later
        if done < len(rates):
            what = "the gradient became NaN or infinite" if math.isfinite(mean) else f"the loss became {mean}"
            raise FloatingPointError(f"{what} in step {self.step + done + 1}")
        self.step += len(rates)
        if cut_off is not None:
            raise cut_off

    def move(self, device: torch.device) -> None:
        """Bring the weights, and what the optimiser and the sums remember, to a device."""
        self.model.to(device)
        for state in (*self.optimizer.state.values(), *self.optimizer.param_groups, self.sums):
            state.update({name: value.to(device) for name, value in state.items() if isinstance(value, Tensor)})
        if self.order is not None:
            self.order = self.order.to(device)
        self.captured = None


def takes_labels(loss: Loss) -> bool:
    """Whether a loss is `loss(model, x, labels)` rather than `loss(model, x)`.

    Raises:
        TypeError: not a function.
        ValueError: neither.
    """
    if not callable(loss):
        hint = "pass the function itself, as in fit(model, images, negative_elbo)"
        raise TypeError(f"loss must be a function, received {type(loss).__name__}; {hint}")
    try:
        parameters = inspect.signature(loss).parameters.values()
    except ValueError:  # of some functions that are written in C
        parameters = []
    needed = [
        parameter.name
        for parameter in parameters
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    named = [parameter for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
    if len(needed) not in (2, 3) or any(parameter.name in needed for parameter in named):
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
        if not isinstance(name, str):
            raise ValueError(f"the terms of a loss have names, such as 'kl'; received {name!r}")
        if not isinstance(term, Tensor) or term.shape != (len(x),):
            received = tuple(term.shape) if isinstance(term, Tensor) else type(term).__name__
            raise ValueError(
                f'the term "{name}" must hold one number an image, shape ({len(x)},), received {received}; '
                "sum over pixels and latent dimensions, and leave the mean over the batch to fit"
            )
        if not term.is_floating_point():
            raise ValueError(f'the term "{name}" must hold floating-point numbers, received {term.dtype}; use .float()')
    return terms
