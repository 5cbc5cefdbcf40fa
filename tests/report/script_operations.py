"""The page's script, and the operations that it knows."""

from __future__ import annotations

import re
from pathlib import Path

from backpass.reporting.page import whatif

SCRIPT = (Path(whatif.__file__).parent / "circuit.js").read_text("utf-8")
TABLE = SCRIPT[SCRIPT.index("const OPERATIONS = {") :]
KNOWN = set(re.findall(r"^  (\w+)(?:\(|: )", TABLE, flags=re.MULTILINE))
