"""The target codec: encodes the targets of a network for its loss and decodes its outputs into predictions.

The decoding is traced, so that engines, the ONNX export and the report page all run the same circuit. ``target_head``
defines what the outputs of a single target mean; ``head`` adds the metrics, a user-defined loss and the decision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.circuit import Array, Circuit, Spec, label, trace
from backpass.circuit.operations import stack
from backpass.dataclass import dataclass
from backpass.engine import default_engine
from backpass.model.head.decoding import label_probabilities
from backpass.model.head.losses import MultiOutputLoss
from backpass.model.head.scaling import TargetScale
from backpass.model.head.target_head import TargetHead
from backpass.network import Loss, loss_named
from backpass.table import Table, Target
from backpass.table.targets import label_title


@dataclass(frozen=True, slots=True)
class TargetCodec:
    """The targets of a network, in the order of its outputs. All have the same built-in loss, each its own scale.

    A flat codec has one target: truth (n,), predictions (n,), or (n, classes) for classes. Any other codec has truth
    and predictions (n, k), one column per output: several targets, several quantiles of one, or labels. Labels are
    targets of two classes, any number of which may be on; the prediction is the probability of each.

    Attributes:
        targets: The head of each target.
        is_flat: Whether the targets are a vector (n,), not columns (n, k).
    """

    targets: tuple[TargetHead, ...]
    is_flat: bool = True

    @property
    def codec(self) -> TargetCodec:
        """The codec alone, without what a head adds to it: the key of the circuits that are kept."""
        return TargetCodec(self.targets, self.is_flat)

    @property
    def target(self) -> Target:
        """The first of the targets."""
        return self.targets[0].target

    @property
    def are_labels(self) -> bool:
        """Whether the targets are labels (on or off)."""
        return not self.is_flat and self.target.task == "binary"

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes, if the class of one target is predicted; else empty."""
        return self.target.classes if self.is_flat else ()

    @property
    def labels(self) -> tuple[str, ...]:
        """The titles of the predictions: their targets, ``p(name)`` for labels, ``price q=0.9`` for quantiles.

        A label whose classes are not 0 and 1, or false and true, also has its second class: ``p(status=late)``.
        """
        names = [each.target.name for each in self.targets]
        if self.are_labels:
            return tuple(label_title(each.target) for each in self.targets)
        if len(set(names)) == len(names):
            return tuple(names)
        return tuple(f"{name} q={each.q}" for name, each in zip(names, self.targets, strict=True))

    @property
    def outputs(self) -> int:
        """k, the number of the network's outputs."""
        return sum(each.outputs for each in self.targets)

    @property
    def scales(self) -> tuple[TargetScale, ...]:
        """The scale of each target."""
        return tuple(each.scale for each in self.targets)

    # The built-in loss ------------------------------------------------------------------------------------------------

    @property
    def loss_name(self) -> str:
        """The name of the loss in the settings."""
        return self.targets[0].loss_name

    @property
    def built_in(self) -> str:
        """The name of the built-in loss in the table of losses; that of each target if there are several numbers."""
        return "label_cross_entropy" if self.are_labels else self.targets[0].built_in

    @property
    def builtin_loss(self) -> Loss:
        """The built-in loss, which also defines the meaning of the outputs; the sum over several numbers."""
        if self.is_flat or self.are_labels:
            return loss_named(self.built_in, **self.options)
        return MultiOutputLoss(tuple(each.builtin_loss for each in self.targets))

    @property
    def has_log_link(self) -> bool:
        """Whether the loss takes logarithms of the predicted numbers, see ``Loss``."""
        return self.targets[0].builtin_loss.has_log_link

    @property
    def is_logarithmic(self) -> bool:
        """Whether outputs are logarithms of the predicted numbers, by the loss or by the scale of the targets."""
        return any(each.is_logarithmic for each in self.targets)

    @property
    def is_log(self) -> bool:
        """Whether the logarithm of the targets is learned."""
        return any(each.is_log for each in self.targets)

    @property
    def options(self) -> Mapping[str, float]:
        """The options of the loss; those of the first target if there are several."""
        return self.targets[0].options

    # Encoding ---------------------------------------------------------------------------------------------------------

    def truth(self, table: Table) -> NDArray[Any]:
        """The targets of a table's rows: numbers or class codes (n,), or (n, k).

        Raises:
            DataError: A target is missing or cannot be used.
        """
        columns = [each.target.encode(table) for each in self.targets]
        return columns[0] if self.is_flat else np.column_stack(columns)

    def check(self, y: NDArray[Any]) -> None:
        """Check that the loss and the scales are defined for targets.

        Raises:
            DataError: See ``TargetHead.check``.
        """
        for j, each in enumerate(self.targets):
            each.check(self._column(y, j))

    def check_rows(self, table: Table) -> None:
        """Check that the loss, which is also a metric, is defined for the targets of a table's rows.

        Raises:
            DataError: A target cannot be used, or a count is negative; the message names the rows.
        """
        if not self.has_log_link:
            return
        truth = self.truth(table)
        for j, each in enumerate(self.targets):
            each.check(self._column(truth, j), table)

    def encode(self, y: NDArray[Any], dtype: Any) -> NDArray[Any]:
        """Targets as the loss takes them: scaled numbers (n, k), class codes (n,), or labels (n, k)."""
        if self.are_labels:
            return y.astype(dtype)
        columns = [each.encode(self._column(y, j), dtype) for j, each in enumerate(self.targets)]
        return columns[0] if self.is_flat else np.concatenate(columns, axis=1)

    def level(self, y: NDArray[Any], weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """The constant outputs (k,) with the lowest loss on the encoded targets, of rows with these weights (n,)."""
        return np.concatenate([each.level(self._column(y, j), weights) for j, each in enumerate(self.targets)])

    def wanted(self, y: NDArray[Any]) -> NDArray[np.float64]:
        """The desired outputs (n, k) for the encoded targets, from which the initial parameters are fitted."""
        return np.concatenate([each.wanted(self._column(y, j)) for j, each in enumerate(self.targets)], axis=1)

    def _column(self, y: NDArray[Any], j: int) -> NDArray[Any]:
        """The values of target j: (n,)"""
        return y if self.is_flat else y[:, j]

    def _outputs_of(self, o: Array, j: int) -> Array:
        """The outputs of target j: all of them if it is the only one, else one (n, 1)"""
        return o if len(self.targets) == 1 else o[:, j : j + 1]

    # Decoding ---------------------------------------------------------------------------------------------------------

    def columns(self, o: Array) -> list[Array]:
        """outputs o (n, k)  ->  the predictions of each target, see ``TargetHead.decoded``; can be traced

        For labels, the probability that each one is on, (n,).
        """
        if self.are_labels:
            with label("head"):
                p = label_probabilities(self.builtin_loss, o)
            return [p[:, j] for j in range(len(self.targets))]
        return [each.decoded(self._outputs_of(o, j)) for j, each in enumerate(self.targets)]

    def decoded(self, o: Array) -> Array:
        """outputs o (n, k)  ->  predictions as ``predictions``; can be traced"""
        columns = self.columns(o)
        return columns[0] if self.is_flat else stack(columns, axis=1)

    def average(self, outputs: Sequence[Array], weights: Sequence[float] = ()) -> Array:
        """outputs of several networks, each (n, k)  ->  outputs that predict the average; can be traced

        Args:
            outputs: The outputs of each network.
            weights: The weight of each network, with sum 1. Default (): equal weights.
        """
        with label("average"):
            return self.builtin_loss.averaged(outputs, weights) if len(outputs) > 1 else outputs[0]

    def decoding(self, dtype: Any, rows: str = "n") -> Circuit:
        """``columns`` as a circuit of the outputs o (n, k)."""
        return trace(self.columns, [Spec((rows, self.outputs), dtype)])

    def averaging(self, networks: int, dtype: Any, rows: str = "n", weights: Sequence[float] = ()) -> Circuit:
        """``average`` as a circuit of the outputs of ``networks`` networks."""
        return trace(lambda *outputs: self.average(outputs, weights), [Spec((rows, self.outputs), dtype)] * networks)

    # Both run on the default engine, so that they have the same bits whatever engine runs the network.

    def predictions(self, o: NDArray[Any]) -> NDArray[np.float64]:
        """Numbers in the target's unit (n,), or probabilities of the classes (n, classes); several targets (n, k)."""
        columns = default_engine(threads=1).run(_decoding(self.codec, o.dtype), o)
        # The engine drops additions of 0, which leaves a zero its sign.
        return np.asarray((columns[0] if self.is_flat else np.column_stack(columns)) + 0.0)

    def averaged(self, outputs: Sequence[NDArray[Any]], weights: Sequence[float] = ()) -> NDArray[Any]:
        """outputs of several networks, each (n, k)  ->  outputs (n, k) that predict their average; see ``average``"""
        if len(outputs) == 1:
            return outputs[0]
        circuit = _averaging(self.codec, len(outputs), outputs[0].dtype, tuple(weights))
        return default_engine(threads=1).run(circuit, *outputs)[0]


@lru_cache(maxsize=32)
def _decoding(codec: TargetCodec, dtype: np.dtype[Any]) -> Circuit:
    return codec.decoding(dtype)


@lru_cache(maxsize=32)
def _averaging(codec: TargetCodec, networks: int, dtype: np.dtype[Any], weights: tuple[float, ...]) -> Circuit:
    return codec.averaging(networks, dtype, weights=weights)
