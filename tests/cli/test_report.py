"""``backpass report`` and ``fit --report``: a page where one is asked for, and nothing lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import backpass

pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")

Run = Callable[..., Any]
START = "<!DOCTYPE html>"


def unwarned(err: str) -> str:
    """What is said beside warnings: the models of these tests are trained for three epochs."""
    return "".join(
        line
        for line in err.splitlines(keepends=True)
        if not line.startswith(("warning: the network is worse", "warning: the network is no better"))
    )


def test_a_page_goes_to_standard_output(call: Run, home: Path) -> None:
    done = call("report", home / "numbers.backpass")
    assert (done.code, unwarned(done.err)) == (0, "")
    assert done.out.startswith(START)
    assert done.out.endswith("</html>")
    assert "Predicted vs. true values" not in done.out


def test_a_page_with_rows_goes_to_a_file(call: Run, home: Path, tmp_path: Path) -> None:
    done = call("report", home / "numbers.backpass", home / "numbers.csv", "--output", "page.html")
    assert (done.code, done.out) == (0, "")
    assert unwarned(done.err).startswith("saved page.html (")
    text = (tmp_path / "page.html").read_text("utf-8")
    assert "Predicted vs. true values" in text
    assert "24 rows of numbers.csv that were held out for testing" in text
    assert str(home) not in text
    again = call("report", home / "numbers.backpass", home / "numbers.csv", "-o", "page.html", "--json", "-q")
    assert again.code == 0
    assert again.json["bytes"] == len(text.encode())
    assert (tmp_path / "page.html").read_text("utf-8") == text


@pytest.mark.parametrize("name", ["pets", "kinds"])
def test_classes_have_their_pictures(call: Run, home: Path, name: str) -> None:
    done = call("report", home / f"{name}.backpass", home / f"{name}.csv")
    assert done.code == 0
    for heading in ("Confusion matrix", "ROC curve", "Precision and recall", "Calibration"):
        assert heading in done.out


def test_fit_writes_the_page_that_report_writes(call: Run, home: Path, tmp_path: Path) -> None:
    fitted = call(
        *(
            "fit",
            home / "numbers.csv",
            "-t",
            "price",
            "--validation-fraction",
            "0.16",
            "--hidden",
            "8",
            "--epochs",
            "3",
            "-o",
            "m.backpass",
        ),
        *("--report", "fit.html", "--json"),
    )
    assert fitted.code == 0
    assert fitted.json["report"] == "fit.html"
    assert "saved fit.html (" in fitted.err
    assert call("report", "m.backpass", home / "numbers.csv", "-o", "report.html").code == 0
    assert (tmp_path / "fit.html").read_bytes() == (tmp_path / "report.html").read_bytes()


def test_fit_judges_by_the_test_file(call: Run, home: Path, tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text("".join((home / "numbers.csv").read_text().splitlines(keepends=True)[:41]))
    done = call(
        *(
            "fit",
            home / "numbers.csv",
            "-t",
            "price",
            "--validation-fraction",
            "0.16",
            "--hidden",
            "8",
            "--epochs",
            "3",
            "-o",
            "m.backpass",
        ),
        *("--test-file", "test.csv", "--report", "page.html", "-q"),
    )
    assert done.code == 0
    assert "all 40 rows of test.csv" in (tmp_path / "page.html").read_text("utf-8")


def test_json_holds_the_numbers_of_the_page(call: Run, home: Path, tmp_path: Path) -> None:
    alone = call("report", home / "numbers.backpass", home / "numbers.csv", "--json")
    assert alone.code == 0
    assert list(tmp_path.iterdir()) == []
    facts = alone.json
    assert (facts["output"], facts["rows"]) == (None, 24)
    model = backpass.load(home / "numbers.backpass")
    scores = model.record.scores["test"]
    assert {name: facts["scores"][name] for name in scores} == pytest.approx(scores)
    assert facts["scores"]["coverage_90"] == facts["at_fit"]["scores"]["coverage_90"] == model.record.coverage
    assert all(low <= facts["scores"][name] <= high for name, (low, high) in facts["intervals"].items())
    assert facts["comparison"]["network_score"] == pytest.approx(facts["scores"]["rmse"])
    assert facts["baselines"]["linear"]["rmse"] == pytest.approx(model.record.baselines["linear"]["test"]["rmse"])
    printed = call("importance", home / "numbers.backpass", home / "numbers.csv", "--json").json
    assert facts["importances"] == printed["importances"]
    with_page = call("report", home / "numbers.backpass", home / "numbers.csv", "--json", "-o", "page.html").json
    assert with_page["bytes"] == (tmp_path / "page.html").stat().st_size
    assert {**with_page, "output": None, "bytes": None} == facts
    no_rows = call("report", home / "numbers.backpass", "--json").json
    assert (no_rows["rows"], no_rows["scores"], no_rows["importances"]) == (None, {}, [])
    assert no_rows["at_fit"] == facts["at_fit"]


@pytest.mark.parametrize("name", ["numbers", "pets"])
def test_json_has_the_shape_and_the_numbers_of_evaluate(call: Run, home: Path, name: str) -> None:
    (Path("rows.csv")).write_text("".join((home / f"{name}.csv").read_text().splitlines(keepends=True)[:61]))
    words = (home / f"{name}.backpass", "rows.csv", "--json")
    report, evaluation = call("report", *words).json, call("evaluate", *words, "--intervals").json
    assert report["rows"] == evaluation["rows"] == 60
    both = {*report} & {*evaluation}
    assert both >= {"scores", "intervals", "at_fit", "comparison", "per_target", "classes", "confusion", "per_class"}
    for key in both - {"command", "notes", "warnings"}:
        assert report[key] == evaluation[key], key
    assert ({"coverage_90", "crps"} <= {*report["scores"]}) == (name == "numbers")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("report", "m", "-o", "-"), 2, "--output takes the name of a file"),
        (
            ("report", "m", "-o", "old.csv"),
            2,
            "old.csv already exists and would be overwritten: it is not a page of backpass",
        ),
        (("report", "m", "-o", "page.pdf"), 2, "page.pdf: a page is HTML, so its name must end in .html or .htm"),
        (("report", "m", "-o", "none/page.html"), 5, "there is no folder none"),
        (("report", "nothing.backpass"), 4, "nothing.backpass: there is no such file"),
        (("report", "m", "old.csv"), 3, "column 'size' is in the model but not in the table"),
        (("fit", "old.csv", "-t", "b", "--report", "old.csv"), 2, "old.csv already exists"),
        (("fit", "old.csv", "-t", "b", "--report", "-"), 2, "--report takes the name of a file"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_lost(
    call: Run, home: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    (tmp_path / "old.csv").write_text("a,b,price\n1,2,3\n4,5,6\n")
    done = call(*(str(home / "numbers.backpass") if argument == "m" else argument for argument in arguments))
    assert done.code == code
    assert message in done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old.csv"]
    assert (tmp_path / "old.csv").read_text() == "a,b,price\n1,2,3\n4,5,6\n"


def test_a_missing_package_is_named_before_training(
    call: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    done = call("fit", home / "numbers.csv", "-t", "price", "--report", "page.html")
    assert done.code == 2
    said = "error: a report needs the {}\nhint: pip install 'backpass[report]'\n"
    assert done.err == said.format("package jinja2")
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    assert call("report", home / "numbers.backpass").err == said.format("packages matplotlib and jinja2")
    assert list(tmp_path.iterdir()) == []
