"""A model: what ``fit`` makes and ``load`` returns. It predicts, scores, and saves itself.

The model file holds plain data and arrays (see ``container``): nothing in it can run, and names of activations, losses
and layers are looked up in fixed tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass import __version__
from backpass.engine import engine_named
from backpass.errors import BackpassError, ModelFileError
from backpass.model.container import pack, unpack
from backpass.model.head import Head
from backpass.model.problem import input_names, inputs_of, outputs_of
from backpass.model.record import Record
from backpass.model.storage import read_file, write_atomically
from backpass.network import FeatureMap, Network, Wired
from backpass.table import DEFAULT_MISSING, Schema, Table, read_table, table_from
from backpass.training import EpochRecord

ARITHMETIC = 1
"""The version of the numbers: while it stays, a file predicts the same bits on the same engine."""


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Predictions for some rows.

    values: numbers float64 (n,), or the most probable class of each row as text
    probabilities: float64 (n, classes) in the order of ``classes``; None for numbers
    notes: what was noticed about the table
    """

    values: NDArray[Any]
    probabilities: NDArray[np.float64] | None
    classes: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A fitted network with everything it takes to go from a table to predictions."""

    schema: Schema
    head: Head
    feature_map: FeatureMap
    network: Network
    theta: NDArray[Any]
    record: Record
    engine: str = field(default="numpy")

    def predict(self, data: Any, **reading: Any) -> NDArray[Any]:
        """A number, or the most probable class, for each row.

        data: a path, a data frame, a dict of columns or a Table; columns are matched by name

        Errors: DataError listing every column that is missing or of another kind.
        """
        return self.predictions(self.table(data, **reading)).values

    def predict_proba(self, data: Any, **reading: Any) -> NDArray[np.float64]:
        """The probability of each class, (n, classes) in the order of ``classes``.    Errors: as ``predict``."""
        probabilities = self.predictions(self.table(data, **reading)).probabilities
        if probabilities is None:
            raise TypeError(f"target {self.target!r} is a number; only classes have probabilities")
        return probabilities

    def evaluate(self, data: Any, **reading: Any) -> dict[str, float]:
        """Every metric on rows with known targets.    Errors: DataError also for the target column."""
        table = self.table(data, with_target=True, **reading)
        return self.head.scores(self.outputs(table), self.head.target.encode(table))

    def features(self, data: Any, **reading: Any) -> NDArray[Any]:
        """The penultimate activations a^[r-1] of each row    CS229 eq. (2.21)"""
        return self._run(self.table(data, **reading), features=True)[0]

    @property
    def target(self) -> str:
        """The name of the column that is predicted."""
        return self.head.target.name

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes in the order of their probabilities; empty for numbers."""
        return self.head.target.classes

    @property
    def history(self) -> tuple[EpochRecord, ...]:
        """One record per epoch."""
        return self.record.history

    @property
    def input_names(self) -> list[str]:
        """A name for each input of the network."""
        return input_names(self.schema, self.feature_map)

    def kinds(self, *, with_target: bool = False) -> dict[str, str]:
        """The kind each column must have."""
        kinds: dict[str, str] = dict(self.schema.kinds)
        return kinds | {self.target: self.head.target.kind} if with_target else kinds

    def table(self, data: Any, *, with_target: bool = False, **reading: Any) -> Table:
        """The table in the kinds the model was fitted on, wherever it comes from."""
        if isinstance(data, Table):
            return data
        kinds = self.kinds(with_target=with_target)
        if isinstance(data, str | Path):
            return read_table(data, kinds=kinds, **{"missing": DEFAULT_MISSING, **reading})
        return table_from(data, kinds=kinds, **reading)

    def predictions(self, table: Table) -> Predictions:
        """Predictions with probabilities and notes."""
        outputs, notes = self._run(table)
        predicted = self.head.predictions(outputs)
        if not self.classes:
            return Predictions(predicted, None, (), notes)
        names = np.array(self.classes, dtype=object)
        return Predictions(names[np.argmax(predicted, axis=1)], predicted, self.classes, notes)

    def outputs(self, table: Table) -> NDArray[Any]:
        """The network's outputs o (n, k), before they are turned into predictions."""
        return self._run(table)[0]

    def _run(self, table: Table, *, features: bool = False) -> tuple[NDArray[Any], tuple[str, ...]]:
        engine = engine_named(self.engine)
        encoded = self.schema.encode(table)
        x = inputs_of(self.feature_map, encoded.numbers, encoded.codes, self.theta.dtype, engine)
        return outputs_of(self.network, self.theta, x, engine, features=features), encoded.notes

    def save(self, path: str | Path) -> None:
        """Write the model file, whole or not at all.    Errors: ResourceError."""
        write_atomically(path, self.to_bytes())

    def to_bytes(self) -> bytes:
        """The bytes of the model file: the same for the same data, settings and seed."""
        facts = {
            "backpass": __version__,
            "arithmetic": ARITHMETIC,
            "schema": self.schema.to_json(),
            "head": self.head.to_json(),
            "features": {
                "has_missing": list(self.feature_map.has_missing),
                "has_unknown": list(self.feature_map.has_unknown),
            },
            "network": self.network.to_json(),
            "record": self.record.to_json(),
        }
        center, scale = self.feature_map.center, self.feature_map.scale
        return pack("model", facts, {"theta": self.theta, "center": center, "scale": scale})


