"""Module: the functions and kernels that scripts call as one WebAssembly module, and what binds it to arrays."""

from __future__ import annotations

from backpass.engine.javascript.kernels import Kernels
from backpass.engine.webassembly.assembler import assembled
from backpass.engine.webassembly.functions import functions_text
from backpass.engine.webassembly.kernels import kernel_text
from backpass.engine.webassembly.philox import philox_text
from backpass.engine.webassembly.product import SCRATCH, SCRATCH_BYTES, product_text, sums_text

FIRST = SCRATCH + SCRATCH_BYTES
"""The first address of the memory that the module leaves to its user."""


def module_of(kernels: Kernels) -> bytes:
    """The module; it imports ``m.memory`` and exports ``mm``, ``sums``, ``philox`` and the kernels by their names.

    Arrays start at a multiple of 16 bytes, at ``FIRST`` or above, and 12 bytes behind them are free.

    >>> module_of(Kernels(lambda value: False))[:4]
    b'\\x00asm'
    """
    texts = [functions_text(), product_text(), sums_text(), philox_text(), *map(kernel_text, kernels.found.values())]
    return assembled("\n".join(texts))


def binding_source(kernels: Kernels) -> str:
    """The functions of a module on typed arrays in its memory, as JavaScript: ``(w) => ({mm, k0, ...})``.

    Args:
        kernels: The kernels of the module.

    Returns:
        A function of the module's exports.

    Example:
        >>> binding_source(Kernels(lambda value: False))[:24]
        'w=>({mm:(z,o,x,p,u,v,y,q'
    """
    bound = [
        "mm:(z,o,x,p,u,v,y,q,r,s,n,d,m,b,e,t)=>"
        "w.mm(z.byteOffset,o,x.byteOffset,p,u,v,y.byteOffset,q,r,s,n,d,m,b?b.byteOffset:0,e|0,t|0)",
        "sums:(z,x,n,m)=>w.sums(z.byteOffset,x.byteOffset,n,m)",
        "philox:(z,k,l,s,p)=>w.philox(z.byteOffset,z.length,k,l,s,p)",
    ]
    for kernel in kernels.found.values():
        names = ["z", *(f"x{k}" for k in range(kernel.operands))]
        places = ",".join(f"{name}.byteOffset" for name in names)
        bound.append(f"{kernel.name}:({','.join(names)},n)=>w.{kernel.name}({places},n)")
    return f"w=>({{{','.join(bound)}}})"
