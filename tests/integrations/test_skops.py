"""skops: an estimator is dumped without pickle and loaded again, whatever it was fitted on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

skops_io = pytest.importorskip("skops.io", reason="needs skops: make test-integrations")


def test_dumped_and_loaded(fitted: Any) -> None:
    estimator, X = fitted
    dump = skops_io.dumps(estimator)
    types = skops_io.get_untrusted_types(data=dump)
    assert types
    assert all(name.startswith("backpass.") for name in types)
    loaded = skops_io.loads(dump, trusted=types)
    np.testing.assert_array_equal(loaded.predict(X), estimator.predict(X))
    assert type(loaded.history_) is type(estimator.history_)
    assert len(loaded.history_) == len(estimator.history_) == estimator.n_iter_
    assert loaded.get_params() == estimator.get_params()


def test_a_loaded_stream_continues_with_the_same_bits() -> None:
    import pandas as pd

    from backpass import BackpassRegressor

    X = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 2)), columns=["a", "b"])
    for first in (3, 20):
        one = BackpassRegressor((6,), preset="plain").partial_fit(X[:first], X["a"][:first])
        dump = skops_io.dumps(one)
        two = skops_io.loads(dump, trusted=skops_io.get_untrusted_types(data=dump))
        for estimator in (one, two):
            estimator.partial_fit(X[first:], X["a"][first:])
        np.testing.assert_array_equal(one.predict(X), two.predict(X))
