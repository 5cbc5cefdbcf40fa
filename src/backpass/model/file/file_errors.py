"""File errors: the errors raised for a file that ``container`` did not write."""

from __future__ import annotations

from backpass.errors import ModelFileError

KINDS = ("model", "checkpoint", "search", "grouped model")

OURS = "pass a model file that `backpass fit` wrote"


def file_error(where: str, came: str, expected: str) -> ModelFileError:
    """The error for content that a file cannot hold, whether read or about to be written."""
    return ModelFileError(f"{where} {came}", hint=f"expected {expected}")


def damaged(source: str, reason: str) -> ModelFileError:
    """The error for a Backpass file that has changed since it was written."""
    return ModelFileError(
        f"{source} is damaged: {reason}",
        hint="copy or download the file again, or write it again; nothing was loaded",
    )


def foreign(source: str, what: str) -> ModelFileError:
    """The error for a file that Backpass did not write."""
    return ModelFileError(
        f"{source} is not a Backpass file: it is {what}",
        hint=f"{OURS}; other formats are never loaded, because some can run code",
    )


def newer(source: str, version: int, known: int) -> ModelFileError:
    """The error for a Backpass file that only a later version can read."""
    return ModelFileError(
        f"{source} has format {version}; this version of Backpass reads format {known} and below",
        hint="install a newer Backpass: pip install --upgrade backpass",
    )


def wrong_kind(source: str, came: object, expected: str) -> ModelFileError:
    """The error for a checkpoint in place of a model, or the reverse."""
    if came == "checkpoint" and expected == "model":
        hint = "a checkpoint is for resuming its training run; the run writes a model file when it ends"
    elif came == "model" and expected == "checkpoint":
        hint = "a finished model cannot be resumed; pass the checkpoint of the run"
    elif came == "grouped model":
        hint = "predict, evaluate and show read it; in Python, backpass.load(path)[group] is the model of one group"
    elif came == "search":
        hint = "it holds the trials of an interrupted search; run the same `backpass tune` command to continue it"
    else:
        hint = OURS
    found = f"a {came}" if came in KINDS else "of an unknown kind"
    return ModelFileError(f"{source} is {found}; expected a {expected}", hint=hint)
