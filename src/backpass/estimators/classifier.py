"""The classifier: the class of each row, and how probable each class is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils import assert_all_finite, check_array, column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from backpass.errors import DataError, UsageError
from backpass.estimators.callback_adapter import with_callbacks
from backpass.estimators.columns import check_unmasked
from backpass.estimators.neural import Goal, NeuralEstimator, continues
from backpass.estimators.parameters import FOR_CLASSES, OWN, constraints, own_loss
from backpass.estimators.weights import with_classes
from backpass.model import Settings
from backpass.model.head.head import Head
from backpass.model.head.heads import AnyHead, Heads, LogitLoss
from backpass.model.settings.settings import BY_NAME
from backpass.network import Loss
from backpass.table import Target
from backpass.training import Callback
from backpass.training.function import Written

_ENGINE = BY_NAME["engine"].default


class BackpassClassifier(ClassifierMixin, NeuralEstimator):
    """A fully connected network that predicts classes, or labels that are on or off, trained on an ordinary CPU.

    preset: plain, fast, default, best or realmlp; every parameter that is None is what the preset says
    hidden_layer_sizes: units of the hidden layers; random_state: every random choice follows from it
    loss: cross_entropy, or a function of (logits, class numbers) that gives one number per row; it is traced, so it is
    made of operations. Logits are (n, k), or (n,) for two classes; of labels it is given them (n, k), as y.
    class_weight: a weight per class, or "balanced"; it multiplies sample_weight
    validation_fraction: share of the rows set aside to choose the best epoch; fit's X_val and y_val take their place
    patience: end after so many epochs without a better score; metric: the score, log_loss, error or accuracy [log_loss]
    ensemble: so many networks, whose predictions are averaged; it goes with neither warm_start nor partial_fit
    callbacks: ``backpass.training.Callback``s; scikit-learn's are given with ``set_callbacks``
    Other parameters: as in ``backpass.model.settings.settings.SETTINGS``.

    Learnt: model_ (a ``backpass.Model``), classes_, history_, loss_curve_, n_iter_, best_epoch_, n_features_in_,
    feature_names_in_ for frames.

    >>> X = np.array([[0.0], [0.1], [0.2], [0.8], [0.9], [1.0]])
    >>> small = BackpassClassifier(hidden_layer_sizes=(8,), epochs=50, dropout=0.0)
    >>> small.fit(X, ["low"] * 3 + ["high"] * 3).predict([[0.05], [0.95]]).tolist()
    ['low', 'high']
    """

    _task = "classification"
    _labels = 0
    """How many labels y has; 0 where it holds classes."""

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] | None = None,
        *,
        preset: str = "plain",
        activation: str | None = None,
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
        loss: str | Callable[..., Any] = "cross_entropy",
        label_smoothing: float | None = None,
        calibration: str | None = None,
        class_weight: str | Mapping[Any, float] | None = None,
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
        self.loss = loss
        self.label_smoothing = label_smoothing
        self.calibration = calibration
        self.class_weight = class_weight
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
    ) -> BackpassClassifier:
        """Train from the start, or with ``warm_start`` from where the last fit ended.

        X (n, d) array or data frame; texts and gaps are fine    sample_weight (n,)
        y (n,) classes of any kind; or (n, k) of 0 and 1, k labels of which any may be on, with one logistic output each

        Errors: ValueError, TypeError; DivergedError when training meets a number that is not finite.
        """
        self._fit(X, y, sample_weight, X_val, y_val, sample_weight_val)
        return self

    @available_if(continues)
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> BackpassClassifier:
        """One pass over these rows in their order, at a constant learning rate.

        The first call needs ``classes``, all there will ever be (of labels their numbers, which y says itself). The
        first rows fix columns, scales, the first theta and the batch size: those of the first call, if it has at least
        10 and everything varies in them. Otherwise these are provisional, and fitted anew as rows come in, the passes
        so far repeated (docs/decisions/0016). k calls equal one pass over the batches of all of them. After ``fit`` it
        continues with what was fitted. Chunks whose rows all have weight 0 change nothing.

        An ensemble does not have this method.
        """
        self._validate_params()
        if self.class_weight == "balanced":
            raise UsageError(
                "class_weight 'balanced' needs all rows at once, which partial_fit never has",
                hint="give the weights as a dict",
            )
        if not hasattr(self, "classes_"):
            if not self._settle_labels(y):
                if classes is None:
                    raise ValueError("classes must be passed on the first call to partial_fit.")
                self.classes_ = _classes(np.unique(column_or_1d(classes)))
        elif classes is not None and not np.array_equal(np.unique(column_or_1d(classes)), self.classes_):
            raise ValueError(f"classes={classes!r} are not those of the first call, {self.classes_.tolist()}")
        self._partial_fit(X, y, sample_weight, settle=False)
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """The probability of each class, (n, k) in the order of ``classes_``, or of each label."""
        outputs = self._outputs(X)
        return np.asarray(self.model_.head.predictions(outputs), dtype=np.float64)

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """The natural logarithm of ``predict_proba``, from the logits o: finite where a probability rounds to 0 or 1.

        log p_j = o_j - log(sum of exp(o)), and of two classes or a label log p = -log(1 + exp(-o))
        """
        o = self._outputs(X).astype(np.float64)
        if self._labels:
            return -np.logaddexp(0.0, -o)
        if o.shape[1] == 1:
            return -np.logaddexp(0.0, np.column_stack([o, -o]))
        return np.asarray(o - np.logaddexp.reduce(o, axis=1, keepdims=True))

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """The logits: (n,) of two classes, above 0 for the second; (n, k) of more, or of labels.

        The largest, or of a label a sign, is what ``predict`` says.
        """
        o = self._outputs(X).astype(np.float64)
        return np.asarray(o[:, 0] if o.shape[1] == 1 and not self._labels else o)

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of each row, (n,); or 1 for each label that is likelier on than off, (n, k)."""
        probabilities = self.predict_proba(X)
        if self._labels:
            return np.asarray(probabilities > 0.5, dtype=np.int64)
        return np.asarray(self.classes_[np.argmax(probabilities, axis=1)])

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of rows whose class is right; of labels, of rows whose labels all are."""
        check_unmasked(y, "y")
        check_unmasked(sample_weight, "sample_weight")
        return float(super().score(X, y, sample_weight))

    def _settle(self, y: Any, weights: NDArray[np.float64] | None) -> None:
        if self._settle_labels(y):
            return
        labels = _classes_in(y)
        self.classes_ = _classes(np.unique(labels if weights is None else labels[weights > 0]))

    def _check_continues(self, y: Any, weights: NDArray[np.float64] | None) -> None:
        if self._labels:
            return
        labels = _classes_in(y)
        present = set(labels.tolist() if weights is None else labels[weights > 0].tolist())
        if lacking := [label for label in self.classes_.tolist() if label not in present]:
            raise DataError(
                f"y lacks classes of the fit that warm_start continues: {lacking}; the classes are "
                f"{self.classes_.tolist()}",
                hint="partial_fit takes rows of some of the classes; without warm_start a fit takes the classes of y",
            )

    def _settle_labels(self, y: Any) -> bool:
        """Take over from y how many labels it has; whether it has any."""
        self._labels = _label_count(y)
        self._targets = self._labels or 1
        if self._labels:
            self.classes_ = np.arange(self._labels)
        return self._labels > 0

    def _goal(self, y: Any, weights: NDArray[np.float64] | None) -> Goal:
        if self._labels:
            if self.class_weight is not None:
                raise UsageError("class_weight is for classes; y holds labels, any of which may be on")
            return Goal(_labels_in(y, self._labels), weights)
        labels = _classes_in(y)
        known = {label: j for j, label in enumerate(self.classes_.tolist())}
        counted = labels if weights is None else labels[weights > 0]
        strange = [label for label in dict.fromkeys(counted.tolist()) if label not in known]
        if strange:
            raise DataError(f"y holds classes that are not known: {strange}; the classes are {list(known)}")
        codes = np.array([known.get(label, 0) for label in labels.tolist()], dtype=np.int32)
        return Goal(codes, with_classes(weights, codes, self.classes_, self.class_weight))

    def _head(self, truth: NDArray[Any], settings: Settings, names: Sequence[str]) -> AnyHead:
        if self._labels:
            each = [Target(name, "binary", ("0", "1"), "numeric") for name in names]
            return Heads(tuple(Head.fit(target, truth[:, j], settings) for j, target in enumerate(each)))
        classes = tuple(str(label) for label in self.classes_.tolist())
        return Head.fit(Target(names[0], "binary" if len(classes) == 2 else "multiclass", classes), truth, settings)

    def _own(self, head: AnyHead) -> Loss | None:
        function = own_loss(self.get_params(deep=False))
        return None if function is None else LogitLoss(Written(function))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _label_count(y: Any) -> int:
    """How many columns of labels y has; 0 where it holds classes."""
    labels = _array(y)
    return labels.shape[1] if labels.ndim == 2 and type_of_target(labels) == "multilabel-indicator" else 0


def _labels_in(y: Any, count: int) -> NDArray[np.int32]:
    """y as labels (n, count) of 0 and 1.    Errors: ValueError."""
    labels: NDArray[Any] = check_array(_array(y), dtype=None, input_name="y")
    if labels.shape[1] != count:
        raise ValueError(f"y must have shape ('n', {count}) as before, got {labels.shape}")
    if not np.isin(labels, (0, 1)).all():
        raise ValueError(f"labels are 0 or 1; y holds {np.unique(labels).tolist()}")
    return labels.astype(np.int32)


def _array(y: Any) -> NDArray[Any]:
    """y as an array; a sparse matrix of labels, too."""
    return np.asarray(y.toarray() if hasattr(y, "toarray") else y)


def _classes_in(y: Any) -> NDArray[Any]:
    """y as an array of classes.    Errors: ValueError."""
    labels: NDArray[Any] = column_or_1d(y, warn=True)
    assert_all_finite(labels, input_name="y")
    check_classification_targets(labels)
    return labels


def _classes(labels: NDArray[Any]) -> NDArray[Any]:
    """Labels that make classes.    Errors: DataError for fewer than two."""
    if len(labels) < 2:
        raise DataError(
            f"y has only one class, {labels.tolist()[0]!r}, among the rows whose weight is not 0", hint="two are needed"
        )
    return labels


BackpassClassifier._parameter_constraints = constraints(
    BackpassClassifier().get_params(deep=False), {**OWN, **FOR_CLASSES}
)
