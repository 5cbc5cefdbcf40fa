"""The playground in a real browser: it agrees with Python, trains, walks, saves models, and stays alone."""

from __future__ import annotations

import csv
import io
import json
import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import numpy as np
import pytest

import backpass
from backpass.datasets import sample_bytes
from backpass.errors import UsageError
from backpass.model.loading import from_bytes
from backpass.playground import playground
from backpass.playground.programs import CHOSEN, RULES, programs
from backpass.playground.reference import reference

IMAGE, SCRIPT = "<img src=x onerror=alert(1)>", "</script><script>alert(2)</script>"


@cache
def page_of(target: str) -> str:
    """A page with hostile names, of a number or of classes."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 200)).round(3)
    columns: dict[str, list[Any]] = {
        IMAGE: a.tolist(),
        "b": [None if i % 10 == 0 else value for i, value in enumerate(b.tolist())],
        "town": rng.choice([SCRIPT, "x", "[[script]]"], 200).tolist(),
    }
    values = {
        "price": (3.0 * a + 100.0).round(3).tolist(),
        "kind": np.where(a * a < 0.5, SCRIPT, "out").tolist(),
        "grade": np.array(["u", "v", "w"])[np.digitize(a, [-0.5, 0.5])].tolist(),
    }
    return playground({**columns, target: values[target]}, target)


def opened(browser: Any, folder: Path, target: str, **window: Any) -> Any:
    path = folder / f"{target}.html"
    path.write_text(page_of(target), "utf-8")
    browser.complaints.clear()
    browser.requests.clear()
    browser.open(path, **window)
    return browser


def test_the_page_is_small_and_holds_nothing_executable_from_the_table() -> None:
    page = page_of("kind")
    table = re.search(r'"table":.*?,"reference"', page)
    assert table is not None
    assert len(page.encode("utf-8")) - len(table[0]) < 300_000
    assert "<img src=x" not in page
    assert page.count("</script>") == 3
    assert "default-src 'none'" in page
    assert page.count("unsafe") == page.count("'wasm-unsafe-eval'") == 1
    assert page == playground_again("kind")


def playground_again(target: str) -> str:
    page_of.cache_clear()
    return page_of(target)


def test_every_choice_of_the_page_has_a_program() -> None:
    names = set(programs().sources)
    for activation in CHOSEN:
        for task in ("regression", "binary", "multiclass"):
            for hidden in (1, 2, 3):
                assert {f"step {hidden} {activation} {task}", f"step {hidden} {activation} {task} dropout"} <= names
    assert {f"update {rule}" for rule in RULES} <= names
    assert "step 0 identity regression" in names


@pytest.mark.parametrize("form", ["WebAssembly", "JavaScript"])
def test_five_steps_agree_with_python(browser: Any, tmp_path: Path, form: str) -> None:
    """In WebAssembly, and in JavaScript where the policy of the page (or a browser) refuses WebAssembly."""
    path = tmp_path / "price.html"
    text = page_of("price")
    path.write_text(text if form == "WebAssembly" else text.replace(" 'wasm-unsafe-eval'", ""), "utf-8")
    browser.complaints.clear()
    page = browser
    page.open(path)
    assert page.run("kernels === SCRIPTED") == (form == "JavaScript")
    assert page.run("document.getElementById('badge').title").endswith(f"here in {form}.")
    worst = page.run("Number(document.getElementById('badge').dataset.worst)")
    assert 0.0 < worst <= 2e-7
    assert page.run("document.getElementById('badge').className") == "badge good"
    assert len(reference()["J"]) == 5
    # The badge can turn: with another learning rate the steps differ.
    assert page.run("agreement({...facts.reference, alpha: 0.011})") > 1e-4
    page.run("for (let i = 0; i < 50; i++) train(); hold(); show()")
    assert page.run("Number.isFinite(model.held)")
    refused = [each for each in page.complaints if "wasm" in each.casefold()]
    assert page.complaints == (refused if form == "JavaScript" else [])


def test_both_forms_train_the_same_network(browser: Any, tmp_path: Path) -> None:
    """J of a hundred steps of every task, activation, optimizer and of dropout, in WebAssembly as in JavaScript."""
    choices = [
        *(f"{{activation: '{activation}', m1: 7, m2: 10}}" for activation in CHOSEN),
        *(f"{{optimizer: '{rule}', hidden: 3, m3: 5, dropout: 0.2, B: 16}}" for rule in RULES),
    ]
    for target in ("price", "kind", "grade"):
        page = opened(browser, tmp_path, target)
        for choice in choices:
            losses = "Array.from({length: 100}, () => { train(); return model.curve.bins.at(-1).sum; })"
            run = f"change({choice}); {losses}"
            fast = page.run(f"kernels = FAST; {run}")
            assert page.run(f"kernels = SCRIPTED; {run}") == pytest.approx(fast, rel=2e-3, abs=1e-6), choice
            page.run("state = {...state, ...DEFAULTS}; 0")
        assert page.complaints == []


def test_the_policy_refuses_code_from_texts(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, "price")
    assert page.run("kernels === FAST")
    for code in ("eval('1')", "new Function('return 1')()"):
        tried = f"try {{ {code}; done('run'); }} catch (error) {{ done(error.name); }}"
        assert page.run(f"new Promise((done) => setTimeout(() => {{ {tried} }}))") == "EvalError"
    page.complaints.clear()


@pytest.mark.parametrize("target", ["price", "kind", "grade"])
def test_saved_models_predict_what_the_page_shows(browser: Any, tmp_path: Path, target: str) -> None:
    page = opened(browser, tmp_path, target)
    page.run("change({dropout: 0.1, activation: 'tanh', m1: 7, optimizer: 'momentum'})")
    page.run("for (let i = 0; i < 30; i++) train()")
    model = from_bytes(bytes(page.run("Array.from(save().bytes)")))
    assert model.network.widths[:2] == (7, 16)
    rows = json.loads(
        page.run(
            "JSON.stringify(Object.fromEntries(model.columns.map((column) => [column.name, model.training.slice(0, 40)"
            ".map((i) => column.kind === 'numeric' ? (Number.isNaN(column.values[i]) ? null : column.values[i])"
            " : column.levels[column.values[i] - 1] ?? null)])))"
        )
    )
    shown = np.array(page.run("Array.from(model.trainer.predict(model.data.x.subarray(0, 40 * model.data.d), 40))"))
    if target == "price":
        center, deviation = page.run("[model.data.center, model.data.deviation]")
        np.testing.assert_allclose(model.predict(rows), shown * deviation + center, rtol=1e-6)
    else:
        probabilities = model.predict_proba(rows)
        expected = probabilities[:, 1] if target == "kind" else probabilities.ravel()
        np.testing.assert_allclose(shown, expected, atol=1e-6)
    assert page.complaints == []


def test_j_falls_and_the_walk_is_one_step(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, "price")
    first, last = page.run(
        "const begin = model.held; for (let i = 0; i < 300; i++) train(); hold(); [begin, model.held]"
    )
    assert last < 0.2 * first
    page.run("$('step').click()")
    assert page.run("document.querySelector('#lines [aria-current]').textContent") == "(4.4)z1 = x W1 + b1"
    assert page.run("$('numbers').innerText").startswith("(4.4) With examples as rows, ")
    assert "Print its code: backpass notes 4.4" in page.run("$('numbers').innerText")
    assert page.run("model.lines.every(({ note }) => facts.items[note])")
    before = page.run("model.trainer.steps")
    theta = page.run("Array.from(model.trainer.theta)")
    count = page.run("model.lines.length")
    page.run(f"for (let i = 1; i < {count - 1}; i++) $('step').click()")
    assert page.run("Array.from(model.trainer.theta)") == theta
    page.run("$('step').click()")
    assert page.run("model.trainer.steps") == before + 1
    moved = np.array(page.run("Array.from(model.trainer.theta)")) - np.array(theta)
    assert np.abs(moved).max() > 0.0
    assert page.run("$('numbers').innerText").count("W1 after") == 1


def test_the_first_step_brings_its_lines_into_view(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, "price")
    assert page.run("$('lines').getBoundingClientRect().top > innerHeight")
    still = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    page.call("Emulation.setEmulatedMedia", features=still)  # at once, not smoothly
    page.run("$('step').click()")
    assert page.run("$('lines').getBoundingClientRect().top < innerHeight / 2")
    assert page.run("$('h-lines').getBoundingClientRect().top >= document.querySelector('.bar').offsetHeight")
    assert page.run("document.querySelector('.bar').getBoundingClientRect().top") == 0
    before = page.run("scrollY")
    page.run("$('step').click()")
    assert page.run("scrollY") == before


def wait(page: Any, condition: str) -> None:
    """Wait until the page satisfies a condition."""
    look = f"const look = () => (({condition}) ? done(0) : setTimeout(look, 5)); look();"
    page.run(f"new Promise((done) => {{ {look} }})")


@pytest.mark.parametrize("policy", ["blob:", "'none'"])
def test_it_trains_in_a_worker_or_where_workers_are_refused_in_the_page(
    browser: Any, tmp_path: Path, policy: str
) -> None:
    """The steps are the same to the last bit, wherever they run; pausing, stepping and saving continue from them."""
    path = tmp_path / "page.html"
    path.write_text(page_of("price").replace("worker-src blob:", f"worker-src {policy}"), "utf-8")
    browser.complaints.clear()
    browser.requests.clear()
    page = browser
    page.open(path)
    page.run("change({dropout: 0.1, m1: 9, B: 16}); run(true)")
    wait(page, "model.trainer.steps > 400")
    assert page.run("thread.isRefused") == (policy == "'none'")
    assert page.run("[running, model.counted > 0, model.curve.bins.at(-1).last === model.trainer.steps]") == [True] * 3
    live = bytes(page.run("Array.from(save().bytes)"))
    assert from_bytes(live).record.steps > 400
    page.run("$('step').click()")  # pauses
    first = page.run("[model.trainer.steps, running, model.line]")
    assert first[1:] == [False, 0]
    page.run("for (let i = 1; i < model.lines.length; i++) $('step').click()")
    page.run("for (let i = 0; i < 30; i++) train(); hold()")
    trainer = "(({steps, theta, memory}) => [steps, Array.from(theta), memory.map((each) => Array.from(each))])"
    told = f"{trainer}(model.trainer)"
    found = page.run(told)
    assert found[0] == first[0] + 31
    page.run(f"restart(); while (model.trainer.steps < {found[0]}) train(); 0")
    assert page.run(told) == found
    refused = [each for each in page.complaints if "worker" in each.casefold()]
    assert page.complaints == (refused if policy == "'none'" else [])
    assert [each for each in page.requests if not each.startswith(("file:", "blob:"))] == []


def test_settings_change_while_the_worker_trains(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, "kind")
    page.run("change({alpha: 1e-4}); run(true)")
    wait(page, "model.trainer.steps > 400")
    page.run("change({m1: 5, activation: 'tanh'})")  # a new network, which goes on training
    wait(page, "model.trainer.steps > 400")
    assert page.run("[running, model.trainer.widths[1], thread.isRefused]") == [True, 5, False]
    page.run("globalThis.before = model.trainer.steps; change({alpha: 0.1}); 0")  # the same network
    wait(page, "model.trainer.steps > before + 4000")
    assert page.run("model.curve.held[0][1] - model.held") > 0.1  # which 1e-4 alone does not reach
    page.run("run(true); run(true); run(false)")
    assert page.run("[running, $('run').textContent]") == [False, "Run"]
    page.run("change({optimizer: 'sgd', alpha: 10, activation: 'relu', hidden: 3, target: 'kind'}); run(true); 0")
    page.run("readFile(new File(['a,b\\n' + '1,2\\n3,4\\n5,7\\n'.repeat(9)], 'x.csv'))")
    assert page.run("[running, table.file, model.trainer.steps]") == [False, "x.csv", 0]
    assert page.complaints == []


def test_a_run_that_diverges_in_the_worker_stops(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, "price")
    page.run("change({optimizer: 'sgd', alpha: 10}); run(true); 0")
    wait(page, "!running")
    assert re.fullmatch(r"J became infinite at step \d+: .*", page.run("$('message').textContent"))
    assert page.run("thread.isRefused") is False
    assert page.run("Number.isFinite(model.curve.bins.at(-1).sum)")
    assert page.complaints == []


def test_a_file_of_ones_own_stays_in_the_page(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, "price")
    text = '\ufeffa;b;"so; called"\n1.5;x;"2"\n;y;3\n2;"z ""q""";4\n' + "3;x;5\n4;y;6\n" * 20
    page.run(f'readFile(new File([{json.dumps(text)}], "my table\'s.csv"))')
    assert page.run("table.columns.map((each) => [each.name, each.kind])") == [
        ["a", "numeric"],
        ["b", "categorical"],
        ["so; called", "numeric"],
    ]
    assert page.run("$('command').textContent").startswith("backpass fit 'my table'\\''s.csv' --target 'so; called'")
    page.run("for (let i = 0; i < 5; i++) train()")
    assert page.run("Number.isFinite(model.curve.bins[0].sum)")
    page.run("readFile(new File(['just text'], 'x.csv'))")
    assert "no rows below a header" in page.run("$('message').textContent")
    assert [each for each in page.requests if not each.startswith(("file:", "blob:"))] == []


