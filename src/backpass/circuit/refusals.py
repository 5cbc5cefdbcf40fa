"""Unsupported NumPy functions: what to write instead, by NumPy's names.

Every NumPy function is either in ``NUMPY_NAMES`` or raises an error when it is called with a traced array. The common
ones have a hint here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from backpass.errors import TraceError


class MissingMethod(TraceError, AttributeError):
    """A NumPy array method that traced arrays lack; ``hasattr`` returns False for it."""


OTHERS = "use functions that can be traced; docs/reference/calculus.md lists them"

_SORTED = "the order of values is not known while tracing: sort outside the traced function, or use min, max, argmax"
_COUNTED = (
    "the number of results is not known while tracing: select with where(mask, x, 0), or count with count_nonzero"
)
_MISSING = "replace NaN first: x = numpy.where(numpy.isnan(x), 0.0, x)"
_LINEAR = "numpy.linalg.norm, matmul, einsum and trace can be traced; decompositions and solvers cannot"
_WHOLE = "integers support +, -, *, //, % and comparisons; booleans support & | ~ ^"
_REAL = "only real numbers can be traced: keep the real and imaginary parts in two arrays"
_ANGLE = "express it with arctan, sqrt and where"
_CHANGED = "traced values cannot be changed; build a new array with where or concatenate"
_OUTSIDE = "keep it an array, or compute the number outside the traced function"
_TABLE = "look up values with take, or compute it outside the traced function"

REMEDIES: Mapping[str, str] = MappingProxyType(
    {name: hint for names, hint in (
        ("sort argsort partition argpartition lexsort median percentile quantile searchsorted digitize", _SORTED),
        ("unique nonzero flatnonzero argwhere extract compress delete insert trim_zeros", _COUNTED),
        ("nansum nanmean nanvar nanstd nanmax nanmin nanprod nancumsum nancumprod nanargmax nanargmin", _MISSING),
        ("nanmedian nan_to_num nanpercentile nanquantile fmax fmin", _MISSING),
        ("inv solve det slogdet svd eig eigh eigvals eigvalsh qr cholesky lstsq pinv matrix_rank", _LINEAR),
        ("left_shift right_shift bitwise_count gcd lcm", _WHOLE),
        ("real imag conj conjugate angle iscomplex isreal", _REAL),
        ("arcsin arccos arctan2 arcsinh arccosh arctanh hypot sinc", _ANGLE),
        ("put place copyto putmask fill_diagonal put_along_axis fill resize itemset partition_in_place", _CHANGED),
        ("histogram histogram2d bincount interp convolve correlate cov corrcoef piecewise select choose", _TABLE),
        ("item tolist tobytes tofile dump dumps", _OUTSIDE),
        ("logaddexp2", "numpy.logaddexp is the same function to base e"),
        ("apply_along_axis apply_over_axes vectorize", "write the function for whole arrays"),
    ) for name in names.split()}
)  # fmt: skip
"""Hints for functions and methods, by name."""

OPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "out=": "traced values cannot be changed: use the returned value",
        "where=": "select first: numpy.where(mask, x, 0)",
        "dtype=": "convert first: x.astype(dtype)",
        "initial=": "combine the initial value yourself, for example with numpy.maximum or +",
        "argument": "pass the arguments that docs/reference/calculus.md lists",
    }
)
"""Hints for unsupported options."""

_SAME = """all any argmax argmin clip cumprod cumsum diagonal dot mean min prod ptp ravel repeat round squeeze std
swapaxes take trace var"""
METHODS: Mapping[str, str] = MappingProxyType(
    {name: name for name in _SAME.split()} | {"flatten": "ravel", "copy": "positive"}
)
"""Methods of NumPy arrays that also exist as functions: method name -> function name."""


def remedy(what: str) -> str:
    """The hint for a use that needs the value of a traced array."""
    if what.startswith("a condition"):
        return "select between two arrays with where(condition, a, b)"
    if what.startswith("numpy."):
        return "join traced values with numpy.stack or numpy.concatenate (docs/reference/calculus.md)"
    if what.startswith("assignment"):
        return _CHANGED
    return _OUTSIDE
