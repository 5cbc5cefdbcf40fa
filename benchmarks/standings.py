"""Standings: results of many fits as tables of text, and as a picture of error against seconds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from math import ceil, exp, floor, log, log10
from statistics import mean, median
from typing import Any
from xml.sax.saxutils import escape

Results = list[dict[str, Any]]
METRICS = ("rmse", "log_loss", "error")
RANKED = ("rmse", "log_loss")


def text(results: Results) -> str:
    """Errors by table, then seconds, mean ranks and errors relative to the best of each table."""
    models = list(dict.fromkeys(each["model"] for each in results))
    parts = [_errors(results, models), _summary(results, models)]
    failed = [f"{each['model']} on {each['table']}: {each['failed']}" for each in results if "failed" in each]
    return "\n\n".join([part for part in (*parts, "\n".join(failed)) if part])


def means(results: Results, metric: str) -> dict[str, dict[str, float]]:
    """By table and model the mean of a metric over the seeds that every model of the table has."""
    seeds: dict[str, dict[str, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    for each in results:
        if metric in each:
            seeds[each["table"]][each["model"]][each["seed"]] = each[metric]
    found = {}
    for table, models in seeds.items():
        shared = set.intersection(*(set(values) for values in models.values()))
        found[table] = {model: mean(values[s] for s in shared or values) for model, values in models.items()}
    return found


def _errors(results: Results, models: list[str]) -> str:
    lines = [["table", "metric", "seeds", *models]]
    for metric in METRICS:
        for table, values in means(results, metric).items():
            seeds = {each["seed"] for each in results if each["table"] == table}
            cells = [f"{values[model]:.4g}" if model in values else "" for model in models]
            lines.append([table, metric, str(len(seeds)), *cells])
    return _aligned(lines)


def relative(results: Results) -> dict[str, dict[str, float]]:
    """By table and model the error over the lowest error of the table: RMSE for numbers, log-loss for classes."""
    found = {}
    for metric in RANKED:
        for table, values in means(results, metric).items():
            best = min(values.values())
            found[table] = {model: value / best for model, value in values.items() if best > 0}
    return found


def seconds(results: Results) -> dict[str, dict[str, float]]:
    """By table and model the median seconds of a fit."""
    each: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        if "failed" not in result:
            each[result["table"]][result["model"]].append(result["fit_seconds"])
    return {table: {model: median(values) for model, values in models.items()} for table, models in each.items()}


def shared(ratios: dict[str, dict[str, float]], models: list[str]) -> list[str]:
    """The tables that every model has been fitted to: only these compare models."""
    return [table for table, values in ratios.items() if all(model in values for model in models)]


def _summary(results: Results, models: list[str]) -> str:
    """Over the tables that every model has been fitted to."""
    ratios, times = relative(results), seconds(results)
    tables = shared(ratios, models)
    if not tables:
        return "no table has been fitted by every model: no ranks"
    lines = [["model", "mean rank", "error / best", "fit seconds", "predict seconds", "peak MB"]]
    for model in sorted(models, key=lambda model: mean(_rank(ratios[table], model) for table in tables)):
        own = [each for each in results if each["model"] == model and each["table"] in tables and "failed" not in each]
        lines.append(
            [
                model,
                f"{mean(_rank(ratios[table], model) for table in tables):.2f}",
                f"{median(ratios[table][model] for table in tables):.3f}",
                f"{exp(mean(log(max(times[table][model], 1e-3)) for table in tables)):.3g}",
                f"{exp(mean(log(max(each['predict_seconds'], 1e-4)) for each in own)):.2g}",
                f"{median(each['peak_bytes'] for each in own) / 1e6:.0f}",
            ]
        )
    title = f"over {len(tables)} tables ({', '.join(tables)}): medians of errors and bytes, geometric means of seconds"
    return f"{title}\n\n{_aligned(lines)}"


def _rank(values: dict[str, float], model: str) -> float:
    """1 for the lowest; ties share the mean of their ranks."""
    below, equal = (sum(test(value) for value in values.values()) for test in _tests(values[model]))
    return below + (equal + 1) / 2


def _tests(own: float) -> tuple[Any, Any]:
    return (lambda value: value < own), (lambda value: value == own)


def _aligned(lines: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


# The picture ----------------------------------------------------------------------------------------------------------

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 860, 480, 70, 40, 190, 60
WORST = 2.0
TICKS = (1.0, 1.02, 1.05, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0)
COLORS = ("#0b6e99", "#2a9d5c", "#c2571a", "#7b3fa0", "#555555", "#b08900", "#a31d3d", "#3b5bdb", "#087f5b", "#862e9c")


def picture(results: Results) -> str:
    """An SVG of errors against seconds: a small dot for each table and model, a large one for each model.

    Only tables that every model was fitted to count. A large dot is the geometric mean of the seconds and the median of
    the errors; what would lie above the upper edge stands at it.
    """
    ratios, times = relative(results), seconds(results)
    models = list(dict.fromkeys(each["model"] for each in results if "failed" not in each))
    tables = shared(ratios, models)
    points = {model: [(times[t][model], min(ratios[t][model], WORST)) for t in tables] for model in models}
    flat = [point for each in points.values() for point in each]
    low = floor(log10(min((x for x, _ in flat), default=1.0)))
    high = max(ceil(log10(max((x for x, _ in flat), default=10.0))), low + 1)
    top = max([1.1, *(y for _, y in flat)]) ** 1.05

    def across(x: float) -> float:
        return LEFT + (log10(x) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def up(y: float) -> float:
        return HEIGHT - BOTTOM - log(y) / log(top) * (HEIGHT - TOP - BOTTOM)

    parts = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    powers = [(across(10.0**power), f"{10.0**power:g}") for power in range(low, high + 1)]
    parts += [_line(x, TOP, x, HEIGHT - BOTTOM, label, "x") for x, label in powers]
    ticks = _apart([each for each in TICKS if each <= top], up)
    parts += [_line(LEFT, up(tick), WIDTH - RIGHT, up(tick), f"{tick:g}", "y") for tick in ticks]
    for number, (model, each) in enumerate(points.items()):
        color, key = COLORS[number % len(COLORS)], TOP + 12 + 20 * number
        parts += [_dot(across(x), up(y), 2.5, color, 0.35) for x, y in each]
        if each:
            parts.append(_dot(across(exp(mean(log(x) for x, _ in each))), up(median(y for _, y in each)), 7, color, 1))
        parts.append(_dot(WIDTH - RIGHT + 22, key, 6, color, 1))
        parts.append(f'<text x="{WIDTH - RIGHT + 34}" y="{key + 4}">{escape(model)}</text>')
    middle, under = (HEIGHT - BOTTOM + TOP) / 2, (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{under}" y="{HEIGHT - 16}" text-anchor="middle">seconds of a fit</text>')
    parts.append(
        f'<text x="18" y="{middle}" text-anchor="middle" transform="rotate(-90 18 {middle})">'
        f"error / lowest error, {len(tables)} tables</text>"
    )
    style = "font-family: sans-serif; font-size: 13px"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" style="{style}">'
    return "\n".join([head, *parts, "</svg>"]) + "\n"


def _apart(ticks: list[float], up: Callable[[float], float], least: float = 16.0) -> list[float]:
    """The ticks, from below, that leave room for their labels."""
    kept: list[float] = []
    for tick in ticks:
        if not kept or up(kept[-1]) - up(tick) >= least:
            kept.append(tick)
    return kept


def _dot(x: float, y: float, radius: float, color: str, opacity: float) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{color}" opacity="{opacity}"/>'


def _line(x1: float, y1: float, x2: float, y2: float, label: str, axis: str) -> str:
    place = (
        f'x="{x1:.1f}" y="{y2 + 18:.1f}" text-anchor="middle"'
        if axis == "x"
        else f'x="{x1 - 8}" y="{y1 + 4:.1f}" text-anchor="end"'
    )
    line = f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#dddddd"/>'
    return f"{line}<text {place}>{label}</text>"
