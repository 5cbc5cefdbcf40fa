"""Fitting: from a table to a model that has learned something, or to an error that says why not and keeps the best."""

from __future__ import annotations

import dataclasses
import math
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from backpass.errors import BackpassWarning, DataError, DivergedError, InterruptedTraining, UsageError
from backpass.model import Model, Settings, fit, fit_problem, from_bytes, make_problem
from backpass.model.fitting.outcome.scoring import WORST
from backpass.model.fitting.problem.problem import Problem
from backpass.model.prediction.forward import outputs_of
from backpass.table import table_from
from backpass.training import Callback, EpochRecord, Progress

Columns = dict[str, list[Any]]


class Watcher(Callback):
    """Remembers what it is told, and may raise a signal or end the run at a given step or epoch."""

    def __init__(self, *, interrupt_at: int | None = None, stop_after: int | None = None, number: int = 2) -> None:
        self.interrupt_at, self.stop_after, self.number = interrupt_at, stop_after, number
        self.epochs: list[EpochRecord] = []
        self.reason = ""

    def on_step(self, step: int) -> None:
        if step == self.interrupt_at:
            signal.raise_signal(self.number)

    def on_epoch(self, record: EpochRecord, progress: Progress) -> bool:
        self.epochs.append(record)
        return record.epoch == self.stop_after

    def on_end(self, result: Any) -> None:
        self.reason = result.reason


