"""Standings: results of many fits as Markdown: errors, ranks, ratings, seconds, and pairs of contenders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from math import exp, log
from statistics import mean, median
from typing import Any

from pairs import Losses, Ratio, ratio

Results = list[dict[str, Any]]
LossesOf = Callable[[tuple[str, str, int]], Losses | None]
METRICS = ("rmse", "log_loss", "error")
RANKED = ("rmse", "log_loss")
RESULTS = ("better", "unclear", "worse")


def text(results: Results, against: str, losses: LossesOf) -> str:
    """Errors by table, a summary over the tables of all models, comparisons with one model, and what failed."""
    models = list(dict.fromkeys(each["model"] for each in results))
    parts = [_errors(results, models), _summary(results, models), _pairs(results, models, against, losses)]
    failed = [f"{each['model']} on {each['table']}: {each['failed']}" for each in results if "failed" in each]
    return "\n\n".join([part for part in (*parts, "\n".join(failed)) if part])


def means(results: Results, metric: str) -> dict[str, dict[str, float]]:
    """By table and model the mean of a metric over the splits that every model of the table has."""
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
    lines = [["table", "metric", "splits", *models]]
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
    """By table and model the median processor seconds of a fit."""
    each: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        if "failed" not in result:
            each[result["table"]][result["model"]].append(result["fit_cpu_seconds"])
    return {table: {model: median(values) for model, values in models.items()} for table, models in each.items()}


def shared(ratios: dict[str, dict[str, float]], models: list[str]) -> list[str]:
    """The tables that every model has been fitted to: only these compare models."""
    return [table for table, values in ratios.items() if all(model in values for model in models)]


def geometric_mean(values: Iterable[float], least: float = 0.0) -> float:
    """exp(mean of log(max(value, least)))"""
    return exp(mean(log(max(value, least)) for value in values))


def _summary(results: Results, models: list[str]) -> str:
    """Over the tables that every model has been fitted to."""
    ratios, times = relative(results), seconds(results)
    tables = shared(ratios, models)
    if not tables:
        return "no table has been fitted by every model: no ranks"
    ratings = _ratings(results, models, tables)
    head = ["model", "mean rank", *(["Elo"] if ratings else []), "error / best", "processor seconds of a fit"]
    lines = [[*head, "seconds of predictions", "peak MB"]]
    for model in sorted(models, key=lambda model: mean(_rank(ratios[table], model) for table in tables)):
        own = [each for each in results if each["model"] == model and each["table"] in tables and "failed" not in each]
        lines.append(
            [
                model,
                f"{mean(_rank(ratios[table], model) for table in tables):.2f}",
                *([f"{ratings[model]:.0f}"] if ratings else []),
                f"{geometric_mean(ratios[table][model] for table in tables):.3f}",
                f"{geometric_mean((times[table][model] for table in tables), 1e-3):.3g}",
                f"{geometric_mean((each['predict_seconds'] for each in own), 1e-4):.2g}",
                f"{median(each['peak_bytes'] for each in own) / 1e6:.0f}",
            ]
        )
    what = "geometric means of errors and seconds, medians of bytes"
    return f"Over {len(tables)} tables ({', '.join(tables)}); {what}:\n\n{_aligned(lines)}"


def _rank(values: dict[str, float], model: str) -> float:
    """1 for the lowest; ties share the mean of their ranks."""
    own, all_values = values[model], values.values()
    return sum(value < own for value in all_values) + (sum(value == own for value in all_values) + 1) / 2


def _ratings(results: Results, models: list[str], tables: list[str]) -> dict[str, float]:
    """The Elo rating of each model, 1000 on average, a table counting once; empty if bencheval is not installed."""
    if find_spec("bencheval") is None or len(models) < 2:
        return {}
    import pandas
    from bencheval.evaluator import BenchmarkEvaluator

    metrics = {table: values for metric in RANKED for table, values in means(results, metric).items()}
    rows = [(model, table, metrics[table][model]) for table in tables for model in models]
    frame = pandas.DataFrame(rows, columns=["method", "task", "metric_error"])
    evaluator = BenchmarkEvaluator(columns_to_agg_extra=None)
    found = evaluator.compute_elo(frame, BOOTSTRAP_ROUNDS=1, include_quantiles=False)
    return {str(model): float(rating) for model, rating in found["elo"].items()}


def _pairs(results: Results, models: list[str], against: str, losses: LossesOf) -> str:
    """The error of one model over that of each other, table by table and over all of them."""
    others = [model for model in models if model != against]
    seeds: dict[tuple[str, str], set[int]] = defaultdict(set)
    for each in results:
        if "failed" not in each:
            seeds[each["table"], each["model"]].add(each["seed"])
    found: dict[str, dict[str, Ratio]] = defaultdict(dict)
    for table in dict.fromkeys(each["table"] for each in results):
        for other in others:
            both = sorted(seeds[table, against] & seeds[table, other])
            pairs = [(losses((table, against, seed)), losses((table, other, seed))) for seed in both]
            known = [(a, b) for a, b in pairs if a is not None and b is not None]
            if known:
                found[table][other] = ratio(*zip(*known, strict=True))
    if not found:
        return ""
    lines = [["table", *others]]
    lines += [
        [table, *(_shown(values[other]) if other in values else "" for other in others)]
        for table, values in found.items()
    ]
    title = (
        f"Error of {against} over that of the others, geometric means of the splits, 95% intervals by the paired "
        "bootstrap over rows, groups or blocks of time (bold: the interval excludes 1):"
    )
    return "\n\n".join([title, _aligned(lines), _aligned(_totals(found, others))])


def _shown(ratio: Ratio) -> str:
    """Format a ratio.

    >>> _shown(Ratio(0.93, 0.9, 0.96))
    '**0.930** (0.900 to 0.960)'
    """
    value = f"{ratio.value:.3f}" if ratio.result == "unclear" else f"**{ratio.value:.3f}**"
    return f"{value} ({ratio.low:.3f} to {ratio.high:.3f})"


def _totals(found: dict[str, dict[str, Ratio]], others: list[str]) -> list[list[str]]:
    """For each other model: the number of tables by result, and the geometric mean of the ratios."""
    lines = [["against", "tables", "better", "unclear", "worse", "geometric mean", "worse on"]]
    for other in others:
        ratios = {table: values[other] for table, values in found.items() if other in values}
        if ratios:
            by_result = {name: [t for t, each in ratios.items() if each.result == name] for name in RESULTS}
            counts = [str(len(by_result[name])) for name in RESULTS]
            total = f"{geometric_mean(each.value for each in ratios.values()):.3f}"
            lines.append([other, str(len(ratios)), *counts, total, ", ".join(by_result["worse"])])
    return lines


def _aligned(lines: list[list[str]]) -> str:
    """A table in Markdown."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rows = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines]
    rows.insert(1, ["-" * width for width in widths])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