def test_the_address_keeps_the_state(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, "price")
    page.run("change({alpha: 0.1, hidden: 1, m1: 3, columns: ['b']})")
    assert page.run("location.hash") == "#alpha=0.1&hidden=1&m1=3&column=b"
    page.run("location.hash = '#optimizer=sgd&hidden=3&alpha=nonsense&m1=1e9&activation=evil&column=zzz'; 0")
    page.run("new Promise((done) => setTimeout(done, 50))")
    known = ("optimizer", "hidden", "alpha", "m1", "activation")
    assert page.run(f"{json.dumps(known)}.map((name) => state[name])") == ["sgd", 3, 0.01, 16, "relu"]
    assert page.run("state.columns.length") == 3
    assert page.complaints == []


def test_each_lesson_opens_the_playground_in_a_state_that_it_has_and_that_trains(browser: Any, tmp_path: Path) -> None:
    sample = {name: values[:300] for name, values in housing().items()}
    path = tmp_path / "playground.html"
    path.write_text(playground(sample, "median_house_value"), "utf-8")
    browser.complaints.clear()
    browser.open(path)
    lessons = sorted((Path(__file__).parents[2] / "docs" / "lessons").glob("[1-9]-*.md"))
    links = {
        lesson.stem: re.findall(r"\{playground\}`[^`<]+ <([^`>]+)>`", lesson.read_text("utf-8")) for lesson in lessons
    }
    assert len(links) == 9
    for name, (link,) in links.items():
        browser.run(f"setAddress({json.dumps(link)}); state = readAddress(); build(); restart(); 0")
        found = browser.run("state")
        asked = parse_qs(link, strict_parsing=True)
        assert found["columns"] == asked.pop("column", list(sample)[:-1]), name
        assert {key: [str(found[key])] for key in asked} == asked, name
        first = browser.run("model.held")
        last = browser.run("for (let i = 0; i < 200; i++) train(); hold(); model.held")
        assert last < 0.95 * first, name
    assert browser.complaints == []


