"""Numbers in everyday notations, and words for missing beside them, through every door and into the model file."""

from __future__ import annotations

import csv
import json
import math
import random
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import backpass
from backpass.errors import DataError
from backpass.model.loading import from_bytes
from backpass.table import (
    CategoricalColumn,
    NumericColumn,
    Schema,
    Table,
    Target,
    read_table,
    required_kind,
    table_from,
)
from backpass.table.diagnosis.diagnostics import column_findings
from backpass.table.messages import shown
from backpass.table.notation.agreement import agreement_of
from backpass.table.notation.cell import cell_in, quick_cell_in, quick_shape_of
from backpass.table.notation.measures.units import ratio
from backpass.table.notation.notations import NOTATIONS, notations_of
from backpass.table.notation.number import text_of
from backpass.table.notation.reading import NumberReading
from backpass.table.notation.sentinel import suspected_sentinels
from backpass.table.notation.words import SIGNS, WORDS, means_missing, words_among
from backpass.table.target import labeled

ROWS = 60


def as_csv(cells: Sequence[str], path: Path, kinds: Mapping[str, str] | None = None) -> Table:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("x", "n"), *zip(cells, range(len(cells)), strict=True)])
    return read_table(path, kinds=kinds)


def as_json(cells: Sequence[str], path: Path) -> Table:
    path.write_text(json.dumps([{"x": cell, "n": n} for n, cell in enumerate(cells)]), encoding="utf-8")
    return read_table(path)


def as_parquet(cells: Sequence[str], path: Path) -> Table:
    pl.DataFrame({"x": list(cells), "n": range(len(cells))}).write_parquet(path)
    return read_table(path)


DOORS: dict[str, Callable[[Sequence[str], Path], Table]] = {
    "csv": as_csv,
    "json": as_json,
    "parquet": as_parquet,
    "pandas": lambda cells, _: table_from(pd.DataFrame({"x": list(cells), "n": range(len(cells))})),
    "polars": lambda cells, _: table_from(pl.DataFrame({"x": list(cells), "n": range(len(cells))})),
    "arrow": lambda cells, _: table_from(pa.table({"x": list(cells), "n": range(len(cells))})),
    "objects": lambda cells, _: table_from({"x": np.array(cells, dtype=object), "n": np.arange(len(cells))}),
    "strings": lambda cells, _: table_from({"x": np.array(cells, dtype=str), "n": np.arange(len(cells))}),
}


def values_of(table: Table) -> list[float]:
    column = table.column("x")
    assert isinstance(column, NumericColumn), table.notes
    return column.values.tolist()


def same(found: Sequence[float], expected: Sequence[float]) -> bool:
    pairs = zip(found, expected, strict=True)
    return all(math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-12) or (a != a and b != b) for a, b in pairs)


def grouped(digits: str, mark: str) -> str:
    """Digits with a mark between groups of three."""
    head = len(digits) % 3 or 3
    return mark.join([digits[:head], *(digits[j : j + 3] for j in range(head, len(digits), 3))])


def indian(digits: str) -> str:
    front, last = digits[:-3], digits[-3:]
    pairs = [front[max(j - 2, 0) : j] for j in range(len(front), 0, -2)][::-1]
    return ",".join([*pairs, last]) if front else last


def local(value: float, decimal: str, mark: str = "") -> str:
    """The absolute value with two decimals, as a locale writes it."""
    whole, fraction = f"{abs(value):.2f}".split(".")
    return (grouped(whole, mark) if mark else whole) + decimal + fraction


LOCALES = {
    "us": (".", ","),
    "german": (",", "."),
    "french": (",", "\u202f"),
    "swedish": (",", "\u00a0"),
    "swiss": (".", "\u2019"),
    "si": (".", "\u2009"),
    "plain": (".", ""),
    "plain comma": (",", ""),
}

