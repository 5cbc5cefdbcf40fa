"""Training rows: the summary in a model file by which they are recognized, and other rows compared with them.

It takes encoded rows with their targets and keeps counts and at most ``MOST_DIGESTS`` truncated digests, a few
kilobytes for any number of rows. The quantiles and category counts that belong to the counts are in ``profile``;
``reporting.drift`` compares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.model.profile import SHARES, NumericProfile, Profile
from backpass.network.column_scales import Columns
from backpass.numerics.distinct import are_among
from backpass.table import Encoded, Schema
from backpass.table.content import bits_of_numbers, hashes_of

MOST_DIGESTS = 1_024
"""The maximum number of digests: the share of known rows among many is then estimated to about 2%."""

_LAST = (1 << 32) - 1
_FEWEST = 2  # known rows worth a warning, unless there is only one row
_CHANCE = 0.02  # share of known rows that may be accidental
_NEARLY_ALL = 0.98

Digests = NDArray[np.uint32]


@dataclass(frozen=True, slots=True, eq=False)
class TrainingRows:
    """A summary of the rows that trained a model or chose its epoch.

    Attributes:
        rows: The number of these rows.
        single: The number of those that no other row equals.
        profiled: The number of rows that the profiles of the record describe.
        below: uint32 (p, 9). For each number of the schema, how many profiled values are at most each quantile.
        digests: uint32 (k,). The smallest distinct digests of the rows, ascending.
    """

    rows: int
    single: int
    profiled: int
    below: NDArray[np.uint32]
    digests: Digests

    @staticmethod
    def of(
        schema: Schema,
        profiles: Mapping[str, Profile],
        numbers: Columns,
        digests: Sequence[Digests],
    ) -> TrainingRows:
        """The summary.

        Args:
            schema: The columns.
            profiles: The profiles of the columns.
            numbers: The numbers (n, p) of the rows that they describe.
            digests: The digests of all rows, for each split.
        """
        below = np.zeros((len(schema.numbers), len(SHARES)), dtype=np.uint32)
        for j, (number, values) in enumerate(zip(schema.numbers, numbers.T, strict=True)):
            profile = profiles[number.name]
            if isinstance(profile, NumericProfile) and profile.quantiles:
                below[j] = counts_below(values, profile.quantiles)
        distinct, counts = np.unique(np.concatenate(digests), return_counts=True)
        single = int(np.count_nonzero(counts == 1))
        return TrainingRows(
            int(np.add.reduce(counts)), single, len(numbers), below, distinct[:MOST_DIGESTS].astype(np.uint32)
        )

    def warnings_on_rows(self, encoded: Encoded, truth: NDArray[Any]) -> list[str]:
        """A warning if many other rows are training rows.

        Args:
            encoded: The other rows.
            truth: Their targets (n,) or (n, k).
        """
        return self.warnings_on(row_digests(encoded.numbers, encoded.codes, truth))

    def known_share(self, digests: Digests) -> float:
        """The share of other rows that are among these rows, beyond what chance explains; 0 if that is little.

        Args:
            digests: uint32 (n,). The digests of the other rows, see ``row_digests``.
        """
        return self.share_of(self.known(digests))

    def known(self, digests: Digests) -> NDArray[np.int64]:
        """The number of other rows, of those in the random sample, and of those in it that are among these rows: (3,)

        The numbers of several parts of the rows add up.

        Args:
            digests: uint32 (n,). The digests of the other rows, see ``row_digests``.
        """
        last = int(self.digests[-1]) if len(self.digests) == MOST_DIGESTS else _LAST
        sample = digests[digests <= last]
        return np.array([len(digests), len(sample), np.count_nonzero(are_among(sample, self.digests))])

    def share_of(self, counts: NDArray[np.int64]) -> float:
        """The share of other rows that are among these rows; 0 if it is little.

        Digests are uniform, so the rows whose digest is at most the largest kept one are a random sample of all rows
        (Beyer et al. 2007, "KMV"). A new row equals a training row with a probability of about 1 - single/rows
        (Good 1953); where columns take few values, that is common and says nothing.

        Args:
            counts: The numbers of rows, see ``known``.
        """
        rows, sampled, known = counts.tolist()
        if known < min(_FEWEST, rows) or not known:
            return 0.0
        share, usual = known / sampled, 1.0 - self.single / self.rows
        limit = usual + _CHANCE + 3.0 * float(np.sqrt(usual * (1.0 - usual) / sampled))
        return share if share > limit else 0.0

    def warnings_on(self, digests: Digests) -> list[str]:
        """A warning if many of the rows with these digests are training rows."""
        return self.warnings_of(self.known(digests))

    def warnings_of(self, counts: NDArray[np.int64]) -> list[str]:
        """A warning if many of other rows are training rows, from their numbers, see ``known``."""
        share = self.share_of(counts)
        if not share:
            return []
        if counts[0] == 1:
            return ["this row trained the model or selected its epoch: its score is optimistic for a new row"]
        which = "these rows" if share >= _NEARLY_ALL else f"about {100.0 * share:.0f}% of these rows"
        return [f"{which} trained the model or selected its epoch: scores on them are optimistic for new rows"]

    @property
    def error(self) -> str:
        """What contradicts itself; empty if nothing does."""
        below = self.below.astype(np.int64)
        if not 0 <= self.single <= self.rows or not 0 < len(self.digests) <= min(self.rows, MOST_DIGESTS):
            return "numbers of training rows"
        if (np.diff(below, axis=1) < 0).any() or (below > self.profiled).any():
            return "counts below the quantiles"
        return "order of the digests" if (np.diff(self.digests.astype(np.int64)) <= 0).any() else ""


def counts_below(values: NDArray[np.float64], quantiles: Sequence[float]) -> NDArray[np.int64]:
    """How many finite values are at most each quantile.

    >>> counts_below(np.array([1.0, 2.0, 2.0, np.nan]), (1.0, 2.0)).tolist()
    [1, 3]
    """
    finite = np.sort(values[np.isfinite(values)])
    return np.searchsorted(finite, np.asarray(quantiles), side="right")


def row_digests(numbers: Columns, codes: NDArray[np.int32], truth: NDArray[Any]) -> Digests:
    """A digest of each row with its target: equal rows have equal ones, uint32 (n,)

    Files hold digests, so equal rows have the same ones in every version.

    Args:
        numbers: The encoded numbers (n, p).
        codes: The codes (n, q).
        truth: The targets (n,) or (n, k).
    """
    rows = len(truth)
    targets = np.asarray(truth, dtype=np.float64).reshape(rows, -1)
    columns = (column for matrix in (numbers, targets) for column in matrix.T)
    contents = chain(
        (bits_of_numbers(np.ascontiguousarray(column)) for column in columns),
        (column.astype(np.uint64) for column in codes.T),
    )
    return (hashes_of(contents, rows) >> np.uint64(32)).astype(np.uint32)
