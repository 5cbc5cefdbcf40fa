"""The page: one file that loads nothing and runs nothing but its own script, with whatever names the data hold."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
from typing import Any

import numpy as np
import pytest
from fitted import IMAGE, MARKS, SCRIPT, Case, case_of, page_of, table_of
from pages import Reader

import backpass
from backpass.errors import DataError, UsageError
from backpass.model import Model
from backpass.reporting import report
from backpass.reporting.numbers.columns import columns_of
from backpass.reporting.page.column_table import column_rows
from backpass.reporting.page.findings import Findings
from backpass.reporting.page.setting_texts import command, setting_rows


@pytest.fixture(params=[False, True], ids=["model alone", "with rows"])
def text(request: pytest.FixtureRequest, case: Case) -> str:
    return page_of(case.model.target, with_rows=request.param)


def test_nothing_is_loaded_and_nothing_runs_but_the_script(text: str) -> None:
    reader = Reader(text)
    assert reader.faults == []
    assert len(reader.ids) == len(set(reader.ids))
    assert "url(" not in re.sub(r"url\(#[\w-]+\)", "", text)
    assert "@import" not in text


def test_hashes_are_those_of_the_script_and_the_style(text: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy is not None
    for kind in ("script", "style"):
        found = re.findall(rf"<{kind}>(.*?)</{kind}>", text, flags=re.DOTALL)
        assert len(found) == 1
        digest = base64.b64encode(hashlib.sha256(found[0].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy[1].replace("&#39;", "'")
    assert "default-src 'none'" in policy[1]
    assert "unsafe" not in policy[1]


def test_hostile_names_are_text(text: str) -> None:
    reader = Reader(text)
    shown = " ".join(reader.texts)
    assert IMAGE in shown
    assert SCRIPT in shown
    assert MARKS not in text
    assert "ab\\u202ecd" in shown
    assert "\u202e" not in text


def test_the_same_model_and_rows_give_the_same_page(case: Case) -> None:
    again = backpass.model.from_bytes(case.model.to_bytes())
    assert report(again, case.columns) == page_of(case.model.target, with_rows=True)


def test_a_page_is_small(text: str) -> None:
    assert len(text.encode()) < 400_000


def test_scores_are_those_of_the_rows_that_were_set_aside() -> None:
    case = case_of("price")
    shown = " ".join(Reader(page_of("price", with_rows=True)).texts)
    assert re.search("the 80 rows of .* that were held out for testing", shown)
    assert f"{case.model.record.scores['test']['rmse']:,.1f}" in shown
    assert "linear model" in shown
    assert "mean" in shown


def test_a_large_network_has_no_sliders_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    case = case_of("price")
    monkeypatch.setattr(sys.modules["backpass.reporting.page.whatif"], "MOST_BYTES", 100)
    text = report(case.model)
    assert 'id="what-if"' not in text
    assert "too large" in " ".join(Reader(text).texts)


def test_a_page_that_would_be_too_large_leaves_them_out(monkeypatch: pytest.MonkeyPatch) -> None:
    case = case_of("price")
    monkeypatch.setattr(sys.modules["backpass.reporting.page.page"], "MOST_BYTES", len(page_of("price")) - 1)
    assert 'id="what-if"' not in report(case.model)


def test_what_the_script_reads_is_json(case: Case) -> None:
    store = re.search(
        r'<script type="application/json" id="facts">(.*?)</script>', page_of(case.model.target), flags=re.DOTALL
    )
    assert store is not None
    facts = json.loads(store[1])
    assert facts["columns"][0]["name"] == IMAGE
    assert facts["columns"][0]["missing"] is True
    assert facts["columns"][1]["grain"] == 1
    assert facts["columns"][-1]["levels"] == ["$x_{", "<b>east</b>", "north", "south"]


def test_a_page_says_that_there_are_several_networks() -> None:
    """The recipe's own preset: four networks on folds, of which the first is drawn."""
    case = case_of("price", preset="default", hidden=(6,), epochs=3)
    text = report(case.model, case.columns)
    assert f"4 times {case.model.network.inputs} → 6 → 1" in text
    assert "predictions are averaged, the first network is drawn" in text
    assert "Network 1 of 4. Epoch " in text
    assert "out-of-fold validation, 80 test" in text
    assert 'id="what-if"' in text
    assert "predictions are averaged" not in page_of("price")
    assert "out-of-fold validation" not in page_of("price")


