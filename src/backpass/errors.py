"""Every way things go wrong, drawn as a tree.

    BackpassError                  1    our own bug, unless a branch below says otherwise
    |-- UsageError                 2    a setting or an argument cannot be used       (also a ValueError)
    |-- DataError                  3    the table cannot be used                      (also a ValueError)
    |-- ModelFileError             4    the model file (or checkpoint) is not one, is damaged, or does not fit
    |-- ResourceError              5    memory, disk, permission
    |-- DivergedError              6    training met a number that is not finite
    |-- InterruptedTraining      130    the user stopped the run; the best weights so far are kept
    `-- CircuitError                    a function cannot be traced, differentiated or evaluated
        |-- ShapeError                  shapes do not fit one another            (also a ValueError)
        |-- TraceError                  a traced value was used as a number      (also a TypeError)
        `-- GradientError               a gradient was refused, or is wrong      (also a ValueError)

    BackpassWarning                     a run or a model deserves a look               (a UserWarning)

The number is the exit code of the command line. A message says what is wrong and where, what was expected and what
came; its ``hint`` says what to do. Several faults of one table or of one set of options travel in one error, as
``faults``.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches


class BackpassError(Exception):
    """A message, the faults it collects, and a hint on what to do.

    >>> print(UsageError("learning_rate must be above 0, got -1", hint="try 0.001"))
    learning_rate must be above 0, got -1
    <BLANKLINE>
    hint: try 0.001
    """

    exit_code = 1
    model: object | None = None
    """The best model there was before training failed or stopped, where there was one."""

    def __init__(self, message: str, *, hint: str = "", faults: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.faults = tuple(faults)

    def __str__(self) -> str:
        lines = [self.message, *(f"  - {fault}" for fault in self.faults)]
        if self.hint:
            lines += ["", f"hint: {self.hint}"]
        return "\n".join(lines)


class UsageError(BackpassError, ValueError):
    """A setting or an argument cannot be used (exit code 2)."""

    exit_code = 2


class DataError(BackpassError, ValueError):
    """The table cannot be used (exit code 3)."""

    exit_code = 3


class ModelFileError(BackpassError):
    """The model file or checkpoint is not one, is damaged, or does not fit (exit code 4)."""

    exit_code = 4


class ResourceError(BackpassError):
    """Memory, disk or permission is missing (exit code 5)."""

    exit_code = 5


class DivergedError(BackpassError):
    """Training met a number that is not finite (exit code 6)."""

    exit_code = 6


class InterruptedTraining(BackpassError):
    """The user stopped the run; the best weights so far are kept (exit code 130)."""

    exit_code = 130
    signal = 0
    """The number of the signal that stopped it."""
    checkpoint: str | None = None
    """The file that the run was saved to, if any."""


class BackpassWarning(UserWarning):
    """Something about a run or a model that deserves a look and is no error, such as a score that the mean beats."""


class CircuitError(BackpassError):
    """A function cannot be traced, differentiated or evaluated."""


class ShapeError(CircuitError, ValueError):
    """Shapes do not fit one another."""


class TraceError(CircuitError, TypeError):
    """A traced value was used where only a number will do."""


class GradientError(CircuitError, ValueError):
    """A gradient was refused, or a check found it wrong."""


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """A hint naming the nearest known name, or all of them when they are few.

    >>> did_you_mean("pirce", ["price", "rooms"])
    "did you mean 'price'?"
    >>> did_you_mean("zzz", ["price", "rooms"])
    "known names: 'price', 'rooms'"
    """
    near = [other for other in known if other.casefold() == name.casefold()]
    near = near or get_close_matches(name, known, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    shown = ", ".join(repr(other) for other in known[:8])
    return f"known names: {shown}{', ...' if len(known) > 8 else ''}" if known else ""


def visible(text: str) -> str:
    """A text with everything that does not print (control characters, marks of direction, bare bytes) escaped.

    >>> print(visible("a\\x1b[31m\\tb\\u202e"))
    a\\x1b[31m\\tb\\u202e
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
