"""Watching: scikit-learn's callbacks, told by one of ours. The only file that knows their protocol.

The protocol came with scikit-learn 1.9 and may change without notice; where it is not there, nothing is told.
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
    """Tells scikit-learn's callbacks of each epoch; a fitted estimator is made for those that ask for one.

    attributes: the progress -> what an estimator needs to predict as if the fit had ended here
    Changes in place: it holds the context of the current epoch.
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
        self._begin_epoch()  # nobody may have asked between the steps of a short epoch
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
        """After the last epoch, with what the estimator has learnt."""
        self.context.call_on_fit_task_end(
            estimator=self.estimator, X=self.X, y=self.y, reconstruction_attributes=attributes
        )


def teller(
    estimator: Any, epochs: int, X: Any, y: Any, attributes: Callable[[Progress], dict[str, Any]]
) -> SklearnCallbackAdapter | None:
    """A teller where this scikit-learn has callbacks, and the estimator, or whoever holds it, has set some."""
    if not hasattr(estimator, "_init_callback_context"):
        return None
    watched = getattr(estimator, "_skl_callbacks", None) or hasattr(estimator, "_parent_callback_ctx")
    return SklearnCallbackAdapter(estimator, epochs, X, y, attributes) if watched else None


__all__ = ["CallbackSupportMixin", "SklearnCallbackAdapter", "teller", "with_callbacks"]
