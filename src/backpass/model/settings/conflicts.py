"""Conflicts: settings that are valid by themselves but contradict each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def conflicts(values: Mapping[str, Any]) -> list[str]:
    """Settings that are valid by themselves but contradict each other."""
    problems = []
    if values["group"] is not None and values["group"] == values["time"]:
        problems.append(f"--group, --time: both name the column {values['group']!r}")
    if (values["validation_fraction"] or 0.0) + values["test_fraction"] >= 1:
        problems.append(
            "--validation-fraction and --test-fraction must leave rows to train on (their sum is 1 or more)"
        )
    names = [name for name, _ in values["wire"]]
    problems += [f"wire names the unit {name!r} twice" for name in sorted({n for n in names if names.count(n) > 1})]
    if values["wire"] and values["initialization"] == "data":
        problems.append("initialization 'data' needs dense layers; it cannot be combined with wire")
    learned = values["numerical_embedding"] != "none" or values["max_one_hot_levels"] is not None
    learned = learned or values["principal_components"] is not None
    if values["wire"] and (learned or values["quantile_features"]):
        problems.append(
            "embeddings, principal components and quantile features cannot be combined with wire, which names columns "
            "as they are"
        )
    if values["task"] == "classification" and values["loss"] not in (None, "cross_entropy"):
        problems.append(f"loss {values['loss']!r} is for regression, but task is classification")
    groups = [name for name, _ in values["learning_rate_multiplier"]]
    problems += [
        f"--learning-rate-multiplier names {name!r} twice"
        for name in sorted({g for g in groups if groups.count(g) > 1})
    ]
    if values["shards"] > 1 and values["precision"] == "bf16":
        problems.append("shards need precision float32 or float64: bf16 does not support them")
    if values["threshold"] == "cost" and values["cost"] is None:
        problems.append(
            "--threshold cost needs the cost of each kind of error: --cost false_positive=50,false_negative=500"
        )
    if values["device"] is not None and values["engine"] != "jax":
        problems.append(f"device {values['device']!r} requires engine 'jax'; got engine {values['engine']!r}")
    if values["task"] == "regression" and values["loss"] == "cross_entropy":
        problems.append("loss 'cross_entropy' is for classes, but task is regression")
    return [*problems, *_conflicts_of_neighbors(values), *_conflicts_of_logarithm(values)]


def _conflicts_of_neighbors(values: Mapping[str, Any]) -> list[str]:
    """Settings that neighbors cannot be combined with."""
    if not values["neighbors"]:
        return []
    needs = [
        (values["ensemble_size"] > 1, "an ensemble: --ensemble-size of at least 2, as in the preset default"),
        (values["candidates"] == 1, "one candidate: --candidates 1"),
        (values["loss"] in (None, "squared", "cross_entropy"), "the loss squared or cross_entropy"),
        (values["output_activation"] == "identity", "--output-activation identity"),
        (values["class_weight"] is None, "classes without --class-weight"),
        (not values["refit"], "a fit without refit"),
    ]
    return [f"neighbors {values['neighbors']} needs {need}" for is_met, need in needs if not is_met]


def _conflicts_of_logarithm(values: Mapping[str, Any]) -> list[str]:
    """Settings that a target cannot be combined with if its logarithm is learned."""
    if values["target_transform"] != "log":
        return []
    needs = [
        (values["task"] != "classification", "a target of numbers; task is classification"),
        (values["loss"] != "poisson", "another loss than poisson, whose outputs are logarithms already"),
        (values["output_activation"] == "identity", "--output-activation identity"),
        (not values["wire"], "a network without wire, whose equations are in the unit of the target"),
    ]
    return [f"--target-transform log needs {need}" for is_met, need in needs if not is_met]
