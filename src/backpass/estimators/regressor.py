"""The regressor: one number or several per row, or several quantiles of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.metrics import d2_pinball_score
from sklearn.utils import check_array
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from backpass.errors import UsageError
from backpass.estimators.callback_adapter import with_callbacks
from backpass.estimators.columns import check_unmasked
from backpass.estimators.neural import Goal, NeuralEstimator, continues
from backpass.estimators.parameters import constraints, own_loss, quantiles_of
from backpass.model import Model, Settings
from backpass.model.head.head import Head
from backpass.model.head.heads import AnyHead, Heads, UnscaledLoss
from backpass.model.settings.settings import BY_NAME
from backpass.network import Loss
from backpass.table import Target
from backpass.training import Callback
from backpass.training.function import Written

_ENGINE = BY_NAME["engine"].default


class BackpassRegressor(RegressorMixin, NeuralEstimator):
    """A fully connected network that predicts numbers, trained on an ordinary CPU.

    preset: plain, fast, default, best or realmlp; every parameter that is None is what the preset says
    hidden_layer_sizes: units of the hidden layers; random_state: every random choice follows from it
    loss: squared, absolute, huber, quantile, poisson, or a function of (outputs, y) in units of y that gives one number
    per row; it is traced, so it is made of operations    quantile: one number, or several to predict at once
    validation_fraction: share of the rows set aside to choose the best epoch; fit's X_val and y_val take their place
    patience: end after so many epochs without a better score; metric: the score [that of the loss]
    ensemble: so many networks, whose predictions are averaged; it goes with neither warm_start nor partial_fit
    callbacks: ``backpass.training.Callback``s; scikit-learn's are given with ``set_callbacks``
    Other parameters: as in ``backpass.model.settings.settings.SETTINGS``.

    Learnt: model_ (a ``backpass.Model``), history_, loss_curve_, n_iter_, best_epoch_, n_features_in_,
    feature_names_in_ for frames, n_outputs_.

    >>> X = np.linspace(0, 1, 50)[:, None]
    >>> small = BackpassRegressor(hidden_layer_sizes=(8,), epochs=100, dropout=0.0, learning_rate=0.03)
    >>> small.fit(X, X[:, 0] ** 2).predict([[0.5]]).round(1)
    array([0.2])
    """

    _task = "regression"

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] | None = None,
        *,
        preset: str = "plain",
        activation: str | None = None,
        output_activation: str = "identity",
        wire: Sequence[Any] = (),
        dropout: float | None = None,
        initialization: str | None = None,
        categorical_encoding: str | None = None,
        max_one_hot_levels: int | None = None,
        embedding_dim: int | None = None,
        quantile_features: bool | None = None,
        numerical_embedding: str | None = None,
        frequency_scale: float | Sequence[float] | None = None,
        learned_input_scale: bool | None = None,
        parametrization: str | None = None,
        parametric_activation: bool | None = None,
        clip_predictions: str | None = None,
        loss: str | Callable[..., Any] = "squared",
        quantile: float | Sequence[float] = 0.5,
        huber_delta: float = 1.0,
        optimizer: str | None = None,
        learning_rate: float | None = None,
        schedule: str | None = None,
        momentum: float | None = None,
        beta1: float | None = None,
        beta2: float | None = None,
        weight_decay: float | None = None,
        learning_rate_multiplier: Sequence[Any] | None = None,
        dropout_schedule: str | None = None,
        weight_decay_schedule: str | None = None,
        max_grad_norm: float | None = None,
        batch_size: int | None = None,
        epochs: int | None = None,
        max_steps: int | None = None,
        sampling: str | None = None,
        validation_fraction: float = 0.16,
        patience: int | None = None,
        metric: str | None = None,
        max_seconds: float | None = None,
        ensemble_size: int | None = None,
        ensemble_split: str | None = None,
        precision: str = "float32",
        engine: str = _ENGINE,
        threads: int | None = None,
        warm_start: bool = False,
        callbacks: Sequence[Callback] | None = None,
        random_state: Any = 0,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.preset = preset
        self.activation = activation
        self.output_activation = output_activation
        self.wire = wire
        self.dropout = dropout
        self.initialization = initialization
        self.categorical_encoding = categorical_encoding
        self.max_one_hot_levels = max_one_hot_levels
        self.embedding_dim = embedding_dim
        self.quantile_features = quantile_features
        self.numerical_embedding = numerical_embedding
        self.frequency_scale = frequency_scale
        self.learned_input_scale = learned_input_scale
        self.parametrization = parametrization
        self.parametric_activation = parametric_activation
        self.clip_predictions = clip_predictions
        self.loss = loss
        self.quantile = quantile
        self.huber_delta = huber_delta
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.momentum = momentum
        self.beta1 = beta1
        self.beta2 = beta2
        self.weight_decay = weight_decay
        self.learning_rate_multiplier = learning_rate_multiplier
        self.dropout_schedule = dropout_schedule
        self.weight_decay_schedule = weight_decay_schedule
        self.max_grad_norm = max_grad_norm
        self.batch_size = batch_size
        self.epochs = epochs
        self.max_steps = max_steps
        self.sampling = sampling
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.metric = metric
        self.max_seconds = max_seconds
        self.ensemble_size = ensemble_size
        self.ensemble_split = ensemble_split
        self.precision = precision
        self.engine = engine
        self.threads = threads
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.random_state = random_state

    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> BackpassRegressor:
        """Train from the start, or with ``warm_start`` from where the last fit ended.

        X (n, d) array or data frame; texts and gaps are fine    y (n,) or (n, k)    sample_weight (n,)

        Errors: ValueError, TypeError; DivergedError when training meets a number that is not finite.
        """
        self._fit(X, y, sample_weight, X_val, y_val, sample_weight_val)
        return self

    @available_if(continues)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> BackpassRegressor:
        """One pass over these rows in their order, at a constant learning rate.

        The first rows fix columns, scales, the first theta and the batch size: those of the first call, if it has at
        least 10 and everything varies in them. Otherwise these are provisional, and fitted anew as rows come in, the
        passes so far repeated (docs/decisions/0016). k calls equal one pass over the batches of all of them. After
        ``fit`` it continues with what was fitted. Chunks whose rows all have weight 0 change nothing.

        An ensemble does not have this method.
        """
        self._partial_fit(X, y, sample_weight, settle=True)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """The number, (n,), or the numbers or quantiles, (n, k), for each row."""
        outputs = self._outputs(X)
        return np.asarray(self.model_.head.predictions(outputs), dtype=np.float64)

    def predict_interval(self, X: Any, level: float = 0.9) -> NDArray[np.float64]:
        """Low and high (n, 2) of an interval around each prediction that holds y with chance ``level``.

        Split conformal prediction with the residuals of the validation rows: see ``backpass.Model.predict_interval``.

        Errors: ValueError for several targets or quantiles, and where validation rows lack or are too few.
        """
        return self._fitted("intervals").predict_interval(self._rows(X), level)

    def predict_quantiles(self, X: Any, quantiles: Sequence[float] = (0.05, 0.5, 0.95)) -> NDArray[np.float64]:
        """Quantiles (n, k) of the number to expect for each row, ascending; the middle one is the prediction.

        The others are the ends of ``predict_interval``: see ``backpass.Model.predict_quantiles``.

        Errors: ValueError as for ``predict_interval``, for quantiles outside (0, 1), and where the loss has made
        quantiles of the predictions already.
        """
        return self._fitted("quantiles").predict_quantiles(self._rows(X), quantiles)

    def _fitted(self, what: str) -> Model:
        """The model, which has intervals or quantiles where y was (n,)."""
        check_is_fitted(self, "model_")
        if self._shape:
            raise UsageError(f"{what} need a single target", hint="give y as (n,)")
        model: Model = self.model_
        return model

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R^2; for several quantiles the mean share of pinball loss that is explained (D^2)."""
        check_unmasked(y, "y")
        check_unmasked(sample_weight, "sample_weight")
        quantiles = quantiles_of(self.get_params(deep=False))
        if not quantiles:
            return float(super().score(X, y, sample_weight))
        predicted = self.predict(X)
        each = [
            d2_pinball_score(y, predicted[:, j], alpha=q, sample_weight=sample_weight) for j, q in enumerate(quantiles)
        ]
        return float(np.mean(each))

    def _settle(self, y: Any, weights: NDArray[np.float64] | None) -> None:
        self._shape = _numbers(y).shape[1:]
        self._targets = int(np.prod(self._shape, dtype=int))
        quantiles = quantiles_of(self.get_params(deep=False))
        self.n_outputs_ = len(quantiles) or self._targets

    def _goal(self, y: Any, weights: NDArray[np.float64] | None) -> Goal:
        numbers = _numbers(y)
        shape = numbers.shape[1:]
        if shape != self._shape:
            raise ValueError(f"y must have shape {('n', *self._shape)} as before, got {numbers.shape}")
        quantiles = quantiles_of(self.get_params(deep=False))
        if quantiles and shape:
            raise UsageError("several quantiles at once need a single target", hint="give y as (n,)")
        return Goal(np.repeat(numbers[:, None], len(quantiles), axis=1) if quantiles else numbers, weights)

    def _head(self, truth: NDArray[Any], settings: Settings, names: Sequence[str]) -> AnyHead:
        if truth.ndim == 1:
            return Head.fit(Target(names[0], "regression"), truth, settings)
        if quantiles := quantiles_of(self.get_params(deep=False)):
            each = [(names[0], replace(settings, quantile=q)) for q in quantiles]
        else:
            each = [(name, settings) for name in names]
        return Heads(
            tuple(Head.fit(Target(name, "regression"), truth[:, j], stop) for j, (name, stop) in enumerate(each))
        )

    def _own(self, head: AnyHead) -> Loss | None:
        function = own_loss(self.get_params(deep=False))
        return None if function is None else UnscaledLoss.of(Written(function), head)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _numbers(y: Any) -> NDArray[np.float64]:
    """y as numbers (n,) or (n, k).    Errors: ValueError."""
    numbers: NDArray[np.float64] = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
    return numbers


BackpassRegressor._parameter_constraints = constraints(BackpassRegressor().get_params(deep=False))
