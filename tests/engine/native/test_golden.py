"""Golden digests: small trained networks, byte for byte, as this version of the arithmetic makes them on any machine.

A digest that changes means that trained models change: then the arithmetic version has to change with it.
"""

from __future__ import annotations

from typing import Any

import pytest

from backpass.engine.native.native_engine import NativeEngine

GOLDEN: dict[str, tuple[dict[str, Any], str]] = {
    "relu, adam": ({}, "ffd624a0a39cf33b"),
    "mish, adamw, clipped": (
        {"activation": "mish", "optimizer": "adamw", "weight_decay": 0.1, "max_grad_norm": 1.0},
        "dd6631b7d811f6a2",
    ),
    "tanh, momentum, dropout": ({"activation": "tanh", "optimizer": "momentum", "dropout": 0.25}, "a81618d69a827184"),
    "selu, classes": ({"activation": "selu", "loss": "cross_entropy", "outputs": 3}, "bbbbf64cb337ad73"),
    "mish, dropout, adamw, in shards": (
        {"activation": "mish", "optimizer": "adamw", "dropout": 0.25, "batch_size": 130, "rows": 400},
        "bd196c9cda8af820",
    ),
    "gelu, quantile": ({"activation": "gelu", "loss": "quantile", "hidden": (40, 30)}, "2be0f6bf4fd5475f"),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_trained_networks_keep_their_bytes(name: str, dense: Any, digest: Any, isa: str) -> None:
    options, expected = GOLDEN[name]
    assert digest(dense(**options).on(NativeEngine(isa=isa))) == expected