def line(rows: int = 200, noise: float = 0.1, seed: int = 0, **more: Any) -> Columns:
    """t = 3 a - b + noise, and a text that says nothing."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, rows))
    t = 3.0 * a - b + noise * rng.normal(size=rows)
    return {"a": a.tolist(), "b": b.tolist(), "c": rng.choice(["x", "y"], rows).tolist(), "t": t.tolist(), **more}


def is_sound(model: Model) -> None:
    """Every number in the model is finite, so that it goes into a file and comes back."""
    assert np.isfinite(model.theta).all()
    for scores in (model.record.scores, *model.record.baselines.values()):
        assert all(math.isfinite(value) for metrics in scores.values() for value in metrics.values())
    for scores in model.record.scores.values():
        assert all(abs(value) < WORST for value in scores.values())
    assert from_bytes(model.to_bytes()).to_bytes() == model.to_bytes()


# Learning


def test_each_task_is_learned_and_beats_the_constant(each_target: tuple[str, Columns]) -> None:
    target, columns = each_target
    model = fit(columns, target, hidden=(16,), epochs=80, batch_size=16, seed=1, validation_fraction=0.16)
    is_sound(model)
    constant = model.record.baselines["mean" if target == "price" else "class_frequencies"]
    metric = "rmse" if target == "price" else "log_loss"
    assert list(model.record.baselines) == [
        "mean" if target == "price" else "class_frequencies",
        "linear" if target == "price" else "logistic",
    ]
    for part in ("validation", "test"):
        assert model.record.scores[part][metric] < 0.8 * constant[part][metric]
    assert len(model.history) == 80
    best = min(model.history, key=lambda record: record.score if record.score is not None else math.inf)
    assert model.record.best_epoch == best.epoch
    assert model.record.scores["validation"][metric] == best.score


@pytest.mark.parametrize("loss", ["squared", "absolute", "huber", "quantile"])
def test_losses_for_numbers(loss: str) -> None:
    model = fit(line(), "t", loss=loss, hidden=(16,), epochs=60, batch_size=16)
    is_sound(model)
    metric = {"squared": "rmse", "absolute": "mae", "huber": "mae", "quantile": "pinball"}[loss]
    constant = {"squared": "mean", "absolute": "median", "huber": "mean", "quantile": "quantile"}[loss]
    assert model.record.scores["test"][metric] < 0.4 * model.record.baselines[constant]["test"][metric]
    assert next(iter(model.record.scores["test"])) == metric


@pytest.mark.parametrize("q", [0.1, 0.9])
def test_a_quantile_covers_its_share(q: float) -> None:
    columns = line(1500, noise=2.0)
    model = fit(columns, "t", loss="quantile", quantile=q, hidden=(8,), epochs=25, test_fraction=0.3)
    fresh = line(1500, noise=2.0, seed=9)
    share = float(np.mean(np.array(fresh["t"]) <= model.predict(fresh)))
    assert share == pytest.approx(q, abs=0.04)


def test_counts_are_predicted_above_0() -> None:
    columns = line(400)
    rng = np.random.default_rng(0)
    columns["t"] = rng.poisson(np.exp(0.3 * np.array(columns["a"]) + 1.0)).tolist()
    model = fit(columns, "t", loss="poisson", hidden=(8,), epochs=25)
    is_sound(model)
    predicted = model.predict(columns)
    assert (predicted > 0).all()
    assert np.mean(predicted) == pytest.approx(np.mean(columns["t"]), rel=0.1)
    scores, constant = model.record.scores["test"], model.record.baselines["mean"]["test"]
    assert scores["poisson_deviance"] < constant["poisson_deviance"]


def test_numbers_as_classes() -> None:
    columns = line(t=[i % 3 for i in range(200)])
    assert fit(columns, "t", task="classification", hidden=(4,), epochs=2).classes == ("0", "1", "2")
    assert fit(columns, "t", hidden=(4,), epochs=2).classes == ()


def test_label_smoothing_and_relu_outputs(table_with: Callable[..., Columns], quick: dict[str, Any]) -> None:
    for target in ("sold", "grade"):
        is_sound(fit(table_with(target), target, label_smoothing=0.1, **quick))
    model = fit(line(t=np.abs(line()["t"]).tolist()), "t", output_activation="relu", hidden=(8,), epochs=20)
    assert (model.predict(line()) >= 0).all()


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adam", "adamw"])
def test_every_optimizer_learns(optimizer: str) -> None:
    model = fit(line(), "t", optimizer=optimizer, hidden=(8,), epochs=30, batch_size=16, validation_fraction=0.16)
    assert model.record.scores["validation"]["r2"] > 0.6


def test_a_network_of_wired_units(houses: Columns, quick: dict[str, Any]) -> None:
    wires = (("building", ("size", "age", "heating")), ("place", ("town",)))
    model = fit(houses, "price", wire=wires, **{**quick, "hidden": ()})
    is_sound(model)
    assert model.features(houses).shape == (120, 2)


def test_precision(houses: Columns, quick: dict[str, Any]) -> None:
    narrow, wide = (fit(houses, "price", precision=precision, **quick) for precision in ("float32", "float64"))
    assert (narrow.theta.dtype, wide.theta.dtype) == (np.float32, np.float64)
    np.testing.assert_allclose(narrow.predict(houses), wide.predict(houses), rtol=1e-2)
    is_sound(wide)


# The same, and not the same


def test_a_fit_is_repeated_byte_for_byte(each_target: tuple[str, Columns], quick: dict[str, Any]) -> None:
    target, columns = each_target
    assert fit(columns, target, **quick).to_bytes() == fit(columns, target, **quick).to_bytes()


def test_another_seed_gives_other_bytes(houses: Columns, quick: dict[str, Any]) -> None:
    thetas = [fit(houses, "price", seed=seed, **quick).theta for seed in (0, 1, 2**64 - 1)]
    assert len({theta.tobytes() for theta in thetas}) == 3


def test_watching_changes_nothing(houses: Columns, quick: dict[str, Any]) -> None:
    watcher = Watcher()
    model = fit(houses, "price", callbacks=[watcher], **quick)
    assert model.to_bytes() == fit(houses, "price", **quick).to_bytes()
    assert tuple(watcher.epochs) == model.history
    assert watcher.reason == "finished"


def test_any_source_gives_the_same_model(houses: Columns, quick: dict[str, Any], tmp_path: Path) -> None:
    import pandas
    import polars

    expected = fit(houses, "price", **quick).to_bytes()
    path = tmp_path / "houses.csv"
    polars.DataFrame(houses).write_csv(path)
    for data in (pandas.DataFrame(houses), polars.DataFrame(houses), path, str(path)):
        assert fit(data, "price", **quick).to_bytes() == expected


# Strange tables


@pytest.mark.parametrize("value", [0.0, 0.1, -1e9, 1e308])
@pytest.mark.parametrize("loss", ["squared", "absolute", "huber", "quantile"])
def test_a_constant_target_is_predicted_exactly(value: float, loss: str, quick: dict[str, Any]) -> None:
    model = fit(line(40, t=[value] * 40), "t", loss=loss, **quick)
    is_sound(model)
    assert (model.predict(line(40, seed=3)) == value).all()
    assert any("is constant" in note for note in model.record.notes)


@pytest.mark.parametrize("rows", [1, 2, 3, 9, 10])
def test_few_rows(rows: int, quick: dict[str, Any]) -> None:
    columns = line(rows)
    model = fit(columns, "t", task="regression", **quick)  # two numbers alone would be classes
    is_sound(model)
    assert np.isfinite(model.predict(columns)).all()
    assert model.record.rows["train"] == (rows if rows < 10 else 6)
    assert set(model.record.scores) == (set() if rows < 10 else {"validation", "test"})


def test_a_batch_of_one_row(quick: dict[str, Any]) -> None:
    model = fit({"a": [1.0, None], "t": [2.0, 4.0]}, "t", **{**quick, "batch_size": 1})
    is_sound(model)


def test_two_rows_of_two_classes(quick: dict[str, Any]) -> None:
    model = fit({"a": [1.0, 2.0], "t": ["no", "yes"]}, "t", **quick)
    is_sound(model)
    assert model.predict_proba({"a": [1.0]}).shape == (1, 2)


def test_a_batch_larger_than_the_table(quick: dict[str, Any]) -> None:
    model = fit(line(40), "t", **{**quick, "batch_size": 1000})
    is_sound(model)
    assert model.record.steps == 3
    assert any("--batch-size 1000 is more than the 25 training rows" in note for note in model.record.notes)


def test_more_columns_than_rows(quick: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    wide = {f"x{i}": rng.normal(size=12).tolist() for i in range(60)}
    is_sound(fit({**wide, "t": list(range(12))}, "t", **quick))


@pytest.mark.parametrize(
    "column",
    [
        [1.0, 2.0] * 20,
        [None, 2.0, 3.0, 4.0] * 10,
        [None] * 39 + [1.0],
        ["x", None] * 20,
        ["x", "y"] * 20,
        [True, False] * 20,
        [1e308, -1e308] * 20,
        [1e9 + 1e-3, 1e9 - 1e-3] * 20,
    ],
    ids=["two", "gaps", "one value", "one text", "texts", "truths", "huge", "far"],
)
def test_a_single_column_of_any_kind(column: list[Any], quick: dict[str, Any]) -> None:
    model = fit(
        {"only": column, "t": list(range(40))}, "t", **{**quick, "validation_fraction": 0.0, "test_fraction": 0.0}
    )
    is_sound(model)
    assert np.isfinite(model.predict({"only": column})).all()


def test_a_single_column_too_narrow_to_scale_is_refused(quick: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="column 'only' is effectively constant"):
        fit(
            {"only": [0.0] * 39 + [1e-320], "t": list(range(40))},
            "t",
            **{**quick, "validation_fraction": 0.0, "test_fraction": 0.0},
        )


@pytest.mark.parametrize("x_unit", [1e-290, 1e300])
@pytest.mark.parametrize("y_unit", [1e-300, 1e200, 1e307])
@pytest.mark.parametrize("loss", ["squared", "absolute"])
def test_any_unit_is_as_good_as_another(x_unit: float, y_unit: float, loss: str) -> None:
    columns = line()
    scaled = {
        "a": (x_unit * np.array(columns["a"])).tolist(),
        "b": columns["b"],
        "t": (y_unit * np.array(columns["t"])).tolist(),
    }
    model = fit(scaled, "t", loss=loss, hidden=(8,), epochs=8, batch_size=16)
    plain = fit({name: columns[name] for name in ("a", "b", "t")}, "t", loss=loss, hidden=(8,), epochs=8, batch_size=16)
    is_sound(model)
    np.testing.assert_allclose(model.predict(scaled) / y_unit, plain.predict(columns), rtol=1e-3, atol=1e-3)


def test_targets_at_both_ends_of_float64(quick: dict[str, Any]) -> None:
    columns = line(60, t=[1.5e308 * (-1) ** i for i in range(60)])
    with suppress(DivergedError):
        is_sound(fit(columns, "t", task="regression", **quick))


def test_counts_beyond_float32_need_float64(quick: dict[str, Any]) -> None:
    columns = line(60, t=[1e300] * 30 + list(range(30)))
    with pytest.raises(DataError, match="target 't' holds numbers too large for float32"):
        fit(columns, "t", loss="poisson", **quick)
    with suppress(DivergedError):
        is_sound(fit(columns, "t", loss="poisson", precision="float64", **quick))


def test_a_test_score_that_is_not_finite_is_no_success(quick: dict[str, Any]) -> None:
    extreme = np.finfo(np.float64).max
    test = line(10, t=[extreme, -extreme] * 5)
    columns = line(60, t=[extreme, -extreme] * 30)
    columns["t"][0] = 0.0  # three values: a number, no classes
    with pytest.raises(DivergedError, match="is not finite"):
        fit(columns, "t", test=test, **{**quick, "validation_fraction": 0.0, "learning_rate": 50.0, "epochs": 1})


# Divergence


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("rate", [1e20, 1e30])
def test_a_huge_learning_rate_diverges_and_says_where(houses: Columns, optimizer: str, rate: float) -> None:
    with pytest.raises(DivergedError) as caught:
        fit(houses, "price", hidden=(8, 8), epochs=5, batch_size=16, learning_rate=rate, optimizer=optimizer)
    error = caught.value
    assert error.exit_code == 6
    assert error.message.startswith("training diverged in epoch ")
    assert " batch " in error.message
    assert "layer" in error.message or "the parameters" in error.message
    assert f"--learning-rate {rate:g} may be too high: try {rate / 10:g}" in error.hint
    if error.model is not None:
        assert isinstance(error.model, Model)
        is_sound(error.model)
        assert error.model.record.reason == "diverged"
        assert "are kept" in error.message


def test_a_run_that_diverges_late_keeps_its_best_weights(houses: Columns) -> None:
    class Poison(Callback):
        """Spoils the weights after the second epoch, as a bad step would."""

        def on_epoch(self, record: EpochRecord, progress: Progress) -> None:
            if record.epoch == 2:
                theta = progress.state[0].copy()
                theta[:] = 3e38
                progress.state = (theta, *progress.state[1:])

    quick = {"hidden": (8,), "batch_size": 16, "validation_fraction": 0.16}
    with pytest.raises(DivergedError, match=r"in epoch 3, batch 1 of 5: .*layer 1 of 2.*; the weights of epoch") as e:
        fit(houses, "price", **quick, epochs=5, learning_rate=0.01, callbacks=[Poison()])
    model = e.value.model
    assert isinstance(model, Model)
    assert model.record.best_epoch in (1, 2)
    is_sound(model)
    whole = fit(houses, "price", **quick, epochs=5, callbacks=[Watcher(stop_after=2)])
    np.testing.assert_array_equal(model.theta, whole.theta)


def diverging(monkeypatch: pytest.MonkeyPatch, times: int) -> list[float]:
    """Makes the first runs diverge at once; the learning rates of all runs, as they come."""
    train, rates = Problem.train, list[float]()

    def diverges(self: Problem, **options: Any) -> Any:
        rates.append(self.settings.learning_rate)
        result = train(self, **options)
        return dataclasses.replace(result, reason="diverged", non_finite="epoch 1") if len(rates) <= times else result

    monkeypatch.setattr(Problem, "train", diverges)
    return rates


def test_a_run_that_diverges_is_retry_note_with_a_tenth_of_the_learning_rate(
    houses: Columns, quick: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rates = diverging(monkeypatch, 1)
    model = fit(houses, "price", **quick)
    assert rates == [0.01, 0.001]
    assert model.record.reason == "finished"
    assert model.record.notes[-1] == "training diverged in epoch 1: retrying once with --learning-rate 0.001, a tenth"


def test_it_is_retry_note_once_and_not_at_all_where_the_learning_rate_was_asked_for(
    houses: Columns, quick: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rates = diverging(monkeypatch, 9)
    with pytest.raises(DivergedError):
        fit(houses, "price", **quick)
    assert rates == [0.01, 0.001]
    with pytest.raises(DivergedError):
        fit(houses, "price", **quick, learning_rate=0.01)
    assert rates == [0.01, 0.001, 0.01]


def test_a_diverged_run_without_a_good_epoch_has_no_model(houses: Columns) -> None:
    with pytest.raises(DivergedError) as caught:
        fit(houses, "price", hidden=(8,), epochs=2, batch_size=16, learning_rate=1e38, optimizer="sgd")
    assert caught.value.model is None
    assert "epoch 1" in caught.value.message


# Ending early


@pytest.mark.parametrize("step", [0, 2, 5, 7])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_fit_raises_with_the_model_so_far(
    houses: Columns, stepwise: dict[str, Any], step: int, number: signal.Signals
) -> None:
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with pytest.raises(InterruptedTraining, match=f"interrupted after {step} steps") as caught:
        fit(houses, "price", callbacks=[Watcher(interrupt_at=step, number=number)], **stepwise)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    error = caught.value
    assert (error.exit_code, error.signal) == (130, number)
    assert isinstance(error.model, Model)
    assert error.model.record.reason == "interrupted"
    is_sound(error.model)


def test_an_interrupted_fit_may_return_the_model_so_far(houses: Columns, stepwise: dict[str, Any]) -> None:
    model = fit(houses, "price", callbacks=[Watcher(interrupt_at=7)], on_interrupt="return", **stepwise)
    assert (model.record.reason, model.record.steps, model.record.best_epoch) == ("interrupted", 7, 1)
    is_sound(model)


def test_on_interrupt_is_one_of_two_words(houses: Columns, quick: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="on_interrupt must be 'raise' or 'return'; got 'ignore'"):
        fit(houses, "price", on_interrupt="ignore", **quick)


def test_fitting_outside_the_main_thread(houses: Columns, quick: dict[str, Any]) -> None:
    found: list[Model] = []
    thread = threading.Thread(target=lambda: found.append(fit(houses, "price", **quick)))
    thread.start()
    thread.join()
    assert found[0].to_bytes() == fit(houses, "price", **quick).to_bytes()


def test_a_callback_ends_the_run(houses: Columns, quick: dict[str, Any]) -> None:
    model = fit(houses, "price", callbacks=[Watcher(stop_after=2)], **quick)
    assert (model.record.reason, len(model.history)) == ("stopped", 2)


def test_iterations_end_the_run_inside_an_epoch(houses: Columns, quick: dict[str, Any]) -> None:
    model = fit(houses, "price", max_steps=7, **quick)
    assert (model.record.reason, model.record.steps) == ("finished", 7)
    is_sound(model)


def test_patience_ends_the_run(houses: Columns) -> None:
    model = fit(
        houses, "price", hidden=(4,), epochs=200, patience=3, batch_size=16, learning_rate=0.2, schedule="constant"
    )
    assert model.record.reason == "patience"
    assert len(model.history) == model.record.best_epoch + 3


def test_time_ends_the_run(houses: Columns, quick: dict[str, Any]) -> None:
    with pytest.warns(BackpassWarning, match="the time limit was reached before the first step: nothing was trained"):
        model = fit(houses, "price", max_seconds=1e-9, **quick)
    assert (model.record.reason, model.record.steps) == ("time", 0)
    is_sound(model)


def test_networks_that_the_time_limit_ends_in_their_first_epoch_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is up when a run asks for the second time: after 50 ms, some of the 24,000 steps of its first epoch."""
    calls: list[object] = []

    def is_over(clock: object) -> bool:
        calls.append(clock)
        return calls.count(clock) > 1

    monkeypatch.setattr("backpass.training.loop._Clock.is_over", is_over)
    rows = {"x": [float(i) for i in range(30_000)], "price": [float(i % 7) for i in range(30_000)]}
    settings: dict[str, Any] = {"batch_size": 1, "threads": 1, "max_seconds": 60.0, "test_fraction": 0.0}
    with pytest.warns(
        BackpassWarning, match=r"the time limit was reached in the first epoch, after [\d,]+ steps; incr"
    ):
        model = fit(rows, "price", preset="fast", **settings)
    assert (model.record.reason, model.networks) == ("time", 2)