WRITERS: dict[str, Callable[[float, str], str]] = {
    "trailing minus": lambda value, text: text + ("-" if value < 0 else ""),
    "unicode minus": lambda value, text: ("\u2212" if value < 0 else "") + text,
    "en dash": lambda value, text: ("\u2013" if value < 0 else "") + text,
    "parentheses": lambda value, text: f"({text})" if value < 0 else text,
    "currency before": lambda value, text: ("-" if value < 0 else "") + f"€{text}",
    "code before": lambda value, text: f"CHF {'-' if value < 0 else ''}{text}",
    "currency behind": lambda value, text: ("-" if value < 0 else "") + f"{text} kr",
    "code behind": lambda value, text: ("-" if value < 0 else "") + f"{text} EUR",
    "unit": lambda value, text: ("-" if value < 0 else "") + f"{text} km/h",
    "unit joined": lambda value, text: ("-" if value < 0 else "") + f"{text}°C",
    "unit with a dot": lambda value, text: ("-" if value < 0 else "") + f"{text} mi.",
    "percent": lambda value, text: ("\u2212" if value < 0 else "") + f"{text} %",
    "per mille": lambda value, text: ("-" if value < 0 else "") + f"{text}‰",
    "footnotes": lambda value, text: ("-" if value < 0 else "") + text + ("*" if value > 500 else ""),
    "letters of footnotes": lambda value, text: (
        ("-" if value < 0 else "") + text + (" a)" if value > 500 else " 12)" if value > 100 else "ᵇ" * (value > 0))
    ),
    "quoted": lambda value, text: f"'{'-' if value < 0 else ''}{text}",
    "two sides": lambda value, text: f"{text} {'DR' if value < 0 else 'CR'}",
    "two sides with dots": lambda value, text: f"{text} {'Dr.' if value < 0 else 'Cr.'}",
    "two sides, German": lambda value, text: f"{text} {'S' if value < 0 else 'H'}",
    "one side": lambda value, text: text + ("CR" if value < 0 else ""),
    "currency and side": lambda value, text: f"${text} {'DR' if value < 0 else 'CR'}",
}


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("writer", WRITERS)
def test_every_notation_in_every_locale(writer: str, locale: str, tmp_path: Path) -> None:
    """Generated numbers come back whatever stands around them, with some words for missing, from two random doors."""
    draw = random.Random(f"{writer} {locale}")
    decimal, mark = LOCALES[locale]
    values = [round(draw.uniform(-90_000, 90_000), 2) for _ in range(ROWS)]
    cells = [WRITERS[writer](value, local(value, decimal, mark)) for value in values]
    gaps = draw.sample(range(ROWS), draw.choice([0, 1, ROWS // 3]))
    for row in gaps:
        cells[row], values[row] = draw.choice(["-", "#N/A", "unknown", "n.a."]), math.nan
    for door in draw.sample(sorted(DOORS), 2):
        assert same(values_of(DOORS[door](cells, tmp_path / door)), values), (door, cells[:5])


@pytest.mark.parametrize("notation", NOTATIONS, ids=lambda each: each.name)
@pytest.mark.parametrize("door", DOORS)
def test_the_examples_of_the_table_of_notations(notation: Any, door: str, tmp_path: Path) -> None:
    table = DOORS[door](notation.cells, tmp_path / "t")
    assert same(values_of(table), notation.values)


@pytest.mark.parametrize("notation", NOTATIONS, ids=lambda each: each.name)
def test_each_notation_recognizes_its_example_and_no_plain_number(notation: Any) -> None:
    agreement = agreement_of(notation.cells, [1] * len(notation.cells), ".")
    assert agreement.reading is not None
    name = notation.name.format(
        **{"unit": "", "currency": "", "out_of": "", "negative": "", **agreement.reading.to_json()}
    )
    assert name in notations_of(agreement.reading, agreement.shapes)
    plain = [cell for text in ("12", "-3.5", "1e3") if (cell := cell_in(text)) is not None]
    assert len(plain) == 3
    assert not any(notation.is_used(cell, NumberReading()) for cell in plain)


def test_all_doors_give_one_table(tmp_path: Path) -> None:
    cells = ["1.234,50 €", "-", "12,5 €", "7 €"] * 10
    tables = [door(cells, tmp_path / name) for name, door in DOORS.items()]
    first = tables[0].column("x")
    for table in tables[1:]:
        column = table.column("x")
        assert column == first
        assert required_kind(column) == required_kind(first) == 'numeric {"currency": "€", "decimal": ","}'
        assert table.notes == tables[0].notes


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1.2M", "500k", "1.1bn", "900"], [1.2e6, 5e5, 1.1e9, 900.0]),
        (["$1.2m", "$3m", "$0.4m"], [1.2e6, 3e6, 4e5]),
        (["1.2m", "3m", "0.4m"], [1.2, 3.0, 0.4]),  # meters
        (["12 Mio. €", "3,5 Mio. €", "800 Tsd. €"], [12e6, 3.5e6, 8e5]),
        (["5 lakh", "1.2 crore", "80 thousand"], [5e5, 1.2e7, 8e4]),
        (["300 K", "280.5 K", "290 K"], [300.0, 280.5, 290.0]),  # kelvin
        (["1 year", "2 years", "5 years"], [1.0, 2.0, 5.0]),
        (["8 years", "10+ years", "< 1 year", "n/a", "5 years", "2 years"], [8.0, 10.0, 1.0, math.nan, 5.0, 2.0]),
        (["998 CC", "1197 cc", "1248 CC"], [998.0, 1197.0, 1248.0]),
        (["12,-", "12,50", "3,-"], [12.0, 12.5, 3.0]),
        (["₹27,796/-", "₹7/-", "₹1,25,000/-"], [27796.0, 7.0, 125000.0]),
        (["Rs. 500/-", "-Rs. 20/-", "Rs. 7/-"], [500.0, -20.0, 7.0]),
        (["kr 27.796", "kr 959", "kr 1.019"], [27796.0, 959.0, 1019.0]),  # 959 has no decimals, so 1.019 has none
        (["€27.796", "€959", "€1.019"], [27796.0, 959.0, 1019.0]),
        (["€1.459", "€1.389", "€1.500"], [1.459, 1.389, 1.5]),  # fuel
        (["$1.125", "$1.5", "$3"], [1.125, 1.5, 3.0]),
        (["kr 27.796", "kr 1.019", "kr 2.500"], [27.796, 1.019, 2.5]),
        (["kr 1.125", "kr 1.5", "kr 3"], [1.125, 1.5, 3.0]),
        (["2-5 years", "3-7 years", "1-3 years", "4 years"], [3.5, 5.0, 2.0, 4.0]),
        (["0.05 mg/L", "<0.01 mg/L", "0.2 mg/L", "0.3 mg/L"], [0.05, 0.01, 0.2, 0.3]),
        (["null bhp", "58.56 bhp", "73.1 bhp", "60 bhp"], [math.nan, 58.56, 73.1, 60.0]),
        (["$ -", "$5", "$7.50", "$8"], [math.nan, 5.0, 7.5, 8.0]),
        (["1,234", "0,5", "3"], [1.234, 0.5, 3.0]),  # 0,5 settles the comma
        (["1,234", "12.5", "3"], [1234.0, 12.5, 3.0]),
        (["CHF 7.--", "CHF 12.50", "CHF 1'300.--"], [7.0, 12.5, 1300.0]),
        (["557,- Kč", "12,50 Kč", "1 300,- Kč"], [557.0, 12.5, 1300.0]),
        (["%48", "%69.5", "%7"], [48.0, 69.5, 7.0]),
        (["￥72.63", "￥280", "￥7"], [72.63, 280.0, 7.0]),
        (["31¢", "92¢", "7¢"], [31.0, 92.0, 7.0]),
        (["817人", "39人", "1,206人"], [817.0, 39.0, 1206.0]),
        (["5億3571万円", "29億2274万円", "3571万円"], [535710000.0, 2922740000.0, 35710000.0]),
        (["93千円", "16千円", "1,420千円"], [93e3, 16e3, 1420e3]),
        (["12万3456", "3万21", "800"], [123456.0, 30021.0, 800.0]),
        (["70,8 тыс. руб.", "1,2 млн руб.", "3 млрд руб."], [70800.0, 1.2e6, 3e9]),
        (["33 mln zł", "10 tys. zł", "2,5 mln zł"], [33e6, 10e3, 2.5e6]),
        (["R$ 861 mi", "R$ 2,5 bi", "R$ 12 mil"], [861e6, 2.5e9, 12e3]),
        (["825 mio. kr.", "1,5 mia. kr.", "12 mio. kr."], [825e6, 1.5e9, 12e6]),
        (["21,9 millones", "32 mil", "3 millones"], [21.9e6, 32e3, 3e6]),
        (["6.659,12 Soll", "1.800,06 Haben", "3,50 Soll"], [-6659.12, 1800.06, -3.5]),
        (["41.67 C", "142.62 D", "7.00 C"], [41.67, -142.62, 7.0]),
        (["120.50 Cr", "80.00 Db", "7.25 Cr"], [120.5, -80.0, 7.25]),
        (["$60k - $80k", "$51k - $72k", "$45k - $95k"], [70e3, 61.5e3, 70e3]),
        (["$45,000 - $74,000", "$51,000 - $78,000", "$40,000 - $92,000"], [59500.0, 64500.0, 66000.0]),
        (
            ["$50K-$71K (Glassdoor est.)", "$51K-$90K (Glassdoor est.)", "$40K-$99K (Employer est.)"],
            [60.5e3, 70.5e3, 69.5e3],
        ),
        (["4 kg - 16 kg", "2 kg - 19 kg", "5 kg - 19 kg"], [10.0, 10.5, 12.0]),
        (["5–12 km", "5–11 km", "2–19 km"], [8.5, 8.0, 10.5]),
        (["between 1 and 11", "between 8 and 12", "between 5 and 12"], [6.0, 10.0, 8.5]),
        (["von 9 bis 10", "von 2 bis 17", "von 6 bis 16"], [9.5, 9.5, 11.0]),
        (["9～17", "1~11", "6至18"], [13.0, 6.0, 12.0]),
        (["2.73 H", "2.71", "0.2 L", "3.23 HH"], [2.73, 2.71, 0.2, 3.23]),
        (["2.73 (H)", "2.71", "0.2 (L)"], [2.73, 2.71, 0.2]),
        (["4.95 J", "3.82 U", "3.14"], [4.95, 3.82, 3.14]),
        (["7.6 10*3/uL", "3.9 10*3/uL", "5 10*3/uL"], [7600.0, 3900.0, 5000.0]),
        (["1.73*10^-6", "2*10^3", "5*10^3"], [1.73e-6, 2e3, 5e3]),
        (["1st", "2nd", "13th", "3rd"], [1.0, 2.0, 13.0, 3.0]),
        (["83y", "42y", "7y"], [83.0, 42.0, 7.0]),
        (["4.0x", "4.6x", "12.5x"], [4.0, 4.6, 12.5]),
        (["88 kg (194 lb)", "59 kg (130 lb)", "76 kg (168 lb)"], [88.0, 59.0, 76.0]),
        (["6'6\" (198 cm)", "5'9\" (175 cm)", "6'3\" (190 cm)"], [6.5, 5.75, 6.25]),
        (['="729"', '="32.5"', '="7"'], [729.0, 32.5, 7.0]),
        (["\u200e-842.32", "\ufeff99.75", "\u200b7"], [-842.32, 99.75, 7.0]),
        (["<LOD", "1.5", "2.5", "n.n.", "<LOQ"], [math.nan, 1.5, 2.5, math.nan, math.nan]),
        (["DNF", "50.5", "61.2", "DNS"], [math.nan, 50.5, 61.2, math.nan]),
        (["3.5万", "12万", "800", "1.2亿"], [35000.0, 120000.0, 800.0, 1.2e8]),
        (["3.5万元", "12万元", "0.8万元"], [35000.0, 120000.0, 8000.0]),
        (["12.3 mg/L ± 0.5 mg/L", "7 ± 1 mg/L", "9.5±0.1 mg/L"], [12.3, 7.0, 9.5]),
        (["12.3 +0.5/-0.3", "7.1 +1-2", "9.5"], [12.3, 7.1, 9.5]),
        (["1.23e5 ± 2e3", "4e-3 ± 1E-4", "1.5e6 (2e+4)"], [1.23e5, 4e-3, 1.5e6]),
        (["12 (10-15)", "13 (11-16)", "9 (7-12)"], [12.0, 13.0, 9.0]),  # an estimate lies in its interval
        (["1.2 (95% CI 0.8-1.9)", "0.7 [0.5, 0.9]", "1.1 (SD 0.2)"], [1.2, 0.7, 1.1]),
        (
            ["52 (48.1%)", "7 (6.5%)", "49 (45.4%)"] * 12 + [f"{n} (1%)" for n in range(60, 90)],
            [52.0, 7.0, 49.0] * 12 + [float(n) for n in range(60, 90)],
        ),
        (["(12.5)", "3.1", "(7.5)"], [-12.5, 3.1, -7.5]),  # negative
        (["90 or more", "< 10", "12 years", "13 years", "Over 85", "20"], [90.0, 10.0, 12.0, 13.0, 85.0, 20.0]),
        (["from $299", "from $5.50", "$1,299"], [299.0, 5.5, 1299.0]),
        (["ca. 5 kg", "approx. 7 kg", "8 kg (est.)", "9 kg"], [5.0, 7.0, 8.0, 9.0]),
        (["5'11\"", "70 in", "6 ft", "5'10 1/2\""], [5 + 11 / 12, 70 / 12, 6.0, 5.875]),
        (["1m75", "1,80 m", "1 m 62 cm", "2m05"], [1.75, 1.8, 1.62, 2.05]),
        (["3 ans 2 mois", "5 ans", "11 mois", "1 an et 6 mois", "2 ans 1 mois"], [38 / 12, 5.0, 11 / 12, 1.5, 25 / 12]),
        (["2 Jahre 3 Monate", "1 Jahr 6 Monate", "4 Jahre 9 Monate"], [2.25, 1.5, 4.75]),
        (["1 Stunde 30 Minuten", "45 Minuten", "2 Stunden"], [5400.0, 2700.0, 7200.0]),
        (["1h 30m", "0.5h", "2,25 h", "1.5 min"], [5400.0, 1800.0, 8100.0, 90.0]),
        (["1,5 h", "2,25 h", "3 h"], [1.5, 2.25, 3.0]),  # one unit: no durations in seconds
        (["3'45\"", "4'05\"", "2'59.5"], [225.0, 245.0, 179.5]),
        (["1,25,689.17", "14,12,109.52", "86,508.45"], [125689.17, 1412109.52, 86508.45]),
        (["1,536E+06", "2,851e+05", "4,333E-02"], [1.536e6, 2.851e5, 0.04333]),  # with an exponent, no thousands
        (["1,536E+06 kg", "2,851e+05 kg", "4,333E-02 kg"], [1.536e6, 2.851e5, 0.04333]),
        (["1,536D+06", "-2,851D+05", "4,333D-02"], [1.536e6, -2.851e5, 0.04333]),
    ],
)
def test_columns_that_need_a_second_look(cells: list[str], expected: list[float], tmp_path: Path) -> None:
    assert same(values_of(as_csv(cells, tmp_path / "t.csv")), expected)
    assert same(values_of(table_from({"x": cells})), expected)


def _codes() -> dict[str, list[str]]:
    draw = random.Random(0)

    def digits(count: int) -> str:
        return "".join(draw.choice("0123456789") for _ in range(count))

    def whole(low: int, high: int) -> int:
        return draw.randint(low, high)

    def article(front: str) -> str:
        front = f"4{front[1:]}"
        return f"{front}{-sum(int(digit) * (3 if j % 2 else 1) for j, digit in enumerate(front)) % 10}"

    makers: dict[str, Callable[[], str]] = {
        "postal codes with leading zeros": lambda: f"0{digits(4)}",
        "czech postal codes": lambda: f"{whole(100, 999)} {digits(2)}",
        "telephone numbers": lambda: f"{whole(200, 999)}-{whole(200, 999)}-{digits(4)}",
        "short telephone numbers": lambda: f"{whole(200, 999)}-{whole(1000, 9999)}",
        "international telephone numbers": lambda: f"+49 {whole(150, 179)} {whole(100, 999)} {whole(100, 999)}",
        "telephone numbers in threes": lambda: f"{whole(500, 799)} {digits(3)} {digits(3)}",
        "telephone numbers with area codes": lambda: f"({whole(200, 999)}) {whole(200, 999)}-{digits(4)}",
        "lots of digits and an e": lambda: f"{whole(10, 99)}e{whole(0, 9)}" if whole(0, 1) else f"{whole(1000, 9999)}",
        "lots of great exponents": lambda: f"{whole(1, 9)}e{whole(10, 99)}",
        "versions of two parts": lambda: f"{whole(1, 3)}.{whole(0, 11)}",
        "article numbers": lambda: article(digits(12)),
        "versions": lambda: f"{whole(1, 3)}.{whole(0, 9)}.{whole(0, 20)}",
        "isbn": lambda: f"978-{whole(0, 9)}-{digits(2)}-{digits(6)}-{whole(0, 9)}",
        "product codes": lambda: f"{whole(1, 40)}{draw.choice('ABCD')}",
        "codes of one letter": lambda: f"{whole(1, 40)}A",
        "hexadecimal": lambda: f"{draw.getrandbits(32):08x}",
        "uuid": lambda: f"{draw.getrandbits(32):08x}-{draw.getrandbits(16):04x}-{draw.getrandbits(16):04x}",
        "addresses": lambda: (
            f"{whole(1, 99)} {draw.choice(['Main', 'Oak', 'Elm', 'Hill', 'Lake', 'Park'])} St {whole(1, 9)}"
        ),
        "grades": lambda: draw.choice(["1+", "1", "1-", "2+", "2", "2-", "3+"]),
        "age bands": lambda: draw.choice(["18-24", "25-34", "35-44", "45-54", "55-64", "65+"]),
        "bounded bands": lambda: draw.choice(["<30", "30-60", "60-90", ">90"]),
        "scores": lambda: f"{whole(0, 5)}-{whole(0, 5)}",
        "seasons": lambda: f"{(year := whole(1990, 2020))}-{(year + 1) % 100:02d}",
        "blood pressure": lambda: f"{whole(100, 180)}/{whole(60, 110)}",
        "fractions of years": lambda: f"{whole(1, 20)}/2024",
        "sizes": lambda: f"{whole(10, 99)}x{whole(10, 99)}",
        "routes": lambda: f"M{whole(1, 99)}",
        "ip addresses": lambda: f"192.168.{whole(0, 255)}.{whole(0, 255)}",
        "ip addresses of three digits": lambda: f"192.168.{whole(100, 255)}.{whole(100, 255)}",
        "codes with meanings": lambda: draw.choice(["1 (18-24)", "2 (25-34)", "3 (35-44)", "4 (45-54)", "5 (55-64)"]),
        "codes of a state": lambda: f"CA {digits(5)}",
        "codes with letters before": lambda: f"{draw.choice(['ab', 'ca', 'max', 'env'])}{whole(10, 99)}",
        "codes of accounts": lambda: f"{whole(10, 99)}{draw.choice('CD')}",
        "padded texts of spreadsheets": lambda: f'="0{digits(4)}"',
        "years in parentheses": lambda: f"({whole(1950, 2020)})" if whole(0, 1) else f"{whole(1950, 2020)}",
        "rooms": lambda: f"Room {whole(1, 40)}",
        "iban": lambda: f"DE{digits(2)} {digits(4)} {digits(4)} {digits(4)} {digits(4)} {digits(2)}",
        "room numbers": lambda: f"{(room := whole(1, 9) * 100)}-{room + 3}",
        "sizes of clothes": lambda: draw.choice(["S", "M", "L", "XL", "2XL", "3XL"]),
        "feet and inches with a dash": lambda: f"{whole(4, 6)}-{whole(0, 11)}",
        "coordinates": lambda: f"{whole(0, 89)}.{digits(2)} {draw.choice('NS')}",
        "classes of sizes": lambda: draw.choice(["3G", "4G"]),
        "two units": lambda: f"{whole(1, 99)} {draw.choice(['kg', 'km'])}",
        "two currencies": lambda: f"{draw.choice('$€')}{whole(1, 99)}",
        "questions": lambda: f"{whole(1, 9)} {draw.choice('abcd')})",
        "items of lists": lambda: f"{whole(1, 9)} {whole(1, 4)})",
        "powers": lambda: f"{whole(1, 99)} {draw.choice(['mW', 'MW'])}",
    }
    return {name: [make() for _ in range(ROWS)] for name, make in makers.items()}


@pytest.mark.parametrize("name", _codes())
def test_codes_are_no_numbers(name: str, tmp_path: Path) -> None:
    cells = _codes()[name]
    for door in ("csv", "pandas"):
        assert isinstance(DOORS[door](cells, tmp_path / door).column("x"), CategoricalColumn), cells[:5]


@pytest.mark.parametrize(
    ("name", "cells", "note"),
    [
        ("rate", ["1e3", "5e4", "100", "1e5"], "'1e3' is read as 1000; if they are codes: --categorical rate"),
        ("price", ["1.1", "1.10", "1.25", "2.5"], "'1.1' and '1.10' are read as one number"),
        ("x", ["1.5e3", "2e-4", "7", "1e-9"], ""),
        ("x", ["1.50", "2.75", "3.00", "9.90"], ""),
        ("version", ["1.1", "1.2", "2.0", "3.1"], ""),
        ("x", ["4006381333931", "4006381333932", "4006381333933", "4006381333934"], ""),
    ],
)
@pytest.mark.parametrize("column", ["", "a note"])
def test_numbers_that_resemble_codes_are_numbers(
    name: str, cells: list[str], note: str, column: str, tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"{name},n\n" + "".join(f"{cell},{column}{n}\n" for n, cell in enumerate(cells * 5)))
    table = read_table(path)
    found = table.column(name)
    assert isinstance(found, NumericColumn), table.notes
    assert found.values.tolist() == [float(cell) for cell in cells * 5]
    assert len(table.notes) == bool(note)
    assert all(note in each for each in table.notes)


@pytest.mark.parametrize(
    ("name", "cells", "note"),
    [
        ("version", ["1.1", "1.10", "1.2"], "column 'version' holds versions such as '1.10': kept as categories"),
        ("EAN", ["4006381333931", "12345678", "4006381333930"], "holds article numbers (EAN, UPC, ISBN) such as"),
        ("lot", ["12e5", "8514", "66e0"], "holds codes such as '12e5', all of 4 characters: kept as categories"),
    ],
)
def test_codes_are_said_and_predicted(name: str, cells: list[str], note: str, tmp_path: Path) -> None:
    """The categories keep their digits, and new rows hold the same ones, as text and as numbers."""
    path = tmp_path / "t.csv"
    path.write_text(f"{name},y\n" + "".join(f"{cell},{n % 3}.5\n" for n, cell in enumerate(cells * 10)))
    table = read_table(path)
    column = table.column(name)
    assert isinstance(column, CategoricalColumn)
    assert set(column.levels) == {*cells}
    assert any(note in each for each in table.notes)
    again = read_table(path, kinds={name: required_kind(column)})
    assert again.column(name) == column
    if cells[1].isdigit():
        assert table_from({name: [int(cells[1])]}, kinds={name: required_kind(column)}).column(name).levels == (
            cells[1],
        )


@pytest.mark.parametrize(
    ("name", "cells", "kind"),
    [
        ("sensor", ["12e3", "15e3", "20e3"], "numeric"),
        ("ohm", ["10e3", "4700", "22e3"], "numeric"),
        ("driver_rating", ["4.5", "4.75", "4.50"], "numeric"),
        ("share", ["12.5 a)", "9.8 b)", "13.1 a)", "13.1"], "numeric"),
        ("release", ["0.5", "0.25", "1.75"], "numeric"),
        ("price", ["1.9", "2.10", "3.11", "1.2"], "numeric"),
        ("upc", ["12345678905", "36000291452"], "categorical"),
        ("upc_sales", ["12345679", "63405887", "99345671"], "numeric"),
        ("python_version", ["3.8", "3.9", "3.11"], "categorical"),
    ],
)
def test_numbers_that_look_like_codes(name: str, cells: list[str], kind: str, tmp_path: Path) -> None:
    """The name says codes only with its last word, and a file and a data frame of strings are read alike."""
    (tmp_path / "t.csv").write_text(f"y,{name}\n" + "".join(f"{n}.5,{cell}\n" for n, cell in enumerate(cells * 10)))
    typed = [int(cell) if cell.isdigit() else cell for cell in cells]
    for table in (read_table(tmp_path / "t.csv"), table_from({name: typed * 10})):
        assert table.column(name).kind == kind


def test_dates_are_dates(tmp_path: Path) -> None:
    cells = [f"2024-{n % 12 + 1:02d}-{n % 28 + 1:02d}" for n in range(ROWS)]
    assert as_csv(cells, tmp_path / "t.csv").column("x").kind == "date"
    with_gaps = as_csv([*cells, "-", "unknown"], tmp_path / "t.csv").column("x")
    assert with_gaps.kind == "date"
    assert with_gaps.missing.sum() == 2


def test_the_quick_way_and_the_plain_way_agree() -> None:
    """Cells of one form are parsed once; generated cells, twisted ones among them, have the same parts either way."""
    draw = random.Random(1)
    alphabet = "0123456789.,-+ ()€$%kgM/<>~*eEdx'\u00a0\u2212\u00b9\u00b2"
    texts = ["".join(draw.choice(alphabet) for _ in range(draw.randint(1, 9))) for _ in range(20_000)]
    for locale, (decimal, mark) in LOCALES.items():
        for name, write in WRITERS.items():
            draw = random.Random(f"{locale} {name}")
            values = [round(draw.uniform(-2000, 2000), 2) for _ in range(20)]
            texts += [write(value, local(value, decimal, mark)) for value in values]
    texts += [text for notation in NOTATIONS for text in notation.cells]
    parsed = 0
    for text in texts:
        cell = cell_in(text)
        assert quick_cell_in(text) == cell, text
        assert quick_shape_of(text) == (None if cell is None else cell.shape), text
        parsed += cell is not None
    assert parsed > 3_000


@pytest.mark.parametrize("token", sorted(SIGNS | WORDS))
def test_words_for_missing(token: str) -> None:
    cells = [f"{n}.5" for n in range(20)]
    column = table_from({"x": [*cells, token, token.upper()]}).column("x")
    assert column.kind == "numeric"
    assert np.flatnonzero(column.missing).tolist() == [20, 21]


@pytest.mark.parametrize("share", [0.01, 0.1, 0.3, 0.6])
@pytest.mark.parametrize("decimal", [".", ","])
def test_words_for_missing_at_any_share(share: float, decimal: str, tmp_path: Path) -> None:
    draw = random.Random(f"{share} {decimal}")
    cells = [f"{draw.randint(1, 999)}{decimal}{draw.randint(0, 9)}" for _ in range(200)]
    rows = draw.sample(range(200), max(int(200 * share), 1))
    tokens = {row: draw.choice([".", "-", "#N/A", "#DIV/0!", "null", "keine Angabe"]) for row in rows}
    for row, token in tokens.items():
        cells[row] = token
    table = as_csv(cells, tmp_path / "t.csv")
    assert sorted(rows) == np.flatnonzero(table.column("x").missing).tolist()
    (note,) = [note for note in table.notes if "missing values" in note]
    assert note.startswith("column 'x': missing values are written as ")
    assert note.endswith("; --no-missing-detection keeps them as categories")


def test_words_for_missing_can_be_kept(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    as_csv([*map(str, range(20)), *["-"] * 5] * 2, path)
    assert read_table(path).column("x").kind == "numeric"
    kept = read_table(path, detect_missing=False)
    assert kept.column("x").kind == "categorical"
    assert any("40 numbers and 10 other values, such as '-' (10 rows)" in note for note in kept.notes)


def test_words_are_values_among_few_codes_and_among_texts() -> None:
    assert table_from({"x": ["1", "2", "3", "none"] * 9}).column("x").kind == "categorical"
    assert table_from({"x": ["a", "b", "-", "unknown"] * 9}).column("x").kind == "categorical"
    assert table_from({"x": ["00123", "04109", "-"] * 9}).column("x").kind == "categorical"
    assert not means_missing("large", 99)


@pytest.mark.parametrize(
    "cells",
    [
        [f"{n // 7}+{n % 7}" for n in range(140, 200)],  # weeks and days
        [f"pH {n / 10:.1f}" for n in range(20, 80)],
        [f"pH{n / 10:.1f}" for n in range(20, 80)],
        [f"{('N', 'SW', 'NNW')[n % 3]} {n} km/h" for n in range(20, 80)],
    ],
)
def test_numbers_in_an_unknown_notation_are_said(cells: list[str]) -> None:
    table = table_from({"x": cells * 5, "y": np.arange(5.0 * len(cells))})
    (note,) = [note for note in Schema.fit(table, "y").notes if note.startswith("column 'x'")]
    assert "start with numbers" in note or "several numbers in each cell" in note
    assert f"kept as {len(cells)} categories" in note
    findings = {each.code: each.text for each in column_findings(table.column("x"), table)}
    assert ("several numbers" in findings["numbers_as_text"]) == ("several numbers" in note)


def test_few_categories_that_start_with_numbers_are_categories() -> None:
    table = table_from({"x": [f"{n % 9} (low)" for n in range(300)], "y": np.arange(300.0)})
    assert not [note for note in Schema.fit(table, "y").notes if "start with numbers" in note]


def test_texts_beside_numbers_are_said(tmp_path: Path) -> None:
    draw = random.Random(3)
    cells = [str(draw.random()) if n % 3 else draw.choice(["abc", "def"]) for n in range(90)]
    table = as_csv(cells, tmp_path / "t.csv")
    assert table.column("x").kind == "categorical"
    (note,) = table.notes
    assert note.startswith("column 'x' holds 60 numbers and 30 other values, such as ")


def test_disagreements_are_said(tmp_path: Path) -> None:
    draw = random.Random(4)
    table = as_csv([f"{n} {draw.choice(['kg', 'km'])}" for n in range(ROWS)], tmp_path / "t.csv")
    assert table.notes in (
        ("column 'x' holds numbers in units kg and km: kept as categories",),
        ("column 'x' holds numbers in units km and kg: kept as categories",),
    )
    table = as_csv([f"{n}%" if n % 2 else str(n) for n in range(ROWS)], tmp_path / "t.csv")
    assert table.notes == ("column 'x' holds numbers with and without %: kept as categories",)
    table = as_csv(["1:45", "45m", *(f"{n}h {n}m" for n in range(1, ROWS))], tmp_path / "t.csv")
    dispute = "durations in hours with a unit and '1:45', which may be hours or minutes"
    assert table.notes == (f"column 'x' holds {dispute}: kept as categories",)
    with pytest.raises(DataError) as caught:
        as_csv([f"{n} °C" if n == 7 else f"{n} kg" for n in range(ROWS)], tmp_path / "t.csv")
    assert "column 'x': 59 numbers, 1 other value ('7 °C' row 8)" in str(caught.value)
    assert "--missing '°C' makes the numbers in that unit missing" in str(caught.value.hint)
    column = read_table(tmp_path / "t.csv", missing=["", "°C"]).column("x")
    assert np.flatnonzero(column.missing).tolist() == [7]


def test_new_rows_of_durations_in_hours_are_not_taken_for_minutes() -> None:
    """A model that has learned 4h 58m does not read 4:58 as four minutes; a model of laps does."""
    y = [math.sin(n) for n in range(ROWS)]
    hours = backpass.fit({"x": [f"{n % 9}h {n}m" for n in range(ROWS)], "y": y}, "y", hidden=(4,), epochs=1)
    with pytest.raises(DataError, match=r"column 'x': 0 numbers, 1 other value \('4:58' row 1\)"):
        hours.predict({"x": ["4:58"]})
    assert np.array_equal(hours.predict({"x": ["4:58:00"]}), hours.predict({"x": ["4h 58m"]}))
    laps = backpass.fit({"x": [f"{n % 9}m {n % 60}s" for n in range(ROWS)], "y": y}, "y", hidden=(4,), epochs=1)
    assert np.array_equal(laps.predict({"x": ["4:58"]}), laps.predict({"x": ["4m 58s"]}))


def test_a_named_decimal_sign_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    as_csv([f"{n},5" for n in range(30)], path)
    assert read_table(path).column("x").kind == "numeric"
    assert read_table(path, decimal=".").column("x").kind == "categorical"


def test_minus_one_far_from_the_others_is_suspected_and_minus_one_among_small_numbers_is_not() -> None:
    assert [each.value for each in suspected_sentinels(np.array([-1.0] * 5 + [*range(1950, 2020)], float))] == [-1.0]
    assert not suspected_sentinels(np.array([-1.0] * 5 + [*range(40)], float))


def test_sentinels_are_named_and_kept(tmp_path: Path) -> None:
    draw = random.Random(5)
    cells = [f"{draw.uniform(0, 30):.1f}" if n % 9 else "-200" for n in range(90)]
    table = as_csv(cells, tmp_path / "t.csv")
    column = table.column("x")
    assert isinstance(column, NumericColumn)
    assert (column.values == -200.0).sum() == 10
    (note,) = table.notes
    assert note.startswith("column 'x' holds -200 in 10 rows, all others lie between ")
    assert note.endswith("; if it means missing: --missing -200")
    assert read_table(tmp_path / "t.csv", missing=["", "-200"]).column("x").missing.sum() == 10
    assert read_table(tmp_path / "t.csv", detect_missing=False).notes == ()


@pytest.mark.parametrize("sentinel", [-999.0, -9999.0, -200.0, 9999.0, -99.0, -32768.0, 9999.99, 999.9, -99999.99])
def test_isolation_and_count_make_a_sentinel(sentinel: float) -> None:
    rng = np.random.default_rng(6)
    values = rng.uniform(0.0, 40.0, 500)
    assert suspected_sentinels(values) == []
    values[::50] = sentinel
    assert [(each.value, each.rows) for each in suspected_sentinels(values)] == [(sentinel, 10)]
    near = rng.uniform(-abs(2.0 * sentinel), abs(2.0 * sentinel), 500)
    near[::50] = sentinel
    assert suspected_sentinels(near) == []  # amid other numbers
    once = rng.uniform(0.0, 40.0, 500)
    once[0] = sentinel
    assert suspected_sentinels(once) == []


# The model ------------------------------------------------------------------------------------------------------------


def _rows(count: int = 120) -> dict[str, list[Any]]:
    draw = random.Random(7)
    sizes = [round(draw.uniform(1, 900), 1) for _ in range(count)]
    written = [f"{grouped(f'{size:.1f}'.split('.')[0], '.')},{f'{size:.1f}'.split('.')[1]} kg" for size in sizes]
    return {"size": written, "plain": sizes, "price": [f"{3 * size + 5:.2f} €".replace(".", ",") for size in sizes]}


def _fitted(data: dict[str, list[Any]]) -> backpass.Model:
    return backpass.fit(data, "price", hidden=(8,), epochs=5, columns=["size"])


def test_a_model_reads_as_it_learned(tmp_path: Path) -> None:
    data = _rows()
    model = _fitted(data)
    again = from_bytes(model.to_bytes(), "m")
    assert again.schema == model.schema
    assert again.kinds(with_target=True) == {
        "size": 'numeric {"decimal": ",", "unit": "kg"}',
        "price": 'numeric {"currency": "€", "decimal": ","}',
    }
    expected = model.predict({"size": data["plain"]})
    assert np.array_equal(again.predict({"size": data["size"]}), expected)
    path = tmp_path / "t.csv"
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([["size"], *([cell] for cell in data["size"])])
    assert np.array_equal(again.predict(path), expected)
    assert again.evaluate(data) == model.evaluate(data)
    # One row alone has no other row to settle its comma: the model does.
    assert again.predict({"size": ["1,5 kg"]}) == again.predict({"size": [1.5]})
    assert again.predict({"size": ["1.234 kg"]}) == again.predict({"size": [1234.0]})


def test_a_cell_that_does_not_fit_is_named_and_a_gap_is_missing() -> None:
    model = _fitted(_rows())
    with pytest.raises(DataError, match=r"column 'size': 1 number, 1 other value \('5 lb' row 2\)"):
        model.predict({"size": ["5 kg", "5 lb"]})
    assert model.predict({"size": ["-"]}) == model.predict({"size": [None]})


def test_validation_rows_are_read_like_training_rows() -> None:
    data = _rows()
    ambiguous = {"size": ["1.234 kg", "2.345 kg"] * 6, "price": ["3.707,00 €", "7.040,00 €"] * 6}
    model = backpass.fit(data, "price", hidden=(4,), epochs=2, columns=["size"], validation=ambiguous)
    plain = {"size": [1234.0, 2345.0] * 6, "price": [3707.0, 7040.0] * 6}
    assert model.evaluate(plain) == model.evaluate(ambiguous)


def test_partial_fit_goes_on_in_the_notation_of_the_first_rows() -> None:
    data = _rows(40)
    y = np.array(data["plain"]) * 2.0
    one = backpass.BackpassRegressor(hidden_layer_sizes=(4,), preset="plain", random_state=0)
    two = backpass.BackpassRegressor(hidden_layer_sizes=(4,), preset="plain", random_state=0)
    frame, plain = pd.DataFrame({"size": data["size"]}), pd.DataFrame({"size": data["plain"]})
    for start in (0, 20):
        one.partial_fit(frame.iloc[start : start + 20], y[start : start + 20])
        two.partial_fit(plain.iloc[start : start + 20], y[start : start + 20])
    assert np.array_equal(one.predict(frame), two.predict(plain))


def test_the_inputs_of_an_exported_graph() -> None:
    model = _fitted(_rows())
    feed = backpass.onnx_inputs({"size": ["1.234,5 kg", "-"]}, model)
    assert feed["size"].dtype == np.float64
    assert same(feed["size"].ravel().tolist(), [1234.5, math.nan])


# The target -----------------------------------------------------------------------------------------------------------


def test_rows_whose_target_is_missing_are_left_out() -> None:
    draw = random.Random(8)
    cells = [f"{draw.uniform(5, 90):.2f}" if n % 6 else "-" for n in range(120)]
    table, note = labeled(table_from({"y": cells, "x": range(120)}), "y")
    assert note == "target 'y': 20 of 120 rows have no value and are left out (rows 1, 7, 13, 19, 25, ... (20 in all))"
    assert Target.fit(table, "y").task == "regression"
    model = backpass.fit({"y": cells, "x": list(range(120))}, "y", hidden=(4,), epochs=1)
    assert sum(model.record.rows.values()) == 100
    assert any("20 of 120 rows have no value and are left out" in note for note in model.record.notes)


@pytest.mark.parametrize("share", [0.06, 0.2, 0.45])
def test_a_target_of_numbers_and_texts_is_asked_about(share: float) -> None:
    draw = random.Random(f"target {share}")
    cells = [f"{draw.uniform(5, 90):.2f}" for _ in range(200)]
    for row in range(int(200 * share)):
        cells[row] = "sold"
    table = table_from({"y": cells})
    with pytest.raises(DataError) as caught:
        Target.fit(table, "y")
    (fault,) = caught.value.details or (caught.value.message,)
    assert f"{200 - int(200 * share)} numbers and {int(200 * share)} other values: 'sold' (rows 1, 2, 3" in fault
    assert caught.value.hint == "if they mean missing: --missing sold; if all are classes: --task classification"
    assert Target.fit(table, "y", "classification").task == "multiclass"


@pytest.mark.parametrize(
    ("cells", "text"),
    [
        ([f"c{n % 150}" for n in range(600)], "target 'y' would have 150 classes"),
        (
            [*["a", "b"] * 20, "rare"],
            "target 'y' would have 3 classes, 1 of them in a single row, such as 'rare'",
        ),
    ],
)
def test_many_classes_and_classes_of_one_row_are_asked_about(cells: list[str], text: str) -> None:
    table = table_from({"y": cells})
    with pytest.raises(DataError) as caught:
        Target.fit(table, "y")
    assert text in str(caught.value)
    assert caught.value.hint == "if they are classes: --task classification"
    assert Target.fit(table, "y", "classification").task == "multiclass"


def test_few_codes_and_one_word_are_classes() -> None:
    assert Target.fit(table_from({"y": ["1", "2", "3", "other"] * 20}), "y").task == "multiclass"


def test_a_target_with_a_unit_is_regression() -> None:
    target = Target.fit(table_from({"y": [f"{n} kg" for n in range(50)]}), "y")
    assert (target.task, target.required_kind) == ("regression", 'numeric {"unit": "kg"}')
    assert Target.from_json(target.to_json()) == target


def test_the_schema_of_a_file_without_a_reading_is_as_before() -> None:
    schema = Schema.fit(table_from({"x": [1.0, 2.0], "y": [1.0, 3.0]}), "y")
    assert schema.to_json()["features"] == [{"name": "x", "kind": "numeric"}]


def test_the_page_shows_the_table_of_notations() -> None:
    page = Path(__file__).parents[2] / "docs" / "how-to" / "numbers.md"
    lines = page.read_text("utf-8").splitlines()
    start = lines.index("| notation | cells | numbers | what is assumed |") + 2
    for line, notation in zip(lines[start : start + len(NOTATIONS)], NOTATIONS, strict=True):
        name = notation.name.format(currency="", unit="", out_of="n", negative="DR").strip()
        cells = ", ".join(f"`{cell}`" for cell in notation.cells)
        values = ", ".join(map(text_of, notation.values))
        assert line == f"| {name} | {cells} | {values} | {notation.caution} |"
    assert lines[start + len(NOTATIONS)] == ""


def test_reading_options_hold_for_frames_as_well() -> None:
    data = {"x": [*map(str, range(30)), *["-"] * 10], "y": [float(n % 7) for n in range(40)]}
    found = backpass.fit(data, "y", hidden=(4,), epochs=1)
    kept = backpass.fit(data, "y", hidden=(4,), epochs=1, reading={"detect_missing": False}, columns=["x"])
    declared = backpass.fit(data, "y", hidden=(4,), epochs=1, reading={"missing": ["", "-"], "detect_missing": False})
    kinds = [model.schema.features[0].kind for model in (found, kept, declared)]
    assert kinds == ["numeric", "categorical", "numeric"]


UNITS = {
    "length": {"m": 1.0, "cm": 0.01, "km": 1000.0, "mm": 0.001},
    "feet": {"ft": 1.0, "in": 1 / 12, "yd": 3.0, "m": 1 / 0.3048},
    "mass": {"kg": 1.0, "g": 0.001, "KG": 1.0, "lbs": 0.45359237, "oz.": 0.45359237 / 16},
    "volume": {"ml": 1.0, "l": 1000.0, "cl": 10.0},
    "time": {"min": 1.0, "s": 1 / 60, "hours": 60.0},
    "months": {"years": 1.0, "months": 1 / 12},
    "data": {"MB": 1.0, "GB": 1000.0, "kB": 0.001},
    "power": {"kW": 1.0, "MW": 1000.0, "W": 0.001},
    "speed": {"km/h": 1.0, "mph": 1.609344},
}


@pytest.mark.parametrize("dimension", UNITS)
@pytest.mark.parametrize("locale", ["us", "german", "plain"])
def test_units_of_one_dimension_are_converted(dimension: str, locale: str, tmp_path: Path) -> None:
    draw, (decimal, mark), sizes = random.Random(f"{dimension} {locale}"), LOCALES[locale], UNITS[dimension]
    main, *others = sizes
    units = [main if n % 3 else draw.choice(others) for n in range(ROWS)]
    values = [round(draw.uniform(1.0, 900.0), 2) for _ in units]
    cells = [f"{local(value, decimal, mark)} {unit}" for value, unit in zip(values, units, strict=True)]
    for door in draw.sample(sorted(DOORS), 2):
        table = DOORS[door](cells, tmp_path / door)
        assert same(values_of(table), [value * sizes[unit] for value, unit in zip(values, units, strict=True)])
        assert any(f"several units, converted to {main}" in note for note in table.notes)


@pytest.mark.parametrize("cell", ["5O.5", "1OO", "1O0", "5l.5", "2S5", "5x.5", "5 g.5", "5°.5"])
def test_letters_among_the_digits_are_mistakes(cell: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="column 'x': 40 numbers, 1 other value"):
        as_csv([*(f"{n}.5" for n in range(40)), cell], tmp_path / "t.csv")


@pytest.mark.parametrize(
    "unit",
    [
        "m2",
        "cm3",
        "l",
        "MPa.m^0.5",
        "W/m²",
        "m·s⁻²",
        "g L⁻¹",
        "m s-1",
        "mg dL-1",
        "m s^-1",
        "W m−2",
        "mol L-1 s-1",
        "No.",
        "CO2e",
        "O",
    ],
)
def test_units_with_digits_or_points(unit: str) -> None:
    cell = cell_in(f"12.5 {unit}")
    assert cell is not None
    assert cell.word == unit


def test_degrees_in_one_character() -> None:
    for cell, unit in (("-20℃", "°C"), ("68 ℉", "°F")):
        found = cell_in(cell)
        assert found is not None
        assert found.word == unit


def test_hours_of_a_day_are_no_unit_with_an_exponent() -> None:
    assert cell_in("10 am-2 pm") is None


@pytest.mark.parametrize(("sign", "same", "other"), [("$", "USD", "€"), ("€", "EUR", "£"), ("£", "GBP", "$")])
def test_amounts_keep_their_currency(sign: str, same: str, other: str, tmp_path: Path) -> None:
    def column(form: Callable[[str], str], kinds: Mapping[str, str] | None = None) -> Any:
        return as_csv([form(f"{1000 + 7 * n:,}.50") for n in range(ROWS)], tmp_path / "t.csv", kinds=kinds).column("x")

    first = column(lambda number: f"{sign}{number}")
    kinds = {"x": required_kind(first)}
    assert isinstance(first, NumericColumn)
    assert first.reading is not None
    assert first.reading.currency == sign
    for form in (f"{sign} {{}}", f"{{}} {same}", "{}"):
        again = column(form.format, kinds)
        assert isinstance(again, NumericColumn)
        assert again.values.tolist() == first.values.tolist()
    negative = column(f"({sign}{{}})".format, kinds)
    assert isinstance(negative, NumericColumn)
    assert negative.values.tolist() == (-first.values).tolist()
    with pytest.raises(DataError, match=re.escape(f"are in {sign}: convert those in {other}")):
        column(f"{other}{{}}".format, kinds)


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        ("12\u00a0", "12"),
        ("\u200b12", "'12' (without invisible characters)"),
        ("1\ufeff2", "'12' (without invisible characters)"),
    ],
)
def test_the_note_names_the_number_with_the_odd_space(cell: str, read: str, tmp_path: Path) -> None:
    table = as_csv([*(f"{n}.5" for n in range(40)), cell], tmp_path / "t.csv")
    assert table.notes == (f"column 'x': {shown(cell)} is read as {read}",)
    assert table.column("x").values[-1] == 12.0


