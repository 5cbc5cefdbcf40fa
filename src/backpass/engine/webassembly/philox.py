"""Philox: the random words of dropout as a function in the text format of WebAssembly.

Philox4x32-10 (Salmon et al. 2011), as ``philox`` of ``engine/javascript/functions.js``.
"""

from __future__ import annotations

from backpass.engine.webassembly.expressions import add, below, bump, const, get, loop, put

_ROUNDS = 10
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)


def philox_text() -> str:
    """``$philox``: n words from address z on; word i mod 4 of the block with counter (i div 4, step, purpose, 0)."""
    parameters = "".join(f"(param ${name} i32)" for name in ("z", "n", "key0", "key1", "step", "purpose"))
    variables = "".join(f"(local ${name} i32)" for name in ("i", "t", "a", "b", "c", "d", "k", "l"))
    start = [("a", get("i")), ("b", get("step")), ("c", get("purpose")), ("d", const(0))]
    start += [("k", get("key0")), ("l", get("key1")), ("t", const(_ROUNDS))]
    products = [
        f"(local.set ${name} (i64.mul (i64.extend_i32_u {get(word)}) (i64.const {multiplier})))"
        for name, word, multiplier in zip("xy", "ac", _MULTIPLIERS, strict=True)
    ]
    one_round = [
        *products,
        put("a", _xor(_xor(_high("y"), get("b")), get("k"))),
        put("b", _low("y")),
        put("c", _xor(_xor(_high("x"), get("d")), get("l"))),
        put("d", _low("x")),
        *(bump(name, const(weyl - 2**32)) for name, weyl in zip("kl", _WEYL, strict=True)),
        bump("t", const(-1)),
    ]
    place = add(get("z"), f"(i32.shl {get('i')} {const(4)})")
    stores = [f"(i32.store offset={4 * k} {place} {get(word)})" for k, word in enumerate("abcd")]
    block = [*(put(*each) for each in start), loop("round", get("t"), *one_round), *stores, bump("i", const(1))]
    again = below(f"(i32.shl {get('i')} {const(2)})", get("n"))
    return f"(func $philox {parameters} {variables} (local $x i64) (local $y i64) {loop('block', again, *block)})"


def _xor(a: str, b: str) -> str:
    return f"(i32.xor {a} {b})"


def _high(name: str) -> str:
    return f"(i32.wrap_i64 (i64.shr_u (local.get ${name}) (i64.const 32)))"


def _low(name: str) -> str:
    return f"(i32.wrap_i64 (local.get ${name}))"