# Parts and columns


def test_tables_for_validation_and_test(
    houses: Columns, table_with: Callable[..., Columns], quick: dict[str, Any], tmp_path: Path
) -> None:
    import polars

    validation, test = table_with("price", 30, 7), table_with("price", 25, 8)
    model = fit(houses, "price", validation=validation, test=test, **quick)
    assert model.record.rows == {"train": 120, "validation": 30, "test": 25}
    paths = {name: tmp_path / f"{name}.csv" for name in ("train", "validation", "test")}
    for columns, path in zip((houses, validation, test), paths.values(), strict=True):
        polars.DataFrame(columns).write_csv(path)
    from_files = fit(paths["train"], "price", validation=paths["validation"], test=paths["test"], **quick)
    assert from_files.to_bytes() == model.to_bytes()


def test_parts_may_lack_columns_that_are_not_used(
    houses: Columns, table_with: Callable[..., Columns], quick: dict[str, Any]
) -> None:
    validation = {name: values for name, values in table_with("price", 30, 7).items() if name != "identifier"}
    assert fit(houses, "price", validation=validation, **quick).record.rows["validation"] == 30
    del validation["age"]
    with pytest.raises(DataError, match="column 'age' is in the model but not in the table"):
        fit(houses, "price", validation=validation, **quick)


