"""A record: what is remembered of a fit, kept in the model file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from backpass.model.profile import Profile, profile_from_json
from backpass.training import EpochRecord

Scores = Mapping[str, Mapping[str, float]]
"""Metric by metric, for each part ("validation", "test") that has rows."""


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What is remembered of a fit. No clock, path, engine or machine is in it: they would change the file's bytes.

    rows: how many each part had; baselines: by name, as ``scores``; best_epoch: the one whose weights are kept
    reason: what ended the run ("finished", "patience", "time", "stopped", "interrupted" or "diverged")
    members: of an ensemble, each network's best epoch, its score then, and how many epochs it had; history and
    best_epoch are the first one's, steps those of all
    columns: by name, the profile of the training rows; empty in the first files
    warnings: what is wrong with the model, see ``diagnostics``; a file without any does not name them
    """

    settings: Mapping[str, Any]
    rows: Mapping[str, int]
    scores: Scores
    baselines: Mapping[str, Scores]
    history: tuple[EpochRecord, ...]
    best_epoch: int
    steps: int
    reason: str
    notes: tuple[str, ...]
    members: tuple[Mapping[str, Any], ...] = ()
    columns: Mapping[str, Profile] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file."""
        return {
            "settings": dict(self.settings),
            "rows": dict(self.rows),
            "scores": {part: dict(scores) for part, scores in self.scores.items()},
            "baselines": {
                name: {part: dict(scores) for part, scores in parts.items()} for name, parts in self.baselines.items()
            },
            "history": [asdict(epoch) for epoch in self.history],
            "best_epoch": self.best_epoch,
            "steps": self.steps,
            "reason": self.reason,
            "notes": list(self.notes),
            "members": [dict(member) for member in self.members],
            "columns": {name: profile.to_json() for name, profile in self.columns.items()},
            **({"warnings": list(self.warnings)} if self.warnings else {}),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Record:
        """The record that ``to_json`` wrote."""
        history = tuple(EpochRecord(**epoch) for epoch in data["history"])
        notes, members = tuple(data["notes"]), tuple(data.get("members", ()))
        warnings = tuple(data.get("warnings", ()))
        columns = {name: profile_from_json(profile) for name, profile in data.get("columns", {}).items()}
        found = {"history": history, "notes": notes, "members": members, "columns": columns, "warnings": warnings}
        return Record(**{**data, **found})