def housing() -> dict[str, list[float]]:
    rows = list(csv.DictReader(io.StringIO(sample_bytes("housing").decode("utf-8"))))
    return {name: [float(row[name]) for row in rows] for name in rows[0]}


def test_two_numbers_are_classes_as_in_fit(browser: Any, tmp_path: Path) -> None:
    """A target of 0 and 1: from the table of the page and from a file dropped on it."""
    values = np.random.default_rng(0).normal(size=80).round(3)
    hits = (values > 0.2).astype(int)
    path = tmp_path / "hits.html"
    path.write_text(playground({"x": values.tolist(), "hit": hits.tolist()}), "utf-8")
    browser.open(path)
    text = "x,hit\n" + "".join(f"{x},{hit}\n" for x, hit in zip(values, hits, strict=True))
    for dropped in "0", f'readFile(new File([{json.dumps(text)}], "hits.csv"))':
        browser.run(dropped)
        assert browser.run("[model.target.task, model.target.classes]") == ["binary", ["0", "1"]]
        browser.run("for (let i = 0; i < 100; i++) train()")
        model = from_bytes(bytes(browser.run("Array.from(save().bytes)")))
        assert model.predict({"x": [-2.0, 2.0]}).tolist() == ["0", "1"]
        assert model.head.target.class_kind == "numeric"
    assert "80 rows, read in this page" in browser.run("$('message').textContent")


