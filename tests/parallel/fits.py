"""The fits that one process and several do alike.

mpiexec runs this module as a program, ``fits.py FOLDER NAME ...``, that writes the models of some of them to a folder.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

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


STREAMED: dict[str, dict[str, Any]] = {
    "streamed": {
        "target": "kind",
        "hidden": (8,),
        "epochs": 2,
        "shards": 4,
        "batch_size": 60,
        "dropout": 0.2,
        "class_weight": "balanced",
        "validation_fraction": 0.2,
    },
    "streamed text": {"target": "y", "hidden": (4,), "epochs": 1, "shards": 4, "validation_fraction": 0.2},
    "streamed networks": {
        "target": "y",
        "hidden": (4,),
        "epochs": 2,
        "shards": 2,
        "batch_size": 50,
        "ensemble_size": 2,
        "validation_fraction": 0.2,
    },
}
"""The same for fits that read a table in pieces."""

STREAMED_ROWS, GROUP = 3_000, 250


def write_streamed(path: Path) -> None:
    """Write the table of the streamed fits, sorted, so that its beginning differs from its end."""
    import pyarrow as pa
    import pyarrow.csv as csv
    import pyarrow.parquet as pq

    r = np.random.default_rng(5)
    a, b = np.sort(r.normal(size=STREAMED_ROWS)), r.normal(size=STREAMED_ROWS)
    kind = np.where(a * b > 0, "high", "low").astype(object)
    kind[[700, 2_500, 2_600]] = None  # rows without a target, which notes count
    data = {"a": a, "b": b, "y": a * b + 0.1 * r.normal(size=STREAMED_ROWS), "kind": kind}
    pq.write_table(pa.table(data), path, row_group_size=GROUP)
    csv.write_csv(pa.table(data), path.with_suffix(".csv"))


def streamed_bytes(name: str, comm: Any, folder: Path) -> tuple[bytes, list[int]]:
    """The model file of a streamed fit of ``table``, and the number of times it has read each row group."""
    import pyarrow.parquet as pq

    from backpass.model.fitting.larger import parquet, sample, stored, text
    from backpass.table.delimited import delimited
    from backpass.table.windows import sampling

    counts, read = [0] * (STREAMED_ROWS // GROUP), pq.ParquetFile.iter_batches

    def counted(self: Any, size: int, row_groups: list[int], **options: Any) -> Any:
        for group in row_groups:
            counts[group] += 1
        return read(self, size, row_groups=row_groups, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sample, "SAMPLE", 600)
        patch.setattr(parquet, "PIECE", 256)
        patch.setattr(stored, "WINDOW", 2**13)
        patch.setattr(pq.ParquetFile, "iter_batches", counted)
        patch.setattr(sampling, "ROWS", 256)
        patch.setattr(delimited, "PIECE", 2**13)
        patch.setattr(text, "ROWS", 256)
        file = "table.csv" if name == "streamed text" else "table.parquet"
        model = fit(folder / file, comm=comm, threads=1, stream=True, **STREAMED[name])
    path = folder / f"{name}.{0 if comm is None else comm.rank}.backpass"
    model.save(path)
    return path.read_bytes(), counts


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
    for name in STREAMED:
        (folder / f"{name}.groups.{comm.rank}").write_text(repr(streamed_bytes(name, comm, folder)[1]))
    (folder / f"folds.{comm.rank}").write_text(fold_scores(comm))
    (folder / f"seen.{comm.rank}").write_text(f"{seen.step} of {seen.total}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