def test_units_of_two_dimensions_or_none_are_refused(tmp_path: Path) -> None:
    for cells in (
        [f"{n} {'kg' if n % 3 else 'km'}" for n in range(ROWS)],
        [f"{n} {'mW' if n % 3 else 'V'}" for n in range(ROWS)],
    ):
        assert as_csv(cells, tmp_path / "t.csv").column("x").kind == "categorical"
    cells = [f"{n}" if n % 3 == 0 else f"{n} {'kg' if n % 3 == 1 else 'g'}" for n in range(ROWS)]
    table = as_csv(cells, tmp_path / "t.csv")
    assert table.column("x").kind == "categorical"
    assert "and without a unit" in table.notes[0]
    assert ratio("°C", "°F") is None
    assert ratio("€", "$") is None


@pytest.mark.parametrize(
    ("word", "unit", "factor"),
    [
        ("PB", "TB", 1000.0),
        ("TiB", "GiB", 1024.0),
        ("PiB", "TiB", 1024.0),
        ("TW", "GW", 1000.0),
        ("TWh", "GWh", 1000.0),
        ("GJ", "MWh", 1 / 3.6),
        ("m³", "l", 1000.0),
        ("ccm", "ml", 1.0),
        ("cm3", "m3", 1e-6),
    ],
)
def test_large_units_and_cubes_are_converted(word: str, unit: str, factor: float) -> None:
    assert ratio(word, unit) == pytest.approx(factor, rel=1e-15)


