"""Saving: the bytes of the file of a grouped model; ``loading`` reads them.

The file holds the model of the network of all rows as its own file does, and what differs from group to group in arrays
whose rows are groups. A group takes the bytes of its parameters and scales and nothing else.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from backpass.model.file.container import pack
from backpass.model.grouped.record import GroupedRecord
from backpass.model.grouped.scales import GroupScales
from backpass.model.saving import Stored, contents

KIND = "grouped model"


class StoredGroups(Protocol):
    """The read-only attributes of ``GroupedModel`` that its file holds."""

    @property
    def base(self) -> Stored: ...

    @property
    def by(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def groups(self) -> tuple[str, ...]: ...

    @property
    def theta(self) -> NDArray[Any]: ...

    @property
    def scales(self) -> GroupScales: ...

    @property
    def record(self) -> GroupedRecord: ...


def to_bytes(model: StoredGroups) -> bytes:
    """The bytes of the file: the same for the same data, settings and seed."""
    facts, arrays = contents(model.base)
    record, scales = model.record, model.scales
    own = {
        "theta": model.theta,
        "center": scales.center,
        "scale": scales.scale,
        "target": scales.target,
        "rows": record.rows.astype(np.int64),
        "steps": record.steps.astype(np.int64),
        "scores": record.group_scores,
    }
    groups = {"by": model.by, "kind": model.kind, "keys": list(model.groups), **record.to_json()}
    joined = arrays | {f"groups.{name}": array for name, array in own.items()}
    return pack(KIND, {"model": facts, "groups": groups}, joined)
