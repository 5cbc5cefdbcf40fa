"""Message formatting: names, values and rows as they appear in messages, and a list that collects errors.

Takes names and row numbers from untrusted data; returns text that is safe to print on a terminal, and one ``DataError``
for all errors. The callers decide what is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import field

from backpass.dataclass import dataclass
from backpass.errors import DataError, did_you_mean
from backpass.table.notation.lazy_pattern import LazyPattern

LONGEST_NAME = 60  # maximum characters of a name or value in a message
MISFIT_CELLS = 3  # cells of a row that do not fit their columns, from which the row itself is a misfit
NO_ROW = "if such a row contains units or remarks, delete it; if its strings mean missing, declare each with --missing"
FIRST = 5  # rows, lines or names listed before "... and 12 more"


def shown(name: object) -> str:
    """Return a name in quotes, with control characters escaped; long names are truncated.

    >>> print(shown("price"), shown("a\\x1b[31m"))
    'price' 'a\\x1b[31m'
    """
    text = str(name)
    return repr(text if len(text) <= LONGEST_NAME else text[:LONGEST_NAME] + "...")


def plain(text: str) -> str:
    """Return the text as ``shown`` does, but without quotes and never truncated; for file names."""
    return repr(text)[1:-1]


def listed(items: Sequence[object], write: Callable[[object], str] = str) -> str:
    """Return the first five items, and the total number if there are more.

    >>> listed([3, 4, 5, 6, 7, 8, 9])
    '3, 4, 5, 6, 7, ... (7 in all)'
    """
    return excerpt(items, write) if len(items) <= FIRST else f"{excerpt(items, write)} ({len(items):,} in all)"


def excerpt(items: Sequence[object], write: Callable[[object], str] = str) -> str:
    """Return the first five items, without the total number; for sentences that have given it.

    >>> excerpt([3, 4, 5, 6, 7, 8, 9]), excerpt([3, 4])
    ('3, 4, 5, 6, 7, ...', '3, 4')
    """
    return ", ".join([*map(write, items[:FIRST]), *(["..."] if len(items) > FIRST else [])])


def rows_listed(rows: Iterable[int]) -> str:
    """Return ``row 4``, or ``rows 4, 9``; rows are counted from 1.

    >>> rows_listed([4]), rows_listed([4, 9])
    ('row 4', 'rows 4, 9')
    """
    numbers = [int(row) for row in rows]
    return f"{'row' if len(numbers) == 1 else 'rows'} {listed(numbers)}"


def rounded(value: float, digits: int = 4) -> str:
    """Return a number with at most so many significant digits; whole numbers up to ten million keep all of theirs.

    For sentences: zeros at the end are left out. In the tables of the command line, ``cli.text.figure`` keeps them, so
    that decimal points align.

    >>> rounded(0.512345), rounded(46980.4), rounded(12.0), rounded(2.5e9)
    ('0.5123', '46980', '12', '2.5e+09')
    """
    return f"{value:.0f}" if 10.0**digits <= abs(value) < 1e7 else f"{value:.{digits}g}"


def counted(count: int, noun: str) -> str:
    """Return a count with its noun.

    >>> counted(1, "value"), counted(12000, "row"), counted(2, "category"), counted(3, "class"), counted(2, "day")
    ('1 value', '12,000 rows', '2 categories', '3 classes', '2 days')
    >>> counted(2, "epoch"), counted(2, "batch")
    ('2 epochs', '2 batches')
    """
    if count == 1:
        return f"1 {noun}"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{count:,} {noun[:-1]}ies"
    hisses = noun.endswith(("s", "x", "ch", "sh")) and not noun.endswith("epoch")
    return f"{count:,} {noun}{'es' if hisses else 's'}"


_LEFT_OUT = LazyPattern(
    r"(?P<subject>.*): (?P<count>[0-9,]+)(?: of [0-9,]+)? rows? (?:has|have) (?P<reason>.*) and (?:is|are) left out"
    r"(?: \(rows? (?P<places>.*)\))?"
)


def left_out_note(subject: str, rows: Sequence[int], reason: str, of: int | None = None, count: int = 0) -> str:
    """Return the note on rows that are left out.

    Args:
        subject: Whose rows: ``target 'y'``.
        rows: Numbers of the rows, or of the first of them; empty if they are not named.
        reason: What they have.
        of: Number of all rows; None if unknown.
        count: Number of the rows if not all are given.

    >>> left_out_note("target 'y'", [2], "no value", of=3)
    "target 'y': 1 of 3 rows has no value and is left out (row 2)"
    """
    count = count or len(rows)
    verb, be = ("has", "is") if count == 1 else ("have", "are")
    where = f"{rows_listed(rows)}, ... ({count:,} in all)" if 0 < len(rows) < count else rows_listed(rows)
    number = counted(count, "row") if of is None else f"{count:,} of {counted(of, 'row')}"
    return f"{subject}: {number} {verb} {reason} and {be} left out{f' ({where})' if rows else ''}"


def left_out_together(first: str, second: str) -> str | None:
    """Return the note on the rows of two notes on rows that are left out for one reason; None for other notes.

    >>> notes = [left_out_note("target 'y'", rows, "no value", of=90) for rows in ([2, 7], [91])]
    >>> left_out_together(*notes)
    "target 'y': 3 rows have no value and are left out (rows 2, 7, 91)"
    """
    a, b = _LEFT_OUT.fullmatch(first), _LEFT_OUT.fullmatch(second)
    if a is None or b is None or (a["subject"], a["reason"]) != (b["subject"], b["reason"]):
        return None
    count = sum(int(each["count"].replace(",", "")) for each in (a, b))
    lists = [(each["places"] or "").partition(", ...")[0].split(", ") for each in (a, b)]
    rows = [int(row) for each in lists for row in each if row]
    return left_out_note(a["subject"], rows[:FIRST], a["reason"], count=count)


def plural(kind: str) -> str:
    """Return the noun for the values of columns of a kind, in the plural.

    >>> plural("numeric"), plural("categorical"), plural("date")
    ('numbers', 'categories', 'dates')
    """
    return {"numeric": "numbers", "categorical": "categories"}.get(kind, f"{kind}s")


def absent(names: Sequence[str], known: Sequence[str], what: str = "column") -> list[str]:
    """Return one error text per name that is not in ``known``, each with the nearest known name.

    Args:
        names: The names that are needed.
        known: The names of the columns.
        what: What the names stand for, such as ``weight column``.

    >>> absent(["x", "pirce"], ["x", "price"], "weight column")
    ["weight column 'pirce' not found (did you mean 'price'?)"]
    """
    errors = []
    for name in names:
        if name not in known:
            near = did_you_mean(name, known)
            errors.append(f"{what} {shown(name)} not found" + (f" ({near})" if near else ""))
    return errors


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell that does not fit its column: the row, the column, the value as shown, and what to do about it."""

    row: int
    column: str
    value: str
    hint: str


