"""The inner loops, compiled. ``scoring`` calls them, and has the same in numpy for where there is no compiler.

Each walks over pages by address, since a page's bytes lie in a mapped file or in memory, at any alignment, and takes
the tokens of the query some at a time past the vectors of a page. The innermost steps, called tiles, are spelled out
in vectors of 512 bits, which LLVM splits for processors that have less; the one instruction that not all have, the
sum of products of bytes, is put together from others there.

Tiles and loops are one module, because numba looks at the module's own file to see whether what it compiled before
is still current.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import config, njit, types
from numba.core import cgutils
from numba.extending import intrinsic

I8, I16, I32, I64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))
INTS, WORDS = ir.VectorType(I32, 16), ir.VectorType(I64, 8)
SHORTS = ir.VectorType(I16, 32)
HALVES, FLOATS = ir.VectorType(ir.HalfType(), 16), ir.VectorType(ir.FloatType(), 16)
AHEAD = 4096
SIGN_LANES, FINE_LANES, EXACT_LANES, EXACT_VECTORS = 8, 16, 16, 8
_HOST = binding.get_host_cpu_features()
if platform.machine().lower() in ("x86_64", "amd64") and not _HOST.get("f16c"):
    raise ImportError("this processor can't convert float16")  # LLVM would end the process over it

_FEATURES = _HOST if config.CPU_NAME is None and config.CPU_FEATURES is None else {}
"""None are taken for granted where numba is told to compile for another processor than this one."""


def _at(builder: ir.IRBuilder, base: ir.Value, offset: ir.Value | int, kind: ir.Type) -> ir.Value:
    """A pointer ``offset`` bytes behind an address."""
    where = builder.add(base, ir.Constant(I64, offset) if isinstance(offset, int) else offset)
    return builder.inttoptr(where, kind.as_pointer())


def _load(builder: ir.IRBuilder, base: ir.Value, offset: ir.Value | int, kind: ir.Type) -> ir.Value:
    return builder.load(_at(builder, base, offset, kind), align=1)


def _spread(builder: ir.IRBuilder, base: ir.Value, offset: ir.Value | int, kind: ir.VectorType) -> ir.Value:
    """One number from memory in all lanes."""
    empty = ir.Constant(kind, ir.Undefined)
    one = builder.insert_element(empty, _load(builder, base, offset, kind.element), ir.Constant(I32, 0))
    return builder.shuffle_vector(one, empty, ir.Constant(ir.VectorType(I32, kind.count), None))


def _call(builder: ir.IRBuilder, name: str, kind: ir.VectorType, *given: ir.Value) -> ir.Value:
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(kind, [value.type for value in given]), name
    )
    return builder.call(function, given)


def _fetch(builder: ir.IRBuilder, base: ir.Value, offset: ir.Value) -> None:
    """Ask for a line of memory before it is needed: processors do not look beyond the end of a 4 KB page."""
    pointer = _at(builder, base, builder.add(offset, ir.Constant(I64, AHEAD)), I8)
    flags = [ir.Constant(I32, value) for value in (0, 3, 1)]  # to be read, soon again, data
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(ir.VoidType(), [pointer.type, I32, I32, I32]), "llvm.prefetch.p0"
    )
    builder.call(function, [pointer, *flags])


def _constant(kind: ir.VectorType, value: int) -> ir.Constant:
    return ir.Constant(kind, [value] * kind.count)


def _add_byte_products(builder: ir.IRBuilder, sums: ir.Value, codes: ir.Value, query: ir.Value) -> ir.Value:
    """Add to each of 16 sums the four products of an unsigned byte of ``codes`` and a signed one of ``query``."""
    if _FEATURES.get("avx512vnni"):
        return _call(builder, "llvm.x86.avx512.vpdpbusd.512", INTS, sums, codes, query)
    if _FEATURES.get("avx2"):
        halves = [_half_byte_products(builder, codes, query, lanes) for lanes in (range(8), range(8, 16))]
        every = ir.Constant(INTS, list(range(16)))
        return builder.add(sums, builder.shuffle_vector(*halves, every))
    eight, low = _constant(SHORTS, 8), _constant(SHORTS, 0xFF)
    unsigned, signed = builder.bitcast(codes, SHORTS), builder.bitcast(query, SHORTS)
    even = builder.mul(builder.and_(unsigned, low), builder.ashr(builder.shl(signed, eight), eight))
    odd = builder.mul(builder.lshr(unsigned, eight), builder.ashr(signed, eight))
    pairs = builder.bitcast(builder.add(even, odd), INTS)  # codes are below 16, so a pair fits
    sixteen = _constant(INTS, 16)
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
    pairs = _call(builder, "llvm.x86.avx2.pmadd.ub.sw", shorts, *parts)
    return _call(builder, "llvm.x86.avx2.pmadd.wd", ints, pairs, _constant(shorts, 1))


@intrinsic(prefer_literal=True)
def sign_tile(typing: Any, low: Any, high: Any, blocks: Any, query: Any, best: Any, tokens: Any) -> Any:
    """Lower ``best`` ``(tokens, 8)`` to the fewest bits in which blocks of 8 vectors differ from each token."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> ir.Value:
        low, high, blocks, query, best, _ = given
        fewest = [cgutils.alloca_once(builder, WORDS) for _ in range(tokens.literal_value)]
        for token, slot in enumerate(fewest):
            builder.store(_load(builder, best, 64 * token, WORDS), slot)
        with cgutils.for_range(builder, blocks) as loop:
            offset = builder.mul(loop.index, ir.Constant(I64, 64))
            for part in (low, high):
                _fetch(builder, part, offset)
            words = [_load(builder, part, offset, WORDS) for part in (low, high)]
            for token, slot in enumerate(fewest):
                counts = []
                for part, word in enumerate(words):
                    asked = _spread(builder, query, 16 * token + 8 * part, WORDS)
                    counts.append(_call(builder, "llvm.ctpop.v8i64", WORDS, builder.xor(word, asked)))
                differing = builder.add(*counts)
                builder.store(_call(builder, "llvm.umin.v8i64", WORDS, builder.load(slot), differing), slot)
        for token, slot in enumerate(fewest):
            builder.store(builder.load(slot), _at(builder, best, 64 * token, WORDS), align=1)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 5, tokens), generate


