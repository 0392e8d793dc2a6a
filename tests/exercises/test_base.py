"""Every exercise, of the lessons and thrown away, passes its solution and withstands wrong answers of all kinds."""

import html
import random
import subprocess
import sys
import threading
import time
import types

import numpy as np
import pytest
import torch

from vae_utils import exercises
from vae_utils.exercises.base import Predict
from vae_utils.exercises.report import NOT_ATTEMPTED
from vae_utils.exercises.sandbox import fixed_conditions, run_limited


def empty(*args):
    """Nothing is written here yet."""
    ...


def not_implemented(*args):
    raise NotImplementedError


def blank(*args):
    result = ...
    return result + 1


def mixed(mu, logvar):
    result = 0.5 * (mu.square() + logvar.exp() - 1 - logvar)
    return result.mean(0, keepdim=True).expand_as(result)


def own_noise(mu):
    return torch.randn(mu.shape, generator=torch.Generator().manual_seed(0))


class MuteError(Exception):
    def __str__(self):
        raise SystemError


def raise_mute(mu, logvar):
    raise MuteError


def spoiled_graph(mu, logvar):
    root = mu.exp().sqrt()
    result = 0.5 * (mu.square() + logvar.exp() - 1 - logvar) + 0 * root.sqrt()
    root.add_(1)
    return result


class Hostile:
    """An object on which everything fails."""

    def __getattr__(self, name):
        raise SystemExit(f"no {name}")

    def __repr__(self):
        raise SystemExit

    __float__ = __len__ = __iter__ = __array__ = __call__ = __bool__ = __eq__ = __hash__ = __repr__


# Every exercise


def test_solution_passes(exercise, extras):
    result = exercise.check(exercise.right_answer(*extras), *extras)
    assert result.passed and result.attempted and result.message == f"Correct. {exercise.shown}"


@pytest.mark.parametrize("answer", [..., None, "", {"answer": ...}, (1, ...)])
def test_untouched(exercise, extras, answer):
    assert exercise.check(answer, *extras) is NOT_ATTEMPTED


@pytest.mark.parametrize("answer", [empty, not_implemented, blank, lambda *args: None])
def test_untouched_functions(implement, answer):
    assert implement.check(answer) is NOT_ATTEMPTED


def test_planted_mistakes_are_named(exercise, extras):
    assert len(exercise.mistakes) >= 3
    for message, wrong in exercise.wrong_answers(*extras):
        result = exercise.check(wrong, *extras)
        assert not result.passed and result.attempted
        assert message in result.message, f"{message!r} was expected in {result.message!r}"


def test_every_wrong_option_has_its_message(exercise):
    if isinstance(exercise, Predict) and exercise.options:
        assert set(exercise.mistakes.values()) == set(exercise.options) - {exercise.answer}


HOSTILE = [Hostile(), Hostile, object(), 1j, 10**400, "<b>?</b>", b"\xff", float("nan"), float("-inf"), True, [], {}]
HOSTILE += [
    [[1], [2, 3]],
    torch.ones(0),
    torch.full((2, 2), torch.nan),
    torch.ones(2, device="meta"),
    print,
    int,
    torch,
]
HOSTILE += [{"ratio": None}, np.array(["a"]), torch.nn.Linear(2, 2), (x for x in ()), lambda: 1]


@pytest.mark.parametrize("answer", HOSTILE, ids=lambda answer: type(answer).__name__)
def test_any_object_is_refused_in_words(throw_away, answer):
    for exercise in throw_away.values():
        result = exercise.check(answer, *exercise.example())
        assert not result.passed and result.message and "<b>" not in result._repr_html_()


def test_hostile_objects_are_refused(exercise, extras):
    for answer in (Hostile(), float("nan"), "?", torch.ones(0)):
        assert not exercise.check(answer, *extras).passed


