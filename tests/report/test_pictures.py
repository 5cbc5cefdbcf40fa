"""Pictures: drawn without a word, as SVG that fits a strict page, and as axes for whoever asks a model for them."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from fitted import FORMULA, IMAGE, SCRIPT, case_of, table_of

import backpass
from backpass.circuit import trace, value_and_grad
from backpass.errors import UsageError
from backpass.reporting import page as palette
from backpass.reporting.numbers.curves import Calibration
from backpass.reporting.numbers.names import label
from backpass.reporting.pictures import drawing, evaluation
from backpass.reporting.pictures.scene import Scene, scene_of, scene_of_sizes
from backpass.reporting.pictures.style import canvas, house_style, to_svg

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("agg")


@pytest.fixture(autouse=True)
def closed() -> Any:
    """No figure outlives its test."""
    from matplotlib import pyplot

    yield
    pyplot.close("all")


PLOTS: dict[str, Callable[[Any, Any], Any]] = {
    "history": lambda plot, data: plot.history(),
    "predictions": lambda plot, data: plot.predictions(data),
    "importance": lambda plot, data: plot.importance(data),
    "dependence": lambda plot, data: plot.dependence(FORMULA, data),
    "dependence of a text": lambda plot, data: plot.dependence(SCRIPT, data),
    "dependence of the typical row": lambda plot, data: plot.dependence(FORMULA),
    "network": lambda plot, data: plot.network(),
}


@pytest.mark.parametrize("name", PLOTS)
@pytest.mark.parametrize("target", ["price", "grade"])
def test_a_model_draws_itself(name: str, target: str) -> None:
    case = case_of(target)
    ax = PLOTS[name](case.model.plot, case.columns)
    assert isinstance(ax, matplotlib.axes.Axes)
    ax.figure.canvas.draw()
    assert ax.lines or ax.patches or ax.collections
    if name not in ("network",):
        assert ax.get_xlabel()


def test_a_picture_is_drawn_where_one_asks_for_it() -> None:
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    before = dict(matplotlib.rcParams)
    assert case_of("price").model.plot.history(ax) is ax
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize(("highest", "end"), [(0.9, 1.0), (0.04, 0.06)])
def test_the_calibration_of_a_rare_class_fills_its_axes(highest: float, end: float) -> None:
    from matplotlib.figure import Figure

    predicted = np.linspace(0.0, highest, 5)
    ax = Figure().subplots()
    evaluation.calibration(ax, Calibration(predicted, predicted, predicted / 2.0, predicted * 1.5, np.ones(5)), "fraud")
    for low, high in (ax.get_xlim(), ax.get_ylim()):
        assert low < 0.0
        assert end <= high <= 1.1 * end


def test_the_history_marks_the_best_epoch() -> None:
    model = case_of("price").model
    ax = model.plot.history()
    assert f"best epoch {model.record.best_epoch}" in [text.get_text() for text in ax.texts]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["validation rmse", "training rmse"]


def test_a_loss_of_another_unit_has_a_scale_of_its_own() -> None:
    ax = case_of("price", loss="absolute", epochs=2).model.plot.history()
    left, right = ax.figure.axes
    assert (left.get_ylabel(), right.get_ylabel()) == ("mae", "absolute loss")
    assert len(right.lines) == 1


def test_a_long_run_is_not_pressed_down_by_its_first_epoch() -> None:
    model = case_of("price", epochs=30).model
    ax = model.plot.history()
    low, high = ax.get_ylim()
    later = [value for line in ax.lines if len(line.get_ydata()) == 30 for value in line.get_ydata()[1:]]
    assert low < min(later) < max(later) < high


def test_a_single_neuron_is_figure_1() -> None:
    x = np.linspace(0.0, 10.0, 300)
    columns = {"income": x, "price": np.maximum(x - 4.0, 0.0)}
    model = backpass.fit(columns, "price", hidden=(), output_activation="relu", epochs=400, learning_rate=0.02, seed=2)
    ax = model.plot.dependence("income", columns)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("income", "price")
    rows, line, kink = ax.lines
    assert len(rows.get_xdata()) > 50
    (at,) = kink.get_xdata()
    assert at == pytest.approx(4.0, abs=0.01)
    drawn, price = line.get_data()
    right = drawn > at
    assert (price[~right] == 0.0).all()
    slopes = np.diff(price[right]) / np.diff(drawn[right])
    np.testing.assert_allclose(slopes, 1.0, atol=0.01)
    np.testing.assert_allclose(slopes, slopes[0], rtol=1e-4)  # straight: no clip bends it


def test_without_matplotlib_there_is_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match="need the package matplotlib") as caught:
        case_of("price").model.plot.history()
    assert caught.value.hint == "pip install 'backpass[plot]'"


def test_what_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="no column"):
        case_of("price").model.plot.dependence("nothing")


# SVG for a page


def svg_of(name: str) -> str:
    with house_style():
        figure = canvas()
        ax = figure.subplots()
        ax.plot([0.0, 1.0, 2.0], [0.0, 2.0, 1.0], color="#0b6bb8", label=IMAGE)
        ax.set_xlabel("$x_{ \u4e00")  # no formula, and no letter of the font
        ax.legend()
        return to_svg(figure, name, IMAGE)


def test_svg_is_strict_small_and_the_same_each_time() -> None:
    text = svg_of("one")
    root = ElementTree.fromstring(text)
    assert not [key for element in root.iter() for key in element.attrib if key in ("style", "id") and key == "style"]
    assert "s-accent" in text
    assert "#0b6bb8" not in text
    assert IMAGE not in text
    assert text.count("&lt;img src=x onerror=alert(1)&gt;") == 2
    assert "metadata" not in text
    assert "$x_{ \u4e00" in text
    assert svg_of("one") == text
    assert not set(re.findall(r'id="([^"]+)"', text)) & set(re.findall(r'id="([^"]+)"', svg_of("two")))
    used = set(re.findall(r'href="#([^"]+)"', text)) | set(re.findall(r"url\(#([^)]+)\)", text))
    assert used == set(re.findall(r' id="([^"]+)"', text))


def test_numbers_on_axes_have_separators_and_no_exponent() -> None:
    with house_style():
        figure = canvas()
        ax = figure.subplots()
        ax.plot([1990.0, 2000.0], [-20_000.0, 1_500_000.0])
        text = to_svg(figure, "money", IMAGE)
    shown = set(re.findall(r">([^<>]+)</text>", text))
    assert {"0", "200,000", "1,000,000", "1990", "2000"} <= shown
    assert not {each for each in shown if "e" in each}


def test_labels_show_what_does_not_print() -> None:
    assert label("a\u202eb\x1b") == "a\\u202eb\\x1b"
    assert label("x" * 100) == "x" * 60 + "…"


# Networks


def words(scene: Scene) -> list[str]:
    return [neuron.name for neuron in scene.neurons]


def test_a_wired_network_is_figure_2() -> None:
    columns = table_of("price")
    model = backpass.fit(
        columns, "price", wire=(("size", (IMAGE, FORMULA)), ("place", (FORMULA,))), hidden=(), epochs=1
    )
    scene = scene_of(model)
    places = {(neuron.x, neuron.y): neuron.name for neuron in scene.neurons}
    joined = {(places[edge.x0, edge.y0], places[edge.x1, edge.y1]) for edge in scene.edges}
    hidden = {(one, other) for one, other in joined if other in ("size", "place")}
    assert hidden == {(label(IMAGE), "size"), (label(FORMULA), "size"), (label(FORMULA), "place")}
    assert words(scene)[-1] == "price"


def test_a_dense_network_is_figure_3_and_large_layers_are_cut() -> None:
    scene = scene_of(case_of("price").model)
    assert [caption.text for caption in scene.captions] == ["4 columns", "12 relu", "8 relu", "1 output"]
    assert len(scene.neurons) == 4 + 10 + 8 + 1
    assert len(scene.gaps) == 1
    weights = [edge.weight for edge in scene.edges]
    assert max(abs(weight) for weight in weights if weight is not None) == 1.0
    assert weights == sorted(weights, key=lambda weight: abs(weight or 0.0))


@pytest.mark.parametrize("name", ["waves", "embeddings", "embeddings, ensemble"])
def test_networks_with_a_front_are_drawn_from_columns(name: str) -> None:
    from fitted import VARIANTS

    scene = scene_of(VARIANTS[name]().model)
    assert scene.captions[0].text == "4 columns"
    assert "selu" in scene.captions[1].text or "mish" in scene.captions[1].text or "relu" in scene.captions[1].text
    assert ("the first of 2 networks" in scene.title) == (name == "embeddings, ensemble")


def test_sizes_are_drawn_without_weights() -> None:
    scene = scene_of_sizes([3, 4, 2])
    assert (len(scene.neurons), len(scene.edges)) == (9, 3 * 4 + 4 * 2)
    assert {edge.weight for edge in scene.edges} == {None}
    text = drawing.to_svg(scene)
    ElementTree.fromstring(text)
    assert text.count("<circle") == 9
    assert "prefers-color-scheme: dark" in text


def test_names_in_drawings_are_escaped() -> None:
    text = drawing.to_svg(scene_of(case_of("grade").model))
    ElementTree.fromstring(text)
    assert "<img" not in text
    assert "<i>" not in text


def test_a_function_and_its_gradient_stand_side_by_side() -> None:
    def f(x: Any) -> Any:
        return (x * x).sum()

    text = drawing.side_by_side([("f", trace(f, [(3,)])), ("gradient", trace(value_and_grad(f), [(3,)]))])
    root = ElementTree.fromstring(text)
    inner = root.findall("{http://www.w3.org/2000/svg}svg")
    assert len(inner) == 2
    assert float(inner[1].attrib["x"]) >= float(inner[0].attrib["width"])


def test_figures_of_the_confusion_matrix_are_legible_in_light_and_dark_mode() -> None:
    """The contrast of WCAG 2.2 is at least 4.5 on the darkest cell, in the colors of the page."""
    text = Path(palette.__path__[0], "palette.css").read_text("utf-8")
    modes = [dict(re.findall(r"--(\w+): (#\w{6})", part)) for part in text.split("@media")]
    assert len(modes) == 2

    def luminance(color: np.ndarray[Any, Any]) -> float:
        linear = np.where(color <= 0.04045, color / 12.92, ((color + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    for colors in modes:
        accent, paper, ink = (np.array(matplotlib.colors.to_rgb(colors[name])) for name in ("accent", "paper", "ink"))
        cell = luminance(evaluation.STRONGEST * accent + (1.0 - evaluation.STRONGEST) * paper)
        dark, light = sorted([cell, luminance(ink)])
        assert (light + 0.05) / (dark + 0.05) >= 4.5
