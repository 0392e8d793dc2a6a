"""The exercises of the lessons: `exercises.NAME.check(answer)`, `.hint()` and `.solution()`.

Each `lesson_NN.py` beside this file defines the exercises of one notebook as module-level names. They are
found when the first one is asked for, so that importing this package costs nothing.
"""

import functools
import importlib
import pkgutil

from vae_utils.exercises.base import Exercise


@functools.cache
def registry() -> dict[str, Exercise]:
    """Every exercise of every lesson.

    Returns: exercises by name, in the order of the lessons.
    Raises: ImportError when two lessons define the same name.
    """
    found: dict[str, Exercise] = {}
    lessons = sorted(info.name for info in pkgutil.iter_modules(__path__) if info.name.startswith("lesson_"))
    for lesson in lessons:
        module = importlib.import_module(f"{__name__}.{lesson}")
        for name, value in vars(module).items():
            if not isinstance(value, Exercise) or name.startswith("_"):
                continue
            if name in found:
                raise ImportError(f"{lesson}.py and {found[name].lesson}.py both define {name}: rename one of them")
            value.name, value.lesson = name, lesson
            found[name] = value
    return found


def __getattr__(name: str) -> Exercise:
    if name.startswith("_") or name.startswith("lesson_"):  # Python's own questions, and the lesson files themselves
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name not in registry():
        raise AttributeError(f"there is no exercise {name!r}; the exercises are: {', '.join(registry()) or 'none yet'}")
    return registry()[name]


def __dir__() -> list[str]:
    return ["registry", *registry()]
