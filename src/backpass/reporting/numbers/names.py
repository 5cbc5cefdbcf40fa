"""Names: names that come from data, as texts for pictures and pages."""

from __future__ import annotations

from backpass.errors import visible
from backpass.table.messages import LONGEST_NAME


def label(name: object) -> str:
    """Prepare a name from data for a picture or a page: unprintable characters are escaped, long names truncated."""
    text = visible(str(name))
    return text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}…"
