"""Polynomials: the numbers in the header are those that tools/fit_polynomials.py finds."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
HEADER = ROOT / "src" / "backpass" / "engine" / "native" / "polynomials.hpp"
TOOL = ROOT / "tools" / "fit_polynomials.py"


def numbers(text: str) -> list[float]:
    return [float.fromhex(number) for number in re.findall(r"-?0x[0-9a-f.]+p-?[0-9]+(?=f)", text)]


def test_header_is_what_the_tool_prints() -> None:
    printed, kept = runpy.run_path(str(TOOL))["header"](), HEADER.read_text("utf-8")
    # Another linear algebra library may round a coefficient otherwise, and the later ones make good for it.
    assert numbers(printed) == pytest.approx(numbers(kept), rel=0.05)
    names = [re.findall(r"constexpr \S+ (\w+)", text) for text in (printed, kept)]
    assert names[0] == names[1]
