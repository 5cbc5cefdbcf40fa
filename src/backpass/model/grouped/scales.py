"""Scales of groups: each group's own centers and scales of numeric columns and of the target.

A number that is usual in one group may be extreme in another, so every group is standardized by its own training rows.
What the numbers mean (columns, categories, indicators of missing values) is the same in all groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.model.head.head import Head
from backpass.model.head.scaling import TargetScale
from backpass.model.settings.settings import Settings
from backpass.network import FeatureMap
from backpass.network.column_scales import scales_of
from backpass.network.feature_map import FAR

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class GroupScales:
    """The scales of every group.

    Attributes:
        center: Centers of the numeric columns (groups, p). Those of cyclic columns are the same in all groups.
        scale: The scales, like ``center``.
        target: Center and scale of the target, and its bounds if predictions are clipped: (groups, 2) or (groups, 4);
            (groups, 0) for classes.
    """

    center: Floats
    scale: Floats
    target: Floats

    @staticmethod
    def fit(
        numbers: Floats, truth: NDArray[Any], rows: Sequence[slice], shared: Shared, marks: Sequence[bool]
    ) -> GroupScales:
        """The scales of groups, fitted on their training rows.

        Args:
            numbers: The numeric columns (n, p) of all groups.
            truth: The targets (n,).
            rows: The training rows of each group.
            shared: What all groups have in common.
            marks: Which numeric columns mark bounds (p,).
        """
        cyclic = shared.cyclic
        pairs = [scales_of(numbers[each], shared.settings.numerical_scaling, marks) for each in rows]
        center = np.where(cyclic, shared.feature_map.center, np.array([pair[0] for pair in pairs]))
        scale = np.where(cyclic, shared.feature_map.scale, np.array([pair[1] for pair in pairs]))
        heads = [shared.head.refitted(truth[each], shared.settings) for each in rows]
        return GroupScales(center, scale, np.array([_target_row(each) for each in heads]).reshape(len(rows), -1))

    def take(self, index: NDArray[Any]) -> GroupScales:
        """The scales of these groups."""
        return GroupScales(self.center[index], self.scale[index], self.target[index])

    def head(self, shared: Shared, group: int) -> Head:
        """The head of a group."""
        return with_scale(shared.head, _scale_of(self.target[group])) if self.target.size else shared.head

    def feature_map(self, shared: Shared, group: int) -> FeatureMap:
        """The feature map of a group."""
        return replace(shared.feature_map, center=self.center[group], scale=self.scale[group])

    def standardized(self, numbers: Floats, groups: NDArray[np.intp], cyclic: NDArray[np.bool_]) -> Floats:
        """The numbers (n, p) of rows, each scaled by its group, for the feature map of ``Shared.standard``.

        Args:
            numbers: The numbers, NaN where missing.
            groups: The group of each row (n,).
            cyclic: The columns that stay as they are.
        """
        # As FeatureMap scales them, so that the inputs have the bits of the group's own map.
        z = (0.5 * numbers - 0.5 * self.center[groups]) * (2.0 * self.scale[groups])
        z = np.clip(np.where(np.isnan(z), 0.0, z), -FAR, FAR)
        return np.asarray(np.where(cyclic | np.isnan(numbers), numbers, z), dtype=np.float64)

    def decoded(self, p: Floats, groups: NDArray[np.intp]) -> Floats:
        """Predicted numbers on the scale of each row's group (n,) -> in the unit of the target (n,)"""
        center, scale = self.target[groups, 0], self.target[groups, 1]
        y: Floats = np.where(scale == 0.0, center, 2.0 * (0.5 * center + scale * (0.5 * p)))
        if self.target.shape[1] == 4:
            y = np.where(scale == 0.0, y, np.clip(y, self.target[groups, 2], self.target[groups, 3]))
        return y + 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """What all groups have in common.

    Attributes:
        feature_map: The feature map, fitted on the training rows of all groups.
        head: The head, fitted on them, too.
        settings: The settings of the networks of the groups.
    """

    feature_map: FeatureMap
    head: Head
    settings: Settings

    @property
    def cyclic(self) -> NDArray[np.bool_]:
        """The numeric columns with a period (p,): their scales are those of all rows."""
        count = len(self.feature_map.has_missing)
        return np.array(self.feature_map.periods or (0,) * count, dtype=np.int64).reshape(count) > 0

    @property
    def standard(self) -> FeatureMap:
        """The feature map of numbers that ``GroupScales.standardized`` has scaled."""
        cyclic, own = self.cyclic, self.feature_map
        return replace(own, center=np.where(cyclic, own.center, 0.0), scale=np.where(cyclic, own.scale, 1.0))

    @property
    def unscaled_head(self) -> Head:
        """The head whose predictions are those on the scale of a group."""
        return self.head if self.head.classes else with_scale(self.head, TargetScale())


def with_scale(head: Head, scale: TargetScale) -> Head:
    """The head with another scale of its target."""
    return replace(head, targets=(replace(head.targets[0], scale=scale),))


def _target_row(head: Head) -> list[float]:
    if head.classes:
        return []
    scale = head.scales[0]
    bounds = [] if scale.low is None or scale.high is None else [scale.low, scale.high]
    return [scale.center, scale.scale, *bounds]


def _scale_of(row: Floats) -> TargetScale:
    return TargetScale(*row.tolist())
