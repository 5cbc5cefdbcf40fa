"""The problem: what is fitted is fitted on training rows, and the network is the one the settings ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backpass.errors import DataError, UsageError
from backpass.model.fitting.problem.preparation import make_problem
from backpass.model.fitting.problem.problem import Problem, batch_size_for
from backpass.model.prediction.forward import inputs_of, outputs_of
from backpass.model.settings.settings import Settings
from backpass.model.split.splits import split_rows
from backpass.network import Dense, Dropout, Wired
from backpass.table import table_from

Columns = dict[str, list[Any]]


def problem_of(data: Columns, target: str, *, validation: Any = None, test: Any = None, **settings: Any) -> Problem:
    names = {name: settings.pop(name) for name in ("drop", "columns") if name in settings}
    parts = {name: table_from(part) for name, part in (("validation", validation), ("test", test)) if part is not None}
    requested = Settings.of({"preset": "plain", "validation_fraction": 0.16, **settings})
    return make_problem(table_from(data), target, requested, **parts, **names)


def small(rows: int = 40, **more: Any) -> Columns:
    rng = np.random.default_rng(1)
    return {"a": rng.normal(size=rows).tolist(), "b": rng.normal(size=rows).tolist(), **more}


# Training rows only


@pytest.mark.parametrize("part", ["validation", "test"])
def test_rows_that_do_not_train_change_nothing(houses: Columns, part: str) -> None:
    before = problem_of(houses, "price")
    split = split_rows(len(houses["price"]), 0.16, 0.2, 0)
    changed = {name: list(values) for name, values in houses.items()}
    for row in getattr(split, part):
        changed["size"][row], changed["age"][row], changed["price"][row] = 1e9 + row, None, -1e9
        changed["town"][row], changed["heating"][row] = "atlantis", None
    after = problem_of(changed, "price")
    assert after.schema == before.schema
    assert after.head == before.head
    assert after.network == before.network
    np.testing.assert_array_equal(after.feature_map.center, before.feature_map.center)
    np.testing.assert_array_equal(after.feature_map.scale, before.feature_map.scale)
    assert after.feature_map.has_missing == before.feature_map.has_missing
    assert after.feature_map.has_unknown == before.feature_map.has_unknown
    np.testing.assert_array_equal(after.parts["train"].x, before.parts["train"].x)
    np.testing.assert_array_equal(after.parts["train"].y, before.parts["train"].y)
    np.testing.assert_array_equal(after.first_theta(), before.first_theta())
    assert (after.parts[part].x != before.parts[part].x).any()


def test_rows_that_train_do_change_it(houses: Columns) -> None:
    before = problem_of(houses, "price")
    row = split_rows(len(houses["price"]), 0.16, 0.2, 0).train[0]
    houses["age"][row] = 1e6
    houses["price"][row] = 1e6
    after = problem_of(houses, "price")
    assert after.head.scales != before.head.scales


def test_parts_hold_their_rows(houses: Columns) -> None:
    problem = problem_of(houses, "price")
    split = split_rows(len(houses["price"]), 0.16, 0.2, 0)
    assert list(problem.parts) == ["train", "validation", "test"]
    for name, part in problem.parts.items():
        rows = getattr(split, name)
        assert part.x.shape == (len(rows), problem.network.inputs)
        assert part.x.dtype == np.float32
        assert part.y.shape == (len(rows), 1)
        np.testing.assert_array_equal(part.truth, np.array(houses["price"])[rows])


def test_the_identifier_is_left_out_and_said(houses: Columns) -> None:
    problem = problem_of(houses, "price")
    assert "identifier" not in problem.schema.kinds
    assert any("looks like an identifier" in note for note in problem.notes)


# Tables of their own for validation and test


def test_tables_take_the_place_of_fractions(houses: Columns, table_with: Callable[..., Columns]) -> None:
    validation, test = table_with("price", 30, 7), table_with("price", 20, 8)
    assert {n: p.rows for n, p in problem_of(houses, "price", validation=validation).parts.items()} == {
        "train": 96,
        "validation": 30,
        "test": 24,
    }
    both = problem_of(houses, "price", validation=validation, test=test)
    assert {name: part.rows for name, part in both.parts.items()} == {"train": 120, "validation": 30, "test": 20}
    np.testing.assert_array_equal(both.parts["test"].truth, test["price"])


def test_a_table_without_the_target_or_with_a_new_class_is_refused(table_with: Callable[..., Columns]) -> None:
    columns, other = table_with("grade"), table_with("grade", 12, 3)
    other["grade"][3] = "d"
    with pytest.raises(DataError, match=r"class 'd' of target 'grade' is not known .* \(row 4\)"):
        problem_of(columns, "grade", validation=other)
    del other["grade"]
    with pytest.raises(DataError, match="grade"):
        problem_of(columns, "grade", test=other)


# Columns


def test_drop_and_columns(houses: Columns) -> None:
    assert set(problem_of(houses, "price", drop=["town"]).schema.kinds) == {"size", "age", "heating"}
    assert set(problem_of(houses, "price", columns=["age", "town"]).schema.kinds) == {"age", "town"}
    with pytest.raises(DataError, match=r"'aeg' not found .*did you mean 'age'"):
        problem_of(houses, "price", drop=["aeg"])


def test_every_input_has_a_name(houses: Columns) -> None:
    problem = problem_of(houses, "price")
    assert problem.input_names == [
        "size",
        "age",
        "size is missing",
        "town is missing or new",
        "town = east",
        "town = north",
        "town = south",
        "town = west",
        "heating = gas",
        "heating = oil",
    ]
    assert len(problem.input_names) == problem.network.inputs


# Wiring


def test_a_wired_unit_sees_all_inputs_of_its_columns(houses: Columns) -> None:
    problem = problem_of(houses, "price", wire=(("building", ("size", "heating")), ("place", ("town",))))
    wired = problem.network.layers[0]
    assert isinstance(wired, Wired)
    names = problem.input_names
    seen = {unit.name: [names[i] for i in unit.inputs] for unit in wired.units}
    assert seen == {
        "building": ["size", "size is missing", "heating = gas", "heating = oil"],
        "place": ["town is missing or new", *(f"town = {level}" for level in ("east", "north", "south", "west"))],
    }
    assert problem.network.widths == (2, 1)


def test_all_wires_to_columns_that_are_not_there_are_named(houses: Columns) -> None:
    with pytest.raises(DataError) as caught:
        problem_of(houses, "price", wire=(("u", ("sise", "age")), ("v", ("identifier",))))
    assert len(caught.value.details) == 2
    assert "unit 'u' is wired to 'sise'" in caught.value.details[0]
    assert "did you mean 'size'?" in caught.value.details[0]
    assert "unit 'v' is wired to 'identifier'" in caught.value.details[1]


# Networks


@pytest.mark.parametrize(
    ("settings", "layers"),
    [
        ({"hidden": ()}, [Dense(1)]),
        ({"hidden": (4,)}, [Dense(4, "relu"), Dense(1)]),
        (
            {"hidden": (4, 3), "dropout": 0.1},
            [Dense(4, "relu"), Dropout(0.1), Dense(3, "relu"), Dropout(0.1), Dense(1)],
        ),
        ({"hidden": (4,), "dropout": 0, "activation": "tanh", "output_activation": "relu"}, None),
    ],
)
def test_networks(settings: dict[str, Any], layers: list[Any] | None) -> None:
    network = problem_of(small(t=list(range(40))), "t", **settings).network
    assert list(network.layers) == (layers or [Dense(4, "tanh"), Dense(1, "relu")])
    assert network.inputs == 2


def test_outputs_follow_the_target(each_target: tuple[str, Columns]) -> None:
    target, columns = each_target
    problem = problem_of(columns, target, hidden=(4,))
    assert problem.network.outputs == {"price": 1, "sold": 1, "grade": 3}[target]
    theta = problem.first_theta()
    assert theta.shape == (problem.network.parameter_count,)
    o = outputs_of(problem.network, theta, problem.parts["train"].x, problem.engine)
    predictions = problem.head.predictions(o)
    assert predictions.shape == ((76,) if target == "price" else (76, len(problem.head.target.classes)))


@pytest.mark.parametrize("initialization", ["he", "glorot", "uniform", "normal", "data"])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_first_theta(houses: Columns, initialization: str, precision: str) -> None:
    made = [
        problem_of(houses, "price", initialization=initialization, precision=precision, hidden=(4,), seed=s)
        for s in (1, 1, 2)
    ]
    first, again, other = (problem.first_theta() for problem in made)
    assert first.dtype == precision
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_an_output_that_could_be_dead_starts_near_the_target() -> None:
    columns = small(t=(100.0 + np.arange(40.0)).tolist())
    problem = problem_of(columns, "t", output_activation="relu", hidden=(4,))
    theta = problem.first_theta()
    o = outputs_of(problem.network, theta, problem.parts["train"].x, problem.engine)
    assert o.mean() == pytest.approx(problem.parts["train"].y.mean(), rel=1e-5)
    assert (o > 0).mean() > 0.5


# Batches


@pytest.mark.parametrize(
    ("rows", "size"),
    [(1, 1), (20, 20), (1_024, 32), (1_025, 128), (8_192, 128), (8_193, 256), (30_001, 512), (10**7, 1_024)],
)
def test_the_batch_size_suits_the_rows(rows: int, size: int) -> None:
    assert batch_size_for(Settings.of({}), rows) == size
    assert batch_size_for(Settings.of({"batch_size": 7}), rows) == 7


def test_chunks_are_invisible(houses: Columns, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = problem_of(houses, "price", precision="float64")
    part, theta = problem.parts["train"], problem.first_theta()
    whole = outputs_of(problem.network, theta, part.x, problem.engine)
    encoded = problem.schema.encode(table_from(houses))
    inputs = inputs_of(problem.feature_map, encoded.numbers, encoded.codes, np.float64, problem.engine)
    monkeypatch.setattr("backpass.model.prediction.forward.CHUNK", 7)
    np.testing.assert_allclose(outputs_of(problem.network, theta, part.x, problem.engine), whole, rtol=1e-12)
    again = inputs_of(problem.feature_map, encoded.numbers, encoded.codes, np.float64, problem.engine)
    np.testing.assert_array_equal(again, inputs)


# Notes and refusals


def noted(problem: Problem, text: str) -> bool:
    return any(text in note for note in problem.notes)


def test_few_rows_are_said() -> None:
    problem = problem_of(small(9, t=list(range(9))), "t")
    assert list(problem.parts) == ["train"]
    assert noted(problem, "only 9 rows: all of them are used for training")
    assert noted(problem, "no validation rows: the last epoch is kept")
    assert not noted(problem_of(small(40, t=list(range(40))), "t"), "rows: all of them are used for training")


def test_no_validation_is_said() -> None:
    assert noted(problem_of(small(t=list(range(40))), "t", validation_fraction=0.0), "no validation rows")


def test_folds_validate_without_validation_rows() -> None:
    settings: dict[str, Any] = {"validation_fraction": 0.0, "ensemble_size": 2, "ensemble_split": "folds"}
    problem = problem_of(small(t=list(range(40))), "t", **settings)
    assert problem.folds
    assert not noted(problem, "no validation rows")


def test_a_batch_larger_than_the_rows_is_said() -> None:
    columns = small(t=list(range(40)))
    assert noted(problem_of(columns, "t", batch_size=100), "--batch-size 100 is more than the 25 training rows")
    assert not noted(problem_of(columns, "t", batch_size=100, sampling="full"), "batch_size")
    assert not noted(problem_of(columns, "t"), "batch_size")


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_a_linear_network_is_said(dropout: float) -> None:
    columns = small(t=list(range(40)))
    assert noted(problem_of(columns, "t", activation="identity", dropout=dropout), "the network is a linear model")
    assert not noted(problem_of(columns, "t", activation="identity", hidden=()), "linear model")
    assert not noted(problem_of(columns, "t"), "linear model")


def test_a_constant_target_is_said() -> None:
    assert noted(problem_of(small(t=[3.5] * 40), "t"), "target 't' is constant 3.5")


def test_training_rows_of_one_class_are_refused() -> None:
    columns = small(t=["no"] * 38 + ["yes"] * 2, day=list(range(40)))
    assert problem_of(columns, "t").parts["train"].truth.max() == 1  # the first row of a class trains
    with pytest.raises(DataError, match="all 25 training rows have the same class of target 't'") as caught:
        problem_of(columns, "t", time="day")
    assert "--seed" in caught.value.hint


def test_a_loss_that_does_not_go_with_the_target(each_target: tuple[str, Columns]) -> None:
    target, columns = each_target
    loss = "cross_entropy" if target == "price" else "squared"
    with pytest.raises(UsageError, match=f"loss '{loss}' does not work with target '{target}'"):
        problem_of(columns, target, loss=loss)


def test_negative_counts_are_refused() -> None:
    with pytest.raises(DataError, match="the poisson loss needs counts of at least 0; got -2"):
        problem_of(small(t=[-2.0, *range(39)]), "t", loss="poisson", validation_fraction=0.0, test_fraction=0.0)


@pytest.mark.parametrize("seed", range(5))
def test_negative_counts_are_refused_in_every_split(seed: int) -> None:
    with pytest.raises(DataError, match="the poisson loss needs counts of at least 0; got -2"):
        problem_of(small(t=[-2.0, *range(39)]), "t", loss="poisson", test_fraction=0.5, seed=seed)


# Identity


def test_identity_tells_settings_and_rows_apart(houses: Columns) -> None:
    first = problem_of(houses, "price").identity()
    assert first == problem_of(houses, "price").identity()
    assert first == problem_of(houses, "price", max_seconds=10.0).identity()
    assert first["seed"] != problem_of(houses, "price", seed=1).identity()["seed"]
    changed = {**houses, "age": [*houses["age"][:-1], houses["age"][-1] + 1]}
    assert first["rows"] != problem_of(changed, "price").identity()["rows"]