@cache
def moments() -> dict[str, list[Any]]:
    """Dates with times and without, in two notations, times of day, 60 categories, free text; with gaps."""
    rng = np.random.default_rng(4)
    day, minute = rng.integers(-200, 20_000, 240), rng.integers(0, 1440, 240)
    days = np.datetime64("1970-01-01") + day
    seen = days.astype("M8[m]") + minute
    gap = rng.random(240) < 0.1
    words = np.array(["red", "old", "wide", "near", "lake", "hill", "sunny", "quiet"])
    return {
        "sold": [None if g else str(each) for g, each in zip(gap, days, strict=True)],
        "seen": [str(each).replace("T", " ") for each in seen],
        "swapped": [f"{each.astype(object):%d.%m.%Y}" for each in days[::-1]],
        "clock": [f"{each // 60:02}:{each % 60:02}" for each in minute],
        "town": [None if g else f"town {each}" for g, each in zip(gap[::-1], day % 60, strict=True)],
        "said": [" ".join(rng.choice(words, 12)) + f" {i}" for i in range(240)],
        "y": (0.01 * day + minute).round(2).tolist(),
    }


def test_dates_times_and_many_categories(browser: Any, tmp_path: Path) -> None:
    """From the table of the page: the saved model reads them and predicts what the page does."""
    path = tmp_path / "moments.html"
    path.write_text(playground(moments(), "y"), "utf-8")
    browser.complaints.clear()
    browser.open(path)
    assert browser.run("table.columns.map((each) => [each.name, each.kind])") == [
        *(["sold", "date"], ["seen", "date"], ["swapped", "date"], ["clock", "time"]),
        *(["town", "categorical"], ["y", "numeric"]),
    ]
    assert "column 'said' is free text: left out here; backpass fit uses it" in browser.run("$('notes').textContent")
    assert browser.run("[model.data.map.numeric.length, model.data.d]")[0] > 15
    browser.run("for (let i = 0; i < 40; i++) train()")
    model = from_bytes(bytes(browser.run("Array.from(save().bytes)")))
    assert model.feature_map.width == browser.run("model.data.d")
    assert model.input_names == browser.run("model.data.map.names")
    shown = browser.run(
        "[Array.from(model.trainer.predict(model.data.x, model.data.n)), model.data.center, model.data.deviation]"
    )
    order = browser.run("[...model.training, ...model.validation]")
    rows = {name: [values[i] for i in order] for name, values in moments().items() if name not in ("y", "said")}
    expected = np.array(shown[0]) * shown[2] + shown[1]
    np.testing.assert_allclose(model.predict(rows), expected, rtol=1e-6, atol=1e-6 * shown[2])  # float32 deviations
    assert " --columns sold,seen,swapped,clock,town " in browser.run("$('command').textContent").replace("'", "")
    assert browser.complaints == []


