"""Signatures: the source that ``tools/write_signatures.py`` writes from the declarations is up to date."""

from __future__ import annotations

import ast
import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backpass.estimators.parameters import OWN
from backpass.model.settings.declarations import SETTINGS

TOOL = Path(__file__).parents[2] / "tools" / "write_signatures.py"
ARGS = """        epochs: Passes over the training rows. Default None [3].
        neighbors: Rows that contribute to predictions. Default 1: none.
"""


@pytest.fixture(scope="module")
def tool() -> Any:
    spec = importlib.util.spec_from_file_location("write_signatures", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def module_with(args: str) -> str:
    return f'''class Small:
    """A small one.

    Args:
{args}
    Attributes:
        model_: The model.
    """

    def __init__(self):
        pass

    def fit(self):
        return self
'''


def test_the_written_source_is_up_to_date(tool: Any) -> None:
    for path, text in tool.written().items():
        is_equal = ast.dump(ast.parse(path.read_text("utf-8"))) == ast.dump(ast.parse(text))
        assert is_equal, f"{path.name} differs from the declarations: run python tools/write_signatures.py"


def test_a_constructor_and_the_defaults_are_written_from_the_declarations(tool: Any) -> None:
    written = tool.estimator(module_with(ARGS), "regression", OWN)
    assert "epochs: Passes over the training rows. Default None [64; 128 below 1,000 rows; 32 from" in written
    assert "neighbors: Rows that contribute to predictions. Default 0: none." in written
    (small,) = ast.parse(written).body
    init, fit = (node for node in small.body if isinstance(node, ast.FunctionDef))
    assert ast.unparse(init.args) == "self, epochs: int | None=None, *, neighbors: int=0"
    assert [ast.unparse(line) for line in init.body] == ["self.epochs = epochs", "self.neighbors = neighbors"]
    assert fit.name == "fit"
    assert tool.estimator(written, "regression", OWN) == written


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ("        epochs: Passes over the training rows.\n", ValueError),
        ("        no_such_setting: A name. Default None.\n", KeyError),
    ],
)
def test_a_description_that_says_too_little_is_an_error(args: str, error: type[Exception], tool: Any) -> None:
    with pytest.raises(error, match=args.split(":")[0].strip()):
        tool.estimator(module_with(args), "regression", OWN)


def test_a_setting_that_changes_its_type_changes_the_options(tool: Any) -> None:
    changed = [replace(each, default=None) if each.name == "epochs" else each for each in SETTINGS]
    assert "    epochs: int\n" in tool.options()
    assert "    epochs: int | None\n" in tool.options(changed)