def test_converted_units_are_those_of_the_model(tmp_path: Path) -> None:
    data = {
        "x": [f"{n} kg" if n % 3 else f"{n * 1000} g" for n in range(1, 61)],
        "y": [float(n % 7) for n in range(60)],
    }
    model = backpass.fit(data, "y", hidden=(4,), epochs=1)
    model.save(tmp_path / "m.backpass")
    again = backpass.load(tmp_path / "m.backpass")
    plain = {"x": [f"{n} kg" for n in range(1, 61)]}
    grams = {"x": [f"{n * 1000}g" for n in range(1, 61)]}
    assert np.allclose(again.predict(plain), again.predict(grams), rtol=1e-6)
    with pytest.raises(DataError, match="'5 m'"):
        again.predict({"x": ["5 m", "3 kg"]})


@pytest.mark.parametrize("signs", ["°'\"", "°′″", "° ′ ″", "   "])
@pytest.mark.parametrize("place", ["behind", "before"])
def test_degrees_minutes_and_seconds(signs: str, place: str, tmp_path: Path) -> None:
    draw = random.Random(f"{signs} {place}")
    parts = [(draw.randrange(90), draw.randrange(60), draw.randrange(600) / 10, draw.choice("NS")) for _ in range(ROWS)]
    first, second, third = (signs[0], signs[1], signs[2]) if len(signs) == 3 else ("° ", "′ ", "″")
    written = [f"{d}{first}{m}{second}{s}{third}".strip() for d, m, s, _ in parts]
    cells = [f"{w} {p[3]}" if place == "behind" else f"{p[3]} {w}" for w, p in zip(written, parts, strict=True)]
    values = [(d + m / 60 + s / 3600) * (1 if side == "N" else -1) for d, m, s, side in parts]
    for door in draw.sample(sorted(DOORS), 2):
        assert same(values_of(DOORS[door](cells, tmp_path / door)), values), cells[:3]


