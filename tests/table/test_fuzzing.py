"""Fuzzing: the corpora of delimited text and of JSON are read as Python's libraries read them, or refused."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
TOOLS = str(HERE.parents[1] / "tools")


@pytest.fixture(scope="module")
def targets() -> Iterator[dict[str, Any]]:
    sys.path.insert(0, TOOLS)
    import fuzz_csv
    import fuzz_json

    yield {"csv": fuzz_csv, "json": fuzz_json}
    sys.path.remove(TOOLS)


CORPUS = [(name, path) for name in ("csv", "json") for path in sorted((HERE / "corpus" / name).iterdir())]


@pytest.mark.parametrize(("name", "path"), CORPUS, ids=[f"{name}-{path.name}" for name, path in CORPUS])
def test_the_corpus_is_read_or_refused(
    targets: dict[str, Any], name: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets[name], "crc32", lambda data: 0)  # each of them as a file, too
    targets[name].read(path.read_bytes())


def test_every_reader_reads_something(targets: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for target in targets.values():
        monkeypatch.setattr(target, "crc32", lambda data: 0)
    assert targets["csv"].read(b"\0\5a,b\n1,2\n") == 3
    assert targets["json"].read(b'[{"a":1}]') == 2


def test_a_scanner_that_differs_is_found(targets: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A cutter that loses a cell must fail, or the comparison would prove nothing."""
    real = targets["csv"].records
    monkeypatch.setattr(
        targets["csv"], "records", lambda *given, **named: [(line, f[:1]) for line, f in real(*given, **named)]
    )
    with pytest.raises(AssertionError, match="differ"):
        targets["csv"].read(b"\0\5a,b\n1,2\n")


def test_a_value_that_differs_is_found(targets: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets["json"], "read_json", lambda data, where: {"a": 2})
    with pytest.raises(AssertionError, match="another value"):
        targets["json"].read(b'{"a":1}')
