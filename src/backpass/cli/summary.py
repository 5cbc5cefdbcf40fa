"""The summary of a fit: table, columns and network before training, scores after it.

Functions take a problem or a model and return labeled lines, or the same facts as plain data for ``--json``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from backpass.cli.note_lines import note_lines
from backpass.cli.scores.model_scores import PARTS
from backpass.engine import why_slow
from backpass.model import Model, Problem, Settings
from backpass.model.fitting.outcome.neighbors import trained_members
from backpass.model.fitting.problem.problem import batch_size_for
from backpass.model.fitting.transfer.kept_features import KeptFeatures
from backpass.model.head.head import Head
from backpass.model.metrics.decision import Counts
from backpass.model.metrics.per_class import of_counts
from backpass.model.record import COVERAGE_LEVEL
from backpass.network import FeatureMap, Network, ParametricActivation, Wired
from backpass.table import Schema, Table
from backpass.table.feature import feature_to_json
from backpass.table.messages import counted, excerpt, listed, shown

Lines = list[tuple[str, str]]
"""Pairs of a label and a text."""


def before(table: Table, problem: Problem, *, verbose: bool = False) -> Lines:
    """Return the lines that are printed before training; ``verbose`` prints every note."""
    return [table_line(table), *of_problem(problem, verbose=verbose)]


def table_line(table: Table) -> tuple[str, str]:
    """Return the line that names a table and its size."""
    width = len(table.names) + len(table.left_out)
    return "table", f"{table.source}: {counted(table.rows, 'row')} x {counted(width, 'column')}"


def of_problem(problem: Problem, *, verbose: bool = False) -> Lines:
    """Return the lines of ``before`` that describe the problem."""
    notes = [("note", note) for note in note_lines(problem.notes, verbose=verbose)]
    if problem.settings.engine == "auto" and (reason := why_slow()):
        notes.append(("note", f"{reason}: training is several times slower than it could be"))
    return [
        ("target", target_line(problem.head)),
        ("columns", columns_line(problem.schema, problem.feature_map)),
        ("rows", rows_line(problem.counts)),
        ("network", network_line(problem.network)),
        *([] if problem.kept is None else [("features", kept_line(problem.kept, problem.trained_network))]),
        ("training", training_line(problem)),
        ("engine", problem.trainer.description),
        *notes,
    ]


def kept_line(kept: KeptFeatures, trained: Network) -> str:
    """Format the kept features of a fit: ``128 of each network, kept from a model of price; ...``"""
    targets = listed([shown(name)[1:-1] for name in kept.facts["targets"]])
    each = " of each network" if len(kept.theta) > 1 else ""
    count = counted(trained.parameter_count, "parameter")
    return f"{kept.size}{each}, kept from a model of {targets}; trained: the output layer{each}, {count}"


def target_line(head: Head) -> str:
    """Format targets and task: ``price, regression``; of two classes, also the positive one"""
    target = head.target
    names = list(dict.fromkeys(shown(each.target.name)[1:-1] for each in head.targets))
    if target.task == "regression":
        return f"{', '.join(names)}, regression"
    if len(names) > 1:
        held = [" and ".join(shown(name) for name in each.target.classes) for each in head.targets]
        return f"{', '.join(names)}, labels: {'; '.join(dict.fromkeys(held))}"
    classes = excerpt(target.classes, shown)
    text = f"{shown(target.name)[1:-1]}, {target.task} classification, {len(target.classes)} classes: {classes}"
    return f"{text}; positive: {shown(head.classes[head.positive])}" if len(head.classes) == 2 else text


def decision_line(head: Head) -> str:
    """Format the decision: ``'yes' if its probability is at least 0.071 (cost 50 : 500)``; empty if nothing is set"""
    decision = head.decision
    if decision is None or not decision.rule:
        return ""
    if decision.weights:
        return f"the largest probability times class weight: {listed([f'{w:.4g}' for w in decision.weights])}"
    cost = "" if decision.cost is None else f" {decision.cost[0]:g} : {decision.cost[1]:g}"
    how = "" if decision.rule == "value" else f" ({decision.rule.replace('_', ' ')}{cost})"
    return f"{shown(head.classes[decision.positive])} if its probability is at least {decision.threshold:.4g}{how}"


def columns_line(schema: Schema, feature_map: FeatureMap) -> str:
    """Format the number of columns of each kind, the columns with missing values, and the category counts."""
    texts, datetimes, sentences = schema.texts, schema.datetimes, schema.free_texts
    kinds = {feature.name: feature.kind for feature in schema.features}
    gaps = [number.column for number, missing in zip(schema.numbers, feature_map.has_missing, strict=True) if missing]
    gaps = [name for name in gaps if kinds[name] != "text"]
    numbers = len(schema.features) - len(texts) - len(datetimes) - len(sentences)
    found = []
    if numbers:
        missing = f" (missing values in {listed([shown(name)[1:-1] for name in gaps])})" if gaps else ""
        found.append(f"{numbers} numeric{missing}")
    of_kind = {kind: [shown(each.name)[1:-1] for each in datetimes if each.kind == kind] for kind in ("date", "time")}
    found += [f"{len(names)} {kind} ({excerpt(names)})" for kind, names in of_kind.items() if names]
    if texts:
        sizes = _sizes([(text.name, len(text.levels)) for text in texts], "category")
        found.append(f"{len(texts)} categorical ({sizes})")
    if sentences:
        sizes = _sizes([(each.name, each.encoding.components) for each in sentences], "component")
        found.append(f"{len(sentences)} free text ({sizes})")
    return ", ".join(found)


def _sizes(columns: Sequence[tuple[str, int]], noun: str) -> str:
    """Format the sizes of columns; the noun follows the first one.

    >>> _sizes([("city", 30), ("type", 3)], "category")
    'city: 30 categories, type: 3'
    """
    (first, size), *others = columns
    texts = [f"{shown(first)[1:-1]}: {counted(size, noun)}"]
    return excerpt([*texts, *(f"{shown(name)[1:-1]}: {size:,}" for name, size in others)])


def rows_line(rows: dict[str, int]) -> str:
    """Format the sizes of the splits: ``13,210 training, 3,302 validation, 4,128 test``"""
    return ", ".join(f"{rows[part]:,} {name}" for part, name in PARTS.items() if part in rows)


def network_line(network: Network) -> str:
    """Format the network: ``8 -> 256 -> 256 -> 1, relu, 68,353 parameters``"""
    wired = [isinstance(layer, Wired) for _, layer, _ in network.numbered() if layer.neurons]
    widths = [f"{width} (wired)" if flag else str(width) for width, flag in zip(network.widths, wired, strict=True)]
    activations = [str(layer.activation) for layer in network.layers if hasattr(layer, "activation")]
    # A parametric activation follows a dense layer whose own activation is the identity.
    learned = any(isinstance(layer, ParametricActivation) for layer in network.layers)
    named = [name for name in dict.fromkeys(activations[:-1]) if not (learned and name == "identity")]
    if activations[-1] != "identity":
        named.append(f"output {activations[-1]}")
    arrows = " -> ".join([str(network.inputs), *widths])
    return ", ".join([arrows, *named, counted(network.parameter_count, "parameter")])


def training_line(problem: Problem) -> str:
    """Format preset, loss, optimizer, learning rate, batch size, epochs and seed."""
    settings = problem.settings
    rows = problem.trained.rows
    batch = rows if settings.sampling == "full" else min(batch_size_for(settings, rows), rows)
    has_dropout = settings.dropout and settings.hidden and problem.kept is None
    dropout = [f"dropout {settings.dropout:g}"] if has_dropout else []
    until = [f"{settings.max_steps:,} steps"] if settings.max_steps else []
    return ", ".join(
        [
            f"preset {settings.preset}",
            f"{problem.head.loss_name} loss{' of the logarithm' if problem.head.is_log else ''}",
            settings.optimizer,
            f"learning rate {settings.learning_rate:g} ({settings.schedule})",
            *dropout,
            f"{counted(batch, 'row')} per step",
            *(until or [counted(settings.epochs, "epoch")]),
            *([f"{settings.candidates} candidates"] if settings.candidates > 1 else []),
            *([f"{settings.ensemble_size} networks"] if settings.ensemble_size > 1 else []),
            f"seed {settings.seed}",
        ]
    )


def teacher_line(model: Model) -> str:
    """Format the teacher: ``p(no), p(yes), weight 0.5, on 640 of 640 training rows``; empty without one."""
    teacher, rows = model.record.teacher, model.record.rows
    if teacher is None:
        return ""
    columns = listed([shown(name)[1:-1] for name in teacher["columns"]])
    weight = Settings.from_json(model.record.settings).teacher_weight
    have = f"{teacher['rows'].get('train', 0):,} of {counted(rows.get('train', 0), 'training row')}"
    return f"{columns or 'another model'}, weight {weight:g}, on {have}"


def features_line(model: Model) -> str:
    """Format where kept features come from: ``those of a model of price (SHA-256 ...); ...``; empty without any."""
    source = model.record.features_of
    if source is None:
        return ""
    targets, trained = listed([shown(name)[1:-1] for name in source["targets"]]), _output_parameters(model.network)
    return (
        f"those of a model of {targets} (its file has SHA-256 {source['sha256']}); "
        f"trained: the {counted(trained, 'parameter')} of the output layer"
    )


def _output_parameters(network: Network) -> int:
    """The number of parameters of the output layer."""
    *_, (number, layer, width) = network.numbered()
    return sum(parameter.size for parameter in layer.parameters(width, number))


def run_line(model: Model) -> str:
    """Format how many epochs and steps the run took, why it ended, and the best epoch."""
    record = model.record
    ends = {
        "finished": "",
        "patience": " (no improvement)",
        "time": " (time limit reached)",
        "stopped": " (stopped)",
        "interrupted": " (interrupted)",
        "diverged": " (diverged)",
    }
    if members := trained_members(model):
        best = ", ".join(str(member["best_epoch"]) for member in members)
        end = ends.get(record.reason, "") if record.reason != "patience" else ""  # each network has its own patience
        return f"{counted(len(members), 'network')}, {counted(record.steps, 'step')}{end}; best epochs {best}"
    done = len(record.history)
    ended = f"{counted(done, 'epoch')}, {counted(record.steps, 'step')}{ends.get(record.reason, '')}"
    if done and record.history[-1].score is not None:
        return f"{ended}; best epoch {record.best_epoch}"
    return ended


def group_lines(model: Model) -> Iterator[str]:
    """Yield a line for each group of networks of the same layers: their number, widths and share of the average."""
    for group, facts in zip(model.groups, groups_facts(model), strict=True):
        share = f"share {sum(facts['shares']):.3g}"
        if group.is_of_neighbors:
            rows = counted(facts["neighbors"], "training row")
            yield f"{rows} as neighbors for each of {counted(facts['networks'], 'network')}, {share}"
        else:
            yield f"{counted(facts['networks'], 'network')} {' -> '.join(map(str, facts['widths']))}, {share}"
    if model.others:
        yield "layers, neurons and parameters below are those of the first"


def groups_facts(model: Model) -> list[dict[str, Any]]:
    """Return the groups of networks of the same layers: number, widths, parameters and shares of the average.

    ``neighbors`` is the number of training rows that each network of a group of neighbors stores, else 0.
    """
    shares = list(model.shares or [1.0 / model.networks] * model.networks)
    found: list[dict[str, Any]] = []
    for group in model.groups:
        own, shares = shares[: group.count], shares[group.count :]
        widths, parameters = [group.network.inputs, *group.network.widths], group.network.parameter_count
        found.append(
            {
                "networks": group.count,
                "widths": widths,
                "parameters": parameters,
                "shares": own,
                "neighbors": group.neighbors,
            }
        )
    return found


def refit_line(model: Model) -> str:
    """Format what a refit did and what it gives up; empty without one."""
    refit = model.record.refit
    if refit is None:
        return ""
    epochs = listed([str(epoch) for epoch in refit["epochs"]])
    return (
        f"on all {refit['rows']:,} rows ({'epoch' if len(refit['epochs']) == 1 else 'epochs'} {epochs}); the scores "
        "are those before the refit, and no rows are left to test this model"
    )


def facts(model: Model) -> dict[str, Any]:
    """Return the facts of a fitted model for ``--json``."""
    record = model.record
    return {
        "rows": dict(record.rows),
        "target": model.target,
        "targets": list(model.targets),
        "task": model.head.target.task,
        "classes": list(model.classes),
        "columns": columns_facts(model.schema),
        "network": [model.network.inputs, *model.network.widths],
        "parameters": model.network.parameter_count,
        "positive": model.classes[model.head.positive] if len(model.classes) == 2 else None,
        "decision": None if model.head.decision is None else model.head.decision.to_json(),
        "weight": record.weight or None,
        "teacher": None if record.teacher is None else dict(record.teacher),
        "features_of": None if record.features_of is None else dict(record.features_of),
        "scores": {part: dict(scores) for part, scores in record.scores.items()},
        "confusion": {part: [[*row] for row in counts] for part, counts in record.confusion.items()},
        "per_class": {
            part: of_counts(Counts.of_confusion(np.array(counts, dtype=np.float64)), model.classes)
            for part, counts in record.confusion.items()
        },
        "coverage": _coverage_facts(model),
        "baselines": {name: {part: dict(s) for part, s in parts.items()} for name, parts in record.baselines.items()},
        "comparison": None if record.comparison is None else record.comparison.to_json(),
        "expected_later": None if record.expected is None else record.expected.to_json(),
        "refit": None if record.refit is None else dict(record.refit),
        "best_epoch": record.best_epoch,
        "epochs": len(record.history),
        "steps": record.steps,
        "reason": record.reason,
        "notes": list(record.notes),
        "warnings": list(record.warnings),
    }


def _coverage_facts(model: Model) -> dict[str, Any] | None:
    """Return the coverage of the intervals on the test rows; None without intervals."""
    record = model.record
    if record.coverage is None:
        return None
    per_target = dict(zip(model.targets, record.coverages, strict=False))
    return {"level": COVERAGE_LEVEL, "share": record.coverage, "per_target": per_target or None}


def columns_facts(schema: Schema) -> list[dict[str, Any]]:
    """Return each column with its kind, and its categories or date components if it has any."""
    return [feature_to_json(feature) for feature in schema.features]
