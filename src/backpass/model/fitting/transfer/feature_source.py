"""A feature source: the earlier model whose learned features a fit keeps.

It takes a model or its file, and gives what is the model's own in such a fit: the columns and how they are read, the
settings of the layers below the output layer, and the features. ``preparation`` makes the problem.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.engine import Engine
from backpass.errors import DataError, UsageError
from backpass.model.file.header import header_length
from backpass.model.file.storage import read_file
from backpass.model.fitting.transfer.kept_features import KeptFeatures, with_output
from backpass.model.loading import from_bytes
from backpass.model.model import Model
from backpass.model.prediction.suspects import suspects_in, unfamiliar_texts_in
from backpass.model.settings.declarations import SETTINGS
from backpass.model.settings.presets import PRESETS
from backpass.model.settings.setting import listed as as_list
from backpass.model.settings.settings import Settings
from backpass.network import CUSTOM, Activation, KernelRegression, Network
from backpass.table import Encoded, Schema, Table
from backpass.table.messages import counted, listed, shown

_OF_OUTPUT = ("output_activation", "initialization", "clip_predictions")
"""The settings of the group network that are about the output layer or the predictions."""

KEPT_SETTINGS = (
    *(each.name for each in SETTINGS if each.group == "network" and each.name not in _OF_OUTPUT),
    "ensemble_size",
    "precision",
)
"""The settings that are those of the source, because the layers below the output layer and their numbers are."""


@dataclass(frozen=True, slots=True, eq=False)
class FeatureSource:
    """The model whose learned features are kept.

    Attributes:
        model: The model: one network, or an ensemble of networks of the same layers.
        digest: The SHA-256 of its file.
    """

    model: Model
    digest: str

    @staticmethod
    def of(source: Any) -> FeatureSource:
        """The source of a model, or of a path of a model file.

        Raises:
            UsageError: It is not such a model, or has no learned features.
            ModelFileError: The file is not a model file, or is damaged.
            ResourceError: The file cannot be read.
        """
        if isinstance(source, Model):
            found = FeatureSource(source, sha256(source.to_bytes()).hexdigest())
        elif isinstance(source, str | Path):
            data = read_file(source, partial(header_length, source=str(source)))
            found = FeatureSource(from_bytes(data, str(source)), sha256(data).hexdigest())
        else:
            raise UsageError(
                f"--features-of takes a model or the path of a model file; got a value of type {type(source).__name__}",
                hint="a model of one network or one ensemble, such as fit returns",
            )
        if any(not isinstance(each.network.layers[-2], KernelRegression) for each in found.model.others):
            raise UsageError(
                "--features-of: the model averages networks of different layers (--candidates)",
                hint="keep the features of a model of one network, or an ensemble of equal layers (--preset default)",
            )
        if len(found.model.network.layers) == 1:
            raise UsageError(
                "--features-of: the model has no hidden layer, so it has learned no features",
                hint="fit it with hidden layers (--hidden), or fit the table without --features-of",
            )
        return found

    @property
    def theta(self) -> NDArray[Any]:
        """The parameters of each network (networks, P). Neighbors have the features of these networks, no others."""
        return np.atleast_2d(self.model.theta)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that the features are computed from."""
        return tuple(feature.name for feature in self.model.schema.features)

    def reading(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Options of ``read_table`` by which the columns are read as for the model.

        Args:
            options: The options of the user.

        Raises:
            UsageError: They require another kind for a column of the model.
        """
        for name in ("categorical", "text"):
            if both := [each for each in options.get(name, ()) if each in self.columns]:
                raise UsageError(
                    f"--{name} {shown(both[0])}: the kept features are computed from this column, so it is read as in "
                    "their model",
                    hint=f"leave {shown(both[0])} out of --{name}",
                )
        return {"missing": self.model.schema.missing, **options, "known_kinds": self.model.kinds()}

    def settings(self, asked: Settings) -> Settings:
        """The settings of the fit: those of the layers are the model's, and the defaults are those of plain.

        Args:
            asked: The settings of the user.

        Raises:
            UsageError: Lists every setting that the user set, and that is the model's.
        """
        own, given = self._own_settings(), {name: value for name, value in asked.given if value is not None}
        errors = [
            f"{name} is {as_list(own[name])!r} in the model whose features are kept; got {as_list(value)!r}"
            for name, value in given.items()
            if name in own and value != own[name]
        ]
        if given.get("candidates", 1) > 1:
            errors.append("candidates try networks of other layers; the layers are those of the model")
        preset = given.get("preset", "plain")
        if preset in PRESETS and "hidden" in PRESETS[preset].shared:
            errors.append(f"preset {preset!r} trains whole networks; to train only an output layer, use plain or notes")
        if errors:
            raise UsageError(
                f"{counted(len(errors), 'setting')} that a fit with --features-of does not accept",
                details=errors,
                hint="leave them out: only a new output layer is trained",
            )
        return Settings.of({**given, **own, "preset": preset})

    def _own_settings(self) -> dict[str, Any]:
        model = self.model
        known = Settings.from_json(model.record.settings)
        own = {name: getattr(known, name) for name in KEPT_SETTINGS} | {"ensemble_size": len(self.theta)}
        if model.record.settings.get("activation") == CUSTOM:
            own["activation"] = next(each.activation for each in model.network.layers if hasattr(each, "activation"))
        return own

    def check(
        self, table: Table, roles: Mapping[str, Sequence[str]], drop: Sequence[str], columns: Sequence[str] | None
    ) -> None:
        """Check that a table has the columns of the features, and that none of them has another role.

        Args:
            table: The table.
            roles: What columns are, such as "the target", and their names.
            drop: The columns that the user leaves out.
            columns: The columns that the user chooses.

        Raises:
            UsageError: A column has two roles, or the user chooses columns.
            DataError: Lists every column that is absent.
        """
        if columns is not None:
            raise UsageError(
                "--columns: the columns are those of the model whose features are kept",
                hint=f"leave it out; the model reads {listed(self.columns, shown)}",
            )
        for role, names in {**roles, "left out by --drop": (*drop, *table.left_out)}.items():
            if both := [name for name in names if name in self.columns]:
                raise UsageError(
                    f"column {shown(both[0])} is {role}, but the kept features are computed from it",
                    hint="keep the features of a model that does not read this column",
                )
        absent = [name for name in self.columns if name not in table.columns]
        if absent:
            raise DataError(
                f"{table.source} lacks {counted(len(absent), 'column')} that the kept features are computed from: "
                f"{listed(absent, shown)}",
                hint=f"the model reads {listed(self.columns, shown)}",
            )

    def network(self, outputs: int, activation: Activation) -> Network:
        """The network that predicts: the layers of the model below its output layer, and a new output layer."""
        return with_output(self.model.network, outputs, activation)

    def schema(self, table: Table, targets: Sequence[str]) -> Schema:
        """The columns of the model with new targets, for the training rows of a table."""
        others = tuple(name for name in table.names if name not in (*self.columns, *targets))
        return replace(
            self.model.schema,
            target=targets[0],
            left_out=(*others, *table.left_out),
            notes=(),
            missing=table.missing,
            headerless=table.headerless,
        )

    def findings(self, table: Table, targets: Sequence[str], known: Sequence[str]) -> Encoded:
        """The rows of a table as the model reads them, with notes on what it ignores or does not know.

        Args:
            table: The table.
            targets: The new targets.
            known: Columns that are not features and need no note.
        """
        of_model, profiles = self.model.schema, self.model.record.columns
        found = replace(of_model, target=targets[0], left_out=(*targets[1:], *known, *table.left_out)).encode(table)
        suspects = (*suspects_in(table, of_model, profiles), *unfamiliar_texts_in(of_model, found))
        return replace(found, suspects=suspects)

    def features(self, x: NDArray[Any], engine: Engine) -> KeptFeatures:
        """The features, standardized on the network inputs of training rows (n, d)."""
        model = self.model
        facts = {"sha256": self.digest, "targets": list(model.targets), "networks": len(self.theta)}
        return KeptFeatures.of(model.network, self.theta, facts, x, engine)
