"""A journal: the fits of a search so far, on disk, so that an interrupted search continues as if it had never stopped.

``Journal`` takes fits one by one and writes all of them after each; it makes trials of them. The file (see
``container``) holds what the search must match, the seconds it took, its fits, and whether its budget ended it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from backpass._version import __version__
from backpass.dataclass import dataclass
from backpass.errors import ModelFileError
from backpass.model.file.container import pack, unpack
from backpass.model.file.header import header_length
from backpass.model.file.storage import check_writable, read_file, write_atomically
from backpass.model.form import Form, validate
from backpass.model.settings.constraint import Number
from backpass.model.tuning.search import Search
from backpass.model.tuning.trial import Trial
from backpass.table import CategoricalColumn
from backpass.table.content import bits_of

SUFFIX = ".search"

_ONE, _NUMBER = Number(1, whole=True), Number()
_FORM: Form = {
    "identity": dict,
    "seconds": Number(0),
    "is_ended": bool,
    "fits": [
        {
            "step": _ONE,
            "trial": _ONE,
            "scores": {...: _NUMBER},
            "seconds": Number(0),
            "failure": str,
        }
    ],
}


@dataclass(frozen=True, slots=True)
class Fit:
    """One model of a search.

    Attributes:
        step: The number of the trial that had begun last.
        trial: The number of the trial that the model belongs to.
        scores: Every metric on the rows that it did not train on; empty if it failed.
        seconds: The time that it took.
        failure: Why there is no model; empty if there is one.
    """

    step: int
    trial: int
    scores: Mapping[str, float]
    seconds: float
    failure: str = ""


@dataclass(slots=True, eq=False)
class Journal:
    """The fits of a search, and the file that holds them. Mutable.

    Attributes:
        path: The file; None: the fits are in memory only.
        identity: What a search that continues must match.
        fits: The fits so far, in order.
        seconds: The time that the search took before this process.
        note: That the file held another search, which its budget had ended, and which is replaced; else empty.
    """

    path: Path | None
    identity: Mapping[str, Any]
    fits: list[Fit] = field(default_factory=list)
    seconds: float = 0.0
    note: str = ""

    @staticmethod
    def of(path: str | Path | None, identity: Mapping[str, Any]) -> Journal:
        """The journal in a file, if there is one, or else an empty one.

        Another search in the file is replaced if its budget ended it, because its model was written.

        Raises:
            ResourceError: The file could not be written later.
            ModelFileError: The file is damaged, or belongs to another search that was interrupted; lists everything
                that differs.
        """
        if path is None:
            return Journal(None, identity)
        check_writable(path)
        if not Path(path).exists():
            return Journal(Path(path), identity)
        facts, _ = unpack(read_file(path, partial(header_length, source=str(path))), "search", str(path))
        if message := validate(facts, _FORM, "facts"):
            raise ModelFileError(
                f"{path} does not describe a search that this version can continue",
                details=[message],
                hint=f"remove {path}",
            )
        if errors := _differences(facts["identity"], identity):
            if facts["is_ended"]:
                note = f"{path} holds the trials of another search, which had ended; they are replaced"
                return Journal(Path(path), identity, note=note)
            raise ModelFileError(
                f"{path} belongs to another search",
                details=errors,
                hint=f"tune with the same table and settings, or remove {path} to start again",
            )
        return Journal(Path(path), identity, [Fit(**each) for each in facts["fits"]], facts["seconds"])

    def add(self, fit: Fit, seconds: float) -> None:
        """Add a fit, and write the file.

        Args:
            fit: The fit.
            seconds: The time that the search took so far in this process.

        Raises:
            ResourceError: The file cannot be written.
        """
        self.fits.append(fit)
        self._write(seconds, is_ended=False)

    def end(self, seconds: float) -> None:
        """Write that the budget ended the search; the file stays, so that a larger budget continues it.

        Args:
            seconds: The time that the search took in this process.

        Raises:
            ResourceError: The file cannot be written.
        """
        if self.fits:
            self._write(seconds, is_ended=True)

    def _write(self, seconds: float, *, is_ended: bool) -> None:
        if self.path is None:
            return
        facts: dict[str, Any] = {
            "identity": dict(self.identity),
            "seconds": self.seconds + seconds,
            "is_ended": is_ended,
            "fits": [asdict(each) for each in self.fits],
        }
        write_atomically(self.path, pack("search", facts, {}))

    def drop(self, step: int) -> int:
        """Forget the fits of a step, which is not complete; the file keeps them. Return their number."""
        before = len(self.fits)
        self.fits = [fit for fit in self.fits if fit.step != step]
        return before - len(self.fits)

    def keep(self, steps: float) -> None:
        """Forget the fits after so many steps."""
        self.fits = [fit for fit in self.fits if fit.step <= steps]

    def close(self) -> None:
        """Remove the file."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    @property
    def step(self) -> int:
        """The number of the trial that began last; 0 before the first."""
        return max((fit.step for fit in self.fits), default=0)

    def trials(self, changes: Sequence[Mapping[str, Any]], metric: str) -> list[Trial]:
        """The trials that the fits belong to.

        Args:
            changes: The settings that each trial changes, in the order of the trials.
            metric: The metric that ranks them.
        """
        found = []
        for number in range(1, self.step + 1):
            fits = [fit for fit in self.fits if fit.trial == number]
            scores = tuple(fit.scores for fit in fits if not fit.failure)
            failure = next((fit.failure for fit in fits if fit.failure), "")
            seconds = sum(fit.seconds for fit in fits)
            found.append(Trial(number, changes[number - 1], metric, scores, seconds, failure))
        return found


def identity_of(search: Search) -> dict[str, Any]:
    """What a search that continues must match: version, settings, columns, folds, and a digest of the rows."""
    folds, settings = search.folds, search.settings
    digest = sha256()
    for table in (folds.table, *([] if folds.validation is None else [folds.validation])):
        for name, column in table.columns.items():
            digest.update(repr((name, column.kind)).encode())
            digest.update(np.ascontiguousarray(bits_of(column)).tobytes())
            if isinstance(column, CategoricalColumn):
                digest.update(repr(column.levels).encode())
    for rest, scored in folds.rounds:
        digest.update(rest.tobytes() + scored.tobytes())
    given = {name: each for name, each in settings.to_json().items() if name in dict(settings.given)}
    return {
        "backpass": __version__,
        "targets": list(folds.targets.names),
        "settings": given,
        "drop": list(folds.drop),
        "columns": None if folds.columns is None else list(folds.columns),
        "weight": folds.weight,
        **({"teacher": list(folds.teacher)} if folds.teacher else {}),
        "folds": search.count,
        "rows": digest.hexdigest(),
    }


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    errors = []
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            if name == "rows":
                errors.append("the rows (their values, their order or their folds) differ")
            else:
                errors.append(f"{name}: was {before.get(name)!r}, is {now.get(name)!r}")
    return errors
