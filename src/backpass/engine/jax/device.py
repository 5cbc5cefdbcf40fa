"""Device: what JAX computes on, by the name in the setting ``device``. The device is never guessed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from backpass.dataclass import dataclass
from backpass.errors import UsageError

DEVICES = ("cpu", "cuda", "tpu")
"""The devices by JAX's names for them."""

_INSTALL = {
    "cpu": "pip install 'backpass[jax]'",
    "cuda": "for an NVIDIA GPU: pip install 'jax[cuda13]', or 'jax[cuda12]' with an older driver",
    "tpu": "on a Cloud TPU: pip install 'jax[tpu]'",
}


@dataclass(frozen=True, slots=True)
class Device:
    """A device of this machine.

    Attributes:
        name: "cpu", "cuda" or "tpu".
        jax: The library.
        target: JAX's object for the device.
    """

    name: str
    jax: Any
    target: Any

    @property
    def description(self) -> str:
        """The name, with the model of an accelerator."""
        return self.name if self.name == "cpu" else f"{self.name}, {self.target.device_kind}"

    @contextmanager
    def active(self) -> Iterator[None]:
        """Let JAX use this device and NumPy's dtypes, in this thread only: the caller's own use of JAX is as before."""
        with self.jax.default_device(self.target), self.jax.enable_x64(True):
            yield

    def put(self, array: Any) -> Any:
        """Copy an array to the device."""
        return self.jax.device_put(array, self.target)


def device_named(name: str | None) -> Device:
    """The first device of this name.

    Args:
        name: A name in ``DEVICES``.

    Raises:
        UsageError: No device is named, JAX is not installed, or it finds no such device.
    """
    if name is None:
        raise UsageError("engine 'jax' needs a device", hint=f"set --device to one of {', '.join(DEVICES)}")
    jax = _library()
    try:
        return Device(name, jax, jax.devices(name)[0])
    except RuntimeError as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise UsageError(
            f"JAX finds no device {name!r} on this machine ({reason})", hint=_INSTALL.get(name, "")
        ) from None


def why_no_device(name: str | None) -> str:
    """Why JAX cannot compute on this device, and a remedy; empty if it can."""
    try:
        device_named(name)
    except UsageError as error:
        return f"{error.message}: {error.hint}"
    return ""


def _library() -> Any:
    """JAX.

    Raises:
        UsageError: It is not installed; the message says how to install it.
    """
    try:
        import jax
    except ImportError:
        raise UsageError("engine 'jax' needs the package jax", hint=_INSTALL["cpu"]) from None
    return jax
