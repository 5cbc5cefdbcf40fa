"""The picture: results of many fits as an SVG of error against seconds."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, floor, log, log10
from xml.sax.saxutils import escape

from standings import Results, geometric_mean, relative, seconds, shared

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 860, 480, 70, 40, 190, 60
WORST = 2.0
TICKS = (1.0, 1.02, 1.05, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0)
COLORS = ("#0b6e99", "#2a9d5c", "#c2571a", "#7b3fa0", "#555555", "#b08900", "#a31d3d", "#3b5bdb", "#087f5b", "#862e9c")


def picture(results: Results) -> str:
    """An SVG of errors against processor seconds: a small dot for each table and model, a large one for each model.

    Only tables that every model was fitted to count. A large dot is the geometric mean of the seconds and of the
    errors; what would lie above the upper edge stands at it.
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
            x, y = (geometric_mean(point[axis] for point in each) for axis in (0, 1))
            parts.append(_dot(across(x), up(y), 7, color, 1))
        parts.append(_dot(WIDTH - RIGHT + 22, key, 6, color, 1))
        parts.append(f'<text x="{WIDTH - RIGHT + 34}" y="{key + 4}">{escape(model)}</text>')
    middle, under = (HEIGHT - BOTTOM + TOP) / 2, (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{under}" y="{HEIGHT - 16}" text-anchor="middle">processor seconds of a fit</text>')
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
