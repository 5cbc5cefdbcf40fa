"""Baseline names: the names of baselines in model files, where they differ from those in the program.

The class frequencies are called "majority" in every format. ``stored`` and ``restored`` translate the facts of a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_IN_FILES = {"class_frequencies": "majority"}
_IN_PROGRAM = {stored: name for name, stored in _IN_FILES.items()}


def stored(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts with the names of model files.

    >>> stored({"record": {"baselines": {"class_frequencies": {}}}})
    {'record': {'baselines': {'majority': {}}}}
    """
    return _renamed(facts, _IN_FILES)


def restored(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a model file with the names of the program.

    >>> restored({"baselines": ["majority", "logistic"], "record": {"baselines": {"mean": {}}}})
    {'baselines': ['class_frequencies', 'logistic'], 'record': {'baselines': {'mean': {}}}}
    """
    return _renamed(facts, _IN_PROGRAM)


def _renamed(facts: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    record = dict(facts["record"])
    record["baselines"] = {names.get(name, name): scores for name, scores in record["baselines"].items()}
    if comparison := record.get("comparison"):
        record["comparison"] = {**comparison, "baseline": names.get(comparison["baseline"], comparison["baseline"])}
    changed = {**facts, "record": record}
    if "baselines" in facts:
        changed["baselines"] = [names.get(name, name) for name in facts["baselines"]]
    return changed
