"""The maker of kept model files: small models of every sort, with what they predict, for tests/model_files/.

    python tools/make_model_files.py
    python tools/make_model_files.py groups

Writes a folder named after the file format and the arithmetic version of this checkout, and refuses to touch one that
is there: files that were kept are never made again. Beside the files lies ``expected.json``: the rows that each model
is asked about, its outputs and its predictions, as the native engine gives them, and the SHA-256 of the file. With
``groups`` these are the grouped models, whose folder has the name of the other and ``_groups``.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import backpass
from backpass.engine import ENGINES
from backpass.model import GroupedModel, Model
from backpass.model.file.container import FORMAT
from backpass.model.saving import ARITHMETIC

KEPT = Path(__file__).parents[1] / "tests" / "model_files"
ROWS, ASKED = 160, 12
Columns = dict[str, list[Any]]


def columns(rows: int = ROWS, seed: int = 0) -> Columns:
    """Numbers and texts, both with gaps, and a target of each sort."""
    rng = np.random.default_rng(seed)
    size, age = rng.normal(100.0, 30.0, rows).round(2), rng.integers(1, 90, rows)
    town, street = rng.choice(["north", "south", "east", "west"], rows), rng.integers(0, 20, rows)
    gaps = rng.random((2, rows)) < 0.1
    worth = 2.0 * size - age + 40.0 * (town == "north") + rng.normal(0.0, 5.0, rows)
    return {
        "size": [None if gap else float(value) for value, gap in zip(size, gaps[0], strict=True)],
        "age": age.tolist(),
        "town": [None if gap else str(value) for value, gap in zip(town, gaps[1], strict=True)],
        "street": [f"street {number:02}" for number in street],
        "price": worth.round(3).tolist(),
        "visits": rng.poisson(np.exp(worth / 150.0)).tolist(),
        "sold": np.where(worth > np.median(worth), "yes", "no").tolist(),
        "grade": np.array(["a", "b", "c"])[np.digitize(worth, np.quantile(worth, [0.33, 0.66]))].tolist(),
    }


def fitted(target: str, *, inputs: tuple[str, ...] = ("size", "age", "town", "street"), **settings: Any) -> Model:
    """A model of these columns that trains in an instant."""
    table = {name: values for name, values in columns().items() if name in (*inputs, target)}
    return backpass.fit(table, target, **{"hidden": (16,), "epochs": 6, "engine": "native", **settings})


def estimated(targets: tuple[str, ...], **parameters: Any) -> Model:
    """A model of one target or several, fitted by an estimator."""
    from pandas import DataFrame

    from backpass import BackpassRegressor

    table = DataFrame(columns())
    y = table[list(targets)] if len(targets) > 1 else table[targets[0]]
    given = {"preset": "plain", "hidden_layer_sizes": (16,), "epochs": 6, "engine": "native", **parameters}
    return BackpassRegressor(**given).fit(table[["size", "age", "town", "street"]], y).model_


def absolute_error(o: Any, y: Any) -> Any:
    """A loss that a file can only call "custom"."""
    return abs(o - y)


MODELS: dict[str, Callable[[], Model]] = {
    "regression": lambda: fitted("price", inputs=("age",)),
    "binary": lambda: fitted("sold"),
    "multiclass": lambda: fitted("grade", activation="gelu"),
    "quantile": lambda: fitted("price", loss="quantile", quantile=0.9),
    "poisson": lambda: fitted("visits", loss="poisson"),
    "wired": lambda: fitted("price", wire=(("building", ("size", "age")), ("place", ("town",)))),
    "float64": lambda: fitted("price", precision="float64"),
    "default_numbers": lambda: fitted("price", preset="default", hidden=(16,), epochs=3),
    "default_classes": lambda: fitted("grade", preset="default", hidden=(16,), epochs=3),
    "ensemble": lambda: fitted("price", ensemble_size=3, hidden=(8,)),
    "ensemble_of_classes": lambda: fitted("grade", ensemble_size=2, preset="fast", hidden=(8,), epochs=3),
    "targets": lambda: estimated(("price", "visits")),
    "quantiles": lambda: estimated(("price",), loss="quantile", quantile=(0.1, 0.5, 0.9)),
    "custom": lambda: estimated(("price",), loss=absolute_error),
}
"""What is kept, by the name of the file. New sorts of model are added; nothing is taken away."""


def grouped(target: str, by: str) -> GroupedModel:
    """A grouped model of these columns; streets have fewer rows than the other groups."""
    table = {name: values for name, values in columns(320).items() if name in ("size", "age", "town", "street", target)}
    table["house"] = [int(text[-2:]) % 4 for text in table["street"]]
    kept = {name: table[name] for name in ("size", "age", by, target)}
    return backpass.fit_groups(kept, target, by=by, hidden=(4,), epochs=6, engine="native")


GROUPED: dict[str, Callable[[], GroupedModel]] = {
    "numbers_by_text": lambda: grouped("price", "town"),
    "numbers_by_number": lambda: grouped("price", "house"),
    "classes_by_text": lambda: grouped("grade", "town"),
}
"""The grouped models that are kept."""


def asked() -> Columns:
    """Rows that no model has seen: among them gaps, and texts that are new."""
    rows = columns(ASKED, seed=7)
    rows["size"][:2], rows["town"][2:5], rows["street"][5] = [None, 1e6], [None, "Timbuktu", ""], "no such street"
    return {name: rows[name] for name in ("size", "age", "town", "street")}


def expectation(model: Model, data: bytes, rows: Columns) -> dict[str, Any]:
    """What the file must give for ever."""
    table = model.table(rows)
    predictions = model.predictions(table)
    probabilities = predictions.probabilities
    return {
        "sha256": hashlib.sha256(data).hexdigest(),
        "outputs": model.outputs(table).tolist(),
        "values": predictions.values.tolist(),
        "probabilities": None if probabilities is None else probabilities.tolist(),
    }


def asked_of_groups() -> Columns:
    """The same rows, with groups that no model has seen."""
    rows = asked()
    houses = [None, 99, *([0, 1, 2, 3] * ASKED)]
    return {**{name: rows[name] for name in ("size", "age", "town")}, "house": houses[:ASKED]}


def expectation_of_groups(model: GroupedModel, data: bytes, rows: Columns) -> dict[str, Any]:
    """What the file of a grouped model must give for ever."""
    predictions = model.predictions(model.table(rows))
    probabilities = predictions.probabilities
    return {
        "sha256": hashlib.sha256(data).hexdigest(),
        "groups": list(model.groups),
        "values": predictions.values.tolist(),
        "probabilities": None if probabilities is None else probabilities.tolist(),
    }


def main() -> None:
    """Write the folder and say what was written."""
    of_groups = sys.argv[1:] == ["groups"]
    folder = KEPT / f"format_{FORMAT}_arithmetic_{ARITHMETIC}{'_groups' if of_groups else ''}"
    models: dict[str, Callable[[], Any]] = {**(GROUPED if of_groups else MODELS)}
    expect: Callable[[Any, bytes, Columns], dict[str, Any]] = expectation_of_groups if of_groups else expectation
    if "native" not in ENGINES:
        sys.exit("the native engine was not built: what is kept are its bits")
    if folder.exists():
        sys.exit(f"{folder} is there: kept files are never made again")
    folder.mkdir(parents=True)
    rows, expected = asked_of_groups() if of_groups else asked(), {}
    for name, make in models.items():
        data = make().to_bytes()
        (folder / f"{name}.backpass").write_bytes(data)
        expected[name] = expect(backpass.load(folder / f"{name}.backpass"), data, rows)
        sys.stdout.write(f"{name}: {len(data)} bytes\n")
    facts = ",\n".join(f"{json.dumps(name)}: {json.dumps(each)}" for name, each in expected.items())
    text = f'{{"rows": {json.dumps(rows)},\n"models": {{\n{facts}\n}}}}\n'
    (folder / ("groups.json" if of_groups else "expected.json")).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
