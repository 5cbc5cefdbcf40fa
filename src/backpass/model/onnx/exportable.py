"""The protocol of an exportable model, which lets models offer the export as a method.

It lists only what the export reads; ``anatomy.inspectable`` is its counterpart for the weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from backpass.model.head.head import Head
from backpass.network import FeatureMap, Network
from backpass.table import Schema


class Networks(Protocol):
    """Networks of the same layers: theta (networks, P)."""

    @property
    def network(self) -> Network: ...

    @property
    def theta(self) -> NDArray[Any]: ...


class Exportable(Protocol):
    """The read-only attributes of ``backpass.Model`` that the export reads."""

    @property
    def schema(self) -> Schema: ...

    @property
    def head(self) -> Head: ...

    @property
    def feature_map(self) -> FeatureMap: ...

    @property
    def theta(self) -> NDArray[Any]: ...

    @property
    def groups(self) -> Sequence[Networks]: ...

    @property
    def shares(self) -> tuple[float, ...]: ...

    @property
    def target(self) -> str: ...

    @property
    def labels(self) -> tuple[str, ...]: ...

    @property
    def classes(self) -> tuple[str, ...]: ...
