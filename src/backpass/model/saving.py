"""Saving: the bytes of the model file; ``loading`` reads them."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from backpass._version import __version__
from backpass.model.baseline.baseline import Baseline
from backpass.model.baseline.lookup import Lookup
from backpass.model.file.baseline_names import stored
from backpass.model.file.container import pack
from backpass.model.head.head import Head
from backpass.model.head.intervals import Intervals
from backpass.model.prediction.group import Group
from backpass.model.record import Record
from backpass.model.training_rows import TrainingRows
from backpass.network import FeatureMap, Network
from backpass.table import Schema

ARITHMETIC = 4
"""The version of the arithmetic: within one version, a file predicts the same bits on the same engine."""


class Stored(Protocol):
    """The read-only attributes of ``backpass.Model`` that its file holds."""

    @property
    def schema(self) -> Schema: ...

    @property
    def head(self) -> Head: ...

    @property
    def feature_map(self) -> FeatureMap: ...

    @property
    def network(self) -> Network: ...

    @property
    def theta(self) -> NDArray[Any]: ...

    @property
    def record(self) -> Record: ...

    @property
    def intervals(self) -> Intervals | None: ...

    @property
    def baselines(self) -> tuple[Baseline, ...]: ...

    @property
    def lookups(self) -> tuple[Lookup, ...]: ...

    @property
    def training_rows(self) -> TrainingRows | None: ...

    @property
    def others(self) -> tuple[Group, ...]: ...

    @property
    def shares(self) -> tuple[float, ...]: ...


def to_bytes(model: Stored) -> bytes:
    """The bytes of the model file: the same for the same data, settings and seed."""
    return pack("model", *contents(model))


def contents(model: Stored) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The facts and arrays of the model file."""
    knots = model.feature_map.knots
    facts: dict[str, Any] = {
        "backpass": __version__,
        "arithmetic": ARITHMETIC,
        "schema": model.schema.to_json(),
        "head": model.head.to_json(),
        "features": {
            "has_missing": list(model.feature_map.has_missing),
            "has_unknown": list(model.feature_map.has_unknown),
            "coding": list(model.feature_map.coding),
            **({"knots": [each.size for each in knots]} if knots else {}),
            **({} if model.feature_map.clipped else {"clipped": False}),
        },
        "network": model.network.to_json(),
        "record": model.record.to_json(),
    }
    fixed = model.network.fixed_count
    arrays = {"theta": model.theta[..., fixed:], "center": model.feature_map.center, "scale": model.feature_map.scale}
    if fixed:
        arrays["projection"] = model.theta.reshape(-1, model.network.parameter_count)[0, :fixed]
    if model.others:
        facts["others"] = [{"networks": each.count, "network": each.network.to_json()} for each in model.others]
        arrays["others"] = np.concatenate([each.theta[:, fixed:].reshape(-1) for each in model.others])
    if model.shares:
        facts["shares"] = list(model.shares)
    if knots:
        arrays["knots"] = np.concatenate(knots)
    if model.intervals is not None:
        of_intervals, residuals = model.intervals.stored()
        facts, arrays = facts | of_intervals, arrays | residuals
    if model.baselines:
        facts["baselines"] = [each.name for each in model.baselines]
        arrays["baselines"] = np.concatenate([each.theta for each in model.baselines])
    if model.lookups:
        facts["lookups"] = [each.to_json() for each in model.lookups]
        arrays["lookups"] = np.concatenate([each.cells.reshape(-1) for each in model.lookups])
    if (kept := model.training_rows) is not None:
        facts["training_rows"] = {"rows": kept.rows, "single": kept.single, "profiled": kept.profiled}
        arrays |= {"below": kept.below.reshape(-1), "digests": kept.digests}
    return stored(facts), arrays | model.schema.arrays()
