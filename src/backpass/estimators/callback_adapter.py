"""The callback adapter: passes the events of a training run on to scikit-learn's callbacks.

It is the only module that knows their protocol, which scikit-learn 1.9 introduced and may change without notice.
Earlier versions have no callbacks, and the adapter does nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from backpass.training import Callback, EpochRecord, Progress

Method = TypeVar("Method", bound=Callable[..., Any])

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn 1.6 to 1.8

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing: this scikit-learn has no callbacks."""

    def with_callbacks(method: Method) -> Method:
        """The method as it is."""
        return method


class SklearnCallbackAdapter(Callback):
    """Callback that reports each epoch to scikit-learn's callbacks, with a fitted estimator for those that request one.

    Mutable: it holds the context of the current epoch.

    Args:
        estimator: The estimator that is being fitted.
        epochs: The maximum number of epochs.
        X, y: The training data, as ``fit`` received them.
        attributes: Maps the progress to the fitted attributes that the estimator would have if the fit ended here.
    """

    def __init__(
        self, estimator: Any, epochs: int, X: Any, y: Any, attributes: Callable[[Progress], dict[str, Any]]
    ) -> None:
        self.estimator, self.X, self.y, self.attributes = estimator, X, y, attributes
        self.context: Any = estimator._init_callback_context(task_name="fit", max_subtasks=epochs)
        self.context.call_on_fit_task_begin(estimator=estimator, X=X, y=y)
        self.epoch: Any = None

    def on_step(self, step: int) -> None:
        self._begin_epoch()

    def _begin_epoch(self) -> None:
        if self.epoch is None:
            self.epoch = self.context.subcontext(task_name="epoch")
            self.epoch.call_on_fit_task_begin(estimator=self.estimator, X=self.X, y=self.y)

    def on_epoch(self, record: EpochRecord, progress: Progress) -> bool | None:
        self._begin_epoch()  # a short epoch may end before on_step was called
        done, self.epoch = self.epoch, None
        return bool(
            done.call_on_fit_task_end(
                estimator=self.estimator,
                X=self.X,
                y=self.y,
                reconstruction_attributes=lambda: self.attributes(progress),
            )
        )

    def finish(self, attributes: dict[str, Any]) -> None:
        """Report the end of the fit, with the estimator's fitted attributes."""
        self.context.call_on_fit_task_end(
            estimator=self.estimator, X=self.X, y=self.y, reconstruction_attributes=attributes
        )


def callback_adapter(
    estimator: Any, epochs: int, X: Any, y: Any, attributes: Callable[[Progress], dict[str, Any]]
) -> SklearnCallbackAdapter | None:
    """An adapter if scikit-learn has callbacks and the estimator or its meta-estimator has set any; else None."""
    if not hasattr(estimator, "_init_callback_context"):
        return None
    watched = getattr(estimator, "_skl_callbacks", None) or hasattr(estimator, "_parent_callback_ctx")
    return SklearnCallbackAdapter(estimator, epochs, X, y, attributes) if watched else None


__all__ = ["CallbackSupportMixin", "SklearnCallbackAdapter", "callback_adapter", "with_callbacks"]
