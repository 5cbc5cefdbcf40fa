"""Packed inputs: the columns of rows in as few bytes as hold them exactly, from which network inputs are made again.

It takes encoded numbers and codes, which the feature map phi turns into network inputs, and fills fields of records.
Scaled numbers, quantile features and one-hot inputs are computed where a record is read, with the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.network.column_scales import Columns

Floats = NDArray[np.float64]
Phi = Callable[[Floats, NDArray[np.int32], NDArray[Any]], object]
"""phi: numbers (n, p), codes (n, q), and the array (n, d) that it writes the network inputs to."""

_DECIMALS = 9
_FEW = 1_000


@dataclass(frozen=True, slots=True)
class Form:
    """The numbers of a column as floats, or as integers number * 10^decimals (ALP, Afroozeh and Boncz 2023).

    A float64 that was read from a decimal is the quotient of the integer and the power of 10, rounded once: division
    gives its bits again.

    Attributes:
        dtype: A float or a signed integer.
        decimals: The number of decimals of integers.
    """

    dtype: str
    decimals: int = 0

    def packed(self, values: Floats) -> NDArray[Any]:
        """The numbers in this form, the nearest ones where it does not hold them."""
        with np.errstate(over="ignore", invalid="ignore"):
            if self._missing is None:
                return values.astype(self.dtype)
            scaled = np.rint(values * 10.0**self.decimals)
            return np.where(np.abs(scaled) < -self._missing, scaled, self._missing).astype(self.dtype)

    def numbers(self, packed: NDArray[Any]) -> Floats:
        """The numbers, NaN where missing."""
        values = packed.astype(np.float64)
        if self._missing is not None:
            values[packed == self._missing] = np.nan
            if self.decimals:
                values /= 10.0**self.decimals
        return values

    @property
    def _missing(self) -> int | None:
        """The integer that stands for a missing number."""
        return int(np.iinfo(self.dtype).min) if np.dtype(self.dtype).kind == "i" else None

    @staticmethod
    def of(values: Floats) -> Form:
        """The form with the fewest bytes that holds all these numbers.

        >>> Form.of(np.array([0.5, -3.25, np.nan]))
        Form(dtype='int16', decimals=2)
        >>> Form.of(np.array([1 / 3]))
        Form(dtype='float64', decimals=0)
        """
        scaled = (Form("int32", decimals) for decimals in range(_DECIMALS + 1))
        whole = next((form for form in scaled if form._holds(values[:_FEW]) and form._holds(values)), None)
        decimals = 0 if whole is None else whole.decimals
        small = [] if whole is None else [Form("int8", decimals), Form("int16", decimals)]
        forms = [*small, Form("float32"), *([] if whole is None else [whole])]
        return next((form for form in forms if form._holds(values)), Form("float64"))

    def _holds(self, values: Floats) -> bool:
        return not differing(self.numbers(self.packed(values)), values).any()


def differing(found: Floats, values: Floats) -> NDArray[np.bool_]:
    """Where the bits of numbers differ; missing ones are equal."""
    differs: NDArray[np.bool_] = found.view(np.int64) != values.view(np.int64)
    return differs & ~(np.isnan(found) & np.isnan(values)) if differs.any() else differs


@dataclass(frozen=True, slots=True, eq=False)
class Exceptions:
    """Numbers that the forms, chosen by a sample, do not hold; rows of a sample are alike, so there are few.

    Attributes:
        rows: Their rows, ascending (e,).
        columns: Their columns (e,).
        values: The numbers (e,).
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    values: Floats

    @staticmethod
    def joined(several: Sequence[Exceptions]) -> Exceptions:
        """The exceptions of rows that follow one another; their rows are numbered through already."""
        if not several:
            return Exceptions(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
        rows, columns, values = zip(*((each.rows, each.columns, each.values) for each in several), strict=True)
        return Exceptions(np.concatenate(rows), np.concatenate(columns), np.concatenate(values))

    def moved(self, rows: int) -> Exceptions:
        """The exceptions, if so many rows come before theirs."""
        return Exceptions(self.rows + rows, self.columns, self.values)

    def between(self, first: int, last: int) -> Exceptions:
        """Those of the rows from ``first`` to before ``last``, which get the numbers from 0."""
        some = slice(*np.searchsorted(self.rows, [first, last]))
        return Exceptions(self.rows[some] - first, self.columns[some], self.values[some])


@dataclass(frozen=True, slots=True, eq=False)
class Packing:
    """How the inputs of rows are stored: as numbers and codes, or as network inputs where these are smaller.

    Attributes:
        phi: The feature map.
        fields: Name, dtype and shape of each field of a record.
        groups: The field and the form of the columns that share one, and their numbers.
        width: The number of columns of numbers, p.
    """

    phi: Phi
    fields: tuple[tuple[str, str, tuple[int, ...]], ...]
    groups: tuple[tuple[str, Form, NDArray[np.intp]], ...]
    width: int

    @staticmethod
    def of(phi: Phi, inputs: NDArray[Any], numbers: Columns, levels: Sequence[int]) -> Packing:
        """The packing with the fewest bytes per row.

        Args:
            phi: The feature map.
            inputs: Network inputs of some rows (n, d).
            numbers: Numbers of a sample of all rows (n, p).
            levels: The number of categories of each categorical column.
        """
        forms = [Form.of(np.ascontiguousarray(column)) for column in numbers.T]
        order = sorted(range(len(forms)), key=lambda j: (forms[j].dtype, forms[j].decimals))
        groups = tuple(
            (f"{form.dtype}_{form.decimals}", form, np.array([*columns], np.intp))
            for form, columns in groupby(order, key=lambda j: forms[j])
        )
        codes = np.min_scalar_type(max(levels, default=0)).name
        fields = (
            *((name, form.dtype, (len(columns),)) for name, form, columns in groups),
            ("codes", codes, (len(levels),)),
        )
        if np.dtype([*fields]).itemsize < inputs[:1].nbytes:
            return Packing(phi, fields, groups, len(forms))
        return Packing(phi, (("x", inputs.dtype.name, inputs.shape[1:]),), (), len(forms))

    @property
    def _is_encoded(self) -> bool:
        return self.fields[0][0] == "x"

    def fill(self, records: NDArray[Any], numbers: Floats, codes: NDArray[np.int32]) -> Exceptions:
        """Fill the fields of records (n,); return the numbers that these do not hold."""
        if self._is_encoded:
            self.phi(numbers, codes, records["x"])
            return Exceptions.joined([])
        records["codes"] = codes
        found = np.empty_like(numbers)
        for name, form, columns in self.groups:
            packed = form.packed(numbers[:, columns])
            records[name], found[:, columns] = packed, form.numbers(packed)
        rows, columns = np.nonzero(differing(found, numbers))
        return Exceptions(rows, columns, numbers[rows, columns])

    def read(self, records: NDArray[Any], exceptions: Exceptions, chosen: Any, out: NDArray[Any]) -> None:
        """Write the network inputs of some records.

        Args:
            records: The records (n,).
            exceptions: The numbers that they do not hold.
            chosen: The rows to write, a mask or a slice.
            out: The network inputs of these rows (m, d).
        """
        if self._is_encoded:
            out[...] = records["x"][chosen]
            return
        numbers = np.empty((len(records), self.width))
        for name, form, columns in self.groups:
            numbers[:, columns] = form.numbers(records[name])
        numbers[exceptions.rows, exceptions.columns] = exceptions.values
        self.phi(numbers[chosen], records["codes"][chosen].astype(np.int32), out)
