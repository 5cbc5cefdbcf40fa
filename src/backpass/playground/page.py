"""The page: programs, columns, style and scripts joined to one HTML file that loads nothing.

Its content security policy allows two scripts and one style sheet by their hashes, a worker whose code is that of the
page, WebAssembly but not ``eval``, and no connection, so a table that is dropped on the page stays there. Names of
columns and categories are data in JSON, which the page shows as text.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

from backpass._version import __version__
from backpass.engine.webassembly import FIRST, binding_source, module_of
from backpass.model.file.container import FORMAT
from backpass.model.saving import ARITHMETIC
from backpass.model.settings.settings import Settings
from backpass.notes.items import ITEMS
from backpass.playground.columns import columns_of
from backpass.playground.programs import CHOSEN, DEEPEST, RULES, Programs, programs, settings_of
from backpass.playground.reference import reference
from backpass.table import Table, read_table, table_from
from backpass.table.datetimes.date_components import PARTS
from backpass.table.datetimes.month_names import MONTHS
from backpass.table.datetimes.name_evidence import DATETIME_WORDS
from backpass.table.delimited.cells import TOTALS
from backpass.table.notation.vocabulary import CURRENCIES
from backpass.table.notation.words import SIGNS, WORDS

SHOWN = ("1.2", "1.3", "2.13", "3.15", "3.18", "3.19", "4.4")
"""The equations of the notes that the lines of a step name."""
SHARED = ("random.js", "kernels.js", "trainer.js", "session.js", "worker.js")
"""Scripts that run in the page and in its worker."""
SCRIPTS = ("reading.js", "table.js", "file.js", "views.js", "lines.js", "thread.js", "page.js")
"""Scripts that run in the page alone."""


def playground(data: Any, target: str | None = None, **reading: Any) -> str:
    """A page that trains a network on a table in the browser, shows every step, and saves model files.

    Args:
        data: The table: a path, a data frame, a dict or a Table.
        target: The column to predict. Default None: the last one.
        **reading: Options of ``read_table`` or ``table_from``.

    Returns:
        The page as HTML, less than 300 kB without the table.

    Raises:
        DataError: The table cannot be read, or the target cannot be predicted.
        UsageError: The target has too many classes, or no column is left.

    Example:
        >>> page = playground({"size": [1.0, 2.0, 3.0, 4.0], "price": [2.0, 4.0, 6.0, 8.0]})
        >>> page.startswith("<!doctype html>")
        True
    """
    if isinstance(data, Table):
        return page_of(columns_of(data, target))
    if isinstance(data, str | Path):
        return page_of(columns_of(read_table(data, **reading), target), Path(data).name)
    return page_of(columns_of(table_from(data, **reading), target))


def page_of(table: dict[str, Any], file: str | None = None) -> str:
    """The page of the columns that ``columns_of`` returns; ``file`` is the name in its ``fit`` command."""
    room = files("backpass.playground")
    made = programs()
    settings = Settings.of({"preset": "plain", "numerical_scaling": "standard", "dropout": 0.0}).to_json()
    facts = {
        "table": {**table, "file": file},
        "reference": reference(),
        "template": {"arithmetic": ARITHMETIC, "backpass": __version__, "format": FORMAT, "settings": settings},
        "activations": list(CHOSEN),
        "deepest": DEEPEST,
        "items": {f"({key})": ITEMS[key].statement for key in SHOWN},
        "reading": _vocabulary(),
        "parts": {kind: [[name, part.period] for name, part in parts.items()] for kind, parts in PARTS.items()},
    }
    shared, script = (
        "\n".join(['"use strict";', *first, *(room.joinpath(name).read_text("utf-8") for name in names)])
        for first, names in (([_programs_source(made)], SHARED), ([], SCRIPTS))
    )
    palette = files("backpass.reporting.page").joinpath("palette.css")  # the colors of the report page
    style = palette.read_text("utf-8") + room.joinpath("page.css").read_text("utf-8")
    policy = (
        f"default-src 'none'; script-src 'sha256-{_digest(shared)}' 'sha256-{_digest(script)}' 'wasm-unsafe-eval'; "
        f"style-src 'sha256-{_digest(style)}'; worker-src blob:; img-src data:; base-uri 'none'; form-action 'none'"
    )
    page = room.joinpath("page.html").read_text("utf-8")
    filled = {
        "policy": policy,
        "version": __version__,
        "style": style,
        "facts": _inert(facts),
        "shared": shared,
        "script": script,
    }
    return re.sub(r"\[\[(\w+)\]\]", lambda match: filled[match[1]], page)  # once: what is filled in is not read again


def _programs_source(made: Programs) -> str:
    """What the programs call, as it is and as a module, and the programs and the settings of optimizers by name."""
    texts = [f"{json.dumps(name)}:{source}" for name, source in made.sources.items()]
    names = ",".join(["mm", "sums", "philox", *sorted(made.kernels.names)])
    settings = json.dumps({rule: settings_of(rule) for rule in RULES})
    module = {"module": b64encode(module_of(made.kernels)).decode("ascii"), "first": FIRST}
    return (
        f"{made.functions}{made.kernels.source}\nconst SCRIPTED={{F,U,W:n=>new Uint32Array(n),{names}}},"
        f"bound={binding_source(made.kernels)},MODULE={json.dumps(module)},SETTINGS={settings};\n"
        f"const PROGRAMS={{{','.join(texts)}}};"
    )


def _vocabulary() -> dict[str, list[str]]:
    """The words by which the page recognizes what it leaves to Python in a file that is dropped on it."""
    return {
        "signs": sorted(SIGNS),
        "words": sorted(WORDS),
        "currencies": sorted(CURRENCIES),
        "months": sorted(word for word in MONTHS if len(word) <= 4),
        "moments": sorted(DATETIME_WORDS),
        "totals": list(TOTALS),
    }


def _inert(facts: dict[str, Any]) -> str:
    """JSON that no HTML parser takes for markup."""
    return json.dumps(facts, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _digest(text: str) -> str:
    return b64encode(sha256(text.encode("utf-8")).digest()).decode("ascii")
