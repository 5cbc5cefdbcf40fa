"""Heads: what y makes of the outputs of a network: numbers, quantiles, classes or labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from backpass.model import Settings
from backpass.model.head.head import Head
from backpass.table import Target


def number_head(truth: NDArray[Any], settings: Settings, names: Sequence[str], quantiles: Sequence[float]) -> Head:
    """The head for numbers (n,) or (n, k), or for several quantiles of one target, which ``truth`` (n, k) repeats."""
    if truth.ndim == 1:
        return Head.fit(Target(names[0], "regression"), truth, settings)
    if quantiles:
        target = Target(names[0], "regression")
        return Head.fit_columns([(target, replace(settings, quantile=q)) for q in quantiles], truth)
    return Head.fit_columns([(Target(name, "regression"), settings) for name in names], truth)


def class_head(truth: NDArray[Any], settings: Settings, name: str, classes: NDArray[Any]) -> Head:
    """The head for the positions (n,) of the rows in ``classes``."""
    texts = tuple(str(each) for each in classes.tolist())
    return Head.fit(Target(name, "binary" if len(texts) == 2 else "multiclass", texts), truth, settings)


def label_head(truth: NDArray[Any], settings: Settings, names: Sequence[str]) -> Head:
    """The head for labels (n, k) of 0 and 1, each with one logistic output."""
    targets = [Target(name, "binary", ("0", "1"), "numeric") for name in names]
    return Head.fit_columns([(target, settings) for target in targets], truth)
