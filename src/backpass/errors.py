"""The exceptions, as a tree.

    BackpassError                  1    a bug in Backpass, unless a branch below says otherwise
    |-- UsageError                 2    a setting or an argument cannot be used       (also a ValueError)
    |-- DataError                  3    the table cannot be used                      (also a ValueError)
    |-- ModelFileError             4    the model file or checkpoint is foreign, damaged, or does not fit
    |-- ResourceError              5    memory, disk or permission is missing
    |   `-- InsufficientMemoryError     less memory is available than a table or a network needs
    |-- DivergedError              6    training met a number that is not finite
    |-- InterruptedTraining      130    the user stopped the run; the best weights so far are kept
    `-- CircuitError                    a function cannot be traced, differentiated or evaluated
        |-- ShapeError                  shapes do not match                      (also a ValueError)
        |-- TraceError                  a traced value was used as a number      (also a TypeError)
        `-- GradientError               a gradient cannot be taken, or is wrong  (also a ValueError)

    BackpassWarning                     a run or a model needs attention               (a UserWarning)

The number is the exit code of the command line. A message says what is wrong and where, what was expected and what was
found; its ``hint`` says what to do. Several problems of one table or of one set of options are collected in the
``details`` of one error.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import inf
from numbers import Integral
from typing import Any, TypeVar

from backpass.idiom import in_python

T = TypeVar("T")


class BackpassError(Exception):
    """A message, the problems it collects, and a hint on what to do.

    They name options as the command line does; the text of the exception names the arguments of Python (see ``idiom``).

    Attributes:
        message: What is wrong.
        hint: What to do; may be empty.
        details: The collected problems, one line each; may be empty.

    >>> print(UsageError("learning_rate must be above 0; got -1", hint="try 0.001"))
    learning_rate must be above 0; got -1
    <BLANKLINE>
    hint: try 0.001
    """

    exit_code = 1
    in_reading = False
    """Whether the caller takes options for reading tables in its argument ``reading``, as ``fit`` does."""
    model: object | None = None
    """The best model before training failed or stopped, if any."""

    def __init__(self, message: str, *, hint: str = "", details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = tuple(details)

    def __str__(self) -> str:
        lines = [self.message, *(f"  - {detail}" for detail in self.details)]
        if self.hint:
            lines += ["", f"hint: {self.hint}"]
        return in_python("\n".join(lines), reading=self.in_reading)


@contextmanager
def hints_in_reading() -> Iterator[None]:
    """Let errors name options for reading tables as items of the argument ``reading``.

    >>> try:
    ...     with hints_in_reading():
    ...         raise DataError("1 text among numbers", hint="--missing x")
    ... except DataError as error:
    ...     print(error)
    1 text among numbers
    <BLANKLINE>
    hint: reading={'missing': [*backpass.table.DEFAULT_MISSING, 'x']}
    """
    try:
        yield
    except BackpassError as error:
        error.in_reading = True
        raise


class UsageError(BackpassError, ValueError):
    """A setting or an argument cannot be used (exit code 2)."""

    exit_code = 2


class DataError(BackpassError, ValueError):
    """The table cannot be used (exit code 3)."""

    exit_code = 3


class ModelFileError(BackpassError):
    """The file is not a model file or checkpoint, is damaged, or does not fit (exit code 4)."""

    exit_code = 4


class ResourceError(BackpassError):
    """Memory, disk or permission is missing (exit code 5)."""

    exit_code = 5


class InsufficientMemoryError(ResourceError):
    """Less memory is available than a table or a network needs; nothing was allocated."""


class DivergedError(BackpassError):
    """Training met a number that is not finite (exit code 6)."""

    exit_code = 6


class InterruptedTraining(BackpassError):
    """The user stopped the run; the best weights so far are kept (exit code 130)."""

    exit_code = 130
    signal = 0
    """The number of the signal that stopped the run."""
    checkpoint: str | None = None
    """The file that the run was saved to, if any."""


class BackpassWarning(UserWarning):
    """A run or a model that needs attention without being an error, such as a score worse than that of the mean."""


class CircuitError(BackpassError):
    """A function cannot be traced, differentiated or evaluated."""


class ShapeError(CircuitError, ValueError):
    """Shapes do not match."""


class TraceError(CircuitError, TypeError):
    """A traced value was used where a number is required."""


class GradientError(CircuitError, ValueError):
    """A gradient cannot be taken, or a check found it wrong."""


_ALIKE = 0.6
"""The similarity from which a name is suggested, as ``difflib`` measures it."""
_MOST_NAMES = 12
"""How many known names are listed where none resembles the unknown one."""
_SYNONYMS = {
    "gpu": "cuda",
    "hidden_layer_sizes": "hidden",
    "layers": "hidden",
    "lr": "learning_rate",
    "max_iter": "epochs",
}
"""Words that mean a name that does not resemble them, such as those of other libraries."""

_LARGEST_SEED = 2**64 - 1


def numbers_between(
    low: float = -inf, high: float = inf, *, whole: bool = False, open_low: bool = False, open_high: bool = False
) -> str:
    """The numbers between two bounds, in words that follow "must be".

    Args:
        low: The lower bound.
        high: The upper bound.
        whole: Whether only whole numbers are meant.
        open_low: Whether the lower bound is excluded.
        open_high: Whether the upper bound is excluded.

    >>> numbers_between(1, 9, whole=True), numbers_between(0, open_low=True), numbers_between()
    ('a whole number from 1 to 9', 'a number greater than 0', 'a number')
    >>> numbers_between(0, 1, open_high=True)
    'a number of at least 0 and less than 1'
    """
    kind = "a whole number" if whole else "a number"
    above = "greater than" if open_low else "of at least"
    below = "less than" if open_high else "at most"
    if -inf < low < high < inf and not open_low and not open_high:
        return f"{kind} from {_bound(low)} to {_bound(high)}"
    lower = f"{above} {_bound(low)}" if low > -inf else ""
    upper = f"{below} {_bound(high)}" if high < inf else ""
    bounds = " and ".join(bound for bound in (lower, upper) if bound)
    return f"{kind} {bounds}" if bounds else kind


def _bound(bound: float) -> str:
    """A bound as text; a whole number keeps all its digits, but the largest seed is a power of 2 less 1."""
    if bound == _LARGEST_SEED:
        return "2^64 - 1"
    return f"{bound:,}" if isinstance(bound, int) else f"{bound:g}"


def whole_number_errors(least: int, most: int | None = None, /, **arguments: Any) -> list[str]:
    """A message for each argument that is not a whole number from ``least`` to ``most``.

    Args:
        least: The smallest accepted number.
        most: The largest accepted number. Default None: no limit.
        **arguments: The arguments, by name.

    >>> whole_number_errors(1, epochs=1.5, batch_size=32)
    ['epochs must be a whole number of at least 1; got 1.5']
    """
    expected = numbers_between(least, inf if most is None else most, whole=True)

    def fits(value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, Integral):
            return False
        return int(value) >= least and (most is None or int(value) <= most)

    wrong = {name: value for name, value in arguments.items() if not fits(value)}
    return [f"{name} must be {expected}; got {value!r}" for name, value in wrong.items()]


def seed_errors(seed: Any) -> list[str]:
    """A message if this cannot be a seed.

    Args:
        seed: The argument.

    >>> seed_errors(-1), seed_errors(0)
    (['seed must be a whole number from 0 to 2^64 - 1; got -1'], [])
    """
    return whole_number_errors(0, _LARGEST_SEED, seed=seed)


def function_errors(**arguments: Any) -> list[str]:
    """A message for each argument that is neither None nor a function.

    Args:
        **arguments: The arguments, by name.

    >>> function_errors(watch=3, h=len, on_rows=None)
    ['watch must be a function; got a value of type int']
    """
    wrong = {name: value for name, value in arguments.items() if value is not None and not callable(value)}
    return [f"{name} must be a function; got a value of type {type(value).__name__}" for name, value in wrong.items()]


def argument_error(errors: Sequence[str]) -> UsageError:
    """One error for all arguments that cannot be used.

    Args:
        errors: A message for each of them, at least one.

    >>> print(argument_error([*whole_number_errors(2, folds=1), *whole_number_errors(1, repeats=0)]))
    2 invalid arguments
      - folds must be a whole number of at least 2; got 1
      - repeats must be a whole number of at least 1; got 0
    """
    return UsageError(errors[0]) if len(errors) == 1 else UsageError(f"{len(errors)} invalid arguments", details=errors)


def looked_up(table: Mapping[str, T], name: Any, what: str) -> T:
    """The entry of a table by its name.

    Args:
        table: The entries, by name.
        name: The name.
        what: What the entries are, in the message: ``loss``.

    Raises:
        UsageError: If the name is unknown, or no name at all; the hint gives the nearest name.
    """
    if not isinstance(name, str) or name not in table:
        raise UsageError(f"unknown {what} {name!r}", hint=did_you_mean(name, list(table)))
    return table[name]


def did_you_mean(name: Any, known: Sequence[str]) -> str:
    """A hint that names the most similar known name, or lists the known names (at most twelve).

    Args:
        name: The unknown name.
        known: The known names.

    >>> did_you_mean("pirce", ["price", "rooms"])
    "did you mean 'price'?"
    >>> did_you_mean("zzz", ["price", "rooms"])
    "known names: 'price', 'rooms'"
    >>> did_you_mean("gpu", ["cpu", "cuda", "tpu"])
    "did you mean 'cuda'?"
    """
    from difflib import get_close_matches  # here: messages need it, and most processes have none

    name = str(name)
    near = [other for other in known if other.casefold() == name.casefold()] or synonym(name, known)
    near = near or get_close_matches(name, known, n=1, cutoff=_ALIKE)
    if near:
        return f"did you mean {near[0]!r}?"
    shown = ", ".join(repr(other) for other in known[:_MOST_NAMES])
    return f"known names: {shown}{', ...' if len(known) > _MOST_NAMES else ''}" if known else ""


def synonym(name: str, known: Sequence[str]) -> list[str]:
    """The known names that an unknown one means, without resembling it; as options if it is one.

    Args:
        name: The unknown name, such as that of a setting in another library.
        known: The known names.

    >>> synonym("lr", ["learning_rate"]), synonym("--max-iter", ["--epochs"]), synonym("rate", ["learning_rate"])
    (['learning_rate'], ['--epochs'], [])
    """
    plain = name.casefold().removeprefix("--").replace("-", "_")
    meant = _SYNONYMS.get(plain)
    return [other for other in known if other.removeprefix("--").replace("-", "_").casefold() == meant]


def did_you_mean_file(name: str, known: Sequence[str]) -> str:
    """A hint that names the most similar file; names resemble each other if they do without the suffix.

    Args:
        name: The unknown name, without its folder.
        known: The names of the files that there are.

    Returns:
        The hint; empty if no name resembles the unknown one.

    >>> did_you_mean_file("chrun.csv", ["churn.csv", "movies.csv"])
    "did you mean 'churn.csv'?"
    >>> did_you_mean_file("nofile.csv", ["more.csv", "movies.csv"])
    ''
    """
    from difflib import SequenceMatcher  # here, as above

    stem = name.partition(".")[0].casefold()
    alike = [
        other for other in known if SequenceMatcher(None, stem, other.partition(".")[0].casefold()).ratio() >= _ALIKE
    ]
    return did_you_mean(name, alike) if alike else ""


def missing_file(path: str) -> str:
    """The message about a file that does not exist, or whose folder does not exist.

    Args:
        path: The path of the file.

    >>> print(missing_file("sales.csv"))
    sales.csv: there is no such file
    >>> print(missing_file("nowhere/sales.csv"))
    nowhere/sales.csv: there is no such file, and no folder nowhere
    """
    folder = os.path.dirname(path)
    also = f", and no folder {visible(folder)}" if folder and not os.path.isdir(folder) else ""
    return f"{visible(path)}: there is no such file{also}"


def visible(text: str) -> str:
    """The text with nonprintable characters escaped (control characters, direction marks, lone surrogates).

    Args:
        text: Any text.

    >>> print(visible("a\\x1b[31m\\tb\\u202e"))
    a\\x1b[31m\\tb\\u202e
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