def test_laps_are_seconds(tmp_path: Path) -> None:
    draw = random.Random(9)
    parts = [(draw.randrange(12), draw.randrange(60), draw.randrange(10)) for _ in range(ROWS)]
    cells = [f"{m}:{s:02}.{tenth}" for m, s, tenth in parts]
    assert same(values_of(as_csv(cells, tmp_path / "t.csv")), [60 * m + s + tenth / 10 for m, s, tenth in parts])


SCRIPTS = {"full-width": 0xFF10, "Arabic-Indic": 0x0660, "Persian": 0x06F0, "Devanagari": 0x0966, "Thai": 0x0E50}
SIGNS_IN = {
    "full-width": {".": "．", ",": "，", "-": "－"},
    "Arabic-Indic": {".": "٫", ",": "٬"},
    "Persian": {".": "٫"},
}


def in_script(text: str, script: str) -> str:
    zero = SCRIPTS[script]
    return "".join(chr(zero + int(c)) if c.isdecimal() else SIGNS_IN.get(script, {}).get(c, c) for c in text)


@pytest.mark.parametrize("share", [0.1, 1.0])
@pytest.mark.parametrize("script", SCRIPTS)
def test_digits_of_other_scripts_are_numbers_and_said(script: str, share: float, tmp_path: Path) -> None:
    draw = random.Random(f"{script} {share}")
    values = [round(draw.uniform(-9_000, 9_000), 2) for _ in range(ROWS)]
    cells = [
        in_script(f"{v:,}", script) if draw.random() < share or not row else f"{v:,}" for row, v in enumerate(values)
    ]
    for door in draw.sample(sorted(DOORS), 2):
        table = DOORS[door](cells, tmp_path / door)
        assert same(values_of(table), values), cells[:3]
        assert any("digits of another script" in note for note in table.notes)


