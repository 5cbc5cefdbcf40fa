"""Cells of a table before its kinds are decided: which look like values, units or labels of totals, by themselves.

Takes the text of a cell or of a column's first cells; returns a verdict. It serves the detection of headers, units rows
and footers, where only a sample is known; ``text_classification`` decides what a whole column holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from backpass.table.notation.lazy_pattern import LazyPattern
from backpass.table.notation.missing import DEFAULT_MISSING

_SPACE = r"[^\S\n]?"
VALUE = re.compile(
    rf"-?[0-9]|[(~<>≤≥]?{_SPACE}[+\-−–]?{_SPACE}(?:[A-Z]{{3}}{_SPACE}|[$€£¥₹]{_SPACE})?[+\-−–]?[.,]?[0-9]"
)
"""The start of a number, an amount, a date or a time, in most notations; first as most cells have it."""
VALUES = re.compile(rf"(?:(?>{VALUE.pattern})[^\n]*+\n)++")
"""Lines that all start so. A line is tried in one way only: with two ways for a sign, n lines would take 2^n tries."""
GAPS = frozenset(
    {*DEFAULT_MISSING, "-", "--", "–", "—", ".", "..", "n/a", "#N/A", "none", "<NA>", "NaT"}
    | {"[c]", "[x]", "[z]", "[low]", "[u]", "[n/a]", "[na]", "(x)"}  # of statistical offices; no units in brackets
)
MOSTLY = 0.8  # share of values from which a column counts as one of values
RULER = LazyPattern(r"[-=_+:|* ]*[-=_]{2}[-=_+:|* ]*")
YEAR = LazyPattern(r"(?:1[89]|2[01])[0-9]{2}")

BRACKETED = LazyPattern(r"[\[(<{].*[\])>}]")
_PREFIX = "(?:[fpnuµμmcdhkMGT]|da)?"
_BASE = (
    "(?:m|g|s|A|K|mol|cd|Hz|N|Pa|J|W|C|V|F|Ω|ohms?|S|Wb|T|H|L|l|t|bar|eV|VA|Wh|Ah|cal|B|b|bit|byte|px|rad|sr|lm|lx|Bq|Gy|Sv"
    "|M|U|IU|atm|torr|ppm|ppb|ppt|psi|mph|kmh|kph|kts?|knots?|ft|feet|in|inch(?:es)?|mi|miles?|yd|lbs?|oz|gal|mmHg|psu|PSU"
    "|NTU|dB|pH|rpm|RPM|VW[CK]?|h|hrs?|hours?|min|mins|minutes?|sec|secs|seconds?|d|days?|weeks?|months?|yr|years?|a"
    "|[Dd]eg(?:rees?)?\\.? ?[CFK]?|°[CFK]?|º[CF]?|℃|℉|%|‰|USD|EUR|GBP|CHF|JPY|SEK|[$€£¥₹])"
)
# A factor is read in one way only ("cd" is a candela, no centiday), or n of them would take 2^n tries.
_FACTOR = rf"(?>{_PREFIX}{_BASE}(?:\^?[-−]?[0-9]|[²³⁻¹]+)?(?=[ ·*/.]|\Z))"
UNIT = LazyPattern(rf"(?:1|10\^?[0-9]+)?[ /]?{_FACTOR}(?:(?: ?[·*/.] ?| | per ){_FACTOR})*")
UNIT_WORDS = frozenset({
    "unitless", "dimensionless", "none", "count", "counts", "number", "units", "unit", "ts", "rn", "smp", "avg", "max",
    "min", "tot", "std", "sum", "date", "time", "datetime", "text", "string", "id", "yyyy-mm-dd", "dd/mm/yyyy",
    "mm/dd/yyyy", "dd.mm.yyyy", "hh:mm", "hh:mm:ss", "utc", "local", "celsius", "fahrenheit", "kelvin", "percent",
    "meters", "metres", "watts", "volts", "amps", "pascal", "liters", "litres", "grams", "kilograms", "euro", "euros",
    "dollars", "n/a", "-", "#", "n",
})  # fmt: skip
TOTALS = (
    "grand total", "grand totals", "subtotal", "subtotals", "sub-total", "sub total", "total", "totals", "overall",
    "sum", "zwischensumme", "gesamtsumme", "gesamt", "insgesamt", "summe", "sous-total", "total général", "somme",
    "totale", "subtotale", "suma", "subtotaal", "totaal", "totalt", "summa", "delsumma", "razem", "ogółem", "celkem",
    "összesen", "yhteensä", "итого", "всего", "合計", "小計", "总计", "總計", "합계", "소계", "총계", "合计",
    "小计", "gesamtergebnis", "genel toplam", "toplam", "ara toplam", "المجموع", "कुल", "average", "averages",
    "mean", "means", "durchschnitt", "mittelwert", "moyenne", "promedio", "media", "média", "avg", "平均",
    "carried forward", "brought forward", "balance forward", "übertrag", "à reporter",
    "grand-total", "totaux", "jumlah", "tổng cộng",
)  # fmt: skip
"""Labels of rows of sums and means, in lower case."""
_STATISTICS = {
    "minimum": "min minimum mínimo minimo minimal minst miinimum минимум мин 最小 最小值 最小値 최소",
    "maximum": "max maximum máximo maximo massimo maximal maks maksimum максимум макс 最大 最大值 最大値 최대",
    "mean": "mean avg average durchschnitt mittelwert moyenne promedio media média gemiddelde среднее 平均 평균",
    "median": "median mediana médiane mediaan mediaani медиана 中位数 中央値 50% q2 p50",
    "deviation": "std sd stdev stddev standardabweichung écart-type ecart-type desvio sigma 标准差 標準偏差 표준편차",
    "count": "count n anzahl nombre número numero aantal antal liczba количество 件数",
    "first quartile": "25% q1 p25",
    "third quartile": "75% q3 p75",
}
_PHRASES = {
    "std dev": "deviation", "std. dev": "deviation", "st. dev": "deviation", "s.d": "deviation",
    "standard deviation": "deviation", "desviación estándar": "deviation", "desvio padrão": "deviation",
    "deviazione standard": "deviation", "odchylenie standardowe": "deviation", "стандартное отклонение": "deviation",
    "1st quartile": "first quartile", "3rd quartile": "third quartile", "lower quartile": "first quartile",
    "upper quartile": "third quartile",
}  # fmt: skip
STATISTICS = _PHRASES | {word: statistic for statistic, words in _STATISTICS.items() for word in words.split()}
"""Labels of rows that summarize others, in lower case, and what they hold."""
TOTALS_BEHIND = tuple(f" {word}" for word in TOTALS)
TOTALS_WITHIN = tuple(word for word in TOTALS if not any(other in word for other in TOTALS if other != word))
"""Labels that hold no other: a text without them holds none."""
TOTALS_WITHIN_ASCII = tuple(filter(str.isascii, TOTALS_WITHIN))
TOTALS_START, TOTALS_END = frozenset(word[:2] for word in TOTALS), frozenset(word[-2:] for word in TOTALS)
FOOTNOTE = LazyPattern(
    r"(?:page|seite|página|pagina|strona)\s+-?[0-9]+.*|\(?[0-9]+ (?:rows?|records?)\b.*"
    r"|(?:rows?|records?|lines?|count|number of (?:rows|records))\b.*[0-9].*"
    r"|(?:sources?|notes?|footnotes?|quellen?|anmerkung(?:en)?|hinweis|bron|fuentes?|fonte|generated|created|exported"
    r"|printed|downloaded|report|last updated|updated|copyright|disclaimer|data as of|stand|end of)\b.*"
    r"|[©*†‡].*|[-=_*]{3,}.*|<?(?:eof|end)>?",
    re.IGNORECASE,
)


def is_value(cell: str) -> bool:
    """Whether a cell starts as a number, an amount, a date or a time does.

    >>> [is_value(cell) for cell in ("-3.5", "€ 12", "2024-01-31", "18.00.00", "W/m^2", "")]
    [True, True, True, True, False, False]
    """
    return VALUE.match(cell) is not None


def is_unit(cell: str) -> bool:
    """Whether a cell is a unit of measurement, or a word that stands in its place.

    >>> [is_unit(cell) for cell in ("W/m^2", "Deg C", "[kg]", "m s-1", "%", "north", "12.5")]
    [True, True, True, True, True, False, False]
    """
    if cell[:1] in "023456789":
        return False
    is_written = BRACKETED.fullmatch(cell) or UNIT.fullmatch(cell) or cell.lower() in UNIT_WORDS
    return bool(is_written) and not cell.isdigit()


def is_ruler(cells: Sequence[str]) -> bool:
    """Whether a row is a line of dashes, as it stands below the header of a printed table.

    >>> is_ruler(["---", "---"]), is_ruler(["---+---"]), is_ruler(["", "-"]), is_ruler(["--", "5"])
    (True, True, False, False)
    """
    return any(cells) and all(RULER.fullmatch(cell) for cell in cells if cell)


def is_total_label(cell: str) -> bool:
    """Whether a cell names a row of totals.

    >>> [is_total_label(cell) for cell in ("Total", "Grand Total: 300", "Summe Nord", "north total", "Totally", "west")]
    [True, True, True, True, False, False]
    """
    text = cell.strip(" .:").lower()
    if text[:2] in TOTALS_START and text.startswith(TOTALS):
        return any(text.startswith(word) and not text[len(word) : len(word) + 1].isalpha() for word in TOTALS)
    return text[-2:] in TOTALS_END and text.endswith(TOTALS_BEHIND)


def may_hold_total_labels(cells: Iterable[str]) -> bool:
    """Whether one of the cells may name a row of totals: all at once, for speed.

    >>> may_hold_total_labels(["north", "Grand Total"]), may_hold_total_labels(["north", "west"])
    (True, False)
    """
    joined = "\0".join(cells).lower()
    return any(word in joined for word in (TOTALS_WITHIN_ASCII if joined.isascii() else TOTALS_WITHIN))


def statistic_of(cell: str) -> str:
    """Return what a row with this label holds of other rows; empty if it is no such label.

    >>> [statistic_of(cell) for cell in ("Max.", "Std Dev:", "médiane", "Maxine")]
    ['maximum', 'deviation', 'median', '']
    """
    return STATISTICS.get(cell.strip(" .:").lower(), "")


def is_footnote(cell: str) -> bool:
    """Whether a cell is text of the kind found below tables: a page number, a source, a remark.

    >>> [is_footnote(cell) for cell in ("Page 1 of 3", "Source: survey 2020", "* provisional", "(300 rows)", "west")]
    [True, True, True, True, False]
    """
    return FOOTNOTE.fullmatch(cell) is not None


def holds_values(cells: Sequence[str]) -> bool:
    """Whether nearly all cells of a column that are not gaps are values.

    >>> holds_values(["1.5", "NA", "2"]), holds_values(["a", "2"]), holds_values(["", ""])
    (True, False, False)
    """
    if VALUES.fullmatch("\n".join([*cells, ""])):
        return True  # most columns of numbers, at once
    there = [cell for cell in cells if cell not in GAPS]
    if not there or (len(there) < len(cells) and VALUES.fullmatch("\n".join([*there, ""]))):
        return bool(there)
    half, least = len(there) // 2, MOSTLY * len(there)
    values = len([cell for cell in there[:half] if VALUE.match(cell)])  # enough for most columns of texts
    if values + len(there) - half < least:
        return False
    return values + len([cell for cell in there[half:] if VALUE.match(cell)]) >= least
