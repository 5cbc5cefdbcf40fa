"""A checkpoint: a run put on disk so that it can go on as if nothing had happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from backpass.errors import ModelFileError
from backpass.model.container import pack, unpack
from backpass.model.form import CHECKPOINT, misfit
from backpass.model.header import header_length
from backpass.model.precision import dtype_of
from backpass.model.storage import read_file, write_atomically
from backpass.network import Network
from backpass.training import Progress, optimizer_named


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where checkpoints of one run go, and what the run is: settings, network and a digest of its rows."""

    path: Path
    identity: Mapping[str, Any]

    def save(self, progress: Progress) -> None:
        """Write the checkpoint, whole or not at all.    Errors: ResourceError."""
        facts, arrays = progress.to_data()
        write_atomically(self.path, pack("checkpoint", {"identity": dict(self.identity), "progress": facts}, arrays))


def resume(path: str | Path, identity: Mapping[str, Any]) -> Progress:
    """The progress of a checkpoint, if it belongs to this very run.

    Errors: ModelFileError listing every setting that differs, or when the file is damaged.
    """
    data = read_file(path, partial(header_length, source=str(path)))
    facts, arrays = unpack(data, "checkpoint", str(path))
    fault = misfit(facts, CHECKPOINT, "facts")
    if not fault and (faults := _differences(facts["identity"], identity)):
        raise ModelFileError(
            f"{path} belongs to another run",
            faults=faults,
            hint="resume with the same table and settings, or start again without --resume",
        )
    if fault := fault or _contradiction(facts["progress"], arrays, identity):
        raise ModelFileError(
            f"{path} does not describe a run this version knows", faults=[fault], hint="start again without --resume"
        )
    return Progress.from_data(facts["progress"], arrays)


def _contradiction(facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], identity: Mapping[str, Any]) -> str:
    """What of a progress does not fit the run, in one line; nothing when all does."""
    memories = optimizer_named(identity["optimizer"]).memories
    names = ["best", "losses", *(f"state.{i}" for i in range(1 + memories))]
    if sorted(arrays) != names:
        return f"the arrays are {', '.join(sorted(arrays))}; expected {', '.join(names)}"
    size, dtype = Network.from_json(identity["network"]).parameter_count, dtype_of(identity["precision"])
    wrong = [
        name for name in names if name != "losses" and (arrays[name].shape, arrays[name].dtype) != ((size,), dtype)
    ]
    if wrong:
        return f"array {wrong[0]!r} is not of {size} numbers {dtype.name}"
    epochs = facts["history"]
    since = facts["step"] - (epochs[-1]["step"] if epochs else 0)
    if arrays["losses"].shape != (since,) or [each["epoch"] for each in epochs] != list(range(1, len(epochs) + 1)):
        return "its steps, losses and epochs do not go together"
    return "" if facts["best_epoch"] <= len(epochs) else "its best epoch is not among its epochs"


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    faults = []
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            what = "the rows (their values, their order or their split)" if name == "rows" else name
            detail = "" if name in ("rows", "network") else f": was {before.get(name)!r}, is {now.get(name)!r}"
            faults.append(f"{what} differ{'' if name == 'rows' else 's'}{detail}")
    return faults
