"""A training step recorded once as a CUDA graph and replayed: launching its kernels costs a GPU more than running them.

`run.Run` decides when to use it; the arithmetic is that of the plain step. This is not a compiler: nothing is fused.
A recorded step repeats its kernels and nothing of Python, so a loss that counts its calls, draws random numbers of
Python or of the CPU, or waits for a result is left to the plain step; `keeps_no_state` says how far that is seen.
"""

import dis
import functools
import gc
import inspect
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import torch
from torch import Tensor, nn

MUTATORS = {"add", "append", "clear", "extend", "insert", "pop", "popitem", "remove", "setdefault", "update"}
WRITES = ("STORE_GLOBAL", "STORE_ATTR")
HARMLESS = (bool, int, float, complex, str, bytes, type(None), type, Tensor, nn.Module, torch.dtype, torch.device)
KNOWN = ("builtins", "functools", "math", "torch", "vae_utils")  # what a loss may call unseen


def keeps_no_state(loss: Callable) -> bool:
    """Whether a loss is a function that remembers nothing from one call to the next, and rolls no dice of Python.

    Looked at are its code, the functions that it calls, and what both read from outside: they may not write variables
    of others, set an attribute, change a dictionary or list, nor use an object that may have a memory, such as an
    iterator. In doubt the answer is no. Not seen is what a model's `forward` does, and what is kept in its attributes.
    """
    return _is_function(loss) and _is_harmless(loss, set())


def _is_function(value: object) -> bool:
    while isinstance(value, functools.partial):
        value = value.func
    return inspect.isfunction(value)


def _is_harmless(value: object, seen: set[int]) -> bool:
    """Whether a value that a loss uses cannot carry anything from one call of it to the next."""
    if id(value) in seen or isinstance(value, HARMLESS):
        return True
    seen.add(id(value))
    if inspect.ismodule(value) or inspect.isbuiltin(value):
        owner = value if inspect.ismodule(value) else value.__self__  # random.random is a method of hidden dice
        name = owner.__name__ if inspect.ismodule(owner) or inspect.isclass(owner) else ""
        return name.partition(".")[0] in KNOWN or (inspect.isclass(owner) and owner.__module__.startswith("torch"))
    if isinstance(value, functools.partial):
        return all(_is_harmless(part, seen) for part in (value.func, *value.args, *value.keywords.values()))
    if isinstance(value, dict | list | tuple):
        return all(_is_harmless(part, seen) for part in (value.values() if isinstance(value, dict) else value))
    if (getattr(value, "__module__", None) or "").partition(".")[0] in KNOWN:
        return True
    return inspect.isfunction(value) and _changes_nothing(value, seen)


