from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import NDArray

def instruction_sets() -> list[str]: ...
def has_bf16(isa: str) -> bool: ...
def operations() -> dict[str, int]: ...

class Program:
    def __init__(
        self,
        instructions: Sequence[NDArray[Any]],
        constants: NDArray[Any],
        arena_bytes: int,
        sizes: Sequence[int],
        *,
        isa: str,
        tile_rows: int = ...,
        tile_depth: int = ...,
    ) -> None: ...
    @property
    def compiled_maps(self) -> int: ...
    def run(self, arrays: Sequence[NDArray[Any]], *, threads: int, may_be_fewer: bool) -> None: ...
    def run_blocks(
        self, arrays: Sequence[NDArray[Any]], *, stride_bytes: Sequence[int], blocks: int, threads: int
    ) -> None: ...
    def run_steps(
        self,
        arrays: Sequence[NDArray[Any]],
        *,
        settings_buffer: int,
        settings_bytes: int,
        rows_buffer: int,
        rows_bytes: int,
        step_buffer: int,
        loss_buffer: int,
        loss_is_double: bool,
        losses: NDArray[Any],
        threads: int,
        may_be_fewer: bool,
        should_stop: Callable[[int], bool],
    ) -> tuple[int, str]: ...

class Bound:
    def __init__(
        self,
        program: Program,
        first: Sequence[NDArray[Any]],
        others: Sequence[NDArray[Any]],
        empty: Callable[..., NDArray[Any]],
        outputs: Sequence[tuple[Any, ...]],
        *,
        is_brief: bool,
    ) -> None: ...
    def __call__(self, *others: Any) -> list[NDArray[Any]] | None: ...
