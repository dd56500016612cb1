"""What kernels are put together of: loads, vectors of 512 bits, the sum of products of bytes, in LLVM's terms.

LLVM splits such vectors for processors that have less; the one instruction that not all have, the sum of products of
bytes, is put together from others there. Numba does not look at this file to see whether what it compiled before is
still current: after a change here, change the kernels too, or clear their caches.
"""

from __future__ import annotations

import platform
from typing import Any

from llvmlite import binding, ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic

I8, I16, I32, I64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))
INTS, WORDS = ir.VectorType(I32, 16), ir.VectorType(I64, 8)
SHORTS, BYTES = ir.VectorType(I16, 32), ir.VectorType(I8, 64)
HALVES, FLOATS = ir.VectorType(ir.HalfType(), 16), ir.VectorType(ir.FloatType(), 16)
SIGNS_AHEAD, FOUR_BIT_AHEAD = 16384, 4096
"""Bytes. Measured; the former is a few pages' outlines, so the next ones are there when their turn comes."""
HOST = binding.get_host_cpu_features()
if platform.machine().lower() in ("x86_64", "amd64") and not HOST.get("f16c"):
    raise ImportError("this processor can't convert float16")  # LLVM would end the process over it

FEATURES = HOST if config.CPU_NAME is None and config.CPU_FEATURES is None else {}
"""None are taken for granted where numba is told to compile for another processor than this one."""


def at(builder: ir.IRBuilder, base: ir.Value, offset: ir.Value | int, kind: ir.Type) -> ir.Value:
    """A pointer ``offset`` bytes behind an address."""
    where = builder.add(base, ir.Constant(I64, offset) if isinstance(offset, int) else offset)
    return builder.inttoptr(where, kind.as_pointer())


def load(builder: ir.IRBuilder, base: ir.Value, offset: ir.Value | int, kind: ir.Type) -> ir.Value:
    """What lies ``offset`` bytes behind an address, however it is aligned."""
    return builder.load(at(builder, base, offset, kind), align=1)


def spread(builder: ir.IRBuilder, base: ir.Value, offset: ir.Value | int, kind: ir.VectorType) -> ir.Value:
    """One number from memory in all lanes."""
    empty = ir.Constant(kind, ir.Undefined)
    one = builder.insert_element(empty, load(builder, base, offset, kind.element), ir.Constant(I32, 0))
    return builder.shuffle_vector(one, empty, ir.Constant(ir.VectorType(I32, kind.count), None))


def call(builder: ir.IRBuilder, name: str, kind: ir.Type, *given: ir.Value) -> ir.Value:
    """What an instruction, by LLVM's name of it, makes of what is given."""
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(kind, [value.type for value in given]), name
    )
    return builder.call(function, given)


def fetch(builder: ir.IRBuilder, address: ir.Value, *, ahead: int, cache: int) -> None:
    """Ask for the line of memory ``ahead`` bytes behind an address, before it is needed.

    Processors do not look beyond the end of a 4 KB page themselves. ``cache`` is the level it is to be in.
    """
    pointer = at(builder, address, ahead, I8)
    flags = [ir.Constant(I32, value) for value in (0, 4 - cache, 1)]  # to be read, where to, data
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(ir.VoidType(), [pointer.type, I32, I32, I32]), "llvm.prefetch.p0"
    )
    builder.call(function, [pointer, *flags])


def constant(kind: ir.VectorType, value: int) -> ir.Constant:
    """A number in all lanes."""
    return ir.Constant(kind, [value] * kind.count)


def add_byte_products(builder: ir.IRBuilder, sums: ir.Value, codes: ir.Value, query: ir.Value) -> ir.Value:
    """Add to each of 16 sums the four products of an unsigned byte of ``codes`` and a signed one of ``query``."""
    if FEATURES.get("avx512vnni"):
        return call(builder, "llvm.x86.avx512.vpdpbusd.512", INTS, sums, codes, query)
    if FEATURES.get("avx2"):
        halves = [_half_byte_products(builder, codes, query, lanes) for lanes in (range(8), range(8, 16))]
        every = ir.Constant(INTS, list(range(16)))
        return builder.add(sums, builder.shuffle_vector(*halves, every))
    eight, low = constant(SHORTS, 8), constant(SHORTS, 0xFF)
    unsigned, signed = builder.bitcast(codes, SHORTS), builder.bitcast(query, SHORTS)
    even = builder.mul(builder.and_(unsigned, low), builder.ashr(builder.shl(signed, eight), eight))
    odd = builder.mul(builder.lshr(unsigned, eight), builder.ashr(signed, eight))
    pairs = builder.bitcast(builder.add(even, odd), INTS)  # codes are below 16, so a pair fits
    sixteen = constant(INTS, 16)
    first, second = builder.ashr(builder.shl(pairs, sixteen), sixteen), builder.ashr(pairs, sixteen)
    return builder.add(sums, builder.add(first, second))


def _half_byte_products(builder: ir.IRBuilder, codes: ir.Value, query: ir.Value, lanes: range) -> ir.Value:
    """The four products of each of 8 lanes, summed, as AVX2 has them: in pairs, and the pairs."""
    bytes_, shorts, ints = (ir.VectorType(kind, 256 // kind.width) for kind in (I8, I16, I32))
    chosen = ir.Constant(ir.VectorType(I32, 8), list(lanes))
    parts = [
        builder.bitcast(builder.shuffle_vector(whole, ir.Constant(INTS, ir.Undefined), chosen), bytes_)
        for whole in (codes, query)
    ]
    pairs = call(builder, "llvm.x86.avx2.pmadd.ub.sw", shorts, *parts)
    return call(builder, "llvm.x86.avx2.pmadd.wd", ints, pairs, constant(shorts, 1))


@intrinsic
def highest_of(typing: Any, best: Any, token: Any) -> Any:
    """The highest product in a token's 16 lanes."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> ir.Value:
        row = load(builder, given[0], builder.mul(given[1], ir.Constant(I64, 64)), INTS)
        return call(builder, "llvm.vector.reduce.smax.v16i32", I32, row)

    return types.int32(*[types.intp] * 2), generate


@intrinsic
def read_word(typing: Any, address: Any) -> Any:
    """The word at an address."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> ir.Value:
        return load(builder, given[0], 0, I64)

    return types.uint64(types.intp), generate
