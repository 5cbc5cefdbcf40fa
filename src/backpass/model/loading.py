"""Loading: makes a model of the bytes of a model file, after verifying every byte and every fact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.errors import ModelFileError
from backpass.model.baseline.baseline import Baseline
from backpass.model.baseline.linear import Linear
from backpass.model.baseline.lookup import Lookup, lookup_from_json
from backpass.model.consistency import inconsistency
from backpass.model.file.baseline_names import restored
from backpass.model.file.container import unpack
from backpass.model.file.header import header_length
from backpass.model.file.storage import read_file
from backpass.model.form import MODEL
from backpass.model.head.head import Head
from backpass.model.head.intervals import Intervals
from backpass.model.model import Model
from backpass.model.prediction.group import Group
from backpass.model.profile import SHARES
from backpass.model.record import Record
from backpass.model.training_rows import TrainingRows
from backpass.model.verification import require_form, verified
from backpass.network import FeatureMap, Network
from backpass.table import Schema
from backpass.table.free_text.storage import DTYPES as TEXT_ARRAYS


def load(path: str | Path) -> Model:
    """Load a model from its file. Nothing in a file is executed.

    Args:
        path: The model file.

    Raises:
        ModelFileError: The file is not a model file, is damaged, or has a newer format.
        ResourceError: The file cannot be read.
    """
    return from_bytes(read_file(path, partial(header_length, source=str(path))), str(path))


def from_bytes(data: bytes, source: str = "model file") -> Model:
    """The model that ``to_bytes`` wrote.

    Args:
        data: The bytes of a model file.
        source: The name of the file in messages.

    Raises:
        ModelFileError: The bytes are not a valid model file.
    """
    facts, arrays = unpack(data, "model", source)
    return model_of(facts, arrays, source)


def model_of(facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], source: str) -> Model:
    """The model that ``contents`` described.

    Args:
        facts: The facts.
        arrays: The arrays.
        source: The name of the file in messages.

    Raises:
        ModelFileError: They do not describe a model.
    """
    require_form(facts, MODEL, source)
    return verified(lambda: _from_facts(restored(facts), arrays), inconsistency, source)


def _from_facts(facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Model:
    """The model described by facts of valid form.

    Raises:
        BackpassError: The facts break a rule that the form cannot express.
    """
    features = facts["features"]
    more = [
        *(["baselines"] if "baselines" in facts else []),
        *(["lookups"] if "lookups" in facts else []),
        *(["knots"] if "knots" in features else []),
        *(["projection"] if any(layer["kind"] == "projection" for layer in facts["network"]["layers"]) else []),
        *(["others"] if "others" in facts else []),
        *(["residuals"] if "residual_rows" in facts else []),
        *(["spread"] if "spreads" in facts else []),
        *(["later_residuals"] if "later_residual_rows" in facts else []),
        *(["below", "digests"] if "training_rows" in facts else []),
        *(TEXT_ARRAYS if any(each["kind"] == "text" for each in facts["schema"]["features"]) else []),
    ]
    if sorted(arrays) != sorted(["center", "scale", "theta", *more]) or any(
        array.ndim not in ((1, 2) if name == "theta" else (1,)) for name, array in arrays.items()
    ):
        raise ModelFileError(f"the arrays are not {', '.join(['center', 'scale', *more])} and theta, each a vector")
    schema = Schema.from_json(facts["schema"], arrays)
    feature_map = FeatureMap(
        arrays["center"],
        arrays["scale"],
        tuple(features["has_missing"]),
        tuple(len(feature.levels) for feature in schema.texts),
        tuple(features["has_unknown"]),
        tuple(features.get("coding", ["one_hot"] * len(schema.texts))),
        schema.periods,
        _cut(arrays["knots"], features["knots"]) if "knots" in features else (),
        features.get("clipped", True),
    )
    head, network = Head.from_json(facts["head"]), Network.from_json(facts["network"])
    record = Record.from_json(facts["record"])
    baselines = _baselines(arrays["baselines"], facts["baselines"], feature_map, head) if "baselines" in facts else ()
    lookups = _lookups(arrays["lookups"], facts["lookups"], head) if "lookups" in facts else ()
    return Model(
        schema,
        head,
        feature_map,
        network,
        _theta(arrays),
        record,
        intervals=Intervals.from_stored(facts, arrays, len(head.targets)),
        baselines=baselines,
        lookups=lookups,
        training_rows=_training_rows(facts["training_rows"], arrays) if "training_rows" in facts else None,
        others=_others(arrays, facts["others"]) if "others" in facts else (),
        shares=tuple(facts.get("shares", ())),
    )


def _theta(arrays: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """The parameters of each network, with the projection that all of them share."""
    theta = arrays["theta"]
    if "projection" not in arrays:
        return theta
    shared = np.broadcast_to(arrays["projection"], (*theta.shape[:-1], arrays["projection"].size))
    return np.concatenate([shared, theta], axis=-1)


def _others(arrays: Mapping[str, NDArray[Any]], facts: Sequence[Mapping[str, Any]]) -> tuple[Group, ...]:
    """The groups of other layers; their fixed parameters are those of the first group.

    Raises:
        ModelFileError: The parameters do not add up to the length of the array.
    """
    fixed = arrays.get("projection", np.zeros(0, arrays["others"].dtype))
    networks = [Network.from_json(each["network"]) for each in facts]
    if any(network.fixed_count != fixed.size for network in networks):
        raise ModelFileError("the networks do not share their projection")
    counts = [each["networks"] for each in facts]
    sizes = [count * (network.parameter_count - fixed.size) for count, network in zip(counts, networks, strict=True)]
    cut = _cut(arrays["others"], sizes)
    return tuple(Group.cut(*each, fixed) for each in zip(networks, counts, cut, strict=True))


def _training_rows(facts: Mapping[str, int], arrays: Mapping[str, NDArray[Any]]) -> TrainingRows:
    """The summary of the training rows.

    Raises:
        ModelFileError: Its arrays have other sizes or dtypes.
    """
    below, digests = arrays["below"], arrays["digests"]
    if below.dtype != np.uint32 or digests.dtype != np.uint32 or below.size % len(SHARES):
        raise ModelFileError(f"the counts of training rows are {below.size} numbers of type {below.dtype}")
    return TrainingRows(**facts, below=below.reshape(-1, len(SHARES)), digests=digests)


def _baselines(joined: NDArray[Any], names: Sequence[str], feature_map: FeatureMap, head: Head) -> tuple[Baseline, ...]:
    """The constant baseline and, if there is a second name, the linear one. ``inconsistency`` compares their sizes.

    Raises:
        ModelFileError: There are no names, or more than two.
    """
    if not 0 < len(names) <= 2:
        raise ModelFileError(f"the facts name {len(names)} baselines; expected one or two")
    levels = feature_map.folded_levels
    models = (Linear(0, (), head.outputs), Linear(feature_map.folded_width - len(levels), levels, head.outputs))
    sizes = [model.columns * model.outputs for model in models]
    thetas = np.split(joined, np.cumsum(sizes)[: len(names) - 1])
    return tuple(Baseline(*each) for each in zip(names, models, thetas, strict=False))


def _lookups(joined: NDArray[Any], facts: Sequence[Mapping[str, Any]], head: Head) -> tuple[Lookup, ...]:
    """The lookups, each with its cells.

    Raises:
        ModelFileError: The cells do not add up to the length of the array.
    """
    sizes = [(len(each["keys"]) + 1) * head.outputs for each in facts]
    cells = [each.reshape(-1, head.outputs) for each in _cut(joined, sizes)]
    return tuple(lookup_from_json(each, rows) for each, rows in zip(facts, cells, strict=True))


def _cut(joined: NDArray[Any], sizes: Sequence[int]) -> tuple[NDArray[Any], ...]:
    """A vector cut into consecutive segments of these sizes.

    Raises:
        ModelFileError: The sizes do not add up to its length.
    """
    if joined.size != sum(sizes):
        raise ModelFileError(f"the facts declare {sum(sizes)} numbers, the array has {joined.size}")
    return tuple(np.split(joined, np.cumsum(sizes)[:-1]))
