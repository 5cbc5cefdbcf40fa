"""Platforms: what only some systems have is never needed to import Backpass, to train, or to predict."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from backpass.engine import ENGINES

ELSEWHERE = """
import os, sys
for name in ("fcntl", "grp", "pwd", "resource", "termios", "tty"):
    sys.modules[name] = None  # an import of it fails, as it does on Windows
for name in ("fchmod", "fork", "getuid", "O_NOFOLLOW", "sched_getaffinity"):
    if hasattr(os, name):
        delattr(os, name)
from backpass.__main__ import main
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "".join(f"{i},{2 * i}\n" for i in range(60)), "utf-8")
    return path


def run(program: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_table_is_learned_and_predicted_without_what_only_posix_has(table: Path) -> None:
    model = str(table.with_name("m.backpass"))
    program = ELSEWHERE + "sys.exit(main(sys.argv[1:]))"
    run(program, "fit", str(table), "--target", "y", "--preset", "plain", "--epochs", "2", "--output", model)
    assert len(run(program, "predict", model, str(table)).splitlines()) == 61


@pytest.mark.skipif("native" not in ENGINES, reason="the native engine was not built")
def test_the_core_has_kernels_for_this_processor() -> None:
    from backpass.engine.native._core import instruction_sets

    families = {"x86_64": ["avx512", "avx2"], "AMD64": ["avx512", "avx2"], "aarch64": ["neon"], "arm64": ["neon"]}
    family = families.get(platform.machine(), [])
    found = instruction_sets()
    assert found == [*(name for name in family if name in found), "portable"]
    assert "neon" in found or "neon" not in family
