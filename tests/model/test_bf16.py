"""Training with products of bfloat16: what is learned, what the file says, who can use it, and who is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backpass.engine
from backpass.datasets import sample_bytes
from backpass.engine import ENGINES, engine_named, why_no_bf16
from backpass.errors import ModelFileError, UsageError
from backpass.model import Model, fit, load
from backpass.model.settings.settings import Settings
from backpass.training import Callback

needs_bf16 = pytest.mark.skipif(bool(why_no_bf16()), reason=why_no_bf16())

WIDE: dict[str, Any] = {"hidden": (96, 64), "epochs": 3, "batch_size": 128, "engine": "auto"}


def columns(rows: int = 500) -> dict[str, list[float]]:
    random = np.random.default_rng(0)
    x = random.normal(size=(rows, 40))
    price = x[:, 0] * x[:, 1] + np.sin(x[:, 2]) + x[:, 3:].sum(axis=1) / 6 + random.normal(0, 0.1, rows)
    return {**{f"x{i}": x[:, i].tolist() for i in range(40)}, "price": price.tolist()}


def fitted(**settings: Any) -> Model:
    return fit(columns(), "price", **{**WIDE, "precision": "bf16", **settings})


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor that lacks the instructions."""
    monkeypatch.setattr(backpass.engine, "_has_bf16", lambda: False)


@needs_bf16
def test_the_sample_is_learned_as_well(tmp_path: Path) -> None:
    (tmp_path / "housing.csv").write_bytes(sample_bytes("housing"))
    single, paired = (
        fit(
            tmp_path / "housing.csv",
            "median_house_value",
            hidden=(128, 128),
            epochs=4,
            batch_size=256,
            numerical_scaling="robust",  # the tails of the sample make the first epochs uneven otherwise
            precision=precision,
        )
        for precision in ("float32", "bf16")
    )
    losses = [record.train_loss for record in paired.history]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] == pytest.approx(single.history[-1].train_loss, rel=0.02)
    scores = [model.record.scores["test"]["rmse"] for model in (single, paired)]
    assert scores[0] != scores[1]
    assert scores[1] == pytest.approx(scores[0], rel=0.03)


@needs_bf16
def test_threads_change_no_byte() -> None:
    assert len({fitted(threads=threads).to_bytes() for threads in (1, 2, 3, 8)}) == 1


@needs_bf16
def test_an_ensemble_has_the_same_bytes_side_by_side() -> None:
    assert fitted(ensemble_size=2, threads=1).to_bytes() == fitted(ensemble_size=2, threads=2).to_bytes()


class Finger(Callback):
    """Stops the run after an epoch."""

    def on_epoch(self, record: Any, progress: Any) -> bool:
        return True


@needs_bf16
def test_a_run_goes_on_from_a_checkpoint_to_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "run.backpass"
    half = fit(columns(), "price", checkpoint=path, callbacks=[Finger()], **WIDE, precision="bf16")
    assert (half.record.reason, len(half.history)) == ("stopped", 1)
    assert fitted(resume_from=path).to_bytes() == fitted().to_bytes()
    with pytest.raises(ModelFileError) as refused:
        fitted(resume_from=path, precision="float32")
    assert refused.value.details == ("precision differs: was 'bf16', is 'float32'",)


@needs_bf16
def test_the_file_says_so_and_predicts_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = fitted()
    model.save(tmp_path / "model.backpass")
    assert model.record.settings["precision"] == "bf16"
    assert model.theta.dtype == np.float32
    expected = model.predict(columns())
    monkeypatch.setattr(backpass.engine, "_has_bf16", lambda: False)
    loaded = load(tmp_path / "model.backpass")
    assert loaded.to_bytes() == model.to_bytes()
    assert loaded.predict(columns()).tobytes() == expected.tobytes()
    monkeypatch.delitem(ENGINES, "native")
    np.testing.assert_allclose(load(tmp_path / "model.backpass").predict(columns()), expected, rtol=1e-4, atol=1e-4)


NEEDS = "precision 'bf16' needs the native engine on a processor with AVX512_BF16 instructions; "


def refusal(**settings: Any) -> str:
    with pytest.raises(UsageError) as refused:
        Settings.of({"precision": "bf16", **settings})
    assert refused.value.exit_code == 2
    (fault,) = refused.value.details
    with pytest.raises(UsageError) as late:
        engine_named(settings.get("engine", "auto"), bf16=True)
    assert late.value.message == fault
    return fault


@pytest.mark.usefixtures("without")
@pytest.mark.skipif("native" not in ENGINES, reason="the native engine was not built")
@pytest.mark.parametrize("engine", ["auto", "native"])
def test_a_processor_without_is_named(engine: str) -> None:
    assert refusal(engine=engine) == f"{NEEDS}this processor lacks them: use float32"


def test_the_numpy_engine_has_none() -> None:
    assert refusal(engine="numpy") == f"{NEEDS}engine is 'numpy': use float32"


def test_an_installation_without_a_core_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(ENGINES, "native", raising=False)
    fault = refusal()
    assert fault.startswith(f"{NEEDS}the compiled core was not built")
    assert fault.endswith(": use float32")