def test_words_are_complete(exercise):
    assert len(exercise.hints) >= 2 and 1 <= exercise.difficulty <= 5 and exercise.minutes > 0
    assert exercise.solution().text.strip() or exercise.solution().code.strip()
    for text in (exercise.title, exercise.shown, *exercise.hints, *exercise.mistakes):
        assert text.strip()
    exercise._hints_given = 0
    for shown in (exercise, exercise.solution(), exercise.hint()):
        assert repr(shown).strip() and "<div" in shown._repr_html_() and " at 0x" not in repr(shown)


# Attacks on every function. A changed output counts only where it differs from the solution's.


def change(value, how):
    if isinstance(value, dict):
        return {key: change(item, how) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return tuple(change(item, how) for item in value)
    return how(torch.as_tensor(value)) if isinstance(value, (torch.Tensor, int, float)) else value


OUTPUTS = {
    "an axis too many": lambda t: t[None],
    "flattened with one more": lambda t: torch.cat([t.flatten(), t.flatten()[:1]]),
    "integers": lambda t: t.long() if t.is_floating_point() else t,
    "complex": lambda t: t + 0j,
    "half precision": lambda t: t.half() if t.is_floating_point() else t,
    "nan": lambda t: t * torch.nan,
    "infinite": lambda t: t + torch.inf,
    "zeros": torch.zeros_like,
    "ones": torch.ones_like,
    "twice": lambda t: 2 * t,
    "negative": lambda t: -t,
    "the first row for all": lambda t: t[:1].expand_as(t).clone() if t.ndim and len(t) else t,
    "rows turned round": lambda t: t.flip(0) if t.ndim else t,
    "mean over the batch": lambda t: t.float().mean(0).expand_as(t).clone() if t.ndim else t,
    "text": lambda t: str(t),
    "nothing": lambda t: None,
}


# What the learner has to be told of them.
WORDS = {"an axis too many": "has the shape", "flattened with one more": "has the shape", "nan": "is nan"}
WORDS |= {"infinite": "is inf", "text": "received", "nothing": "None"}
WORDS |= dict.fromkeys(("integers", "complex", "half precision"), "has the dtype")


def differs(first, second):
    same_kind = type(first) is type(second) and isinstance(first, torch.Tensor) and first.dtype == second.dtype
    return not same_kind or first.shape != second.shape or not torch.allclose(first, second, 1e-3, 1e-3)


@pytest.mark.parametrize("attack", OUTPUTS)
def test_changed_outputs_fail(implement, attack, monkeypatch):
    values_are_compared = implement.cases and not implement.random
    if not values_are_compared and attack in ("negative", "twice", "rows turned round"):
        return  # where properties are measured, as of symmetric noise, these may be right answers too
    monkeypatch.setattr(implement, "mistakes", {})
    changed = []

    def wrong(*args):
        def how(tensor):
            other = OUTPUTS[attack](tensor)
            changed.append(differs(tensor, other))
            return other

        return change(implement.reference(*args), how)

    result = implement.check(wrong)
    assert any(changed) != result.passed, result.message
    assert result.passed or WORDS.get(attack, "") in result.message


def act(implement, before=lambda *args: None, after=lambda *args: None):
    def wrong(*args):
        before(*args)
        output = implement.reference(*args)
        after(*args)
        return output

    return wrong


def stop():
    raise SystemExit


def test_misbehaviour_is_named(implement, monkeypatch):
    def raises(*args):
        raise ValueError("<b>attack</b>")

    def forgets_return(*args):
        implement.reference(*args)

    monkeypatch.setattr(implement, "mistakes", {})
    found = {
        "raised ValueError: <b>attack</b> (line 2 of the function) when called with": raises,
        "raised SystemExit": act(implement, before=lambda *args: stop()),
        "raised TypeError": lambda only, two, many, a, b, c, d, e, f: only,
        "None: is the `return` missing?": forgets_return,
        "received the function": lambda *args: raises,
        "Not yet.": lambda *args: args,
    }
    if not implement.random:
        found["draws random numbers or sets a seed"] = act(implement, before=lambda *args: torch.rand(2))
        found["random numbers or sets a seed"] = act(implement, before=lambda *args: np.random.rand())  # noqa: NPY002
        found["numbers or sets a seed"] = act(implement, after=lambda *args: torch.manual_seed(1))
    else:
        found["sets the random seed"] = act(implement, before=lambda *args: torch.manual_seed(1))
    for message, wrong in found.items():
        result = implement.check(wrong)
        assert not result.passed and "<b>" not in result._repr_html_()
        if message != "received the function" or "should be" in result.message:
            assert message in result.message, result.message


def test_changed_inputs_are_named(keeps_input, monkeypatch):
    touched = []

    def spoil(*args):
        for value in args:
            if isinstance(value, torch.Tensor) and value.is_floating_point() and value.numel():
                value.data.add_(1.0)
                touched.append(True)

    monkeypatch.setattr(keeps_input, "mistakes", {})
    result = keeps_input.check(act(keeps_input, after=spoil))
    assert result.passed != any(touched) and ("changes its input" in result.message or not touched)


def test_blocked_gradients_are_named(differentiable):
    result = differentiable.check(lambda *args: change(differentiable.reference(*args), torch.detach))
    assert not result.passed and "No gradient can flow back" in result.message


def assert_it_is_stopped(function, endless, monkeypatch):
    monkeypatch.setattr(function, "seconds", 0.3)
    monkeypatch.setattr(function, "mistakes", {})
    start = time.monotonic()
    result = function.check(endless)
    assert "did not finish within 0.3 s when called with" in result.message and not result.passed
    assert "Is there a loop that never ends" in result.message
    assert time.monotonic() - start < 20


def test_an_endless_function_is_stopped(implement, monkeypatch):
    def endless(*args):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            time.sleep(0.001)

    threads = threading.active_count()
    assert_it_is_stopped(implement, endless, monkeypatch)
    assert threading.active_count() <= threads


def test_nothing_is_printed_where_stopping_takes_longer_than_asking_again(throw_away, monkeypatch, capfd):
    """A list that grew for seconds takes long to be given back, and the worker is at its end when it is asked again."""

    class SlowAtTheEnd(threading.Thread):
        def run(self):
            super().run()
            time.sleep(0.3)

    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)  # pytest has its own
    monkeypatch.setattr(threading, "Thread", SlowAtTheEnd)
    threads = threading.active_count()
    assert_it_is_stopped(throw_away["kl"], lambda *args: [[] for _ in iter(int, 1)], monkeypatch)
    while threading.active_count() > threads:
        time.sleep(0.01)
    assert capfd.readouterr() == ("", "")


