"""Fitting of grouped models: from a table, a target and a column of groups to a trained model.

It checks the arguments and returns a GroupedModel. ``fitting`` does the work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any, Unpack

from backpass.errors import UsageError, whole_number_errors
from backpass.model.evaluation.diagnostics import Warned
from backpass.model.fitting.fit import check_not_reading
from backpass.model.fitting.problem.tables import as_table, reading_options
from backpass.model.grouped.fitting import Fitting
from backpass.model.grouped.grouped_model import GroupedModel
from backpass.model.grouped.options import require_supported, settings_of_all, settings_of_groups
from backpass.model.settings.options import GroupOptions
from backpass.table.columns.rules import check_name_lists
from backpass.table.messages import shown
from backpass.table.targets import target_names
from backpass.training import Callback
from backpass.training.callback import check_callbacks

MIN_ROWS = 30
"""The default minimum number of rows of a group with a network of its own."""


def fit_groups(
    data: Any,
    target: str | int,
    by: str | int,
    *,
    min_rows: int = MIN_ROWS,
    drop: Sequence[str] = (),
    columns: Sequence[str] | None = None,
    strict: bool = False,
    callbacks: Sequence[Callback] = (),
    reading: Mapping[str, Any] | None = None,
    **settings: Unpack[GroupOptions],
) -> GroupedModel:
    """Fit one small network per group of rows, such as one per store, and keep all of them as one model.

    Every group is standardized by its own training rows and trained from the same start: its network has the same bits
    whichever other groups the table holds, as long as columns and categories are the same. A network of all rows, which
    does not read ``by``, predicts groups that have fewer than ``min_rows`` rows or are not in the table.

    Args:
        data: A path, a data frame, a dict of columns or a Table.
        target: The column to predict: numbers or classes.
        by: The column of groups: strings or numbers. It is not used as a feature.
        min_rows: The minimum number of rows of a group with a network of its own. Default 30.
        drop: Columns to leave out. Default ().
        columns: The only columns to learn from. Default None: all.
        strict: Whether a row without a target raises an error. Default False: it is left out, with a note.
        callbacks: Observers: ``on_stage`` reports progress, ``on_note`` and ``on_warning`` what to know. Default ().
        reading: Options of ``read_table``. Default None.
        **settings: The settings of ``fit`` for one dense network without validation rows. Defaults that differ from the
            preset plain: one hidden layer of 64 units, weight decay 1, predictions within the range of the training
            targets of the group.

    Returns:
        The model of all groups.

    Raises:
        UsageError: A setting or an argument cannot be used; lists all settings that a grouped model does not have.
        DataError: The table cannot be used, or no group has ``min_rows`` rows.
        ResourceError: Not enough memory.
        InterruptedTraining: On Ctrl-C; nothing is kept.

    Warns:
        BackpassWarning: Scores are too optimistic (a column reveals the target, or test rows are training rows).

    >>> data = {"store": ["a"] * 60 + ["b"] * 60, "x": [*range(60)] * 2, "y": [*range(60), *range(60, 0, -1)]}
    >>> model = fit_groups(data, "y", by="store", epochs=20)
    >>> model
    GroupedModel(target 'y', regression, by 'store', 2 groups)
    >>> model.predict({"store": ["a", "b"], "x": [50, 50]}).round(-1)
    array([50., 10.])
    """
    check_callbacks(callbacks)
    warned = Warned()
    model = grouped_fit(
        data,
        target,
        by,
        settings,
        [*callbacks, warned],
        min_rows=min_rows,
        drop=drop,
        columns=columns,
        strict=strict,
        reading=reading,
    )
    warned.warn()
    return model


def grouped_fit(
    data: Any,
    target: str | int,
    by: str | int,
    settings: Mapping[str, Any],
    callbacks: Sequence[Callback],
    *,
    min_rows: int,
    drop: Sequence[str],
    columns: Sequence[str] | None,
    strict: bool,
    reading: Mapping[str, Any] | None,
) -> GroupedModel:
    """The model of ``fit_groups``, whose warnings the callbacks alone receive.

    Raises:
        BackpassError: As ``fit_groups``.
    """
    given = dict(settings)
    check_name_lists("drop", drop=drop, columns=columns)
    check_not_reading(given)
    require_supported(given)
    name, group = _named(target, by, drop, columns, min_rows)
    of_all, of_groups = settings_of_all(given), settings_of_groups(given)
    table = as_table(data, reading_options(reading))
    fitting = Fitting(name, group, int(min_rows), (*drop, group), columns, of_all, of_groups, callbacks)
    return fitting.run(table, strict=strict)


def _named(
    target: object, by: object, drop: Sequence[str], columns: Sequence[str] | None, min_rows: object
) -> tuple[str, str]:
    """The names of the target and of the column of groups; whole numbers name columns as in pandas.

    Raises:
        UsageError: Lists all that cannot be used.
    """
    errors = []
    names = target_names(target)
    if len(names) > 1:
        errors.append(f"target names {len(names)} columns; a grouped model predicts one")
    name = str(by)
    if not isinstance(by, str | Integral) or isinstance(by, bool):
        errors.append(f"--by must be the name of a column; got {by!r}")
    elif name in names:
        errors.append(f"--by is {shown(name)}, which is the target")
    elif name in map(str, drop):
        errors.append(f"--by is {shown(name)}, which is left out by --drop")
    elif name in map(str, columns or ()):
        errors.append(f"--by is {shown(name)}, which is among --columns: the group column is not used as a feature")
    errors += whole_number_errors(2, **{"--min-rows": min_rows})
    if errors:
        raise UsageError(
            "the groups cannot be formed", details=errors, hint="--by is a column such as store or machine"
        )
    return names[0], name
