"""--teacher: declared, written to the configuration, used by fit, tune and cross-validation, shown beside scores."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backpass.model import load

from .conftest import QUICK, Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(150, 2)).round(3)
    p = 1.0 / (1.0 + np.exp(-2.0 * x[:, 0]))
    sold = np.where(rng.random(150) < p, "yes", "no")
    frame = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "p(no)": (1.0 - p).round(3), "p(yes)": p.round(3), "sold": sold})
    path = tmp_path / "sales.csv"
    frame.to_csv(path, index=False)
    return path


def test_the_teacher_is_in_the_summary_the_file_and_the_json(call: Run, table: Path, tmp_path: Path) -> None:
    done = call("fit", str(table), "-t", "sold", "--teacher", "p(yes),p(no)", *QUICK)
    assert done.code == 0, done.err
    lines = [line.split() for line in done.err.splitlines()]
    assert [line[0] for line in lines if line[:1] in (["network"], ["teacher"]) and len(line) > 2][-2:] == [
        "network",
        "teacher",
    ]
    model = load(tmp_path / "sales.backpass")
    assert [feature.name for feature in model.schema.features] == ["a", "b"]
    shown = call("show", str(tmp_path / "sales.backpass"))
    assert "p(yes), p(no), weight 0.25, on 96 of 96 training rows" in " ".join(shown.out.split())
    facts = call("show", "sales.backpass", "--json").json
    assert facts["teacher"]["columns"] == ["p(yes)", "p(no)"]
    assert facts["teacher"]["scores"]["test"].keys() >= {"log_loss", "accuracy"}
    predicted = call("predict", "sales.backpass", str(table))
    assert predicted.code == 0, predicted.err


def test_a_configuration_holds_the_teacher_and_its_weight(call: Run, table: Path, tmp_path: Path) -> None:
    options = ("-t", "sold", "--teacher", "p(yes)", "--teacher-weight", "0.8", *QUICK)
    config = call("fit", str(table), *options, "--print-config")
    assert "teacher-weight = 0.8" in config.out or "teacher_weight = 0.8" in config.out
    (tmp_path / "run.toml").write_text(config.out, "utf-8")
    assert call("fit", str(table), *options, "-o", "one.backpass").code == 0
    assert call("fit", "--config", "run.toml", "-o", "two.backpass").code == 0
    assert (tmp_path / "one.backpass").read_bytes() == (tmp_path / "two.backpass").read_bytes()


def test_cross_validation_and_tune_read_the_teacher(call: Run, table: Path, tmp_path: Path) -> None:
    options = ("-t", "sold", "--teacher", "p(yes)", "--hidden", "4", "--epochs", "2")
    assert call("fit", str(table), *options, "--folds", "2").code == 0
    tuned = call("tune", str(table), *options, "--trials", "1", "--folds", "2", "--json")
    assert tuned.code == 0, tuned.err
    assert tuned.json["teacher"]["columns"] == ["p(yes)"]


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        (("--teacher", "p(yes)", "--drop", "p(yes)"), 2, "--teacher 'p(yes)' is left out by --drop"),
        (("--teacher", "sold"), 2, "--teacher 'sold' is also --target or --weight"),
        (("--teacher", "p(maybe)"), 3, "p(maybe)"),
        (("--teacher", "a"), 3, "are not probabilities from 0 to 1"),
        (("--teacher-weight", "0.5"), 2, "--teacher-weight needs a teacher"),
        (("--teacher", "p(yes)", "--teacher-weight", "1.5"), 2, "teacher_weight"),
    ],
)
def test_what_cannot_teach_is_refused(
    call: Run, table: Path, tmp_path: Path, options: tuple[str, ...], code: int, text: str
) -> None:
    done = call("fit", str(table), "-t", "sold", *options, *QUICK)
    assert (done.code, text in done.err or text.replace("_", "-") in done.err) == (code, True), done.err


def test_distill_writes_one_network_and_prints_both_scores_sizes_and_times(
    call: Run, table: Path, tmp_path: Path
) -> None:
    assert call("fit", str(table), "-t", "sold", *QUICK, "--ensemble-size", "2", "-o", "big.backpass").code == 0
    done = call(
        "distill", "big.backpass", str(table), "-o", "small.backpass", "--hidden", "8", "--epochs", "2", "--json"
    )
    assert done.code == 0, done.err
    assert [line.split()[0] for line in done.err.splitlines() if " us per row" in line] == ["network", "teacher"]
    facts = done.json
    assert facts["bytes"]["network"] == (tmp_path / "small.backpass").stat().st_size
    assert facts["costs"]["teacher"]["microseconds_per_row"] > 0.0
    assert facts["teacher"]["scores"]["test"]["log_loss"] > 0.0
    assert load(tmp_path / "small.backpass").networks == 1


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        (("-o", "big.backpass"), 2, "big.backpass"),
        (("-o", "small.backpass", "--ensemble-size", "2"), 2, "--ensemble-size cannot be set"),
        (("-o", "small.backpass", "--threshold", "f1"), 2, "--threshold cannot be set"),
        (("-o", "small.backpass", "--mixed", "-1"), 2, "--mixed must be a whole number of at least 0"),
        ((), 2, "--output"),
    ],
)
def test_distill_refuses_what_it_cannot_do(
    call: Run, table: Path, options: tuple[str, ...], code: int, text: str
) -> None:
    assert call("fit", str(table), "-t", "sold", *QUICK, "--ensemble-size", "2", "-o", "big.backpass").code == 0
    before = Path("big.backpass").read_bytes()
    done = call("distill", "big.backpass", str(table), *options)
    assert (done.code, text in done.err) == (code, True), done.err
    assert Path("big.backpass").read_bytes() == before
