"""Models as ONNX graphs predict what they predict themselves, from raw columns: every activation, loss and task."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from model_runs import compare, graph_inputs
from onnx_runs import run_onnx

import backpass
from backpass.engine.onnx import is_onnx
from backpass.errors import UsageError
from backpass.model import Model, from_bytes
from backpass.model.onnx.names import output_names
from backpass.network import ACTIVATIONS, FeatureMap, dense_network
from backpass.table import read_table, table_from
from backpass.table.notation.missing import DEFAULT_MISSING
from backpass.table.schema import CategoricalFeature

TOWNS = ("north", "south", "east", "west")


def houses(target: str, rows: int = 90, seed: int = 0) -> dict[str, list[Any]]:
    """Numbers and texts with gaps, and a target of one of the tasks."""
    rng = np.random.default_rng(seed)
    size, age = rng.normal(100.0, 30.0, rows), rng.integers(1, 90, rows)
    town, gaps = rng.choice(TOWNS, rows), rng.random((2, rows)) < 0.15
    worth = 2.0 * size - age + 40.0 * (town == "north") + rng.normal(0.0, 5.0, rows)
    targets: dict[str, Any] = {
        "price": worth,
        "visits": rng.poisson(np.exp(worth / 150.0)),
        "share": 1.0 / (1.0 + np.exp(-(worth - 150.0) / 50.0)),
        "sold": np.where(worth > np.median(worth), "yes", "no"),
        "grade": np.array(["a", "b", "c"])[np.digitize(worth, np.quantile(worth, [0.33, 0.66]))],
        "flag": (worth > np.median(worth)).astype(int),
        "level": np.where(worth > np.median(worth), 1.5, 0.5),
        "constant": np.full(rows, 7.25),
    }
    return {
        "size": [None if gap else float(v) for v, gap in zip(size, gaps[0], strict=True)],
        "age": age.tolist(),
        "town": [None if gap else str(v) for v, gap in zip(town, gaps[1], strict=True)],
        "heating": rng.choice(["gas", "oil"], rows).tolist(),
        target: targets[target].tolist(),
    }


def fitted(target: str, columns: dict[str, list[Any]] | None = None, **settings: Any) -> Model:
    chosen = {"hidden": (8,), "epochs": 2, "batch_size": 16, **settings}
    return backpass.fit(houses(target) if columns is None else columns, target, **chosen)


def unseen(target: str) -> dict[str, list[Any]]:
    """Other rows, among them texts that no training row had, empty ones, and numbers far out."""
    columns = houses(target, rows=40, seed=9)
    columns["town"][:4] = ["Timbuktu", "North", "north ", None]
    columns["heating"][:2] = ["", "coal"]
    columns["size"][:3] = [1e300, -1e300, 0.0]
    return columns


@pytest.mark.parametrize("target", ["price", "sold", "grade", "visits"])
@pytest.mark.parametrize(
    "settings", [{}, {"ensemble_size": 3}, {"preset": "fast"}, {"preset": "best", "ensemble_size": 2}], ids=str
)
def test_every_preset_and_ensembles(target: str, settings: dict[str, Any]) -> None:
    """Embeddings of a text of many levels, factors, bounds, and the average of networks."""
    loss = {"loss": "poisson"} if target == "visits" else {}
    columns = {**houses(target), "street": [f"street {i % 11:02}" for i in range(90)]}
    model = fitted(target, columns, **settings, **loss)
    compare(model, columns)
    others = {**unseen(target), "street": [None, "no such street", *columns["street"][:38]]}
    others["town"][2] = "north"  # a graph trims no spaces
    compare(model, others)


@pytest.mark.parametrize("target", ["price", "sold", "grade"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation(target: str, activation: str) -> None:
    compare(fitted(target, activation=activation, hidden=(8, 5)), houses(target))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_output_activation(activation: str) -> None:
    compare(fitted("share", output_activation=activation), houses("share"))


LOSSES = [("price", "squared"), ("price", "absolute"), ("price", "huber"), ("price", "quantile"), ("visits", "poisson"),
          ("sold", "cross_entropy"), ("grade", "cross_entropy")]  # fmt: skip


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize(("target", "loss"), LOSSES)
def test_every_loss(target: str, loss: str, precision: str) -> None:
    model = fitted(target, loss=loss, precision=precision, quantile=0.9, label_smoothing=0.0)
    compare(model, houses(target))
    compare(model, {name: values[:1] for name, values in houses(target).items()})


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_a_target_that_is_learned_as_its_logarithm(precision: str) -> None:
    options = {"target_transform": "log", "precision": precision, "validation_fraction": 0.3}
    model = fitted("share", clip_predictions="training", ensemble_size=2, **options)
    compare(model, houses("share"))
    compare(model, unseen("share"))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_in_float64(activation: str) -> None:
    compare(fitted("price", activation=activation, precision="float64"), houses("price"))


@pytest.mark.parametrize("target", ["price", "sold", "grade"])
def test_unseen_texts_missing_values_and_numbers_far_out(target: str) -> None:
    model = fitted(target, epochs=6)
    columns = unseen(target)
    columns["town"][2] = "north"  # a table trims spaces, a graph does not
    compare(model, columns)


def test_a_graph_trims_no_spaces() -> None:
    model = fitted("price")
    columns = {name: values[:2] for name, values in houses("price").items()}
    columns["town"] = ["north", None]
    inputs = graph_inputs(model, columns)
    inputs["town"][0, 0] = " north"
    (values,) = run_onnx(model.to_onnx(), inputs)
    columns["town"] = [None, None]
    assert np.allclose(values, model.predict(columns))


def test_tokens_that_mean_missing() -> None:
    columns = houses("price")
    columns["size"][3], columns["age"][5], columns["town"][6] = -999, -999, "unknown"
    table = table_from(columns, missing=(*DEFAULT_MISSING, "-999", "unknown"))
    model = backpass.fit(table, "price", hidden=(4,), epochs=2)
    compare(model, columns)
    taken = {**columns, "size": [-999] * 90}
    gone = {**columns, "size": [None] * 90}
    got = [run_onnx(model.to_onnx(), graph_inputs(model, each))[0] for each in (taken, gone)]
    np.testing.assert_array_equal(*got)


@pytest.mark.parametrize("runtime", ["ONNX Runtime", "the reference evaluator"])
@pytest.mark.parametrize("notation", ["{}", "{}%"])
def test_numbers_that_mean_missing_in_columns_with_a_notation(notation: str, runtime: str, tmp_path: Path) -> None:
    """Percentages are numbers, where 15 is missing; dates written day first have components, where it is a day."""
    from onnx.reference import ReferenceEvaluator

    rows = [f"{notation.format(15 if i % 9 == 0 else i % 14)},{i % 28 + 1}.3.2024,{i % 5}" for i in range(90)]
    (tmp_path / "t.csv").write_text("\n".join(["rate,sold,y", *rows, ""]), encoding="utf-8")
    table = read_table(tmp_path / "t.csv", missing=(*DEFAULT_MISSING, "15"))
    model = backpass.fit(table, "y", hidden=(4,), epochs=2)
    assert model.kinds() == {"rate": "percent" if "%" in notation else "numeric", "sold": "day_first"}
    columns = {
        "rate": [15.0, None, 15.0, 4.0],
        "sold": [None, None, datetime.datetime(2024, 3, 15), datetime.datetime(2024, 3, 15)],
    }
    inputs = graph_inputs(model, columns)
    with np.errstate(all="ignore"):
        if runtime == "ONNX Runtime":
            (got,) = run_onnx(model.to_onnx(), inputs)
        else:
            (got,) = ReferenceEvaluator(model.to_onnx()).run(None, inputs)
    expected = model.predict(columns)
    assert expected[0] == expected[1]
    np.testing.assert_allclose(got, expected, rtol=1e-5)


@pytest.mark.parametrize("names", [("size", "age"), ("size",), ("town", "heating"), ("town",), ("age", "town")])
@pytest.mark.parametrize("target", ["price", "sold"])
def test_tables_of_some_kinds_only(target: str, names: tuple[str, ...]) -> None:
    columns = {name: values for name, values in houses(target).items() if name in (*names, target)}
    compare(fitted(target, columns), columns)


@pytest.mark.parametrize(
    "settings",
    [
        {"hidden": ()},
        {"hidden": (6, 5, 4), "dropout": 0.3},
        {"wire": (("shape", ("size", "age")), ("place", ("town",))), "hidden": ()},
        {"wire": (("shape", ("size", "age")), ("place", ("town",))), "hidden": (3,), "activation": "tanh"},
        {"initialization": "data"},
    ],
)
@pytest.mark.parametrize("target", ["price", "grade"])
def test_every_kind_of_network(target: str, settings: dict[str, Any]) -> None:
    compare(fitted(target, **settings), houses(target))


def test_a_constant_target() -> None:
    model = fitted("constant")
    assert compare(model, houses("constant")) == 0.0


@pytest.mark.parametrize(("target", "dtype", "values"), [("flag", "int64", {0, 1}), ("level", "float64", {0.5, 1.5})])
def test_classes_that_are_numbers_stay_numbers(target: str, dtype: str, values: set[float]) -> None:
    model = fitted(target)
    compare(model, houses(target))
    labels, _ = run_onnx(model.to_onnx(), graph_inputs(model, houses(target)))
    assert labels.dtype == dtype
    assert set(labels.tolist()) <= values


@pytest.mark.parametrize("target", ["price", "sold", "grade"])
def test_no_rows_and_one_row(target: str) -> None:
    model, columns = fitted(target), houses(target)
    for rows in (0, 1):
        outputs = run_onnx(
            model.to_onnx(), graph_inputs(model, {name: values[:rows] for name, values in columns.items()})
        )
        assert [len(each) for each in outputs] == [rows] * len(outputs)


def test_a_row_does_not_depend_on_its_neighbours() -> None:
    model, inputs = fitted("price"), graph_inputs(fitted("price"), houses("price"))
    (whole,) = run_onnx(model.to_onnx(), inputs)
    (first,) = run_onnx(model.to_onnx(), {name: array[:1] for name, array in inputs.items()})
    np.testing.assert_allclose(first, whole[:1], rtol=1e-6)


NAMES = [
    ("größe (m²)", "年齢", "ville, pays", "chauffage\tà gaz"),
    ("a b", "a  b", "a_b", "A B"),  # near one another
    ("numbers", "codes", "codes/town", "codes/codes/town"),  # what values of the graph are called
    ("scaling/multiply", "W1", "b1", "float64/0.5"),
    ("probabilities", "probabilities_", "label", "label/place"),
    ("n", "one-hot/cast", "length/n", "shape"),
]


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("target", ["price", "grade"])
@pytest.mark.parametrize("target_name", ["head/cast", "prix (€)", "layer_1_of_2/affine"])
def test_names_of_any_kind(target: str, target_name: str, names: tuple[str, ...]) -> None:
    import onnx

    values = list(houses(target).values())
    columns = dict(zip((*names, target_name), values, strict=True))
    model = fitted(target_name, columns)
    compare(model, columns)
    graph = onnx.load_from_string(model.to_onnx()).graph
    assert [each.name for each in graph.input] == [name.strip() for name in names]
    assert tuple(each.name for each in graph.output) == output_names(model)
    assert graph.output[0].name == target_name


def test_levels_and_classes_of_any_kind() -> None:
    odd = ["", "ä", "日本語", "a b", "a'b\"", "\N{GRINNING FACE}", "nul", "x" * 5000]
    columns: dict[str, list[Any]] = {"t": odd * 12, "x": list(range(96)), "y": [*odd[1:], "ä"] * 12}
    model = fitted("y", columns, epochs=5)
    compare(model, columns)


def test_more_levels_than_are_kept() -> None:
    rng = np.random.default_rng(2)
    texts = [f"level {i}" for i in rng.integers(0, 400, 1500)]
    columns: dict[str, list[Any]] = {"t": texts, "y": rng.normal(size=1500).tolist()}
    model = fitted("y", columns, epochs=1, batch_size=128)
    assert len(model.schema.texts[0].levels) == 255
    compare(model, columns)


def test_very_many_levels() -> None:
    """More than ``fit`` keeps today: a model with 20,000 levels, put together by hand."""
    count = 20_000
    model = fitted("y", {"t": ["a", "b", "c"] * 10, "y": list(range(30))})
    levels = tuple(sorted(f"level {i}" for i in range(count)))
    schema = replace(model.schema, features=(CategoricalFeature("t", levels),))
    network = dense_network(count, (3,), 1)
    theta = np.random.default_rng(0).normal(size=network.parameter_count).astype(np.float32)
    phi = FeatureMap(np.zeros(0), np.zeros(0), (), (count,), (False,), ("one_hot",))
    large = replace(model, schema=schema, feature_map=phi, network=network, theta=theta)
    compare(large, {"t": [levels[0], levels[-1], levels[777], "another", None]})


def test_the_metadata_say_what_the_graph_is() -> None:
    import onnx

    model = fitted("grade")
    proto = onnx.load_from_string(model.to_onnx())
    facts = {each.key: each.value for each in proto.metadata_props}
    assert facts == {
        "backpass.version": backpass.__version__,
        "backpass.format": "3",
        "backpass.target": "grade",
        "backpass.task": "multiclass",
        "backpass.loss": "cross_entropy",
        "backpass.classes": '["a", "b", "c"]',
        "backpass.inputs": json.dumps(
            [
                {"name": "size", "column": "size", "kind": "numeric"},
                {"name": "age", "column": "age", "kind": "numeric"},
                {"name": "town", "column": "town", "kind": "categorical"},
                {"name": "heating", "column": "heating", "kind": "categorical"},
            ]
        ),
        "backpass.missing": json.dumps(list(model.schema.missing)),
    }
    assert json.loads(facts["backpass.classes"]) == list(model.classes)
    assert proto.producer_version == backpass.__version__
    assert [each.doc_string for each in proto.graph.input] == [
        "a number; NaN where missing",
        "a number; NaN where missing",
        "a string; empty where missing",
        "a string; empty where missing",
    ]


def test_parameters_are_constants_under_their_names() -> None:
    import onnx
    from onnx import numpy_helper

    model = fitted("price")
    constants = {each.name: each for each in onnx.load_from_string(model.to_onnx()).graph.initializer}
    for name, view in model.network.layout.views(model.theta).items():
        np.testing.assert_array_equal(numpy_helper.to_array(constants[name]), view)
    assert model.theta.size not in [int(np.prod(each.dims)) for each in constants.values()]


def test_the_same_model_gives_the_same_bytes() -> None:
    model = fitted("grade")
    data = model.to_onnx()
    assert is_onnx(data)
    assert model.to_onnx() == data
    assert from_bytes(model.to_bytes()).to_onnx() == data


@pytest.mark.parametrize("target", ["price", "sold", "grade", "flag", "constant"])
def test_the_reference_evaluator_of_onnx_agrees(target: str) -> None:
    from onnx.reference import ReferenceEvaluator

    model, columns = fitted(target), houses(target)
    with np.errstate(all="ignore"):
        first, *rest = ReferenceEvaluator(model.to_onnx()).run(None, graph_inputs(model, columns))
    expected = model.predictions(model.table(columns))
    if expected.probabilities is None:
        np.testing.assert_allclose(first, expected.values, rtol=1e-5)
        return
    assert [str(each) for each in first.tolist()] == expected.values.tolist()
    np.testing.assert_allclose(rest[0], expected.probabilities, rtol=1e-5)


def test_texts_without_a_utf8_form_are_named() -> None:
    model = fitted("price")
    schema = replace(model.schema, features=(CategoricalFeature("town", ("a", "b\udcff")), *model.schema.features[:1]))
    with pytest.raises(UsageError) as caught:
        replace(model, schema=schema).to_onnx()
    assert caught.value.details == (r"'b\udcff' cannot be encoded",)


def test_a_wrong_graph_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    model, columns = fitted("price"), houses("price")
    theta = model.theta.copy()
    theta[-1] += 1e-4
    wrong: Callable[[], bytes] = replace(model, theta=theta).to_onnx
    with pytest.raises(AssertionError, match="is more than"):
        compare(model, columns, wrong())


@pytest.mark.parametrize(
    ("texts", "spellings"),
    [
        (["true", "false"], {"True": "true", "TRUE": "true", "1": "true", "1.0": "true", "F": "false", "no": "false"}),
        (["0", "1"], {"true": "1", "FALSE": "0", "1.0": "1", "y": "1"}),
        (["3", "7", "x"], {"3.0": "3", "7.0": "7"}),
        (["yes", "yes", "YES", "No"], {"Yes": "yes", "no": "No", "NO": "No", "1": "yes"}),
        (["north east", "north east", "North East", "west"], {"NORTH EAST": "north east", "West": "west"}),
    ],
)
def test_other_spellings_of_a_category_are_the_category(texts: list[str], spellings: dict[str, str]) -> None:
    """The graph is called with the texts as they are, and gives what it gives for the category itself."""
    columns = {"t": texts * 20, "x": list(range(20 * len(texts))), "y": [n % 7 for n in range(20 * len(texts))]}
    reading = {"merge_case": True, "categorical": ["t"]}
    model = backpass.fit(backpass.table.table_from(columns, **reading), "y", hidden=(3,), epochs=1)
    assert isinstance(model.schema.texts[0], CategoricalFeature)
    graph, known = model.to_onnx(), set(model.schema.texts[0].levels)

    def outputs(words: list[str]) -> list[float]:
        x = np.full((len(words), 1), 3.0)
        return run_onnx(graph, {"t": np.array(words, dtype=object)[:, None], "x": x})[0].ravel().tolist()

    same = {text: category for text, category in spellings.items() if text not in known}
    assert {*same.values()} <= known
    assert outputs([*same]) == outputs([*same.values()])
    assert model.predict({"t": [*same], "x": [3.0] * len(same)}).tolist() == pytest.approx(
        model.predict({"t": [*same.values()], "x": [3.0] * len(same)}).tolist()
    )
    assert outputs(["quite another"]) == outputs([""])
