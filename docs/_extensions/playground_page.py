"""The playground of the site: a page of the sample table, written beside the built pages."""

from __future__ import annotations

import csv
import io
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
    columns = {name: [float(row[name]) for row in rows] for name in rows[0]}
    Path(app.outdir, "playground.html").write_text(playground(columns, "median_house_value"), "utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
