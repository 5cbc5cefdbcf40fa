"""--features-of: the learned features of a model file are kept; declared, written, cross-validated, shown, refused."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backpass import load

from .conftest import Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """A model of y in a.csv, and a table with other targets."""
    rng = np.random.default_rng(0)
    for name, targets in (("a", ["y"]), ("b", ["w", "k", "id"])):
        x, day = rng.normal(size=(90, 2)).round(3), rng.integers(1, 13, 90)
        signal = np.tanh(2 * x[:, 0])
        frame = pd.DataFrame(
            {"p": x[:, 0], "q": x[:, 1], "day": [f"{d:02}/{m:02}/2024" for d, m in zip(day, day[::-1], strict=True)]}
        )
        frame["y"], frame["w"] = (signal + x[:, 1]).round(3), (signal - x[:, 1]).round(3)
        frame["k"], frame["id"] = np.where(signal > 0, "yes", "no"), [f"row {i:03}" for i in range(90)]
        if name == "a":
            frame.loc[0, "day"] = "31/01/2024"  # the only row that tells the order of day and month
        frame[["p", "q", "day", *targets]].to_csv(tmp_path / f"{name}.csv", index=False)
    return str(tmp_path / "a.csv"), str(tmp_path / "b.csv")


def test_one_file_predicts_from_columns_and_names_its_source(call: Run, files: tuple[str, str], tmp_path: Path) -> None:
    first, second = files
    assert call("fit", first, "-t", "y", "--hidden", "6", "--epochs", "2").code == 0
    done = call("fit", second, "-t", "w", "--drop", "k", "--features-of", "a.backpass", "--epochs", "2", "--json")
    assert done.code == 0, done.err
    assert "features 6, kept from a model of y; trained: the output layer, 7 parameters" in " ".join(done.err.split())
    digest = sha256((tmp_path / "a.backpass").read_bytes()).hexdigest()
    assert done.json["features_of"] == {"sha256": digest, "targets": ["y"], "networks": 1}
    assert digest in call("show", "b.backpass").out.replace("\n", "").replace(" ", "")
    assert call("predict", "b.backpass", second, "-o", "p.csv").code == 0
    assert call("features", "b.backpass", second, "-o", "f2.csv").code == 0
    assert call("features", "a.backpass", second, "-o", "f1.csv").code == 0
    assert (tmp_path / "f1.csv").read_bytes() == (tmp_path / "f2.csv").read_bytes()
    assert call("evaluate", "b.backpass", second).code == 0


def test_a_configuration_and_a_resumed_run_give_the_same_file(
    call: Run, files: tuple[str, str], tmp_path: Path
) -> None:
    first, second = files
    call("fit", first, "-t", "y", "--hidden", "6", "--epochs", "2")
    options = ("fit", second, "-t", "k", "--features-of", "a.backpass", "--epochs", "3")
    (tmp_path / "run.toml").write_text(call(*options, "--print-config").out, "utf-8")
    assert call(*options, "-o", "one.backpass", "--checkpoint", "run.checkpoint").code == 0
    assert call("fit", "--config", "run.toml", "-o", "two.backpass").code == 0
    assert call(*options, "-o", "three.backpass", "--resume", "run.checkpoint").code == 0
    one, two, three = ((tmp_path / f"{name}.backpass").read_bytes() for name in ("one", "two", "three"))
    assert one == two == three


def test_a_cross_validation_keeps_the_features(call: Run, files: tuple[str, str], tmp_path: Path) -> None:
    first, second = files
    call("fit", first, "-t", "y", "--hidden", "6", "--epochs", "2")
    options = ("-t", "w", "--features-of", "a.backpass", "--epochs", "2")
    crossed = call("fit", second, *options, "--folds", "3", "--json")
    assert len(crossed.json["cross_validation"]["scores"]) == 3
    assert load(tmp_path / "b.backpass").record.features_of is not None


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        (("--hidden", "4"), 2, "hidden is [6] in the model whose features are kept; got [4]"),
        (("--columns", "p"), 2, "--columns: the columns are those of the model whose features are kept"),
        (("--by", "day"), 2, "--features-of"),
        (("--stream",), 2, "a streamed fit cannot use --features-of"),
        (("--drop", "q"), 2, "column 'q' is left out by --drop, but the kept features are computed from it"),
        (("--categorical", "p"), 2, "--categorical 'p': the kept features are computed from this column"),
    ],
)
def test_what_cannot_be_combined_is_named(
    call: Run, files: tuple[str, str], options: tuple[str, ...], code: int, text: str
) -> None:
    first, second = files
    call("fit", first, "-t", "y", "--hidden", "6", "--epochs", "1")
    done = call("fit", second, "-t", "w", "--features-of", "a.backpass", *options)
    assert done.code == code
    assert text in " ".join(done.err.split())


def test_a_table_without_a_column_and_a_file_that_is_no_model(
    call: Run, files: tuple[str, str], tmp_path: Path
) -> None:
    first, second = files
    call("fit", first, "-t", "y", "--hidden", "6", "--epochs", "1")
    pd.read_csv(second).drop(columns=["q", "day"]).to_csv(tmp_path / "less.csv", index=False)
    done = call("fit", "less.csv", "-t", "w", "--features-of", "a.backpass")
    assert done.code == 3
    assert "lacks 2 columns that the kept features are computed from: 'q', 'day'" in " ".join(done.err.split())
    assert call("fit", second, "-t", "w", "--features-of", second).code == 4
    assert call("fit", second, "-t", "w", "--features-of", "absent.backpass").code == 4


def test_the_engine_jax_without_a_device_names_the_option(call: Run, files: tuple[str, str]) -> None:
    done = call("fit", files[0], "-t", "y", "--engine", "jax")
    assert done.code == 2
    assert "set --device to one of cpu, cuda, tpu" in done.err
