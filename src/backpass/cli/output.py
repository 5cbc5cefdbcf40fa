"""Output: the files a command writes, and what is made sure before it does its work.

A path is checked for being writable, and for not holding somebody else's file, before training starts.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from backpass.engine.onnx import is_onnx
from backpass.errors import ModelFileError, UsageError
from backpass.model.file.container import unpack
from backpass.model.file.header import header_length
from backpass.model.file.sniff import sniff
from backpass.model.file.storage import check_writable, read_file
from backpass.table.pattern import files_of, is_pattern

SUFFIX = ".backpass"
PARQUET = ".parquet"
COMPRESSED = (".gz", ".zst")
OTHER_FORMS = (*COMPRESSED, ".zip", ".bz2", ".xz", ".tsv", ".json", ".jsonl", ".ndjson", ".xls", ".xlsx", ".ods")
"""Endings that promise something else than CSV."""
PAGE_MARK = b'<meta name="generator" content="backpass '


def model_path(table: str, output: str | None) -> str:
    """Where the model goes: what was asked for, else the table's name with our suffix, in the current folder.

    >>> model_path("data/houses.csv", None), model_path("houses.csv.gz", None), model_path("-", "m.backpass")
    ('houses.backpass', 'houses.backpass', 'm.backpass')
    """
    if output == "-":
        raise UsageError("a model is not written to standard output", hint="give --output the name of a file")
    if output:
        return output
    if table == "-":
        raise UsageError("a table from standard input has no name to give the model", hint="add --output FILE")
    if is_pattern(table):
        raise UsageError("a pattern of files has no name to give the model", hint="add --output FILE")
    path = Path(table)
    name = path.stem if path.suffix in COMPRESSED else path.name
    return f"{Path(name).stem}{SUFFIX}"


def checkpoint_path(output: str) -> str:
    """Where a run that is interrupted goes, when nobody said: beside the model.

    >>> checkpoint_path("models/houses.backpass"), checkpoint_path("houses")
    ('models/houses.checkpoint', 'houses.checkpoint')
    """
    return f"{output.removesuffix(SUFFIX)}.checkpoint"


def check_apart(output: str, *read: str) -> None:
    """Make sure that a result can be written at a path later, and takes the place of nothing the command reads.

    Errors: ResourceError when it is not writable; UsageError when it is a file that is read.
    """
    check_writable(output)
    for path in read:
        if os.path.exists(path) and os.path.exists(output) and os.path.samefile(path, output):
            raise UsageError(
                f"{output} is read by this command and would be lost: the result would take its place",
                hint="give --output another name",
            )


def check_rows_output(output: str, model: str, table: str, *, as_json: bool) -> None:
    """``check_apart`` for rows, which are written as CSV, or as Parquet where the name asks for it; a table may be a
    pattern of files.

    Errors: as ``check_apart``; UsageError, too, when the name promises another form.
    """
    check_apart(output, model, *files_of(table))
    if not as_json and output.lower().endswith(OTHER_FORMS):
        path = Path(output)
        raise UsageError(
            f"{output}: rows are written as CSV, or as Parquet where the name ends in {PARQUET}; got {path.suffix}",
            hint=f"--output {path.with_suffix('.csv')}, say",
        )


def check_replaceable(path: str, kind: str) -> None:
    """Make sure that a file of ours ("model" or "checkpoint") can be written at a path later.

    Errors: ResourceError when it is not writable; UsageError when a file of another kind is there.
    """
    check_writable(path)
    if not os.path.exists(path) or os.path.getsize(path) == 0:
        return
    try:
        unpack(read_file(path, partial(header_length, source=path)), kind, path)
    except ModelFileError as error:
        option = "--output" if kind == "model" else "--checkpoint"
        message = f"{path} is there already and would be lost: it is not a {kind} file this version can read"
        raise UsageError(
            message, faults=[error.message], hint=f"give {option} another name, or remove the file"
        ) from None


def check_onnx_replaceable(path: str) -> None:
    """Make sure that an ONNX file can be written at a path later.

    Errors: ResourceError when it is not writable; UsageError when a file of another kind is there, or for -.
    """
    if path == "-":
        raise UsageError("a model is not written to standard output", hint="give OUTPUT the name of a file")
    check_writable(path)
    if not os.path.exists(path) or os.path.getsize(path) == 0:
        return
    if fault := _other_than_onnx(path):
        message = f"{path} is there already and would be lost: it is not an ONNX file"
        raise UsageError(message, faults=[fault], hint="give OUTPUT another name, or remove the file")


def _other_than_onnx(path: str) -> str:
    """What a file is, in one line; nothing for an ONNX file."""
    try:
        data = read_file(path)
    except ModelFileError as error:
        return error.message
    return "" if is_onnx(data) else f"{path} is {sniff(data)}"


def check_page_replaceable(path: str, option: str) -> None:
    """Make sure that a page of ours can be written at a path later.

    Errors: ResourceError when it is not writable; UsageError when a file of another kind is there, or for -.
    """
    if path == "-":
        raise UsageError(f"{option} takes the name of a file", hint=f"{option} page.html")
    check_writable(path)
    if not os.path.exists(path) or os.path.getsize(path) == 0:
        return
    with open(path, "rb") as file:
        head = file.read(4096)
    if PAGE_MARK not in head:
        message = f"{path} is there already and would be lost: it is not a page of backpass"
        raise UsageError(
            message, faults=[f"{path} is {sniff(head)}"], hint=f"give {option} another name, or remove the file"
        )
