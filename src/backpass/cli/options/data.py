"""Data options: the columns and rows that a model is made of, and the file that it is written to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from backpass.cli.options.declaration import F, combined, names_in, option

SECTION = "Data"


def categorical_option() -> Callable[[F], F]:
    """Declare the option that makes columns categorical."""
    return option(
        "--categorical",
        metavar="COLUMNS",
        multiple=True,
        section=SECTION,
        help="columns to treat as categorical even if they look like numbers or free text: a,b (repeatable)",
    )


def text_option() -> Callable[[F], F]:
    """Declare the option that makes columns free text."""
    return option(
        "--text",
        metavar="COLUMNS",
        multiple=True,
        section=SECTION,
        help="columns to treat as free text: a,b (repeatable); default: columns of sentences",
    )


def data_options() -> Callable[[F], F]:
    """Declare the options of ``fit`` and ``tune`` that name columns, rows and the model file."""
    return combined(_file_options(), _column_options(), _strict_option())


def _file_options() -> Callable[[F], F]:
    """Declare the target, and the options for files: the model and tables of validation and test rows."""
    return combined(
        option(
            "-t",
            "--target",
            required=True,
            metavar="COLUMNS",
            section=SECTION,
            multiple=True,
            help="the column to predict, or several that one network predicts together: a,b (repeatable)",
        ),
        option(
            "-o",
            "--output",
            metavar="FILE",
            section=SECTION,
            help="path of the model file; default: the table's name with the suffix .backpass, in the current "
            "directory",
        ),
        option(
            "--validation-file",
            metavar="FILE",
            section=SECTION,
            help="table of validation rows, which select the best epoch; default: a random split of TABLE, or none "
            "with the preset plain",
        ),
        option(
            "--test-file",
            metavar="FILE",
            section=SECTION,
            help="table of test rows; default: a random split of TABLE",
        ),
    )


def _column_options() -> Callable[[F], F]:
    """Declare the options for the roles of columns: features, their kinds, weights and a teacher."""
    return combined(
        option("--drop", metavar="COLUMNS", multiple=True, section=SECTION, help="columns to ignore: a,b (repeatable)"),
        option(
            "--columns",
            metavar="COLUMNS",
            multiple=True,
            section=SECTION,
            help="use only these columns as features: a,b (repeatable)",
        ),
        categorical_option(),
        text_option(),
        option(
            "--weight",
            metavar="COLUMN",
            section=SECTION,
            help="column of row weights (0 or more), which weight the loss and the scores; it is not used as a feature",
        ),
        option(
            "--teacher",
            metavar="COLUMNS",
            multiple=True,
            section=SECTION,
            help="columns of another model's out-of-fold predictions to learn from, next to the target: a,b "
            "(repeatable); for classes, a probability per class or that of the positive one; never features",
        ),
    )


def _strict_option() -> Callable[[F], F]:
    return option(
        "--strict",
        is_flag=True,
        section=SECTION,
        help="reject a table with missing targets; default: leave such rows out, with a note",
    )


def targets_in(texts: Sequence[str], columns: Collection[str]) -> list[str]:
    """The target columns: a text that is the name of a column, or else names that are separated by commas.

    >>> targets_in(["a,b", "c,d"], ["a", "b", "c,d"])
    ['a', 'b', 'c,d']
    """
    names = list[str]()
    for text in texts:
        names += [text] if text in columns else names_in([text])
    return names