def test_a_function_that_cannot_be_stopped_is_left_behind(throw_away, monkeypatch):
    def stubborn(*args):
        end = time.monotonic() + 3
        while time.monotonic() < end:
            try:
                time.sleep(0.001)
            except BaseException:
                pass

    for name in ("kl", "sample", "terms", "step"):
        assert_it_is_stopped(throw_away[name], stubborn, monkeypatch)


def test_double_precision_passes(implement):
    def doubled(*args):
        return change(implement.reference(*args), lambda t: t.double() if t.is_floating_point() else t)

    assert implement.check(doubled).passed


def test_numpy_passes_where_no_gradient_is_needed(throw_away):
    def in_numpy(values):
        return (values.mul_(2)).numpy().sum()

    assert throw_away["step"].check(in_numpy).passed


# The framework itself


def test_check_leaves_the_random_state_and_stdout_alone(throw_away, capsys):
    def loud(mu, logvar):
        print("shown <b>" * 10_000)
        torch.manual_seed(5), random.seed(5), np.random.seed(5)  # noqa: NPY002
        torch.set_default_dtype(torch.float64)
        return mu

    before = torch.get_rng_state(), np.random.get_state()[1]  # noqa: NPY002
    result = throw_away["sample"].check(loud)
    after = torch.get_rng_state(), np.random.get_state()[1]  # noqa: NPY002
    assert torch.equal(before[0], after[0]) and np.array_equal(before[1], after[1])
    assert torch.get_default_dtype() == torch.float32
    assert capsys.readouterr().out == "" and sys.stdout is not None
    assert "shown" in repr(result) and len(repr(result)) < 1000 and "<b>" not in result._repr_html_()


