"""Dates in a report: one column each, moved, shuffled and explained as a whole."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fitted import DAY_SOLD, HOUR_SEEN, SCRIPT, dated

import backpass
from backpass.model.profile import SHARES
from backpass.numerics.philox import permutation
from backpass.reporting import explain, report
from backpass.reporting.explanation import importance
from backpass.reporting.explanation.dependence import POINTS, dependence
from backpass.reporting.explanation.importance import importances
from backpass.reporting.numbers.columns import by_column, columns_of, typical_row
from backpass.reporting.numbers.held_out import HeldOut, held_out
from backpass.reporting.page import whatif
from backpass.reporting.page.column_table import column_rows
from backpass.reporting.page.findings import Findings
from backpass.table.datetimes.date_components import PARTS, part_values
from backpass.table.datetimes.timestamp import DAY, timestamp_in, timestamp_texts
from chromium import Browser


def held() -> HeldOut:
    case = dated()
    return held_out(case.model, case.model.table(case.columns, with_target=True))


def test_each_date_is_one_column_with_all_of_its_inputs() -> None:
    model = dated().model
    assert [column.name for column in columns_of(model)] == [DAY_SOLD, HOUR_SEEN, SCRIPT]
    groups = by_column(columns_of(model), model.feature_map.groups())
    assert sorted(np.concatenate(groups)) == list(range(model.network.inputs))
    names = np.array(model.input_names)
    for column, group in zip(columns_of(model), groups, strict=True):
        assert all(name.startswith(column.name) for name in names[group])


def test_shuffling_takes_a_date_from_another_row_as_a_whole() -> None:
    """The slow twin: the dates of the table itself are shuffled, and the model reads it anew."""
    rows, model = held(), dated().model
    found = next(each for each in importances(model, rows, repeats=1) if each.name == DAY_SOLD)
    order = permutation(0, 0, importance._PURPOSE, rows.rows)
    picked = [int(rows.table.row_numbers[i]) - 1 for i in order]
    case = {name: [values[i] for i in picked] for name, values in dated().columns.items()}
    before = model.evaluate(case)["rmse"]
    group = by_column(columns_of(model), model.feature_map.groups())[0]
    turn = permutation(0, 1, importance._PURPOSE + 1 + int(group[0]), rows.rows)
    after = model.evaluate({**case, DAY_SOLD: [case[DAY_SOLD][i] for i in turn]})["rmse"]
    assert found.worse == pytest.approx(after - before, rel=1e-4)
    assert found.worse > 1.0


def test_the_change_of_a_date_is_the_largest_of_its_components() -> None:
    model = dated(precision="float64", activation="tanh").model
    table = model.table(dated().columns, with_target=True)
    rows = held_out(model, table.take(np.flatnonzero(~table.columns[DAY_SOLD].missing)))
    found = {each.name: each.change for each in importances(model, rows, repeats=1)}
    for column in columns_of(model)[:2]:
        changes = []
        for j in column.places:
            profile, step = model.record.columns.get(model.schema.numbers[j].name), 1.0 / model.feature_map.scale[j]
            if profile is not None:
                at = dict(zip(SHARES, profile.quantiles, strict=True))  # type: ignore[union-attr]
                step = at[0.75] - at[0.25]
            up, down = rows.numbers.copy(), rows.numbers.copy()
            up[:, j] += 0.5 * step
            down[:, j] -= 0.5 * step
            ends = [
                model.head.predictions(model.ensemble.outputs(model.ensemble.inputs(each, rows.codes)))
                for each in (up, down)
            ]
            changes.append(float(np.abs(ends[0] - ends[1]).mean()))
        assert found[column.name] == pytest.approx(max(changes), rel=1e-5)


def test_the_typical_date_is_a_date() -> None:
    model = dated().model
    numbers, _ = typical_row(columns_of(model))
    for column in columns_of(model)[:2]:
        first, *others = numbers[0, list(column.places)]
        np.testing.assert_array_equal([first, *others], column.encoded_at(np.array([first]))[0])
    days = sorted(timestamp_in(text).microseconds / DAY for text in dated().columns[DAY_SOLD] if text)  # type: ignore[union-attr]
    assert numbers[0, 0] % 1 == 0
    assert abs(numbers[0, 0] - days[len(days) // 2]) < 60


def test_dependence_moves_along_the_date_and_keeps_the_weekday() -> None:
    """The slow twin: the table with one date in every row."""
    rows, model = held(), dated().model
    found = dependence(model, DAY_SOLD, rows.numbers, rows.codes)
    at = np.asarray(found.at)
    assert (found.kind, len(at) <= POINTS) == ("date", True)
    assert set(np.diff(at) % 7) == {0.0}
    for i in (0, len(at) // 2, len(at) - 1):
        text = timestamp_texts(np.array([round(at[i] * DAY)]), "date")[0]
        predicted = model.predict(
            {
                name: [text if name == DAY_SOLD else values[int(n) - 1] for n in rows.table.row_numbers]
                for name, values in dated().columns.items()
            }
        )
        assert found.mean[i] == pytest.approx(predicted.mean(), rel=1e-5)


def test_few_days_are_taken_one_by_one_and_times_by_the_hour() -> None:
    days = [f"2024-02-{1 + i % 29:02}" for i in range(100)]
    hours = [f"{i % 24:02}:00" for i in range(100)]
    model = backpass.fit({"day": days, "hour": hours, "y": np.arange(100.0) % 29}, "y", hidden=(4,), epochs=2)
    assert (np.diff(np.asarray(dependence(model, "day").at)) == 1.0).all()
    np.testing.assert_array_equal(dependence(model, "hour").at, np.arange(24.0))


def test_contributions_of_a_date_sum_to_the_difference() -> None:
    case = dated()
    found = explain(case.model, case.model.table(case.columns))
    difference = found.predicted - found.baseline
    size = np.maximum(np.abs(difference), 0.1 * np.abs(found.contributions).sum(axis=1))
    assert found.contributions.shape == (len(difference), 3)
    assert (np.abs(found.contributions.sum(axis=1) - difference) <= 0.01 * size).all()


def test_the_table_of_columns_tells_dates_as_dates() -> None:
    model = dated().model
    sold, town, seen = column_rows(Findings.of(model, None))
    assert [sold["kind"], town["kind"], seen["kind"]] == ["date", "categorical", "time"]
    assert re.fullmatch(r"2021-01-\d\d to 2023-12-\d\d, median 2022-\d\d-\d\d", sold["usual"])
    assert re.fullmatch(r"00:\d\d:00 to 23:\d\d:00, median 1\d:\d\d:\d\d(\.\d+)?", seen["usual"])
    assert sold["missing"].endswith("%")
    later = {**dated().columns, DAY_SOLD: ["2031-05-06"] * len(dated().columns[DAY_SOLD])}
    rows = held_out(model, model.table(later, with_target=True))
    first = next(column_rows(Findings(model, rows, columns_of(model), {}, ())))
    assert first["warnings"] == [f"{rows.rows:,} of these rows outside the training range"]


def test_a_page_names_the_date_once_for_all_of_its_parts() -> None:
    model = backpass.fit(dated().columns, "price", columns=[DAY_SOLD], hidden=(), epochs=1)
    text = report(model)
    assert "sold (year)" not in text.replace('"parts"', "")
    assert "Predict price, a number, from 1 column." in text
    assert "--columns &#39;&lt;b&gt;sold&#39;" in text


def test_dates_from_the_first_year_to_the_last_can_be_drawn() -> None:
    """A date in the year 1 is how some sources write that there is none."""
    days = ["0001-01-01", "9999-12-31", "1970-01-01", "2024-02-29"] * 20
    model = backpass.fit({"day": days, "y": np.arange(80.0)}, "y", hidden=(4,), epochs=2)
    report(model)
    assert dependence(model, "day").at[-1] < 2_932_897


# The page


def opened(browser: Browser, folder: Path, **how: Any) -> list[str]:
    path = folder / "page.html"
    path.write_text(report(dated().model, dated().columns), encoding="utf-8")
    browser.complaints.clear()
    browser.open(path, **how)
    return browser.complaints


SET = """((index, text) => {
  const field = document.querySelectorAll('.control')[index].querySelectorAll('input')[1];
  field.value = text;
  field.dispatchEvent(new Event('input'));
  return document.getElementById('prediction').textContent;
})(%d, %s)"""


def test_a_date_can_be_chosen_in_the_page(browser: Browser, tmp_path: Path) -> None:
    assert opened(browser, tmp_path) == []
    model = dated().model
    order = [int(each) for each in browser.run("[...document.querySelectorAll('.control')].map(e => e.dataset.column)")]
    columns = whatif.facts(model)["columns"]
    assert [columns[k]["input"] for k in (0, 1)] == ["date", "time"]
    town = columns[2]["levels"][columns[2]["value"] - 1]
    browser.run(SET % (order.index(0), json.dumps("2022-02-28")))
    shown = browser.run(SET % (order.index(1), json.dumps("17:30")))
    expected = model.predict({DAY_SOLD: ["2022-02-28"], HOUR_SEEN: ["17:30"], SCRIPT: [town]})[0]
    assert float(shown.replace(",", "")) == pytest.approx(expected, rel=1e-3)
    gap = browser.run(
        "(() => { document.querySelector('.timestamp input[type=checkbox]').click();"
        "return document.getElementById('prediction').textContent; })()"
    )
    expected = model.predict({DAY_SOLD: [None], HOUR_SEEN: ["17:30"], SCRIPT: [town]})[0]
    assert float(gap.replace(",", "")) == pytest.approx(expected, rel=1e-3)


def test_sliders_of_dates_move_by_whole_days_and_the_curve_is_drawn(browser: Browser, tmp_path: Path) -> None:
    opened(browser, tmp_path, width=390)
    browser.screenshot(Path(__file__).parents[2] / "build" / "screenshots" / "dates-390.png")
    assert browser.run("document.documentElement.scrollWidth") <= 390
    text = browser.run(
        """(() => {
        const [slider, field] = document.querySelector('.timestamp').querySelectorAll('input');
        slider.value = Date.UTC(2022, 4, 6, 9);
        slider.dispatchEvent(new Event('input'));
        return [field.value, ...[...document.querySelectorAll('#along text')].map(each => each.textContent)];
        })()"""
    )
    assert text[0] == "2022-05-06"
    assert re.fullmatch(r"2021-01-\d\d", text[-2])
    assert re.fullmatch(r"2023-12-\d\d", text[-1])


@pytest.mark.parametrize("kind", ["date", "time"])
def test_parts_in_the_page_are_those_of_the_engine(kind: Any, browser: Browser, tmp_path: Path) -> None:
    """Every part, over all years that there are, beside ``part_values``: the numbers are the same to the bit."""
    rng = np.random.default_rng(0)
    first, last = (-719_162, 2_932_896) if kind == "date" else (0, 0)
    minutes = rng.integers(first, last + 1, 500) * 1440 + rng.integers(0, 1440, 500)
    path = tmp_path / "empty.html"
    path.write_text("<!DOCTYPE html><title>x</title>")
    browser.open(path)
    script = (Path(whatif.__file__).parent / "timestamp.js").read_text("utf-8").replace('"use strict";', "")
    found = browser.run(
        f"(() => {{ {script} const column = {{ parts: {json.dumps(list(PARTS[kind]))} }};"
        f"return {json.dumps((minutes * 60_000).tolist())}.map((at) => numbersOf(column, at)); }})()"
    )
    expected = np.column_stack([part_values(minutes * 60_000_000, kind, part) for part in PARTS[kind]])
    np.testing.assert_array_equal(found, expected)


def test_predictions_of_the_page_for_dates_are_the_engine_s(browser: Browser, tmp_path: Path) -> None:
    """From milliseconds to the prediction, to 1e-5 of its spread."""
    model = dated().model
    facts = whatif.facts(model)
    rng = np.random.default_rng(2)
    days, minutes = rng.integers(18_628, 19_723, 200), rng.integers(0, 1440, 200)
    values = np.column_stack([days * 86_400_000, minutes * 60_000]).tolist()
    path = tmp_path / "empty.html"
    path.write_text("<!DOCTYPE html><title>x</title>")
    browser.open(path)
    room = Path(whatif.__file__).parent
    script = whatif.script(model) + (room / "timestamp.js").read_text("utf-8")
    found = browser.run(
        f"""(() => {{ {script.replace('"use strict";', "")}
        const facts = {json.dumps(facts)}, values = {json.dumps(values)};
        const theta = new Float32Array(Uint8Array.from(atob(facts.theta), (each) => each.charCodeAt(0)).buffer);
        const numbers = values.flatMap((row) => row.flatMap((value, k) => numbersOf(facts.columns[k], value)));
        const n = values.length;
        return Array.from(circuitOf({{ n }})(theta, Float64Array.from(numbers), new Int32Array(n).fill(1))[0]); }})()"""
    )
    expected = model.predict(
        {
            DAY_SOLD: timestamp_texts(days * DAY, "date"),
            HOUR_SEEN: timestamp_texts(minutes * 60_000_000, "time"),
            SCRIPT: [model.schema.texts[0].levels[0]] * 200,
        }
    )
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * float(np.std(expected)))
