"""Columnar files: Arrow (Feather) and ORC, read by pyarrow.

Takes an opened file; returns the raw columns that the same table in memory gives (``frame``).
"""

from __future__ import annotations

from typing import Any

from backpass.errors import ResourceError
from backpass.table.columns.raw import Content
from backpass.table.columns.rules import Rules
from backpass.table.files.opening import Opened
from backpass.table.formats.extra import extra_module
from backpass.table.frame import frame_content
from backpass.table.memory import TYPED_CELL, require_file_memory, require_table_memory
from backpass.table.messages import ErrorList, data_error, plain

STREAM = b"\xff\xff\xff\xff"  # the first bytes of a stream; a file begins with ARROW1


def read(file: Opened, rules: Rules, errors: ErrorList) -> Content:
    """Read the requested columns of a file.

    Raises:
        DataError: The file is damaged, has no rows, or pyarrow is not installed.
        ResourceError: The columns do not fit in memory.
    """
    arrow = extra_module("pyarrow", file.form, file.source)
    size = file.path.stat().st_size
    require_file_memory(file.source, size)
    try:
        table = _orc(file, rules) if file.form == "orc" else _arrow(arrow, file, rules)
        require_table_memory(file.source, table.num_rows, table.num_columns, TYPED_CELL)
    except arrow.ArrowMemoryError as error:
        raise ResourceError(f"{plain(file.source)}: not enough memory to read the table ({error})") from error
    except (arrow.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise data_error(file.source, f"is damaged: it is not {file.format.what} ({error})") from error
    if not table.num_rows:
        raise data_error(file.source, "has columns but no rows")
    return frame_content(table, rules, errors)


def _orc(file: Opened, rules: Rules) -> Any:
    from pyarrow import orc

    content = orc.ORCFile(file.path)
    width = sum(rules.wants(name.strip(" \t")) for name in content.schema.names)
    require_table_memory(file.source, content.nrows, width, TYPED_CELL)
    return content.read()


def _arrow(arrow: Any, file: Opened, rules: Rules) -> Any:
    with arrow.memory_map(str(file.path)) as source:
        is_stream = source.read(len(STREAM)) == STREAM
        source.seek(0)
        reader = arrow.ipc.open_stream(source) if is_stream else arrow.ipc.open_file(source)
        table = reader.read_all()
        table.validate(full=True)
        return table