def test_dates_and_times_of_a_file_that_is_dropped(browser: Any, tmp_path: Path) -> None:
    names = ("sold", "seen", "clock", "town", "swapped", "said", "y")
    lines = [
        ",".join(names),
        *(
            ",".join("" if v is None else str(v) for v in row)
            for row in zip(*(moments()[n] for n in names), strict=True)
        ),
    ]
    page = opened(browser, tmp_path, "price")
    page.run(f"readFile(new File([{json.dumps(chr(10).join(lines))}], 'x.csv'))")
    assert page.run("table.columns.map((each) => each.kind)") == ["date", "date", "time", "categorical", "numeric"]
    assert page.run("table.omitted") == ["swapped", "said"]
    expected = json.loads(re.search(r'"columns":(\[.*?\]),"target"', playground(moments(), "y"))[1])  # type: ignore[index]
    for column, other in (("sold", 0), ("seen", 1), ("clock", 3), ("town", 4)):
        plain = "values.map((each) => Number.isNaN(each) ? null : each)"
        told = f"(({{parts, levels, values}}) => [parts ?? levels, {plain}])"
        found = page.run(f"{told}(table.columns.find(({{name}}) => name === '{column}'))")
        assert found[0] == expected[other].get("parts", expected[other].get("levels")), column
        assert found[1] == expected[other]["values"], column
    page.run("for (let i = 0; i < 10; i++) train(); hold()")
    assert page.run("Number.isFinite(model.held)")
    model = from_bytes(bytes(page.run("Array.from(save().bytes)")))
    assert [feature.kind for feature in model.schema.features] == ["date", "date", "time", "categorical"]
    for wrong in ("2024-02-30", "2024-01-31 24:00", "12:60"):
        assert page.run(f"Number.isNaN(momentOf('{'time' if len(wrong) == 5 else 'date'}', '{wrong}'))")
    page.run("readFile(new File(['when,t\\n2024-01-01,x1\\n2024-01-02,x2\\n'], 'x.csv'))")
    assert page.run("[table.target, table.columns.map((each) => each.kind)]") == ["t", ["date", "categorical"]]
    page.run("readFile(new File(['when,then\\n2024-01-01,10:30\\n2024-01-02,11:45\\n'], 'x.csv'))")
    assert "A column of numbers or classes to predict" in page.run("$('message').textContent")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('a,b\n1,2\n"2,3\n4,5\n', "A quotation mark opens in line 3 and is not closed."),
        ("a,b, a\n1,2,3\n2,3,4\n", "Two columns are named a."),
        (
            "a,b\n" + "".join(f'"{n},000",{n % 7}\n' for n in range(1, 40)),
            "A column of numbers or classes to predict, and another column, are needed. a is left out here: it has "
            'numbers or dates in another notation, such as "1,000". '
            "backpass fit reads free text, units and other notations.",
        ),
        ("\ufeff", "The file has no rows below a header."),
    ],
)
def test_a_file_that_cannot_be_read_keeps_the_table(browser: Any, tmp_path: Path, text: str, message: str) -> None:
    page = opened(browser, tmp_path, "price")
    page.run(f"readFile(new File([{json.dumps(text)}], 'x.csv'))")
    assert page.run("[$('message').textContent, table.target]") == [message, "price"]
    assert page.complaints == []


