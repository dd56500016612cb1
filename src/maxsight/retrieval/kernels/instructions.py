"""Building blocks of kernels in LLVM's terms: loads, vectors of 512 bits, sums of products of bytes.

LLVM splits vectors of 512 bits for processors with shorter ones. Not all processors have an instruction for the sum of
products of bytes; the others compute it from several.
"""

from __future__ import annotations

import inspect
import platform
from collections.abc import Callable
from typing import Any

from llvmlite import binding, ir
from numba import config, njit, types
from numba.core import cgutils
from numba.extending import intrinsic

I8, I16, I32, I64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))
INTS, WORDS = ir.VectorType(I32, 16), ir.VectorType(I64, 8)
SHORTS, BYTES = ir.VectorType(I16, 32), ir.VectorType(I8, 64)
HALVES, FLOATS = ir.VectorType(ir.HalfType(), 16), ir.VectorType(ir.FloatType(), 16)
LINE = 64
"""Bytes of such a vector, of a cache line, and of a line of a tile."""
SIGN_BYTES_AHEAD, FOUR_BIT_BYTES_AHEAD = 16384, 4096
"""How far ahead memory is fetched. Measured; the former is the signs of a few pages, so the next ones are there."""
HOST = binding.get_host_cpu_features()
if platform.machine().lower() in ("x86_64", "amd64") and not HOST.get("f16c"):
    raise ImportError("this processor can't convert float16")  # LLVM would end the process

FEATURES = HOST if config.CPU_NAME is None and config.CPU_FEATURES is None else {}
"""Features of the processor; none where numba is configured to compile for another processor than this one."""


def step(result: Any = types.void) -> Callable[[Callable[..., ir.Value | None]], Any]:
    """Make a function that writes LLVM instructions into a step that numba's loops can call.

    The function takes the builder and then addresses and numbers, as 64-bit integers. It returns the value of
    ``result``, or nothing.
    """

    def make(write: Callable[..., ir.Value | None]) -> Any:
        def typed(typing: Any, *arguments: Any) -> Any:
            def lower(context: Any, builder: ir.IRBuilder, signature: Any, values: Any) -> ir.Value:
                made = write(builder, *values)
                return context.get_dummy_value() if made is None else made

            return result(*[types.intp] * len(arguments)), lower

        typed.__name__, typed.__doc__ = write.__name__, write.__doc__
        typed.__signature__ = inspect.signature(write)
        return intrinsic(typed)

    return make


def number(value: ir.Value | int) -> ir.Value:
    """Return a 64-bit integer."""
    return ir.Constant(I64, value) if isinstance(value, int) else value


def at(builder: ir.IRBuilder, base: ir.Value, offset: ir.Value | int, kind: ir.Type) -> ir.Value:
    """Point to what lies ``offset`` bytes behind an address."""
    return builder.inttoptr(builder.add(base, number(offset)), kind.as_pointer())


def load(builder: ir.IRBuilder, base: ir.Value, offset: ir.Value | int, kind: ir.Type) -> ir.Value:
    """Load what lies ``offset`` bytes behind an address, at any alignment."""
    return builder.load(at(builder, base, offset, kind), align=1)


def store(builder: ir.IRBuilder, value: ir.Value, base: ir.Value, offset: ir.Value | int) -> None:
    """Store a value ``offset`` bytes behind an address, at any alignment."""
    builder.store(value, at(builder, base, offset, value.type), align=1)


def spread(builder: ir.IRBuilder, base: ir.Value, offset: ir.Value | int, kind: ir.VectorType) -> ir.Value:
    """Load one number into all lanes."""
    empty = ir.Constant(kind, ir.Undefined)
    one = builder.insert_element(empty, load(builder, base, offset, kind.element), ir.Constant(I32, 0))
    return builder.shuffle_vector(one, empty, ir.Constant(ir.VectorType(I32, kind.count), None))


def constant(kind: ir.VectorType, value: int) -> ir.Constant:
    """Return a vector with a number in all lanes."""
    return ir.Constant(kind, [value] * kind.count)


def call(builder: ir.IRBuilder, name: str, kind: ir.Type, *given: ir.Value) -> ir.Value:
    """Call an instruction by LLVM's name of it."""
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(kind, [value.type for value in given]), name
    )
    return builder.call(function, given)


def fetch(builder: ir.IRBuilder, address: ir.Value, *, ahead: int, cache: int) -> None:
    """Fetch the cache line ``ahead`` bytes behind an address into a level of the cache.

    The processor's own prefetching stops at the end of a 4 KB page.
    """
    flags = [ir.Constant(I32, value) for value in (0, 4 - cache, 1)]  # for reading, level, data
    call(builder, "llvm.prefetch.p0", ir.VoidType(), at(builder, address, ahead, I8), *flags)


def split_nibbles(builder: ir.IRBuilder, both: ir.Value) -> tuple[ir.Value, ir.Value]:
    """Return the low halves and the high halves of 64 bytes, as bytes."""
    mask = constant(INTS, 0x0F0F0F0F)
    return builder.and_(both, mask), builder.and_(builder.lshr(both, constant(INTS, 4)), mask)


def add_byte_products(builder: ir.IRBuilder, sums: ir.Value, codes: ir.Value, query: ir.Value) -> ir.Value:
    """Add to each of 16 sums four products of an unsigned byte of ``codes`` and a signed byte of ``query``."""
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
    """Return the sums of four products in 8 lanes, by AVX2's two steps: pairs, and pairs of pairs."""
    bytes_, shorts, ints = (ir.VectorType(kind, 256 // kind.width) for kind in (I8, I16, I32))
    chosen = ir.Constant(ir.VectorType(I32, 8), list(lanes))
    parts = [
        builder.bitcast(builder.shuffle_vector(whole, ir.Constant(INTS, ir.Undefined), chosen), bytes_)
        for whole in (codes, query)
    ]
    pairs = call(builder, "llvm.x86.avx2.pmadd.ub.sw", shorts, *parts)
    return call(builder, "llvm.x86.avx2.pmadd.wd", ints, pairs, constant(shorts, 1))


@step(types.int32)
def highest_of(builder, best, token):
    """Return the highest product in a token's 16 lanes."""
    row = load(builder, best, builder.mul(token, number(LINE)), INTS)
    return call(builder, "llvm.vector.reduce.smax.v16i32", I32, row)


@step(types.uint64)
def read_word(builder, address):
    """Return the 64-bit word at an address."""
    return load(builder, address, 0, I64)


@njit(nogil=True)
def repeat_words(address, count, block):
    """Fill a block ``(2, lanes)`` with the sign words of fewer vectors than lanes; the last vector is repeated."""
    for part in range(2):
        for lane in range(block.shape[1]):
            block[part, lane] = read_word(address + 8 * (count * part + min(lane, count - 1)))
