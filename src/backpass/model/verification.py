"""Verification: the facts of a file describe a model, or an error names the file and what is wrong with it.

A model is verified in four steps: the bytes (``file.container``), the names and types of the facts (``form``), the
rules that hold while it is made, and the facts that must agree (``consistency``). This module raises the errors of the
last three.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from backpass.errors import BackpassError, ModelFileError
from backpass.model.form import Form, validate

Made = TypeVar("Made")


def require_form(facts: Any, form: Form, source: str) -> None:
    """Check the names and types of the facts.

    Args:
        facts: The facts.
        form: Their form.
        source: The name of the file in messages.

    Raises:
        ModelFileError: They have another form.
    """
    if message := validate(facts, form, "facts"):
        raise _unknown(source, [message])


def verified(make: Callable[[], Made], inconsistency: Callable[[Made], str], source: str) -> Made:
    """The model that ``make`` makes of facts of valid form.

    Args:
        make: Makes the model. Its errors become errors of the file.
        inconsistency: What disagrees within the model, in one line; empty if all agrees.
        source: The name of the file in messages.

    Raises:
        ModelFileError: The facts do not describe a model, or contradict themselves.
    """
    try:
        made = make()
        message = inconsistency(made)
    except BackpassError as error:
        raise _unknown(source, error.details or [error.message]) from None
    if message:
        raise ModelFileError(f"{source} is inconsistent: {message}", hint="fit the model again")
    return made


def _unknown(source: str, errors: Sequence[str]) -> ModelFileError:
    return ModelFileError(
        f"{source} does not describe a model that this version can read",
        details=errors,
        hint="was it written by a newer version?",
    )
