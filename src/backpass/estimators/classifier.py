"""The classifier: predicts the class of each row and the probability of each class."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin

from backpass.circuit import Array
from backpass.errors import UsageError
from backpass.estimators.callback_adapter import with_callbacks
from backpass.estimators.columns import check_unmasked
from backpass.estimators.continuation import OfOneNetwork
from backpass.estimators.heads import class_head, class_target, label_head, label_targets
from backpass.estimators.logits import log_probabilities
from backpass.estimators.neural import Goal, NeuralEstimator
from backpass.estimators.parameters import OF_CLASSIFIER, constraints, own_loss
from backpass.estimators.targets import (
    at_least_two,
    check_classes_present,
    class_numbers,
    classes_given,
    classes_in,
    label_count,
    labels_in,
)
from backpass.estimators.weights import with_classes
from backpass.model import Settings
from backpass.model.head.head import Head
from backpass.model.head.losses import LogitLoss
from backpass.network import Loss
from backpass.table.targets import Targets
from backpass.training import Callback
from backpass.training.function import CallableLoss


class BackpassClassifier(ClassifierMixin, NeuralEstimator):
    """A fully connected network that predicts classes or binary labels (multilabel), trained on an ordinary CPU.

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
            by element. Default None ["selu"].
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
        loss: "cross_entropy", or a function of (logits, class numbers) that returns one number per row. It is traced,
            so it must be made of ``backpass.operations``. Logits are (n, k), or (n,) for two classes; for labels,
            logits and y are (n, k). Default "cross_entropy".
        label_smoothing: Probability that is spread evenly over all classes. Default None [0.0; 0.1 with the metrics
            error and accuracy].
        calibration: Calibration of the probabilities on the validation rows: "none" or "temperature". Default None
            ["temperature"].
        class_weight: A weight per class (dict), or "balanced"; it multiplies ``sample_weight``. The probabilities are
            those of the weighted rows, as in scikit-learn. Default None: 1 for every class.
        positive: Positive class of two: ``threshold``, ``cost`` and the metrics refer to it. Default None: the rarer
            one.
        threshold: Probability from which ``predict`` returns the positive class: a number, or "f1", "balanced" or
            "cost", which choose it on the validation rows. Default None: the most probable class.
        cost: Cost of each kind of error, {"false_positive": 50, "false_negative": 500}; the threshold then is the one
            that costs least. Default None.
        optimizer: Name of the optimizer. Default None ["adamw"].
        learning_rate: Learning rate alpha. Default None [0.04].
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
        metric: Metric that selects the best epoch: "log_loss", "accuracy", "error", "roc_auc", "average_precision",
            "f1", "precision", "recall", "balanced_accuracy", "mcc", "brier" or "calibration_error", or "loss" for a
            loss function of your own. Default None: that of the loss.
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
        classes_: The classes, sorted; for labels the numbers 0 to k - 1.
        history_: One record per epoch, as a data frame if X was one.
        loss_curve_: The training loss of each epoch.
        n_iter_: The number of epochs.
        best_epoch_: The epoch whose weights are kept.
        n_features_in_: The number of columns of X.
        feature_names_in_: The names of the columns, if X was a data frame.

    >>> X = np.array([[0.0], [0.1], [0.2], [0.8], [0.9], [1.0]])
    >>> small = BackpassClassifier(preset="plain", hidden_layer_sizes=(8,), epochs=100)
    >>> small.fit(X, ["low"] * 3 + ["high"] * 3).predict([[0.05], [0.95]]).tolist()
    ['low', 'high']
    """

    _task = "classification"
    _labels = 0
    """The number of labels in y; 0 if y holds classes."""

    def __init__(  # written by tools/write_signatures.py
        self,
        hidden_layer_sizes: int | Sequence[int] | None = None,
        *,
        preset: str | None = "default",
        activation: str | Callable[[Array], Array] | None = None,
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
        loss: str | Callable[..., Any] = "cross_entropy",
        label_smoothing: float | None = None,
        calibration: str | None = None,
        class_weight: str | Mapping[Any, float] | None = None,
        positive: str | float | None = None,
        threshold: float | str | None = None,
        cost: Mapping[str, float] | Sequence[tuple[str, float]] | None = None,
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
        self.loss = loss
        self.label_smoothing = label_smoothing
        self.calibration = calibration
        self.class_weight = class_weight
        self.positive = positive
        self.threshold = threshold
        self.cost = cost
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
    ) -> BackpassClassifier:
        """Train from scratch or, with ``warm_start``, continue from the last fit.

        Args:
            X: Array or data frame (n, d). Categorical columns and missing values are supported.
            y: Classes (n,) of any type; or k labels (n, k) of 0 and 1, any number of which may be 1 in a row
                (multilabel). Each label has one logistic output.
            sample_weight: Weight of each row (n,). Default None: 1.
            groups: Group of each row (n,), such as a patient or a customer. No group has both
                training and validation rows.
            time: Time of each row (n,), dates or numbers. The latest rows are used for validation instead
                of random ones.
            X_val, y_val, sample_weight_val: Validation rows, in place of ``validation_fraction``.
            teacher: Out-of-fold predictions of another model to learn from, next to y: the probability of each class
                (n, classes) in the order of ``classes_``, of the second of two classes (n,), or of each label (n, k);
                NaN in rows without a prediction. Weighted by ``teacher_weight``.

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
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> BackpassClassifier:
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
            y: Classes (n,), or labels (n, k) of 0 and 1.
            classes: All classes that will ever occur; required in the first call. Not needed for labels, whose
                number is the number of columns of y. Default None.
            sample_weight: Weight of each row (n,). Default None: 1.

        Returns:
            The estimator.

        Raises:
            ValueError: X, y, a weight or a parameter cannot be used.
            DivergedError: Training met a number that is not finite.
        """
        self._validate_params()
        if self.class_weight == "balanced":
            raise UsageError(
                "class_weight 'balanced' needs all rows at once, which partial_fit never has",
                hint="pass the weights as a dict",
            )
        if not hasattr(self, "classes_"):
            if not self._infer_labels(y):
                if classes is None:
                    raise ValueError("classes must be passed on the first call to partial_fit.")
                self.classes_ = at_least_two(classes_given(classes))
        elif classes is not None and not np.array_equal(classes_given(classes), self.classes_):
            raise ValueError(f"classes={classes!r} are not those of the first call, {self.classes_.tolist()}")
        self._partial_fit(X, y, sample_weight, infer_targets=False)
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """The probability of each class or label.

        Args:
            X: Array or data frame (n, d).

        Returns:
            The probabilities (n, k): of the classes, in the order of ``classes_``, or of each label.
        """
        return self._probabilities(self._outputs(X))

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """The natural logarithm of ``predict_proba``, from the logits o: exact where a probability rounds to 1.

        log p_j = o_j - log(sum of exp(o)); for two classes or a label log p = -log(1 + exp(-o)). It is -inf where
        ``predict_proba`` is 0, as in scikit-learn.

        Args:
            X: Array or data frame (n, d).

        Returns:
            The logarithms (n, k), as for ``predict_proba``.
        """
        outputs = self._outputs(X)
        return np.where(
            self._probabilities(outputs) > 0.0, log_probabilities(outputs, are_labels=self._labels > 0), -np.inf
        )

    def _probabilities(self, outputs: NDArray[Any]) -> NDArray[np.float64]:
        return np.asarray(self.model_.head.predictions(outputs), dtype=np.float64)

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """The logits: (n,) for two classes, positive for the second; (n, k) for more classes, or for labels.

        Without ``threshold``, ``predict`` returns the class with the largest logit, or for labels 1 where the logit is
        positive.

        Args:
            X: Array or data frame (n, d).
        """
        o = self._outputs(X).astype(np.float64)
        return np.asarray(o[:, 0] if o.shape[1] == 1 and not self._labels else o)

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the class or the labels of each row.

        The class is the most probable one or, with ``threshold``, the positive one wherever its probability reaches the
        threshold. A label is 1 where its probability exceeds 1/2.

        Args:
            X: Array or data frame (n, d).

        Returns:
            The classes (n,), or the labels (n, k).
        """
        probabilities = self.predict_proba(X)
        if self._labels:
            return np.asarray(probabilities > 0.5, dtype=np.int64)
        return np.asarray(self.classes_[self.model_.head.decided(probabilities)])

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The accuracy: the share of rows whose class is predicted correctly, or all of whose labels are.

        Args:
            X: Array or data frame (n, d).
            y: Classes (n,), or labels (n, k).
            sample_weight: Weight of each row (n,). Default None: 1.

        Returns:
            The score; 1 is perfect.
        """
        check_unmasked(y, "y")
        check_unmasked(sample_weight, "sample_weight")
        return float(super().score(X, y, sample_weight))

    def _infer_targets(self, y: Any, weights: NDArray[np.float64] | None) -> None:
        if self._infer_labels(y):
            return
        labels = classes_in(y)
        self.classes_ = at_least_two(np.unique(labels if weights is None else labels[weights > 0]))

    def _check_continues(self, y: Any, weights: NDArray[np.float64] | None) -> None:
        if self._labels:
            return
        check_classes_present(y, self.classes_, weights)

    def _infer_labels(self, y: Any) -> bool:
        """Store the number of labels in y; return whether y has labels."""
        self._labels = label_count(y)
        self._targets = self._labels or 1
        if self._labels:
            self.classes_ = np.arange(self._labels)
        return self._labels > 0

    def _goal(self, y: Any, weights: NDArray[np.float64] | None) -> Goal:
        if self._labels:
            if self.class_weight is not None:
                raise UsageError("class_weight needs classes; y holds several labels per row")
            return Goal(labels_in(y, self._labels), weights)
        codes = class_numbers(y, self.classes_, weights)
        return Goal(codes, with_classes(weights, codes, self.classes_, self.class_weight))

    def _head(self, truth: NDArray[Any], settings: Settings, names: Sequence[str]) -> Head:
        return (
            label_head(truth, settings, names) if self._labels else class_head(truth, settings, names[0], self.classes_)
        )

    def _aims(self, names: Sequence[str]) -> Targets:
        return label_targets(names) if self._labels else class_target(names[0], self.classes_)

    def _own(self, head: Head) -> Loss | None:
        function = own_loss(self.get_params(deep=False))
        return None if function is None else LogitLoss(CallableLoss(function))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


BackpassClassifier._parameter_constraints = constraints(BackpassClassifier().get_params(deep=False), OF_CLASSIFIER)