@pytest.mark.parametrize("script", SCRIPTS)
def test_dates_in_digits_of_other_scripts(script: str) -> None:
    draw = random.Random(script)
    days = [f"2024-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}" for _ in range(ROWS)]
    table = table_from({"x": [in_script(day, script).replace("－", "-") for day in days], "n": range(ROWS)})
    column = table.column("x")
    assert column.kind == "date"
    assert column == table_from({"x": days, "n": range(ROWS)}).column("x")
    assert any("digits of another script" in note for note in table.notes)


def test_a_model_of_plain_numbers_reads_other_digits() -> None:
    data = {"x": [n + 0.5 for n in range(60)], "y": [float(n % 7) for n in range(60)]}
    model = backpass.fit(data, "y", hidden=(4,), epochs=1)
    assert np.array_equal(model.predict({"x": ["３", "４"]}), model.predict({"x": ["3", "4"]}))


def test_codes_in_other_digits_stay_codes(tmp_path: Path) -> None:
    cells = [in_script(f"{n:05}", "full-width") for n in range(ROWS)]
    assert as_csv(cells, tmp_path / "t.csv").column("x").kind == "categorical"
    digits = [in_script(f"{n + 100}", "full-width") for n in range(ROWS)]
    assert as_parquet(digits, tmp_path / "t.parquet").column("x").kind == "categorical"  # as with plain digits


