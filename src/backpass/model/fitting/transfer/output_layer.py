"""The output layer: the problem of a new layer on kept features, a network without hidden layers.

It takes a problem and returns the one that the training loop runs. The features of the rows are computed once, before
the first step; no step evaluates the layers below, or differentiates with respect to their parameters.
"""

from __future__ import annotations

from dataclasses import replace

from backpass.model.fitting.problem.data_split import DataSplit, Pool
from backpass.model.fitting.problem.problem import Problem
from backpass.table import Schema


def trainable(problem: Problem) -> Problem:
    """The problem that is trained: the problem itself, or with kept features that of the output layer alone."""
    kept = problem.kept
    if kept is None:
        return problem
    pools: dict[int, Pool] = {}

    def on_features(part: DataSplit) -> DataSplit:
        known = id(part.pool)
        if known not in pools:
            pools[known] = replace(part.pool, x=kept.standardized(part.pool.x, problem.engine))
        return replace(part, pool=pools[known])

    return replace(
        problem,
        schema=Schema(()),
        feature_map=kept.feature_map,
        network=problem.trained_network,
        parts={name: on_features(part) for name, part in problem.parts.items() if name != "test"},
        columns={},
        kept=None,
    )
