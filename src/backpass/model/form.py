"""The form: the names and types that the facts of a file must have, checked before anything is built from them.

A form mirrors the data: a constraint or a type for one value, ``[form]`` for a list, ``{name: form}`` for exactly these
names, ``{...: form}`` for any names, ``(form, form)`` for alternatives, ``ByKind`` for an object whose entry "kind"
determines the form, and ``ByName`` for one whose form depends on the presence of a name. ``consistency`` checks whether
the facts fit one another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from types import NoneType
from typing import Any, TypeAlias

from backpass.dataclass import dataclass
from backpass.model.baseline.season import SEASONS
from backpass.model.head.losses import CUSTOM
from backpass.model.head.spread import MOST_KNOTS
from backpass.model.settings.constraint import Choice, Constraint, Number
from backpass.model.settings.declarations import BY_NAME, THRESHOLD_RULES
from backpass.network import LINKS
from backpass.network.feature_map import CODINGS
from backpass.table.datetimes.counted import COUNTED
from backpass.table.datetimes.date_components import PARTS
from backpass.table.datetimes.day_month import ORDERS
from backpass.table.notation.numeral import DECIMALS
from backpass.table.notation.reading import NumberReading
from backpass.training import OVER

Form: TypeAlias = Any


@dataclass(frozen=True, slots=True)
class ByKind:
    """An object whose entry "kind" determines its other names."""

    forms: Mapping[str, dict[str, Form]]


@dataclass(frozen=True, slots=True)
class ByName:
    """An object with one form if it contains a name, and another if it does not."""

    name: str
    there: dict[str, Form]
    absent: dict[str, Form]


@dataclass(frozen=True, slots=True)
class Optional:
    """An entry that files of earlier formats lack."""

    form: Form


_COUNT = Number(0, whole=True)
_ONE = Number(1, whole=True)
_NUMBER = Number()
_STEP = {"operation": str, "inputs": [_COUNT], "value": _NUMBER}
_ACTIVATION = ({"steps": [_STEP]}, BY_NAME["activation"].constraint)
_SCORES = {...: {...: _NUMBER}}

EPOCH: Form = {
    "epoch": _ONE,
    "step": _ONE,
    "learning_rate": Number(0),
    "train_loss": _NUMBER,
    "score": (_NUMBER, NoneType),
}


def _counted(kind: str) -> Choice:
    """The notations of numbers that are dates or times of day."""
    return Choice(tuple(each.key for each in COUNTED if each.kind == kind))


READING: Form = {
    "decimal": Optional(Choice(DECIMALS)),
    **dict.fromkeys(("currency", "unit", "out_of", "negative"), Optional(str)),
    **dict.fromkeys((each.name for each in fields(NumberReading) if isinstance(each.default, bool)), Optional(bool)),
}

_LOSS = (Choice((CUSTOM,)), BY_NAME["loss"].constraint)

HEAD: Form = {
    "target": {
        "name": str,
        "task": Choice(("regression", "binary", "multiclass")),
        "classes": [str],
        "class_kind": Choice(("numeric", "categorical")),
        "notes": [str],
        "percent": Optional(bool),
        "reading": Optional(READING),
        "merges_case": Optional(bool),
    },
    "loss": _LOSS,
    "options": {...: _NUMBER},
    "center": _NUMBER,
    "scale": Number(0),
    "low": Optional((_NUMBER, NoneType)),
    "high": Optional((_NUMBER, NoneType)),
    "log": Optional({"center": _NUMBER, "scale": Number(0, open_low=True), "correction": _NUMBER}),
    "metric": Optional((BY_NAME["metric"].constraint, NoneType)),
    "decision": Optional(
        {
            "positive": _COUNT,
            "threshold": Number(0, 1),
            "rule": Choice(("", "value", "class_weight", *THRESHOLD_RULES)),
            "cost": Optional([_NUMBER]),
            "weights": Optional([_NUMBER]),
        }
    ),
}

NETWORK: Form = {
    "inputs": _ONE,
    "layers": [
        ByKind(
            {
                "dense": {"units": _ONE, "activation": _ACTIVATION},
                "scaled_dense": {"units": _ONE, "activation": _ACTIVATION},
                "parametric_activation": {"activation": _ACTIVATION},
                "dropout": {"rate": Number(0, 1, open_high=True)},
                "selection": {"columns": _ONE, "size": _ONE},
                "projection": {"columns": _ONE, "size": _ONE},
                "periodic": {
                    "columns": _ONE,
                    "frequencies": _ONE,
                    "mixtures": _ONE,
                    "deviation": Number(0),
                },
                "embedding": {"levels": [_ONE], "size": _ONE},
                "learned_input_scale": {},
                "kernel_regression": {"rows": _ONE, "units": _ONE, "link": Choice(tuple(LINKS))},
                "wired": {"units": [{"name": str, "inputs": [_COUNT]}], "activation": _ACTIVATION},
            }
        )
    ],
}

MODEL: Form = {
    "backpass": str,
    "arithmetic": _ONE,
    "schema": {
        "features": [
            ByKind(
                {
                    "numeric": {
                        "name": str,
                        "percent": Optional(bool),
                        "reading": Optional(READING),
                        "bounds": Optional(bool),
                    },
                    "categorical": {"name": str, "levels": [str], "merges_case": Optional(bool)},
                    "date": {
                        "name": str,
                        "parts": [Choice(tuple(PARTS["date"]))],
                        "order": Optional(Choice(ORDERS)),
                        "notation": Optional(_counted("date")),
                    },
                    "time": {
                        "name": str,
                        "parts": [Choice(tuple(PARTS["time"]))],
                        "notation": Optional(_counted("time")),
                    },
                    "text": {
                        "name": str,
                        "rows": _ONE,
                        "expected": Number(0, 1),
                        **dict.fromkeys(("words", "buckets", "components"), _ONE),
                    },
                }
            )
        ],
        "target": str,
        "left_out": [str],
        "missing": [str],
        "notes": [str],
        "headerless": Optional([str]),
    },
    "head": ByName("heads", {"heads": [HEAD], "loss": _LOSS}, HEAD),
    "features": {
        "has_missing": [bool],
        "has_unknown": [bool],
        "coding": Optional([Choice(CODINGS)]),
        "knots": Optional([_ONE]),
        "clipped": Optional(bool),
    },
    "network": NETWORK,
    "others": Optional([{"networks": _ONE, "network": NETWORK}]),
    "shares": Optional([Number(0, 1)]),
    "residual_rows": Optional(_ONE),
    "residual_floor": Optional((_NUMBER, [(_NUMBER, NoneType)])),
    "later_residual_rows": Optional(_ONE),
    "later_is_gradual": Optional(bool),
    "spreads": Optional([Number(0, MOST_KNOTS, whole=True)]),
    "baselines": Optional([str]),
    "lookups": Optional(
        [
            {
                "name": Choice(("group", "seasonal", "last")),
                "column": str,
                "season": Choice(("", *SEASONS)),
                "keys": [str],
            }
        ]
    ),
    "training_rows": Optional({"rows": _ONE, "single": _COUNT, "profiled": _ONE}),
    "record": {
        "settings": dict,
        "rows": {...: _COUNT},
        "scores": _SCORES,
        "baselines": {...: _SCORES},
        "history": [EPOCH],
        "best_epoch": _COUNT,
        "steps": _COUNT,
        "reason": Choice(("finished", "patience", "time", "stopped", "interrupted", "diverged")),
        "notes": [str],
        "warnings": Optional([str]),
        "confusion": Optional({...: [[Number(0)]]}),
        "coverage": Optional(Number(0, 1)),
        "coverages": Optional([Number(0, 1)]),
        "weight": Optional(str),
        "split_columns": Optional({...: str}),
        "comparison": Optional(
            {
                "metric": str,
                "baseline": str,
                "network_score": _NUMBER,
                "baseline_score": _NUMBER,
                "low": _NUMBER,
                "high": _NUMBER,
            }
        ),
        "refit": Optional({"rows": _ONE, "epochs": [_COUNT]}),
        "horizon": Optional({"last": _NUMBER, "ahead": Number(0)}),
        "expected": Optional(
            {"scores": {...: _NUMBER}, "low": (_NUMBER, NoneType), "high": (_NUMBER, NoneType), "beyond": str}
        ),
        "features_of": Optional({"sha256": str, "targets": [str], "networks": _ONE}),
        "teacher": Optional({"columns": [str], "rows": {...: _COUNT}, "scores": _SCORES}),
        "candidates": Optional(
            [
                {
                    "settings": dict,
                    "scores": [_NUMBER],
                    "score": (_NUMBER, NoneType),
                    "networks": _COUNT,
                    "share": Number(0, 1),
                }
            ]
        ),
        "members": Optional([{"best_epoch": _COUNT, "epochs": _COUNT, "score": (_NUMBER, NoneType)}]),
        "columns": Optional(
            {
                ...: ByKind(
                    {
                        "numeric": {"missing": _COUNT, "quantiles": [_NUMBER], "whole": bool},
                        "categorical": {"missing": _COUNT, "counts": [_COUNT]},
                    }
                )
            }
        ),
    },
}
"""The facts of a model file."""

GROUPED: Form = {
    "model": MODEL,
    "groups": {
        "by": str,
        "kind": str,
        "keys": [str],
        "settings": dict,
        "min_rows": _ONE,
        "others": _COUNT,
        "scores": _SCORES,
        "notes": [str],
    },
}
"""The facts of the file of a grouped model."""

CHECKPOINT: Form = {
    "identity": dict,
    "runs": [(NoneType, {"step": _COUNT, "best_epoch": _COUNT, "fault": str, "ended": Choice(("", *OVER))})],
}
"""The facts of a checkpoint."""


def validate(value: Any, form: Form, place: str) -> str:
    """The first mismatch between a value and a form, in one line; empty if the value has the form.

    >>> validate({"rows": [3, -1]}, {"rows": [Number(0, whole=True)]}, "facts")
    'facts.rows[1] must be a whole number of at least 0; got -1'
    """
    if isinstance(form, Optional):
        return validate(value, form.form, place)
    if isinstance(form, ByName):
        return validate(value, form.there if isinstance(value, dict) and form.name in value else form.absent, place)
    if isinstance(form, tuple):
        errors = [validate(value, each, place) for each in form]
        return errors[-1] if all(errors) else ""
    if isinstance(form, list):
        if not isinstance(value, list):
            return _wrong(place, "a list", value)
        return next(
            (message for i, each in enumerate(value) if (message := validate(each, form[0], f"{place}[{i}]"))), ""
        )
    if isinstance(form, ByKind):
        kind = value.get("kind") if isinstance(value, dict) else value
        if not isinstance(kind, str) or kind not in form.forms:
            return _wrong(f"{place}.kind", f"one of {', '.join(form.forms)}", kind)
        return validate(value, {"kind": str, **form.forms[kind]}, place)
    if isinstance(form, dict):
        return _validate_names(value, form, place)
    if isinstance(form, Constraint):
        return "" if form.accepts(value) else _wrong(place, form.describe(), value)
    return "" if isinstance(value, form) else _wrong(place, f"of type {form.__name__}", value)


def _validate_names(value: Any, form: dict[Any, Form], place: str) -> str:
    if not isinstance(value, dict):
        return _wrong(place, "an object", value)
    any_name = form.get(...)
    if any_name is None:
        needed = {name for name, each in form.items() if not isinstance(each, Optional)}
        missing, extra = sorted(needed - value.keys()), sorted(value.keys() - form.keys())
        if missing or extra:
            return f"{place} lacks {missing[0]!r}" if missing else f"{place} has an unexpected {extra[0][:60]!r}"
    return next(
        (message for key in value if (message := validate(value[key], any_name or form[key], f"{place}.{key}"))), ""
    )


def _wrong(place: str, expected: str, value: Any) -> str:
    return f"{place[:200]} must be {expected}; got {repr(value)[:60]}"
