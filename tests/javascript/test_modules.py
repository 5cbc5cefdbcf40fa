"""The JavaScript module of a model predicts what the model does: every kind of column, target and model, in Node.js."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backpass
from backpass.errors import UsageError
from backpass.model import Model
from backpass.model.javascript import to_javascript, verify
from backpass.model.javascript.verification import predictions_in, trial_columns

ROWS = 80
HOSTILE = ("__proto__", '"];throw 1;//', "</script><script>throw 1</script>", "\u2028${x}`'\\", "hasOwn", "ab\u202ecd")
QUICK: dict[str, Any] = {"validation_fraction": 0.2, "hidden": (6,), "epochs": 2, "batch_size": 16}


@cache
def columns_of() -> dict[str, list[Any]]:
    """Numbers, whole numbers, categories, booleans, zeros and ones, dates and times, with gaps."""
    rng = np.random.default_rng(3)
    size, day, minute = rng.normal(size=ROWS), rng.integers(0, 900, ROWS), rng.integers(0, 1440, ROWS)
    gap = rng.random((4, ROWS)) < 0.1
    days = np.datetime64("2020-01-01") + day
    return {
        "size": [None if g else v for g, v in zip(gap[0], size.round(3).tolist(), strict=True)],
        "rooms": rng.integers(1, 5, ROWS).tolist(),
        "town": [None if g else v for g, v in zip(gap[1], rng.choice(["north", "south", "1"], ROWS), strict=True)],
        "paid": rng.choice(["yes", "no"], ROWS).tolist(),
        "lift": rng.integers(0, 2, ROWS).tolist(),
        "sold": [None if g else str(v) for g, v in zip(gap[2], days, strict=True)],
        "seen": [f"{v // 60:02}:{v % 60:02}" for v in minute],
        "price": (100.0 + 10.0 * size + 0.01 * day).round(2).tolist(),
    }


@cache
def model_of(target: str = "price", **settings: Any) -> Model:
    columns = dict(columns_of())
    price = np.array(columns["price"])
    if target == "class":
        columns["class"] = np.where(price > 104.0, "high", "it's <low>").tolist()
    if target == "grade":
        columns["grade"] = np.array(["a", "b", "c"])[np.digitize(price, [98.0, 106.0])].tolist()
    if target != "price":
        del columns["price"]
    return backpass.fit(columns, target, **{**QUICK, **settings})


MODELS: dict[str, Any] = {
    "a number": model_of,
    "default preset": lambda: model_of(preset="fast", ensemble_size=2, hidden=None),
    "embeddings": lambda: model_of(preset="fast", ensemble_size=1, max_one_hot_levels=2, hidden=None),
    "two classes": lambda: model_of("class"),
    "a threshold": lambda: model_of("class", threshold=0.7, positive="high"),
    "weights of classes": lambda: model_of("grade", class_weight="balanced"),
    "three classes, ensemble": lambda: model_of("grade", ensemble_size=3),
    "candidates": lambda: model_of(preset="fast", candidates=2, hidden=None),
    "candidates, classes": lambda: model_of("grade", candidates=3),
    "float64": lambda: model_of(precision="float64"),
    "quantile features": lambda: model_of(quantile_features=True),
    "logarithms": lambda: model_of(target_transform="log", validation_fraction=0.3),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.filterwarnings("ignore::backpass.BackpassWarning")
def test_every_row_is_predicted_as_by_the_model(name: str, node: str) -> None:
    model = MODELS[name]()
    found = verify(model, to_javascript(model), node)
    assert (len(model.shares) > 0) == name.startswith("candidates")
    assert found is not None
    assert found.rows == 64
    assert found.difference < (1e-12 if name == "float64" else 2e-6)


@pytest.mark.filterwarnings("ignore::backpass.BackpassWarning")
def test_several_targets_and_labels(node: str) -> None:
    from backpass import BackpassClassifier, BackpassRegressor

    pandas = pytest.importorskip("pandas")
    columns = {name: columns_of()[name] for name in ("size", "town", "sold")}
    price = np.array(columns_of()["price"])
    targets = pandas.DataFrame({"price": price, "__proto__": price**2})
    several = BackpassRegressor((6,), epochs=2, preset="plain").fit(pandas.DataFrame(columns), targets).model_
    labels = pandas.DataFrame({"dear": price > 104.0, "</script>": price < 99.0}).astype(int)
    labelled = BackpassClassifier((6,), epochs=2, preset="plain").fit(pandas.DataFrame(columns), labels).model_
    for model in (several, labelled):
        found = verify(model, to_javascript(model), node)
        assert found is not None
        assert found.difference < 2e-6
    (row,) = predictions_in(node, to_javascript(several), [{"size": 1.0, "town": "north", "sold": "2020-05-01"}])
    assert list(row) == ["price", "__proto__"]


@pytest.mark.filterwarnings("ignore::backpass.BackpassWarning")
def test_hostile_names_are_data(node: str) -> None:
    rng = np.random.default_rng(0)
    columns: dict[str, list[Any]] = {name: rng.normal(size=40).round(3).tolist() for name in HOSTILE}
    columns["town"] = rng.choice([*HOSTILE, "x"], 40).tolist()
    columns["y"] = rng.choice(["</script>", "__proto__"], 40).tolist()
    model = backpass.fit(columns, "y", columns=[*HOSTILE, "town"], **QUICK)
    module = to_javascript(model)
    assert module.isascii()
    assert "</script>" not in module
    assert "throw 1;//" not in re.sub(r"^const data=.*$", "", module, flags=re.MULTILINE)
    assert verify(model, module, node) is not None


@pytest.mark.filterwarnings("ignore::backpass.BackpassWarning")
def test_texts_are_read_as_in_a_csv_file(node: str) -> None:
    """Each text, as the only row of a table of texts, is predicted as the model predicts it."""
    model = model_of()
    row = {
        "size": "0.5",
        "rooms": "2",
        "town": "north",
        "paid": "yes",
        "lift": "1",
        "sold": "2020-03-01",
        "seen": "12:00",
    }
    changed = [
        {},
        {"size": ""}, {"size": " -1.25e-1 "}, {"size": "NA"}, {"size": "nan"}, {"size": "+.5"}, {"size": "1,000"},
        {"size": "$1,234.50"}, {"size": "($5)"}, {"rooms": "3."}, {"town": " south "}, {"town": "1.0"},
        {"town": "nowhere"}, {"town": "NA"}, {"paid": "No"}, {"paid": "TRUE"}, {"paid": "0"}, {"lift": "true"},
        {"lift": "no"}, {"sold": "2020-03-01T23:59:59.5+02:00"}, {"sold": "2020/3/1"}, {"sold": "1999-12-31 10:30"},
        {"sold": ""}, {"seen": "23:59:30.25"}, {"seen": "?"}, {"sold": "0099-02-28"},
    ]  # fmt: skip
    rows = [{**row, **each} for each in changed]
    found = predictions_in(node, to_javascript(model), rows)
    for each, value in zip(rows, found, strict=True):
        (expected,) = model.predict({name: [text] for name, text in each.items()})
        assert value == pytest.approx(expected, rel=1e-5), each


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": "large"}, 'column "size": "large" is not a finite number'),
        ({"size": "inf"}, 'column "size": "inf" is not a finite number'),
        ({"sold": "soon"}, 'column "sold": "soon" is not a date that is read here: pass a Date or 2024-01-31'),
        ({"sold": "2021-02-29"}, "is not a date that is read here"),
        ({"seen": "25:00"}, 'column "seen": "25:00" is not a time that is read here: pass a Date or 18:30'),
        ({"town": ...}, 'column "town": undefined is not in the row: pass null for a missing value'),
    ],
)
def test_what_cannot_be_read_is_an_error(node: str, change: dict[str, Any], message: str) -> None:
    row: dict[str, Any] = {**dict.fromkeys(columns_of()), **change}
    row = {name: value for name, value in row.items() if value is not ...}
    with pytest.raises(UsageError) as caught:
        predictions_in(node, to_javascript(model_of()), [row])
    assert message in str(caught.value.details)


def messages_in(node: str) -> dict[str, str]:
    """The message of predict for JavaScript that is not a row, or holds a value of a wrong type; empty without one."""
    row = "{size: 1, rooms: 2, town: 'north', paid: 'yes', lift: 1, sold: '2020-03-01', seen: '12:00'}"
    calls = [
        *("", "null", "undefined", "5", "'size'", "() => 1", "new Date(0)", "[null]", f"[{row}, undefined]"),
        *(
            "[[1, 2]]",
            "[]",
            "{}",
            "new Map()",
            "Object.create(null)",
            f"[{row}, {{}}]",
            f"[...Array(300).fill({row}), 'x']",
        ),
        *(f"{{...{row}, {change}}}" for change in CHANGES),
    ]
    lines = "".join(f"told({json.dumps(call)}, () => predict({call}));" for call in calls)
    tried = "try { run(); found[call] = ''; } catch (error) { found[call] = String(error); }"
    head = f'import {{ predict }} from "./model.mjs"; const found = {{}}, told = (call, run) => {{ {tried} }};'
    script = f"{head} {lines} console.log(JSON.stringify(found));"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "model.mjs").write_text(to_javascript(model_of()), "utf-8")
        Path(folder, "run.mjs").write_text(script, "utf-8")
        text = subprocess.run([node, "run.mjs"], cwd=folder, capture_output=True, text=True, check=True).stdout
    found: dict[str, str] = json.loads(text)
    return {call.replace(row, "row"): message for call, message in found.items()}


CHANGES = {
    "size: {}": 'column "size": [object Object] is not a string, number or boolean',
    "size: [5]": 'column "size": [object Array] is not a string, number or boolean',
    "size: new Date(0)": 'column "size": [object Date] is not a string, number or boolean',
    "size: Infinity": 'column "size": Infinity is not a finite number',
    "size: Symbol('x')": 'column "size": Symbol(x) is not a finite number',
    "size: 5n": "",
    "size: false": "",
    "town: ['north']": 'column "town": [object Array] is not a string, number or boolean',
    "town: () => 1": 'column "town": [object Function] is not a string, number or boolean',
    "town: Object.create(null)": 'column "town": [object Object] is not a string, number or boolean',
    "sold: ['2020-03-01']": 'column "sold": [object Array] is not a date that is read here: pass a Date or 2024-01-31',
    "sold: new Date('soon')": 'column "sold": [object Date] is not a date that is read here: pass a Date or 2024-01-31',
    "sold: new Date(-1e11)": "",
    "sold: true": 'column "sold": true is not a date that is read here: pass a Date or 2024-01-31',
    "seen: {hour: 3}": 'column "seen": [object Object] is not a time that is read here: pass a Date or 18:30',
    "seen: 12": 'column "seen": 12 is not a time that is read here: pass a Date or 18:30',
    "size: undefined, sold: null, town: NaN": "",
}
"""Changes of a row -> what predict says."""


def test_what_is_no_row_or_of_a_wrong_type_is_an_error_that_says_where(node: str) -> None:
    lacks = 'column "size": undefined is not in the row: pass null for a missing value'
    expected = {
        "": "undefined is not a row {column: value}",
        "null": "null is not a row {column: value}",
        "undefined": "undefined is not a row {column: value}",
        "5": "5 is not a row {column: value}",
        "'size'": '"size" is not a row {column: value}',
        "() => 1": lacks,
        "new Date(0)": lacks,
        "[null]": "rows[0]: null is not a row {column: value}",
        "[row, undefined]": "rows[1]: undefined is not a row {column: value}",
        "[[1, 2]]": "rows[0]: [object Array] is not a row {column: value}",
        "[]": "",
        "{}": lacks,
        "new Map()": lacks,
        "Object.create(null)": lacks,
        "[...Array(300).fill(row), 'x']": 'rows[300]: "x" is not a row {column: value}',
        "[row, {}]": f"rows[1]: {lacks}",
        **{f"{{...row, {change}}}": message for change, message in CHANGES.items()},
    }
    assert messages_in(node) == {call: message and f"TypeError: {message}" for call, message in expected.items()}


@pytest.mark.filterwarnings("ignore::backpass.BackpassWarning")
@pytest.mark.parametrize(
    ("cells", "values"),
    [
        ([20200131, 20210215, 20190703, 20201111], [20200301]),
        ([1706715000, 1703405700, 946684740, 1706715060], [1706715120]),
        (["31.01.2020", "15.02.2021", "03.07.2019", "11.11.2020"], ["01.03.2020"]),
        (["12 %", "3.5 %", "20 %", "7 %"], ["5 %", 5]),
    ],
)
def test_notations_of_dates_and_percentages(node: str, cells: list[Any], values: list[Any]) -> None:
    columns = {"created at": cells * 10, "y": list(range(40))}
    model = backpass.fit(columns, "y", **QUICK)
    found = predictions_in(node, to_javascript(model), [{"created at": value} for value in values])
    for value, predicted in zip(values, found, strict=True):
        assert predicted == pytest.approx(model.predict({"created at": [value]})[0], rel=1e-5)


@pytest.mark.filterwarnings("ignore::backpass.BackpassWarning")
@pytest.mark.parametrize("decimal", [".", ","])
def test_bounds_and_decimal_commas(node: str, decimal: str) -> None:
    draw = np.random.default_rng(4)
    values, signs = draw.uniform(1, 9, ROWS).round(2), draw.integers(-1, 2, ROWS)
    cells = [f"{('<', '', '>')[s + 1]}{v}".replace(".", decimal) for v, s in zip(values, signs, strict=True)]
    model = backpass.fit({"dose": cells, "y": (values + 3.0 * signs).tolist()}, "y", **QUICK)
    module = to_javascript(model)
    assert verify(model, module, node) is not None
    texts = [
        "<5",
        "<= 5",
        "≤5",
        "5+",
        ">5",
        "≥ 5",
        "5",
        "",
        " 7 ",
        f"<2{decimal}5",
        f"2{decimal}75",
        "1.234",
        f"> {decimal}5",
    ]
    found = predictions_in(node, module, [{"dose": each} for each in [*texts, 5, None]])
    for text, value in zip([*texts, 5, None], found, strict=True):
        assert value == pytest.approx(model.predict({"dose": [text]})[0], rel=1e-5), text
    for wrong in ("<", "<NA", "<5+", "<<5", "5 kg", "<5..5"):
        with pytest.raises(UsageError) as caught:
            predictions_in(node, module, [{"dose": wrong}])
        assert 'column "dose"' in str(caught.value.details)


@pytest.mark.filterwarnings("ignore::backpass.BackpassWarning")
def test_a_wide_table(node: str) -> None:
    rng = np.random.default_rng(1)
    columns = {f"c{j}": rng.normal(size=30).tolist() for j in range(150)}
    columns |= {f"t{j}": rng.choice(["a", "b", "c"], 30).tolist() for j in range(40)}
    model = backpass.fit({**columns, "y": rng.normal(size=30).tolist()}, "y", **QUICK)
    assert verify(model, to_javascript(model), node) is not None


def code_of(model: Model) -> int:
    """The bytes of a module without its data."""
    return len(re.sub(r"^const data=.*$", "", to_javascript(model), flags=re.MULTILINE))


@pytest.mark.filterwarnings("ignore::backpass.BackpassWarning")
def test_the_code_is_small() -> None:
    plain = {name: columns_of()[name] for name in ("size", "rooms", "town", "price")}
    assert code_of(backpass.fit(plain, "price", **QUICK)) < 8_000
    assert code_of(backpass.fit(plain, "price", **{**QUICK, "preset": "default", "hidden": None, "epochs": 1})) < 10_000


@pytest.mark.filterwarnings("ignore::backpass.BackpassWarning")
@pytest.mark.parametrize("target", ["number", "two classes", "classes"])
def test_the_code_of_the_default_preset_with_dates_is_small(node: str, target: str) -> None:
    """Less than 10 kB with numbers, categories, dates with times, and times of day."""
    rng = np.random.default_rng(2)
    day = np.arange(90)
    columns = {
        "a": rng.normal(size=90).round(3).tolist(),
        "town": rng.choice(["x", "y", "z"], 90).tolist(),
        "sold": [f"{2001 + d % 9}-{d % 12 + 1:02}-{d % 28 + 1:02} {d % 24:02}:{d % 60:02}" for d in day],
        "clock": [f"{d % 24:02}:{d * 7 % 60:02}" for d in day],
        "y": {"number": day * 1.5, "two classes": np.array(["u", "v"])[day % 2], "classes": day % 3}[target].tolist(),
    }
    if target == "classes":
        columns["y"] = [f"class {each}" for each in columns["y"]]
    model = backpass.fit(columns, "y", preset="default", epochs=1)
    module = to_javascript(model)
    assert verify(model, module, node) is not None
    assert code_of(model) < 10_000


@pytest.mark.filterwarnings("ignore::backpass.BackpassWarning")
def test_a_module_has_only_the_readers_of_its_columns() -> None:
    """Numbers, categories, ISO dates and times: less than 10 kB; others come with such columns only."""
    module = to_javascript(model_of())
    assert code_of(model_of()) < 8_500
    assert "spreadsheet_serial" not in module
    assert "day_first" not in module
    cells = [20200131, 20210215, 20190703, 20201111] * 10
    counted = to_javascript(backpass.fit({"at": cells, "y": list(range(40))}, "y", **QUICK))
    assert "spreadsheet_serial" in counted
    assert "not a finite number" not in counted
    assert "day_first" in to_javascript(
        backpass.fit({"at": [f"{i % 28 + 1}.01.2020" for i in range(40)], "y": list(range(40))}, "y", **QUICK)
    )


@pytest.mark.filterwarnings("ignore::backpass.BackpassWarning")
def test_modules_are_the_same_every_time() -> None:
    assert to_javascript(model_of()) == to_javascript(model_of())


def test_a_planted_fault_is_found(node: str) -> None:
    model = model_of()
    module = to_javascript(model)
    wrong, count = re.subn(r"\[0\]\[i\]\+0\b", "[0][i]*1.001", module)
    assert count == 1
    with pytest.raises(UsageError, match="does not predict what the model does"):
        verify(model, wrong, node)


def test_trial_rows_have_gaps_and_an_unseen_category() -> None:
    columns = trial_columns(model_of())
    assert None in columns["size"]
    assert "an unseen category" in columns["town"]
    json.dumps(columns, allow_nan=False)
