"""The parameter ``reading`` of the estimators, bounds that come late, and hints in their language."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from backpass.errors import BackpassWarning, DataError, UsageError

NUMBERS = [float(number) for number in range(30, 70)]
BOUNDED = [*(f"{number:g}" for number in NUMBERS[4:]), "<30", ">90", "<30", "<30"]
Y = np.arange(40.0)


def frame(values: list[Any]) -> pd.DataFrame:
    return pd.DataFrame({"x": values})


def test_categories_and_missing_values_hold_in_fit_and_predict(regressor: Any) -> None:
    X = pd.DataFrame(
        {"id": [10**17 + i % 4 for i in range(40)], "x": ["?" if i % 5 == 0 else str(i) for i in range(40)]}
    )
    made = regressor(reading={"categorical": ["id"], "missing": ["?"]})
    fitted = made.fit(X, Y)
    kinds = {feature.name: feature.kind for feature in fitted.model_.schema.features}
    assert kinds == {"id": "categorical", "x": "numeric"}
    assert fitted.model_.schema.features[0].levels == tuple(str(10**17 + i) for i in range(4))
    expected = fitted.predict(X)
    np.testing.assert_array_equal(fitted.predict(X.assign(x=X["x"].replace("?", None))), expected)
    np.testing.assert_array_equal(clone(made).fit(X, Y).predict(X), expected)


def test_the_names_of_columns_of_arrays(regressor: Any) -> None:
    X = np.column_stack([np.arange(40.0) % 3, np.arange(40.0)])
    schema = regressor(reading={"categorical": ["x0"]}).fit(X, Y).model_.schema
    assert [feature.kind for feature in schema.features] == ["categorical", "numeric"]


def test_the_order_of_dates_holds_in_every_call(regressor: Any) -> None:
    days = frame([f"{i % 12 + 1}/{(i * 5) % 12 + 1}/2021" for i in range(40)])
    fitted = regressor(reading={"date_order": "day_first"}).fit(days, Y)
    assert fitted.model_.schema.features[0].order == "day_first"
    np.testing.assert_array_equal(fitted.predict(frame(["1/12/2021"])), fitted.predict(frame(["2021-12-01"])))


def test_a_hint_can_be_followed(regressor: Any) -> None:
    iso = frame([f"2021-{i % 12 + 1:02}-{i % 28 + 1:02}" for i in range(40)])
    fitted = regressor().fit(iso, Y)
    with pytest.raises(DataError) as caught:
        fitted.predict(frame(["1/12/2021"]))
    assert "reading={'date_order': 'day_first'} (or month_first)" in str(caught.value)
    followed = fitted.set_params(reading={"date_order": "day_first"})
    np.testing.assert_array_equal(followed.predict(frame(["1/12/2021"])), followed.predict(frame(["2021-12-01"])))
    with pytest.raises(DataError, match=r"reading=\{'missing': \[...\]\}"):
        regressor().fit(frame([*map(str, range(39)), "oops"]).astype(object).map(_typed), Y)


def _typed(text: str) -> Any:
    return float(text) if text.isdigit() else text


@pytest.mark.parametrize(
    ("reading", "text"),
    [
        ({"categoricals": ["x"]}, "reading has no option 'categoricals'"),
        ({"drop": ["x"]}, "reading has no option 'drop'"),
        ({"categorical": "x"}, "categorical takes a list of names"),
        ({"categorical": [0]}, "categorical takes a list of strings; got 0"),
        ({"date_order": "backwards"}, r"'date_order': \.\.\.} must be one of"),
        ({"categorical": ["z"]}, "'z'"),
    ],
)
def test_options_that_cannot_be_used(regressor: Any, reading: dict[str, Any], text: str) -> None:
    with pytest.raises((UsageError, DataError), match=text):
        regressor(reading=reading).fit(frame(NUMBERS), Y)


@pytest.mark.parametrize("form", ["texts", "objects"])
@pytest.mark.parametrize("first", [1, 40, 400], ids=["provisional", "few", "settled"])
def test_bounds_of_later_calls_are_taken(regressor: Any, first: int, form: str) -> None:
    X = frame([30.0 + i % 40 for i in range(first)])
    later = frame(BOUNDED if form == "texts" else [_bound(text) for text in BOUNDED])
    made = regressor().partial_fit(X, np.arange(float(first)))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", BackpassWarning)
        made.partial_fit(later, Y)
        made.partial_fit(later, Y)
    (feature,) = made.model_.schema.features
    said = [str(each.message) for each in caught if "bounds such as <30 count as their numbers" in str(each.message)]
    assert len(said) == (0 if feature.marks_bounds else 1), "said once, and only where the network has no input"
    assert feature.reading is not None
    assert feature.reading.has_bounds
    low = made.predict(frame(["<30"]))
    if not feature.marks_bounds:
        np.testing.assert_array_equal(low, made.predict(frame([30.0])))


def _bound(text: str) -> Any:
    return text if text[0] in "<>" else float(text)


def test_streams_without_bounds_are_as_before(regressor: Any) -> None:
    made = regressor().partial_fit(frame(NUMBERS), Y).partial_fit(frame(NUMBERS), Y)
    assert made.model_.schema.features[0].reading is None


def test_a_bound_in_a_new_direction_is_a_warning(regressor: Any) -> None:
    upper = [text for text in BOUNDED if text[0] != ">"]
    fitted = regressor().fit(frame(upper), np.arange(float(len(upper))))
    with pytest.warns(
        BackpassWarning, match=r"bounds such as >30 in 1 row; no training row had a bound in that direction"
    ):
        fitted.predict(frame([">90", "40"]))
    with warnings.catch_warnings():
        warnings.simplefilter("error", BackpassWarning)
        fitted.predict(frame(["<20", "40"]))
