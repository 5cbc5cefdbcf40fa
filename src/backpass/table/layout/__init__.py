"""Layout: where in a file its table stands, and which of its lines, rows and columns are not data.

``layout`` puts together what the others find in a delimited file: ``prologue`` (comments, ``sep=;``), ``heading``
(header rows, titles, units), ``tail`` and ``footer`` (what stands below the rows); ``totals`` finds rows of sums once
the columns are read. ``heading``, ``footer`` and ``totals`` take lists of cells or columns from any source.
``findings`` declares all that can be found; ``dialect`` holds the user's settings.
"""

from backpass.table.layout.dialect import Dialect
from backpass.table.layout.findings import LAYOUT_FINDINGS, LayoutFinding
from backpass.table.layout.heading import Heading, heading_of
from backpass.table.layout.layout import Layout, layout_of

__all__ = ["LAYOUT_FINDINGS", "Dialect", "Heading", "Layout", "LayoutFinding", "heading_of", "layout_of"]
