"""Models of dates: the same bytes through every door, missing dates, texts for dates, cosines, files old and new."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from backpass import load
from backpass.errors import DataError, ModelFileError
from backpass.model import Model, fit
from backpass.model.file.container import pack, unpack
from backpass.model.loading import from_bytes

ROWS = 150
FIRST = datetime.datetime(2021, 1, 1)


def rides(rows: int = ROWS) -> dict[str, list[Any]]:
    """What a ride costs follows from the hour, the day of the week and the year."""
    rng = np.random.default_rng(3)
    hours = rng.integers(0, 24 * 1_000, rows).tolist()
    stamps = [FIRST + datetime.timedelta(hours=hour) for hour in hours]
    price = [
        np.cos(2 * np.pi * stamp.hour / 24) + (stamp.isoweekday() > 5) + 0.5 * (stamp.year - 2021) for stamp in stamps
    ]
    gaps = rng.random(rows) < 0.1
    return {
        "ordered": [None if gap else stamp for gap, stamp in zip(gaps, stamps, strict=True)],
        "length": rng.normal(5.0, 1.0, rows).round(3).tolist(),
        "price": np.array(price).round(4).tolist(),
    }


def fitted(data: Any, **settings: Any) -> Model:
    return fit(data, "price", **{"hidden": (8,), "epochs": 3, **settings})


@pytest.fixture(scope="module")
def model() -> Model:
    return fitted(rides())


def texts() -> dict[str, list[Any]]:
    data = rides()
    return {**data, "ordered": [None if stamp is None else stamp.isoformat() for stamp in data["ordered"]]}


def files(folder: Path) -> dict[str, Any]:
    data, csv, parquet = rides(), folder / "rides.csv", folder / "rides.parquet"
    pd.DataFrame(data).to_csv(csv, index=False)
    pq.write_table(pa.table(data), parquet)
    frames = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table, "dict": dict}
    return {"csv": csv, "parquet": parquet, "texts": texts()} | {name: make(data) for name, make in frames.items()}


@pytest.mark.parametrize("door", ["csv", "parquet", "texts", "pandas", "polars", "pyarrow", "dict"])
def test_every_door_gives_the_same_bytes(door: str, model: Model, tmp_path: Path) -> None:
    assert fitted(files(tmp_path)[door]).to_bytes() == model.to_bytes()


def test_the_file_describes_its_dates(model: Model, tmp_path: Path) -> None:
    model.save(tmp_path / "rides.backpass")
    again = load(tmp_path / "rides.backpass")
    (ordered,) = again.schema.datetimes
    assert ordered.parts == ("days", "year", "month", "day of month", "day of week", "day of year", "hour")
    assert again.to_bytes() == model.to_bytes()
    assert np.array_equal(again.predict(texts()), model.predict(rides()))
    assert again.input_names == [
        *(f"ordered ({part})" for part in ordered.parts),
        "length",
        "ordered (days) is missing",
        *(
            f"ordered ({part}) {function}"
            for part in ("month", "day of week", "day of year", "hour")
            for function in ("cos", "sin")
        ),
    ]


def test_inputs_by_hand(model: Model) -> None:
    """Cosine and sine of the turn. A missing date has one indicator, the median for its numbers, and 0 for both."""
    row = {"ordered": [datetime.datetime(2022, 3, 2, 6), None], "length": [5.0, 5.0], "price": [0.0, 0.0]}
    encoded = model.schema.encode(model.table(row))
    x = model.feature_map(encoded.numbers, encoded.codes, np.float64)
    found = [dict(zip(model.input_names, values, strict=True)) for values in x.tolist()]
    for part, turn in {"month": 3 / 12, "day of week": 3 / 7, "day of year": 61 / 366, "hour": 6 / 24}.items():
        assert found[0][f"ordered ({part}) cos"] == pytest.approx(np.cos(2 * np.pi * turn), abs=1e-15)
        assert found[0][f"ordered ({part}) sin"] == pytest.approx(np.sin(2 * np.pi * turn), abs=1e-15)
    ordered = {name: value for name, value in found[1].items() if name.startswith("ordered")}
    assert ordered.pop("ordered (days) is missing") == 1.0
    assert set(ordered.values()) == {0.0}
    assert np.isfinite(model.predict(row)).all()


@pytest.mark.parametrize("preset", ["plain", "fast"])
def test_dates_are_learned(preset: str) -> None:
    model = fit(rides(900), "price", preset=preset, seed=1, **({"epochs": 40} if preset == "plain" else {}))
    scores = model.record.scores["test"]
    assert scores["r2"] > 0.8


def test_a_wired_unit_sees_every_part(model: Model) -> None:
    wired = fitted(rides(), wire=(("when", ("ordered",)),), hidden=())
    names = [wired.input_names[i] for i in wired.network.layers[0].units[0].inputs]  # type: ignore[attr-defined]
    assert sorted(names) == sorted(name for name in wired.input_names if name.startswith("ordered"))


def test_a_date_that_cannot_be_read_at_prediction(model: Model) -> None:
    data = texts() | {"ordered": ["02/03/2022", *texts()["ordered"][1:]]}
    with pytest.raises(DataError, match=r"1 other value \('02/03/2022' row 1\)") as caught:
        model.predict(data)
    assert "the model needs dates here" in caught.value.hint
    with pytest.raises(DataError, match=r"holds numbers \(rows 1, 2, 3, 4, 5, ... \(150 in all\)\)"):
        model.predict(rides() | {"ordered": list(range(ROWS))})


def test_a_model_of_before_there_were_dates_gets_days(model: Model) -> None:
    """Its column is one of numbers, days since 1970-01-01, whatever the door."""
    day = datetime.datetime(1970, 1, 1)
    days = {
        **rides(),
        "ordered": [None if s is None else (s - day) / datetime.timedelta(days=1) for s in rides()["ordered"]],
    }
    old = fitted(days)
    assert np.array_equal(old.predict(rides()), old.predict(days))


@pytest.mark.parametrize("parts", [["hours"], [], ["year"], ["days", "days"], "days"])
def test_parts_that_a_file_cannot_have(model: Model, parts: Any) -> None:
    facts, arrays = unpack(model.to_bytes(), "model", "t")
    facts = json.loads(json.dumps(facts))
    facts["schema"]["features"][0]["parts"] = parts
    with pytest.raises(ModelFileError):
        from_bytes(pack("model", facts, arrays))
