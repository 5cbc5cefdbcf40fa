"""The protocol of a model whose weights are read, which lets models offer these readings as methods.

``Model`` imports the modules of this folder, so they cannot import ``Model``. ``saving.Stored`` and
``onnx.exportable.Exportable`` are protocols for the same reason; each lists only what its readers read.
"""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

from backpass.model.head.head import Head
from backpass.model.prediction.group import Group
from backpass.network import FeatureMap, Network


class Inspectable(Protocol):
    """The read-only attributes of ``backpass.Model`` that neurons, equations and layer costs are made of."""

    @property
    def head(self) -> Head: ...

    @property
    def feature_map(self) -> FeatureMap: ...

    @property
    def network(self) -> Network: ...

    @property
    def theta(self) -> NDArray[Any]: ...

    @property
    def others(self) -> tuple[Group, ...]: ...

    @property
    def shares(self) -> tuple[float, ...]: ...

    @property
    def input_names(self) -> list[str]: ...