@intrinsic(prefer_literal=True)
def fine_tile(typing: Any, codes: Any, half: Any, query: Any, best: Any, tokens: Any) -> Any:
    """Raise ``best`` ``(tokens, 16)`` to the products of each token with a block of 16 vectors.

    A block is ``half`` times 64 bytes: four dimensions of 16 vectors in the low halves of the bytes, and those half
    a vector further on in the high halves. ``query`` is ``(half, tokens, 2)`` words of four signed bytes to match.
    """

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> ir.Value:
        codes, half, query, best, _ = given
        several = range(tokens.literal_value)
        sums = [[cgutils.alloca_once(builder, INTS) for _ in range(2)] for _ in several]
        for slot in chain(*sums):
            builder.store(ir.Constant(INTS, None), slot)
        mask = _constant(INTS, 0x0F0F0F0F)
        with cgutils.for_range(builder, half) as loop:
            offset = builder.mul(loop.index, ir.Constant(I64, 64))
            _fetch(builder, codes, offset)
            both = _load(builder, codes, offset, INTS)
            parts = builder.and_(both, mask), builder.and_(builder.lshr(both, _constant(INTS, 4)), mask)
            row = builder.add(query, builder.mul(loop.index, ir.Constant(I64, 8 * len(several))))
            for token in several:
                for number, (part, slot) in enumerate(zip(parts, sums[token], strict=True)):
                    asked = _spread(builder, row, 8 * token + 4 * number, INTS)
                    builder.store(_add_byte_products(builder, builder.load(slot), part, asked), slot)
        for token in several:
            before = _load(builder, best, 64 * token, INTS)
            total = builder.add(*map(builder.load, sums[token]))
            highest = _call(builder, "llvm.smax.v16i32", INTS, before, total)
            builder.store(highest, _at(builder, best, 64 * token, INTS), align=1)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 4, tokens), generate


@intrinsic
def widen_16(typing: Any, source: Any, target: Any) -> Any:
    """Write 16 halves as floats."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> ir.Value:
        floats = builder.fpext(_load(builder, given[0], 0, HALVES), FLOATS)
        builder.store(floats, _at(builder, given[1], 0, FLOATS), align=1)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), generate


@intrinsic
def widen(typing: Any, source: Any, target: Any) -> Any:
    """Write a half as a float."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> ir.Value:
        wide = builder.fpext(_load(builder, given[0], 0, ir.HalfType()), ir.FloatType())
        builder.store(wide, _at(builder, given[1], 0, ir.FloatType()), align=1)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), generate


