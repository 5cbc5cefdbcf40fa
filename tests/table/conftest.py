"""What the tests of this room share: a file of given content. Warnings are errors."""

from collections.abc import Callable
from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            # Models of a few epochs are poor on purpose.
            item.add_marker(pytest.mark.filterwarnings("error", "ignore::backpass.errors.BackpassWarning"))


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write text (as UTF-8, line ends kept) or bytes to a file in a temporary folder."""

    def write_(content: str | bytes, name: str = "t.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_
