"""The commands of docs/notes.md: Figure 1; Algorithms 1 and 2 descend J^(j) of eq. (1.1), nothing else."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy
import pytest

from backpass import load, notes
from backpass.cli import main
from backpass.datasets import sample_bytes
from backpass.model import Settings, make_problem
from backpass.network import Network
from backpass.table import read_table
from backpass.training import SAMPLINGS

Floats = numpy.ndarray[Any, Any]
PAGE = (Path(__file__).parents[2] / "docs" / "notes.md").read_text("utf-8").replace("\\\n", " ")
ROWS, STEPS = 400, 6


def command_with(option: str) -> list[str]:
    """The words of the page's command that has this option, without the shell's prompt."""
    (line,) = (each for each in re.findall(r"^\$ (backpass fit .*)$", PAGE, re.MULTILINE) if option in each)
    return shlex.split(line)[1:]


def without(words: list[str], option: str) -> list[str]:
    """The words without an option and its value."""
    if option not in words:
        return words
    i = words.index(option)
    return [*words[:i], *words[i + 2 :]]


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the first rows of the sample."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "housing.csv").write_bytes(b"".join(sample_bytes("housing").splitlines(keepends=True)[: ROWS + 1]))
    return tmp_path


def gradient_of(network: Network, x: Floats, y: Floats, theta: Floats, j: int) -> Floats:
    """The gradient of J^(j) by Algorithm 4, as a vector like theta."""
    views, r = network.layout.views(theta), len(network.widths)
    Ws, bs = [views[f"W{k}"].T for k in range(1, r + 1)], [views[f"b{k}"][:, None] for k in range(1, r + 1)]
    back = notes.algorithm_4(Ws, bs, x[j][:, None], float(y[j, 0]))
    arrays = {f"W{k}": back.dW[k].T for k in back.dW} | {f"b{k}": back.db[k][:, 0] for k in back.db}
    return network.layout.vector(arrays)


def thetas_of(words: list[str]) -> Iterator[Floats]:
    """theta after 1, 2, ... steps of a command, in float64."""
    for steps in range(1, STEPS + 1):
        more = ["--max-steps", str(steps), "--precision", "float64", "-q", "-o", "m.backpass"]
        assert main([*without(words, "--max-steps"), *more]) == 0
        yield load("m.backpass").theta


@pytest.mark.parametrize("sampling", ["uniform", "minibatch"])
def test_algorithm_1_and_algorithm_2_descend_the_cost_of_eq_1_1(sampling: str, sample: Path) -> None:
    words = command_with(f"--sampling {sampling}")
    settings = load_settings(words)
    problem = make_problem(read_table("housing.csv"), "median_house_value", settings)
    train, network = problem.parts["train"], problem.network
    alpha, B = settings.learning_rate, 1 if sampling == "uniform" else settings.batch_size
    assert B is not None
    rows = SAMPLINGS[sampling](train.rows, B, settings.seed, 0)[0][:STEPS]

    def gradient(theta: Floats, j: int) -> Floats:
        return gradient_of(network, train.x, train.y, theta, j)

    start = problem.first_theta()
    expected = (
        notes.algorithm_1(start, gradient, alpha, [int(j) for j in rows[:, 0]])
        if sampling == "uniform"
        else notes.algorithm_2(start, gradient, alpha, rows.tolist())
    )
    for theta, twin in zip(thetas_of(words), islice(expected, STEPS), strict=True):
        numpy.testing.assert_allclose(theta, twin, rtol=0, atol=1e-13)
        assert abs(twin - start).max() > 1e-6


def load_settings(words: list[str]) -> Settings:
    """The settings of a command, in float64."""
    assert main([*words, "--precision", "float64", "-q", "--max-steps", "1", "-o", "one.backpass"]) == 0
    return Settings.from_json(load("one.backpass").record.settings)


def test_figure_1_is_a_straight_line_with_a_kink_in_the_unit_of_the_column(
    sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command_with("--output-activation relu"), "-o", "figure.backpass", "-q"]) == 0
    assert main(["show", "figure.backpass"]) == 0
    shown = capsys.readouterr().out
    assert "equation    median_house_value = max(w x + b, 0)" in shown
    (w,) = map(float, re.findall(r"^ +w  median_income +(\S+)$", shown, re.MULTILINE))
    (b,) = map(float, re.findall(r"^ +b +(\S+)$", shown, re.MULTILINE))
    (kink,) = map(float, re.findall(r"the kink is at median_income = -b/w = (\S+)$", shown, re.MULTILINE))
    assert kink == pytest.approx(-b / w, rel=1e-5)
    model, income = load("figure.backpass"), numpy.linspace(kink - 5.0, 400.0, 2000)
    predicted = model.predict({"median_income": income})
    numpy.testing.assert_allclose(predicted, numpy.maximum(w * income + b, 0.0), rtol=1e-5, atol=1e-4)
    assert (predicted[income < kink] == 0.0).all()


def test_eq_2_1_the_neuron_that_made_the_data_is_found() -> None:
    """max(2 x - 8, 0): w, b and the kink at 4, in the units of the data."""
    from backpass import fit
    from backpass.model.anatomy.neuron import neuron_of

    x = numpy.linspace(0.0, 10.0, 400)
    data = {"income": x, "price": numpy.maximum(2.0 * x - 8.0, 0.0)}
    model = fit(data, "price", hidden=(), output_activation="relu", epochs=400, learning_rate=0.02)
    neuron = neuron_of(model)
    assert neuron is not None
    assert neuron.weights["income"] == pytest.approx(2.0, abs=2e-3)
    assert neuron.kink == pytest.approx(4.0, abs=2e-3)
    assert abs(model.predict(data) - data["price"]).max() < 0.01
