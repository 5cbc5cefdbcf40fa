"""Input layers of a network: those between the inputs x and the first layer of neurons.

x is a matrix of numbers: scaled columns first, then indicators and one-hot inputs, and last the codes, as integers, of
categorical columns with many categories (see ``feature_map``). Learned encodings of single columns live here.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import pi
from typing import ClassVar

import numpy

from backpass.circuit import Array
from backpass.circuit.operations import affine, concatenate, cos, take, transpose
from backpass.dataclass import dataclass
from backpass.network.layers import Layer, RandomKey
from backpass.network.parameters import FIXED, FREQUENCY, Parameter


class InputLayer(Layer):
    """Base class of layers without neurons that come before the first layer of neurons."""

    def pre_activation(self, theta: Mapping[str, Array], x: Array, number: str) -> Array:
        return x

    @property
    def neurons(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Selection(InputLayer):
    """Selection: keeps the first ``size`` of the first ``columns`` inputs, and all inputs after these.

    x (n, d)   ->   (n, d - columns + size)

    Networks that read different views of the same columns, such as numbers with and without their quantile features,
    thereby share one matrix of inputs.

    Attributes:
        columns: The number of inputs to select from.
        size: The number of inputs that are kept of them.
    """

    columns: int
    size: int
    kind: ClassVar[str] = "selection"

    def width(self, inputs: int) -> int:
        return inputs - self.columns + self.size

    def parameters(self, inputs: int, number: str) -> tuple[Parameter, ...]:
        return ()

    def errors(self, inputs: int) -> list[str]:
        return [
            *([] if 1 <= self.columns <= inputs else [f"selection takes {self.columns} of {inputs} inputs"]),
            *([] if 1 <= self.size <= self.columns else [f"selection keeps {self.size} of {self.columns} inputs"]),
        ]

    def __call__(self, theta: Mapping[str, Array], x: Array, number: str, draws: RandomKey | None) -> Array:
        kept = x[:, : self.size]
        return concatenate([kept, x[:, self.columns :]], axis=1) if x.shape[1] > self.columns else kept


@dataclass(frozen=True, slots=True)
class Projection(InputLayer):
    """Projection of the first ``columns`` inputs on principal components of the training rows: x P + c

    x (n, columns)   P (columns, size)   c (size,)   ->   (n, size)

    The other inputs follow unchanged. P and c are fitted before training (see ``training.projection``) and are not
    trained, so a network on few rows of many columns has few weights.

    Attributes:
        columns: The number of inputs to project.
        size: The number of components.
    """

    columns: int
    size: int
    kind: ClassVar[str] = "projection"

    def width(self, inputs: int) -> int:
        return inputs - self.columns + self.size

    def parameters(self, inputs: int, number: str) -> tuple[Parameter, ...]:
        return (
            Parameter(f"P{number}", (self.columns, self.size), FIXED, self.columns, self.size),
            Parameter(f"c{number}", (self.size,), FIXED, self.columns, self.size),
        )

    def errors(self, inputs: int) -> list[str]:
        return [
            *([] if 1 <= self.columns <= inputs else [f"projection takes {self.columns} of {inputs} inputs"]),
            *([] if self.size >= 1 else [f"projection expected at least 1 component; got {self.size}"]),
        ]

    def __call__(self, theta: Mapping[str, Array], x: Array, number: str, draws: RandomKey | None) -> Array:
        found = affine(x[:, : self.columns], theta[f"P{number}"], theta[f"c{number}"])
        return concatenate([found, x[:, self.columns :]], axis=1) if x.shape[1] > self.columns else found


@dataclass(frozen=True, slots=True)
class Periodic(InputLayer):
    """Periodic embedding: each of the first ``columns`` inputs becomes mixtures of cosines, followed by itself:

    e_j(x) = [cos(2 pi w_j x + c_j) V_j + v_j, x]

    x (n,)   frequencies w_j (k,)   phases c_j (k,)   V_j (k, m)   v_j (m,)   ->   e_j (n, m + 1), column by column

    The other inputs follow unchanged. Networks learn slow functions of their inputs first; cosines of a column let them
    represent steps and bumps as well. w starts at N(0, deviation^2), c uniform in (-pi, pi), V and v uniform within
    1 / sqrt(k) (PBLD of RealMLP, Holzmueller et al. 2024, after Gorishniy et al. 2022).

    Attributes:
        columns: The number of inputs to embed.
        frequencies: k.
        mixtures: m.
        deviation: The standard deviation of the initial frequencies.
    """

    columns: int
    frequencies: int = 16
    mixtures: int = 3
    deviation: float = 0.1
    kind: ClassVar[str] = "periodic"

    def width(self, inputs: int) -> int:
        return inputs + self.columns * self.mixtures

    def parameters(self, inputs: int, number: str) -> tuple[Parameter, ...]:
        p, k, m = self.columns, self.frequencies, self.mixtures
        return (
            Parameter(f"frequency{number}", (p, k), FREQUENCY, 1, k, init_scale=self.deviation),
            Parameter(f"phase{number}", (p, k), "phase", 1, k),
            Parameter(f"V{number}", (p, k, m), "mixture", k, m),
            Parameter(f"v{number}", (p, m), "mixture", k, m),
        )

    def errors(self, inputs: int) -> list[str]:
        return [
            *([] if 1 <= self.columns <= inputs else [f"periodic takes {self.columns} of {inputs} inputs"]),
            *([] if self.frequencies >= 1 else [f"periodic expected at least 1 frequency; got {self.frequencies}"]),
            *([] if self.mixtures >= 1 else [f"periodic expected at least 1 mixture; got {self.mixtures}"]),
        ]

    def __call__(self, theta: Mapping[str, Array], x: Array, number: str, draws: RandomKey | None) -> Array:
        p, (n, d) = self.columns, x.shape
        own = x[:, :p]
        # Columns first, for one stack of p small products.
        turns = own.T.reshape(p, n, 1) * theta[f"frequency{number}"].reshape(p, 1, -1)
        cosines = cos((2.0 * pi) * turns + theta[f"phase{number}"].reshape(p, 1, -1))
        mixed = transpose(affine(cosines, theta[f"V{number}"], theta[f"v{number}"]), axes=(1, 0, 2))
        e = concatenate([mixed, own.reshape(n, p, 1)], axis=2).reshape(n, p * (self.mixtures + 1))
        return concatenate([e, x[:, p:]], axis=1) if d > p else e

    @property
    def is_linear(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Embedding(InputLayer):
    """Categorical embedding: each of the last inputs is a code j, and becomes row j of its own table: e(j) = E_j

    j (n,) integers from 0 to levels   E (levels + 1, size)   ->   e (n, size), column by column

    The other inputs come first, unchanged. Code 0 stands for missing and unknown categories: its row starts at 0 and is
    trained only if training rows have it. The other rows start at N(0, 1) (Guo & Berkhahn 2016).

    Attributes:
        levels: The number of categories per column.
        size: The dimension of the embedding.
    """

    levels: tuple[int, ...]
    size: int = 8
    kind: ClassVar[str] = "embedding"

    def width(self, inputs: int) -> int:
        return inputs + len(self.levels) * (self.size - 1)

    def parameters(self, inputs: int, number: str) -> tuple[Parameter, ...]:
        return tuple(
            Parameter(f"E{number}.{j}", (levels + 1, self.size), "embedding", 1, self.size)
            for j, levels in enumerate(self.levels, start=1)
        )

    def errors(self, inputs: int) -> list[str]:
        count = len(self.levels)
        return [
            *([] if 1 <= count <= inputs else [f"embedding takes {count} of {inputs} inputs"]),
            *([] if min(self.levels, default=1) >= 1 else ["embedding expected at least 1 level a column"]),
            *([] if self.size >= 1 else [f"embedding expected a size of at least 1; got {self.size}"]),
        ]

    def __call__(self, theta: Mapping[str, Array], x: Array, number: str, draws: RandomKey | None) -> Array:
        first = int(x.shape[1]) - len(self.levels)
        found = [
            take(theta[f"E{number}.{j}"], x[:, first + j - 1].astype(numpy.int32), axis=0)
            for j in range(1, len(self.levels) + 1)
        ]
        return concatenate([*([x[:, :first]] if first else []), *found], axis=1)

    @property
    def is_linear(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class LearnedInputScale(InputLayer):
    """Learned input scale: multiplies each input by its own factor, s x    (Holzmueller et al. 2024)

    x (n, d)   s (d,), 1 at the start   ->   (n, d)

    With its own learning rate and weight decay it learns which inputs matter.
    """

    kind: ClassVar[str] = "learned_input_scale"

    def width(self, inputs: int) -> int:
        return inputs

    def parameters(self, inputs: int, number: str) -> tuple[Parameter, ...]:
        return (Parameter(f"s{number}", (inputs,), "learned_input_scale", inputs, inputs),)

    def __call__(self, theta: Mapping[str, Array], x: Array, number: str, draws: RandomKey | None) -> Array:
        return x * theta[f"s{number}"]
