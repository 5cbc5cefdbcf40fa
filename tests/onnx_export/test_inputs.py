"""``onnx_inputs``: from a table, through every door, to what ONNX Runtime takes and predicts."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pandas
import polars
import pyarrow
import pyarrow.parquet
import pytest

import backpass
from backpass.errors import DataError, UsageError
from backpass.model import Model
from backpass.model.onnx.dates import NO_DAY

ROWS = 60
DAY = datetime.datetime(1968, 11, 2, 3, 4, 5, 6)


def table() -> dict[str, list[Any]]:
    """A column of every kind, each with gaps, and levels that are easily taken for a missing value."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=ROWS).round(4).tolist()
    return {
        "x": [None if i % 7 == 1 else value for i, value in enumerate(x)],
        "town": [None if i % 5 == 2 else ("Rome", "None", "São Paulo")[i % 3] for i in range(ROWS)],
        "open": [None if i % 9 == 4 else i % 4 < 2 for i in range(ROWS)],
        "sold": [None if i % 8 == 3 else DAY + datetime.timedelta(hours=41 * i) for i in range(ROWS)],
        "at": [None if i % 6 == 5 else datetime.time(i % 24, i, 7, 9) for i in range(ROWS)],
        "y": [value + (i % 3) for i, value in enumerate(x)],
    }


@pytest.fixture(scope="module")
def model() -> Model:
    return backpass.fit(table(), "y", hidden=(8,), epochs=3)


@pytest.fixture(scope="module")
def session(model: Model) -> Any:
    return onnxruntime.InferenceSession(model.to_onnx(), providers=["CPUExecutionProvider"])


def parquet(path: Path) -> Path:
    pyarrow.parquet.write_table(pyarrow.table(table()), path / "t.parquet")
    return path / "t.parquet"


def csv(path: Path) -> Path:
    pandas.DataFrame(table()).to_csv(path / "t.csv", index=False)
    return path / "t.csv"


def categories(path: Path) -> Any:
    frame = pandas.DataFrame(table()).convert_dtypes()
    return frame.astype({"town": "category", "open": "boolean", "x": "Float64"})


DOORS: dict[str, Callable[[Path], Any]] = {
    "dict": lambda path: table(),
    "rows": lambda path: [dict(zip(table(), row, strict=True)) for row in zip(*table().values(), strict=True)],
    "pandas": lambda path: pandas.DataFrame(table()),
    "objects": lambda path: pandas.DataFrame(table()).astype(object),
    "nullable": categories,
    "polars": lambda path: polars.DataFrame(table()),
    "pyarrow": lambda path: pyarrow.table(table()),
    "csv": csv,
    "parquet": parquet,
}


