"""Arguments of another type than expected are named, as arguments of Python, before anything is read or fitted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from backpass import (
    check_gradient,
    cross_validate,
    dense_network,
    distill,
    explain,
    fit,
    fit_groups,
    load,
    permutation_importance,
    report,
    trace,
    tune,
)
from backpass.errors import GradientError, TraceError, UsageError
from backpass.model import Model

TABLE = {"x": [float(i) for i in range(60)], "k": ["a", "b"] * 30, "y": [3.0 * i for i in range(60)]}


@pytest.fixture(scope="module")
def model() -> Model:
    return fit(TABLE, "y", hidden=(), epochs=1, preset="fast")


@pytest.mark.parametrize("value", [None, 1.5, float("nan"), "x", [], True])
@pytest.mark.parametrize("name", ["folds", "repeats"])
def test_counts_of_a_cross_validation(name: str, value: Any) -> None:
    with pytest.raises(UsageError, match=rf"^{name} must be a whole number"):
        cross_validate(TABLE, "y", **{name: value})


@pytest.mark.parametrize("value", [-1, "x", [1, 2], object()])
@pytest.mark.parametrize(
    "call",
    [
        lambda reading: fit(TABLE, "y", reading=reading),
        lambda reading: cross_validate(TABLE, "y", reading=reading),
        lambda reading: tune(TABLE, "y", trials=1, reading=reading),
        lambda reading: fit_groups(TABLE, "y", "k", reading=reading),
    ],
)
def test_options_of_reading_are_a_dict(call: Callable[[Any], object], value: Any) -> None:
    with pytest.raises(UsageError, match=r"^reading must be a dict of options of read_table"):
        call(value)


@pytest.mark.parametrize("value", [None, -1, 1.5, [], b"x", object()])
def test_a_path_is_a_str_or_a_path(model: Model, value: Any) -> None:
    for call in (load, model.save):
        with pytest.raises(
            UsageError, match=r"^the path of a file must be a str or a pathlib\.Path; got a value of type"
        ):
            call(value)


@pytest.mark.parametrize("value", [None, 3, "t.csv", [], {"x": [1.0]}, object()])
@pytest.mark.parametrize("name", ["predictions", "evaluation", "labeled", "outputs", "encoded"])
def test_a_table_is_a_table(model: Model, name: str, value: Any) -> None:
    with pytest.raises(UsageError, match=rf"^{name} takes a Table; got a value of type {type(value).__name__}"):
        getattr(model, name)(value)


@pytest.mark.parametrize("value", [None, "x", [], object()])
def test_a_level_is_a_number(model: Model, value: Any) -> None:
    with pytest.raises(UsageError, match=r"^level must be a number greater than 0 and less than 1; got"):
        model.predict_interval(TABLE, value)


@pytest.mark.parametrize("value", [None, -1, 0.5, "x", True])
def test_seeds_and_repeats_of_an_assessment(model: Model, value: Any) -> None:
    for call in (report, permutation_importance):
        with pytest.raises(UsageError, match=r"^seed must be a whole number from 0"):
            call(model, TABLE, seed=value)
    with pytest.raises(UsageError, match=r"^repeats must be a whole number of at least 1"):
        permutation_importance(model, TABLE, repeats=value)
    with pytest.raises(UsageError, match=r"^repeats must be a whole number of at least 1; got 0"):
        permutation_importance(model, TABLE, repeats=0)


@pytest.mark.parametrize("value", [None, 0, -1, 1.5, "x"])
def test_sizes_of_a_network(value: Any) -> None:
    with pytest.raises(UsageError, match="inputs must be a whole number of at least 1"):
        dense_network(value, (3,), 1)
    with pytest.raises(UsageError, match="hidden takes a list"):
        dense_network(2, value, 1)
    with pytest.raises(UsageError) as caught:
        dense_network(2, (3, value), 1)
    assert "expected at least 1 unit" in str(caught.value)


@pytest.mark.parametrize("value", [-1, "x", [], {}])
def test_functions_that_are_none(model: Model, value: Any) -> None:
    with pytest.raises(UsageError, match="on_rows must be a function; got a value of type"):
        explain(model, TABLE, on_rows=value)
    with pytest.raises(GradientError, match="f must be a function; got a value of type"):
        check_gradient(value, 1.0)
    with pytest.raises(TraceError, match="expected a function of arrays; got a value of type"):
        trace(value, [()])


@pytest.mark.parametrize("value", [None, -1, "x", {}])
def test_shapes_are_a_list(value: Any) -> None:
    with pytest.raises(TraceError, match="expected a list of shapes, one per argument; got"):
        trace(lambda x: x, value)


def test_lists_that_are_none(model: Model) -> None:
    calls: dict[str, Callable[[], object]] = {
        "keep": lambda: [*model.predict_batches(TABLE, keep=None)],  # type: ignore[arg-type]
        "drop": lambda: fit(TABLE, "y", drop=None),  # type: ignore[arg-type]
        "drop ": lambda: fit_groups(TABLE, "y", "k", drop=None),  # type: ignore[arg-type]
        "drop  ": lambda: cross_validate(TABLE, "y", drop=None),  # type: ignore[arg-type]
    }
    for name, call in calls.items():
        with pytest.raises(UsageError, match=rf"^{name.strip()} takes a list of strings; got None"):
            call()
    with pytest.raises(UsageError, match="callbacks must be a list of instances"):
        distill(model, TABLE, callbacks=None)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["x", "", -1, [], None])
def test_an_activation_is_a_name_or_a_function(value: Any) -> None:
    for options in ({"activation": value}, {"output_activation": value}):
        with pytest.raises(UsageError, match="activation"):
            dense_network(2, (3,), 1, **options)
