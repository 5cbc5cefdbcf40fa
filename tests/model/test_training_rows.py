"""Training rows: what a file remembers of them recognizes them, in any share, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import backpass
from backpass.errors import BackpassWarning, ModelFileError
from backpass.model.file.container import pack, unpack
from backpass.model.loading import from_bytes
from backpass.model.training_rows import MOST_DIGESTS, counts_below, row_digests

TEXT = "trained the model or selected its epoch"


def made(rows: int, seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    x, town = rng.normal(size=rows), rng.choice(["a", "b"], rows)
    return {"x": np.where(rng.random(rows) < 0.1, np.nan, x), "town": town, "y": x + rng.normal(size=rows)}


def take(columns: dict[str, Any], index: Any) -> dict[str, Any]:
    return {name: values[index] for name, values in columns.items()}


def known(model: backpass.Model, columns: dict[str, Any]) -> float:
    """The share of rows that the model recognizes."""
    table = model.table(columns, with_target=True)
    encoded = model.schema.encode(table)
    assert model.training_rows is not None
    return model.training_rows.known_share(row_digests(encoded.numbers, encoded.codes, model.head.truth(table)))


@pytest.fixture(scope="module", params=[300, 6_000])
def fitted(request: pytest.FixtureRequest) -> tuple[backpass.Model, dict[str, Any]]:
    """A model of fewer rows than digests, and one of more, both loaded from their files."""
    columns = made(request.param)
    model = backpass.fit(columns, "y", hidden=(4,), epochs=2, validation_fraction=0.2, test_fraction=0.25)
    return from_bytes(model.to_bytes()), columns


def test_the_table_of_the_fit_is_recognized(fitted: tuple[backpass.Model, dict[str, Any]]) -> None:
    model, columns = fitted
    assert known(model, columns) == pytest.approx(0.75, abs=0.04)
    with pytest.warns(BackpassWarning, match=f"about 7.% of these rows {TEXT}"):
        model.evaluate(columns)


def test_a_single_row_is_recognized() -> None:
    columns = made(300)
    model = backpass.fit(columns, "y", hidden=(4,), epochs=1, test_fraction=0.0)
    first = take(columns, slice(0, 1))
    assert known(model, first) == 1.0
    with pytest.warns(BackpassWarning, match="^this row trained the model or selected its epoch"):
        model.evaluate(first)
    assert known(model, take(made(300, 1), slice(0, 1))) == 0.0


def test_its_test_rows_and_other_rows_are_not(fitted: tuple[backpass.Model, dict[str, Any]]) -> None:
    model, columns = fitted
    rows = len(columns["y"])
    assert known(model, made(rows, 1)) == 0.0
    assert known(model, take(made(rows, 1), slice(0, 1))) == 0.0
    found = backpass.fit(columns, "y", test=made(rows, 1), hidden=(4,), epochs=1, validation_fraction=0.2)
    # With a test table of its own every row trains or validates.
    assert known(found, columns) == 1.0
    with pytest.warns(BackpassWarning, match=f"^these rows {TEXT}"):
        found.evaluate(columns)


def test_a_mixture_is_recognized_with_its_share() -> None:
    columns = made(6_000)
    model = backpass.fit(columns, "y", hidden=(4,), epochs=1, test_fraction=0.0)
    rng = np.random.default_rng(5)
    for share in (0.1, 0.5):
        old = take(columns, rng.permutation(6_000)[: int(6_000 * share)])
        new = made(6_000 - int(6_000 * share), 7)
        mixed = {name: np.concatenate([old[name], new[name]]) for name in columns}
        assert known(model, mixed) == pytest.approx(share, abs=0.06)


def test_rows_that_repeat_by_nature_are_no_evidence() -> None:
    def coded(seed: int) -> dict[str, Any]:
        rng = np.random.default_rng(seed)
        a, b = rng.choice(["p", "q"], 2_000), rng.choice(["r", "s", "t"], 2_000)
        return {"a": a, "b": b, "kind": np.where((a == "p") ^ (rng.random(2_000) < 0.2), "yes", "no")}

    model = backpass.fit(coded(0), "kind", hidden=(4,), epochs=1)
    assert known(model, coded(1)) == 0.0


@pytest.mark.parametrize("preset", ["default", "fast", "plain"])
def test_rows_of_every_fold_are_known(preset: str) -> None:
    columns = made(400)
    model = backpass.fit(columns, "y", preset=preset, epochs=1)
    assert model.training_rows is not None
    assert model.training_rows.rows == 320
    assert known(model, columns) == pytest.approx(0.8, abs=0.02)


def test_counts_are_those_of_a_loop() -> None:
    rng = np.random.default_rng(0)
    values = rng.choice([0.0, 1.0, 2.5, np.nan, np.inf], 200)
    quantiles = (0.0, 0.5, 1.0, 2.5)
    found = counts_below(values, quantiles)
    assert found.tolist() == [sum(1 for value in values if value <= q) for q in quantiles]


def test_digests_never_change() -> None:
    """Files hold them."""
    numbers = np.array([[1.5, np.nan], [-0.0, 2.0], [0.0, 2.0]])
    codes = np.array([[1], [0], [0]], dtype=np.int32)
    found = row_digests(numbers, codes, np.array([3.0, 4.0, 4.0]))
    assert found.dtype == np.uint32
    assert found[1] == found[2]
    assert found.tolist() == DIGESTS


DIGESTS = [2267219624, 4291498442, 4291498442]


def test_a_file_holds_little(fitted: tuple[backpass.Model, dict[str, Any]]) -> None:
    model, _ = fitted
    facts, arrays = unpack(model.to_bytes(), "model", "m")
    assert len(arrays["digests"]) == min(model.training_rows.rows, MOST_DIGESTS)  # type: ignore[union-attr]
    assert arrays["digests"].dtype == arrays["below"].dtype == np.uint32
    assert facts["training_rows"]["rows"] == model.record.rows["train"] + model.record.rows["validation"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda facts, arrays: facts.pop("training_rows"),
        lambda facts, arrays: facts["training_rows"].update(rows=1),
        lambda facts, arrays: facts["training_rows"].update(single=10**6),
        lambda facts, arrays: facts["training_rows"].update(profiled=1),
        lambda facts, arrays: arrays.update(below=arrays["below"][:-1]),
        lambda facts, arrays: arrays.update(below=arrays["below"][::-1].copy()),
        lambda facts, arrays: arrays.update(below=arrays["below"].astype(np.float64)),
        lambda facts, arrays: arrays.update(digests=arrays["digests"][::-1].copy()),
        lambda facts, arrays: arrays.update(digests=arrays["digests"][:0]),
        lambda facts, arrays: arrays.pop("digests"),
    ],
)
def test_contradictions_are_refused(damage: Any, fitted: tuple[backpass.Model, dict[str, Any]]) -> None:
    facts, arrays = unpack(fitted[0].to_bytes(), "model", "m")
    damage(facts, arrays)
    with pytest.raises(ModelFileError):
        from_bytes(pack("model", facts, arrays))
