"""The neural estimator: the base class of the regressor and the classifier.

It takes X and y; subclasses define what y means. Training, scaling and networks live in ``backpass.model``.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import estimator_html_repr
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from backpass.dataclass import dataclass
from backpass.errors import BackpassWarning, InterruptedTraining, UsageError
from backpass.estimators.callback_adapter import CallbackSupportMixin, callback_adapter
from backpass.estimators.columns import blocks_of, check_unmasked, history_in, library_of, table_of
from backpass.estimators.continuation import check_single
from backpass.estimators.parameters import seed_of, settings_of
from backpass.estimators.picture import picture_html
from backpass.estimators.split_columns import split_columns, with_columns
from backpass.estimators.splits import splits_of
from backpass.estimators.teaching import taught_by
from backpass.estimators.weights import weights_of
from backpass.model import Model, Problem, Rows, Settings, Stream, assemble, fit_problem
from backpass.model.evaluation.diagnostics import Warned
from backpass.model.fitting.streaming.provisional import teaches_nothing
from backpass.model.fitting.teaching.scores import with_teacher_checked
from backpass.model.fitting.teaching.teacher import Teacher
from backpass.model.head.head import Head
from backpass.model.head.threshold import chosen_rule
from backpass.network import Loss
from backpass.table import CategoricalColumn, Column, NumericColumn, Schema, Table, required_kind
from backpass.table.columns.late_bounds import admitting_bounds, late_bounds, late_notes, without_unused
from backpass.table.notation.boolean import ZERO_ONE
from backpass.table.targets import Targets
from backpass.training import Progress


@dataclass(frozen=True, slots=True, eq=False)
class Goal:
    """Encoded y: the target of each row, truth (n,) or (n, k), and the weights (n,), None if all are 1."""

    truth: NDArray[Any]
    weights: NDArray[np.float64] | None


class NeuralEstimator(CallbackSupportMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator, ABC):
    """Abstract base class with fit, partial fit, transform and display. Mutable, as scikit-learn's estimators are.

    The training rows are a weighted set: rows of weight 0 are ignored, equal rows are merged and their weights added,
    and the order of the rows does not matter. Scaling statistics count each distinct row once; weights affect the loss
    and the scores.
    """

    _task: ClassVar[str]
    _targets = 1
    """The number of columns of y."""

    # What subclasses define -------------------------------------------------------------------------------------------

    @abstractmethod
    def _infer_targets(self, y: Any, weights: NDArray[np.float64] | None) -> None:
        """Fit what y determines: the classes, or the number of targets."""

    def _check_continues(self, y: Any, weights: NDArray[np.float64] | None) -> None:
        """Check that a warm start can continue with y, beyond what ``_goal`` checks.

        Raises:
            DataError: It cannot.
        """

    @abstractmethod
    def _goal(self, y: Any, weights: NDArray[np.float64] | None) -> Goal:
        """y, checked and encoded with the classes or targets that were fitted."""

    @abstractmethod
    def _head(self, truth: NDArray[Any], settings: Settings, names: Sequence[str]) -> Head:
        """The head for the targets of the training rows, with these names."""

    @abstractmethod
    def _aims(self, names: Sequence[str]) -> Targets:
        """The targets with these names, once what y determines is fitted."""

    @abstractmethod
    def _own(self, head: Head) -> Loss | None:
        """The user-defined loss, applied to the outputs of the head; None if the loss is a built-in one."""

    # Fitting ----------------------------------------------------------------------------------------------------------

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        X_val: Any,
        y_val: Any,
        sample_weight_val: Any,
        groups: Any = None,
        time: Any = None,
        teacher: Any = None,
    ) -> None:
        """Implement ``fit``; subclasses define that method, because scikit-learn reads its signature there."""
        self._validate_params()
        settings = self._settings()
        before: Model | None = getattr(self, "model_", None) if self.warm_start else None
        if self.warm_start:
            check_single(settings, "warm_start", before)
        split_by = split_columns(groups, time, X_val is not None)
        rows, known = self._fitted_rows(X, y, sample_weight, before, split_by, teacher)
        given = self._given_rows(X_val, y_val, sample_weight_val, rows.table)
        parts, notes = splits_of(rows, given, settings, self._task)
        train = parts["train"].table
        settings = settings.suited(self._task, train.rows, len(train.columns))
        problem = self._problem(parts, before, settings, self._target_names(y, rows.table))
        problem = replace(problem, notes=(*problem.notes, *notes), teacher=known)
        problem = problem if known is None else with_teacher_checked(problem, diagnose=True)
        model = self._trained(problem, None if before is None or teaches_nothing(before.head) else before.theta, X, y)
        self._stream: Stream | None = None
        self.__dict__.update(self._fitted_from(model, X))

    def _problem(
        self, parts: Mapping[str, Rows], before: Model | None, settings: Settings, names: Sequence[str]
    ) -> Problem:
        """The problem made of the splits, with the columns, scales and network of an earlier model if there is one.

        A model of a constant target has learned nothing that predictions depend on, so it is ignored.
        """
        if before is None or teaches_nothing(before.head):
            train = parts["train"]
            head = self._head(train.truth, settings, names)
            goals = _target_columns(head, train.truth)
            schema = Schema.of_all(train.table, head.target.name, embeds=settings.embeds, targets=goals)
            return assemble(settings, schema, replace(head, custom_loss=self._own(head)), parts)
        if before.head.is_log != (settings.target_transform == "log"):
            learned = "the logarithm of y" if before.head.is_log else "y itself"
            raise UsageError(
                f"warm_start continues the fitted network, which learned {learned}, but target_transform is "
                f"{settings.target_transform!r}",
                hint="set warm_start=False to fit a new network",
            )
        head = before.head.updated(parts["train"].truth)
        head = replace(head, custom_loss=self._own(head)).with_metric(settings.metric)
        encoded = before.schema.encode(parts["train"].table)
        feature_map = before.feature_map.updated(encoded.numbers, encoded.codes)
        problem = assemble(settings, before.schema, head, parts, feature_map=feature_map)
        if before.network != problem.network:
            raise UsageError(
                "warm_start continues the fitted network, but the parameters describe a different one",
                hint="set warm_start=False to fit a new network",
            )
        return problem

    def _trained(self, problem: Problem, theta: NDArray[Any] | None, X: Any, y: Any) -> Model:
        """Train, with our callbacks and scikit-learn's, and return the model."""

        def attributes(progress: Progress) -> dict[str, Any]:
            stream = Stream(problem, 1, progress.state, progress.step, 0, tuple(progress.history))
            return self._fitted_attributes() | self._fitted_from(stream.model(), X)

        adapter = callback_adapter(self, problem.settings.epochs * problem.settings.ensemble_size, X, y, attributes)
        warned = Warned()
        watchers = [*(self.callbacks or ()), *([adapter] if adapter is not None else []), warned]
        try:
            model = fit_problem(problem, callbacks=watchers, theta=theta, compare=False)
        except InterruptedTraining as error:
            # scikit-learn's searches pass this exception on; any other would count as a failed candidate.
            raise KeyboardInterrupt(error.message) from error
        if adapter is not None:
            adapter.finish(self._fitted_attributes() | self._fitted_from(model, X))
        warned.warn(stacklevel=5)
        return model

    def _fitted_attributes(self) -> dict[str, Any]:
        """The attributes fitted before training: the classes, the names of the columns."""
        return {name: value for name, value in vars(self).items() if name.endswith("_") and name[0] != "_"}

    def _fitted_rows(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        before: Model | None,
        split_by: Mapping[str, Column],
        teacher: Any,
    ) -> tuple[Rows, Teacher | None]:
        """The training rows as a weighted set; without an earlier model, columns and classes are fitted on them.

        The group and the time are columns of the set, so that equal rows of two groups stay two rows.
        """
        table = self._table(X, y, None if before is None else before.kinds(), reset=before is None)
        weights = weights_of(sample_weight, table.rows)
        if before is None:
            self._infer_targets(y, weights)
        else:
            self._check_continues(y, weights)
        goal = _counting(self._goal(y, weights))
        known, taught = taught_by(teacher, table, self._aims(self._target_names(y, table)), self.loss)
        return Rows(with_columns(table, split_by), goal.truth, goal.weights, teacher=taught).distinct(), known

    def _given_rows(self, X_val: Any, y_val: Any, sample_weight_val: Any, train: Table) -> Rows | None:
        """The validation rows that the user passed, as a weighted set; None if there are none.

        Raises:
            UsageError: Only one of X_val and y_val was passed.
        """
        if X_val is None and y_val is None and sample_weight_val is None:
            return None
        if X_val is None or y_val is None:
            raise UsageError("validation rows need both X_val and y_val")
        kinds = {name: required_kind(column) for name, column in train.columns.items()}
        table = self._table(X_val, y_val, kinds, reset=False)
        goal = _counting(self._goal(y_val, weights_of(sample_weight_val, table.rows, "sample_weight_val")))
        return Rows(table, goal.truth, goal.weights).distinct()

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any, *, infer_targets: bool) -> None:
        """Implement ``partial_fit``; with ``infer_targets``, the first y determines the number of targets."""
        self._validate_params()
        model: Model | None = getattr(self, "model_", None)
        stream: Stream | None = getattr(self, "_stream", None)
        settings = self._settings()
        check_single(settings, "partial_fit", model)
        if chosen_rule(settings) is not None:
            raise UsageError(
                "a threshold is chosen on validation rows, and partial_fit has none",
                hint="set the threshold to a number",
            )
        kinds = None if model is None else model.kinds()
        if stream is not None:
            known = kinds or {}
            kinds = {
                name: known[name] if known.get(name) == ZERO_ONE and kind == "numeric" else kind
                for name, kind in stream.required_kinds.items()
            }
        table = self._table(X, y, None if kinds is None else admitting_bounds(kinds), reset=model is None)
        table = table if kinds is None else without_unused(table, kinds)
        weights = weights_of(sample_weight, table.rows, may_be_zero=True)
        if infer_targets and model is None:
            self._infer_targets(y, weights)
        goal = self._goal(y, weights)
        rows = Rows(table, goal.truth, goal.weights).counted()
        if not rows.table.rows:  # rows of weight 0 are ignored
            return
        stream = self._advanced(stream, model, rows, self._target_names(y, table))
        if late := late_bounds(stream.problem.schema, table):
            stream = stream.reading_bounds(late)
            for note in late_notes(late, "the first rows"):
                warnings.warn(note, BackpassWarning, stacklevel=4)
        self._stream = stream
        self.__dict__.update(self._fitted_from(stream.model(), X))

    def _advanced(self, stream: Stream | None, model: Model | None, rows: Rows, names: Sequence[str]) -> Stream:
        """The stream after these rows; a new stream begins with them, or from the fitted model."""
        if stream is not None:
            return stream.advanced(rows)
        problem = self._problem({"train": rows}, model, self._settings(), names)
        if model is None or teaches_nothing(model.head):
            return Stream.begin(problem, rows)
        return Stream.start(problem, model.theta).advanced(rows)

    def _target_names(self, y: Any, table: Table) -> list[str]:
        """The names of the columns of y, or "y", "y0", "y1" ...; no column of the table has any of these names."""
        given = getattr(y, "columns", None)
        given = [getattr(y, "name", None)] if given is None else list(given)
        names = [name.strip() if isinstance(name, str) else "" for name in given]
        if not all(names) or len(set(names)) != self._targets:
            names = ["y"] if self._targets == 1 else [f"y{j}" for j in range(self._targets)]
        while {*names} & {*table.columns}:
            names = [f"{name}_" for name in names]
        return names

    def _settings(self) -> Settings:
        return settings_of(self.get_params(deep=False), self._task, seed_of(self.random_state))

    def _table(self, X: Any, y: Any, kinds: Mapping[str, str] | None, *, reset: bool) -> Table:
        """X as a table with as many rows as y."""
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        table = table_of(self, X, reset=reset, kinds=kinds, reading=self.reading)
        check_consistent_length(table.row_numbers, y)
        check_unmasked(y, "y")
        return table

    def _fitted_from(self, model: Model, X: Any) -> dict[str, Any]:
        """The fitted attributes: the model and plain values taken from it."""
        return {
            "model_": model,
            "_library": library_of(X),
            "loss_curve_": [epoch.train_loss for epoch in model.history],
            "n_iter_": len(model.history),
            "best_epoch_": model.record.best_epoch,
        }

    @property
    def history_(self) -> Any:
        """One row per epoch: a data frame of the same library as X, or a list of dicts if X was not a data frame.

        It is made on access, so that the estimator itself holds plain values only.
        """
        if not hasattr(self, "model_"):
            raise AttributeError(f"{type(self).__name__} has no history_ before it is fitted")
        return history_in(getattr(self, "_library", None), self.model_.history)

    # Using ------------------------------------------------------------------------------------------------------------

    def _rows(self, X: Any) -> Table:
        """X as a table with the model's columns."""
        check_is_fitted(self, "model_")
        reading = {**(self.reading or {}), "missing": self.model_.schema.missing}
        return table_of(self, X, reset=False, kinds=self.model_.kinds(), reading=reading)

    def _outputs(self, X: Any) -> NDArray[Any]:
        return self._by_block(X, lambda rows: self.model_.outputs_with_warnings(rows))

    def _by_block(self, X: Any, compute: Callable[[Table], Any]) -> NDArray[Any]:
        """The results of a function of a table, for X; a sparse X is made dense in blocks of rows."""
        check_is_fitted(self, "model_")
        return np.concatenate([np.asarray(compute(self._rows(block))) for block in blocks_of(X)])

    def transform(self, X: Any) -> NDArray[Any]:
        """The penultimate activations a^[r-1] of each row, (n, m): learned features    CS229 (2.21)

        For an ensemble, those of all its networks, concatenated: (n, networks m).

        Args:
            X: Array or data frame (n, d).

        Returns:
            The features, as an array or in the container that ``set_output`` names.
        """
        return self.features(X)

    def features(self, X: Any) -> NDArray[Any]:
        """The result of ``transform``, always as an array.

        Args:
            X: Array or data frame (n, d).

        Returns:
            The features (n, m).
        """
        return self._by_block(X, lambda rows: self.model_.features(rows))

    @property
    def _n_features_out(self) -> int:
        model: Model = self.model_
        return sum(group.count * group.features for group in model.groups)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def _repr_html_inner(self) -> str:  # called by scikit-learn 1.6; later versions call the other
        return self._html_repr()

    def _html_repr(self) -> str:
        shown = str(estimator_html_repr(self))
        if not hasattr(self, "model_"):
            return shown
        return shown + picture_html(self.model_.plot.network_svg(), self.loss_curve_)


def _counting(goal: Goal) -> Goal:
    """The goal, if at least one row has a weight above 0.

    Raises:
        ValueError: Every weight is 0.
    """
    if goal.weights is not None and not goal.weights.any():
        raise ValueError("class_weight is zero for the classes of every row: at least one row must count")
    return goal


def _target_columns(head: Head, truth: NDArray[Any]) -> list[Column]:
    """The targets of rows (n,) or (n, k) as columns."""
    columns = list[Column]()
    for each, y in zip(head.targets, truth.reshape(len(truth), -1).T, strict=True):
        if each.target.task == "regression":
            columns.append(NumericColumn(each.target.name, y.astype(np.float64)))
        else:
            columns.append(CategoricalColumn(each.target.name, y.astype(np.int32) + 1, each.target.classes))
    return columns