def load(path: str | Path) -> Model:
    """The model of a file.

    Errors: ModelFileError when it is not a model file, is damaged, or is of a newer format; nothing in a file is run.
    """
    return from_bytes(read_file(path), str(path))


def from_bytes(data: bytes, source: str = "model file") -> Model:
    """The model that ``to_bytes`` wrote.    Errors: ModelFileError."""
    facts, arrays = unpack(data, "model", source)
    try:
        model = _from_facts(facts, arrays)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, BackpassError) as error:
        reason = error.message if isinstance(error, BackpassError) else f"{type(error).__name__}: {error}"
        raise ModelFileError(
            f"{source} does not describe a model this version knows ({reason})",
            hint="was it written by a newer version of backpass, or changed by hand?",
        ) from None
    if fault := _misfit(model):
        raise ModelFileError(f"{source} contradicts itself: {fault}", hint="fit the model again")
    return model


def _from_facts(facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Model:
    schema = Schema.from_json(facts["schema"])
    features = facts["features"]
    feature_map = FeatureMap(
        arrays["center"],
        arrays["scale"],
        tuple(bool(flag) for flag in features["has_missing"]),
        tuple(len(feature.levels) for feature in schema.texts),
        tuple(bool(flag) for flag in features["has_unknown"]),
    )
    head, network = Head.from_json(facts["head"]), Network.from_json(facts["network"])
    return Model(schema, head, feature_map, network, arrays["theta"], Record.from_json(facts["record"]))


def _misfit(model: Model) -> str:
    """Which parts of a model do not fit one another, in one line; nothing when all do."""
    numbers, texts = len(model.schema.numbers), len(model.schema.texts)
    phi, network = model.feature_map, model.network
    expected = {
        "numbers of centers, scales and columns": {phi.center.shape, phi.scale.shape, (len(phi.has_missing),), (numbers,)},
        "dtypes of centers and scales": {phi.center.dtype, phi.scale.dtype, np.dtype(np.float64)},
        "numbers of text columns": {len(phi.has_unknown), texts},
        "inputs of the network": {phi.width, network.inputs},
        "outputs of the network": {model.head.outputs, network.outputs},
        "sizes of theta": {model.theta.shape, (network.parameter_count,)},
    }
    for what, values in expected.items():
        if len(values) > 1:
            return f"the {what} differ: {', '.join(sorted(map(str, values)))}"
    if model.theta.dtype not in (np.float32, np.float64):
        return f"theta is of dtype {model.theta.dtype.name}"
    return _wires_outside(network)


def _wires_outside(network: Network) -> str:
    for number, layer, width in network.numbered():
        if isinstance(layer, Wired):
            for unit in layer.units:
                if not unit.inputs or not all(0 <= i < width for i in unit.inputs):
                    return f"unit {unit.name!r} of layer {number} is wired to inputs that do not exist"
        elif width < 1 or layer.width(width) < 1:
            return f"layer {number} is empty"
    return ""
