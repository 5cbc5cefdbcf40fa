"""Reading: how a table is read for an exported graph, as its metadata say.

A schema comes in and metadata go out when a model is exported; the way back when inputs are made of a table, which is
``onnx_inputs``' affair.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backpass.errors import UsageError
from backpass.table.schema import Schema

INPUTS_KEY, MISSING_KEY = "backpass.inputs", "backpass.missing"
"""Where the metadata say how the columns are read: see ``reading_facts``."""


@dataclass(frozen=True, slots=True)
class GraphInput:
    """An input of a graph: its name there, the column of the table, and what is asked of that (a ``Demand``)."""

    name: str
    column: str
    kind: str


@dataclass(frozen=True, slots=True)
class Reading:
    """How a table is read for a graph: its inputs in order, and the texts that mean a missing value."""

    inputs: tuple[GraphInput, ...]
    missing: tuple[str, ...]

    @property
    def kinds(self) -> dict[str, str]:
        """Column -> what is asked of it."""
        return {each.column: each.kind for each in self.inputs}


def reading_facts(schema: Schema, names: Sequence[str]) -> dict[str, str]:
    """The metadata that ``onnx_inputs`` reads; ``names`` are those of the graph's inputs, in the schema's order."""
    inputs = [
        {"name": name, "column": column, "kind": kind}
        for name, (column, kind) in zip(names, schema.kinds.items(), strict=True)
    ]
    return {
        INPUTS_KEY: json.dumps(inputs, ensure_ascii=False),
        MISSING_KEY: json.dumps(schema.missing, ensure_ascii=False),
    }


def reading_from(facts: Mapping[str, str]) -> Reading:
    """What ``reading_facts`` wrote.    Errors: UsageError for the metadata of another graph."""
    try:
        inputs = tuple(GraphInput(each["name"], each["column"], each["kind"]) for each in json.loads(facts[INPUTS_KEY]))
        return Reading(inputs, tuple(json.loads(facts[MISSING_KEY])))
    except (KeyError, TypeError, ValueError):
        raise UsageError(
            f"the metadata of this ONNX model hold no {INPUTS_KEY}", hint="export it with this version of Backpass"
        ) from None
