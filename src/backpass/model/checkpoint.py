"""A checkpoint: a run put on disk so that it can go on as if nothing had happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backpass.errors import BackpassError, ModelFileError
from backpass.model.container import pack, unpack
from backpass.model.storage import read_file, write_atomically
from backpass.training import Progress


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
    facts, arrays = unpack(read_file(path), "checkpoint", str(path))
    try:
        faults = _differences(facts["identity"], identity)
        progress = Progress.from_data(facts["progress"], arrays)
    except (KeyError, TypeError, ValueError, AttributeError, BackpassError) as error:
        raise ModelFileError(
            f"{path} does not describe a run this version knows ({type(error).__name__}: {error})",
            hint="start again without --resume",
        ) from None
    if faults:
        raise ModelFileError(
            f"{path} belongs to another run",
            faults=faults,
            hint="resume with the same table and settings, or start again without --resume",
        )
    return progress


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    faults = []
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            what = "the rows (their values, their order or their split)" if name == "rows" else name
            detail = "" if name in ("rows", "network") else f": was {before.get(name)!r}, is {now.get(name)!r}"
            faults.append(f"{what} differ{'' if name == 'rows' else 's'}{detail}")
    return faults
