"""Tables of few rows and many columns: what is trained, how large its file is, and what is refused beforehand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backpass
from backpass.errors import DataError, UsageError
from backpass.estimators import BackpassClassifier
from backpass.model import from_bytes
from backpass.model.file.container import unpack
from backpass.model.fitting.checks import storable
from backpass.model.fitting.problem.preparation import make_problem
from backpass.model.settings.settings import Settings
from backpass.network import Projection
from backpass.reporting.explanation.attribution import explain
from backpass.reporting.pictures.scene import scene_of
from backpass.table import table_from

QUICK: dict[str, Any] = {"epochs": 2, "preset": "fast"}


def wide(rows: int = 40, columns: int = 300, *, texts: int = 0, target: str = "class") -> dict[str, Any]:
    rng = np.random.default_rng(7)
    factor = rng.normal(size=rows)
    x = rng.normal(size=(rows, columns)) + factor[:, None] * rng.normal(size=columns)
    table: dict[str, Any] = {f"c{j}": x[:, j] for j in range(columns)}
    table |= {f"t{j}": [f"level {k}" for k in rng.integers(0, 12, rows)] for j in range(texts)}
    return {**table, "y": np.where(factor > 0, "high", "low") if target == "class" else factor}


def projection(model: backpass.Model) -> Projection | None:
    layer = model.network.layers[0]
    return layer if isinstance(layer, Projection) else None


@pytest.mark.parametrize("preset", ["plain", "fast", "default", "best", "realmlp"])
@pytest.mark.parametrize(
    ("rows", "columns", "is_wide"), [(40, 300, True), (299, 300, True), (300, 300, False), (60, 255, False)]
)
def test_presets_project_tables_of_more_columns_than_rows(preset: str, rows: int, columns: int, is_wide: bool) -> None:
    settings = Settings.of({"preset": preset}).suited("binary", rows, columns)
    is_projected = is_wide and preset in ("fast", "default", "best")
    assert settings.principal_components == (32 if is_projected else None)
    usual = Settings.of({"preset": preset}).suited("binary", rows)
    assert settings.quantile_features == (usual.quantile_features and not is_projected)
    assert (
        Settings.of({"preset": preset, "epochs": 2, "quantile_features": True})
        .suited("binary", rows, columns)
        .quantile_features
    )


@pytest.mark.parametrize(("rows", "components"), [(40, 24), (100, 32)], ids=["few rows", "capped"])
def test_a_network_reads_no_more_components_than_the_rows_have(rows: int, components: int) -> None:
    model = backpass.fit(wide(rows), "y", preset="fast", epochs=1)
    layer = projection(model)
    assert layer is not None
    assert (layer.columns, layer.size) == (300, components)
    assert not model.feature_map.knots


@pytest.mark.parametrize("target", ["class", "number"])
@pytest.mark.parametrize("texts", [0, 3])
def test_a_projected_model_is_saved_once_for_all_networks_and_predicts_the_same(target: str, texts: int) -> None:
    table = wide(texts=texts, target=target)
    model = backpass.fit(table, "y", **QUICK)
    data = model.to_bytes()
    again = from_bytes(data)
    np.testing.assert_array_equal(again.theta, model.theta)
    np.testing.assert_array_equal(again.predict(table), model.predict(table))
    assert again.to_bytes() == data
    fixed = model.network.fixed_count
    assert fixed > 300 * 20
    assert (model.theta[:, :fixed] == model.theta[0, :fixed]).all(), "a projection is not trained"
    assert not (model.theta[0, fixed:] == model.theta[1, fixed:]).all()
    arrays = unpack(data, "model", "file")[1]
    assert arrays["projection"].shape == (fixed,)
    assert arrays["theta"].shape == (2, model.network.parameter_count - fixed)


def test_the_projection_is_the_same_after_any_number_of_steps() -> None:
    short, long = (backpass.fit(wide(), "y", epochs=n, preset="fast") for n in (1, 6))
    fixed = short.network.fixed_count
    assert short.theta[0, :fixed].tobytes() == long.theta[0, :fixed].tobytes()


@pytest.mark.parametrize("option", [{"quantile_features": True}, {"numerical_embedding": "periodic"}])
def test_what_the_user_sets_is_kept(option: dict[str, Any]) -> None:
    model = backpass.fit(wide(texts=1), "y", **QUICK, **option)
    assert projection(model) is not None
    assert {**model.record.settings, **option} == dict(model.record.settings)
    assert np.isfinite(model.predict_proba(wide(texts=1))).all()


def test_any_table_can_be_projected() -> None:
    table = wide(200, 12, texts=2, target="number")
    model = backpass.fit(table, "y", principal_components=4, **QUICK)
    layer = projection(model)
    assert layer is not None
    assert layer.size == 4
    plain = backpass.fit(table, "y", preset="plain", principal_components=4, epochs=2)
    assert projection(plain) is not None
    explained = explain(model, {name: values[:5] for name, values in table.items()})
    np.testing.assert_allclose(
        explained.baseline + explained.contributions.sum(axis=1), explained.predicted, rtol=1e-3, atol=1e-3
    )
    assert scene_of(model).title.startswith("14 ")


def test_estimators_project_wide_tables() -> None:
    table = wide(60, 280)
    X = np.column_stack([table[f"c{j}"] for j in range(280)])
    fitted = BackpassClassifier(epochs=3).fit(X, table["y"])
    assert projection(fitted.model_) is not None
    assert BackpassClassifier(epochs=3, principal_components=5).fit(X, table["y"]).model_.network.layers[0].size == 5


def test_wires_name_columns_as_they_are() -> None:
    with pytest.raises(UsageError) as caught:
        Settings.of({"wire": (("a", ("x",)),), "principal_components": 3})
    assert "principal components" in caught.value.details[0]


def test_ten_thousand_columns_are_saved_loaded_and_predict(tmp_path: Path) -> None:
    table = wide(30, 10_000)
    model = backpass.fit(table, "y", preset="fast", epochs=1)
    model.save(tmp_path / "wide.backpass")
    assert (tmp_path / "wide.backpass").stat().st_size < 5_000_000
    again = backpass.load(tmp_path / "wide.backpass")
    np.testing.assert_array_equal(again.predict_proba(table), model.predict_proba(table))


def test_a_model_too_large_for_a_file_is_refused_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[int] = []

    class Watch(backpass.Callback):
        def on_step(self, step: int) -> None:
            steps.append(step)

    monkeypatch.setattr(storable, "LIMIT", 100_000)
    with pytest.raises(DataError, match=r"300 columns and 0 categories take about .* a model file holds 100,000"):
        backpass.fit(wide(), "y", callbacks=[Watch()], **QUICK)
    monkeypatch.setattr(storable, "LIMIT", 32 << 20)
    monkeypatch.setattr(storable, "SIZE_LIMIT", 200_000)
    with pytest.raises(DataError, match=r"2 networks of .* parameters take .* bytes; a model file holds 200,000"):
        backpass.fit(wide(), "y", callbacks=[Watch()], **QUICK)
    assert steps == []


@pytest.mark.parametrize("table", [wide(40, 300, texts=5), wide(200, 5, texts=40)], ids=["wide", "categories"])
def test_the_estimate_of_a_header_is_no_less_than_the_header(table: dict[str, Any]) -> None:
    problem = make_problem(table_from(table), "y", Settings.of(QUICK))
    header = int.from_bytes(backpass.fit(table, "y", **QUICK).to_bytes()[:8], "little")
    epochs = 256 * problem.settings.epochs
    assert header <= storable.fact_bytes(problem) + epochs < header + 200_000


def test_more_epochs_than_a_file_can_record_are_refused_unless_something_ends_them() -> None:
    many = {**QUICK, "epochs": 1_000_000}
    with pytest.raises(UsageError, match=r"the records of 1,000,000 epochs take about .* bytes; a model file holds"):
        backpass.fit(wide(40, 5), "y", **many)
    assert backpass.fit(wide(40, 5), "y", max_steps=3, **many).record.steps == 6  # two networks
