"""Operations list: writes the reference of all operations; they are objects, which autodoc takes for data."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from docstrings import prepared
from generated import Generated
from sphinx.application import Sphinx

from backpass.circuit import operations


class OperationsList(Generated):
    """``.. operations-list::`` has every public operation, by name."""

    def lines(self) -> Iterator[str]:
        for name in operations.__all__:
            function = getattr(operations, name)
            names = ", ".join(_written(each) for each in inspect.signature(function).parameters.values())
            yield from [f".. py:function:: {name}({names})", "   :module: backpass.operations", ""]
            for line in prepared(inspect.cleandoc(function.__doc__ or "").splitlines()):
                yield f"   {line}".rstrip()
            yield ""


def _written(parameter: inspect.Parameter) -> str:
    """A parameter without its type: arrays and traced values are taken alike."""
    return str(parameter.replace(annotation=inspect.Parameter.empty))


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("operations-list", OperationsList)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