@pytest.mark.parametrize(
    "words",
    [("¥{}", "{}円"), ("¥{}", "{}元", "{} CNY"), ("{} kr", "{} SEK"), ("${}", "{} USD", "US${}"), ("Rs {}", "₹{}")],
)
def test_one_currency_in_several_ways(words: Sequence[str], tmp_path: Path) -> None:
    draw = random.Random(str(words))
    values = [draw.randint(1, 900) for _ in range(ROWS)]
    cells = [words[row % len(words)].format(value) for row, value in enumerate(values)]
    for door in draw.sample(sorted(DOORS), 2):
        assert same(values_of(DOORS[door](cells, tmp_path / door)), values)


def test_words_at_once_are_the_words_one_by_one() -> None:
    draw = random.Random(5)
    words = sorted(SIGNS | WORDS)
    ways = [
        str.upper,
        str.title,
        " {}\u00a0".format,
        "{} x".format,
        "a{}".format,
        lambda text: text.replace(" ", "\t "),
    ]
    texts = [draw.choice(ways)(word) for word in words] + [*words, "", " ", "12", "Σ", "İ", "-" * 61, "na" + " " * 60]
    draw.shuffle(texts)
    for several in (texts, [*texts, "a\0b"], [], ["none"], [" "]):
        assert words_among(several) == [j for j, text in enumerate(several) if means_missing(text, 1000)]


@pytest.mark.parametrize("words", [("${}", "C${}"), ("¥{}", "{}円", "{}元"), ("{} SEK", "{} NOK"), ("€{}", "{} USD")])
def test_two_currencies_are_refused(words: Sequence[str]) -> None:
    cells = [words[n % len(words)].format(n + 1) for n in range(ROWS)]
    table = table_from({"x": cells})
    assert table.column("x").kind == "categorical"
    assert any("currencies" in note for note in table.notes)


def test_a_model_of_angles_reads_decimal_degrees() -> None:
    cells = [f"{n}°{n % 60}'0\"N" for n in range(60)]
    model = backpass.fit({"x": cells, "y": [float(n % 7) for n in range(60)]}, "y", hidden=(4,), epochs=1)
    expected = model.predict({"x": ["12°30'0\"N", "12°30'0\"S"]})
    for written in (["12.5", "-12.5"], ["12.5°", "−12.5°"], ["12,5", "-12,5"], [12.5, -12.5]):
        assert np.array_equal(model.predict({"x": written}), expected), written
    with pytest.raises(DataError, match="'500'"):
        model.predict({"x": ["500", "12.5"]})


