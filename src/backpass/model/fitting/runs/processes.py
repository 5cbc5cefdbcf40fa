"""Processes: checks that the processes of a fit can divide its work and run the same fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backpass.errors import DataError, UsageError
from backpass.model.fitting.runs.checkpoint import differences
from backpass.model.fitting.runs.ensemble import Member
from backpass.table.messages import counted
from backpass.training import Callback, StopRequest
from backpass.training.processes.exchange import Exchange


def require_work(shards: int, networks: int, exchange: Exchange) -> None:
    """Reject processes that cannot divide one network.

    Args:
        shards: The number of shards of each batch.
        networks: The number of networks.
        exchange: The processes.

    Raises:
        UsageError: Their number does not divide the shards.
    """
    size = exchange.size
    if networks > 1 or shards % size == 0:
        return
    powers = [str(2**i) for i in range(shards.bit_length())]
    number = f"use {', '.join(powers[:-1])} or {powers[-1]} processes, or train an ensemble"
    most = 2 ** max((size - 1).bit_length(), 3)
    setting = f"set --shards to {most}, for 1, 2, 4 ... {most} processes, or train an ensemble"
    raise UsageError(
        f"{size} processes cannot divide one network of {counted(shards, 'shard')}",
        hint=number if shards > 1 else setting,
    )


def announce_idle(together: int, members: Sequence[Member], exchange: Exchange, callbacks: Sequence[Callback]) -> None:
    """Report processes that have no network to train, where so many train each of them together."""
    busy = min(exchange.size // together, len(members)) * together
    if idle := exchange.size - busy:
        text = f"{idle} of {exchange.size} processes have nothing to train: there are {len(members)} networks"
        for each in callbacks:
            each.on_note(text)


def require_same(exchange: Exchange, identity: Mapping[str, Any]) -> None:
    """Reject processes that do not have the same rows, settings, engine and version of Backpass.

    Raises:
        DataError: They differ; lists what differs, and where.
    """
    shared = exchange.share((exchange.name, dict(identity)))
    (_, first), *others = shared
    errors = [f"{name}: {message}" for name, its in others for message in differences(first, its)]
    if errors:
        raise DataError(
            "the processes do not train the same network on the same rows; compared with process 0",
            details=errors,
            hint="give every process the same version of Backpass, the same options and the same files",
        )


def is_stopped_anywhere(stop: StopRequest, exchange: Exchange) -> bool:
    """Whether a signal has reached any process; all of them get the same answer."""
    signals = [each for each in exchange.share(stop.signal) if each is not None]
    stop.signal = stop.signal if stop() or not signals else signals[0]
    return bool(signals)
