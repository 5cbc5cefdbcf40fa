"""Opcodes: the instructions of WebAssembly that the kernels use, by the names of its text format.

Source: WebAssembly Core Specification 2.0, "Binary Format", sections 5.3 and 5.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

TYPES: Mapping[str, int] = MappingProxyType({"i32": 0x7F, "i64": 0x7E, "f32": 0x7D, "f64": 0x7C, "v128": 0x7B})
"""Types of values."""

PLAIN: Mapping[str, int] = MappingProxyType(
    {
        "i32.eqz": 0x45,
        "i32.lt_u": 0x49,
        "i32.gt_u": 0x4B,
        "i32.le_u": 0x4D,
        "i32.add": 0x6A,
        "i32.sub": 0x6B,
        "i32.mul": 0x6C,
        "i32.and": 0x71,
        "i32.or": 0x72,
        "i32.xor": 0x73,
        "i32.shl": 0x74,
        "i32.shr_u": 0x76,
        "i64.mul": 0x7E,
        "i64.shr_u": 0x88,
        "f32.add": 0x92,
        "f64.add": 0xA0,
        "f64.mul": 0xA2,
        "i32.wrap_i64": 0xA7,
        "i64.extend_i32_u": 0xAD,
        "f32.demote_f64": 0xB6,
        "f64.promote_f32": 0xBB,
    }
)
"""Instructions without immediates: one byte."""

VECTOR: Mapping[str, int] = MappingProxyType(
    {
        "i8x16.narrow_i16x8_s": 0x65,
        "i16x8.extend_low_i8x16_u": 0x89,
        "i16x8.narrow_i32x4_s": 0x85,
        "i32x4.extend_low_i16x8_u": 0xA9,
        "i32x4.ne": 0x38,
        "i32x4.shr_u": 0xAD,
        "f32x4.splat": 0x13,
        "f64x2.splat": 0x14,
        "i32x4.splat": 0x11,
        "i64x2.splat": 0x12,
        "f32x4.eq": 0x41,
        "f32x4.lt": 0x43,
        "f32x4.gt": 0x44,
        "f32x4.ge": 0x46,
        "f64x2.lt": 0x49,
        "v128.not": 0x4D,
        "v128.and": 0x4E,
        "v128.andnot": 0x4F,
        "v128.or": 0x50,
        "v128.bitselect": 0x52,
        "f32x4.demote_f64x2_zero": 0x5E,
        "f64x2.promote_low_f32x4": 0x5F,
        "f64x2.nearest": 0x94,
        "i64x2.extend_low_i32x4_s": 0xC7,
        "i64x2.shl": 0xCB,
        "i64x2.add": 0xCE,
        "f32x4.abs": 0xE0,
        "f32x4.neg": 0xE1,
        "f32x4.sqrt": 0xE3,
        "f32x4.add": 0xE4,
        "f32x4.sub": 0xE5,
        "f32x4.mul": 0xE6,
        "f32x4.div": 0xE7,
        "f32x4.min": 0xE8,
        "f32x4.max": 0xE9,
        "f32x4.pmax": 0xEB,
        "f64x2.abs": 0xEC,
        "f64x2.neg": 0xED,
        "f64x2.add": 0xF0,
        "f64x2.sub": 0xF1,
        "f64x2.mul": 0xF2,
        "f64x2.div": 0xF3,
        "f64x2.pmin": 0xF6,
        "f64x2.pmax": 0xF7,
        "f32x4.convert_i32x4_u": 0xFB,
        "i32x4.trunc_sat_f64x2_s_zero": 0xFC,
    }
)
"""Vector instructions without immediates: the prefix 0xFD and the number."""

MEMORY: Mapping[str, tuple[tuple[int, ...], int]] = MappingProxyType(
    {
        "i32.load": ((0x28,), 2),
        "f32.load": ((0x2A,), 2),
        "i32.store": ((0x36,), 2),
        "f32.store": ((0x38,), 2),
        "v128.load": ((0xFD, 0x00), 2),
        "v128.load32_splat": ((0xFD, 0x09), 2),
        "v128.load32_zero": ((0xFD, 0x5C), 0),
        "v128.store": ((0xFD, 0x0B), 2),
    }
)
"""Loads and stores: their bytes, and log2 of the alignment that they promise."""

LANES: Mapping[str, tuple[tuple[int, ...], int | None]] = MappingProxyType(
    {
        "v128.store32_lane": ((0xFD, 0x5A), 0),
        "v128.store64_lane": ((0xFD, 0x5B), 2),
    }
)
"""Instructions with the number of a lane: their bytes, and the alignment of those that store."""