WRAPPINGS: dict[str, Callable[[str], str]] = {
    "tag": lambda text: f"<b>{text}</b>",
    "cell of a table": lambda text: f'<td align="right">{text}</td>',
    "line break": lambda text: f"{text}<br/>",
    "comment": lambda text: f"<!-- from: x -->{text}",
    "escaped tag": lambda text: f"&lt;span&gt;{text}&lt;/span&gt;",
    "footnote": lambda text: f"{text}<sup>a</sup>",
    "entity": lambda text: text.replace(" ", "&nbsp;").replace("−", "&minus;").replace("€", "&euro;") + "&nbsp;",
    "numeric entity": lambda text: text.replace(" ", "&#160;").replace("€", "&#8364;") + "&#xA0;",
    "quotation marks": lambda text: f'"{text}"',
    "typographic marks": lambda text: f"“{text}”",
    "directions": lambda text: f"\u202a{text}\u202c",
    "soft hyphen": lambda text: f"{text}\u00ad",
    "zero-width space": lambda text: f"{text[:1]}\u200b{text[1:]}",
    "figure spaces": lambda text: f"\u2007{text}\u2002",
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("locale", ["plain", "us", "german", "french"])
def test_what_only_shows_a_value_is_left_out_and_said(wrapping: str, locale: str, tmp_path: Path) -> None:
    """Generated numbers come back from HTML and quotation marks, at any share, at fit and at prediction."""
    draw = random.Random(f"{wrapping} {locale}")
    decimal, mark = LOCALES[locale]
    values = [round(draw.uniform(1, 90_000), 2) for _ in range(ROWS)]
    write = WRITERS[draw.choice(["unicode minus", "currency before", "unit", "footnotes"])]
    plain = [write(value, local(value, decimal, mark)) for value in values]
    every = draw.choice([1, 2, 7])
    cells = [WRAPPINGS[wrapping](cell) if n % every == 0 else cell for n, cell in enumerate(plain)]
    for door in ("csv", *draw.sample(sorted(DOORS), 1)):
        table = DOORS[door](cells, tmp_path / door)
        assert same(values_of(table), values), (door, cells[:2])
        kinds = {"x": "numeric" if (reading := table.column("x").reading) is None else reading.required_kind}  # type: ignore[union-attr]
        assert same(values_of(as_csv(cells, tmp_path / "new", kinds=kinds)), values)
    if wrapping in {"tag", "cell of a table", "line break", "entity", "quotation marks"}:
        assert any("HTML" in note or "quotation marks" in note for note in table.notes), table.notes


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_dates_and_gaps_are_found_in_tags(wrapping: str, tmp_path: Path) -> None:
    wrap = WRAPPINGS[wrapping]
    dates = [f"{n % 28 + 1:02}.{n % 12 + 1:02}.2024" for n in range(ROWS)]
    if wrapping not in ("footnote", "zero-width space", "directions", "soft hyphen"):
        assert as_csv([*map(wrap, dates)], tmp_path / "t").column("x").kind == "date"
    cells = [wrap("") if n % 5 == 0 else wrap(f"{n}.5") for n in range(ROWS)]
    if wrapping not in ("footnote", "quotation marks", "typographic marks"):
        values = values_of(as_csv(cells, tmp_path / "t"))
        assert same(values, [math.nan if n % 5 == 0 else n + 0.5 for n in range(ROWS)])


def test_tags_do_not_join_numbers_and_categories_keep_them(tmp_path: Path) -> None:
    column = as_csv([f"{n}<br>{n + 1}" for n in range(ROWS)], tmp_path / "t").column("x")
    assert isinstance(column, CategoricalColumn)
    texts = ["<b>red</b>", "red", "<NA>", "R&amp;D"]
    table = as_csv(texts * 20, tmp_path / "t")
    column = table.column("x")
    assert isinstance(column, CategoricalColumn)
    assert column.levels == tuple(sorted(texts))
    assert any("look alike" in finding.text for finding in column_findings(column, table))


@pytest.mark.parametrize("sign", ["R", "K", "Q", "L", "P", "S/", "S/.", "B/.", "KSh", "N$", "Bs."])
@pytest.mark.parametrize("locale", ["us", "german", "french"])
def test_short_signs_of_currencies(sign: str, locale: str, tmp_path: Path) -> None:
    draw = random.Random(f"{sign} {locale}")
    values = [round(draw.uniform(1, 90_000), 2) for _ in range(ROWS)]
    space = draw.choice(["", " "]) if len(sign) < 3 else " "
    cells = [f"{sign}{space}{local(value, *LOCALES[locale])}" for value in values]
    table = as_csv(cells, tmp_path / "t")
    assert same(values_of(table), values)
    assert any(f"currency {sign}" in note for note in table.notes)


@pytest.mark.parametrize(
    "cells",
    [
        [f"R{n}" for n in range(100, 160)],
        [f"R {n}" for n in range(100, 160)],
        [f"Q{n % 9}.{n % 7}" for n in range(ROWS)],
        [f"L{n % 9}.{n}" for n in range(ROWS)],
        [f"K {n}.50" if n % 2 else f"{n}.50" for n in range(ROWS)],
        [f"{n % 9 + 1}_{n:03}" for n in range(100, 160)],
        [f"{n % 9} Series-1" for n in range(ROWS)],
        [f"{n} B-2" for n in range(ROWS)],
        [f"{n} K-9" for n in range(ROWS)],
        [f"{n} Apt-4" for n in range(ROWS)],
        [hex(n) for n in range(ROWS)],
    ],
)
def test_codes_with_letters_and_signs_are_no_numbers(cells: list[str], tmp_path: Path) -> None:
    table = as_csv(cells, tmp_path / "t")
    assert isinstance(table.column("x"), CategoricalColumn)
    assert not any("units" in note for note in table.notes)


@pytest.mark.parametrize(
    "unit", ["m s-1", "µg m-3", "kg ha-1", "µmol m-2 s-1", "W m-2 K-1", "cells mL-1", "d-1", "s^-1"]
)
def test_units_with_exponents_need_units_as_bases(unit: str, tmp_path: Path) -> None:
    values = [n + 0.5 for n in range(ROWS)]
    table = as_csv([f"{value} {unit}" for value in values], tmp_path / "t")
    assert same(values_of(table), values)
    assert any(f"unit {unit}" in note for note in table.notes)


def test_hexadecimal_numbers_are_named(tmp_path: Path) -> None:
    schema = Schema.fit(as_csv([hex(n % 40) for n in range(4 * ROWS)], tmp_path / "t"), "n")
    assert any("hexadecimal numbers, such as '0x0': kept as 40 categories" in note for note in schema.notes)


def test_marks_inside_a_number_are_no_end_of_it() -> None:
    for text in ("1\u200b234.5", "12\u200e.5", "1\u00ad2"):
        assert quick_cell_in(text) == cell_in(text)


@pytest.mark.parametrize("door", ["frame", "comma", "semicolon"])
@pytest.mark.parametrize("unit", ["", " km", " €/m²"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_points_before_three_digits_separate_thousands_beside_whole_numbers(
    share: float, unit: str, door: str, tmp_path: Path
) -> None:
    """A German export: 35.067 beside 999. Read as 35.067, the small numbers would be the large ones."""
    draw = random.Random(f"{share} {unit} {door}")
    numbers = [
        draw.randrange(1, 1000) if draw.random() < share else draw.randrange(100, 99_999) * 10 for _ in range(150)
    ]
    cells = [f"{number:,}{unit}".replace(",", ".") for number in numbers]
    if door == "frame":
        table = table_from({"x": cells, "n": range(150)})
    else:
        sign = "," if door == "comma" else ";"
        lines = [f"{cell}{sign}{n}" for n, cell in enumerate(cells)]
        (tmp_path / "t.csv").write_text("\n".join([f"x{sign}n", *lines, ""]))
        table = read_table(tmp_path / "t.csv")
    column = table.column("x")
    assert isinstance(column, NumericColumn)
    assert column.values.tolist() == numbers
    assert any("thousands separated by commas or periods" in note for note in table.notes)
    assert Schema.fit(table, "n").kinds["x"].startswith('numeric {"decimal": ","')


@pytest.mark.parametrize("cells", [
    ["12.340", "7.000", "35.067", "1.204", "8.100", "999.000"],  # all have three decimals
    ["12.34", "7", "35.067", "1.204", "8.1", "999"],
    ["0.340", "7", "35.067", "1.204", "8.100", "999"],  # no group of thousands starts with 0
    ["12.340", "7", "35.067", "1.204", "8.100", "1999"],  # 1999 would be 1.999
    ["12.345", "7", "35.067", "1.204", "8.125", "999"],  # no zero at the end
    ["1.250", "2", "3.500", "10", "1.125", "2.750", "10.100", "42.195"],  # kilograms, written by hand
])  # fmt: skip
@pytest.mark.parametrize("sign", [",", ";"])
def test_other_points_stay_decimal(cells: list[str], sign: str, tmp_path: Path) -> None:
    lines = [f"{cell}{sign}{n}" for n, cell in enumerate(cells * 20)]
    (tmp_path / "t.csv").write_text("\n".join([f"x{sign}n", *lines, ""]))
    column = read_table(tmp_path / "t.csv").column("x")
    assert isinstance(column, NumericColumn)
    assert column.values.tolist() == [float(cell) for cell in cells * 20]


def test_points_are_decimal_beside_a_column_of_decimal_points(tmp_path: Path) -> None:
    cells = ["12.340", "7", "35.067", "1.204", "8.100", "999", "2.345"]
    for other, first in (("{}.5", 12.34), ("{}", 12340.0)):
        lines = [f"{cell},{other.format(n)}" for n, cell in enumerate(cells * 5)]
        (tmp_path / "t.csv").write_text("\n".join(["x,n", *lines, ""]))
        column = read_table(tmp_path / "t.csv").column("x")
        assert isinstance(column, NumericColumn)
        assert column.values[0] == first


def test_amounts_with_commas_and_points_leave_no_doubt(tmp_path: Path) -> None:
    cells = [f"-${1000.25 + n:,.2f}" for n in range(40)]
    (tmp_path / "t.csv").write_text("x;n\n" + "".join(f"{cell};{n}\n" for n, cell in enumerate(cells)))
    assert read_table(tmp_path / "t.csv").column("x").values.tolist() == [-1000.25 - n for n in range(40)]


@pytest.mark.parametrize(("cells", "value"), [
    ([f"{n} years" for n in range(2, 30)] + ["6 months"], 0.5),
    ([f"{n} years" for n in range(2, 30)] + ["73 days"], 73 / 365.2425),
    ([f"{n} лет" for n in range(25, 30)] + ["22 года"], 22.0),
    ([f"{n} mg/L" for n in range(2, 30)] + ["500 µg/mL"], 500.0),
    ([f"{n} sqft" for n in range(2, 30)] + ["0.5 acres"], 21780.0),
    ([f"{n}nF" for n in range(2, 30)] + ["1.5µF"], 1500.0),
    ([f"{n / 2}-inch" for n in range(2, 30)] + ["6.1-inch"], 6.1),
    ([f"{n / 2}”" for n in range(2, 30)] + ["6.1”"], 6.1),
    ([f"{n} 200:-" for n in range(2, 30)] + ["1 200:-"], 1200.0),
    ([f"Rp. {n}.200,00" for n in range(2, 30)] + ["Rp. 1.200.000,00"], 1.2e6),
    ([f"{n} 100 [{n} 000-{n} 200]" for n in range(2, 30)] + ["4 000 [3 900-4 100]"], 4000.0),
    ([f"{n / 2} ({n} reviews)" for n in range(2, 30)] + ["4.5 (123 reviews)"], 4.5),
    ([f"{n / 2}% ({n}/200)" for n in range(2, 30)] + ["4.5% (9/200)"], 4.5),
    ([f"10^{n}" for n in range(2, 9)] + ["10^-3"], 0.001),
    ([*map(str, range(30)), "=>40"], 40.0),
])  # fmt: skip
def test_the_last_cell_is_read(cells: list[str], value: float) -> None:
    column = table_from({"x": cells, "n": range(len(cells))}).column("x")
    assert isinstance(column, NumericColumn)
    assert column.values[-1] == pytest.approx(value, rel=1e-12)


def test_superscripts_behind_ten_are_no_footnotes() -> None:
    table = table_from({"x": ["10²", "10³", "10⁵", "10⁶"] * 9})
    assert isinstance(table.column("x"), CategoricalColumn)
    assert any("holds powers such as 10²" in note for note in table.notes)


WORDS_OF_THE_WORLD = """
    weiß nicht|trifft nicht zu|ne sait pas|sans réponse|no sabe|NS/NC|sem informação|weet niet|vet ej|ei tietoa|
    nie wiem|nevím|затрудняюсь ответить|未回答|暂无数据|무응답|ไม่ระบุ|tidak tahu|NR|DK|skipped|not asked|
    invalid|Error|SENSOR ERROR|I/O Timeout|No Ct|QNS|b.d.l.|< LOQ|n/m|.a|??|－|―|*****|- -|(leer)|(en blanco)
"""


@pytest.mark.parametrize("share", [0.03, 0.3])
@pytest.mark.parametrize("word", [each.strip() for each in WORDS_OF_THE_WORLD.split("|")])
def test_words_of_the_world_are_missing_among_numbers_and_kept_among_codes(word: str, share: float) -> None:
    count = round(100 * share)
    table = table_from(
        {"x": [*(f"{n / 4}" for n in range(100 - count)), *[word] * count], "c": ["1", "2", "a", word] * 25}
    )
    column = table.column("x")
    assert isinstance(column, NumericColumn)
    assert np.count_nonzero(column.missing) == count
    assert any(f"missing values are written as {word!r} ({count} rows)" in note for note in table.notes)
    kept = table.column("c")
    assert isinstance(kept, CategoricalColumn)
    assert word in kept.levels


@pytest.mark.parametrize(("codes", "plain"), [
    ([97, 98, 99], [*range(1, 8)]),
    ([-9, -8, -7], [*range(11)]),
    ([997, 998, 999], [*range(18, 90)]),
    ([99], [*range(1, 8)]),
])  # fmt: skip
def test_codes_of_surveys_are_named_together(codes: list[int], plain: list[int]) -> None:
    values = np.array([*plain * 9, *codes * 4], float)
    assert sorted(each.value for each in suspected_sentinels(values)) == sorted(codes)
    assert suspected_sentinels(np.array([*range(95, 100), *range(60, 96)] * 4, float)) == []
    assert suspected_sentinels(np.array([*range(-4, 40)] * 4, float)) == []
