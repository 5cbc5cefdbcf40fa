"""The setting ``device``: it belongs to the engine jax, which is never selected by itself."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from backpass.engine import ENGINES, default_engine, engine_named, host_engine, why_no_bf16
from backpass.errors import UsageError
from backpass.model import fit
from backpass.model.settings.settings import Settings

TABLE = {"x": [1.0, 2.0, 3.0, 4.0] * 5, "y": [2.0, 4.0, 6.0, 8.0] * 5}
without_jax = pytest.mark.skipif(find_spec("jax") is not None, reason="jax is installed")


@pytest.mark.parametrize("engine", ["auto", *ENGINES])
def test_a_device_is_for_the_engine_jax(engine: str) -> None:
    with pytest.raises(UsageError, match=f"device 'cuda' requires engine 'jax'; got engine '{engine}'"):
        fit(TABLE, "y", engine=engine, device="cuda")


def test_the_engine_jax_needs_a_device() -> None:
    with pytest.raises(UsageError, match="engine 'jax' needs a device: set device to one of cpu, cuda, tpu"):
        fit(TABLE, "y", engine="jax")
    with pytest.raises(UsageError, match="engine 'jax' needs a device"):
        engine_named("jax")


def test_an_unknown_device_lists_those_that_are_known() -> None:
    with pytest.raises(UsageError, match="device must be one of cpu, cuda, tpu; got 'gpu'"):
        fit(TABLE, "y", engine="jax", device="gpu")


@without_jax
def test_the_engine_jax_needs_the_package() -> None:
    with pytest.raises(UsageError, match=r"engine 'jax' needs the package jax: pip install 'backpass\[jax\]'"):
        fit(TABLE, "y", engine="jax", device="cpu")
    with pytest.raises(UsageError, match="engine 'jax' needs the package jax") as caught:
        engine_named("jax", device="cuda")
    assert caught.value.hint == "pip install 'backpass[jax]'"


def test_settings_that_only_describe_a_model_need_no_device() -> None:
    assert Settings.of({"engine": "jax"}, trains=False).engine == "jax"
    assert "device" not in Settings.of({}).to_json()


def test_no_engine_is_guessed() -> None:
    assert default_engine().name in ENGINES
    assert "jax" not in ENGINES
    assert [host_engine(name) for name in ("auto", "numpy", "jax")] == ["auto", "numpy", "auto"]
    assert why_no_bf16("jax") == ""
