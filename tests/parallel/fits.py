"""The fits that one process and several do alike.

mpiexec runs this module as a program, ``fits.py FOLDER NAME ...``, that writes the models of some of them to a folder.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backpass.model import Settings, fit
from backpass.model.assessment.cross_validation import cross_validated
from backpass.model.assessment.folds import Folds
from backpass.table import table_from
from backpass.training import Callback
from backpass.training.processes.mpi import exchange_of

ROWS = 90


def rows() -> dict[str, Any]:
    r = np.random.default_rng(5)
    a, b = r.normal(size=(2, ROWS))
    return {
        "a": a,
        "b": b,
        "day": np.arange(ROWS),
        "y": a * b + 0.1 * r.normal(size=ROWS),
        "kind": np.where(a + b > 0, "high", "low"),
    }


FITS: dict[str, dict[str, Any]] = {
    "ensemble": {"target": "y", "ensemble_size": 3, "hidden": (4,), "epochs": 4, "validation_fraction": 0.2},
    "classes": {"target": "kind", "preset": "default", "epochs": 2, "hidden": (4,), "ensemble_size": 5},
    "pack": {"target": "y", "preset": "default", "epochs": 2, "candidates": 4, "ensemble_size": 2, "hidden": (4,)},
    "refit": {
        "target": "y",
        "time": "day",
        "refit": True,
        "ensemble_size": 2,
        "hidden": (4,),
        "epochs": 3,
        "validation_fraction": 0.2,
    },
    "one network": {
        "target": "kind",
        "hidden": (8,),
        "epochs": 3,
        "shards": 4,
        "batch_size": 13,
        "dropout": 0.2,
        "dropout_schedule": "linear",
        "class_weight": "balanced",
        "validation_fraction": 0.2,
        "max_grad_norm": 1.0,
    },
    "networks in groups": {
        "target": "y",
        "hidden": (4,),
        "epochs": 2,
        "shards": 2,
        "ensemble_size": 2,
        "ensemble_split": "split",
        "validation_fraction": 0.2,
    },
}
"""Name -> the arguments of a fit."""


LONG: dict[str, Any] = {
    "ensemble_size": 4,
    "hidden": (4,),
    "epochs": 200,
    "validation_fraction": 0.2,
    "threads": 1,
}
"""The settings of the fit that ``ends`` ends early."""


SHARDED: dict[str, Any] = {
    "hidden": (4,),
    "epochs": 200,
    "batch_size": 32,
    "shards": 2,
    "validation_fraction": 0.2,
    "threads": 1,
}
"""The same for one network, whose batches the processes divide."""


class Seen(Callback):
    """What a callback sees of the processes' runs."""

    def __init__(self) -> None:
        self.total = self.step = 0

    def on_start(self, total_steps: int, steps_per_epoch: int) -> None:
        self.total = self.total or total_steps

    def on_step(self, step: int) -> None:
        self.step = max(self.step, step)


def model_bytes(name: str, comm: Any, folder: Path, callbacks: tuple[Callback, ...] = ()) -> bytes:
    """The model file of a fit by the processes of a communicator."""
    model = fit(rows(), comm=comm, callbacks=callbacks, threads=1, **FITS[name])
    path = folder / f"{name}.{0 if comm is None else comm.rank}.backpass"
    model.save(path)
    return path.read_bytes()


def fold_scores(comm: Any) -> str:
    """The scores of a cross-validation by the processes of a communicator."""
    settings = Settings.of({"hidden": (4,), "epochs": 2, "threads": 1})
    folds = Folds.of(table_from(rows()), "y", settings, 3)
    found = cross_validated(folds, settings, 3, exchange=exchange_of(comm))
    return repr([found.scores, found.predicted.tolist(), found.fold.tolist()])


def tree_sums(comm: Any) -> list[list[float]]:
    """Sums of vectors of several lengths over the processes, float32, whose last digits depend on the order."""
    found = []
    for length in (1, 2, 3, 5, 17, 1000):
        vector = vector_of(comm.rank, length)
        exchange_of(comm).all_reduce(vector)
        found.append(vector.tolist())
    return found


def vector_of(rank: int, length: int) -> Any:
    return np.random.default_rng([rank, length]).normal(size=length).astype(np.float32)


def main(folder: Path, names: Sequence[str]) -> None:
    from mpi4py import MPI

    comm = MPI.COMM_WORLD
    (folder / f"sums.{comm.rank}").write_text(repr(tree_sums(comm)))
    seen = Seen()
    for name in names:
        model_bytes(name, comm, folder, (seen,) if name == "ensemble" else ())
    (folder / f"folds.{comm.rank}").write_text(fold_scores(comm))
    (folder / f"seen.{comm.rank}").write_text(f"{seen.step} of {seen.total}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