@pytest.mark.parametrize("door", DOORS)
def test_tables_of_every_kind_predict_what_the_model_does(
    door: str, model: Model, session: Any, tmp_path: Path
) -> None:
    data = DOORS[door](tmp_path)
    feed = backpass.onnx_inputs(data, session)
    assert {name: (array.dtype.char, array.shape[1]) for name, array in feed.items()} == {
        "x": ("d", 1),
        "town": ("O", 1),
        "open": ("O", 1),
        "sold": ("i", 3),
        "at": ("i", 3),
    }
    assert set(feed["open"].ravel()) == {"true", "false", ""}
    expected = backpass.onnx_inputs(table(), model)
    for name, array in feed.items():
        np.testing.assert_array_equal(array, expected[name], name)
    np.testing.assert_allclose(session.run(None, feed)[0], model.predict(data), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("others", [False, True])
def test_bounds_are_a_second_number(others: bool) -> None:
    draw = np.random.default_rng(4)
    values, signs = draw.uniform(1, 9, ROWS).round(2), draw.integers(-1, 2, ROWS)
    doses = [f"{('<', '', '>')[s + 1]}{v}" for v, s in zip(values, signs, strict=True)]
    more: dict[str, list[Any]] = {name: table()[name] for name in ("x", "town", "sold")} if others else {}
    data = {**more, "dose": doses, "y": (values + 3.0 * signs).tolist()}
    tokens = [*backpass.table.DEFAULT_MISSING, "1"]  # a missing value that is also the sign of a bound
    model = backpass.fit(data, "y", hidden=(8,), epochs=3, reading={"missing": tokens})
    graph = model.to_onnx()
    feed = backpass.onnx_inputs(data, graph)
    np.testing.assert_array_equal(feed["dose"], [*zip(values, signs, strict=True)])
    np.testing.assert_array_equal(backpass.onnx_inputs({"dose": doses})["dose"], feed["dose"])
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    for cells in (doses, [1.5] * ROWS, [None] * ROWS, ["1"] * ROWS, ["<2", None] * (ROWS // 2)):
        rows = {**more, "dose": cells}
        found = session.run(None, backpass.onnx_inputs(rows, session))[0]
        np.testing.assert_allclose(found, model.predict(rows), rtol=1e-5, atol=1e-5)


def test_the_data_alone_decide_where_no_model_is_given(session: Any) -> None:
    columns = {name: values for name, values in table().items() if name != "y"}
    found, expected = backpass.onnx_inputs(columns), backpass.onnx_inputs(columns, session)
    assert list(found) == list(expected)
    for name in found:
        np.testing.assert_array_equal(found[name], expected[name])


def test_a_graph_in_every_form_is_read_alike(model: Model, session: Any, tmp_path: Path) -> None:
    data = model.to_onnx()
    (tmp_path / "m.graph").write_bytes(data)
    model.save(tmp_path / "m.backpass")
    expected = backpass.onnx_inputs(table(), session)
    forms = [data, onnx.load_model_from_string(data), tmp_path / "m.graph", str(tmp_path / "m.backpass"), model]
    for form in forms:
        found = backpass.onnx_inputs(table(), form)
        assert list(found) == list(expected)
        for name in found:
            np.testing.assert_array_equal(found[name], expected[name])


def test_fields_of_dates_are_those_of_a_timedelta() -> None:
    moments = [DAY, datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31, 23, 59, 59, 999_999), None]
    (found,) = backpass.onnx_inputs({"sold": moments}).values()
    deltas = [moment - datetime.datetime(1970, 1, 1) for moment in moments if moment]
    assert found.tolist() == [[d.days, d.seconds, d.microseconds] for d in deltas] + [[NO_DAY, 0, 0]]
    zone = datetime.timezone(datetime.timedelta(hours=-3))
    assert backpass.onnx_inputs({"sold": [DAY.replace(tzinfo=zone)] * 2})["sold"][0].tolist() == [
        *((DAY + datetime.timedelta(hours=3)) - datetime.datetime(1970, 1, 1)).__reduce__()[1]
    ]


def test_durations_are_seconds() -> None:
    waits = pandas.Series(pandas.to_timedelta([1.5, None, 90.0], unit="s"))
    found = backpass.onnx_inputs(pandas.DataFrame({"wait": waits}))["wait"]
    np.testing.assert_array_equal(found.ravel(), [1.5, np.nan, 90.0])


def test_a_model_decides_how_columns_are_read() -> None:
    """Numbers as texts, a declared missing value, the order of day and month, columns that are no inputs."""
    rows = {
        "code": [f"0{i % 4}" for i in range(ROWS)],
        "x": [-999.0 if i % 6 == 2 else i / 7 for i in range(ROWS)],
        "share": [f"{i}%" for i in range(ROWS)],
        "day": [f"{i % 28 + 1:02}.02.2023" for i in range(ROWS)],
        "y": [i % 5 + i / 50 for i in range(ROWS)],
    }
    from backpass.table import table_from

    fitted = backpass.fit(table_from(rows, categorical=["code"], missing=("-999",)), "y", hidden=(8,), epochs=2)
    session = onnxruntime.InferenceSession(fitted.to_onnx(), providers=["CPUExecutionProvider"])
    few = {**{name: values[:3] for name, values in rows.items()}, "more": [1, 2, 3]}
    feed = backpass.onnx_inputs(few, session)
    assert list(feed) == list(fitted.schema.kinds)
    assert feed["code"].ravel().tolist() == ["00", "01", "02"]
    assert np.isnan(feed["x"].ravel()).tolist() == [False, False, True]
    np.testing.assert_allclose(session.run(None, feed)[0], fitted.predict(few), rtol=1e-5, atol=1e-5)


def test_columns_without_values_and_a_table_without_rows(model: Model, session: Any) -> None:
    nothing = {name: [None, None] for name in table() if name != "y"}
    feed = backpass.onnx_inputs(nothing, session)
    assert np.isnan(feed["x"]).all()
    assert feed["town"].ravel().tolist() == ["", ""]
    assert feed["sold"][:, 0].tolist() == feed["at"][:, 0].tolist() == [NO_DAY, NO_DAY]
    np.testing.assert_allclose(session.run(None, feed)[0], model.predict(nothing), rtol=1e-5, atol=1e-5)
    with pytest.raises(DataError, match="no rows"):
        backpass.onnx_inputs(pandas.DataFrame(table()).head(0), session)


def test_rows_of_an_array_are_the_columns_in_order() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2))
    fitted = backpass.fit({"a": X[:, 0], "b": X[:, 1], "y": X.sum(axis=1)}, "y", hidden=(4,), epochs=2)
    found = backpass.onnx_inputs(X, fitted)
    np.testing.assert_array_equal(np.hstack([found["a"], found["b"]]), X)
    with pytest.raises(DataError, match=r"shape \(n, 2\); got \(40, 1\)"):
        backpass.onnx_inputs(X[:, :1], fitted)
    with pytest.raises(UsageError, match="structured array"):
        backpass.onnx_inputs(X)