def test_the_most_important_columns_come_first_and_many_are_folded_away() -> None:
    order = re.findall(r'data-column="(\d+)"', page_of("price", with_rows=True))
    assert order[0] == "0"  # the target rests on it most
    assert sorted(order) == ["0", "1", "2", "3"]
    assert "more columns" not in page_of("price")
    rng = np.random.default_rng(0)
    columns = {f"c{i}": rng.normal(size=60).tolist() for i in range(15)}
    wide = report(backpass.fit({**columns, "y": columns["c0"]}, "y", hidden=(3,), epochs=1))
    assert "3 more columns" in wide
    assert Reader(wide).faults == []


def test_rows_that_lack_a_column_are_refused() -> None:
    case = case_of("price")
    with pytest.raises(DataError):
        report(case.model, {name: values for name, values in case.columns.items() if name != MARKS})


@pytest.mark.parametrize("package", ["matplotlib", "jinja2"])
def test_a_missing_package_is_named_with_what_to_do(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UsageError, match=f"needs? the package {package}") as caught:
        report(case_of("price").model)
    assert "pip install 'backpass[" in caught.value.hint


def test_a_model_of_few_rows_and_no_score_has_a_page() -> None:
    columns = {"a": [1.0, 2.0, 3.0, 4.0], "y": [1.0, 2.0, 3.0, 5.0]}
    model = backpass.fit(columns, "y", hidden=(2,), epochs=1)
    assert "no score on unseen rows" in report(model)
    assert Reader(report(model, columns)).faults == []


def test_a_model_file_of_before_profiles_has_a_page() -> None:
    case = case_of("grade")
    assert Reader(report(without_profiles(case.model), case.columns)).faults == []


def without_profiles(model: Model) -> Model:
    from dataclasses import replace

    return replace(model, record=replace(model.record, columns={}))


@pytest.mark.parametrize(
    "fault",
    [
        '<img src="x">',
        '<p onclick="f()">',
        '<p style="color:red"></p>',
        '<a href="https://x.org"></a>',
        "<p><b></p>",
        '<script src="https://x.org/x.js"></script>',
    ],
)
def test_planted_faults_are_found(fault: str) -> None:
    text: Any = page_of("price").replace("<main>", f"<main>{fault}")
    assert Reader(text).faults


def test_years_have_no_thousands_separators() -> None:
    rng = np.random.default_rng(0)
    year, part, people = (
        rng.integers(2016, 2019, 200),
        2016.5 + 0.01 * rng.integers(0, 80, 200),
        rng.integers(1, 90_000, 200),
    )
    columns = {"year": year, "part": part, "people": people, "y": year + rng.normal(size=200)}
    model = backpass.fit(columns, "y", hidden=(4,), epochs=1, validation_fraction=0.2)
    shown = " ".join(Reader(report(model, columns)).texts)
    assert "2016 to 2018, median 2017" in shown
    assert re.search(r"2016\.5\d to 2017\.\d\d, median 2016\.\d\d", shown)
    assert not re.search(r"\b2,01\d", shown)
    assert re.search(r"\b[1-8]\d,\d{3}\b", shown)  # people


def test_settings_are_shown_as_users_write_them() -> None:
    cost = {"false_positive": 50.0, "false_negative": 500.0}
    model = backpass.fit(table_of("sold"), "sold", preset="default", hidden=(6,), epochs=1, cost=cost)
    shown = dict(setting_rows(model.record.settings))
    assert shown["learning_rate_multiplier"].startswith("alpha=")
    assert shown["cost"] == "false_positive=50,false_negative=500"
    assert (shown["max_grad_norm"], shown["patience"], shown["hidden"]) == ("no limit", "1", "6")
    for name, text in shown.items():
        assert not re.search(r"[\[\]()']|None|True|False|chosen by itself", text), (name, text)
    assert "--cost false_positive=50,false_negative=500" in command(model, columns_of(model))
    assert "--patience" not in command(model, columns_of(model))


def test_a_model_without_the_patience_of_its_preset_is_trained_again_without_it() -> None:
    """As are the models of files that were written before presets had it."""
    model = backpass.fit(table_of("sold"), "sold", preset="fast", hidden=(6,), epochs=3, patience=None)
    assert dict(setting_rows(model.record.settings))["patience"] == "never"
    assert "--epochs 3 --patience 3" in command(model, columns_of(model))


@pytest.mark.parametrize("networks", [1, 4])
def test_shares_of_missing_values_are_those_of_the_table(networks: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    x[::4] = np.nan
    settings: dict[str, Any] = {"hidden": (2,), "epochs": 1, "validation_fraction": 0.4, "engine": "numpy"}
    model = backpass.fit(
        {"x": x, "z": rng.normal(size=400), "y": rng.normal(size=400)}, "y", ensemble_size=networks, **settings
    )
    found = {row["name"]: row["missing"] for row in column_rows(Findings.of(model, None))}
    assert float(found["x"].rstrip("%")) == pytest.approx(25.0, abs=4.0)
    assert found["z"] == "none"
