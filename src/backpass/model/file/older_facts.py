"""Older facts: translates the facts of files of formats 1 and 2 to the names of format 3.

Format 3 holds the same facts as format 2 under some other names. ``upgraded`` takes facts as they were read, of any
shape, and renames the ones it knows; whether they describe a model is checked afterwards. The earlier names are in
this module and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from backpass.model.file.strict_json import JSON

SETTING_NAMES: Mapping[str, str] = {
    "valid_fraction": "validation_fraction",
    "text_coding": "categorical_encoding",
    "one_hot_levels": "max_one_hot_levels",
    "embedding_size": "embedding_dim",
    "number_ranks": "quantile_features",
    "number_embedding": "numerical_embedding",
    "front_scale": "learned_input_scale",
    "learned_activation": "parametric_activation",
    "bounds": "clip_predictions",
    "rate_factor": "learning_rate_multiplier",
    "clip_norm": "max_grad_norm",
    "iterations": "max_steps",
    "ensemble": "ensemble_size",
    "ensemble_rows": "ensemble_split",
}
"""Settings renamed in format 3: earlier name -> name."""

_SETTING_VALUES: Mapping[str, Mapping[str, str]] = {
    "parametrization": {"scaled": "ntk"},
    "sampling": {"whole_batches": "epoch_drop_last"},
}
_GROUPS = {"front_scale": "learned_input_scale"}
_LAYERS = {"front_scale": "learned_input_scale", "learned_activation": "parametric_activation"}
_KINDS = {"number": "numeric", "text": "categorical"}
_SPLITS = {"valid": "validation"}


def upgraded(kind: str, facts: JSON) -> Any:
    """The facts of a model or a checkpoint of format 1 or 2, in the names of format 3."""
    if kind == "checkpoint":
        return _changed(facts, "identity", lambda identity: _changed(_settings(identity), "network", _network))
    facts = _changed(facts, "network", _network)
    facts = _changed(facts, "schema", lambda schema: _changed(schema, "features", _each(_with_kind(_KINDS))))
    facts = _changed(facts, "head", _head)
    return _changed(facts, "record", _record)


def _settings(settings: JSON) -> JSON:
    settings = _renamed(settings, SETTING_NAMES)
    for name, values in _SETTING_VALUES.items():
        settings = _changed(settings, name, _one_of(values))
    return _changed(settings, "learning_rate_multiplier", _each(_pair))


def _pair(pair: JSON) -> JSON:
    """A parameter group and its multiplier."""
    return [_one_of(_GROUPS)(pair[0]), *pair[1:]] if isinstance(pair, list) and pair else pair


def _network(network: JSON) -> JSON:
    return _changed(network, "layers", _each(_with_kind(_LAYERS)))


def _head(head: JSON) -> JSON:
    head = _changed(head, "heads", _each(_head))
    return _changed(head, "target", lambda target: _changed(target, "class_kind", _one_of(_KINDS)))


def _record(record: JSON) -> JSON:
    record = _changed(record, "settings", _settings)
    for name in ("rows", "scores"):
        record = _changed(record, name, lambda splits: _renamed(splits, _SPLITS))
    record = _changed(record, "baselines", _each(lambda scores: _renamed(scores, _SPLITS)))
    return _changed(record, "columns", _each(_with_kind(_KINDS)))


def _renamed(value: JSON, names: Mapping[str, str]) -> JSON:
    """An object with renamed keys, in the same order."""
    return {names.get(key, key): each for key, each in value.items()} if isinstance(value, dict) else value


def _changed(value: JSON, key: str, change: Callable[[JSON], JSON]) -> JSON:
    """An object with one entry changed, if it has that entry."""
    if not isinstance(value, dict) or key not in value:
        return value
    return {**value, key: change(value[key])}


def _each(change: Callable[[JSON], JSON]) -> Callable[[JSON], JSON]:
    """A change applied to every element of a list, or to every value of an object."""

    def changed(values: JSON) -> JSON:
        if isinstance(values, dict):
            return {key: change(each) for key, each in values.items()}
        return [change(each) for each in values] if isinstance(values, list) else values

    return changed


def _one_of(names: Mapping[str, str]) -> Callable[[JSON], JSON]:
    return lambda value: names.get(value, value) if isinstance(value, str) else value


def _with_kind(names: Mapping[str, str]) -> Callable[[JSON], JSON]:
    return lambda value: _changed(value, "kind", _one_of(names))
