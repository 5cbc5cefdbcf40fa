"""Packs: candidates of a fixed portfolio are raced, and the best averaged; deterministic, resumable, split-aware."""

from __future__ import annotations

import json
import signal
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backpass.cli import main
from backpass.errors import BackpassWarning, DivergedError, InterruptedTraining, ModelFileError, UsageError
from backpass.estimators import BackpassClassifier, BackpassRegressor
from backpass.model import Model, fit, from_bytes
from backpass.model.file.container import pack, unpack
from backpass.model.fitting.pack.choice import PRIOR_ROWS, shares_of
from backpass.model.fitting.pack.race import places_of, stages_of
from backpass.model.fitting.problem.data_split import DataSplit
from backpass.model.fitting.problem.preparation import make_problem
from backpass.model.settings.pack_portfolio import BLOCK, changes_of
from backpass.model.settings.presets import patience_for
from backpass.model.settings.settings import Settings
from backpass.table import table_from
from backpass.training import Callback, EpochRecord, Progress

SMALL: dict[str, Any] = {"preset": "fast", "epochs": 4, "candidates": 5, "ensemble_size": 2, "ensemble_split": "folds"}


def columns(rows: int = 90) -> dict[str, Any]:
    rng = np.random.default_rng(2)
    a, b, way = rng.normal(size=rows), rng.normal(size=rows), rng.integers(0, 5, rows)
    return {
        "a": a.tolist(),
        "b": b.tolist(),
        "way": [f"w{i}" for i in way],
        "who": [f"p{i % 15}" for i in range(rows)],
        "day": [float(i) for i in range(rows)],
        "y": (np.sin(3 * a) + b * way).tolist(),
        "sold": np.where(np.sin(3 * a) + b > 0, "yes", "no").tolist(),
    }


def data(target: str, *more: str, rows: int = 90) -> dict[str, Any]:
    return {name: values for name, values in columns(rows).items() if name in ("a", "b", "way", target, *more)}


@pytest.fixture(scope="module")
def numbers() -> Model:
    return fit(data("y"), "y", threads=1, **SMALL)


def test_a_pack_is_the_best_candidates_with_shares(numbers: Model) -> None:
    record = numbers.record
    assert len(record.candidates) == 5
    kept = [each for each in record.candidates if each["networks"]]
    assert len(kept) == 3
    assert all(each["networks"] == 2 and 0 < each["share"] < 1 and each["score"] is not None for each in kept)
    assert sum(each["share"] for each in kept) == pytest.approx(1.0)
    assert all(each["share"] == 0 and each["score"] is None for each in record.candidates if not each["networks"])
    assert numbers.networks == len(record.members) == len(numbers.shares) == 6
    assert sorted(round(2 * share, 12) for share in numbers.shares[::2]) == sorted(round(e["share"], 12) for e in kept)
    assert [*numbers.shares] == sorted(numbers.shares, reverse=True)
    widths = {tuple(each["settings"]["hidden"]) for each in kept}
    assert {group.network.widths[:-1] for group in numbers.groups} == widths
    assert any("of 5 candidates are averaged, chosen on the out-of-fold rows" in note for note in record.notes)


def test_the_bytes_do_not_depend_on_threads_and_come_back(numbers: Model) -> None:
    written = numbers.to_bytes()
    assert fit(data("y"), "y", threads=2, **SMALL).to_bytes() == written
    assert from_bytes(written).to_bytes() == written


def test_candidates_stay_out_of_files_of_one_candidate() -> None:
    facts, _ = unpack(fit(data("y"), "y", hidden=(3,), epochs=1).to_bytes(), "model", "m")
    assert "candidates" not in facts["record"]
    assert "candidates" not in facts["record"]["settings"]


