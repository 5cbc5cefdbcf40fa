"""A run of one fuzz target under libFuzzer: the target's name, then libFuzzer's options and folders of inputs.

    make fuzz SECONDS=60
    .venv/bin/python tools/fuzz.py csv -max_total_time=60 build/fuzz/csv tests/table/corpus/csv

Needs atheris (the extra ``fuzz``). A target is a module ``fuzz_NAME`` beside this one with a function ``read(data)``,
which raises for an input that shows a fault. The tests replay the corpora without atheris.
"""

from __future__ import annotations

import gc
import sys
from importlib import import_module
from types import FunctionType

TARGETS = ("container", "csv", "json", "onnx")


def instrumented() -> list[FunctionType]:
    """The functions whose branches guide the search: ours, and those of Python's readers."""
    functions = (each for each in gc.get_objects() if isinstance(each, FunctionType))
    return [each for each in functions if str(each.__module__).startswith(("backpass", "fuzz_", "json", "csv"))]


def main() -> None:
    """Fuzz for as long as libFuzzer's options say."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"expected a target: {', '.join(TARGETS)}")
    try:
        import atheris
    except ModuleNotFoundError:
        sys.exit("atheris is not installed\n\nhint: pip install 'backpass[fuzz]' (Linux, up to Python 3.13)")
    name = sys.argv.pop(1)
    target = import_module(f"fuzz_{name}")
    for function in instrumented():
        atheris.instrument_func(function)
    atheris.Setup(sys.argv, target.read)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
