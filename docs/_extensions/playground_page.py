"""The playground of the site: a page of the sample table, written beside the built pages."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from backpass.datasets import sample_bytes
from backpass.playground import playground

ROWS = 1_500


def write(app: Sphinx, error: Exception | None) -> None:
    """Write playground.html into the folder of the pages."""
    if error is not None or app.builder.format != "html":
        return
    rows = list(csv.DictReader(io.StringIO(sample_bytes("housing").decode("utf-8"))))[:ROWS]
    with tempfile.TemporaryDirectory() as folder:
        sample = Path(folder, "housing.csv")  # its name stands in the command that the page shows
        with sample.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        page = playground(sample, "median_house_value")
    Path(app.outdir, "playground.html").write_text(page, "utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