class Interrupting(Callback):
    """Sends the signal of Ctrl-C after an epoch of all runs."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_epoch(self, record: EpochRecord, progress: Progress) -> bool | None:
        if record.epoch == self.epoch:
            signal.raise_signal(signal.SIGINT)
        return None


@pytest.mark.parametrize("epoch", [1, 9, 20])
def test_an_interrupted_race_continues_to_the_same_bytes(numbers: Model, tmp_path: Path, epoch: int) -> None:
    place = tmp_path / "run"
    with pytest.raises(InterruptedTraining) as caught:
        fit(data("y"), "y", threads=1, callbacks=[Interrupting(epoch)], checkpoint=place, **SMALL)
    early = caught.value.model
    assert isinstance(early, Model)
    assert np.isfinite(early.predict(data("y"))).all()
    assert from_bytes(early.to_bytes()).networks == early.networks
    again = fit(data("y"), "y", threads=1, resume_from=place, **SMALL)
    assert again.to_bytes() == numbers.to_bytes()


def test_a_checkpoint_of_another_race_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "run"
    fit(data("y"), "y", checkpoint=place, **SMALL)
    with pytest.raises(ModelFileError) as caught:
        fit(data("y"), "y", resume_from=place, **{**SMALL, "candidates": 4})
    assert any("candidates" in fault for fault in caught.value.details)
    facts, arrays = unpack(place.read_bytes(), "checkpoint", "c")
    place.write_bytes(pack("checkpoint", {**facts, "runs": facts["runs"][:-1]}, arrays))
    with pytest.raises(ModelFileError) as caught:
        fit(data("y"), "y", resume_from=place, **SMALL)
    assert "it holds 9 runs; expected 10" in caught.value.details[0]


@pytest.mark.parametrize(
    "more",
    [
        {"group": "who"},
        {"time": "day"},
        {"refit": True},
        {"ensemble_split": "split"},
        {"ensemble_size": 1},
        {"max_seconds": 0.05},
        {"preset": "plain", "hidden": (4,), "ensemble_size": 1},
        {"validation_fraction": 0.0},
    ],
    ids=str,
)
@pytest.mark.parametrize("target", ["y", "sold"])
def test_splits_and_limits(target: str, more: dict[str, Any]) -> None:
    settings = {**SMALL, "epochs": 2, "candidates": 3, **more}
    ruled = [name for name in (settings.get("group"), settings.get("time")) if name]
    model = fit(data(target, *ruled), target, **settings)
    assert from_bytes(model.to_bytes()).to_bytes() == model.to_bytes()
    scores = model.evaluate(data(target, *ruled))
    assert np.isfinite(scores[model.head.metric])
    assert model.networks == len(model.record.members)
    if "max_seconds" not in more:
        assert sum(each["networks"] for each in model.record.candidates) == model.networks


def test_one_candidate_that_is_left_is_counted_as_one() -> None:
    with pytest.warns(BackpassWarning, match="nothing was trained"):
        model = fit(data("y"), "y", **{**SMALL, "max_seconds": 1e-9})
    assert any(note.startswith("1 of 5 candidates is used, ") for note in model.record.notes)
    assert any(note.startswith("1 network trained on ") for note in model.record.notes)


def test_without_validation_rows_the_first_candidates_are_averaged() -> None:
    model = fit(data("y", rows=9), "y", **SMALL)
    assert any("the first of the portfolio: there are no validation rows" in note for note in model.record.notes)
    assert [each["networks"] for each in model.record.candidates] == [2, 2, 2, 0, 0]
    assert sum(model.shares) == pytest.approx(1.0)


def test_a_candidate_that_diverges_does_not_end_the_race() -> None:
    a = np.random.default_rng(2).normal(size=90)
    sgd: dict[str, Any] = {"preset": "plain", "optimizer": "sgd", "numerical_scaling": "none", "epochs": 3}
    sgd |= {"candidates": 6, "ensemble_size": 1}
    model = fit({"a": (3 * a).tolist(), "y": np.sin(3 * a).tolist()}, "y", **sgd)
    assert any("retrying once" in note for note in model.record.notes)
    assert model.record.reason == "finished"
    with pytest.raises(DivergedError, match="first non-finite value: layer"):
        fit({"a": a.tolist(), "y": a.tolist()}, "y", **sgd, learning_rate=1e30)


def test_several_targets_and_classes_make_packs() -> None:
    columns_of_both = {**data("y"), "z": [2.0 * y for y in columns()["y"]]}
    model = fit(columns_of_both, ["y", "z"], **{**SMALL, "epochs": 2, "candidates": 3})
    assert model.predict(columns_of_both).shape == (90, 2)
    multi = {**data("sold"), "sold": [f"c{i % 3}" for i in range(90)]}
    model = fit(multi, "sold", **{**SMALL, "epochs": 2, "candidates": 3})
    assert model.predict_proba(multi).sum(axis=1) == pytest.approx(np.ones(90))


# The portfolio --------------------------------------------------------------------------------------------------------


def test_the_portfolio_is_fixed_and_spreads() -> None:
    settings = Settings.of({"preset": "default"}, "regression", 5000)
    drawn = [changes_of(i, settings, "regression", 5000) for i in range(2 * BLOCK)]
    assert drawn == [changes_of(i, replace_seed(settings), "regression", 5000) for i in range(2 * BLOCK)]
    assert len({json.dumps(each) for each in drawn}) == 2 * BLOCK
    for block in (drawn[:BLOCK], drawn[BLOCK:]):
        assert sum(each["quantile_features"] for each in block) == BLOCK // 2
        assert sum(each["dropout"] == 0.0 for each in block) == BLOCK // 2
        assert {len(each["hidden"]) for each in block} == {1, 2, 3}
        assert {each["activation"] for each in block} == {"selu", "mish", "relu"}
        assert (
            min(each["frequency_scale"][0] for each in block) < 0.1 < 2.0 < max(e["frequency_scale"][0] for e in block)
        )
    assert sorted({each["learning_rate"] for each in drawn}) == [0.07, 0.1, 0.14, 0.2, 0.28, 0.4]


def replace_seed(settings: Settings) -> Settings:
    return Settings.of({**dict(settings.given), "seed": 17}, "regression", 5000)


def test_candidates_change_nothing_that_is_set_or_has_no_meaning() -> None:
    given = {"preset": "default", "dropout": 0.1, "learning_rate": 0.05, "hidden": (7,)}
    changes = changes_of(3, Settings.of(given, "regression", 500), "regression", 500)
    assert not {"dropout", "learning_rate", "hidden", "label_smoothing"} & {*changes}
    assert changes["patience"] == patience_for(changes["epochs"])
    impatient = Settings.of({**given, "patience": None}, "regression", 500)
    assert "patience" not in changes_of(3, impatient, "regression", 500)
    set_before = Settings.of({**given, "epochs": 9}, "regression", 500)
    assert not {"epochs", "patience"} & {*changes_of(3, set_before, "regression", 500)}
    assert not {"epochs", "patience"} & {*changes_of(3, Settings.of(given, "regression", 5000), "regression", 5000)}
    plain = changes_of(3, Settings.of({"preset": "plain"}, "classification", 5000), "binary", 5000)
    assert not {"frequency_scale", "quantile_features", "epochs"} & {*plain}
    assert "label_smoothing" in plain
    wired = Settings.of({"wire": (("u", ("a",)),)}, "regression", 500)
    assert "hidden" not in changes_of(0, wired, "regression", 500)


# The race and the choice ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("candidates", [2, 3, 4, 5, 8, 16, 33])
def test_stages_leave_fewer_and_fewer(candidates: int) -> None:
    places = places_of(candidates)
    assert candidates >= places[0] >= places[1] >= places[2] >= min(3, candidates)
    stages = stages_of(candidates, validates=True)
    assert [stage.is_last for stage in stages] == [False, False, False, True]
    assert stages[0].start == 0.0
    assert all(a.stop == b.start and a.places == b.entering for a, b in pairwise(stages))


def part_of(y: Any) -> DataSplit:
    values = np.asarray(y, dtype=np.float64)
    return DataSplit.of(np.zeros((len(values), 1)), values[:, None], values)


def test_shares_prefer_what_is_right_and_shrink_where_rows_are_few() -> None:
    rng = np.random.default_rng(0)
    for rows in (50, 5000):
        y = rng.normal(size=rows)
        problem = make_problem(table_from({"a": y.tolist(), "y": y.tolist()}), "y", Settings.of({"hidden": (2,)}))
        head = problem.head
        o = [head.targets[0].scale.encode(y)[:, None] + s * rng.normal(size=(rows, 1)) for s in (0.01, 3.0, 3.0)]
        shares = shares_of(head, o, part_of(y))
        least = PRIOR_ROWS / (PRIOR_ROWS + rows) / 3
        assert shares[0] == pytest.approx(1 - 2 * least)
        assert shares[1:] == pytest.approx([least, least])
        opposite = shares_of(head, [o[0] + 1.0, o[0] - 1.0], part_of(y))
        assert opposite == pytest.approx([0.5, 0.5], abs=0.1)
        assert shares_of(head, o[:1], part_of(y)) == [1.0]


# Doors ----------------------------------------------------------------------------------------------------------------


def test_estimators_make_packs() -> None:
    X, y = np.random.default_rng(0).normal(size=(60, 3)), np.arange(60.0)
    few: dict[str, Any] = {"preset": "fast", "epochs": 2, "candidates": 3, "ensemble_size": 1}
    fitted = BackpassRegressor(**few).fit(X, y)
    assert np.isfinite(fitted.predict(X)).all()
    assert fitted.model_.networks == 3
    assert fitted.transform(X).shape == (60, fitted._n_features_out)
    assert not hasattr(BackpassRegressor(**few), "partial_fit")
    with pytest.raises((UsageError, ValueError), match="3 candidates"):
        BackpassRegressor(**few, warm_start=True).fit(X, y)
    assert BackpassClassifier(**few).fit(X, y > 30).predict_proba(X).shape == (60, 2)


def test_the_command_line_makes_and_shows_packs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, model = tmp_path / "t.csv", str(tmp_path / "m.backpass")
    rows = data("y")
    lines = [",".join(rows), *(",".join(map(str, row)) for row in zip(*rows.values(), strict=True))]
    table.write_text("\n".join(lines) + "\n", "utf-8")
    asked = ["--preset", "fast", "--candidates", "3", "--epochs", "2", "--output", model]
    assert main(["fit", str(table), "--target", "y", *asked]) == 0
    assert "3 candidates" in capsys.readouterr().err
    assert main(["show", model]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "1: share 0." in out
    assert "frequency_scale" in out
    assert main(["show", model, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["candidates"]) == 3
