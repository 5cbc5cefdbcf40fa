"""Sample datasets: the tables included in the package, for first steps and tests.

``sample_bytes`` takes a name and returns the bytes of a CSV file. The source of a table and the meaning of its columns
are documented next to it (``housing.md``). Tables are parsed in ``backpass.table``.
"""

from __future__ import annotations

from importlib.resources import files

from backpass.errors import UsageError, did_you_mean

SAMPLES = {
    "housing": "20,640 districts of California in 1990: predict median_house_value (in $100,000) from 8 numbers",
}
"""Name -> one-line description."""


def sample_bytes(name: str) -> bytes:
    """Return the CSV text of a sample dataset, in UTF-8 with a header line.

    Args:
        name: A key of ``SAMPLES``.

    Raises:
        UsageError: The name is unknown; names the most similar one.

    >>> sample_bytes("housing").splitlines()[0].split(b",")[0]
    b'median_income'
    """
    import lzma

    if name not in SAMPLES:
        raise UsageError(f"unknown sample {name!r}", hint=did_you_mean(name, list(SAMPLES)))
    return lzma.decompress(files(__name__).joinpath(f"{name}.csv.xz").read_bytes())
