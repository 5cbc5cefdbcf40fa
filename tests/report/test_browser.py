"""The page in a real browser: quiet, alone, and alive. Screenshots are left in build/screenshots."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fitted import IMAGE, Case, case_of, page_of
from pages import MOVE, SHOTS, opened, quiet_and_alone

import backpass
from backpass.reporting.page import whatif
from backpass.reporting.page.page import MOST_BYTES
from chromium import Browser


def number_of(text: str) -> float:
    return float(text.replace(",", ""))


@pytest.mark.parametrize("width", [390, 820, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_is_quiet_alone_and_fits_the_screen(
    case: Case, width: int, scheme: str, browser: Browser, tmp_path: Path
) -> None:
    text = page_of(case.model.target, with_rows=True)
    path = opened(browser, text, tmp_path, width=width, dark=scheme == "dark")
    browser.screenshot(SHOTS / f"{case.model.target}-{width}-{scheme}.png")
    assert quiet_and_alone(browser, path), browser.complaints
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.run("document.querySelectorAll('img').length") == 0
    assert IMAGE in browser.run("document.body.innerText")
    assert browser.run("getComputedStyle(document.body).backgroundColor") == (
        "rgb(18, 22, 27)" if scheme == "dark" else "rgb(255, 255, 255)"
    )


def test_moving_a_slider_moves_the_prediction_to_the_engine_s(browser: Browser, tmp_path: Path) -> None:
    case = case_of("price")
    opened(browser, page_of("price"), tmp_path)
    before = browser.run("document.getElementById('prediction').textContent")
    after = browser.run(MOVE % (1.5, 0))
    assert before != after
    row = {feature["name"]: feature["value"] for feature in json.loads(browser.run("facts.textContent"))["columns"]}
    names = [number.name for number in case.model.schema.numbers] + [text.name for text in case.model.schema.texts]
    values = dict(zip(names, row.values(), strict=True))
    text = case.model.schema.texts[0]
    values |= {names[0]: 1.5, text.name: text.levels[values[text.name] - 1]}
    expected = case.model.predict({name: [value] for name, value in values.items()})[0]
    assert number_of(after) == pytest.approx(expected, rel=1e-3)
    assert "compared with the typical row" in browser.run("document.getElementById('change').textContent")
    drawn = browser.run("document.querySelector('#along path').getAttribute('d').split('L').length")
    assert drawn == 81
    browser.run("document.querySelector('.controls button').click()")
    assert browser.run("document.getElementById('prediction').textContent") == before


@pytest.mark.parametrize("preset", ["default", "best"])
def test_models_of_several_networks_have_sliders(preset: str, browser: Browser, tmp_path: Path, housing: Path) -> None:
    """The whole networks of the presets, as the README's own example trains them."""
    model = backpass.fit(housing, "median_house_value", preset=preset, epochs=1, max_seconds=None)
    assert model.theta.size > 100_000
    text = backpass.report(model)
    assert len(text.encode()) < MOST_BYTES
    opened(browser, text, tmp_path)
    before = browser.run("document.getElementById('prediction').textContent")
    columns = json.loads(browser.run("facts.textContent"))["columns"]
    row = {column["name"]: [column["value"]] for column in columns}
    assert number_of(before) == pytest.approx(model.predict(row)[0], rel=1e-3)
    high = columns[0]["high"]
    after = browser.run(MOVE % (high, 0))
    assert number_of(after) == pytest.approx(model.predict({**row, columns[0]["name"]: [high]})[0], rel=1e-3)
    assert browser.run(MOVE % (columns[0]["value"], 0)) == before  # what is kept of the first call changes nothing


def test_on_a_phone_nothing_is_cut_off(case: Case, browser: Browser, tmp_path: Path) -> None:
    opened(browser, page_of(case.model.target, with_rows=True), tmp_path, width=390)
    browser.run("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    beyond = browser.run(
        "[...document.querySelectorAll('.scroll, .wide, td, .cards div, figure')]"
        ".filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.className + ' ' + e.textContent.slice(0, 60))"
    )
    assert beyond == []
    assert browser.run("document.documentElement.scrollWidth") <= 390
    named = browser.run(
        "[...document.querySelectorAll('.stacked td[data-name]')]"
        ".every(e => getComputedStyle(e, '::before').content.length > 2)"
    )
    assert named
    empty = "[...document.querySelectorAll('.stacked td:empty')].every(e => getComputedStyle(e).display === 'none')"
    assert browser.run(empty)


