"""JavaScript: writes circuits as functions on typed arrays, for browsers and Node.js.

``script_of`` turns any circuit into a ``Script``: the source of a function that binds the free lengths and returns the
step. ``Kernels`` collects the loops that several scripts share. The package only depends on circuits; what the inputs
mean lives with those who export them.
"""

from backpass.engine.javascript.forms import FORMS, WITHOUT_FORM
from backpass.engine.javascript.functions import compact, compact_pieces, functions_source
from backpass.engine.javascript.kernels import Kernel, Kernels
from backpass.engine.javascript.script import Script, script_of

__all__ = [
    "FORMS",
    "WITHOUT_FORM",
    "Kernel",
    "Kernels",
    "Script",
    "compact",
    "compact_pieces",
    "functions_source",
    "script_of",
]
