"""Training of any h_theta(x) built from operations, not only networks (CS229 section 1 and its footnote 1).

It takes h, an initial theta in any nested structure, and examples, and returns theta in the same structure. Tables,
scaling and model files live elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.circuit import Array, Spec, label, trace
from backpass.circuit.spec import check_unmasked, text_of
from backpass.circuit.structure import flatten
from backpass.dataclass import dataclass
from backpass.engine import Engine, default_engine
from backpass.errors import (
    InterruptedTraining,
    ShapeError,
    UsageError,
    function_errors,
    seed_errors,
    whole_number_errors,
)
from backpass.network.layers import RandomKey
from backpass.network.losses import BinaryCrossEntropy, CrossEntropy, LabelCrossEntropy, Loss, loss_named, mean_loss
from backpass.network.parameters import Layout, Parameter
from backpass.training.callback import Callback, check_callbacks
from backpass.training.loop import TrainingRun
from backpass.training.optimizer import Optimizer, OptimizerOptions, optimizer_named
from backpass.training.progress import EpochRecord, StepRecord
from backpass.training.sampling import sampling_named
from backpass.training.schedules import schedule_named
from backpass.training.settings import TrainingSettings

PerExample = Callable[[Array, Array], Array]
"""(outputs, y) -> J^(i), one number per example."""


@dataclass(frozen=True, slots=True)
class FittedFunction:
    """Result of ``fit_function``.

    Attributes:
        theta: The best parameters, in the structure of the initial ones.
        history: One record per epoch.
        reason: Why the run ended; see ``TrainingResult``.
        non_finite: What was not finite, if the run diverged.
    """

    theta: Any
    history: tuple[EpochRecord, ...]
    reason: str
    non_finite: str = ""


def fit_function(
    h: Callable[[Any, Array], Array],
    theta: Any,
    x: Any,
    y: Any,
    *,
    loss: str | Loss | PerExample = "squared",
    optimizer: str | Optimizer = "adam",
    learning_rate: float = 0.01,
    schedule: str = "constant",
    batch_size: int = 256,
    epochs: int = 100,
    max_steps: int | None = None,
    sampling: str = "epoch",
    seed: int = 0,
    sample_weight: Any = None,
    validation: Sequence[Any] | None = None,
    patience: int | None = None,
    max_seconds: float | None = None,
    callbacks: Sequence[Callback] = (),
    watch: Callable[[StepRecord], None] | None = None,
    engine: Engine | None = None,
) -> FittedFunction:
    """Train any function h(theta, x) of arrays that is built from operations.

    J(theta) = sum of w^(i) J^(i) / sum of w^(i),  J^(i) = loss(h_theta(x^(i)), y^(i))    CS229 (1.1), (1.2)

    Args:
        h: h(theta, x) -> outputs (n,) or (n, k), composed of operations.
        theta: The initial parameters: a number, an array, or a nested dict, tuple or list of them.
        x: The examples, (n, ...).
        y: The targets, (n,) or (n, k).
        loss: A name, a ``Loss``, or a function (outputs, y) -> J^(i), (n,).
        optimizer: A name or an ``Optimizer``.
        learning_rate: alpha.
        schedule: The name of the learning rate schedule.
        batch_size: B, in rows.
        epochs: The number of epochs.
        max_steps: The maximum number of steps.
        sampling: The name of the sampling scheme.
        seed: The seed of all random draws.
        sample_weight: w, (n,); by default 1 for every example.
        validation: (x, y) or (x, y, weights). With validation data the theta of the best epoch is kept, else the last
            one.
        patience: Stop after this many epochs without improvement of the validation score.
        max_seconds: Time limit in seconds.
        callbacks: Observers of the run.
        watch: Called after every step with J, theta (in the structure of the initial one) and the rows of the step.
        engine: The engine; by default the fastest available one.

    Returns:
        The fitted function. A run that diverges does not raise: ``reason`` is "diverged", ``non_finite`` names the
        origin, and ``theta`` holds the last good parameters.

    Raises:
        UsageError: If settings are invalid; all of them are listed.
        ShapeError: If the shapes of arrays, outputs or loss do not match.
        InterruptedTraining: On SIGINT (Ctrl-C) or SIGTERM; its ``model`` is the FittedFunction so far.

    In the example of CS229 footnote 1, h = theta_1^2 x_1^2 + theta_2^2 x_2^2 determines each theta up to its sign:

    >>> x = numpy.random.default_rng(0).normal(size=(200, 2))
    >>> y = x**2 @ numpy.array([9.0, 0.25])
    >>> h = lambda theta, x: (theta**2 * x**2).sum(axis=1)
    >>> fitted = fit_function(h, numpy.array([1.0, -1.0]), x, y, learning_rate=0.1, epochs=300)
    >>> abs(fitted.theta).round(4), fitted.reason
    (array([3. , 0.5]), 'finished')
    """
    settings = TrainingSettings(
        learning_rate, schedule, batch_size, epochs, max_steps, sampling, seed, patience, max_seconds
    )
    chosen = optimizer if isinstance(optimizer, Optimizer) else optimizer_named(optimizer, OptimizerOptions())
    errors = _errors(settings) + function_errors(watch=watch)
    if not callable(h):
        errors.insert(0, f"h must be a function of theta and x; got a value of type {type(h).__name__}")
    if not (isinstance(loss, str | Loss) or callable(loss)):
        errors.append(f"loss must be a name, a Loss or a function; got a value of type {type(loss).__name__}")
    if not isinstance(engine, Engine | None):
        errors.append(f"engine must be an Engine (see engine_named); got a value of type {type(engine).__name__}")
    if errors:
        raise UsageError("fit_function cannot start", details=errors)
    check_callbacks(callbacks)
    measure = _loss_of(loss)
    parameters = _Parameters.of(theta)
    examples = _examples("", x, y, sample_weight, parameters.dtype)
    held_out = None if validation is None else _examples("validation ", *_three(validation), parameters.dtype)
    classes = max(_classes(measure, part) for part in (examples, held_out) if part is not None)

    def J(vector: Array, rows: Sequence[Array]) -> Array:  # noqa: N802  the notes' name
        x, y, weights = rows
        with label("h(theta, x)"):
            o = h(parameters.tree(vector), x)
        o, y = _paired(o, y, weights, measure, classes)
        return mean_loss(measure, o, y, weights)

    def objective(vector: Array, batch: tuple[Array, ...], draws: RandomKey) -> Array:
        return J(vector, batch)

    runner = engine if engine is not None else default_engine()
    validate = None if held_out is None else _score(J, parameters, held_out, runner)
    run = TrainingRun(objective, parameters.start, examples, chosen, settings, runner, validate, callbacks)
    if watch is not None:
        run.callbacks = [*callbacks, _Watch(watch, parameters)]
    result = run.run()
    theta = parameters.result(result.theta)
    fitted = FittedFunction(theta, tuple(result.progress.history), result.reason, result.non_finite)
    if result.reason == "interrupted":
        interrupted = InterruptedTraining(f"interrupted after {result.progress.step} steps")
        interrupted.model, interrupted.signal = fitted, result.signal or 0
        raise interrupted
    return fitted


# theta ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Parameters:
    """The leaves of theta in one vector, and the map back to the original structure."""

    start: NDArray[Any]
    layout: Layout
    rebuild: Callable[[Any], Any]
    are_numbers: tuple[bool, ...]

    @staticmethod
    def of(theta: Any) -> _Parameters:
        leaves, rebuild = flatten(theta)
        for leaf in leaves:
            check_unmasked(leaf, "theta")
        arrays = [numpy.asarray(leaf) for leaf in leaves]
        wrong = [a.dtype.name for a in arrays if a.dtype.kind not in "iuf"]
        if wrong or sum(a.size for a in arrays) == 0:
            raise UsageError(
                f"theta must hold real numbers; got {', '.join(wrong) or 'none'}",
                hint="pass an array, or a nested dict, tuple or list of arrays",
            )
        dtype = numpy.result_type(*(a.dtype if a.dtype.kind == "f" else numpy.float64 for a in arrays))
        layout = Layout(tuple(Parameter(str(i), a.shape, "weight", 1, 1) for i, a in enumerate(arrays)))
        start = layout.vector({str(i): a for i, a in enumerate(arrays)}, dtype)
        if not numpy.isfinite(start).all():
            raise UsageError("theta must hold finite numbers")
        return _Parameters(start, layout, rebuild, tuple(isinstance(leaf, int | float) for leaf in leaves))

    @property
    def dtype(self) -> numpy.dtype[Any]:
        return self.start.dtype

    def tree(self, vector: Array) -> Any:
        """The vector, traced or not, in the structure of theta."""
        return self.rebuild(iter(self.layout.views(vector).values()))

    def result(self, vector: NDArray[Any]) -> Any:
        """Like ``tree``, with copies of the arrays, and plain numbers for leaves that were plain numbers."""
        views = self.layout.views(vector).values()
        leaves = [float(v) if number else v.copy() for v, number in zip(views, self.are_numbers, strict=True)]
        return self.rebuild(iter(leaves))


class _Watch(Callback):
    """Passes every step on to a function, with theta in its structure."""

    def __init__(self, watch: Callable[[StepRecord], None], parameters: _Parameters) -> None:
        self.watch, self.parameters = watch, parameters

    def on_update(self, record: StepRecord) -> None:
        self.watch(replace(record, theta=self.parameters.result(record.theta)))


# Examples -------------------------------------------------------------------------------------------------------------


def _three(validation: Sequence[Any]) -> tuple[Any, Any, Any]:
    if not isinstance(validation, tuple | list) or len(validation) not in (2, 3):
        raise UsageError("validation must be (x, y) or (x, y, weights)")
    return validation[0], validation[1], validation[2] if len(validation) == 3 else None


def _examples(which: str, x: Any, y: Any, weights: Any, dtype: numpy.dtype[Any]) -> tuple[NDArray[Any], ...]:
    """Convert x, y and weights to arrays with one row per example; integers keep their dtype."""
    for name, value in (("x", x), ("y", y), ("sample_weight", weights)):
        check_unmasked(value, f"{which}{name}")
    arrays = [numpy.asarray(x), numpy.asarray(y)]
    for name, array in zip("xy", arrays, strict=True):
        if array.dtype.kind not in "biuf":
            raise UsageError(f"{which}{name} must hold numbers; got {array.dtype.name}")
    rows = arrays[0].shape[0] if arrays[0].ndim else 0
    if rows == 0:
        raise UsageError(f"{which}x must hold at least one example; got shape {text_of(arrays[0].shape)}")
    if weights is not None and (kind := numpy.asarray(weights).dtype).kind not in "biuf":
        raise UsageError(f"{which}sample_weight must hold numbers; got {kind.name}")
    arrays.append(numpy.ones(rows, dtype) if weights is None else numpy.asarray(weights, dtype))
    for name, array in zip(("y", "sample_weight"), arrays[1:], strict=True):
        if array.ndim not in ((1, 2) if name == "y" else (1,)) or array.shape[0] != rows:
            shapes = f"[{rows}] or [{rows}, k]" if name == "y" else f"[{rows}]"
            raise ShapeError(f"{which}{name} expected shape {shapes} to match x; got {text_of(array.shape)}")
    w = arrays[2]
    if not (numpy.isfinite(w).all() and (w >= 0).all() and w.any()):
        raise UsageError(f"{which}sample_weight must be finite, at least 0, and not 0 everywhere")
    return tuple(array.astype(dtype, copy=False) if array.dtype.kind == "f" else array for array in arrays)


# Loss -----------------------------------------------------------------------------------------------------------------


_CALLED = (
    "the loss is called as loss(o, y), with outputs o of {} and targets y of {}, and returns one number per example; "
    "it is traced, so it can use arithmetic, the functions of backpass.operations, and those of NumPy that "
    "docs/reference/calculus.md lists"
)
"""The note on an error in a user-defined loss."""


@dataclass(frozen=True, slots=True)
class CallableLoss(Loss):
    """A user-defined loss function."""

    function: PerExample

    def per_example(self, o: Array, y: Array) -> Array:
        try:
            J, n = self.function(o, y), o.shape[0]
        except Exception as error:
            error.add_note(_CALLED.format(_text(o.shape, o.shape[0]), _text(y.shape, o.shape[0])))
            raise
        shape = getattr(J, "shape", ())
        if shape != (n,):
            raise ShapeError(
                f"the loss returned {_text(shape, n) if hasattr(J, 'shape') else repr(J)}; expected one number per "
                "example: [n]",
                hint="leave the mean over examples out; sum over outputs with .sum(axis=1)",
            )
        return J


def _loss_of(loss: str | Loss | PerExample) -> Loss:
    if isinstance(loss, Loss):
        return loss
    return loss_named(loss) if isinstance(loss, str) else CallableLoss(loss)


def _paired(o: Array, y: Array, weights: Array, loss: Loss, classes: int) -> tuple[Array, Array]:
    """Bring outputs and targets into the shapes that the loss takes.

    Raises:
        ShapeError: If the outputs of h do not match; the message states their shape.
    """
    n = weights.shape[0]
    shape: tuple[Any, ...] = getattr(o, "shape", ())
    if len(shape) not in (1, 2) or shape[0] != n:
        raise ShapeError(
            f"h returned {_text(shape, n)}; expected one output or one row of outputs per example: [n] or [n, k]"
        )
    if isinstance(loss, CallableLoss):
        return o, y
    o = o if len(shape) == 2 else o.reshape(n, 1)
    if isinstance(loss, BinaryCrossEntropy | CrossEntropy):
        y = y if len(y.shape) == 1 else y.reshape(n)
        if isinstance(loss, BinaryCrossEntropy) != (o.shape[1] == 1):
            wanted = "1 output" if isinstance(loss, BinaryCrossEntropy) else "an output per class"
            raise ShapeError(f"h returned {_text(shape, n)}, but the loss takes {wanted} per example")
        if classes > o.shape[1]:
            raise UsageError(f"y holds class number {classes - 1}, but h gives outputs for 0 to {o.shape[1] - 1}")
        return o, y
    y = y if len(y.shape) == 2 else y.reshape(n, 1)
    if o.shape != y.shape:
        raise ShapeError(f"h returned {_text(shape, n)}, but y has {y.shape[1]} number(s) per example")
    return o, y


def _text(shape: Any, n: Any) -> str:
    return f"shape {text_of(tuple('n' if d == n else d for d in shape))}"


def _classes(loss: Loss, examples: Sequence[NDArray[Any]]) -> int:
    """The number of outputs that the class numbers in y require; 0 if y does not hold class numbers.

    Raises:
        UsageError: If y does not suit a classification loss.
    """
    y = examples[1]
    if isinstance(loss, BinaryCrossEntropy | LabelCrossEntropy) and not ((y >= 0) & (y <= 1)).all():
        name = "binary_cross_entropy" if isinstance(loss, BinaryCrossEntropy) else "label_cross_entropy"
        raise UsageError(f"loss {name!r} expects y from 0 to 1; got {y.min():g} to {y.max():g}")
    if not isinstance(loss, CrossEntropy):
        return 0
    if y.dtype.kind not in "iu" or (y < 0).any():
        raise UsageError("loss 'cross_entropy' expects class numbers 0, 1, 2, ... of an integer dtype as y")
    return int(y.max()) + 1


def _score(
    J: Callable[[Array, Sequence[Array]], Array],
    parameters: _Parameters,
    examples: Sequence[NDArray[Any]],
    engine: Engine,
) -> Callable[[NDArray[Any]], float]:
    """The function theta -> J over the validation examples."""
    rows = tuple(Spec(("n", *array.shape[1:]), array.dtype) for array in examples)
    circuit = trace(J, [Spec(parameters.start.shape, parameters.dtype), rows])
    return lambda vector: float(engine.run(circuit, vector, *examples)[0])


# Settings -------------------------------------------------------------------------------------------------------------


def _errors(settings: TrainingSettings) -> list[str]:
    """All invalid settings. An unknown name raises at once, with the nearest known name."""
    schedule_named(settings.schedule)
    sampling_named(settings.sampling)
    limits = {"max_steps": settings.max_steps, "patience": settings.patience}
    limited = {name: value for name, value in limits.items() if value is not None}
    errors = whole_number_errors(1, batch_size=settings.batch_size, epochs=settings.epochs, **limited)
    rate, seconds = settings.learning_rate, settings.max_seconds
    if not (isinstance(rate, Real) and rate > 0 and numpy.isfinite(rate)):
        errors.append(f"learning_rate must be a number above 0; got {rate!r}")
    errors += seed_errors(settings.seed)
    if seconds is not None and not (isinstance(seconds, Real) and seconds > 0):
        errors.append(f"max_seconds must be a number above 0; got {seconds!r}")
    return errors
