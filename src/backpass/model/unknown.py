"""Unknown categories of columns of many categories: the embedding of values that no training row has.

It takes a problem's parts and theta and returns theta. Row 0 of an embedding stands for missing and unknown categories.
With few such training rows it is hardly trained, and with none not at all: its initial zeros may be far from the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.model.profile import CategoricalProfile, Profile
from backpass.network import Embedding, FeatureMap, Network
from backpass.numerics.elementary import total, totals
from backpass.table.feature import MOST_LEVELS

PRIOR_ROWS = 32
"""The number of rows of an average category that count beside those that are missing or unknown."""


def with_shrunk_unknowns(
    network: Network, theta: NDArray[Any], feature_map: FeatureMap, profiles: Sequence[Profile]
) -> NDArray[Any]:
    """theta whose embeddings of unknown categories are shrunk toward the mean embedding of the training rows.

        E_0 = (n_0 E_0 + m sum over j of n_j E_j / sum over j of n_j) / (n_0 + m)    m = 32

    n_j is the number of training rows of category j, n_0 of missing and unknown ones. Columns of up to ``MOST_LEVELS``
    categories stay as they are.

    Args:
        network: The network.
        theta: Its parameters (P,).
        feature_map: The feature map.
        profiles: The profiles of the categorical columns.
    """
    embedded = [each for each, coding in zip(profiles, feature_map.coding, strict=True) if coding == "code"]
    large = {
        j: each
        for j, each in enumerate(embedded, start=1)
        if isinstance(each, CategoricalProfile) and len(each.counts) > MOST_LEVELS
    }
    if not large:
        return theta
    number = next((number for number, layer, _ in network.numbered() if isinstance(layer, Embedding)), None)
    if number is None:
        return theta
    changed = theta.copy()
    views = network.layout.views(changed)
    for j, profile in large.items():
        table, counts = views[f"E{number}.{j}"], np.array(profile.counts, dtype=np.float64)
        mean, rows = totals(counts[:, None] * table[1:]) / total(counts), profile.missing
        table[0] = (rows * table[0].astype(np.float64) + PRIOR_ROWS * mean) / (rows + PRIOR_ROWS)
    return changed
