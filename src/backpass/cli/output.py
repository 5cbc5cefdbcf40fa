"""Output files: their default names, and the checks that run before a command starts its work.

A path must be writable and must not hold a file that Backpass did not write. The writing itself is done by
``backpass.model.file.storage``.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from backpass.errors import ModelFileError, UsageError
from backpass.model.file.container import unpack
from backpass.model.file.header import header_length
from backpass.model.file.sniff import sniff
from backpass.model.file.storage import check_writable, read_file
from backpass.table.files.pattern import files_of, is_pattern
from backpass.table.formats.databases.address import Address
from backpass.table.formats.registry import FORMATS

SUFFIX = ".backpass"
PARQUET = ".parquet"
COMPRESSED = (".gz", ".zst")
READABLE = tuple(suffix for form in FORMATS if form.name not in ("text", "parquet") for suffix in form.suffixes)
OTHER_FORMS = (*COMPRESSED, ".zip", ".bz2", ".xz", ".tsv", *READABLE)
"""Suffixes of formats in which rows cannot be written: all but CSV and Parquet."""
PAGES = (".html", ".htm")
PICTURE = ".svg"
GRAPH = ".onnx"
MODULES = (".js", ".mjs")
"""Suffixes of JavaScript modules."""
PAGE_MARK = b'<meta name="generator" content="backpass '


def model_path(table: str, output: str | None) -> str:
    """Return the path of the model: ``output``, or the table's name with the suffix .backpass in the current directory.

    A sheet or a table of a database has its own name.

    >>> model_path("data/houses.csv", None), model_path("houses.csv.gz", None), model_path("-", "m.backpass")
    ('houses.backpass', 'houses.backpass', 'm.backpass')
    >>> model_path("shop.db::orders", None)
    'orders.backpass'
    """
    if output == "-":
        raise UsageError("a model cannot be written to standard output", hint="set --output to the name of a file")
    if output:
        return output
    if table == "-":
        raise UsageError("the model cannot be named after standard input", hint="add --output FILE")
    if is_pattern(table):
        raise UsageError("the model cannot be named after a pattern of files", hint="add --output FILE")
    address = Address.of(table)
    if address.member is not None:
        return f"{address.member.replace('/', '_')}{SUFFIX}"
    if address.url:
        raise UsageError("the model cannot be named after a query of a database server", hint="add --output FILE")
    path = Path(address.file)
    name = path.stem if path.suffix in COMPRESSED else path.name
    return f"{Path(name).stem}{SUFFIX}"


def checkpoint_path(output: str) -> str:
    """Return the default checkpoint path of an interrupted run, next to the model.

    >>> checkpoint_path("models/houses.backpass"), checkpoint_path("houses")
    ('models/houses.checkpoint', 'houses.checkpoint')
    """
    return f"{output.removesuffix(SUFFIX)}.checkpoint"


def check_apart(output: str, *read: str) -> None:
    """Check that a result can be written and does not overwrite an input.

    Args:
        output: The path of the result.
        *read: The files that the command reads.

    Raises:
        ResourceError: The path is not writable.
        UsageError: The path is one of the inputs.
    """
    check_writable(output)
    for path in (Address.of(each).file for each in read):
        if os.path.exists(path) and os.path.exists(output) and os.path.samefile(path, output):
            raise UsageError(
                f"{output} is an input of this command and would be overwritten",
                hint="choose another name for --output",
            )


def check_suffix(path: str, what: str, *suffixes: str) -> None:
    """Check that the name of a file has the suffix of what is written.

    Args:
        path: The path of the file.
        what: What is written, in the message: ``a picture is SVG``.
        *suffixes: The suffixes, the usual one first.

    Raises:
        UsageError: The suffix is that of another format, or missing.
    """
    if not path.lower().endswith(suffixes):
        ends = " or ".join(part for part in (", ".join(suffixes[:-1]), suffixes[-1]) if part)
        raise UsageError(
            f"{path}: {what}, so its name must end in {ends}", hint=f"for example {Path(path).with_suffix(suffixes[0])}"
        )


def check_rows_output(output: str, model: str, table: str, *, as_json: bool) -> None:
    """Check the output path of rows, which are written as CSV, or as Parquet if the path ends in .parquet.

    Args:
        output: The path of the rows.
        model: The model file.
        table: The table, or a pattern of files.
        as_json: Whether JSON is written instead, under any name.

    Raises:
        ResourceError: The path is not writable.
        UsageError: The path is one of the inputs, or its suffix is that of another format.
    """
    check_apart(output, model, *files_of(table))
    if not as_json and output.lower().endswith(OTHER_FORMS):
        path = Path(output)
        raise UsageError(
            f"{output}: rows are written as CSV, or as Parquet where the name ends in {PARQUET}; got {path.suffix}",
            hint=f"for example --output {path.with_suffix('.csv')}",
        )


def check_replaceable(path: str, kind: str) -> None:
    """Check that a model or a checkpoint can be written and overwrites nothing else.

    Args:
        path: The path of the file.
        kind: "model" or "checkpoint".

    Raises:
        ResourceError: The path is not writable.
        UsageError: The path holds a file of another kind.
    """
    check_writable(path)
    if not os.path.exists(path) or os.path.getsize(path) == 0:
        return
    try:
        unpack(read_file(path, partial(header_length, source=path)), kind, path)
    except ModelFileError as error:
        option = "--output" if kind == "model" else "--checkpoint"
        message = f"{path} already exists and would be overwritten: it is not a {kind} file this version can read"
        raise UsageError(
            message, details=[error.message], hint=f"choose another name for {option}, or remove the file"
        ) from None


def check_onnx_replaceable(path: str) -> None:
    """Check that an ONNX file can be written and overwrites nothing else.

    Raises:
        ResourceError: The path is not writable.
        UsageError: The path is -, or holds a file of another kind.
    """
    if path == "-":
        raise UsageError("a model cannot be written to standard output", hint="pass the name of a file as OUTPUT")
    check_writable(path)
    if not os.path.exists(path) or os.path.getsize(path) == 0:
        check_suffix(path, "an export is an ONNX graph or a JavaScript module", GRAPH, *MODULES)
        return
    if message := _other_than_onnx(path):
        message = f"{path} already exists and would be overwritten: it is not an ONNX file"
        raise UsageError(message, details=[message], hint="choose another name for OUTPUT, or remove the file")


def _other_than_onnx(path: str) -> str:
    """Describe a file that is not an ONNX file, in one line; empty for an ONNX file."""
    from backpass.engine.onnx import is_onnx  # here, because only ``export`` needs it

    try:
        data = read_file(path)
    except ModelFileError as error:
        return error.message
    return "" if is_onnx(data) else f"{path} is {sniff(data)}"


def check_script_replaceable(path: str) -> None:
    """Check that a JavaScript module can be written and overwrites nothing else.

    Raises:
        ResourceError: The path is not writable.
        UsageError: The path holds a file of another kind.
    """
    from backpass.model.javascript import MARK  # here, because only ``export`` needs it

    check_writable(path)
    if not os.path.exists(path) or os.path.getsize(path) == 0:
        return
    with open(path, "rb") as file:
        head = file.read(4096)
    if not head.startswith(MARK.encode("ascii")):
        message = f"{path} already exists and would be overwritten: it is not a module of backpass"
        raise UsageError(
            message, details=[f"{path} is {sniff(head)}"], hint="choose another name for OUTPUT, or remove the file"
        )


def check_page_replaceable(path: str, option: str) -> None:
    """Check that an HTML report can be written and overwrites nothing else.

    Args:
        path: The path of the report.
        option: The option that sets it, for messages.

    Raises:
        ResourceError: The path is not writable.
        UsageError: The path is -, or holds a file of another kind.
    """
    if path == "-":
        raise UsageError(f"{option} takes the name of a file", hint=f"{option} page.html")
    check_writable(path)
    if not os.path.exists(path) or os.path.getsize(path) == 0:
        check_suffix(path, "a page is HTML", *PAGES)
        return
    with open(path, "rb") as file:
        head = file.read(4096)
    if PAGE_MARK not in head:
        message = f"{path} already exists and would be overwritten: it is not a page of backpass"
        raise UsageError(
            message, details=[f"{path} is {sniff(head)}"], hint=f"choose another name for {option}, or remove the file"
        )
