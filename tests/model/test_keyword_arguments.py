"""Keyword arguments of predictions: the error names the function that was called, and what to call instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backpass
from backpass.table import table_from

COLUMNS = {"x": [float(i) for i in range(60)], "y": [3.0 * i for i in range(60)]}


@pytest.fixture(scope="module")
def model() -> backpass.Model:
    return backpass.fit(COLUMNS, "y", hidden=(), epochs=1, preset="plain", ensemble_size=1)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "rows.csv"
    path.write_text("x,y\n" + "".join(f"{i},{3 * i}\n" for i in range(60)))
    return path


def forms(file: Path) -> list[Any]:
    return [COLUMNS, file, str(file), table_from(COLUMNS), np.zeros((3, 1))]


METHODS = ["predict", "predict_proba", "predict_batches", "predict_interval", "predict_quantiles", "evaluate"]


@pytest.mark.parametrize("method", [*METHODS, "features", "table"])
@pytest.mark.parametrize("form", range(5))
def test_the_error_names_what_was_called(model: backpass.Model, file: Path, method: str, form: int) -> None:
    with pytest.raises(TypeError, match=rf"^{method}\(\) got an unexpected keyword argument 'nonsense'$"):
        getattr(model, method)(forms(file)[form], nonsense=1)


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("interval", r"predict_interval\(data, 0.9\)"),
        ("quantiles", r"predict_quantiles\(data, \(0.05, 0.5, 0.95\)\)"),
        ("proba", r"predict_proba\(data\)"),
        ("rows", r"predict_batches\(data, rows=65_536\)"),
    ],
)
@pytest.mark.parametrize("form", range(5))
def test_the_method_that_is_meant_is_named(
    model: backpass.Model, file: Path, name: str, instead: str, form: int
) -> None:
    with pytest.raises(TypeError, match=rf"^predict\(\) .* {name!r}: call {instead}$"):
        model.predict(forms(file)[form], **{name: 0.9})


def test_a_model_per_group_names_no_method_that_it_lacks() -> None:
    rows = {**COLUMNS, "store": ["a", "b"] * 30}
    model = backpass.fit_groups(rows, "y", by="store", hidden=(), epochs=1)
    with pytest.raises(TypeError, match=r"^predict\(\) got an unexpected keyword argument 'interval'$"):
        model.predict(rows, interval=0.9)
    with pytest.raises(TypeError, match=r"^evaluate\(\) got an unexpected keyword argument 'interval'$"):
        model.evaluate(rows, interval=0.9)


def test_options_of_other_data_are_refused_with_the_reason(model: backpass.Model, file: Path) -> None:
    with pytest.raises(TypeError, match=r"^predict\(\) .* 'delimiter': only files are read with it$"):
        model.predict(COLUMNS, delimiter=";")
    with pytest.raises(TypeError, match=r"^evaluate\(\) .* 'missing': the Table has already been read$"):
        model.evaluate(table_from(COLUMNS), missing=["?"])
    with pytest.raises(TypeError, match=r"^predict\(\) .* 'kinds': the model determines the kinds of its columns$"):
        model.predict(file, kinds={"x": "numeric"})
    with pytest.raises(TypeError, match=r"^predict\(\) .* 'delimeter': did you mean 'delimiter'\?$"):
        model.predict(file, delimeter=";")
    assert len(model.predict(file, delimiter=",")) == 60
    assert len(model.predict(COLUMNS, missing=["?"], source="rows")) == 60


def test_reports_and_importances_name_themselves(model: backpass.Model) -> None:
    with pytest.raises(TypeError, match=r"^report\(\) got an unexpected keyword argument 'repeats'$"):
        backpass.report(model, COLUMNS, repeats=3)
    with pytest.raises(TypeError, match=r"^permutation_importance\(\) got an unexpected keyword argument 'reps'$"):
        backpass.permutation_importance(model, COLUMNS, reps=3)