def test_what_is_left_out_of_a_file_is_said(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, "price")
    rows = "".join(f"r{i},{i},c{i % 40}\n" for i in range(400))
    page.run(f"readFile(new File([{json.dumps(',__proto__,kind' + chr(10) + rows)}], 'x.csv'))")
    assert page.run("[table.target, table.columns.map((each) => each.kind)]") == [
        "__proto__",
        ["numeric", "categorical"],
    ]
    notes = page.run("[...$('notes').children].map((each) => each.textContent)")
    assert notes == [
        "The first column has no name: treated as row names and left out.",
        "kind cannot be predicted here (40 classes, at most 24), so __proto__ is.",
    ]
    page.run("for (let i = 0; i < 5; i++) train(); hold()")
    assert page.run("Number.isFinite(model.held)")
    assert page.complaints == []


def test_a_file_of_many_columns_keeps_its_target(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, "price")
    names = [*(f"c{j}" for j in range(70)), "y"]
    text = "\n".join([",".join(names), *(",".join(str((j + 3) * n % 97) for j in range(71)) for n in range(1, 30))])
    page.run(f"readFile(new File([{json.dumps(text)}], 'many.csv'))")
    held = page.run("[table.target, table.columns.map((each) => each.name)]")
    assert held == ["y", [*(f"c{j}" for j in range(59)), "y"]]
    assert "Only the first 59 columns and the target y are shown." in page.run("document.body.textContent")


