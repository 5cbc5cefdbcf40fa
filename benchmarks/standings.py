"""Standings: results of many fits as tables of text, and as a picture of error against seconds."""

from __future__ import annotations

from collections import defaultdict
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


def _summary(results: Results, models: list[str]) -> str:
    """Over the tables that every model has been fitted to."""
    ratios, times = relative(results), seconds(results)
    common = [table for table, values in ratios.items() if all(model in values for model in models)]
    if not common:
        return "no table has been fitted by every model: no ranks"
    lines = [["model", "mean rank", "error / best", "fit seconds", "predict seconds", "peak MB"]]
    for model in sorted(models, key=lambda model: mean(_rank(ratios[table], model) for table in common)):
        own = [each for each in results if each["model"] == model and each["table"] in common and "failed" not in each]
        lines.append(
            [
                model,
                f"{mean(_rank(ratios[table], model) for table in common):.2f}",
                f"{exp(mean(log(ratios[table][model]) for table in common)):.3f}",
                f"{exp(mean(log(max(times[table][model], 1e-3)) for table in common)):.3g}",
                f"{exp(mean(log(max(each['predict_seconds'], 1e-4)) for each in own)):.2g}",
                f"{median(each['peak_bytes'] for each in own) / 1e6:.0f}",
            ]
        )
    return f"over {len(common)} tables ({', '.join(common)}); geometric means, but ranks\n\n{_aligned(lines)}"


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
COLORS = ("#0b6e99", "#2a9d5c", "#c2571a", "#7b3fa0", "#555555", "#b08900", "#a31d3d", "#3b5bdb", "#087f5b", "#862e9c")


def picture(results: Results) -> str:
    """An SVG: a small dot for each table and model, a large one for the geometric mean of each model, log-log."""
    ratios, times = relative(results), seconds(results)
    models = list(dict.fromkeys(each["model"] for each in results))
    points = {m: [(times[t][m], ratios[t][m]) for t in ratios if m in ratios[t]] for m in models}
    drawn = {model: each for model, each in points.items() if each}
    flat = [point for each in drawn.values() for point in each]
    low, high = floor(log10(min(x for x, _ in flat))), ceil(log10(max(x for x, _ in flat)))
    top = max(y for _, y in flat) ** 1.05

    def across(x: float) -> float:
        return LEFT + (log10(x) - low) / max(high - low, 1) * (WIDTH - LEFT - RIGHT)

    def up(y: float) -> float:
        return HEIGHT - BOTTOM - log(y) / log(top) * (HEIGHT - TOP - BOTTOM)

    parts = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    parts += [
        _line(across(10**k), TOP, across(10**k), HEIGHT - BOTTOM, f"{10.0**k:g}", "x") for k in range(low, high + 1)
    ]
    ticks = [tick for tick in (1, 1.02, 1.05, 1.1, 1.2, 1.5, 2, 3, 5, 10) if tick <= top]
    parts += [_line(LEFT, up(tick), WIDTH - RIGHT, up(tick), f"{tick:g}", "y") for tick in ticks]
    for number, (model, each) in enumerate(drawn.items()):
        color = COLORS[number % len(COLORS)]
        parts += [
            f'<circle cx="{across(x):.1f}" cy="{up(y):.1f}" r="2.5" fill="{color}" opacity="0.35"/>' for x, y in each
        ]
        x, y = (exp(mean(log(point[axis]) for point in each)) for axis in (0, 1))
        parts.append(f'<circle cx="{across(x):.1f}" cy="{up(y):.1f}" r="7" fill="{color}" stroke="white"/>')
        key = TOP + 12 + 20 * number
        parts.append(f'<circle cx="{WIDTH - RIGHT + 22}" cy="{key}" r="6" fill="{color}"/>')
        parts.append(f'<text x="{WIDTH - RIGHT + 34}" y="{key + 4}">{escape(model)}</text>')
    middle = (HEIGHT - BOTTOM + TOP) / 2
    parts.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 16}" text-anchor="middle">seconds of a fit</text>'
    )
    parts.append(
        f'<text x="18" y="{middle}" text-anchor="middle" transform="rotate(-90 18 {middle})">'
        "error / lowest error of the table</text>"
    )
    style = "font-family: sans-serif; font-size: 13px"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" style="{style}">'
    return "\n".join([head, *parts, "</svg>"]) + "\n"


def _line(x1: float, y1: float, x2: float, y2: float, label: str, axis: str) -> str:
    place = (
        f'x="{x1:.1f}" y="{y2 + 18:.1f}" text-anchor="middle"'
        if axis == "x"
        else f'x="{x1 - 8}" y="{y1 + 4:.1f}" text-anchor="end"'
    )
    line = f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#dddddd"/>'
    return f"{line}<text {place}>{label}</text>"
