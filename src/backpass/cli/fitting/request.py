"""Fit request: the options of ``backpass fit``, validated as far as possible without opening the table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backpass.cli.console import Console
from backpass.cli.options.data import targets_in
from backpass.cli.options.declaration import names_in
from backpass.cli.options.reading import reading_of
from backpass.cli.options.settings import settings_of
from backpass.cli.output import check_page_replaceable, check_replaceable, checkpoint_path, model_path
from backpass.dataclass import dataclass
from backpass.errors import ResourceError, UsageError
from backpass.model import Settings
from backpass.model.fitting.problem.tables import as_table
from backpass.model.fitting.transfer.feature_source import FeatureSource
from backpass.reporting.page.page import require
from backpass.table import Table, read_table, required_kind
from backpass.table.columns.rules import Rules, checked_order
from backpass.table.diagnosis.dropped import suspected_among, with_dates
from backpass.table.memory import memory_size
from backpass.table.notation.missing import DEFAULT_MISSING, Missing
from backpass.table.targets import target_names


@dataclass(frozen=True, slots=True)
class Request:
    """The options of a run, validated as far as possible without opening the table.

    Attributes:
        table: The path or pattern of the table, or - for standard input.
        target: The columns to predict, as they were given: one name each, or several separated by commas.
        output: The path of the model file.
        validation_file: The table of the validation rows, if they are not split off ``table``.
        test_file: The table of the test rows, if they are not split off ``table``.
        drop: Columns to leave out.
        columns: The only columns to learn from; None for all.
        categorical: Columns to treat as categorical.
        text: Columns to treat as free text.
        weight: The column of row weights, if any.
        teacher: The columns of another model's predictions.
        features_of: The model whose learned features are kept, if any.
        strict: Whether a row without a target raises an error.
        checkpoint: The path for checkpoints, if any.
        resume: The checkpoint to continue from, if any.
        report: The path of the HTML report, if any.
        memory: The bytes of memory that the fit may take; None for no limit but those of the machine.
        reading: Keyword arguments of ``read_table``.
        settings: The settings of the fit.
    """

    table: str
    target: tuple[str, ...]
    output: str
    validation_file: str | None
    test_file: str | None
    drop: tuple[str, ...]
    columns: tuple[str, ...] | None
    categorical: tuple[str, ...]
    text: tuple[str, ...]
    weight: str | None
    teacher: tuple[str, ...]
    features_of: FeatureSource | None
    strict: bool
    checkpoint: str | None
    resume: str | None
    report: str | None
    memory: int | None
    reading: Mapping[str, Any]
    settings: Settings

    @staticmethod
    def of(given: Mapping[str, Any]) -> Request:
        """Build the request from the parsed options.

        Raises:
            UsageError: An option is invalid, or two of them contradict each other.
        """
        settings = settings_of(given)
        drop, target = tuple(names_in(given["drop"])), tuple(given["target"])
        if both := [name for name in target if name in drop]:
            raise UsageError(f"--drop leaves out {both[0]!r}, which is the --target")
        output = model_path(given["table"], given["output"])
        if given["weight"] is not None and given["weight"] in (*target, *drop):
            other = "the --target" if given["weight"] in target else "left out by --drop"
            raise UsageError(f"--weight {given['weight']!r} is {other}", hint="name a column of nonnegative numbers")
        teacher = tuple(names_in(given["teacher"]))
        if both := [name for name in teacher if name in (*target, *drop, given["weight"])]:
            other = "left out by --drop" if both[0] in drop else "also --target or --weight"
            raise UsageError(
                f"--teacher {both[0]!r} is {other}", hint="name the columns of another model's predictions"
            )
        if output == given["checkpoint"]:
            raise UsageError(f"--output and --checkpoint are the same file, {output}", hint="give them different names")
        source = None if given["features_of"] is None else FeatureSource.of(given["features_of"])
        return Request(
            given["table"],
            target,
            output,
            given["validation_file"],
            given["test_file"],
            drop,
            tuple(names_in(given["columns"])) or None,
            tuple(names_in(given["categorical"])),
            tuple(names_in(given["text"])),
            given["weight"],
            teacher,
            source,
            given["strict"],
            given["checkpoint"],
            given["resume"],
            given["report"],
            None if given["memory"] is None else memory_size(given["memory"]),
            reading_of(given, DEFAULT_MISSING if source is None else source.model.schema.missing),
            settings,
        )

    @property
    def needed(self) -> list[str]:
        """The columns that the table must have. A target with a comma may be one column or several."""
        plain = (name for name in self.target if "," not in name)
        named = (*plain, self.settings.group, self.settings.time, self.weight, *self.teacher)
        return list(dict.fromkeys(name for name in named if name is not None))

    def targets(self, table: Table) -> list[str]:
        """The target columns: a text that is the name of a column, or else names that are separated by commas.

        Raises:
            UsageError: A target is named twice, or is left out by --drop.
        """
        names = [*target_names(targets_in(self.target, table.names))]
        if dropped := [name for name in names if name in self.drop]:
            raise UsageError(f"--drop leaves out {dropped[0]!r}, which is a --target")
        return names

    @property
    def left_out(self) -> list[str]:
        """The columns of --drop that are not read: a group or time column is read, though it is no input."""
        possible = {*self.needed, *(name for text in self.target for name in names_in([text]))}
        return [name for name in self.drop if name not in possible and name not in self.suspected]

    @property
    def unread(self) -> list[str]:
        """The columns of --drop that are read all the same, and are no inputs."""
        return [name for name in self.drop if name in (*self.needed, *self.suspected) and name != self.weight]

    @property
    def suspected(self) -> list[str]:
        """The columns of --drop that are named as identifiers or dates: they are read, as rows may be split by them."""
        names = [name for name in self.drop if name not in self.needed]
        return suspected_among(names, groups=self.settings.group is None, times=self.settings.time is None)

    def rescue(self, console: Console) -> str | None:
        """Return the checkpoint path of an interrupted run if --checkpoint is not set.

        None, with a warning, if that path is not writable or holds a file of another kind.
        """
        if self.checkpoint is not None:
            return None
        path = checkpoint_path(self.output)
        try:
            check_replaceable(path, "checkpoint")
        except (UsageError, ResourceError) as error:
            console.alarm("warning", f"{error.message}; if the run is interrupted, it is not saved")
            return None
        return path

    def check_files(self) -> None:
        """Check before training that all results can be written.

        Raises:
            UsageError: An output path holds a file of another kind, or a package for the report is missing.
            ResourceError: An output path is not writable.
        """
        check_replaceable(self.output, "model")
        if self.checkpoint is not None:
            check_replaceable(self.checkpoint, "checkpoint")
        if self.report is not None:
            require()
            check_page_replaceable(self.report, "--report")

    def tables(self) -> tuple[Table, Table | None, Table | None]:
        """Read the table and, if they are in files of their own, the tables of the validation and test rows."""
        options = {**self.reading, "categorical": self.categorical, "text": self.text}
        options = options if self.features_of is None else self.features_of.reading(options)
        options["categorical"] = tuple(dict.fromkeys((*self.categorical, *self.suspected)))
        table = read_table(self.table, drop=self.left_out, need=self.needed, **options)
        order = checked_order(self.reading.get("date_order"))
        table = with_dates(table, self.suspected, Rules(missing=Missing.of(DEFAULT_MISSING), date_order=order))
        used = {name: column for name, column in table.columns.items() if name not in self.suspected}
        known = {} if self.features_of is None else self.features_of.model.kinds()
        kinds = {name: required_kind(column) for name, column in used.items()} | known
        files = (self.validation_file, self.test_file)
        validation, test = (None if file is None else as_table(file, self.reading, kinds) for file in files)
        return table, validation, test
