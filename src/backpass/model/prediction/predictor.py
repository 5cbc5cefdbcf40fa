"""The predictor: what a model of all rows and a model per group have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backpass.errors import UsageError
from backpass.model.evaluation.diagnostics import warn_all
from backpass.model.file.storage import write_atomically
from backpass.model.prediction.options import check_reading
from backpass.model.prediction.predictions import Predictions
from backpass.model.prediction.reader import Reader
from backpass.table import Table

if TYPE_CHECKING:
    import pyarrow


class Predictor(ABC):
    """A fitted model, which predicts the rows of tables and is saved to a file."""

    __slots__ = ()

    def predict(self, data: Any, **reading: Any) -> NDArray[Any]:
        """The prediction for each row.

        Args:
            data: A path, a data frame, a dict of columns or a Table, with columns matched by name. A model of all rows
                also takes an array (n, d) with the model's columns in their order.
            **reading: Options of ``read_table`` or ``table_from``.

        Returns:
            A number or a class, (n,): the most probable one, unless the model has a threshold; for several outputs
            (n, k), numbers or the probabilities of labels.

        Raises:
            DataError: Lists every column that is missing or of another kind.

        Warns:
            BackpassWarning: A categorical column holds almost no value that the model knows; percentages seem to be
                fractions; or a column has no values, and had no missing ones at the fit.
        """
        check_reading("predict", self, data, reading)
        found = self.predictions(self.table(data, **reading))
        warn_all(found.warnings)
        return found.values

    def predict_proba(self, data: Any, **reading: Any) -> NDArray[np.float64]:
        """The probability of each class, (n, classes) in the order of ``classes``.

        Args:
            data: As for ``predict``.
            **reading: As for ``predict``.

        Raises:
            DataError: As ``predict``.
            UsageError: The target is a number.

        Warns:
            BackpassWarning: As ``predict``.
        """
        check_reading("predict_proba", self, data, reading)
        found = self.predictions(self.table(data, **reading))
        if found.probabilities is None:
            raise UsageError(self.why_no_probabilities)
        warn_all(found.warnings)
        return found.probabilities

    def predict_batches(
        self, source: Any, rows: int = 65_536, *, proba: bool = False, keep: Sequence[str] = (), **reading: Any
    ) -> Iterator[pyarrow.RecordBatch]:
        """The predictions for a table of any length, as Arrow record batches, in constant memory.

        Predictions are those of ``predict``. CSV, TSV and Parquet files are read a window of rows at a time. What
        ``predict`` decides from all rows, such as the decimal sign, is decided by the first rows that show it; later
        rows that contradict it are an error.

        Args:
            source: What ``predict`` takes, an Arrow reader, or an iterable of tables with the same columns. Tables
                without rows are skipped.
            rows: The number of rows of a batch, at most.
            proba: Whether to add the probability of each class, as columns p(CLASS).
            keep: Columns of the table to put first in each batch.
            **reading: Options of ``read_table`` or ``table_from``.

        Returns:
            Batches with a column for each prediction, of the target's name.

        Raises:
            DataError: As ``predict``, when the batch with the error is requested.
            UsageError: pyarrow is not installed, ``proba`` for a number, or ``rows`` is not a positive integer.

        Warns:
            BackpassWarning: As ``predict``, once, after the last batch.

        >>> from backpass import fit
        >>> model = fit({"x": range(100), "y": [3.0 * x for x in range(100)]}, "y", epochs=1)
        >>> [batch.num_rows for batch in model.predict_batches({"x": range(100)}, rows=40)]
        [40, 40, 20]
        """
        from backpass.model.batches.batches import batches_of

        check_reading("predict_batches", self, source, reading)
        return batches_of(self, source, rows, proba=proba, keep=keep, **reading)

    def table(self, data: Any, *, with_target: bool = False, strict: bool = False, **reading: Any) -> Table:
        """A table with the column kinds that the model was fitted on, from data in any supported form.

        With the target, rows that have none are left out, with a note; ``strict`` makes them an error.

        Args:
            data: As for ``predict``.
            with_target: Whether the rows have known targets, which are then read. Default False.
            strict: Whether a row without a target raises an error. Default False.
            **reading: As for ``predict``.

        Raises:
            DataError: The data cannot be read as such a table.
        """
        check_reading("table", self, data, reading)
        return self.reader(with_target=with_target).table(data, strict=strict, **reading)

    def kinds(self, *, with_target: bool = False) -> dict[str, str]:
        """The required kind of each column; ``with_target``: also of the target, the group and the time.

        Args:
            with_target: Whether the rows have known targets. Default False.
        """
        return dict(self.reader(with_target=with_target).kinds)

    def headerless(self) -> tuple[tuple[str, ...], ...]:
        """Column names by position in a file without a header: one tuple with the targets and one without them.

        Empty if the model was not fitted on such a file.
        """
        return self.reader().headerless

    def save(self, path: str | Path) -> None:
        """Write the model file, atomically.

        Args:
            path: Where to; an existing file is replaced.

        Raises:
            ResourceError: The file cannot be written.
        """
        write_atomically(path, self.to_bytes())

    @abstractmethod
    def to_bytes(self) -> bytes:
        """The bytes of the model file: the same for the same data, settings and seed."""

    @abstractmethod
    def reader(self, *, with_target: bool = False) -> Reader:
        """How tables are read for the model; ``with_target``: rows with known targets."""

    @abstractmethod
    def predictions(self, table: Table) -> Predictions:
        """Predictions with probabilities and notes."""

    @property
    @abstractmethod
    def labels(self) -> tuple[str, ...]:
        """The titles of the predictions."""

    @property
    @abstractmethod
    def classes(self) -> tuple[str, ...]:
        """The classes in the order of their probabilities; empty for numbers."""

    @property
    @abstractmethod
    def why_no_probabilities(self) -> str:
        """The reason why the model has no probabilities in addition to its predictions."""
