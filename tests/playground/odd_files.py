"""Odd files: CSV files that a page may read in another way than Python, each as bytes under a name."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Sequence


def table(head: str, line: Callable[[int], str], n: int = 30, end: str = "\n") -> str:
    """A header and n - 1 lines."""
    return end.join([head, *(line(i) for i in range(1, n)), ""])


def usual(i: int) -> str:
    """The i-th line of a table of three numbers."""
    return f"{i},{i * i % 7},{2 * i + 1}"


def with_line(place: int, line: str) -> str:
    """A table with a line of its own."""
    return table("a,b,y", lambda i: line if i == place else usual(i))


USUAL = table("a,b,y", usual)
FILES: dict[str, str | bytes] = {
    "usual": USUAL,
    "nameless column": table("a,,y", usual),
    "nameless columns": table(",,y", usual),
    "row names": table(",b,y", usual),
    "quoted nameless row names": table('"",b,y', usual),
    "spaces in the header": table(" a , b,y ", usual),
    "delimiters at the ends": table("a,b,y,", lambda i: f"{usual(i)},"),
    "delimiters at the ends of rows": table("a,b,y", lambda i: f"{usual(i)},"),
    "row names of R": table("b,y", lambda i: f"r{i},{i % 5},{i}"),
    "row names of R that repeat": table("b,y", lambda i: f"r{i % 3},{i % 5},{i}"),
    "more numbers than names": table("b,y", usual),
    "NUL in a cell": with_line(5, "5,\0,11"),
    "NUL in the header": table("a\0,b,y", usual),
    "short row": with_line(7, "7,4"),
    "short rows": table("a,b,y", lambda i: f"{i},{i % 5}"),
    "long row": with_line(7, "7,4,5,6"),
    "long row that ends in a delimiter": with_line(7, "7,4,5,"),
    "one name twice": table("a,a,y", usual),
    "one name twice with spaces": table("a, a,y", usual),
    "names that differ in case": table("a,A,y", usual),
    "open quote": with_line(7, '7,"4,15'),
    "text after a quote": with_line(7, '7,"4"z,15'),
    "escaped quote": with_line(7, '7,"4\\"z",15'),
    "quote inside a cell": table("a,b,y", lambda i: f"{i},{('x', 'x' + chr(34) + 'z')[i % 2]},{2 * i}"),
    "space before a quote": table("a,b,y", lambda i: f'{i}, "{("x", "x,z")[i % 2]}",{2 * i}'),
    "blank line": with_line(7, ""),
    "quoted blank line": with_line(7, '""'),
    "line of spaces": with_line(7, "   "),
    "line of delimiters": with_line(7, ",,"),
    "blank lines around": f"\n\n{USUAL}\n\n",
    "carriage returns and line feeds": table("a,b,y", usual, end="\r\n"),
    "carriage returns": table("a,b,y", usual, end="\r"),
    "line ends in cells": table(
        "a,b,y", lambda i: f'"{("x", "x" + chr(10) + "z", "x" + chr(13) + chr(10))[i % 3]}",{i},{i}'
    ),
    "short row after a line end in a cell": table("a,b,y", lambda i: f'"x\n{i % 3}",{i % 2}' if i == 5 else usual(i)),
    "byte order mark": f"\ufeff{USUAL}",
    "header of numbers": table("2019,2020,y", usual),
    "header of a comment": table("#a,b,y", usual),
    "names of JavaScript": table("__proto__,constructor,y", usual),
    "semicolons": table("a;b;y", lambda i: usual(i).replace(",", ";")),
    "semicolons and decimal commas": table("a;b;y", lambda i: f"{i},5;{i % 7};{2 * i},25"),
    "semicolons and commas in texts": table("a;b;y", lambda i: f"{('x, z', 'u')[i % 2]};{i % 7};{2 * i}"),
    "tabs and decimal commas": table("a\tb\ty", lambda i: f"{i},5\t{i % 7}\t{2 * i}"),
    "bars": table("a|b|y", lambda i: usual(i).replace(",", "|")),
    "two delimiters": table("a;x,b;y", lambda i: f"{i};1,{i % 3};2"),
    "blanks between the columns": table("a b y", lambda i: usual(i).replace(",", " ")),
    "comments above": f"# made by hand\n{USUAL}",
    "title above": f"Report of 2024\n{USUAL}",
    "wide title above": f"Report,,\n{USUAL}",
    "line that names the delimiter": "sep=;\n" + table("a;b;y", lambda i: usual(i).replace(",", ";")),
    "units below the header": with_line(1, "m,kg,s"),
    "header again": with_line(9, "a,b,y"),
    "total below": with_line(29, "Total,5,900"),
    "total among texts": f"a,b,y\n{''.join(f't{i % 4},{i % 5},{i}' + chr(10) for i in range(1, 13))}Total,23,78\n",
    "sums below": f"a,b,y\n{''.join(f't{i},{i % 5},{i}' + chr(10) for i in range(1, 13))},23,78\n",
    "totals as a category": table("a,b,y", lambda i: f"{('total', 'part')[i % 2]},{i % 7},{2 * i}"),
    "source below": f"{USUAL}Source: survey of 2020\n",
    "wide source below": f"{USUAL}Source: survey of 2020,,\n",
    "Latin-1": table("größe,b,y", usual).encode("latin-1"),
    "UTF-16": USUAL.encode("utf-16"),
    "UTF-16 without a mark": USUAL.encode("utf-16-le"),
    "wrong bytes": b"a,b,y\n" + b"".join(b"%d,\xff\xfe,%d\n" % (i, i) for i in range(20)),
    "picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4,
    "gzip": gzip.compress(USUAL.encode(), mtime=0),
    "Parquet": b"PAR1" + bytes(100) + b"PAR1",
    "zip": b"PK\x03\x04" + bytes(100),
    "JSON": json.dumps([{"a": i, "b": i % 3, "y": 2 * i} for i in range(20)]),
    "lines of JSON": "\n".join(json.dumps({"a": i, "b": i % 3, "y": 2 * i}) for i in range(20)),
    "web page": f"<html><body><table>{'<tr><td>1</td></tr>' * 30}</table></body></html>",
    "nothing": "",
    "blank lines": "\n\n",
    "header alone": "a,b,y\n",
    "one row": "a,b,y\n1,2,3\n",
    "two rows": "a,b,y\n1,2,3\n2,3,9\n",
    "one column": "y\n1\n2\n3\n4\n",
    "target with gaps": table("a,b,y", lambda i: f"{i},{i % 7},{2 * i if i % 4 else ''}"),
    "target of zeros and ones": table("a,b,y", lambda i: f"{i},{i % 7},{i % 2}"),
}

TENS = [str(i) for i in range(30)]
DAYS = [f"2024-01-{i:02}" for i in range(1, 28)]
COLUMNS: dict[str, Sequence[str]] = {
    "double spaces": ["x  y", "x y", "z"],
    "zero-width spaces": ["x\u200b", "x", "z"],
    "no-break spaces": ["\u00a0x", "x", "z"],
    "marks in cells": ["\ufeffx", "x"],
    "periods": ["etc.", "etc", "z"],
    "a period": ["etc.", "other"],
    "case": ["yes", "Yes", "no"],
    "NA of Namibia": ["NA", "DE", "FR"],
    "None of masonry": ["None", "brick", "wood"],
    "NA beside booleans": ["TRUE", "FALSE", "NA", "None"],
    "NA beside yes and no": ["yes", "no", "NA", "None"],
    "booleans in two ways": ["True", "true", "False"],
    "NA alone": ["NA", ""],
    "NA beside one text": ["NA", "x"],
    "one value and gaps": ["5", ""],
    "one text and gaps": ["x", ""],
    "gaps": [""],
    "one value": ["5"],
    "padded codes": ["001", "002", "010"],
    "codes of which some are padded": ["001", "2", "30"],
    "padded codes and words": ["001", "002", "x"],
    "many padded codes": [f"{i:05}" for i in range(60)],
    "months": ["Jan", "Feb", "Mar"],
    "weekdays": ["Monday", "Tuesday", "Sunday"],
    "months of a year": ["Jan 2024", "Feb 2024", "Mar 2024", "Apr 2023"],
    "months of a short year": ["Jan-24", "Feb-24", "Mar-24", "Apr-23"],
    "months before days": [f"Jan {i}, 2024" for i in range(1, 28)],
    "days before months": [f"{i} Mar 2024" for i in range(1, 28)],
    "weekdays before dates": [f"Mon 0{i} Jan 2024" for i in range(1, 9)],
    "quarters of a year": ["Q1 2024", "Q2 2024", "Q3 2024", "Q4 2023"],
    "quarters": ["Q1", "Q2", "Q3"],
    "weeks": ["2024-W01", "2024-W02", "2024-W05"],
    "ISO durations": [f"PT{i}M" for i in range(1, 50)],
    "durations": [f"{i}h {i}m" for i in range(1, 50)],
    "minutes and seconds": [f"{i}:{i:02}" for i in range(1, 50)],
    "days first": [f"{i:02}.01.2024" for i in range(1, 28)],
    "slashes": [f"2024/01/{i:02}" for i in range(1, 28)],
    "zones": [f"{each}T10:00:00Z" for each in DAYS],
    "dates": DAYS,
    "dates with times": [f"{each} {i % 24:02}:30:00.5" for i, each in enumerate(DAYS)],
    "dates of which one has a time": ["2024-01-01", "2024-01-02 10:00"],
    "dates and NA": [*DAYS, "NA"],
    "dates and zeros": [*DAYS, "0000-00-00"],
    "dates and a wrong one": [*DAYS, "2024-02-30"],
    "24 o'clock": ["2024-01-01 24:00", "2024-01-02 23:00"],
    "years of two digits": ["24-01-01", "24-01-02"],
    "times": [f"{i % 24}:{i:02}" for i in range(50)],
    "times with seconds": [f"{i % 24:02}:30:{i:02}" for i in range(50)],
    "times of twelve hours": [f"{i % 12 + 1}:30 AM" for i in range(50)],
    "times and a text": [*(f"{i:02}:30" for i in range(20)), "x"],
    "thousands": [f"1,{i:03}" for i in range(50)],
    "decimal commas": [f"{i},5" for i in range(50)],
    "dollars": [f"${i}" for i in range(50)],
    "codes of currencies": [f"USD {i}" for i in range(50)],
    "names of currencies": [f"Rs {i}" for i in range(50)],
    "currencies behind": [f"{i} EUR" for i in range(50)],
    "percent": [f"{i}%" for i in range(50)],
    "units": [f"{i} kg" for i in range(50)],
    "magnitudes": [f"{i}k" for i in range(50)],
    "bounds": ["<1", "<2", *TENS],
    "ranges": [f"{i}-{i + 2}" for i in range(50)],
    "age groups": ["18-25", "26-35", "36-50", "51+"],
    "degrees": [f"{i}°" for i in range(50)],
    "minus signs": [f"\u2212{i}" for i in range(50)],
    "digits of another script": [chr(0xFF10 + i) for i in range(10)],
    "parentheses": [f"({i})" for i in range(50)],
    "apostrophes": [f"'{i}" for i in range(50)],
    "footnotes": [f"{i}*" for i in range(50)],
    "hexadecimal": [f"0x{i:02x}" for i in range(50)],
    "underscores": [f"1_{i:03}" for i in range(50)],
    "versions": ["1.2.0", "1.10.0", "2.0.1"],
    "exponents, points and signs": ["1e5", "+5", "5.", ".5", "-3.5E-2"],
    "whole numbers beyond 2^53": [str(9007199254740993 + 2 * i) for i in range(9)],
    "infinity": [*TENS, "inf"],
    "beyond float64": [*TENS, "1e400"],
    "infinity among texts": ["inf", "x", "y"],
    "a word among numbers": [*TENS, "oops"],
    "words among numbers": ["1", "2", "x", "y"],
    "dashes for gaps": [*TENS, "-"],
    "errors of a spreadsheet": [*TENS, "#DIV/0!", "#N/A"],
    "words for gaps": [*TENS, "unknown"],
    "word beside a few codes": ["1", "2", "3", "none"],
    "NA among numbers": [*TENS, "NA", "None", "?", "null"],
    "identifiers": [f"A{i}" for i in range(60)],
    "22 texts": [f"t{chr(96 + i)}" for i in range(1, 60)],
    "categories beyond the basic plane": ["\U0001f600", "\uff5e", "a"],
    "accents": ["e\u0301", "\u00e9", "f"],
    "line separators": ["x\u2028z", "w"],
    "control characters": ["x\x07", "x\x0c", "z"],
    "sentences": [f"{a} quick fox jumps over {b} lazy dogs and says so" for a in "abcdef" for b in "uvwxyz"],
}

NUMBERS: dict[str, tuple[str, Sequence[float]]] = {
    "yyyymmdd": ("a", [20240101 + i for i in range(27)]),
    "yyyymmddhhmmss": ("a", [20240101101500 + i * 1_000_000 for i in range(27)]),
    "yyyymm": ("period", [202401 + i for i in range(12)]),
    "yymmdd": ("day", [240101 + i for i in range(27)]),
    "day of the year": ("orderDate", [2024001 + i for i in range(60)]),
    "seconds since 1970": ("updated", [1700000001 + 77 * i for i in range(50)]),
    "milliseconds since 1970": ("a", [1700000000000 + 86400000 * i for i in range(50)]),
    "serials of a spreadsheet": ("date", [45000 + i for i in range(50)]),
    "prices like serials": ("price", [45000 + i for i in range(50)]),
    "hhmm": ("dep_time", [i % 24 * 100 + i % 60 for i in range(1, 60)]),
    "years": ("year", [1990 + i for i in range(30)]),
    "months as numbers": ("month", [1 + i for i in range(12)]),
    "hours": ("hour", list(range(24))),
}


def _all() -> Iterator[tuple[str, bytes]]:
    for name, file in FILES.items():
        yield name, file if isinstance(file, bytes) else file.encode()
    for name, cells in COLUMNS.items():
        yield name, table("a,b,y", lambda i, cells=cells: f'"{cells[i % len(cells)]}",{i % 7},{2 * i}', 61).encode()
    for name, (head, values) in NUMBERS.items():
        yield (
            name,
            table(f"{head},b,y", lambda i, values=values: f"{values[i % len(values)]},{i % 7},{2 * i}", 61).encode(),
        )


ODD_FILES = dict(_all())
