"""Consistency: checks that the components of a model fit one another.

It takes a model whose components are valid by themselves (see ``form``) and returns the first disagreement between
them. A file with a correct checksum may still be a forgery.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from re import fullmatch
from typing import Any

import numpy as np

from backpass.model.baseline.baseline import Baseline
from backpass.model.baseline.lookup import Lookup
from backpass.model.head.head import Head
from backpass.model.head.intervals import Intervals
from backpass.model.head.residuals import KEPT, Residuals
from backpass.model.head.spread import Spread
from backpass.model.head.target_head import TargetHead, options_of
from backpass.model.model import Model
from backpass.model.profile import has_mismatch
from backpass.model.record import Record, Scores
from backpass.model.settings.precision import dtype_of
from backpass.model.settings.settings import Settings
from backpass.model.training_rows import TrainingRows
from backpass.numerics.elementary import total

_ROUNDING = 1e-9
"""How far the sum of the shares may be from 1."""


def inconsistency(model: Model) -> str:
    """The first components of a model that disagree, in one line; empty if all agree."""
    schema, head, phi, network, record = model.schema, model.head, model.feature_map, model.network, model.record
    settings, theta = Settings.from_json(record.settings), model.theta
    if theta.shape[-1] != network.parameter_count:
        return f"the sizes of theta differ: {[theta.shape[-1], network.parameter_count]}"
    numbers, texts = len(schema.numbers), len(schema.texts)
    scaled = numbers + (phi.flags if phi.center.size > numbers else 0)
    known = {part for part in record.rows if part != "train"}
    targets = {each.target.name for each in head.targets}
    checks: list[tuple[str, list[Any]]] = [
        (
            "numbers of centers, scales and columns",
            [(phi.center.size, len(phi.has_missing)), (phi.scale.size, numbers), (scaled, numbers)],
        ),
        ("dtypes of centers and scales", [phi.center.dtype, phi.scale.dtype, np.dtype(np.float64)]),
        ("dtypes of knots", [np.dtype(np.float64), *(each.dtype for each in phi.knots)]),
        ("numbers of text columns", [len(phi.levels), texts]),
        ("names of the target", [head.target.name, schema.target]),
        ("numbers of names and columns", [len({*schema.kinds, *targets}), len(schema.features) + len(targets)]),
        *(check for each in head.targets for check in _checks_of(each, settings)),
        ("tasks of the outputs", [each.target.task for each in head.targets]),
        ("several outputs and their task", [not head.is_flat and head.target.task == "multiclass", False]),
        ("clipping and the settings", [phi.clipped, settings.numerical_scaling == "robust"]),
        ("metric and the settings", [head.requested_metric, settings.metric]),
        ("options of the loss and the settings", [dict(head.options), options_of(head.loss_name, settings)]),
        ("inputs of the network", [phi.width, network.inputs]),
        ("outputs of the network", [head.outputs, network.outputs]),
        ("numbers of networks", [model.networks if theta.ndim > 1 else 0, len(record.members)]),
        ("dtypes of theta", [dtype_of(settings.precision), *(each.theta.dtype for each in model.groups)]),
        *([] if not model.others else _checks_of_groups(model)),
        *([] if not model.shares else _checks_of_shares(model)),
        ("epochs and the best one", [0 <= record.best_epoch <= len(record.history), True]),
        ("columns and their profiles", [has_mismatch(record.columns, schema), False]),
        ("parts and the scores", [known, *(set(scores) for scores in _all_scores(record))]),
        ("parts and the scores", [True, *(_fits(each, head) for s in _all_scores(record) for each in s.values())]),
        ("metrics and the expected scores", [record.expected is None or _fits(record.expected.scores, head), True]),
        ("expected scores and the horizon", [record.expected is not None and record.horizon is None, False]),
        ("decision and the classes", [_is_decidable(head), True]),
        ("confusion matrices and the classes", [True, *(_is_square(C, head) for C in record.confusion.values())]),
        ("splits and the confusion matrices", [record.confusion.keys() <= known, True]),
        ("parts", ["train" in record.rows, known <= {"validation", "test"}, True]),
        *([] if not model.baselines else _checks_of_baselines(model.baselines, record)),
        *([] if not model.lookups else _checks_of_lookups(model.lookups, record)),
        *([] if model.intervals is None else _checks_of_intervals(model.intervals, head, record)),
        *([] if record.features_of is None else _checks_of_features(record.features_of, model)),
        *([] if model.training_rows is None else _checks_of_training_rows(model.training_rows, numbers, record)),
    ]
    return next((f"the {what} differ: {found}" for what, found in checks if any(e != found[0] for e in found)), "")


def _checks_of(head: TargetHead, settings: Settings) -> list[tuple[str, list[Any]]]:
    """The values that must be equal in the head of each target."""
    classes = head.target.classes
    return [
        ("numbers of classes", [len(classes), len(set(classes))]),
        ("tasks", [head.target.task, _task_for(len(classes))]),
        ("loss and the task", [head.loss_name == "cross_entropy", head.target.task != "regression"]),
        ("options of the loss and its name", [set(head.options), set(options_of(head.loss_name, settings))]),
        ("quantile and its range", [0.0 < head.q < 1.0, True]),
        (
            "bounds and the settings",
            [head.scale.low is not None, head.scale.high is not None, head.bounded(settings)],
        ),
        ("transform of the target and the settings", [head.is_log, settings.target_transform == "log"]),
    ]


def _checks_of_groups(model: Model) -> list[tuple[str, list[Any]]]:
    first, *others = model.groups
    return [
        ("inputs of the networks", [first.network.inputs, *(each.network.inputs for each in others)]),
        ("outputs of the networks", [first.network.outputs, *(each.network.outputs for each in others)]),
        ("projections of the networks", [first.fixed_shapes, *(each.fixed_shapes for each in others)]),
        ("theta of several networks", [model.theta.ndim, 2]),
    ]


def _checks_of_shares(model: Model) -> list[tuple[str, list[Any]]]:
    return [
        ("numbers of shares and networks", [len(model.shares), model.networks]),
        ("shares and their signs", [True, *(share > 0.0 for share in model.shares)]),
        ("sum of the shares and 1", [abs(total(model.shares) - 1.0) < _ROUNDING, True]),
    ]


def _checks_of_baselines(baselines: Sequence[Baseline], record: Record) -> list[tuple[str, list[Any]]]:
    names = [each.name for each in baselines]
    sizes = [each.linear.columns * each.linear.outputs for each in baselines]
    return [
        ("names of the baselines", [sorted(names), sorted(set(names) & set(record.baselines))]),
        ("sizes of the baselines", [[each.theta.size for each in baselines], sizes]),
        ("dtypes of the baselines", [np.dtype(np.float64), *(each.theta.dtype for each in baselines)]),
    ]


def _checks_of_lookups(lookups: Sequence[Lookup], record: Record) -> list[tuple[str, list[Any]]]:
    names, columns = [each.name for each in lookups], {each.column for each in lookups}
    return [
        ("names of the lookups", [sorted(names), sorted({*names} & {"group", "last", "seasonal"})]),
        ("columns of the lookups", [columns <= record.split_columns.keys(), True]),
        ("seasons of the lookups", [True, *((each.name == "seasonal") == bool(each.season) for each in lookups)]),
        ("keys of the lookups", [True, *(len({*each.keys}) == len(each.keys) for each in lookups)]),
        ("dtypes of the lookups", [np.dtype(np.float64), *(each.cells.dtype for each in lookups)]),
    ]


def _checks_of_intervals(intervals: Intervals, head: Head, record: Record) -> list[tuple[str, list[Any]]]:
    return [
        ("numbers of residuals and targets", [len(intervals.each), len(head.targets)]),
        ("widths of later rows and their residuals", [intervals.is_gradual and not intervals.later, False]),
        ("residuals of later rows and the horizon", [bool(intervals.later) and record.horizon is None, False]),
        *(check for each in (*intervals.each, *intervals.later) for check in _checks_of_residuals(each, head)),
    ]


def _checks_of_residuals(residuals: Residuals, head: Head) -> list[tuple[str, list[Any]]]:
    values = residuals.values
    return [
        ("numbers of residuals and rows", [values.size, min(residuals.rows, KEPT)]),
        ("dtypes of residuals", [values.dtype, np.dtype(np.float64)]),
        ("residuals and the task", ["regression", head.target.task]),
        ("residuals and their order", [values.tolist(), sorted(np.abs(values).tolist())]),
        *([] if residuals.spread is None else _checks_of_spread(residuals.spread)),
    ]


def _checks_of_spread(spread: Spread) -> list[tuple[str, list[Any]]]:
    knots = spread.knots.tolist()
    return [
        ("numbers of knots and factors of the spread", [True, 2 <= len(knots) == len(spread.factors)]),
        ("dtypes of the spread", [np.dtype(np.float64), spread.knots.dtype, spread.factors.dtype]),
        ("knots of the spread and their order", [knots, sorted({*knots})]),
        ("factors of the spread", [True, bool((spread.factors > 0.0).all())]),
    ]


def _checks_of_training_rows(kept: TrainingRows, numbers: int, record: Record) -> list[tuple[str, list[Any]]]:
    return [
        ("numbers and their counts", [len(kept.below), numbers]),
        ("training rows and the profiles", [bool(record.columns), True]),
        (kept.error or "training rows", [kept.error, ""]),
    ]


def _checks_of_features(source: Mapping[str, Any], model: Model) -> list[tuple[str, list[Any]]]:
    return [
        (
            "digest of the model of the features and a SHA-256",
            [bool(fullmatch("[0-9a-f]{64}", source["sha256"])), True],
        ),
        ("networks and those of the features", [len(np.atleast_2d(model.theta)) <= source["networks"], True]),
        ("layers and those of features", [len(model.network.layers) > 1, True]),
    ]


def _fits(scores: Mapping[str, float], head: Head) -> bool:
    """Whether scores are metrics of the head, the one that selects the epoch among them."""
    return head.metric in scores and scores.keys() <= {*head.all_metrics}


def _is_square(counts: Sequence[Sequence[float]], head: Head) -> bool:
    """Whether a confusion matrix has a row and a column for each class."""
    k = len(head.classes)
    return k > 0 and len(counts) == k and all(len(row) == k for row in counts)


def _is_decidable(head: Head) -> bool:
    """Whether the decision, if any, is about the classes of one target."""
    decision, k = head.decision, len(head.classes)
    if decision is None:
        return True
    numbers = (*(decision.cost or ()), *decision.weights)
    if not k or min(numbers, default=1.0) <= 0.0 or len(decision.cost or (1.0, 1.0)) != 2:
        return False
    return len(decision.weights) == k if k > 2 else decision.positive < 2 and not decision.weights


def _task_for(classes: int) -> str:
    """The task that belongs to a number of classes."""
    return {0: "regression", 1: "none with a single class", 2: "binary"}.get(classes, "multiclass")


def _all_scores(record: Record) -> list[Scores]:
    return [record.scores, *record.baselines.values(), *([record.teacher_scores] if record.teacher_scores else [])]
