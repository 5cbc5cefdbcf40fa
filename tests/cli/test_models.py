"""Model files that cannot be used, and what show says of those that can."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backpass import fit

Run = Callable[..., Any]


def flipped(data: bytes) -> bytes:
    return data[:-5] + bytes([data[-5] ^ 1]) + data[-4:]


@pytest.mark.parametrize("command", ["show", "predict", "evaluate"])
@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda data: b"", "empty"),
        (lambda data: data[: len(data) // 2], "m.backpass"),
        (lambda data: data[:100], "m.backpass"),
        (flipped, "damaged"),
        (lambda data: b"\x80\x04\x95 a pickle", "a pickle (joblib?), which can run code"),
        (lambda data: b"a,b\n1,2\n", "a text file (a table, or JSON?)"),
        (lambda data: data + b"more", "m.backpass"),
    ],
)
def test_files_that_are_no_models(
    call: Run, home: Path, tmp_path: Path, command: str, change: Callable[[bytes], bytes], word: str
) -> None:
    (tmp_path / "m.backpass").write_bytes(change((home / "numbers.backpass").read_bytes()))
    table = [] if command == "show" else [home / "numbers.csv"]
    failed = call(command, "m.backpass", *table)
    assert (failed.code, failed.out) == (4, "")
    assert failed.err.startswith("error: ")
    assert word in failed.err


def test_paths_that_are_no_models(call: Run, home: Path, tmp_path: Path) -> None:
    (tmp_path / "houses.backpass").write_bytes((home / "numbers.backpass").read_bytes())
    missing = call("show", "house.backpass")
    assert missing.code == 4
    assert "hint: did you mean 'houses.backpass'?" in missing.err
    assert call("show", ".").code == 4


def test_a_checkpoint_is_not_a_model(call: Run, home: Path) -> None:
    call("fit", home / "numbers.csv", "-t", "price", "--hidden", "4", "--epochs", "2", "--checkpoint", "run.checkpoint")
    failed = call("predict", "run.checkpoint", home / "numbers.csv")
    assert failed.code == 4
    assert "run.checkpoint is a checkpoint; expected a model" in failed.err
    other = call(
        "fit", home / "numbers.csv", "-t", "price", "--hidden", "5", "--epochs", "2", "--resume", "run.checkpoint"
    )
    assert other.code == 4
    assert "run.checkpoint belongs to another run" in other.err
    assert "hidden" in other.err
    model = home / "numbers.backpass"
    assert call("fit", home / "numbers.csv", "-t", "price", "--hidden", "4", "--resume", model).code == 4


def test_show_lists_what_is_inside(call: Run, home: Path) -> None:
    shown = call("show", home / "kinds.backpass")
    lines = shown.out.splitlines()
    assert (shown.code, shown.err) == (0, "")
    assert lines[0].startswith(f"{home / 'kinds.backpass'}: ")
    for line in (
        "target      kind, multiclass classification, 3 classes: 'high', 'low', 'mid'",
        "columns     2 numeric: size, age",
        "            categorical colour, 3 categories: 'blue', 'green', 'red'",
        "rows        76 training, 20 validation, 24 test",
        "layers      1  dense  6 -> 8  relu      W1 (6, 8), b1 (8)",
        "            2  dense  8 -> 3  identity  W2 (8, 3), b2 (3)",
        "neurons     8 + 3 = 11",
        "parameters  (6+1) 8 + (8+1) 3 = 83",
        "linear      no",
        "settings    preset plain, validation_fraction 0.16, learning_rate 0.01, epochs 3; all others default",
        "deviations  from CS229: validation_fraction 0.16, numerical_scaling standard, optimizer adamw, "
        "schedule cosine, sampling epoch",
    ):
        assert line in lines, shown.out
    assert "▁" in shown.out


def test_what_a_preset_has_for_few_rows_is_no_setting_of_the_user(call: Run, home: Path) -> None:
    fit(home / "pets.csv", "pet", preset="fast", hidden=(4,), threads=1).save("few.backpass")
    assert "settings    preset fast; all others default\n" in call("show", "few.backpass").out


def test_a_setting_without_a_value_is_shown_as_none(call: Run, home: Path) -> None:
    fit(home / "pets.csv", "pet", preset="fast", epochs=2, patience=None, threads=1).save("endless.backpass")
    shown = call("show", "endless.backpass").out
    assert "settings    preset fast, epochs 2, patience none; all others default\n" in shown


def test_a_preset_its_layers_and_an_ensemble(call: Run, home: Path) -> None:
    options = ("--preset", "default", "--hidden", "8", "--epochs", "3", "--ensemble-size", "2")
    options = (*options, "--learned-input-scale", "no")
    fitted = call("fit", home / "pets.csv", "-t", "pet", "--metric", "accuracy", *options)
    assert fitted.code == 0
    assert "network     8 -> 8 -> 1, selu, 517 parameters" in fitted.err
    assert "training    preset default, cross_entropy loss, adamw, learning rate 0.04 (coslog4), dropout" in fitted.err
    assert ", 3 epochs, 2 networks, seed 0" in fitted.err
    shown = call("show", "pets.backpass")
    lines = [" ".join(line.split()) for line in shown.out.splitlines()]
    for line in (
        "rows 96 training, 96 validation, 24 test",
        "layers periodic 8 -> 20 frequency0 (4, 16), phase0 (4, 16), V0 (4, 16, 3), v0 (4, 3)",
        "1 scaled dense 20 -> 8 identity W1 (20, 8), b1 (8)",
        "parametric activation selu alpha1 (8)",
        "dropout 0.15",
        "parameters 332 + (20+1) 8 + 8 + (8+1) 1 = 517",
        "settings preset default, learned_input_scale no, metric accuracy, epochs 3, ensemble_size 2; "
        "all others default",
    ):
        assert line in lines, shown.out
    assert "2 networks, each trained on 1 of 2 folds" in shown.out
    assert call("show", "pets.backpass", "--json").json["settings"]["label_smoothing"] == 0.1
    assert "error" in call("evaluate", "pets.backpass", home / "pets.csv").out


def test_a_network_of_identities_is_called_linear(call: Run, home: Path) -> None:
    options = ("--activation", "identity", "--dropout", "0", "--hidden", "4", "--epochs", "2")
    call("fit", home / "numbers.csv", "-t", "price", *options)
    shown = call("show", "numbers.backpass").out
    assert "linear      yes: the network is one linear map" in shown
    assert "activation identity" in shown
