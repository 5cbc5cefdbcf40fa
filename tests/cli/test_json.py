"""``--json``: one object on standard output, in success and in failure."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backpass import __version__
from backpass.model.metrics import all_metrics

Run = Callable[..., Any]


def test_fit(call: Run, home: Path) -> None:
    done = call(
        "fit",
        home / "pets.csv",
        "-t",
        "pet",
        "--positive",
        "cat",
        "--validation-fraction",
        "0.16",
        "--hidden",
        "4",
        "--epochs",
        "2",
        "--json",
    )
    facts = done.json
    assert done.code == 0
    assert "\nsaved pets.backpass" in done.err
    assert list(facts)[:3] == ["backpass", "format", "command"]
    other = (
        "columns",
        "scores",
        "baselines",
        "comparison",
        "best_epoch",
        "notes",
        "warnings",
        "confusion",
        "per_class",
    )
    assert {**facts, **dict.fromkeys(other, 0)} == {
        "backpass": __version__,
        "format": 1,
        "command": "fit",
        "rows": {"train": 76, "validation": 20, "test": 24},
        "target": "pet",
        "targets": ["pet"],
        "task": "binary",
        "classes": ["cat", "dog"],
        "positive": "cat",
        "decision": {"positive": 0, "threshold": 0.5, "rule": ""},
        "weight": None,
        "teacher": None,
        "refit": None,
        "expected_later": None,
        "features_of": None,
        "confusion": 0,
        "per_class": 0,
        "coverage": None,
        "columns": 0,
        "network": [6, 4, 1],
        "parameters": 33,
        "scores": 0,
        "baselines": 0,
        "comparison": 0,
        "best_epoch": 0,
        "epochs": 2,
        "steps": facts["steps"],
        "reason": "finished",
        "notes": 0,
        "warnings": 0,
        "output": "pets.backpass",
        "checkpoint": None,
        "report": None,
    }
    assert set(facts["scores"]["test"]) == set(all_metrics("cross_entropy"))
    counts = np.array(facts["confusion"]["test"])
    assert counts.sum() == 24
    assert facts["scores"]["test"]["accuracy"] == pytest.approx(np.trace(counts) / 24)
    cat = facts["per_class"]["test"]["cat"]
    assert cat["f1"] == pytest.approx(facts["scores"]["test"]["f1"])
    assert cat["recall"] == pytest.approx(counts[0, 0] / counts[0].sum())
    assert set(facts["baselines"]) == {"logistic", "class_frequencies"}


def test_predict(call: Run, home: Path, tmp_path: Path) -> None:
    arguments = ("predict", home / "kinds.backpass", home / "kinds.csv", "--keep", "age,colour", "--json")
    facts = call(*arguments).json
    assert facts["rows"] == len(facts["predictions"]) == len(facts["probabilities"]) == 120
    assert facts["classes"] == ["high", "low", "mid"]
    assert facts["kept"]["age"][3] is None, "missing is null, not NaN"
    assert facts["kept"]["colour"][:3] == ["red", "green", "blue"]
    call(*arguments, "-o", "p.json")
    assert (tmp_path / "p.json").read_text().startswith('{"backpass"')
    assert call("predict", home / "numbers.backpass", home / "numbers.csv", "--json").json["probabilities"] is None


def test_evaluate_show_and_sample(call: Run, home: Path) -> None:
    scored = call("evaluate", home / "numbers.backpass", home / "numbers.csv", "--json").json
    assert set(scored["scores"]) >= {"rmse", "mae", "r2", "median_absolute_error", "coverage_90", "crps"}
    assert set(scored["at_fit"]["scores"]) >= set(scored["scores"]) - {"crps"}
    assert scored["intervals"] is None
    wide = call("evaluate", home / "numbers.backpass", home / "numbers.csv", "--json", "--intervals").json
    assert wide["scores"] == scored["scores"]
    assert all(low <= wide["scores"][name] <= high for name, (low, high) in wide["intervals"].items())
    classes = call("evaluate", home / "kinds.backpass", home / "kinds.csv", "--json").json
    assert list(classes["per_class"]) == classes["classes"] == ["high", "low", "mid"]
    mean = sum(each["roc_auc"] for each in classes["per_class"].values()) / 3
    assert classes["scores"]["roc_auc"] == pytest.approx(mean)
    shown = call("show", home / "numbers.backpass", "--json").json
    assert shown["layers"][0]["arrays"] == {"W1": [6, 8], "b1": [8]}
    assert len(shown["history"]) == 3
    assert shown["settings"]["hidden"] == [8]
    assert list(call("sample", "--json").json["samples"]) == ["housing"]
    assert call("sample", "housing", "--json").json["csv"].startswith("median_income,")


@pytest.mark.parametrize(
    ("arguments", "kind", "code"),
    [
        (["fitt"], "usage", 2),
        (["fit", "t.csv", "-t", "y", "--epochs", "0", "--seed", "-1"], "usage", 2),
        (["fit", "nowhere.csv", "-t", "y"], "data", 3),
        (["predict", "nowhere.backpass", "t.csv"], "model_file", 4),
        (["evaluate", "nowhere.backpass", "t.csv"], "model_file", 4),
        (["show", "nowhere.backpass"], "model_file", 4),
        (["sample", "nothing"], "usage", 2),
        (["fit", "t.csv", "-t", "y", "-o", "/proc/m"], "resource", 5),
    ],
)
def test_failures(call: Run, arguments: list[str], kind: str, code: int) -> None:
    failed = call(*arguments, "--json")
    error = failed.json["error"]
    assert (failed.code, error["kind"], error["exit_code"]) == (code, kind, code)
    assert failed.err.startswith(f"error: {error['message']}\n")
    assert set(error) == {"kind", "message", "details", "hint", "exit_code"}
    assert len(error["details"]) == (2 if "-1" in arguments else 0)
