"""Teaching: the predictions of another model that ``fit`` receives beside X and y, for its rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.estimators.columns import check_unmasked
from backpass.model.fitting.teaching.teacher import Teacher, named_teacher, teacher_names
from backpass.table import Table
from backpass.table.targets import Targets


def taught_by(
    teacher: Any, table: Table, targets: Targets, loss: Any
) -> tuple[Teacher | None, NDArray[np.float64] | None]:
    """The teacher and its predictions for the rows of a table; None and None without one.

    Args:
        teacher: Predictions (n,) or (n, k), see ``named_teacher``. One column for two classes is the probability of the
            second one, as scikit-learn has it.
        table: The rows.
        targets: The targets.
        loss: The parameter loss of the estimator.

    Raises:
        ValueError: The predictions cannot be used.
    """
    if teacher is None:
        return None, None
    if teacher_names(teacher) is not None:
        raise ValueError(f"teacher must hold predictions, one row per row of X; got {teacher!r}")
    check_unmasked(teacher, "teacher")
    joined, names = named_teacher(Table("X", table.columns, table.row_numbers), teacher)
    found = Teacher.of(names, targets, 1, loss if isinstance(loss, str) else None)
    return found, found.read(joined)
