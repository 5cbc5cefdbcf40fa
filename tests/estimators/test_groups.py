"""Groups and times of rows, given to ``fit``: they rule the validation rows, and scikit-learn routes them there."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.model_selection import GroupKFold, cross_validate

from backpass.errors import BackpassWarning, UsageError
from backpass.estimators.split_columns import split_columns, with_columns
from backpass.estimators.splits import splits_of
from backpass.model import Rows, Settings
from backpass.table import table_from

from .conftest import make_classifier, make_numbers, make_regressor

IDS = np.repeat(np.arange(12), 5)


def test_no_group_trains_and_validates() -> None:
    X, y, _ = make_numbers(60)
    table = table_from({"a": X[:, 0], "b": X[:, 1], "id": IDS})
    rows = Rows(with_columns(table, split_columns(IDS, None, False)), y).distinct()
    parts, notes = splits_of(rows, None, Settings.of({}), "regression")
    assert [*parts["train"].table.columns] == ["a", "b", "id"]
    train, validation = ({*part.table.column("id").values} for part in (parts["train"], parts["validation"]))
    assert not train & validation
    assert train | validation == {*range(12)}
    assert notes[0].startswith("12 groups")


def test_the_latest_rows_validate() -> None:
    X, y, _ = make_numbers(60)
    days = np.random.default_rng(0).permutation(60)
    rows = Rows(with_columns(table_from({"a": X[:, 0], "d": days}), split_columns(None, days, False)), y).distinct()
    parts, _ = splits_of(rows, None, Settings.of({}), "regression")
    assert parts["train"].table.column("d").values.max() < parts["validation"].table.column("d").values.min()


@pytest.mark.parametrize("make", [make_regressor, make_classifier])
@pytest.mark.parametrize("ruler", ["groups", "time"])
def test_order_copies_weights_and_forms_change_nothing(make: Any, ruler: str) -> None:
    """A set of rows: groups and times follow their rows (decision 0007)."""
    X, number, label = make_numbers(60)
    y = number if make is make_regressor else label
    given = IDS if ruler == "groups" else np.arange(60)
    plain = make().fit(X, y).predict(X)
    expected = make().fit(X, y, **{ruler: given}).predict(X)
    assert (plain != expected).any()
    order = np.random.default_rng(1).permutation(60)
    forms = [given.tolist(), pd.Series(given, index=range(100, 160)), given[:, None], given * 7.0]
    forms += [[f"g{i:03}" for i in given]] if ruler == "groups" else [np.array("2024-01-01", "M8[D]") + given]
    for form in forms:
        np.testing.assert_array_equal(make().fit(X, y, **{ruler: form}).predict(X), expected)
    np.testing.assert_array_equal(make().fit(X[order], y[order], **{ruler: given[order]}).predict(X), expected)
    heavy = make().fit(X, y, np.full(60, 2.0), **{ruler: given})
    np.testing.assert_array_equal(heavy.predict(X), expected)
    more = [np.concatenate([each, each[:3]]) for each in (X, y, given)]
    weights = np.ones(63)
    weights[60:] = 0.0
    np.testing.assert_array_equal(make().fit(more[0], more[1], weights, **{ruler: more[2]}).predict(X), expected)


def test_scikit_learn_routes_groups() -> None:
    X, y, _ = make_numbers(60)
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = make_regressor().set_fit_request(groups=True)
        found = cross_validate(estimator, X, y, cv=GroupKFold(3), params={"groups": IDS}, return_estimator=True)
    for (train, _), fitted in zip(GroupKFold(3).split(X, y, IDS), found["estimator"], strict=True):
        expected = make_regressor().fit(X[train], y[train], groups=IDS[train])
        np.testing.assert_array_equal(fitted.predict(X), expected.predict(X))


def test_rows_with_equal_inputs_do_not_train_and_validate() -> None:
    """Two targets of the same inputs are two rows of the set, on one side of the split."""
    rng = np.random.default_rng(0)
    table = table_from({"a": np.tile(rng.normal(size=50), 2)})
    parts, notes = splits_of(Rows(table, rng.normal(size=100)).distinct(), None, Settings.of({}), "regression")
    train, validation = ({*part.table.column("a").values} for part in (parts["train"], parts["validation"]))
    assert not train & validation
    assert len(validation) == 8
    assert notes == ()


def test_bad_groups_and_times_are_refused() -> None:
    X, y, _ = make_numbers(60)
    with pytest.raises(ValueError, match=r"groups must have shape \(60,\)"):
        make_regressor().fit(X, y, groups=IDS[:50])
    with pytest.raises(ValueError, match=r"time must have shape \(n,\)"):
        make_regressor().fit(X, y, time=X)
    with pytest.raises(UsageError, match="X_val and y_val already set them"):
        make_regressor().fit(X, y, groups=IDS, X_val=X, y_val=y)
    with pytest.raises(ValueError, match="the time column 'time' holds strings"):
        make_regressor().fit(X, y, time=["a", "b"] * 30)
    with pytest.raises(ValueError, match="need at least 2 groups; there is 1"):
        make_regressor().fit(X, y, groups=np.zeros(60))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BackpassWarning)
        notes = make_regressor().fit(X, y, groups=[None, *IDS[1:].tolist()]).model_.record.notes
    assert any("1 row without a value of 'groups'" in note for note in notes)