@dataclass(slots=True)
class ErrorList:
    """Errors of one table, collected while reading and raised together as one ``DataError``. Mutable.

    Attributes:
        source: Name of the table in messages.
        texts: The errors.
        hints: What to do about them, without duplicates.
        cells: The cells that an error is about, for those about cells in one row.
    """

    source: str
    texts: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    cells: dict[str, Cell] = field(default_factory=dict)

    def add(self, text: str, hint: str = "", cell: Cell | None = None) -> None:
        """Append an error, and its hint unless the hint is already listed."""
        self.texts.append(text)
        if cell is not None:
            self.cells[text] = cell
        if hint and hint not in self.hints:
            self.hints.append(hint)

    def extend(self, others: ErrorList) -> None:
        """Append the errors and hints of another list."""
        self.texts.extend(others.texts)
        self.cells |= others.cells
        self.hints.extend(hint for hint in others.hints if hint not in self.hints)

    def stop(self) -> None:
        """Raise the collected errors, if any.

        Raises:
            DataError: The list is not empty.
        """
        if self.texts:
            raise self.error()

    def error(self) -> DataError:
        """Return the ``DataError``: a single error becomes its message, several are listed below it."""
        texts, hints = self._by_row()
        where, hint = plain(self.source), "; ".join(hints)
        if len(texts) == 1:
            return DataError(f"{where}: {texts[0]}", hint=hint)
        return DataError(f"{where}: {len(texts)} errors", hint=hint, details=texts)

    def _by_row(self) -> tuple[list[str], list[str]]:
        """Return the errors and hints, with one for all cells of a row that misfits several columns."""
        by_row: dict[int, list[str]] = {}
        for text, cell in self.cells.items():
            by_row.setdefault(cell.row, []).append(text)
        by_row = {row: texts for row, texts in by_row.items() if len(texts) >= MISFIT_CELLS}
        if not by_row:
            return self.texts, self.hints
        grouped = {text: row for row, texts in by_row.items() for text in texts}
        texts = list[str]()
        for text in self.texts:
            texts.append(text if text not in grouped else _misfit_row([self.cells[t] for t in by_row[grouped[text]]]))
        others = {hint for text, cell in self.cells.items() if text not in grouped for hint in [cell.hint]}
        gone = {self.cells[text].hint for text in grouped} - others
        return list(dict.fromkeys(texts)), [*(hint for hint in self.hints if hint not in gone), NO_ROW]


def _misfit_row(cells: Sequence[Cell]) -> str:
    what = listed([f"{cell.value} (column {shown(cell.column)})" for cell in cells])
    return f"{rows_listed([cells[0].row])}: strings in {len(cells)} columns of numbers or dates: {what}"


def data_error(source: str, text: str, hint: str = "") -> DataError:
    """Return a ``DataError`` for a table with a single error."""
    return DataError(f"{plain(source)}: {text}", hint=hint)