@intrinsic
def exact_tile(typing: Any, vectors: Any, dim: Any, query: Any, row: Any, best: Any) -> Any:
    """Raise ``best`` ``(16,)`` to the products of 16 tokens with 8 vectors.

    ``vectors`` is ``(8, dim)``; ``query`` is ``(dim, 16)``, with ``row`` bytes from one dimension to the next.
    """

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> ir.Value:
        vectors, dim, query, row, best = given
        sums = [cgutils.alloca_once(builder, FLOATS) for _ in range(EXACT_VECTORS)]
        for slot in sums:
            builder.store(ir.Constant(FLOATS, None), slot)
        length = builder.mul(dim, ir.Constant(I64, 4))
        with cgutils.for_range(builder, dim) as loop:
            tokens = _load(builder, query, builder.mul(loop.index, row), FLOATS)
            across = builder.mul(loop.index, ir.Constant(I64, 4))
            for vector, slot in enumerate(sums):
                place = builder.add(builder.mul(length, ir.Constant(I64, vector)), across)
                value = _spread(builder, vectors, place, FLOATS)
                total = _call(builder, "llvm.fmuladd.v16f32", FLOATS, value, tokens, builder.load(slot))
                builder.store(total, slot)
        highest = _load(builder, best, 0, FLOATS)
        for slot in sums:
            highest = _call(builder, "llvm.maxnum.v16f32", FLOATS, highest, builder.load(slot))
        builder.store(highest, _at(builder, best, 0, FLOATS), align=1)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 5), generate


@intrinsic
def read_word(typing: Any, address: Any) -> Any:
    """The word at an address."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> ir.Value:
        return _load(builder, given[0], 0, I64)

    return types.uint64(types.intp), generate


NARROW, USUAL, WIDE = 4, 8, 12
"""Query tokens taken at a time, ``tile_width`` says when. Queries come padded to a multiple of the narrowest."""


def _compiled(signature: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Compile at once, or take what an earlier process compiled; a place that can't be written to only costs time."""

    def compiled(function: Callable[..., None]) -> Callable[..., None]:
        try:
            return njit(signature, nogil=True, cache=True)(function)
        except (RuntimeError, OSError):
            return njit(signature, nogil=True)(function)

    return compiled


@njit(nogil=True)
def _repeat_words(low, high, count, short):
    """Fill a block with fewer vectors than it holds, the last one as often as it takes."""
    for lane in range(SIGN_LANES):
        vector = min(lane, count - 1)
        short[0, lane] = read_word(low + 8 * vector)
        short[1, lane] = read_word(high + 8 * vector)


@njit(nogil=True)
def _widen_vector(source, target, dim):
    whole = dim - dim % 16
    for start in range(0, whole, 16):
        widen_16(source + 2 * start, target + 4 * start)
    for value in range(whole, dim):
        widen(source + 2 * value, target + 4 * value)


def tile_width(tokens: int) -> int:
    """How many of so many tokens to take next: whatever leaves no narrow tile, which keeps a core half idle."""
    if tokens % USUAL == 0:
        return USUAL
    return WIDE if tokens >= WIDE else NARROW


_tile_width = njit(nogil=True)(tile_width)


@_compiled("void(i8[::1], i8[::1], u8[:,::1], f4[::1], i8[::1], f4[::1], f4[:,:])")
def score_signs(addresses, counts, words, weights, starts, worth, scores):
    """Score pages by their sign codes, for several queries while a page is at hand.

    Args:
        addresses: Of each page's codes. Shape ``(pages,)``.
        counts: Vectors of each page. Shape ``(pages,)``.
        words: The tokens of all queries. Shape ``(tokens, 2)``.
        weights: Of each token. Shape ``(tokens,)``.
        starts: Query ``n`` owns tokens ``starts[n]:starts[n + 1]``. Shape ``(queries + 1,)``.
        worth: What a token gives by how many bits differ. Shape ``(129,)``.
        scores: Written to. Shape ``(queries, pages)``.
    """
    tokens = len(weights)
    best = np.empty((tokens, SIGN_LANES), np.uint64)
    short = np.empty((2, SIGN_LANES), np.uint64)
    query = words.ctypes.data
    for page in range(len(counts)):
        lowest = best.ctypes.data  # asked for on every page: numba frees an array after its last mention
        count = counts[page]
        if count == 0:
            scores[:, page] = -np.inf
            continue
        low, high = addresses[page], addresses[page] + 8 * count
        blocks, rest = count // SIGN_LANES, count % SIGN_LANES
        last_low, last_high = low + 8 * (count - SIGN_LANES), high + 8 * (count - SIGN_LANES)
        if blocks == 0:
            _repeat_words(low, high, count, short)
            last_low, last_high = short.ctypes.data, short.ctypes.data + 8 * SIGN_LANES
        best[:] = 128
        token = 0
        while token < tokens:
            asked, fewest = query + 16 * token, lowest + 64 * token
            width = _tile_width(tokens - token)
            if width == WIDE:
                sign_tile(low, high, blocks, asked, fewest, WIDE)
                if rest:
                    sign_tile(last_low, last_high, 1, asked, fewest, WIDE)
            elif width == USUAL:
                sign_tile(low, high, blocks, asked, fewest, USUAL)
                if rest:
                    sign_tile(last_low, last_high, 1, asked, fewest, USUAL)
            else:
                sign_tile(low, high, blocks, asked, fewest, NARROW)
                if rest:
                    sign_tile(last_low, last_high, 1, asked, fewest, NARROW)
            token += width
        for number in range(len(starts) - 1):
            score = np.float32(0)
            for token in range(starts[number], starts[number + 1]):
                score += weights[token] * worth[best[token].min()]
            scores[number, page] = score