def test_the_command_lists_columns_only_where_fit_would_take_others(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, "price")
    assert " --columns " not in page.run("$('command').textContent")
    page.run("change({columns: ['b']})")
    assert " --columns b " in page.run("$('command').textContent")
    page.run("readFile(new File(['id,x,y\\n1,5,1\\n2,5,2\\n3,7,3\\n'], 'x.csv'))")
    assert " --columns id,x " in page.run("$('command').textContent").replace("'", "")


def test_a_wide_table_fits_the_memory(browser: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    columns = {f"c{j}": rng.normal(size=40).round(2).tolist() for j in range(2_100)}
    page = playground({**columns, "y": rng.normal(size=40).tolist()}, "y")
    assert "would need 2 more inputs: left out here; backpass fit uses it" in page
    (tmp_path / "wide.html").write_text(page, "utf-8")
    browser.complaints.clear()
    browser.open(tmp_path / "wide.html")
    browser.run("change({m1: 64, m2: 64, B: 512}); for (let i = 0; i < 3; i++) train(); hold(); show()")
    assert browser.run("Number.isFinite(model.held) && kernels === FAST")
    assert browser.complaints == []


def test_the_command_names_the_file_and_the_categories(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "my table.csv").write_text("zip,x,y\n" + "".join(f"{i % 3},{i},{2 * i}\n" for i in range(40)))
    page = playground(tmp_path / "my table.csv", categorical=["zip"])
    (tmp_path / "page.html").write_text(page, "utf-8")
    browser.open(tmp_path / "page.html")
    command = browser.run("$('command').textContent")
    assert command.startswith("backpass fit 'my table.csv' --target y --preset plain")
    assert " --categorical zip " in command
    columns = playground({"zip": [i % 3 for i in range(40)], "y": [float(i) for i in range(40)]}, categorical=["zip"])
    assert '"name":"zip","kind":"categorical"' in columns


def test_decimal_commas_are_read_as_fit_reads_them(browser: Any, tmp_path: Path) -> None:
    text = "a;b;y\n1,5;1,234;x\n2,5;0.5;z\n;7;x\n"
    page = opened(browser, tmp_path, "price")
    page.run(f"readFile(new File([{json.dumps(text)}], 'x.csv'))")
    assert page.run("table.columns.map((each) => [each.kind, each.values.map(String)])") == [
        ["numeric", ["1.5", "2.5", "NaN"]],
        ["numeric", ["1.234", "0.5", "7"]],
        ["categorical", ["1", "2", "1"]],
    ]


def test_a_challenge_starts_from_the_defaults(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, "price")
    page.run("change({B: 4, alpha: 1, dropout: 0.5, seed: 7, columns: ['b']}, true)")
    page.run("document.querySelectorAll('#challenges button')[2].click(); run(false)")
    assert page.run("[state.B, state.alpha, state.dropout, state.seed, state.activation, state.columns.length]") == [
        *(32, 0.003, 0, 7),
        *("identity", 3),
    ]


def test_reading_a_file_keeps_its_message_when_the_address_has_a_state(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, "price")
    page.run("change({hidden: 1})")
    page.run("readFile(new File(['a,b\\n1,2\\n3,4\\n5,7\\n'], 'x.csv'))")
    page.run("new Promise((done) => setTimeout(done, 50))")
    assert page.run("[location.hash, state.hidden]") == ["", 2]
    assert page.run("$('message').textContent") == "x.csv: 3 rows, read in this page."


@pytest.mark.parametrize(("width", "dark"), [(390, False), (1366, True)])
def test_it_fits_phones_and_the_dark(browser: Any, tmp_path: Path, width: int, dark: bool) -> None:
    page = opened(browser, tmp_path, "kind", width=width, dark=dark)
    assert page.run("document.documentElement.scrollWidth") <= width
    controls = "[...document.querySelectorAll('button, input, select')]"
    assert page.run(f"{controls}.every((each) => each.labels?.length || each.textContent)")
    assert page.run("[...document.querySelectorAll('canvas')].every((each) => each.getAttribute('aria-label'))")
    assert page.run("$('columns').innerText").count(IMAGE) == 1
    assert page.run("getComputedStyle(document.body).backgroundColor") == (
        "rgb(18, 22, 27)" if dark else "rgb(255, 255, 255)"
    )
    assert page.complaints == []


def test_the_accessibility_tree_names_everything(browser: Any, tmp_path: Path) -> None:
    """What a screen reader meets: one h1, no level of headings left out, a name for each control and picture."""
    page = opened(browser, tmp_path, "kind")
    page.call("Accessibility.enable")
    nodes = [node for node in page.call("Accessibility.getFullAXTree")["nodes"] if not node.get("ignored")]
    found = [
        (
            node["role"]["value"],
            node.get("name", {}).get("value", ""),
            {each["name"]: each["value"].get("value") for each in node.get("properties", ())},
        )
        for node in nodes
    ]
    levels = [properties["level"] for role, _, properties in found if role == "heading"]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    wanted = ("button", "checkbox", "combobox", "slider", "spinbutton", "image", "toolbar", "heading", "group")
    nameless = [role for role, name, _ in found if role in wanted and not name.strip()]
    assert nameless == []
    assert {"slider", "combobox", "checkbox", "image", "status", "main"} <= {role for role, _, _ in found}
    page.call("Accessibility.disable")


def test_every_control_is_reached_with_the_keyboard(browser: Any, tmp_path: Path) -> None:
    """Tab goes through them in the order of the page; Enter starts, an arrow moves a slider."""
    page = opened(browser, tmp_path, "price")

    def press(key: str) -> None:
        code = {"Tab": 9, "Enter": 13, "ArrowRight": 39}[key]
        text = {"text": "\r"} if key == "Enter" else {}
        page.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, windowsVirtualKeyCode=code, **text)
        page.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=code)

    reached = []
    for _ in range(40):
        press("Tab")
        reached.append(page.run("document.activeElement.id || document.activeElement.textContent"))
        if reached[-1] == "run":
            press("Enter")
            assert page.run("running")
            press("Enter")
            assert not page.run("running")
        if reached[-1] == "s-m1":
            press("ArrowRight")
            assert page.run("state.m1") > 16
    wanted = ["run", "step", "restart", "target", "s-alpha", "s-B", "s-m1", "s-activation", "s-seed", "file", "save"]
    assert [each for each in reached if each in wanted][: len(wanted)] == wanted


def test_divergence_is_said(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, "price")
    page.run("change({optimizer: 'sgd', alpha: 10}); for (let i = 0; i < 400 && train(); i++) 0")
    assert page.run("$('message').textContent").startswith("J became infinite at step ")
    assert page.run("powers([-1.2, 17.3]).map(([, text]) => text)") == [
        "1",
        "1000",
        "1000000",
        "1e+9",
        "1e+12",
        "1e+15",
    ]
    assert page.run("powers([-1.2, 1]).map(([, text]) => text)") == ["0.1", "1", "10"]


def test_what_a_page_cannot_show_is_refused() -> None:
    with pytest.raises(UsageError, match="the page shows at most 24"):
        playground({"x": list(range(60)), "y": [f"c{i % 30}" for i in range(60)]})
    with pytest.raises(backpass.BackpassError):
        playground({"y": [1.0, 2.0, 3.0]})
