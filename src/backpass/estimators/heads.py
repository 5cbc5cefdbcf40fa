"""Heads: the meaning of a network's outputs for y: numbers, quantiles, classes or labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from backpass.model import Settings
from backpass.model.head.head import Head
from backpass.table import Target
from backpass.table.targets import Targets


def number_head(truth: NDArray[Any], settings: Settings, names: Sequence[str], quantiles: Sequence[float]) -> Head:
    """The head for numbers (n,) or (n, k), or for several quantiles of one target, which ``truth`` (n, k) repeats."""
    targets = number_targets(names, quantiles).each
    if truth.ndim == 1:
        return Head.fit(targets[0], truth, settings)
    if quantiles:
        each = zip(targets, quantiles, strict=True)
        return Head.fit_columns([(target, replace(settings, quantile=q)) for target, q in each], truth)
    return Head.fit_columns([(target, settings) for target in targets], truth)


def number_targets(names: Sequence[str], quantiles: Sequence[float] = ()) -> Targets:
    """Targets of numbers with these names; one per quantile of the only target, if there are several quantiles."""
    return Targets(tuple(Target(name, "regression") for name in ([names[0]] * len(quantiles) or names)))


def class_head(truth: NDArray[Any], settings: Settings, name: str, classes: NDArray[Any]) -> Head:
    """The head for the positions (n,) of the rows in ``classes``."""
    return Head.fit(class_target(name, classes).each[0], truth, settings)


def class_target(name: str, classes: NDArray[Any]) -> Targets:
    """The target of classes with this name."""
    texts = tuple(str(each) for each in classes.tolist())
    return Targets((Target(name, "binary" if len(texts) == 2 else "multiclass", texts),))


def label_head(truth: NDArray[Any], settings: Settings, names: Sequence[str]) -> Head:
    """The head for labels (n, k) of 0 and 1, each with one logistic output."""
    return Head.fit_columns([(target, settings) for target in label_targets(names).each], truth)


def label_targets(names: Sequence[str]) -> Targets:
    """Targets of labels with these names."""
    return Targets(tuple(Target(name, "binary", ("0", "1"), "numeric") for name in names))
