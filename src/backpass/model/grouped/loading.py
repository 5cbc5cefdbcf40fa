"""Loading: makes a grouped model of the bytes of its file, after verifying every byte and every fact."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.errors import ModelFileError
from backpass.model import loading
from backpass.model.file.container import claims, unpack
from backpass.model.file.header import header_length
from backpass.model.file.storage import read_file
from backpass.model.form import GROUPED
from backpass.model.grouped.grouped_model import GroupedModel
from backpass.model.grouped.record import GroupedRecord
from backpass.model.grouped.saving import KIND
from backpass.model.grouped.scales import GroupScales
from backpass.model.model import Model
from backpass.model.settings.settings import Settings
from backpass.model.verification import require_form, verified
from backpass.network import Dense
from backpass.table.columns.rules import STORED_AS
from backpass.table.notation.reading import PREFIX
from backpass.table.table import KINDS

_ARRAYS = ("theta", "center", "scale", "target", "rows", "steps", "scores")
_PREFIX = "groups."


def load(path: str | Path) -> Model | GroupedModel:
    """Load a model, or a model per group, from its file. Nothing in a file is executed.

    Args:
        path: The model file.

    Returns:
        What ``fit`` or ``fit_groups`` returned.

    Raises:
        ModelFileError: The file is not a model file, is damaged, or has a newer format.
        ResourceError: The file cannot be read.
    """
    return from_bytes(read_file(path, partial(header_length, source=str(path))), str(path))


def from_bytes(data: bytes, source: str = "model file") -> Model | GroupedModel:
    """The model that ``to_bytes`` of a ``Model`` or ``GroupedModel`` wrote.

    Args:
        data: The bytes of a model file.
        source: The name of the file in messages.

    Raises:
        ModelFileError: The bytes are not a valid model file.
    """
    if not claims(data, KIND):
        return loading.from_bytes(data, source)
    facts, arrays = unpack(data, KIND, source)
    require_form(facts, GROUPED, source)
    own = {name: array for name, array in arrays.items() if not name.startswith(_PREFIX)}
    base = loading.model_of(facts["model"], own, source)
    groups = {name.removeprefix(_PREFIX): array for name, array in arrays.items() if name.startswith(_PREFIX)}
    return verified(lambda: _model(base, facts["groups"], groups), _inconsistency, source)


def _model(base: Model, facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> GroupedModel:
    if sorted(arrays) != sorted(_ARRAYS):
        raise ModelFileError(
            f"expected the group arrays {', '.join(_ARRAYS)}; got {', '.join(sorted(arrays)) or 'none'}"
        )
    record = GroupedRecord(
        facts["settings"],
        facts["min_rows"],
        facts["others"],
        facts["scores"],
        arrays["rows"],
        arrays["scores"],
        arrays["steps"],
        tuple(facts["notes"]),
    )
    scales = GroupScales(arrays["center"], arrays["scale"], arrays["target"])
    return GroupedModel(base, facts["by"], facts["kind"], tuple(facts["keys"]), arrays["theta"], scales, record)


def _inconsistency(model: GroupedModel) -> str:
    """The first parts of a grouped model that disagree, in one line; empty if all agree."""
    base, record, scales, count = model.base, model.record, model.scales, len(model.groups)
    settings = Settings.from_json(record.settings)
    columns = len(base.feature_map.has_missing)
    bounds = 4 if base.head.targets[0].bounded(settings) else 2
    shapes: dict[str, tuple[Any, tuple[int, ...], Any]] = {
        "theta": (model.theta, (count, base.network.parameter_count), base.theta.dtype),
        "centers": (scales.center, (count, columns), np.float64),
        "scales": (scales.scale, (count, columns), np.float64),
        "targets": (scales.target, (count, 0 if base.classes else bounds), np.float64),
        "rows": (record.rows, (count, 2), np.int64),
        "steps": (record.steps, (count,), np.int64),
    }
    for name, (array, shape, dtype) in shapes.items():
        if array.shape != shape or array.dtype != dtype:
            return f"the {name} of groups have shape {list(array.shape)} and type {array.dtype}; expected {list(shape)}"
    if (scores := record.group_scores).shape != record.tested.shape or scores.dtype != np.float64:
        return f"there are {scores.size} scores of groups of type {scores.dtype}; expected {record.tested.size}"
    checks = {
        "keys": 0 < count == len({*model.groups})
        and "" not in model.groups
        and [*model.groups] == sorted(model.groups),
        "kind": model.kind in (*STORED_AS, *KINDS) or model.kind.startswith(PREFIX),
        "column of groups": model.by != base.target and model.by not in base.schema.kinds,
        "layers": base.theta.ndim == 1 and all(isinstance(layer, Dense) for layer in base.network.layers),
        "targets": base.head.is_flat and base.feature_map.center.size == columns,
        "scales": bool((scales.scale >= 0).all()) and (bool(base.classes) or bool((scales.target[:, 1] >= 0).all())),
        "rows": bool((record.rows >= 0).all()) and bool((record.steps >= 0).all()),
        "bounds": scales.target.shape[1] < 4 or bool((scales.target[:, 2] <= scales.target[:, 3]).all()),
        "predictors": set(record.scores) in (set(), {"groups", "all rows", "constant"}),
        "scores": all(
            scores.keys() <= {*base.head.all_metrics} and model.metric in scores for scores in record.scores.values()
        ),
        "settings": settings.numerical_scaling == base.record.settings["numerical_scaling"],
    }
    return next((f"the {name} of its groups are invalid" for name, is_right in checks.items() if not is_right), "")