def _changes_nothing(function: Callable, seen: set[int]) -> bool:
    """The same of a function that is not of a library, by its bytecode and that of the functions within it."""
    codes, steps = [function.__code__], []
    for code in codes:
        codes += [part for part in code.co_consts if inspect.iscode(part)]
        steps += [(step.opname, step.argval) for step in dis.get_instructions(code)]
    enclosed = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    writes = any(name in WRITES or what == "setattr" for name, what in steps)
    if writes or any(name == "STORE_DEREF" and what in enclosed for name, what in steps):
        return False
    named = {what for name, what in steps if name in ("LOAD_GLOBAL", "LOAD_NAME")}
    outside = [function.__globals__[name] for name in named & function.__globals__.keys()]
    outside += [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    with suppress(ValueError):  # a variable that has no value yet
        outside += [cell.cell_contents for cell in enclosed.values()]
    changes = any(name == "STORE_SUBSCR" or what in MUTATORS for name, what in steps)
    if changes and any(isinstance(value, dict | list) for value in outside):
        return False
    return all(_is_harmless(value, seen) for value in outside)


@contextmanager
def refusing_to_wait() -> Iterator[None]:
    """Within it, an operation for whose result the program would wait raises a RuntimeError instead."""
    before = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Synchronization debug mode is a prototype feature")
        torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(before)


@contextmanager
def on_stream(stream: torch.cuda.Stream | None) -> Iterator[None]:
    """Within it work goes to a queue of the GPU other than the default one, which cannot be recorded; None: nothing."""
    if stream is None:
        yield
        return
    stream.wait_stream(torch.cuda.current_stream(stream.device))
    with torch.cuda.stream(stream):
        yield
    torch.cuda.current_stream(stream.device).wait_stream(stream)


class CapturedStep:
    """One step of a training run, recorded, that walks through the batches by itself; a bad one freezes the weights.

    Args:
        model: in training mode, on a CUDA device, after at least one plain step.
        optimizer: a fused and capturable Adam with one parameter group.
        terms_of: a batch (B, 1, 28, 28) and its labels (B,) or None -> checked terms.
        sums: term -> running sum; the steps add to these very tensors.
        x, labels: all images and their classes (or None); read where they lie.
        order: the numbers of the images in the order of the epoch, (N,); read where it lies, so refill it in place.
        size: images a step.
        most: the largest number of steps between two looks.

    Raises:
        RuntimeError: the step cannot be recorded.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        terms_of: Callable[[Tensor, Tensor | None], dict[str, Tensor]],
        sums: dict[str, Tensor],
        x: Tensor,
        labels: Tensor | None,
        order: Tensor,
        size: int,
        most: int,
    ) -> None:
        self.x, self.labels, self.order, self.size, self.most = x, labels, order, size, most
        self.places = torch.arange(size, device=x.device)  # of the next batch in the order
        self.count = torch.zeros(1, dtype=torch.int64, device=x.device)  # steps since the last look
        self.rates = torch.zeros(most, device=x.device)
        self.means = torch.zeros(most, device=x.device, dtype=x.dtype)
        self.bad = torch.zeros((), device=x.device)  # 1 from the first step that was not finite
        self.lost = torch.zeros((), device=x.device)  # steps since then
        self.one = torch.ones((), device=x.device)  # kept, as all that the recorded kernels read
        self.graph = torch.cuda.CUDAGraph()
        group = optimizer.param_groups[0]
        rate = group["lr"]
        optimizer.zero_grad()  # so that the recorded backward pass writes gradients and does not add to old ones
        optimizer.found_inf = self.bad  # a fused Adam leaves weights and moments as they are where this is 1
        try:
            with _recording(self.graph, x.device):
                chosen = order.index_select(0, self.places)
                terms = terms_of(x.index_select(0, chosen), None if labels is None else labels.index_select(0, chosen))
                mean = terms["loss"].mean()
                mean.backward()
                gradients = [weight.grad for weight in model.parameters() if weight.grad is not None]
                mean = mean.detach().view(1)
                # The check of torch.amp, in one kernel: it sets `bad` to 1 and never back to 0.
                torch._amp_foreach_non_finite_check_and_unscale_([*gradients, mean.clone()], self.bad, self.one)
                self.lost += self.bad
                self.means.index_copy_(0, self.count, mean)
                group["lr"] = self.rates.index_select(0, self.count).view(())
                optimizer.step()
                for name, term in terms.items():
                    sums[name] += term.detach().sum()
                self.places += size
                self.count += 1
        finally:
            group["lr"] = rate
            del optimizer.found_inf
            optimizer.zero_grad()

    def replay(self, first: int, rates: list[float]) -> tuple[int, float, KeyboardInterrupt | None]:
        """Do one step for each learning rate, from the batch with the number `first` on, and wait for them.

        Returns:
            How many steps went well, the loss of the one after them, or else of the last, and an interrupt that came
            meanwhile: it waits these milliseconds, so that what was done is known.
        """
        torch.arange(first * self.size, (first + 1) * self.size, out=self.places)
        self.rates[: len(rates)].copy_(torch.tensor(rates))
        self.count.zero_()
        queued, cut_off = 0, None
        while queued < len(rates):
            try:
                self.graph.replay()
                queued += 1
            except KeyboardInterrupt as error:
                cut_off = error
        done = queued - int(self.lost.item())
        return done, self.means[min(done, queued - 1)].item(), cut_off


@contextmanager
def _recording(graph: torch.cuda.CUDAGraph, device: torch.device) -> Iterator[None]:
    generator = torch.cuda.default_generators[torch.cuda.current_device() if device.index is None else device.index]
    spare = generator.clone_state()
    collects = gc.isenabled()
    gc.disable()  # what is collected while recording may free memory of the GPU, which is not allowed then
    torch.cuda.synchronize(device)
    try:
        # Other threads may use the GPU meanwhile.
        graph.capture_begin(capture_error_mode="thread_local")
        try:
            yield
        except BaseException:
            with suppress(RuntimeError):
                graph.capture_end()
            raise
        graph.capture_end()
    except BaseException:
        # A recording that broke off leaves the generator in its recording state, where it refuses to draw.
        generator.graphsafe_set_state(spare)
        raise
    finally:
        if collects:
            gc.enable()
