"""Preparation: from a table to a problem: split the rows, choose and scale the columns, build the network.

It takes a Table and Settings. Its decisions (columns, scales, network) depend on training rows only.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.engine import Engine
from backpass.errors import DataError, UsageError
from backpass.model.fitting.problem.building import build_network
from backpass.model.fitting.problem.data_split import DataSplit, Rows
from backpass.model.fitting.problem.division import divide, possible_inputs
from backpass.model.fitting.problem.encoded_rows import EncodedRows, encodings_of, splits_of
from backpass.model.fitting.problem.notes import run_notes, spelling_notes
from backpass.model.fitting.problem.problem import Problem, Source
from backpass.model.fitting.teaching.scores import with_teacher_checked
from backpass.model.fitting.teaching.teacher import Teacher, check_names, named_teacher
from backpass.model.fitting.transfer.feature_source import FeatureSource
from backpass.model.head.class_weights import class_weights, imbalance_notes, weighted_decision
from backpass.model.head.decision import Decision
from backpass.model.head.head import Head
from backpass.model.head.target_head import require_positive
from backpass.model.metrics import FEWEST_ROWS
from backpass.model.profile import profiles_of
from backpass.model.settings.declarations import BY_NAME
from backpass.model.settings.settings import Settings
from backpass.model.split.splits import split_folds
from backpass.model.split.units import Units
from backpass.model.training_rows import TrainingRows, row_digests
from backpass.network import FeatureMap, Network, Projection
from backpass.table import Schema, Table, required_kind
from backpass.table.diagnosis.diagnostics import worst_findings
from backpass.table.diagnosis.skewness import skewness_of
from backpass.table.labeled import Labeled, check_weight_name
from backpass.table.memory import require_memory, return_freed
from backpass.table.messages import shown
from backpass.table.targets import Targets, target_names
from backpass.training.projection import projection_of

_MANY = 100_000
"""Rows from which the memory that preparation frees is returned to the system, which takes a few milliseconds."""


def make_problem(
    table: Table,
    target: str | Sequence[str],
    settings: Settings,
    *,
    validation: Table | None = None,
    test: Table | None = None,
    drop: Sequence[str] = (),
    columns: Sequence[str] | None = None,
    weight: str | None = None,
    teacher: Any = None,
    features_of: FeatureSource | None = None,
    strict: bool = False,
    diagnose: bool = True,
    distinguishing: Sequence[str] = (),
    owned: bool = False,
) -> Problem:
    """Split the rows, choose and scale the columns on the training rows, build the network.

    Args:
        table: The rows.
        target: The column to predict, or several.
        settings: The settings.
        validation: Rows for validation, in place of a share of the table.
        test: Rows for the test score, in place of a share of the table.
        drop: Columns to leave out.
        columns: The only columns to learn from. Default None: all.
        weight: The column of row weights, which is not a feature. Default None: all rows have weight 1.
        teacher: The columns of another model's predictions, or the predictions. Default None: there is no teacher.
        features_of: The model whose learned features are kept. Default None: all layers are trained.
        strict: Whether a row without a target raises an error. Default False: it is left out, with a note.
        diagnose: Whether to look for what makes scores too good: leaks, dependent rows, and rows in two splits. Default
            True.
        distinguishing: Columns that are not inputs but distinguish rows with equal inputs. Default ().
        owned: Whether the tables are used nowhere else: their columns are freed as they become inputs of the network,
            so that both never need memory at the same time. Default False.

    Raises:
        DataError: The tables lack something.
        UsageError: The settings do not fit the tables.
    """
    names = target_names(target)
    table, taught_by = named_teacher(table, teacher)
    split_by = [name for name in (settings.group, settings.time) if name is not None]
    _check_roles(names, columns or (), weight, taught_by, split_by)
    if features_of is not None:
        settings = features_of.settings(settings)
        roles: dict[str, Sequence[str]] = {"the target": names, "a column of the teacher": taught_by}
        roles["the weight column"] = () if weight is None else (weight,)
        features_of.check(table, roles, drop, columns)
        columns = features_of.columns
    labeled = Labeled.of(table, names, weight, strict=strict)
    keeps_rows = bool(settings.refit or split_by)
    owned = owned and not keeps_rows and not taught_by
    original, table = table, labeled.table
    targets = Targets.fit(table, names, settings.task)
    known = _teacher(taught_by, targets, table, settings)
    given = {"validation": validation, "test": test}
    others = {
        name: None if each is None else Labeled.of(each, names, weight, strict=strict) for name, each in given.items()
    }
    if settings.target_transform == "log" and targets.task == "regression":
        require_positive(targets, [each.table for each in (labeled, *others.values()) if each is not None])
    if owned:
        for one, kept in [(original, labeled), *((given[name], others[name]) for name in given)]:
            _give_up_copied(one, kept)
    left_out = (*drop, *taught_by) if weight is None else (*drop, *taught_by, weight)
    inputs = [*possible_inputs(table, names, settings, left_out, columns), *distinguishing]
    division = divide(labeled, targets, settings, inputs, teacher=known, diagnose=diagnose, **others)
    _check_classes(table.source, targets, division.rows["train"])
    notes, warnings = [*division.notes], [*division.warnings, *_few_training_rows(division.rows["train"])]
    notes += _none_held_out(table.rows, settings)
    if features_of is not None:
        found = features_of.findings(table, names, (*left_out, *split_by))
        notes, warnings = [*notes, *found.notes], [*warnings, *found.warnings]
    remake = partial(
        _remade, targets=targets, settings=settings, left_out=left_out, columns=columns, features_of=features_of
    )
    kinds = {name: required_kind(table.columns[name]) for name in split_by}
    problem = replace(
        remake(division.rows, notes=notes, warnings=warnings, diagnose=diagnose, owned=owned),
        weight=weight or "",
        split_columns=kinds,
        source=Source(division.rows, remake) if keeps_rows else None,
        teacher=known,
    )
    if table.rows >= _MANY:
        return_freed()
    return problem if known is None else with_teacher_checked(problem, diagnose=diagnose)


def _check_roles(
    targets: Sequence[str], columns: Sequence[str], weight: str | None, teacher: Sequence[str], splits: Sequence[str]
) -> None:
    """Check that no column has two roles that exclude each other.

    Raises:
        UsageError: The weight is the target or a feature, or a column of the teacher has another role.
    """
    if weight is not None:
        check_weight_name(weight)
        if weight in (*targets, *columns):
            raise UsageError(f"{weight!r} is the weight column", hint="it can be neither the target nor a feature")
    check_names(
        teacher,
        the_target=targets,
        a_feature=columns,
        the_weight=() if weight is None else (weight,),
        a_column_that_splits_the_rows=splits,
    )


def _teacher(names: Sequence[str], targets: Targets, table: Table, settings: Settings) -> Teacher | None:
    """The teacher whose predictions these columns hold; None without columns.

    Raises:
        UsageError: There is a weight of the teacher, but no teacher.
    """
    if names:
        return Teacher.of(names, targets, _positive(targets, table, settings), settings.loss)
    if settings.teacher_weight != BY_NAME["teacher_weight"].default:
        raise UsageError("--teacher-weight needs a teacher", hint="name its columns (--teacher), or leave it out")
    return None


def _check_classes(source: str, targets: Targets, train: Rows) -> None:
    """Check that the training rows have more than one class.

    Raises:
        DataError: All of them have the same class of a target.
    """
    for each, y in targets.columns(train.truth):
        if each.task != "regression" and y.max() == y.min():
            raise DataError(
                f"{source}: all {len(train)} training rows have the same class of target {each.name!r}",
                hint="use more rows of the other classes, another --seed or a smaller --test-fraction",
            )


def _few_training_rows(train: Rows) -> list[str]:
    return ["there is only one training row: the network can only learn its target"] if len(train) == 1 else []


def _none_held_out(rows: int, settings: Settings) -> list[str]:
    """A note if the table is too small for the held-out rows that the settings ask for."""
    if rows >= FEWEST_ROWS or settings.validation_fraction + settings.test_fraction == 0:
        return []
    few, it = ("1 row", "it is") if rows == 1 else (f"{rows} rows", "all of them are")
    return [f"only {few}: {it} used for training, and none are held out; pass held-out rows in a file"]


def _give_up_copied(table: Table | None, kept: Labeled | None) -> None:
    """Free the columns of a table whose labeled rows were copied, because it has others."""
    if table is not None and kept is not None and kept.table.columns is not table.columns:
        for name in [*table.columns]:
            table.give_up(name)


def _positive(targets: Targets, table: Table, settings: Settings) -> int:
    """The number of the positive class of two; 1 for other targets."""
    has_two = targets.is_flat and targets.task == "binary"
    decision = Decision.fit(targets.each[0], targets.encode(table), settings) if has_two else None
    return 1 if decision is None else decision.positive


def _remade(
    rows: Mapping[str, Rows],
    *,
    targets: Targets,
    settings: Settings,
    left_out: Sequence[str],
    columns: Sequence[str] | None,
    features_of: FeatureSource | None,
    notes: Sequence[str] = (),
    warnings: Sequence[str] = (),
    diagnose: bool = False,
    owned: bool = False,
) -> Problem:
    """The problem of splits of rows: everything in it is fitted on those that train."""
    train = rows["train"]
    hidden = [settings.group] if settings.group is not None and settings.group not in (columns or ()) else []
    name, *others = targets.names
    leaves = [*left_out, *hidden]
    table = train.view
    if features_of is None:
        schema = Schema.fit(table, name, others=others, drop=leaves, columns=columns, embeds=settings.embeds)
    else:
        schema = features_of.schema(table, targets.names)
    settings = settings.suited(targets.task, table.rows, len(schema.features))
    head = Head.of(targets, train.truth, settings)
    single = targets.each[0] if targets.is_flat else None
    of_classes = None if single is None else class_weights(single, settings, train.truth, train.weights)
    if of_classes is not None and head.decision is not None and settings.threshold is None and settings.cost is None:
        head = replace(head, decision=weighted_decision(head.decision, of_classes))
    notes = [*([] if single is None else imbalance_notes(single, settings, train.truth)), *notes]
    used = [feature.name for feature in schema.features]
    if settings.time in used and settings.time not in (columns or ()):
        name, drop = shown(settings.time), f"--drop {shlex.quote(settings.time)}"
        notes.append(
            f"column {name} splits the rows by time and is also a feature; {drop} removes it from the features"
        )
    for each, y in targets.columns(train.truth):
        if each.task == "regression" and settings.loss in (None, "squared") and not head.is_log:
            notes += [text] if (text := skewness_of(each.name, y)) else []
        if diagnose:
            notes += worst_findings(table, used, each, y)
    shared: Any = {"features_of": features_of, "notes": notes, "warnings": warnings, "owned": owned}
    problem = assemble(settings, schema, head, rows, **shared)
    return replace(problem, class_weights=of_classes)


def assemble(
    settings: Settings,
    schema: Schema,
    head: Head,
    rows: Mapping[str, Rows],
    *,
    feature_map: FeatureMap | None = None,
    features_of: FeatureSource | None = None,
    notes: Sequence[str] = (),
    warnings: Sequence[str] = (),
    owned: bool = False,
) -> Problem:
    """The problem of splits whose columns and targets are known: fit the scales, build the network, encode the rows.

    Args:
        settings: The settings.
        schema: The columns.
        head: The meaning of the outputs.
        rows: "train", and other splits that have rows.
        feature_map: The feature map. Default None: fitted on "train".
        features_of: The model whose feature map and learned features are kept. Default None: all layers are trained.
        notes: Notes about the table.
        warnings: What makes scores too good.
        owned: Whether the tables may lose their columns, see ``make_problem``.

    Raises:
        DataError: The tables lack something, or the precision cannot represent a target.
    """
    encodings = encodings_of(schema, rows)
    train = encodings["train"]
    if features_of is None:
        feature_map = _feature_map(settings, schema, train) if feature_map is None else feature_map
        network = build_network(settings, schema, feature_map, head.outputs, len(rows["train"]))
    else:
        feature_map = features_of.model.feature_map
        network = features_of.network(head.outputs, settings.output_activation)
    profiles = profiles_of(schema, train.numbers, train.codes)
    problem = Problem(settings, schema, head, feature_map, network, {}, (), profiles)
    _require_memory(problem, {name: len(each) for name, each in rows.items()})
    # Before the inputs of the network exist, because both take memory.
    pool = [name for name in ("train", "validation") if name in rows]
    digests = [row_digests(encodings[name].numbers, encodings[name].codes, rows[name].truth) for name in pool]
    training_rows = TrainingRows.of(schema, profiles, train.numbers, digests)
    del digests
    parts = splits_of(problem, rows, encodings, owned=owned)
    kept = None if features_of is None else features_of.features(parts["train"].x, problem.engine)
    table = rows["train"].whole
    _require_representable(head, parts["train"], table, settings.precision)
    units = {name: each.units for name, each in rows.items() if each.units is not None}
    folds = split_folds(
        np.concatenate([parts[name].truth for name in pool]),
        settings,
        by_class=head.target.task != "regression",
        units=Units.joined([units[name] for name in pool]) if {*pool} <= units.keys() else None,
    )
    all_notes = (
        *table.notes,
        *(note for each in head.targets for note in each.target.notes),
        *schema.notes,
        *spelling_notes(schema, head),
        *notes,
        *run_notes(settings, rows, network, has_folds=bool(folds)),
        *(() if kept is None else kept.notes),
    )
    return replace(
        problem,
        parts=parts,
        notes=all_notes,
        of_source=table.of_source,
        folds=folds,
        fixed=fixed_of(network, parts["train"].x, problem.engine) if kept is None else {},
        kept=kept,
        warnings=tuple(warnings),
        training_rows=training_rows,
        units=units,
    )


def _feature_map(settings: Settings, schema: Schema, train: EncodedRows) -> FeatureMap:
    """The feature map that is fitted on the training rows."""
    return FeatureMap.fit(
        train.numbers,
        train.codes,
        [len(f.levels) for f in schema.texts],
        scaled_flags=settings.categorical_encoding == "scaled",
        max_one_hot_levels=settings.max_one_hot_levels,
        periods=schema.periods,
        leads=[number.leads for number in schema.numbers],
        marks=[number.marks for number in schema.numbers],
        ranks=settings.quantile_features,
        scaling=settings.numerical_scaling,
    )


def _require_representable(head: Head, train: DataSplit, table: Table, precision: str) -> None:
    """Check that the encoded targets of the training rows are finite.

    Raises:
        DataError: Names the first target with a number that is too large for the precision.
    """
    is_finite = np.isfinite(train.y)
    if is_finite.all():
        return
    first = int(np.argmin(is_finite.reshape(train.rows, -1).all(axis=0)))
    raise DataError(
        f"{table.source}: target {head.targets[first].target.name!r} holds numbers too large for {precision}",
        hint="convert it to a larger unit, or use --precision float64",
    )


def _require_memory(problem: Problem, rows: Mapping[str, int]) -> None:
    """Check that there is memory for the inputs of every row, for training, and for the outputs for held-out rows.

    Training keeps theta with gradient, two moments and the best theta. Scores take the outputs of the split with the
    most rows, averaged, of one more network, and as probabilities in float64. With folds, every row that is no test row
    is held out once.
    """
    network, bytes_each = problem.network, problem.dtype.itemsize
    count = sum(rows.values())
    inputs = count * (4 * len(problem.schema.texts) + bytes_each * network.inputs)
    thetas = 5 * bytes_each * network.parameter_count
    what = f"a network of {network.inputs:,} inputs and {network.parameter_count:,} parameters, on {count:,} rows,"
    hint = "fewer columns (--drop), a smaller --hidden, or embeddings of the categories (--max-one-hot-levels 20)"
    require_memory(inputs + thetas, what, hint)
    has_folds = problem.settings.ensemble_split == "folds" and problem.settings.ensemble_size > 1
    held_out = [rows.get("test", 0), count - rows.get("test", 0) if has_folds else rows.get("validation", 0)]
    what = f"scoring {max(held_out):,} held-out rows of {network.outputs:,} outputs"
    hint = "fewer held-out rows (--test-fraction, --validation-fraction), or fewer classes"
    require_memory(inputs + thetas + max(held_out) * network.outputs * (2 * bytes_each + 8), what, hint)


def fixed_of(network: Network, x: NDArray[Any], engine: Engine) -> dict[str, NDArray[Any]]:
    """The parameters that are fitted to the inputs of the training rows and not trained, by name."""
    found = ((layer, number) for number, layer, _ in network.numbered() if isinstance(layer, Projection))
    return next((projection_of(layer, x, number, engine) for layer, number in found), {})
