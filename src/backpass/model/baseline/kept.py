"""The baselines that a model keeps, run on new rows together with its networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.engine import Engine
from backpass.model.baseline.baseline import Baseline
from backpass.model.baseline.lookup import Lookup
from backpass.network import FeatureMap
from backpass.table import Table


@dataclass(frozen=True, slots=True, eq=False)
class KeptBaselines:
    """The baselines that a model keeps: rows -> outputs o (n, k) of each, by its name

    Attributes:
        linear: The constant baseline, then the linear one if it is small; empty if the model keeps none.
        lookups: The baselines that read the group or the time column.
        feature_map: Folds inputs of the network to those of the linear baseline.
        engine: The engine.
    """

    linear: Sequence[Baseline]
    lookups: Sequence[Lookup]
    feature_map: FeatureMap
    engine: Engine

    def outputs(self, x: NDArray[Any], table: Table) -> dict[str, NDArray[np.float64]]:
        """The outputs o (n, k) of each baseline whose column the table has, for inputs x (n, d) of the same rows."""
        return self.of_inputs(x) | self.of_table(table)

    def of_inputs(self, x: NDArray[Any]) -> dict[str, NDArray[np.float64]]:
        """The outputs of the linear baselines for network inputs x (n, d)."""
        return {each.name: each.outputs(x, self.engine, self.feature_map.folded) for each in self.linear}

    def of_table(self, table: Table) -> dict[str, NDArray[np.float64]]:
        """The outputs of the lookups whose column the table has."""
        if not self.linear:
            return {}
        return {each.name: o for each in self.lookups if (o := each.outputs(table)) is not None}