@_compiled("void(i8[::1], i8[::1], i4[:,::1], f4[::1], f4[::1])")
def score_fine(addresses, counts, words, scales, scores):
    """Score pages by their fine codes.

    Args:
        addresses: Of each page's codes. Shape ``(pages,)``.
        counts: Vectors of each page. Shape ``(pages,)``.
        words: The tokens, tile by tile as ``fine_tile`` takes them. Shape ``(tokens, dim / 4)``.
        scales: What one step is worth, by token. Shape ``(tokens,)``.
        scores: Written to. Shape ``(pages,)``.
    """
    tokens, half = words.shape[0], words.shape[1] // 2
    best = np.empty((tokens, FINE_LANES), np.int32)
    query = words.ctypes.data
    for page in range(len(counts)):
        highest = best.ctypes.data  # on every page, see above
        if counts[page] == 0:
            scores[page] = -np.inf
            continue
        best[:] = -(2**31)
        for block in range((counts[page] + FINE_LANES - 1) // FINE_LANES):
            codes = addresses[page] + 64 * half * block
            token = 0
            while token < tokens:
                width = _tile_width(tokens - token)
                asked, largest = query + 8 * half * token, highest + 64 * token
                if width == WIDE:
                    fine_tile(codes, half, asked, largest, WIDE)
                elif width == USUAL:
                    fine_tile(codes, half, asked, largest, USUAL)
                else:
                    fine_tile(codes, half, asked, largest, NARROW)
                token += width
        score = np.float32(0)
        for token in range(tokens):
            score += scales[token] * np.float32(best[token].max())
        scores[page] = score


@_compiled("void(i8[::1], i8[::1], i8[::1], f4[:,::1], i8, f4[::1])")
def score_exact(addresses, strides, counts, query, tokens, scores):
    """Score pages by MaxSim of their float16 vectors, in float32.

    Args:
        addresses: Of each page's first vector. Shape ``(pages,)``.
        strides: Bytes from one vector of a page to the next. Shape ``(pages,)``.
        counts: Vectors of each page. Shape ``(pages,)``.
        query: Its tokens side by side, padded to a multiple of 16. Shape ``(dim, padded tokens)``.
        tokens: How many of them are real.
        scores: Written to. Shape ``(pages,)``.
    """
    dim, padded = query.shape
    vectors = np.empty((EXACT_VECTORS, dim), np.float32)
    best = np.empty(padded, np.float32)
    source = query.ctypes.data
    for page in range(len(counts)):
        wide = vectors.ctypes.data  # on every page, see above
        if counts[page] == 0:
            scores[page] = -np.inf
            continue
        best[:] = -np.inf
        for first in range(0, counts[page], EXACT_VECTORS):
            for lane in range(EXACT_VECTORS):
                vector = min(first + lane, counts[page] - 1)
                _widen_vector(addresses[page] + strides[page] * vector, wide + 4 * dim * lane, dim)
            for token in range(0, padded, EXACT_LANES):
                exact_tile(wide, dim, source + 4 * token, 4 * padded, best.ctypes.data + 4 * token)
        score = np.float32(0)
        for token in range(tokens):
            score += best[token]
        scores[page] = score
