"""Notes on a problem: categories that look alike, and settings that take another value on the table."""

from __future__ import annotations

from collections.abc import Mapping

from backpass.model.fitting.problem.data_split import Rows
from backpass.model.head.head import Head
from backpass.model.settings.settings import Settings
from backpass.network import Network
from backpass.table import Schema
from backpass.table.columns.spellings import likeness
from backpass.table.messages import shown


def spelling_notes(schema: Schema, head: Head) -> list[str]:
    """Notes on categories and classes that may be spellings of the same one."""
    columns = {text.name: text.levels for text in schema.texts}
    columns |= {each.target.name: each.target.classes for each in head.targets}
    found = {name: likeness(name, texts) for name, texts in columns.items()}
    return [f"column {shown(name)}: {text}" for name, text in found.items() if text]


def run_notes(settings: Settings, rows: Mapping[str, Rows], network: Network, *, has_folds: bool = False) -> list[str]:
    """Notes on settings that do not apply to this table as given."""
    notes = []
    count = len(rows["train"])
    if "validation" not in rows and not has_folds:
        notes.append("no validation rows: the last epoch is kept rather than the best")
    if settings.sampling != "full" and settings.batch_size is not None and settings.batch_size > count:
        notes.append(f"--batch-size {settings.batch_size} is more than the {count} training rows: {count} are used")
    if len(network.widths) > 1 and network.is_linear:
        notes.append("every activation is the identity: the network is a linear model (CS229 (2.16) to (2.20))")
    return notes
