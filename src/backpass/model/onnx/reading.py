"""Reading: how the metadata of an exported graph describe the reading of a table.

It converts a schema to metadata when a model is exported, and the metadata back when ``onnx_inputs`` makes inputs from
a table.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from backpass.dataclass import dataclass
from backpass.errors import UsageError
from backpass.table.feature import NumericFeature
from backpass.table.schema import Schema

INPUTS_KEY, MISSING_KEY = "backpass.inputs", "backpass.missing"
"""The metadata keys that describe how columns are read: see ``reading_facts``."""


@dataclass(frozen=True, slots=True)
class GraphInput:
    """An input of a graph.

    Attributes:
        name: Its name in the graph.
        column: The column of the table.
        kind: The required kind of the column (a ``RequiredKind``).
        marks_bounds: Whether a second number says that a cell is a bound.
    """

    name: str
    column: str
    kind: str
    marks_bounds: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """How a table is read for a graph.

    Attributes:
        inputs: The inputs in order.
        missing: The texts that mean a missing value.
    """

    inputs: tuple[GraphInput, ...]
    missing: tuple[str, ...]

    @property
    def kinds(self) -> dict[str, str]:
        """Column -> its required kind."""
        return {each.column: each.kind for each in self.inputs}


def reading_facts(schema: Schema, names: Sequence[str]) -> dict[str, str]:
    """The metadata that ``onnx_inputs`` reads; ``names`` are the graph's inputs in the schema's order."""
    bounded = {each.name for each in schema.features if isinstance(each, NumericFeature) and each.marks_bounds}
    inputs = [
        {"name": name, "column": column, "kind": kind} | ({"bounds": True} if column in bounded else {})
        for name, (column, kind) in zip(names, schema.kinds.items(), strict=True)
    ]
    return {
        INPUTS_KEY: json.dumps(inputs, ensure_ascii=False),
        MISSING_KEY: json.dumps(schema.missing, ensure_ascii=False),
    }


def reading_from(facts: Mapping[str, str]) -> Reading:
    """The reading that ``reading_facts`` wrote.

    Raises:
        UsageError: The metadata belong to another kind of graph.
    """
    try:
        return Reading(
            tuple(
                GraphInput(each["name"], each["column"], each["kind"], bool(each.get("bounds")))
                for each in json.loads(facts[INPUTS_KEY])
            ),
            tuple(json.loads(facts[MISSING_KEY])),
        )
    except (KeyError, TypeError, ValueError):
        raise UsageError(
            f"the metadata of this ONNX model contains no {INPUTS_KEY}", hint="export it with this version of Backpass"
        ) from None