def test_drop_and_columns(houses: Columns, quick: dict[str, Any]) -> None:
    assert set(fit(houses, "price", drop=["town", "size"], **quick).kinds()) == {"age", "heating"}
    assert set(fit(houses, "price", columns=["size"], **quick).kinds()) == {"size"}
    with pytest.raises(DataError, match="'prize' not found"):
        fit(houses, "prize", **quick)


def test_reading_options_reach_the_file(tmp_path: Path, quick: dict[str, Any]) -> None:
    path = tmp_path / "t.csv"
    path.write_text("code;t\n" + "".join(f"{i % 3};{i},5\n" for i in range(40)))
    model = fit(path, "t", reading={"categorical": ["code"], "delimiter": ";"}, **quick)
    assert model.kinds() == {"code": "categorical"}


@pytest.mark.parametrize(
    ("reading", "kind"),
    [
        ({}, "numeric"),
        ({"categorical": ["code"]}, "categorical"),
        ({"text": ["code"], "delimiter": ";"}, "text"),
        ({"kinds": {"size": "numeric", "code": "categorical", "price": "numeric"}}, "categorical"),
    ],
)
def test_frames_take_the_options_of_reading_that_concern_them(
    reading: dict[str, Any], kind: str, houses: Columns, quick: dict[str, Any]
) -> None:
    data = {"size": houses["size"], "code": [10 + i % 4 for i in range(len(houses["size"]))], "price": houses["price"]}
    model = fit(data, "price", reading=reading, validation=data, **quick)
    assert model.schema.kinds == {"size": "numeric", "code": kind}