@pytest.mark.parametrize(
    ("name", "answer", "text"),
    [
        (
            "kl",
            lambda mu, logvar: my_constant(mu),
            "With mu = [[0.5]], logvar = [[1.3]], your function returns 1; 0.81",
        ),
        ("kl", torch.ones(2), "Pass the function itself, as in `exercises.kl.check(f)`; received [1, 1]."),
        ("kl", lambda mu, logvar: mu * torch.ones(7, 1, 1), "has the shape (7, 1, 1); (1, 1) was expected"),
        ("kl", lambda mu, logvar: my_constant(mu) * torch.nan, "Your result is nan at index [0, 0] (called with mu = "),
        ("kl", lambda mu, logvar: mu.exp_() * logvar, "Your function changes its input mu"),
        ("kl", lambda mu, logvar: mixed(mu, logvar), "In the batch it returns the second number: your function mixes"),
        ("sample", lambda mu, logvar: mu + (logvar / 2).exp() * own_noise(mu), "Two calls return the same numbers"),
        ("kl", raise_mute, "Your function raised MuteError (line 2 of the function) when called with mu = [[0.5]]"),
        ("kl", spoiled_graph, "Backpropagating through your function raised RuntimeError: one of the variables"),
        ("sample", lambda mu, logvar: mu + logvar.exp() * torch.randn(mu.T.shape).T, "You multiplied by the variance."),
        ("sample", lambda mu, logvar: torch.normal(mu, logvar.exp()).detach(), "No gradient can flow back"),
        ("sample", lambda mu, logvar: mu + logvar.exp().sqrt().detach() * torch.randn_like(mu), "elements of logvar"),
        (
            "terms",
            lambda model, x: {"loss": x.sum(-1)},
            "should be a dict with 'loss', 'penalty'; received one with 'loss'",
        ),
        ("step", lambda values: values.sum() * 2, "Afterwards the values are 1 at index [0]; 2 was expected."),
        ("option", "e", "'e' is not one of the options:\n`'a'`: about 3"),
        ("option", 2, "2 is not one of the options"),
        ("number", 2, "2 is too high."),
        ("number", "1.2", "1.2 is too low."),
        ("number", True, "One number is expected; received True."),
        ("number", torch.tensor(True), "One number is expected"),
        ("number", torch.ones(2), "One number is expected; received [1, 1]."),
        ("number", float("nan"), "received nan"),
        ("number", -0.2, "It is never negative."),
        ("factor", 391, "391 is too low."),
        ("ratio", 49, "Your answer should be a dict with 'ratio', 'sum'; received 49."),
        ("ratio", {"ratio": 50, "sum": 800}, "Your answer['ratio'] is 50; that is too high."),
        ("ratio", {"ratio": 49, "sum": 800.123}, "Your answer['sum'] is 800.123; that is too high."),
        (
            "terms",
            lambda model, x: {"loss": (model(x) - x).square().sum(-1) + 3, "penalty": x.abs().sum(-1)},
            "result['loss'] of your function is ",
        ),
        ("context", 1.0, "Pass also x: `exercises.context.check(answer, x)`."),
    ],
)
def test_messages(throw_away, name, answer, text):
    result = throw_away[name].check(answer)
    assert not result.passed and text in result.message, result.message
    assert html.escape(text.split("`")[0].split("\n")[0]) in result._repr_html_()