@pytest.mark.parametrize("target", ["price", "sold"])
def test_on_a_small_screen_no_table_is_wider_than_the_page(target: str, browser: Browser, tmp_path: Path) -> None:
    opened(browser, page_of(target, with_rows=True), tmp_path, width=900)
    wide = browser.run(
        "[...document.querySelectorAll('.scroll')]"
        ".filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent.slice(0, 60))"
    )
    assert wide == []


def test_missing_values_and_selectors_move_it_too(browser: Browser, tmp_path: Path) -> None:
    opened(browser, page_of("sold"), tmp_path)

    def shares() -> Any:
        return browser.run("[...document.querySelectorAll('.bar span:last-child')].map(e => e.textContent)")

    seen = [shares()]
    browser.run("document.querySelector('input[type=checkbox]').click()")
    seen.append(shares())
    browser.run("(s => { s.value = '3'; s.dispatchEvent(new Event('change')); })(document.querySelector('select'))")
    seen.append(shares())
    assert len({str(each) for each in seen}) == 3
    for each in seen:
        assert sum(float(share.rstrip(" %")) for share in each) == pytest.approx(100.0, abs=0.2)


def test_the_page_prints_without_sliders(browser: Browser, tmp_path: Path) -> None:
    opened(browser, page_of("price", with_rows=True), tmp_path)
    browser.call("Emulation.setEmulatedMedia", media="print")
    assert browser.run("getComputedStyle(document.getElementById('what-if')).display") == "none"
    assert len(browser.call("Page.printToPDF")["data"]) > 10_000
    browser.call("Emulation.setEmulatedMedia", media="")


@pytest.mark.parametrize(
    "fault",
    [
        "<script>console.error('x')</script>",
        "<script>throw new Error('x')</script>",
        '<img src="file:///nowhere.png">',
        '<link rel="stylesheet" href="http://127.0.0.1:9/x.css">',
        "<p style='color:red'>x</p>",
    ],
)
def test_planted_faults_are_noticed(fault: str, browser: Browser, tmp_path: Path) -> None:
    """A page with something that the policy forbids, and one without a policy that does it."""
    text = page_of("price").replace("<main>", f"<main>{fault}")
    assert not quiet_and_alone(browser, opened(browser, text, tmp_path))


def test_operations_mean_what_the_engine_means(variant: Case, browser: Browser, tmp_path: Path) -> None:
    """The page's own script on 1,000 rows, gaps and new texts among them, beside ``Model.predictions``."""
    model = variant.model
    table = model.table(variant.columns)
    rng = np.random.default_rng(1)
    chosen = table.take(rng.integers(0, table.rows, 1000))
    encoded = model.schema.encode(chosen)
    encoded.codes[rng.random(encoded.codes.shape) < 0.05] = 0
    numbers = [[str(value) for value in row] for row in encoded.numbers.tolist()]
    opened(browser, "<!DOCTYPE html><title>x</title>", tmp_path)
    found = browser.run(
        f"""(() => {{ {whatif.script(model)}
        const facts = {json.dumps(whatif.facts(model))};
        const theta = new Float32Array(Uint8Array.from(atob(facts.theta), (each) => each.charCodeAt(0)).buffer);
        const numbers = Float64Array.from({json.dumps(numbers)}.flat().map(Number));
        const codes = Int32Array.from({json.dumps(encoded.codes.tolist())}.flat());
        return Array.from(circuitOf({{ n: 1000 }})(theta, numbers, codes)[0]);
        }})()"""
    )
    expected = model.head.predictions(model.ensemble.outputs(model.ensemble.inputs(encoded.numbers, encoded.codes)))
    scale = 1.0 if model.classes else float(np.std(expected))
    np.testing.assert_allclose(np.reshape(found, expected.shape), expected, rtol=1e-5, atol=1e-5 * scale)