def test_unknown_settings_are_named(houses: Columns) -> None:
    with pytest.raises(UsageError) as caught:
        fit(houses, "price", epoch=3)
    assert caught.value.details == ("unknown setting 'epoch' (did you mean 'epochs'?)",)


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (
            {"target": [1.0, 2.0]},
            "target must be the name of a column, or a list of names; got a value of type list",
            "take X and y separately",
        ),
        (
            {"target": np.ones(2)},
            "target must be the name of a column, or a list of names; got a value of type ndarray",
            "take X and y separately",
        ),
        (
            {"target": 1.5},
            "target must be the name of a column, or a list of names; got a value of type float",
            "",
        ),
        ({"target": "y", "drop": "xz"}, "drop takes a list of names; got the string 'xz'", "drop=['xz']"),
        (
            {"target": "y", "delimiter": ";"},
            "delimiter: options for reading files are not settings",
            "reading={'delimiter': ';'}",
        ),
        ({"target": "y", "columns": "x"}, "columns takes a list of names; got the string 'x'", "columns=['x']"),
        ({"target": "y", "drop": [0]}, "drop takes a list of strings; got 0", "drop=['0']"),
        ({"target": "y", "columns": 1}, "columns takes a list of strings; got 1", "columns=['1']"),
        ({"target": "y", "weight": 1}, "weight must be the name of a column; got 1", "weight='1'"),
        (
            {"target": "y", "weight": np.ones(2)},
            "weight must be the name of a column; got a value of type ndarray",
            "put the weights into a column of the table",
        ),
        (
            {"target": "y", "reading": {"missing": [-999]}},
            "missing takes a list of strings; got -999",
            "missing=['-999']",
        ),
        ({"target": "y", "reading": {"text": [None]}}, "text takes a list of strings; got None", ""),
        (
            {"target": "y", "reading": {"categorial": ["x"]}},
            "reading has no option 'categorial'",
            "did you mean 'categorical'?",
        ),
    ],
)
def test_what_names_columns_is_checked(arguments: dict[str, Any], message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        fit({"x": [1.0, 2.0], "y": [1.0, 2.0]}, **arguments)
    assert caught.value.message == message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("callbacks", "came"),
    [
        ([Callback], "got the class Callback"),
        ([Callback(), print], "got a value of type builtin_function_or_method"),
        (Callback(), "got a value of type Callback"),
    ],
)
def test_what_cannot_watch_a_run_is_refused(callbacks: Any, came: str, quick: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="callbacks must be a list of instances") as caught:
        fit({"x": [1.0, 2.0, 3.0], "y": [1.0, 2.0, 4.0]}, "y", callbacks=callbacks, **quick)
    assert caught.value.message.endswith(came)