def my_constant(mu):
    return torch.ones_like(mu)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("option", " B "),
        ("number", "1.5"),
        ("number", np.float32(1.5)),
        ("number", torch.tensor([[1.5]], requires_grad=True)),
        ("factor", 392),
        ("factor", 1568),
        ("ratio", {"ratio": np.float64(49), "sum": torch.tensor(800), "more": "is welcome"}),
    ],
)
def test_generous(throw_away, name, answer):
    assert throw_away[name].check(answer).passed


def test_other_right_samplers_pass(throw_away):
    """A right answer may draw its noise in any way: 20 other noises pass."""
    for seed in range(20):
        generator = torch.Generator().manual_seed(seed)

        def sample(mu, logvar, generator=generator):
            noise = torch.randn(mu.T.shape, generator=generator).T
            return mu + logvar.exp().sqrt() * noise

        assert throw_away["sample"].check(sample).passed
    assert throw_away["sample"].check(lambda m, v: torch.distributions.Normal(m, v.exp().sqrt()).rsample()).passed


def test_hints_come_in_order_and_the_last_stays(throw_away):
    throw_away["factor"]._hints_given = 0
    texts = [throw_away["factor"].hint().text for _ in range(4)]
    assert texts[0] == "Look at the units." and texts[1].startswith(
        "Write it for one dimension.\nThis is the last hint"
    )
    assert texts[1] == texts[2] == texts[3]


def test_solution_shows_source(throw_away):
    solution = throw_away["kl"].solution()
    assert "return 0.5 * (mu.square()" in repr(solution) and "<pre" in solution._repr_html_()
    assert "-&gt; (B, K)" in solution._repr_html_()


def test_fixed_conditions_repeats_and_puts_back():
    def draw():
        return random.random(), torch.rand(()).item(), np.random.rand()  # noqa: NPY002

    def draw_fixed(seed):
        with fixed_conditions(seed):
            return draw()

    threads, states = torch.get_num_threads(), (random.getstate(), torch.get_rng_state(), np.random.get_state())  # noqa: NPY002
    expected = draw()
    random.setstate(states[0]), torch.set_rng_state(states[1]), np.random.set_state(states[2])  # noqa: NPY002
    first, second, other = draw_fixed(1), draw_fixed(1), draw_fixed(2)
    assert draw() == expected and first == second and not set(first) & set(other)
    assert torch.get_num_threads() == threads


def test_run_limited_passes_results_and_errors_on():
    assert run_limited(lambda: 3, 5) == 3
    with pytest.raises(ZeroDivisionError):
        run_limited(lambda: 1 / 0, 5)


# Finding the exercises


def test_names(monkeypatch, throw_away):
    with pytest.raises(AttributeError, match="there is no exercise 'kl_tern'; the exercises are: "):
        exercises.kl_tern  # noqa: B018
    assert set(exercises.registry()) <= set(dir(exercises))
    first, second = types.ModuleType("lesson_98"), types.ModuleType("lesson_99")
    first.twice, second.twice, first._hidden = throw_away["kl"], throw_away["sample"], throw_away["number"]
    modules = {"lesson_98": first}
    monkeypatch.setattr(
        exercises.pkgutil, "iter_modules", lambda path: [types.SimpleNamespace(name=n) for n in modules]
    )
    monkeypatch.setattr(exercises.importlib, "import_module", lambda name: modules[name.rpartition(".")[2]])
    search = exercises.registry.__wrapped__
    search = getattr(search, "__wrapped__", search)
    assert set(search()) == {"twice"}
    modules["lesson_99"] = second
    with pytest.raises(ImportError, match=r"lesson_99.py and lesson_98.py both define twice"):
        search()
    throw_away["kl"].name = "kl"


def test_import_is_light():
    code = "import sys; from vae_utils import exercises; exercises.registry(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"matplotlib", "sklearn", "torchvision", "ipywidgets", "IPython"} & set(loaded)
