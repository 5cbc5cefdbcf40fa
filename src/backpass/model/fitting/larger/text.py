"""A source of a streamed fit: CSV and other text files that are read in windows.

It takes open files and returns a sample of their rows, and their rows in tables, in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from backpass.dataclass import dataclass
from backpass.model.fitting.larger import sample
from backpass.model.fitting.larger.sample import FirstRows, GrowingSample
from backpass.model.fitting.larger.source import SampledRows
from backpass.model.fitting.runs.processes import require_same
from backpass.table import Table
from backpass.table.files.opening import Opened
from backpass.table.reading import read_opened, source_of
from backpass.table.windows.read_settings import ReadSettings
from backpass.table.windows.sampling import sampled_text
from backpass.table.windows.windows import windows_of_opened
from backpass.training.processes.exchange import SOLO, Exchange

ROWS = 65_536
"""Approximate number of rows in a window."""


@dataclass(slots=True, eq=False)
class TextSource:
    """Text files with the same columns. Mutable: the sample shows the decimal sign.

    Attributes:
        files: The files, which are open.
        path: Their path, or the pattern that they match.
        options: Options of reading.
    """

    files: Sequence[Opened]
    path: str | Path
    options: Any

    @property
    def name(self) -> str:
        """Name of the table in messages."""
        return source_of(self.files, self.path)

    def sample(self, targets: Sequence[str], seed: int, exchange: Exchange = SOLO) -> SampledRows:
        """Draw rows, and the first rows with each value of a target that may be a class.

        Each process reads all rows, because only the text before a row shows where it begins.

        Raises:
            DataError: The rows are not a valid table, or the processes have different files.
        """
        settings = ReadSettings.of(**self.options)
        drawings = list[GrowingSample]()

        def drawing() -> GrowingSample:
            drawings.append(GrowingSample(seed, FirstRows.of(targets)))
            return drawings[-1]

        found = sampled_text(self.files, self.path, settings, drawing)
        require_same(exchange, {"files": (found.rows, found.table.rows)})
        if found.rows <= sample.SAMPLE:
            return SampledRows(read_opened(self.files, self.path, settings), found.rows, is_all=True)
        self.options = {**self.options, "decimal": found.rules.decimal}
        return SampledRows(replace(found.table, recurring=drawings[-1].first.recurring), found.rows)

    def tables(self, kinds: Mapping[str, str], rows: range) -> Iterator[Table]:
        """Yield all rows in tables, with these columns of these kinds.

        Raises:
            DataError: A column does not have the required kind.
        """
        kept: Any = {name: value for name, value in self.options.items() if name not in ("categorical", "text", "need")}
        settings = ReadSettings.of(**kept, kinds=kinds)
        yield from windows_of_opened(self.files, self.path, settings, ROWS, whole=0)
