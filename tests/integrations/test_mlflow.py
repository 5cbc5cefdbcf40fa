"""MLflow logs and loads estimators and model files in each of its formats, as docs/how-to/scikit-learn.md shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

mlflow = pytest.importorskip("mlflow", reason="needs mlflow: make test-integrations")
skops_io = pytest.importorskip("skops.io", reason="needs skops: make test-integrations")

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own, and those of what it uses


def same(loaded: Any, estimator: Any, X: Any) -> None:
    np.testing.assert_array_equal(np.asarray(loaded.predict(X)), estimator.predict(X))


def test_saved_with_skops(fitted: Any, tmp_path: Path) -> None:
    estimator, X = fitted
    types = skops_io.get_untrusted_types(data=skops_io.dumps(estimator))
    mlflow.sklearn.save_model(estimator, str(tmp_path / "m"), skops_trusted_types=types, pip_requirements=[])
    same(mlflow.sklearn.load_model(str(tmp_path / "m")), estimator, X)
    if isinstance(X, pd.DataFrame | np.ndarray):
        same(mlflow.pyfunc.load_model(str(tmp_path / "m")), estimator, X)


def test_saved_with_cloudpickle(fitted: Any, tmp_path: Path) -> None:
    estimator, X = fitted
    path = str(tmp_path / "m")
    mlflow.sklearn.save_model(estimator, path, serialization_format="cloudpickle", pip_requirements=[])
    same(mlflow.sklearn.load_model(path), estimator, X)


def test_logged_in_a_run(fitted: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    estimator, X = fitted
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/runs.db")
    types = skops_io.get_untrusted_types(data=skops_io.dumps(estimator))
    with mlflow.start_run():
        info = mlflow.sklearn.log_model(estimator, name="m", skops_trusted_types=types, pip_requirements=[])
    same(mlflow.sklearn.load_model(info.model_uri), estimator, X)


def test_without_trusted_types_mlflow_names_them(fitted: Any, tmp_path: Path) -> None:
    estimator, _ = fitted
    with pytest.raises(mlflow.exceptions.MlflowException, match=r"skops_trusted_types.*backpass\.model\.model\.Model"):
        mlflow.sklearn.save_model(estimator, str(tmp_path / "m"), pip_requirements=[])
