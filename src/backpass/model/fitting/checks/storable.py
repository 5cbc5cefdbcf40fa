"""Storable: whether a model will fit into a model file, checked before anything is trained.

It takes a problem. ``model.file`` has the limits.
"""

from __future__ import annotations

import json

from backpass.errors import DataError, UsageError
from backpass.model.file.header import LIMIT
from backpass.model.file.storage import SIZE_LIMIT
from backpass.model.file.strict_json import write_json
from backpass.model.fitting.pack.race import places_of
from backpass.model.fitting.problem.problem import Problem
from backpass.table.messages import counted

_PER_EPOCH = 256
"""Upper bound of the bytes that a model keeps about an epoch, or about a network of an ensemble."""

_OTHER_FACTS = 1 << 16
"""Bytes that suffice for settings, scores and warnings."""


def require_storable(problem: Problem) -> None:
    """Check that a model file can hold what the fit will make.

    Epochs count unless something else is set to end the training before the last one: a patience of so many epochs that
    their records fit.

    Raises:
        DataError: The columns and categories, or the parameters, exceed the limits of model files.
        UsageError: The records of the epochs do.
    """
    schema, settings = problem.schema, problem.settings
    facts = fact_bytes(problem)
    epochs = _PER_EPOCH * settings.epochs
    ends_before = any(each is not None for each in (settings.max_seconds, settings.max_steps))
    ends_before |= settings.patience is not None and facts + _PER_EPOCH * settings.patience <= LIMIT
    if not ends_before and facts <= LIMIT < facts + epochs:
        raise UsageError(
            f"the records of {settings.epochs:,} epochs take about {epochs:,} bytes; a model file holds {LIMIT:,}",
            hint="use fewer epochs, or stop earlier with --max-seconds, --max-steps or --patience",
        )
    if facts > LIMIT:
        levels = sum(len(text.levels) for text in schema.texts)
        what = f"{counted(len(schema.features), 'column')} and {levels:,} categories"
        raise DataError(
            f"the names and summaries of {what} take about {facts:,} bytes; a model file holds {LIMIT:,}",
            hint="use fewer columns (--columns, --drop), or fewer categories",
        )
    count = settings.ensemble_size * places_of(settings.candidates)[-1]
    numbers = (problem.network.parameter_count + _of_neighbors(problem)) * count * problem.dtype.itemsize
    numbers += 8 * (2 * problem.feature_map.center.size + sum(each.size for each in problem.feature_map.knots))
    numbers += sum(array.nbytes for array in schema.arrays().values())
    if numbers + facts > SIZE_LIMIT:
        networks = f"{counted(count, 'network')} of {problem.network.parameter_count:,} parameters"
        raise DataError(
            f"{networks} take {numbers:,} bytes; a model file holds {SIZE_LIMIT:,}",
            hint=(
                "fewer --neighbors"
                if settings.neighbors
                else "use fewer columns (--columns, --drop), a smaller --hidden, or --principal-components 32"
            ),
        )


def _of_neighbors(problem: Problem) -> int:
    """The most numbers that a network stores as its neighbors, and in the layers that lead to them."""
    rows = min(problem.settings.neighbors, sum(n for name, n in problem.counts.items() if name != "test"))
    width = problem.network.widths[-2] if len(problem.network.widths) > 1 else problem.network.inputs
    return problem.network.parameter_count + rows * (width + 1 + problem.head.outputs) if rows else 0


def fact_bytes(problem: Problem) -> int:
    """An upper bound of the bytes of the model's facts in the header of its file, without the records of epochs."""
    facts = write_json(
        {
            "schema": problem.schema.to_json(),
            "head": problem.head.to_json(),
            "network": problem.network.to_json(),
            "columns": {name: profile.to_json() for name, profile in problem.columns.items()},
            "notes": list(problem.notes),
        },
        "this model",
    )
    flags = 8 * (len(problem.feature_map.has_missing) + 3 * len(problem.feature_map.levels))
    return len(json.dumps(facts)) + flags + _PER_EPOCH * problem.settings.ensemble_size + _OTHER_FACTS
