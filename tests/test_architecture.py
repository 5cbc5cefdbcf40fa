"""The architecture: rooms import downwards, the core needs NumPy only, importing the library stays light.

The imports are read from the source with ``ast``: at the top of modules, inside functions, for type checkers only, and
by name (``import_module("backpass.x")``, ``NamesOf("backpass.x", "TABLE")``).
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import backpass

HOUSE = Path(backpass.__file__).parent
ROOMS = (
    "_version",
    "dataclass",
    "first_use",
    "once",
    "idiom",
    "errors",
    "numerics",
    "circuit",
    "engine",
    "network",
    "training",
    "notes",
    "datasets",
    "table",
    "model.file",
    "model.metrics",
    "model.settings",
    "model.split",
    "model.head",
    "model.baseline",
    "model.onnx",
    "model",
    "model.javascript",
    "model.fitting",
    "model.distillation",
    "model.assessment",
    "model.tuning",
    "model.grouped",
    "estimators",
    "reporting.numbers",
    "reporting.explanation",
    "reporting.pictures",
    "reporting.page",
    "reporting",
    "playground",
    "cli",
)
"""Lowest first. A room may lie inside another, and one module may be a room; a module belongs to its longest match."""

DOORS = ("backpass", "backpass.__main__", "backpass.model")
"""Modules that show what several rooms hold, and are no room themselves."""

SHOWS = {"backpass.model": "backpass.model.fitting"}
"""To import from this door is to import from the highest room that it shows."""

UPWARDS = {("backpass.model.model", "Model.plot"): "backpass.reporting.plot"}
"""The one import upwards: ``Model.plot`` shows the pictures of the room ``reporting``, loaded on first use."""

CORE = ("numerics", "circuit", "engine", "network", "training", "notes")
OPTIONAL = {
    "backpass.engine.jax.device": "jax",
    "backpass.engine.onnx.file": "onnx",
    "backpass.training.processes.mpi": "mpi4py",
}
"""Modules of the core that may import one more library, inside their functions: that of an optional extra."""

DRAWERS = ("common", "helper", "helpers", "misc", "util", "utils")
HEAVY = (
    "adbc_driver_postgresql",
    "click",
    "duckdb",
    "fastavro",
    "jax",
    "jinja2",
    "matplotlib",
    "mpi4py",
    "narwhals",
    "onnx",
    "pandas",
    "polars",
    "pyarrow",
    "pyreadstat",
    "python_calamine",
    "rich",
    "safetensors",
    "scipy",
    "sklearn",
)

Sources = Mapping[str, str]
"""Dotted module name -> its text; a package's name stands for its ``__init__``."""


