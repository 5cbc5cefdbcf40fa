"""Footer of a table: the lines below its last row, such as totals, sources and page numbers.

Takes the last lines of a file as lists of cells and what its columns hold; returns how many of them are not rows. Rows
called "Total" that have a value in every column may be rows all the same; ``totals`` compares them with the sums.
"""

from __future__ import annotations

from collections.abc import Sequence

from backpass.dataclass import dataclass
from backpass.table.delimited.cells import GAPS, holds_values, is_footnote, is_total_label, is_value, statistic_of
from backpass.table.notation.cell import cell_in
from backpass.table.notation.lazy_pattern import LazyPattern
from backpass.table.notation.words import means_missing

NUMBERED = LazyPattern(r"[(\[]?(?:[0-9]{1,2}|[a-z*†‡])[.)\]]?")
LONGEST = 500  # maximum number of lines of a footer
WORDS = 3  # words from which a lonely text is a sentence

Row = Sequence[str]


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns of a table hold, by some of its rows. It is found out when a line may belong to a footer.

    Attributes:
        width: Number of columns.
        rows: Rows of the table that have this width.
    """

    width: int
    rows: tuple[Row, ...]

    @classmethod
    def of(cls, rows: Sequence[Row], width: int) -> Columns:
        """Describe the columns by rows of the table."""
        return cls(width, tuple(row for row in rows if len(row) == width))

    def is_valued(self, j: int) -> bool:
        """Whether there is such a column, and it holds numbers or dates."""
        return j < self.width and holds_values([row[j] for row in self.rows])

    def most_words(self) -> int:
        """Return the most words of a cell."""
        return max((len(cell.split()) for row in self.rows for cell in row), default=0)


def footer_rows(rows: Sequence[Row], columns: Columns) -> int:
    """Return how many rows at the end are not data.

    Args:
        rows: The last rows of a table, their cells trimmed.
        columns: What the columns hold.

    >>> columns = Columns.of([["1", "a", "2.5"]] * 4, 3)
    >>> footer_rows([["1", "a", "2.5"], ["Total", "", "10"], ["Source: survey"]], columns)
    2
    """
    count = 0
    while count < min(len(rows), LONGEST) and _is_footer(rows[-1 - count], columns, follows=count > 0):
        count += 1
    # A row of the table's width that is only empty does not separate data from a footer.
    return count


def _is_numbered(filled: Sequence[tuple[int, str]], columns: Columns) -> bool:
    """Whether a line is a numbered note: a small number, and one text in a column of numbers or dates."""
    if len(filled) != 2 or columns.width < 3 or not NUMBERED.fullmatch(filled[0][1]):
        return False
    (label_at, label), (j, text) = filled
    is_code = sum(row[label_at] == label for row in columns.rows) > 1  # once, it is this line
    if is_code or text in GAPS or means_missing(text, len(columns.rows)):
        return False
    return not columns.is_valued(label_at) and columns.is_valued(j) and not is_value(text)


def _is_footer(row: Row, columns: Columns, *, follows: bool) -> bool:
    """Whether the last row of a table, or one above a footer, is not data.

    Args:
        row: The row.
        columns: What the columns hold.
        follows: Whether the rows below it are a footer.
    """
    filled = [(j, cell) for j, cell in enumerate(row) if cell]
    if not filled:
        return len(row) > 1
    j, first = filled[0]
    if follows and _is_numbered(filled, columns):
        return True
    is_label = first not in GAPS and (not is_value(first) or is_footnote(first))
    if not is_label or columns.width == 1:
        return False
    stands_out = columns.is_valued(j)
    if is_total_label(first) and (stands_out or len(filled) == 1 or len(row) != columns.width):
        return True
    statistic = statistic_of(first)
    is_word = first.replace(" ", "").isalpha()
    if stands_out and is_word and statistic not in ("", "count", "first quartile", "third quartile"):
        return True
    if len(filled) > 1:
        is_remark = stands_out and 2 * len(filled) <= columns.width and len(first.split()) > 1
        # A row whose number is missing or about 30 is a row.
        is_remark = is_remark and not means_missing(first, len(columns.rows)) and cell_in(first) is None
        return is_remark or (len(row) != columns.width and (stands_out or is_footnote(first)))
    is_sentence = is_footnote(first) or len(first.split()) >= max(WORDS, columns.most_words() + 1)
    return stands_out or is_sentence or (follows and len(row) != columns.width)
