"""Extras: packages that a format needs and that the installation may lack.

Takes the name of a module; returns the module, or an error whose hint is the command that installs it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from backpass.table.formats.registry import BY_NAME
from backpass.table.messages import data_error


def extra_module(module: str, form: str, source: str) -> Any:
    """Import a module of an extra.

    Args:
        module: The module, such as "pyreadstat".
        form: Name of the format that needs it.
        source: Name of the file in messages.

    Raises:
        DataError: The module is not installed.
    """
    try:
        return import_module(module)
    except ImportError:
        needs, package = BY_NAME[form], module.partition(".")[0].replace("_", "-")
        text = f"is {needs.what}, which the package {package} reads; it is not installed"
        raise data_error(source, text, f"pip install 'backpass[{needs.extra}]'") from None