def test_every_absent_column_is_named(session: Any) -> None:
    columns = {name: values for name, values in table().items() if name not in ("x", "town")}
    with pytest.raises(DataError) as caught:
        backpass.onnx_inputs({**columns, "towns": table()["town"]}, session)
    text = str(caught.value)
    assert "'x'" in text or '"x"' in text
    assert "towns" in text


def test_values_of_another_kind_are_refused(session: Any) -> None:
    with pytest.raises(DataError, match="x"):
        backpass.onnx_inputs({**table(), "x": ["far"] * ROWS}, session)


def test_other_graphs_are_refused(tmp_path: Path) -> None:
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    value = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.DOUBLE, ["n", 1]) for name in "xy"]
    foreign = onnx.helper.make_model(onnx.helper.make_graph([node], "g", value[:1], value[1:]))
    with pytest.raises(UsageError, match=r"contains no backpass\.inputs"):
        backpass.onnx_inputs(table(), foreign)
    with pytest.raises(UsageError, match="bytes that are not an ONNX model"):
        backpass.onnx_inputs(table(), b"price,rooms\n1,2\n")
    with pytest.raises(UsageError, match="got int"):
        backpass.onnx_inputs(table(), 3)


def test_the_table_comes_first(model: Model, session: Any) -> None:
    for first in (model, session):
        with pytest.raises(UsageError, match="takes the table first") as caught:
            backpass.onnx_inputs(first, table())
        assert caught.value.hint == "backpass.onnx_inputs(table, model)"


def test_names_that_an_output_has_too() -> None:
    rows = pandas.DataFrame({"y q=0.9": [float(i % 5) for i in range(ROWS)], "probabilities": np.arange(ROWS) / 7})
    settings: dict[str, Any] = {
        "preset": "plain",
        "hidden_layer_sizes": (4,),
        "epochs": 2,
        "loss": "quantile",
        "quantile": (0.1, 0.9),
    }
    several = backpass.BackpassRegressor(**settings).fit(rows, np.arange(ROWS) / 10.0).model_
    classes = backpass.fit({**rows, "y": [f"c{i % 3}" for i in range(ROWS)]}, "y", hidden=(4,), epochs=2)
    for fitted in (several, classes):
        session = onnxruntime.InferenceSession(fitted.to_onnx(), providers=["CPUExecutionProvider"])
        feed = backpass.onnx_inputs(rows, session)
        assert list(feed) == [each.name for each in session.get_inputs()] == list(backpass.onnx_inputs(rows, fitted))
        found = session.run(None, feed)
        predicted = fitted.predict_proba(rows) if fitted.classes else fitted.predict(rows)
        shown = found[1] if fitted.classes else np.column_stack(found)
        np.testing.assert_allclose(shown, predicted, rtol=1e-5, atol=1e-5)


def test_categories_given_as_numbers_keep_all_digits(model: Model) -> None:
    """ONNX Runtime's ``Cast`` to strings keeps eight (findings/onnxruntime-numbers-to-texts.sh)."""
    rows = {**{name: values[:2] for name, values in table().items()}, "town": [123456788.0, 123456789.0]}
    assert backpass.onnx_inputs(rows, model)["town"].tolist() == [["123456788"], ["123456789"]]
