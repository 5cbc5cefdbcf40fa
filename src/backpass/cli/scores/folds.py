"""The options --folds, --repeats and --out-of-fold of ``fit``: the cross-validated score beside that of the model.

It takes the values of the options, runs the cross-validation and prints its scores; the predictions go to a file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from backpass.cli.console import Console
from backpass.cli.fitting.request import Request
from backpass.cli.output import check_rows_output
from backpass.cli.rows import hand_out_rows
from backpass.cli.text import figure
from backpass.dataclass import dataclass
from backpass.errors import UsageError
from backpass.model import CrossValidation, Settings
from backpass.model.assessment.cross_validation import cross_validated
from backpass.model.assessment.folds import Folds as Cut
from backpass.table import Table
from backpass.table.targets import label_title
from backpass.training.processes.exchange import SOLO, Exchange


@dataclass(frozen=True, slots=True)
class Folds:
    """The options of a cross-validation.

    Attributes:
        count: The number of folds.
        repeats: The number of repetitions.
        output: The file for the out-of-fold predictions, if any.
    """

    count: int
    repeats: int
    output: str | None

    @staticmethod
    def of(given: Mapping[str, Any]) -> Folds | None:
        """The options as they were given; None without --folds.

        Raises:
            UsageError: --repeats or --out-of-fold is given without --folds, or with a time column more than once.
            ResourceError: The file is not writable.
        """
        count, repeats, output = given["folds"], given["repeats"], given["out_of_fold"]
        if count is None:
            for name, value in (("--repeats", repeats), ("--out-of-fold", output)):
                if value is not None:
                    raise UsageError(f"{name} requires --folds", hint="add --folds 5")
            return None
        if given["time"] is not None and (repeats or 1) > 1:
            raise UsageError(
                "with --time there is only one way to split the rows: leave out --repeats",
                hint="more folds, such as --folds 10, give more scores",
            )
        if output is not None:
            check_rows_output(output, given["table"], given["table"], as_json=False)
        return Folds(count, repeats or 1, output)

    def cut(self, table: Table, request: Request) -> Cut:
        """Cut the table into folds, before the model is trained.

        Raises:
            DataError: The table has fewer rows or groups than folds.
        """
        return Cut.of(
            table,
            request.targets(table),
            request.settings,
            self.count,
            self.repeats,
            drop=request.unread,
            columns=request.columns,
            weight=request.weight,
            teacher=request.teacher,
            features_of=request.features_of,
            strict=request.strict,
        )

    def run(
        self, cut: Cut, settings: Settings, console: Console, metric: str, exchange: Exchange = SOLO
    ) -> CrossValidation:
        """Cross-validate, print a line per fold and the summary, and write the predictions."""
        on_fold_end = _fold_reporter(console, metric)
        found = cross_validated(cut, settings, self.count, self.repeats, on_fold=on_fold_end, exchange=exchange)
        if self.output is not None and exchange.rank == 0:
            hand_out_rows([_rows(found)], self.output, console)
            console.line(f"saved {self.output} ({np.count_nonzero(found.fold):,} out-of-fold predictions)")
        for line in lines(found):
            console.line(line)
        return found


def lines(found: CrossValidation) -> list[str]:
    """Format the scores: ``cross-validated rmse 0.512 +- 0.031 (5 folds)``"""
    what = f"{found.folds} folds" + (f", {found.repeats} times" if found.repeats > 1 else "")
    mean, spread = found.mean, found.spread
    return [f"cross-validated {name} {figure(mean[name], 3)} +- {figure(spread[name], 3)} ({what})" for name in mean]


def facts(found: CrossValidation, output: str | None) -> dict[str, Any]:
    """The facts for ``--json``."""
    return {
        "folds": found.folds,
        "repeats": found.repeats,
        "scores": [dict(each) for each in found.scores],
        "mean": found.mean,
        "spread": found.spread,
        "out_of_fold": output,
    }


def _fold_reporter(console: Console, metric: str) -> Callable[[int, int, Mapping[str, float]], None]:
    def on_fold(number: int, count: int, scores: Mapping[str, float]) -> None:
        name = metric if metric in scores else next(iter(scores))
        console.item("fold", f"{number} of {count}: {name} {figure(scores[name])}")

    return on_fold


def _rows(found: CrossValidation) -> dict[str, Sequence[Any]]:
    """The rows that were left out of a fold: row number, fold, targets and predictions."""
    index = np.flatnonzero(found.fold)
    truth, predicted = found.truth[index], found.predicted[index]
    columns: dict[str, Sequence[Any]] = {
        "row": found.row_numbers[index].tolist(),
        "fold": found.fold[index].tolist(),
    }
    for target, y in zip(found.targets, truth.reshape(len(index), -1).T, strict=True):
        columns[target.name] = np.array(target.classes, dtype=object)[y].tolist() if target.classes else y.tolist()
    if found.classes:
        name = found.targets[0].name
        columns[f"predicted({name})"] = np.array(found.classes, dtype=object)[found.decided[index]].tolist()
        return columns | {f"p({name})": predicted[:, j].tolist() for j, name in enumerate(found.classes)}
    titles = [label_title(each) if each.classes else f"predicted({each.name})" for each in found.targets]
    return columns | dict(zip(titles, predicted.reshape(len(index), -1).T.tolist(), strict=True))
