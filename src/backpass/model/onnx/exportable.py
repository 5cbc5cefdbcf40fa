"""The protocol of an exportable model, which lets models offer the export as a method."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

from backpass.model.head.head import Head
from backpass.network import FeatureMap, Network
from backpass.table import Schema


class Exportable(Protocol):
    """The read-only attributes of ``backpass.Model`` that the export reads."""

    @property
    def schema(self) -> Schema: ...

    @property
    def head(self) -> Head: ...

    @property
    def feature_map(self) -> FeatureMap: ...

    @property
    def network(self) -> Network: ...

    @property
    def theta(self) -> NDArray[Any]: ...

    @property
    def target(self) -> str: ...

    @property
    def labels(self) -> tuple[str, ...]: ...

    @property
    def classes(self) -> tuple[str, ...]: ...
