"""Every table of a folder of tables, where one lies beside the repository: a quick model beside its graph."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from model_runs import compare

import backpass

FOLDER = Path(__file__).parents[2].parent / "shared" / "data"
TABLES: list[dict[str, Any]] = []
if (FOLDER / "manifest.json").exists():
    TABLES = json.loads((FOLDER / "manifest.json").read_text("utf-8"))

TRAINED, COMPARED = 600, 1_500
"""Rows that a quick model is fitted on, and rows from all over the table that it is compared on."""

MODELS: dict[str, dict[str, Any]] = {
    "plain": {"hidden": (32, 16)},
    "default": {"preset": "default", "hidden": (32, 16)},
    "ensemble_size": {"preset": "fast", "ensemble_size": 3, "hidden": (16,)},
}


CASES = [
    pytest.param(sort, facts, id=f"{sort}-{facts['name']}")
    for i, facts in enumerate(TABLES)
    for sort in ("default", ("plain", "ensemble_size")[i % 2])
]
"""The default model has a part for every kind of column; of the other two each table has one."""


@pytest.mark.skipif(not TABLES, reason="../shared/data is not there")
@pytest.mark.parametrize(("sort", "facts"), CASES)
def test_graphs_predict_what_models_do(sort: str, facts: dict[str, Any]) -> None:
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(FOLDER / facts["file"])
    apart = [table.take(list(range(0, table.num_rows, -(-table.num_rows // rows)))) for rows in (TRAINED, COMPARED)]
    training, compared = (
        {name: column.to_pylist() for name, column in zip(part.column_names, part.columns, strict=True)}
        for part in apart
    )
    task = None if facts["task"] == "regression" else "classification"
    model = backpass.fit(training, facts["target"], task=task, epochs=2, **MODELS[sort])
    compare(model, compared)
