"""WebAssembly: the fast form of what scripts call, for browsers and Node.js.

``module_of`` makes one module of the kernels that several scripts share, with SIMD instructions. The scripts themselves
and the form that runs where WebAssembly is refused live in ``engine.javascript``.

Reading order: ``kernels``, ``functions``, ``product``, ``philox``, ``module``, ``assembler``.
"""

from backpass.engine.webassembly.kernels import accepts
from backpass.engine.webassembly.module import FIRST, binding_source, module_of

__all__ = ["FIRST", "accepts", "binding_source", "module_of"]