# Held-out rows --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "settings", "runs"),
    [
        ("price", {}, ["validation", "test"]),
        ("price", {"test_fraction": 0.0}, ["validation"]),
        ("price", {"validation_fraction": 0.0}, ["test"]),
        ("price", {"validation_fraction": 0.0, "test_fraction": 0.0}, ["train"]),
        ("price", {"ensemble_size": 3, "ensemble_split": "split"}, ["validation"] * 3 + ["test"] * 3),
        ("price", {"ensemble_size": 3}, ["fold"] * 3 + ["test"] * 3),
        ("sold", {"calibration": "none"}, ["validation", "test"]),
        ("sold", {"calibration": "temperature", "label_smoothing": 0.4}, ["validation"] * 2 + ["test"]),
    ],
    ids=str,
)
def test_each_split_is_run_through_the_networks_once(
    table_with: Callable[..., Columns],
    target: str,
    settings: dict[str, Any],
    runs: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Scores, residuals and warnings share the outputs; only a temperature makes them anew, for the validation rows."""
    columns = table_with(target, rows=200)
    options = {"hidden": (6,), "epochs": 3, "batch_size": 16, "validation_fraction": 0.16, **settings}
    problem = make_problem(table_from(columns), target, Settings.of(options))
    sizes = {part.rows: name for name, part in problem.parts.items()}
    seen: list[str] = []

    def counted(network: Any, theta: Any, x: Any, engine: Any, **more: Any) -> Any:
        seen.append(sizes.get(len(x), "fold"))
        return outputs_of(network, theta, x, engine, **more)

    monkeypatch.setattr("backpass.model.fitting.outcome.scoring.outputs_of", counted)
    fit_problem(problem)
    assert seen == runs


def test_columns_named_by_whole_numbers_as_pandas_names_them() -> None:
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 3)))
    for target in (2, np.int64(2), "2", [2]):
        assert fit(frame, target, preset="plain", epochs=1).target == "2"
