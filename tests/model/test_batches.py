"""``Model.predict_batches`` and the merged findings of windows."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backpass import fit
from backpass.errors import BackpassWarning, UsageError
from backpass.model import Model
from backpass.model.batches.findings import Findings
from backpass.model.evaluation.gathering import scored_outputs
from backpass.model.prediction import ensemble
from backpass.table import table_from
from backpass.table.labeled import Labeled

pyarrow = pytest.importorskip("pyarrow")


@pytest.fixture(scope="module")
def model() -> Model:
    data = {"x": np.linspace(-1, 1, 200), "town": ["a", "b"] * 100, "y": ["yes", "no", "no", "no"] * 50}
    return fit(data, "y", epochs=1, hidden=(2,), engine="numpy")


@pytest.fixture(scope="module")
def rows() -> Any:
    draw = np.random.default_rng(2)
    return pyarrow.table({"x": draw.normal(size=95), "town": draw.choice(["a", "b"], 95), "id": np.arange(95)})


def test_every_form_of_a_table_gives_the_predictions_of_predict(model: Model, rows: Any, tmp_path: Path) -> None:
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    pyarrow.parquet = pytest.importorskip("pyarrow.parquet")
    pyarrow.parquet.write_table(rows, tmp_path / "t.parquet")
    rows.to_pandas().to_csv(tmp_path / "t.csv", index=False)
    columns = {name: rows[name].to_numpy(zero_copy_only=False) for name in rows.column_names}
    once = [rows.to_reader(7), iter(rows.to_batches(9)), (rows.slice(k, 40) for k in range(0, 95, 40))]
    others = [
        rows,
        rows.combine_chunks().to_batches()[0],
        rows.to_batches(10),
        rows.to_pandas(),
        polars.from_arrow(rows),
    ]
    expected, names = model.predict(columns).tolist(), model.predict_proba(columns)
    for source in [tmp_path / "t.parquet", str(tmp_path / "t.csv"), columns, table_from(columns), *others, *once]:
        batches = list(model.predict_batches(source, rows=20, proba=True))
        assert all(batch.num_rows <= 20 for batch in batches), type(source)
        found = pyarrow.Table.from_batches(batches)
        assert found["y"].to_pylist() == expected, type(source)
        got = np.column_stack([found[f"p({name})"].to_numpy() for name in model.classes])
        np.testing.assert_array_equal(got, names)
    assert isinstance(pandas.DataFrame(found.to_pandas()), pandas.DataFrame)
    for batch in (rows.to_batches()[0], rows.to_reader()):
        assert model.predict(batch).tolist() == expected, "predict takes them, too"


def test_kept_columns_come_first(model: Model, rows: Any, tmp_path: Path) -> None:
    rows.to_pandas().to_csv(tmp_path / "t.csv", index=False)
    [batch] = model.predict_batches(tmp_path / "t.csv", keep=["id", "x"])
    assert batch.schema.names == ["id", "x", "y"]
    assert batch["id"].to_pylist()[-1] == "94"


def test_streams_without_rows_give_no_batch(model: Model, rows: Any) -> None:
    for source in (iter([]), rows.slice(0, 0).to_reader(), iter([rows.slice(0, 0)])):
        assert list(model.predict_batches(source)) == []


@pytest.mark.parametrize("count", [0, -1, 2.5, True, "9"])
def test_the_number_of_rows_is_checked(model: Model, rows: Any, count: Any) -> None:
    with pytest.raises(UsageError, match="whole number of at least 1"):
        next(model.predict_batches(rows, rows=count))


def test_numbers_have_no_probabilities(rows: Any) -> None:
    number = fit({"x": range(50), "y": [2.0 * k for k in range(50)]}, "y", epochs=1, hidden=())
    with pytest.raises(UsageError, match="only classes have probabilities"):
        number.predict_batches(rows, proba=True)


def test_warnings_come_once_for_all_batches(model: Model) -> None:
    strange = pyarrow.table({"x": np.zeros(60), "town": ["z"] * 60})
    with pytest.warns(BackpassWarning, match="60 rows") as found:
        list(model.predict_batches(strange, rows=20))
    assert len(found) == 1
    known = pyarrow.table({"x": np.zeros(60), "town": ["z"] * 20 + ["a"] * 40})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        list(model.predict_batches(known, rows=20))


def test_findings_of_windows_are_those_of_the_whole_table(model: Model) -> None:
    columns = {"x": [np.nan] * 60, "town": ["z", "a", "a"] * 20, "id": range(60)}
    whole, merged = table_from(columns, kinds=model.kinds()), Findings()
    for start in (0, 20, 40):
        window = whole.take(np.arange(start, start + 20))
        merged.add(window, model.predictions(window))
    once = Findings.of(whole, model.predictions(whole))
    assert merged.unseen == once.unseen
    assert merged.suspects == once.suspects
    assert set(merged.notes) == set(once.notes)
    assert merged.warnings == once.warnings
    assert any("60 rows" in warning for warning in merged.warnings)


def test_notes_that_differ_in_numbers_are_one(model: Model) -> None:
    findings = Findings()
    for note in ("column 'x1': 3 rows", "column 'x1': 3 rows", "column 'x1': 4 rows", "column 'x2': 3 rows"):
        findings.add(replace(table_from({"x": [1.0]}), notes=(note,)))
    assert findings.notes == ("column 'x1': 3 rows; later rows have more of this", "column 'x2': 3 rows")


def test_rows_without_a_target_are_counted_over_all_windows(model: Model) -> None:
    findings, rows, gaps = Findings(), 0, [3, 2, 0, 1]
    for gap in gaps:
        window = table_from({"x": [1.0] * 10, "y": [None] * gap + [2.0] * (10 - gap)})
        numbered = replace(window, row_numbers=np.arange(rows + 1, rows + 11))
        findings.add(Labeled.of(numbered, ["y"]).table)
        rows += 10
    assert findings.notes == (
        "target 'y': 6 rows have no value and are left out (rows 1, 2, 3, 11, 12, ... (6 in all))",
    )


@pytest.mark.parametrize("classes", [False, True])
def test_scores_of_many_blocks_of_rows_have_the_bits_of_one(monkeypatch: pytest.MonkeyPatch, classes: bool) -> None:
    rng = np.random.default_rng(0)
    x, town = rng.normal(size=20_000), rng.choice(["Ulm", "Bonn"], 20_000)
    y = np.sin(x) + (town == "Ulm")
    data = {"x": x, "town": town, "y": np.where(y > 0.5, "high", "low") if classes else y}
    small = {name: values[:400] for name, values in data.items()}
    model = fit(small, "y", hidden=(8,), epochs=2, ensemble_size=2, validation_fraction=0.2, engine="native")
    table = model.table(data, with_target=True)
    found = []
    for chunks in (8, 1):
        monkeypatch.setattr(ensemble, "_CHUNKS", chunks)
        own, others = scored_outputs(model, model.encoded(table), table)
        found.append([own, model.outputs(table), model.features_of(table)[0], *others.values()])
        assert len(others) > 1
    for one, several in zip(*found, strict=True):
        np.testing.assert_array_equal(one, several)
