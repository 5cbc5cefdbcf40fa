"""Samples: the tables that ship inside, for a first try and for tests.

``sample_bytes`` takes a name and gives the bytes of a CSV file. Where a table comes from and what its columns mean
stands beside it (``housing.md``). Reading a table does not live here.
"""

from __future__ import annotations

from importlib.resources import files

from backpass.errors import UsageError, did_you_mean

SAMPLES = {
    "housing": "20,640 districts of California in 1990: predict median_house_value (in $100,000) from 8 numbers",
}
"""Name -> what the table is, in one line."""


def sample_bytes(name: str) -> bytes:
    """The CSV text of a sample, UTF-8 with a header line; UsageError for an unknown name.

    >>> sample_bytes("housing").splitlines()[0].split(b",")[0]
    b'median_income'
    """
    import lzma

    if name not in SAMPLES:
        raise UsageError(f"there is no sample called {name!r}", hint=did_you_mean(name, list(SAMPLES)))
    return lzma.decompress(files(__name__).joinpath(f"{name}.csv.xz").read_bytes())
