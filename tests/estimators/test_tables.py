"""Tables: data frames of any kind with texts and gaps, object arrays and lists, matched by name or by place."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sklearn
from scipy import sparse
from sklearn.base import is_regressor
from sklearn.utils.fixes import parse_version

from backpass import BackpassRegressor
from backpass.errors import DataError, ResourceError
from backpass.estimators import columns


def frames(X: pd.DataFrame) -> dict[str, Any]:
    return {
        "pandas": X,
        "nullable": X.convert_dtypes(),
        "polars": pl.from_pandas(X),
        "pyarrow": pa.Table.from_pandas(X, preserve_index=False),
    }


@pytest.mark.parametrize("door", ["pandas", "nullable", "polars", "pyarrow"])
def test_every_door_gives_the_same_bits(case: Any, mixed: Any, door: str) -> None:
    make, _, y = case
    X = mixed()
    through = frames(X)
    expected = make().fit(X, y)
    fitted = make().fit(through[door], y)
    np.testing.assert_array_equal(fitted.model_.theta, expected.model_.theta)
    np.testing.assert_array_equal(fitted.predict(through[door]), expected.predict(X))
    if door != "polars" or parse_version(sklearn.__version__) >= parse_version("1.9"):
        # Older ones read names by the interchange protocol, which polars no longer has: there columns go by place.
        assert fitted.feature_names_in_.tolist() == list(X.columns)
    assert fitted.n_features_in_ == 5


def test_texts_and_gaps_carry_information(classifier: Any) -> None:
    rng = np.random.default_rng(0)
    town = rng.choice(["north", "south", "east"], 200)
    size = np.where(town == "east", np.nan, rng.normal(size=200))
    X, y = pd.DataFrame({"town": town, "size": size}), np.where(town == "north", "yes", "no")
    fitted = classifier(epochs=30).fit(X, y)
    assert fitted.score(X, y) == 1.0
    assert fitted.fit(X[["size"]], np.isnan(size)).score(X[["size"]], np.isnan(size)) == 1.0
    assert fitted.fit(X, y).predict(pd.DataFrame({"town": ["never seen", None], "size": [0.0, 0.0]})).shape == (2,)


def test_the_country_code_na_is_a_text(mixed: Any, regressor: Any) -> None:
    X = mixed()
    fitted = regressor().fit(X, np.arange(60.0))
    town = next(feature for feature in fitted.model_.schema.texts if feature.name == "town")
    assert town.levels == ("NA", "north", "south")


def test_reordered_missing_and_new_columns_raise(case: Any, mixed: Any) -> None:
    make, _, y = case
    X = mixed()
    fitted = make().fit(X, y)
    with pytest.raises(ValueError, match="Feature names must be in the same order"):
        fitted.predict(X[X.columns[::-1]])
    with pytest.raises(ValueError, match=r"Feature names seen at fit time, yet now missing:\n- town"):
        fitted.predict(X.drop(columns="town"))
    with pytest.raises(ValueError, match=r"Feature names unseen at fit time:\n- more"):
        fitted.predict(X.assign(more=1))


def test_another_kind_of_column_is_a_fault_that_names_it(regressor: Any, mixed: Any) -> None:
    X = mixed()
    fitted = regressor().fit(X, np.arange(60.0))
    with pytest.raises(DataError, match="column 'size'"):
        fitted.predict(X.assign(size="large"))


def test_a_column_may_have_the_name_of_the_target(case: Any, mixed: Any) -> None:
    make, _, y = case
    X = mixed().rename(columns={"size": "y", "rooms": "y_"})
    fitted = make().fit(X, pd.Series(y, name="y"))
    assert fitted.model_.target == "y__"
    assert make().fit(mixed(), pd.Series(y, name="price")).model_.target == "price"


def test_lists_of_rows_keep_texts_and_numbers_apart(classifier: Any) -> None:
    X = [["north", 1.0], ["south", 2.0], ["north", None], ["south", 4.0]]
    fitted = classifier(epochs=40).fit(X, ["a", "b", "a", "b"])
    assert [feature.kind for feature in fitted.model_.schema.features] == ["categorical", "numeric"]
    assert fitted.predict([["south", 3.0]]).tolist() == ["b"]
    np.testing.assert_array_equal(fitted.predict(np.array(X, dtype=object)), fitted.predict(X))


def test_arrays_of_any_kind_of_number_give_the_same_bits(case: Any) -> None:
    make, _, y = case
    X = np.random.default_rng(0).integers(0, 2, size=(60, 3))
    expected = make().fit(X, y).model_.theta
    for kind in (bool, np.int8, np.uint16, np.float16, np.float32, np.float64, object):
        np.testing.assert_array_equal(make().fit(X.astype(kind), y).model_.theta, expected)
    np.testing.assert_array_equal(make().fit(X.tolist(), y).model_.theta, expected)
    np.testing.assert_array_equal(make().fit(pd.DataFrame(X), y).model_.theta, expected)


def test_arrays_of_texts(classifier: Any) -> None:
    X = np.array([["a", "x"], ["b", "x"], ["a", "y"], ["b", "y"]])
    fitted = classifier(epochs=40).fit(X, X[:, 0])
    np.testing.assert_array_equal(fitted.predict(X), X[:, 0])


def test_numbers_among_texts_are_read_like_a_text_file(regressor: Any) -> None:
    X = np.array([[1, "a"], [2, 3.0], [3, "b"], [4, "a"]], dtype=object)
    assert regressor().fit(X, np.arange(4.0)).model_.schema.texts[0].levels == ("3", "a", "b")
    bounds = np.array([[float(i) if i % 9 else "<5"] for i in range(40)], dtype=object)
    (feature,) = regressor().fit(bounds, np.arange(40.0)).model_.schema.features
    assert (feature.kind, feature.marks_bounds) == ("numeric", True)


def test_a_column_of_several_sorts_is_told(regressor: Any) -> None:
    X = np.array([[1, True], [2, 3.0], [3, False], [4, True]], dtype=object)
    sorts = "column 1 of X holds values of type boolean and number: each is read as a string"
    with pytest.warns(UserWarning, match=sorts):
        fitted = regressor().fit(X, np.arange(4.0))
    assert fitted.model_.schema.texts[0].levels == ("3.0", "false", "true")


def test_infinity_is_refused(case: Any, mixed: Any) -> None:
    make, X, y = case
    X[3, 1] = np.inf
    with pytest.raises(ValueError, match="Input X contains infinity"):
        make().fit(X, y)
    with pytest.raises(ValueError, match="inf, or a number too large"):
        make().fit(mixed().assign(size=np.inf), y)


def test_a_frame_of_gaps_only(regressor: Any) -> None:
    X = pd.DataFrame({"a": [None] * 5, "b": [np.nan] * 5})
    assert np.isfinite(regressor().fit(X, np.arange(5.0)).predict(X)).all()


def test_validation_rows_are_frames_too(case: Any, mixed: Any) -> None:
    make, _, y = case
    X = mixed()
    fitted = make().fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
    assert fitted.model_.record.rows["validation"] == 20
    with pytest.raises(ValueError, match="Feature names must be in the same order"):
        make().fit(X[:40], y[:40], X_val=X[X.columns[::-1]][40:], y_val=y[40:])


def test_texts_that_only_rows_of_weight_0_hold_are_unknown(case: Any, mixed: Any) -> None:
    make, _, y = case
    X = mixed()
    X.loc[:4, "town"] = "nowhere"
    weights = np.r_[np.zeros(5), np.ones(55)]
    one, two = make().fit(X, y, weights), make().fit(X[5:], y[5:])
    np.testing.assert_array_equal(one.model_.theta, two.model_.theta)
    assert "nowhere" not in str(one.model_.schema)


def test_wired_units_name_columns(regressor: Any, mixed: Any) -> None:
    X = mixed()
    fitted = regressor(hidden_layer_sizes=None, wire=(("space", ("size", "rooms")),)).fit(X, np.arange(60.0))
    assert fitted.model_.network.widths == (1, 1)


def test_y_of_any_kind(case: Any) -> None:
    make, X, y = case
    expected = make().fit(X, y).model_.theta
    values = [pd.Series(y), pl.Series(y), y.tolist(), pa.array(y)]
    if is_regressor(make()):
        values.append(pd.DataFrame({"y": y}))
    for each in values:
        np.testing.assert_array_equal(make().fit(X, each).model_.theta, expected)


@pytest.mark.parametrize("gap", [False, True])
def test_numbers_too_close_to_scale_are_warned_of(gap: bool) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2)) * [1.0, 1e-310]
    if gap:
        X[0, 1] = np.nan
    estimator = BackpassRegressor(preset="plain", hidden_layer_sizes=(4,), epochs=1)
    with pytest.warns(UserWarning, match="column 'x1' of X counts as constant: its numbers differ by less than 1e-300"):
        estimator.fit(X, X[:, 0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        estimator.predict(X)


def sparse_rows() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(90, 7)) * (rng.random((90, 7)) < 0.3)
    return X, X[:, 0] + 2 * X[:, 3]


SPARSE = [
    sparse.csr_matrix,
    sparse.csc_matrix,
    sparse.coo_matrix,
    sparse.lil_matrix,
    sparse.csr_array,
    sparse.coo_array,
]


@pytest.mark.parametrize("make_sparse", SPARSE, ids=lambda make: make.__name__)
def test_sparse_matrices_give_the_bits_of_dense_ones(case: Any, make_sparse: Any) -> None:
    make, _, _ = case
    X, y = sparse_rows()
    y = y if is_regressor(make()) else np.where(y > 0, "high", "low")
    expected, fitted = make().fit(X, y), make().fit(make_sparse(X), y)
    np.testing.assert_array_equal(fitted.model_.theta, expected.model_.theta)
    np.testing.assert_array_equal(fitted.predict(make_sparse(X)), expected.predict(X))
    np.testing.assert_array_equal(fitted.features(make_sparse(X)), expected.features(X))


def test_entries_of_a_sparse_matrix_in_one_place_are_summed(regressor: Any) -> None:
    """scikit-learn and LightGBM take them for several columns (findings/sparse-repeated-entries.sh)."""
    indptr, indices = np.arange(0, 91, 3), np.tile([0, 0, 1, 1, 0, 1], 15)
    X = sparse.csr_array((np.arange(90.0), indices, indptr))
    assert not X.has_canonical_format
    fitted = regressor().fit(X.copy(), indptr[1:])
    np.testing.assert_array_equal(fitted.predict(X), regressor().fit(X.toarray(), indptr[1:]).predict(X.toarray()))


def test_sparse_rows_are_predicted_in_blocks(regressor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = sparse_rows()
    fitted = regressor().fit(sparse.csr_array(X), y, X_val=sparse.csr_array(X), y_val=y)
    whole = fitted.predict(X), fitted.predict_interval(X, 0.8)
    monkeypatch.setattr(columns, "BLOCK", 7 * 20)
    assert [block.shape[0] for block in columns.blocks_of(sparse.csr_array(X))] == [20, 20, 20, 20, 10]
    np.testing.assert_array_equal(fitted.predict(sparse.csc_array(X)), whole[0])
    np.testing.assert_array_equal(fitted.predict_interval(sparse.csc_array(X), 0.8), whole[1])


def test_a_sparse_matrix_that_cannot_be_dense_is_refused(regressor: Any) -> None:
    X = sparse.csr_array((60, 2_000_000_000))
    with pytest.raises(ResourceError, match=r"X \(60 x 2,000,000,000, dense\) needs about 960.0 GB of memory"):
        regressor().fit(X, np.arange(60.0))


def test_a_sparse_matrix_of_too_many_rows_is_refused_by_predict(regressor: Any) -> None:
    X, y = sparse_rows()
    fitted = regressor().fit(X, y)
    with pytest.raises(
        ResourceError, match=r"X \(1,000,000,000,000 x 20, one number for each row\) needs about 8,000.0 GB"
    ):
        fitted.predict(sparse.coo_array((10**12, 20)))


def test_a_sparse_array_without_columns_is_refused(regressor: Any) -> None:
    with pytest.raises(
        DataError, match=r"X must have two dimensions, rows and columns; got a sparse array of shape \(6,\)"
    ):
        regressor().fit(sparse.coo_array(np.arange(6.0)), np.arange(6.0))


@pytest.mark.parametrize("as_arrow", [lambda table: table.to_batches()[0], lambda table: table.to_reader()])
def test_arrow_batches_and_streams_give_the_same_bits(case: Any, mixed: Any, as_arrow: Any) -> None:
    make, _, y = case
    X = mixed()
    table = pa.Table.from_pandas(X, preserve_index=False)
    expected, fitted = make().fit(X, y), make().fit(as_arrow(table), y)
    np.testing.assert_array_equal(fitted.model_.theta, expected.model_.theta)
    np.testing.assert_array_equal(fitted.predict(as_arrow(table)), expected.predict(X))
    np.testing.assert_array_equal(fitted.model_.predict(as_arrow(table)), expected.model_.predict(X))