def sources() -> dict[str, str]:
    found = {}
    for path in sorted(HOUSE.rglob("*.py")):
        parts = path.relative_to(HOUSE.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = path.read_text("utf-8")
    return found


PACKAGES = {".".join(path.parent.relative_to(HOUSE.parent).parts) for path in HOUSE.rglob("__init__.py")}


def imports(module: str, text: str, known: Sources) -> Iterator[tuple[int, str]]:
    """Line and dotted name of each import; ``from a import b`` names a.b where that is a module of ours."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = module if module in PACKAGES else module.rpartition(".")[0]
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield node.lineno, inner if inner in known or base == "backpass" else base
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "NamesOf")):
            named = node.args[0] if node.args else None
            if isinstance(named, ast.Constant) and isinstance(named.value, str):
                yield node.lineno, named.value


def allowed_upwards(module: str, text: str) -> set[tuple[int, str]]:
    """The imports of ``imports`` that ``UPWARDS`` allows: those inside of the method that it names."""
    return {
        (line, UPWARDS[module, method])
        for cls in ast.parse(text).body
        if isinstance(cls, ast.ClassDef)
        for node in cls.body
        if isinstance(node, ast.FunctionDef) and (module, method := f"{cls.name}.{node.name}") in UPWARDS
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }


def room(module: str) -> str:
    """The room of a module of ours; "" for the doors, which may show every room."""
    if module in DOORS:
        return ""
    name = module.removeprefix("backpass.")
    inside = [each for each in ROOMS if name == each or name.startswith(f"{each}.")]
    return max(inside, key=len) if inside else name.split(".")[0]


def upward_imports(known: Sources) -> list[str]:
    faults = []
    for module, text in known.items():
        here = room(module)
        if not here:
            continue
        below = {*ROOMS[: ROOMS.index(here) + 1]} if here != "datasets" else {here, "errors"}
        allowed = allowed_upwards(module, text)
        for line, name in imports(module, text, known):
            is_ours = name.split(".")[0] == "backpass" and (line, name) not in allowed
            if is_ours and room(SHOWS.get(name, name)) not in below:
                faults.append(f"{module}:{line} imports {name}, from a room that is not below {here!r}")
    return faults


def foreign_imports(known: Sources) -> list[str]:
    allowed = {"numpy", "backpass", *sys.stdlib_module_names}
    return [
        f"{module}:{line} imports {name}; the core imports only the standard library and numpy"
        for module, text in known.items()
        if room(module) in CORE
        for line, name in imports(module, text, known)
        if name.split(".")[0] not in allowed and not is_optional(module, text, line, name)
    ]


def is_optional(module: str, text: str, line: int, name: str) -> bool:
    """Whether this import is one an optional engine may make: of its own library, inside a function."""
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    is_inside = any(node.lineno <= line <= (node.end_lineno or 0) for node in functions)
    return is_inside and OPTIONAL.get(module) == name.split(".")[0]


def cycles(known: Sources) -> list[str]:
    """Modules that reach themselves by following imports, those for type checkers included."""
    graph = {}
    for module, text in known.items():
        if room(module):
            named = {name for _, name in {*imports(module, text, known)} - allowed_upwards(module, text)}
            graph[module] = named & known.keys() - {module}
    while True:  # peel off modules that import none of the rest, or that none of the rest imports
        needed = set().union(*graph.values()) if graph else set()
        ends = [module for module, needs in graph.items() if not needs & graph.keys() or module not in needed]
        if not ends:
            return sorted(graph)
        for module in ends:
            del graph[module]


def shown(faults: list[str]) -> str:
    return "\n".join(["", *faults])


def test_every_room_is_known() -> None:
    unknown = sorted({room(module) for module in sources()} - {"", *ROOMS})
    assert not unknown, f"a new room needs its place in ROOMS: {unknown}"


def test_the_package_lists_every_room_lowest_first() -> None:
    listed = re.findall(r"^    ([a-z_]+) +\w", (backpass.__doc__ or "").partition("lowest first")[2], re.M)
    assert listed == list(dict.fromkeys(name.partition(".")[0] for name in ROOMS if not name.startswith("_")))


def test_rooms_import_downwards() -> None:
    faults = upward_imports(sources())
    assert not faults, shown(faults)


def test_the_core_needs_numpy_only() -> None:
    faults = foreign_imports(sources())
    assert not faults, shown(faults)


def scikit_learn_imports(known: Sources) -> list[str]:
    return [
        f"{module}:{line} imports {name}; only the estimators may"
        for module, text in known.items()
        if room(module) != "estimators"
        for line, name in imports(module, text, known)
        if name.split(".")[0] == "sklearn"
    ]


def test_only_the_estimators_import_scikit_learn() -> None:
    faults = scikit_learn_imports(sources())
    assert not faults, shown(faults)


def test_there_is_no_import_cycle() -> None:
    faults = cycles(sources())
    assert not faults, shown(faults)


def test_no_module_is_a_drawer() -> None:
    drawers = [module for module in sources() if module.rpartition(".")[2].strip("_") in DRAWERS]
    assert not drawers, shown(drawers)


def test_every_folder_says_what_it_is() -> None:
    """Each is a package whose docstring starts with one noun: "The calculus: functions ..."."""
    silent = []
    for folder in sorted({path.parent for path in HOUSE.rglob("*.py")} - {HOUSE}):
        init = folder / "__init__.py"
        text = ast.get_docstring(ast.parse(init.read_text("utf-8"))) if init.exists() else None
        if not re.match(r"(The )?\w+( \w+)?: \w", text or ""):
            silent.append(f"{init.relative_to(HOUSE.parent)}: {(text or 'no docstring').splitlines()[0]}")
    assert not silent, shown(silent)


def test_importing_the_library_is_light() -> None:
    program = "import sys, backpass; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "backpass" in loaded
    assert [name for name in HEAVY if name in loaded] == []


# Each check above must be able to fail


def test_planted_upward_imports_are_found() -> None:
    known = {
        "backpass.circuit.a": "def f():\n    from backpass.network import layers\n",
        "backpass.circuit.b": "import backpass.table.reading",
        "backpass.circuit.c": "from ..cli import main",
        "backpass.circuit.d": "from backpass import model",
        "backpass.datasets": "from backpass.circuit import spec",
        "backpass.table.a": "import duckdb\nfrom backpass.errors import E\nfrom backpass import circuit",
        "backpass": "from backpass.cli import main",
    }
    assert [fault.split(" imports ")[0] for fault in upward_imports(known)] == [
        "backpass.circuit.a:2",
        "backpass.circuit.b:1",
        "backpass.circuit.c:1",
        "backpass.circuit.d:1",
        "backpass.datasets:1",
    ]


def test_a_planted_import_upwards_in_another_method_is_found() -> None:
    text = (
        "class Model:\n"
        "    def plot(self):\n        import_module('backpass.reporting.plot')\n"
        "    def page(self):\n        import_module('backpass.reporting.plot')\n"
    )
    (fault,) = upward_imports({"backpass.model.model": text})
    assert fault.startswith("backpass.model.model:5 imports backpass.reporting.plot")


def test_planted_foreign_imports_are_found() -> None:
    known = {
        "backpass.engine.a": "import math\nimport numpy as np\ndef f():\n    import scipy.special\n",
        "backpass.table.a": "import duckdb",
    }
    assert [fault.split(" imports ")[0] for fault in foreign_imports(known)] == ["backpass.engine.a:4"]


def test_planted_imports_of_scikit_learn_are_found() -> None:
    known = {"backpass.model.a": "def f():\n    import sklearn.base\n", "backpass.estimators.a": "import sklearn"}
    assert [fault.split(" imports ")[0] for fault in scikit_learn_imports(known)] == ["backpass.model.a:2"]


def test_planted_imports_of_an_optional_engine_are_found() -> None:
    known = {
        "backpass.engine.onnx.file": "import onnx\ndef f():\n    import onnx.checker\n    import onnxruntime\n",
        "backpass.engine.onnx.forms": "def f():\n    import onnx\n",
    }
    assert [fault.split(" imports ")[0] for fault in foreign_imports(known)] == [
        "backpass.engine.onnx.file:1",
        "backpass.engine.onnx.file:4",
        "backpass.engine.onnx.forms:2",
    ]


def test_the_import_upwards_is_still_there() -> None:
    known = sources()
    for (module, _), name in UPWARDS.items():
        found = {*imports(module, known[module], known)} & allowed_upwards(module, known[module])
        assert [found for _, found in found] == [name]


def test_no_room_has_more_modules_than_one_remembers() -> None:
    """At most 15, except where they are a table of like things."""
    tables_of_like_things = {"cli.commands"}
    folders = Counter(path.parent.relative_to(HOUSE).as_posix().replace("/", ".") for path in HOUSE.rglob("[!_]*.py"))
    crowded = {folder: count for folder, count in folders.items() if count > 15 and folder not in tables_of_like_things}
    assert not crowded


def long_functions(known: Sources, most: int) -> list[str]:
    """The functions with more lines than that, docstrings not counted."""
    found = []
    for module, text in known.items():
        for each in ast.walk(ast.parse(text)):
            if isinstance(each, ast.FunctionDef):
                first, *others = each.body
                has_docstring = ast.get_docstring(each, clean=False) is not None and others
                lines = (each.end_lineno or 0) - (others[0] if has_docstring else first).lineno + 1
                found += [f"{module}.{each.name}: {lines} lines"] if lines > most else []
    return found


def test_functions_of_models_and_commands_are_named_steps() -> None:
    known = {name: text for name, text in sources().items() if name.startswith(("backpass.model.", "backpass.cli."))}
    assert len(known) > 100
    faults = long_functions(known, 50)
    assert not faults, shown(faults)


def test_planted_long_functions_are_found() -> None:
    text = "def f():\n    'What it returns.'\n\n    x = 1\n    return x\n"
    assert long_functions({"m": text}, 1) == ["m.f: 2 lines"]
    assert long_functions({"m": text}, 2) == []


def test_planted_cycles_are_found() -> None:
    known = {
        "backpass.table.a": "from backpass.table import b",
        "backpass.table.b": "def f():\n    from backpass.table.c import x\n",
        "backpass.table.c": "import backpass.table.a",
        "backpass.table.d": "import backpass.errors, backpass.table.a",
        "backpass.table.e": "if TYPE_CHECKING:\n    import backpass.table.f\n",
        "backpass.table.f": "NamesOf('backpass.table.e', 'TABLE')",
        "backpass.errors": "",
    }
    inside = [f"backpass.table.{name}" for name in "abcef"]
    assert cycles(known) == inside
    known["backpass.table.c"] = ""
    assert cycles(known) == inside[3:]
    known["backpass.table.f"] = ""
    assert cycles(known) == []
