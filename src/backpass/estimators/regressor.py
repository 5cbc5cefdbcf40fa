"""The regressor: predicts one number or several per row, or several quantiles of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.metrics import d2_pinball_score
from sklearn.utils.validation import check_is_fitted

from backpass.circuit import Array
from backpass.errors import UsageError
from backpass.estimators.callback_adapter import with_callbacks
from backpass.estimators.columns import check_unmasked
from backpass.estimators.continuation import OfOneNetwork
from backpass.estimators.heads import number_head, number_targets
from backpass.estimators.neural import Goal, NeuralEstimator
from backpass.estimators.parameters import constraints, own_loss, quantiles_of
from backpass.estimators.targets import numbers_in
from backpass.model import Model, Settings
from backpass.model.head.head import Head
from backpass.model.head.losses import UnscaledLoss
from backpass.network import Loss
from backpass.table.targets import Targets
from backpass.training import Callback
from backpass.training.function import CallableLoss


class BackpassRegressor(RegressorMixin, NeuralEstimator):
    """A fully connected network that predicts numbers, trained on an ordinary CPU.

    A parameter that is None takes the value of the preset, unless its description says otherwise. Values in square
    brackets are those of ``default``.

    ``default`` trains four networks and averages them. ``partial_fit`` and ``warm_start`` continue one network, so they
    need ``ensemble_size=1`` or the preset ``plain`` or ``realmlp``: an ensemble has no method ``partial_fit``, and its
    ``fit`` rejects ``warm_start=True``.

    Args:
        hidden_layer_sizes: Widths of the hidden layers: an int, or a sequence such as (64, 64). Default None
            [(128, 128)].
        preset: Named set of defaults: "plain", "notes", "fast", "default", "best" or "realmlp". None selects "plain" if
            a parameter describes the network or its training, and "default" otherwise, as ``backpass.fit`` does.
            Default "default".
        activation: Activation of the hidden layers: a name, or a function of ``backpass.operations`` that acts element
            by element. Default None ["mish"].
        output_activation: Activation of the output layer, likewise. Default "identity".
        wire: Hidden units with the columns that each of them reads, as (name, (column, ...)) pairs. Default (): dense
            layers.
        dropout: Dropout rate of the hidden layers, in [0, 1). Default None [0.15].
        initialization: Initialization of the weights. Default None ["data"].
        categorical_encoding: "one_hot" encodes categorical columns as 0 and 1, "scaled" scales these like numbers.
            Default None ["scaled"].
        max_one_hot_levels: Categorical columns with more categories than this get an embedding. Default None [8].
        embedding_dim: Dimension of the embeddings. Default None [8].
        principal_components: Number of principal components of the inputs that the network reads in their place.
            Default None [none; 32 with more columns than rows].
        quantile_features: Whether to add the quantile rank of each number as an input. Default None
            [True; False with more columns than rows].
        numerical_scaling: Scaling of numeric columns: "none", "standard" (mean and standard deviation) or "robust"
            (median and quartiles, smoothly clipped). Default None ["robust"].
        numerical_embedding: Embedding of each numeric column: "none" or "periodic". Default None ["periodic"; "none"
            with more columns than rows].
        frequency_scale: Standard deviation of the initial frequencies of periodic embeddings; several values: one per
            network, in turn. Default None [(0.1, 1.0, 10.0, 30.0)].
        learned_input_scale: Whether to learn a scale factor for each input. Default None [True].
        parametrization: "standard", or "ntk" for weights of order 1 at any width. Default None ["ntk"].
        parametric_activation: Whether to learn the strength of each unit's nonlinearity. Default None [True].
        clip_predictions: "training" clips predictions to the range of the training targets; "none" does not. Default
            None ["training"].
        target_transform: "log" learns the logarithm of y, which must be above 0; "none" learns y itself. Default
            "none".
        loss: "squared", "absolute", "huber", "quantile" or "poisson", or a function of (outputs, y), both in units of
            y, that returns one number per row. It is traced, so it must be made of ``backpass.operations``. Default
            "squared".
        quantile: q of the quantile loss, or several to predict at once. Default 0.5.
        huber_delta: Where the Huber loss becomes linear, in standard deviations of the target. Default 1.0.
        optimizer: Name of the optimizer. Default None ["adamw"].
        learning_rate: Learning rate alpha. Default None [0.2].
        schedule: Schedule of the learning rate. Default None ["coslog4"].
        momentum: Momentum coefficient of momentum and nesterov. Default None [0.9].
        beta1: Decay rate of Adam's first moment. Default None [0.9].
        beta2: Decay rate of Adam's second moment. Default None [0.95].
        weight_decay: Weight decay (decoupled L2). Default None [0.02].
        learning_rate_multiplier: Multipliers of the learning rate by parameter group, such as [("bias", 0.1)]. Default
            None [(("alpha", 0.1), ("bias", 0.1), ("frequency", 0.1), ("learned_input_scale", 6.0), ("mixture", 0.1),
            ("phase", 0.1))].
        dropout_schedule: Schedule of the dropout rate. Default None ["flat_cosine"].
        weight_decay_schedule: Schedule of the weight decay. Default None ["flat_cosine"].
        max_grad_norm: Maximum global gradient norm. Default None: no limit.
        batch_size: Rows per step, B. Default None [32 to 1024, depending on the number of rows].
        epochs: Passes over the training rows. Default None [64; 128 below 1,000 rows; 32 from 30,001 rows; 16 from
            100,001 rows].
        max_steps: Maximum number of steps. Default None: no limit.
        sampling: Scheme that samples the rows of a step. Default None ["epoch_drop_last"].
        validation_fraction: Share of the rows that are set aside to select the best epoch, unless ``fit`` gets X_val
            and y_val. Default None [0.16].
        patience: Stop after this many epochs without improvement. Default None [5/8 of the epochs].
        metric: Metric that selects the best epoch: "rmse", "mae", "r2", "median_absolute_error", "mape", "pinball" or
            "poisson_deviance", or "loss" for a loss function of your own. Default None: that of the loss.
        max_seconds: Stop after this many seconds. Default None: never.
        ensemble_size: Number of networks that are trained and averaged. Default None [4].
        candidates: Number of configurations that are tried; the best few are averaged. Default None [1].
        neighbors: Maximum number of training rows per network that also contribute to predictions, by kernel regression
            on learned features, if that clearly improves the score on held-out rows. The model stores the features of
            these rows. Default 0: none.
        ensemble_split: Validation rows of each network of an ensemble: "folds" (a fold of its own) or "split" (the same
            rows for all). Default None ["folds"].
        teacher_weight: Share of the loss that compares with the predictions of a teacher, if ``fit`` receives any.
            Default 0.25.
        precision: Number format of training: "float32", "bf16" (rounds the operands of large products) or "float64".
            Default "float32".
        engine: Engine that runs the circuits; "auto" selects the fastest. Default "auto".
        device: Device of the engine "jax", which requires it: "cpu", "cuda" or "tpu". Default None.
        threads: Threads of the native engine. Default None: all available cores.
        reading: How the columns of X are read: a dict of options of ``backpass.table.table_from``, such as
            ``{"categorical": ["id"], "missing": ["?"], "date_order": "day_first"}``. Default None: detected.
        warm_start: Whether ``fit`` continues from the last fit, which needs one network. Default False.
        callbacks: A list of ``backpass.Callback``; scikit-learn's own are set with ``set_callbacks``. Default None.
        random_state: Seed or generator of all random choices. Default 0.

    Attributes:
        model_: The fitted ``backpass.Model``.
        history_: One record per epoch, as a data frame if X was one.
        loss_curve_: The training loss of each epoch.
        n_iter_: The number of epochs.
        best_epoch_: The epoch whose weights are kept.
        n_features_in_: The number of columns of X.
        feature_names_in_: The names of the columns, if X was a data frame.
        n_outputs_: The number of predicted numbers per row.

    >>> X = np.linspace(0, 1, 50)[:, None]
    >>> small = BackpassRegressor(preset="plain", hidden_layer_sizes=(8,), epochs=300, learning_rate=0.03)
    >>> small.fit(X, X[:, 0] ** 2).predict([[0.7]]).round(1)
    array([0.5])
    """

    _task = "regression"

    def __init__(  # written by tools/write_signatures.py
        self,
        hidden_layer_sizes: int | Sequence[int] | None = None,
        *,
        preset: str | None = "default",
        activation: str | Callable[[Array], Array] | None = None,
        output_activation: str | Callable[[Array], Array] = "identity",
        wire: Sequence[tuple[str, Sequence[str]]] = (),
        dropout: float | None = None,
        initialization: str | None = None,
        categorical_encoding: str | None = None,
        max_one_hot_levels: int | None = None,
        embedding_dim: int | None = None,
        principal_components: int | None = None,
        quantile_features: bool | None = None,
        numerical_scaling: str | None = None,
        numerical_embedding: str | None = None,
        frequency_scale: float | Sequence[float] | None = None,
        learned_input_scale: bool | None = None,
        parametrization: str | None = None,
        parametric_activation: bool | None = None,
        clip_predictions: str | None = None,
        target_transform: str = "none",
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
        learning_rate_multiplier: Sequence[tuple[str, float]] | None = None,
        dropout_schedule: str | None = None,
        weight_decay_schedule: str | None = None,
        max_grad_norm: float | None = None,
        batch_size: int | None = None,
        epochs: int | None = None,
        max_steps: int | None = None,
        sampling: str | None = None,
        validation_fraction: float | None = None,
        patience: int | None = None,
        metric: str | None = None,
        max_seconds: float | None = None,
        ensemble_size: int | None = None,
        candidates: int | None = None,
        neighbors: int = 0,
        ensemble_split: str | None = None,
        teacher_weight: float = 0.25,
        precision: str = "float32",
        engine: str = "auto",
        device: str | None = None,
        threads: int | None = None,
        reading: Mapping[str, Any] | None = None,
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
        self.principal_components = principal_components
        self.quantile_features = quantile_features
        self.numerical_scaling = numerical_scaling
        self.numerical_embedding = numerical_embedding
        self.frequency_scale = frequency_scale
        self.learned_input_scale = learned_input_scale
        self.parametrization = parametrization
        self.parametric_activation = parametric_activation
        self.clip_predictions = clip_predictions
        self.target_transform = target_transform
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
        self.candidates = candidates
        self.neighbors = neighbors
        self.ensemble_split = ensemble_split
        self.teacher_weight = teacher_weight
        self.precision = precision
        self.engine = engine
        self.device = device
        self.threads = threads
        self.reading = reading
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
        groups: Any = None,
        time: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        teacher: Any = None,
    ) -> BackpassRegressor:
        """Train from scratch or, with ``warm_start``, continue from the last fit.

        Args:
            X: Array or data frame (n, d). Categorical columns and missing values are supported.
            y: Numbers (n,), or (n, k) for several targets.
            sample_weight: Weight of each row (n,). Default None: 1.
            groups: Group of each row (n,), such as a patient or a customer. No group has both
                training and validation rows.
            time: Time of each row (n,), dates or numbers. The latest rows are used for validation instead
                of random ones.
            X_val, y_val, sample_weight_val: Validation rows, in place of ``validation_fraction``.
            teacher: Out-of-fold predictions of another model to learn from, next to y: (n,) or (n, k), NaN in
                rows without a prediction. Weighted by ``teacher_weight``.

        Returns:
            The fitted estimator.

        Raises:
            ValueError: X, y, a weight or a parameter cannot be used.
            TypeError: X or y has a type that cannot be used.
            DivergedError: Training met a number that is not finite.
        """
        self._fit(X, y, sample_weight, X_val, y_val, sample_weight_val, groups, time, teacher)
        return self

    @OfOneNetwork
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> BackpassRegressor:
        """Train for one pass over these rows in their order, at a constant learning rate.

        The first rows fix columns, scales, the first theta and the batch size: those of the first call, if it has at
        least 10 rows and every column and target varies in them. Otherwise these are provisional: they are refitted
        as rows arrive, and the passes so far are repeated (docs/decisions/0016). k calls equal one pass over the
        batches of all of them. After ``fit``, training continues from the fitted model. Calls whose rows all have
        weight 0 change nothing.

        An ensemble does not have this method; the preset "default" trains one, so set ``ensemble_size=1`` or another
        preset, such as "plain".

        Args:
            X: Array or data frame (n, d).
            y: Numbers (n,) or (n, k).
            sample_weight: Weight of each row (n,). Default None: 1.

        Returns:
            The estimator.

        Raises:
            ValueError: X, y, a weight or a parameter cannot be used.
            DivergedError: Training met a number that is not finite.
        """
        self._partial_fit(X, y, sample_weight, infer_targets=True)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Predict the target of each row.

        Args:
            X: Array or data frame (n, d).

        Returns:
            The predicted numbers (n,); for several targets or quantiles (n, k).
        """
        outputs = self._outputs(X)
        return np.asarray(self.model_.head.predictions(outputs), dtype=np.float64)

    def predict_interval(self, X: Any, level: float = 0.9) -> NDArray[np.float64]:
        """Prediction interval of each row: its lower and upper end; it contains y with probability ``level``.

        Split conformal prediction from the residuals of the validation rows; see ``backpass.Model.predict_interval``.

        Args:
            X: Array or data frame (n, d).
            level: The coverage, in (0, 1). Default 0.9.

        Returns:
            The ends (n, 2), or (n, k, 2) if y is (n, k). The level holds for each target separately.

        Raises:
            ValueError: The predictions are several quantiles, or the model has no validation rows or too few.
        """
        check_is_fitted(self, "model_")
        model: Model = self.model_
        return self._by_block(X, lambda rows: model.predict_interval(rows, level))

    def predict_quantiles(self, X: Any, quantiles: Sequence[float] = (0.05, 0.5, 0.95)) -> NDArray[np.float64]:
        """Quantiles of the target of each row, ascending; the middle one is the prediction.

        The others are the ends of ``predict_interval``: see ``backpass.Model.predict_quantiles``.

        Args:
            X: Array or data frame (n, d).
            quantiles: The quantiles, each in (0, 1). Default (0.05, 0.5, 0.95).

        Returns:
            The quantiles (n, q), or (n, k, q) if y is (n, k).

        Raises:
            ValueError: As for ``predict_interval``; also if a quantile is outside (0, 1), or if the loss already makes
                the predictions quantiles.
        """
        check_is_fitted(self, "model_")
        model: Model = self.model_
        return self._by_block(X, lambda rows: model.predict_quantiles(rows, quantiles))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The coefficient of determination R^2; for several quantiles D^2, the fraction of pinball loss explained.

        Args:
            X: Array or data frame (n, d).
            y: Numbers (n,) or (n, k).
            sample_weight: Weight of each row (n,). Default None: 1.

        Returns:
            The score; 1 is perfect.
        """
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

    def _infer_targets(self, y: Any, weights: NDArray[np.float64] | None) -> None:
        self._shape = numbers_in(y).shape[1:]
        self._targets = int(np.prod(self._shape, dtype=int))
        quantiles = quantiles_of(self.get_params(deep=False))
        self.n_outputs_ = len(quantiles) or self._targets

    def _goal(self, y: Any, weights: NDArray[np.float64] | None) -> Goal:
        numbers = numbers_in(y)
        shape = numbers.shape[1:]
        if shape != self._shape:
            raise ValueError(f"y must have shape {('n', *self._shape)} as before; got {numbers.shape}")
        quantiles = quantiles_of(self.get_params(deep=False))
        if quantiles and shape:
            raise UsageError("several quantiles at once need a single target", hint="give y as (n,)")
        return Goal(np.repeat(numbers[:, None], len(quantiles), axis=1) if quantiles else numbers, weights)

    def _head(self, truth: NDArray[Any], settings: Settings, names: Sequence[str]) -> Head:
        return number_head(truth, settings, names, quantiles_of(self.get_params(deep=False)))

    def _aims(self, names: Sequence[str]) -> Targets:
        return number_targets(names, quantiles_of(self.get_params(deep=False)))

    def _own(self, head: Head) -> Loss | None:
        function = own_loss(self.get_params(deep=False))
        if function is None:
            return None
        if head.is_log:
            raise UsageError(
                "target_transform 'log' needs a loss by name: a function computes the loss in the unit of the target",
                hint="leave out the loss or the transform",
            )
        return UnscaledLoss.of(CallableLoss(function), head.scales, is_flat=head.is_flat)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


BackpassRegressor._parameter_constraints = constraints(BackpassRegressor().get_params(deep=False))
