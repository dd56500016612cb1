"""The inner loops, compiled. ``scoring`` calls them, and has the same in numpy for where there is no compiler.

Each walks over pages by address, since a page's bytes lie in a mapped file or in memory, at any alignment, and takes
the tokens of the query some at a time past the vectors of a page. The innermost steps, called tiles, are spelled out
in vectors of 512 bits by ``instructions``.

Tiles and loops are one module, because numba looks at the module's own file to see whether what it compiled before
is still current; what other kernels share is in ``instructions``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from maxsight.retrieval.kernels.instructions import (
    FLOATS,
    FOUR_BIT_AHEAD,
    HALVES,
    I64,
    INTS,
    SIGNS_AHEAD,
    WORDS,
    add_byte_products,
    at,
    call,
    constant,
    fetch,
    highest_of,
    load,
    read_word,
    spread,
)

SIGN_LANES, FOUR_BIT_LANES, EXACT_LANES, EXACT_VECTORS = 8, 16, 16, 8
WORTH = np.maximum(0, 1 - np.arange(129, dtype=np.float32) / 64) ** 2
"""What a token gives by how many of 128 bits differ."""
NARROW, USUAL, WIDE = 4, 8, 12
"""Query tokens taken at a time, ``tile_width`` says when. Queries are padded to a multiple of the narrowest."""


@intrinsic(prefer_literal=True)
def sign_tile(typing: Any, low: Any, high: Any, blocks: Any, query: Any, best: Any, tokens: Any) -> Any:
    """Lower ``best`` ``(tokens, 8)`` to the fewest bits in which blocks of 8 vectors differ from each token."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> ir.Value:
        low, high, blocks, query, best, _ = given
        fewest = [cgutils.alloca_once(builder, INTS) for _ in range(tokens.literal_value)]
        for token, slot in enumerate(fewest):
            builder.store(load(builder, best, 64 * token, INTS), slot)
        with cgutils.for_range(builder, blocks) as loop:
            offset = builder.mul(loop.index, ir.Constant(I64, 64))
            for part in (low, high):
                fetch(builder, builder.add(part, offset), ahead=SIGNS_AHEAD, cache=1)
            words = [load(builder, part, offset, WORDS) for part in (low, high)]
            for token, slot in enumerate(fewest):
                counts = []
                for part, word in enumerate(words):
                    asked = spread(builder, query, 16 * token + 8 * part, WORDS)
                    counts.append(call(builder, "llvm.ctpop.v8i64", WORDS, builder.xor(word, asked)))
                # Counts leave the upper halves zero, and a minimum of 32 bits costs a little less than one of 64.
                differing = builder.bitcast(builder.add(*counts), INTS)
                builder.store(call(builder, "llvm.umin.v16i32", INTS, builder.load(slot), differing), slot)
        for token, slot in enumerate(fewest):
            builder.store(builder.load(slot), at(builder, best, 64 * token, INTS), align=1)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 5, tokens), generate


@intrinsic(prefer_literal=True)
def four_bit_tile(typing: Any, codes: Any, half: Any, query: Any, best: Any, tokens: Any) -> Any:
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
        mask = constant(INTS, 0x0F0F0F0F)
        with cgutils.for_range(builder, half) as loop:
            offset = builder.mul(loop.index, ir.Constant(I64, 64))
            fetch(builder, builder.add(codes, offset), ahead=FOUR_BIT_AHEAD, cache=1)
            both = load(builder, codes, offset, INTS)
            parts = builder.and_(both, mask), builder.and_(builder.lshr(both, constant(INTS, 4)), mask)
            row = builder.add(query, builder.mul(loop.index, ir.Constant(I64, 8 * len(several))))
            for token in several:
                for number, (part, slot) in enumerate(zip(parts, sums[token], strict=True)):
                    asked = spread(builder, row, 8 * token + 4 * number, INTS)
                    builder.store(add_byte_products(builder, builder.load(slot), part, asked), slot)
        for token in several:
            before = load(builder, best, 64 * token, INTS)
            total = builder.add(*map(builder.load, sums[token]))
            highest = call(builder, "llvm.smax.v16i32", INTS, before, total)
            builder.store(highest, at(builder, best, 64 * token, INTS), align=1)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 4, tokens), generate


@intrinsic
def fewest_of(typing: Any, best: Any, token: Any) -> Any:
    """The fewest bits in which any of a token's 8 lanes differs."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> ir.Value:
        row = load(builder, given[0], builder.mul(given[1], ir.Constant(I64, 64)), WORDS)
        return call(builder, "llvm.vector.reduce.umin.v8i64", I64, row)

    return types.int64(*[types.intp] * 2), generate


@intrinsic
def widen_16(typing: Any, source: Any, target: Any) -> Any:
    """Write 16 halves as floats."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> ir.Value:
        floats = builder.fpext(load(builder, given[0], 0, HALVES), FLOATS)
        builder.store(floats, at(builder, given[1], 0, FLOATS), align=1)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), generate


@intrinsic
def widen(typing: Any, source: Any, target: Any) -> Any:
    """Write a half as a float."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> ir.Value:
        wide = builder.fpext(load(builder, given[0], 0, ir.HalfType()), ir.FloatType())
        builder.store(wide, at(builder, given[1], 0, ir.FloatType()), align=1)
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
            tokens = load(builder, query, builder.mul(loop.index, row), FLOATS)
            across = builder.mul(loop.index, ir.Constant(I64, 4))
            for vector, slot in enumerate(sums):
                place = builder.add(builder.mul(length, ir.Constant(I64, vector)), across)
                value = spread(builder, vectors, place, FLOATS)
                total = call(builder, "llvm.fmuladd.v16f32", FLOATS, value, tokens, builder.load(slot))
                builder.store(total, slot)
        highest = load(builder, best, 0, FLOATS)
        for slot in sums:
            highest = call(builder, "llvm.maxnum.v16f32", FLOATS, highest, builder.load(slot))
        builder.store(highest, at(builder, best, 0, FLOATS), align=1)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 5), generate


def compiled(signature: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Compile at once, or take what an earlier process compiled; a place that can't be written to only costs time."""

    def compile_or_take(function: Callable[..., None]) -> Callable[..., None]:
        try:
            return njit(signature, nogil=True, cache=True)(function)
        except (RuntimeError, OSError):
            return njit(signature, nogil=True)(function)

    return compile_or_take


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


def sign_scorer(
    queries: Sequence[tuple[NDArray[np.int8], NDArray[np.float32]]],
) -> Callable[[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]], None]:
    """What scores pages by their sign codes, for several queries while a page is at hand.

    Queries are rounded to signs as well, since bits are counted quickly.

    Args:
        queries: The levels of each ``(query_tokens, 128)``, and what a level is worth, by token ``(query_tokens,)``.

    Returns:
        A function of the addresses of pages' codes ``(pages,)``, their vectors' counts ``(pages,)``, and the scores
        it is to write ``(queries, pages)``.
    """
    padded = [_padded(*query) for query in queries]
    starts = np.cumsum([0, *(len(scales) for _, scales in padded)], dtype=np.int64)
    levels, scales = (np.concatenate(part) for part in zip(*padded, strict=True))
    words = np.packbits(levels >= 0, axis=1, bitorder="little").view("<u8")
    weights = scales * np.abs(levels.astype(np.float32)).sum(axis=1)
    return lambda addresses, counts, scores: _score_signs(
        addresses, counts, words, weights, starts, WORTH, scores
    )


def four_bit_scorer(
    levels: NDArray[np.int8], scales: NDArray[np.float32]
) -> Callable[[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]], None]:
    """What scores pages by their 4-bit codes.

    Args:
        levels: Of the query's coordinates. Shape ``(query_tokens, rotated_dim)``.
        scales: What a level is worth, by token. Shape ``(query_tokens,)``.

    Returns:
        A function of the addresses of pages' codes ``(pages,)``, their vectors' counts ``(pages,)``, and the scores
        it is to write ``(pages,)``.
    """
    levels, scales = _padded(levels, scales)
    words = _tiled(levels.view(np.int32))
    return lambda addresses, counts, scores: _score_four_bit(addresses, counts, words, scales, scores)


def exact_scorer(
    query: NDArray[np.float32],
) -> Callable[[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]], None]:
    """What scores pages by MaxSim of their float16 vectors, in float32.

    Args:
        query: Shape ``(query_tokens, dim)``.

    Returns:
        A function of the addresses of pages' first vectors, the bytes from one vector to the next, the vectors'
        counts, and the scores it is to write. Shape ``(pages,)`` each.
    """
    tokens, dim = query.shape
    side_by_side = np.zeros((dim, -(-tokens // EXACT_LANES) * EXACT_LANES), np.float32)
    side_by_side[:, :tokens] = query.T
    return lambda addresses, strides, counts, scores: _score_exact(
        addresses, strides, counts, side_by_side, tokens, scores
    )


def _padded(tokens: NDArray[Any], weights: NDArray[np.float32]) -> tuple[NDArray[Any], NDArray[np.float32]]:
    """Fill up to whole tiles with tokens that weigh nothing."""
    missing = -len(weights) % NARROW
    return np.pad(tokens, ((0, missing), (0, 0))), np.pad(weights, (0, missing)).astype(np.float32)


def _tiled(words: NDArray[np.int32]) -> NDArray[np.int32]:
    """Words ``(tokens, dim / 4)`` in the order the kernel reads them: tile by tile, both halves side by side."""
    tiles, first = [], 0
    while first < len(words):
        tile = words[first : first + tile_width(len(words) - first)]
        tiles.append(tile.reshape(len(tile), 2, -1).transpose(2, 0, 1).reshape(-1))  # (half, tokens, 2)
        first += len(tile)
    return np.concatenate(tiles).reshape(words.shape)


def tile_width(tokens: int) -> int:
    """How many of so many tokens to take next: whatever leaves no narrow tile, which keeps a core half idle."""
    if tokens % USUAL == 0:
        return USUAL
    return WIDE if tokens >= WIDE else NARROW


_tile_width = njit(nogil=True)(tile_width)


@compiled("void(i8[::1], i8[::1], u8[:,::1], f4[::1], i8[::1], f4[::1], f4[:,:])")
def _score_signs(addresses, counts, words, weights, starts, worth, scores):
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
                score += weights[token] * worth[fewest_of(lowest, token)]
            scores[number, page] = score


@compiled("void(i8[::1], i8[::1], i4[:,::1], f4[::1], f4[::1])")
def _score_four_bit(addresses, counts, words, scales, scores):
    """Score pages by their 4-bit codes.

    Args:
        addresses: Of each page's codes. Shape ``(pages,)``.
        counts: Vectors of each page. Shape ``(pages,)``.
        words: The tokens, tile by tile as ``four_bit_tile`` takes them. Shape ``(tokens, dim / 4)``.
        scales: What one step is worth, by token. Shape ``(tokens,)``.
        scores: Written to. Shape ``(pages,)``.
    """
    tokens, half = words.shape[0], words.shape[1] // 2
    best = np.empty((tokens, FOUR_BIT_LANES), np.int32)
    query = words.ctypes.data
    for page in range(len(counts)):
        highest = best.ctypes.data  # on every page, see above
        if counts[page] == 0:
            scores[page] = -np.inf
            continue
        best[:] = -(2**31)
        for block in range((counts[page] + FOUR_BIT_LANES - 1) // FOUR_BIT_LANES):
            codes = addresses[page] + 64 * half * block
            token = 0
            while token < tokens:
                width = _tile_width(tokens - token)
                asked, largest = query + 8 * half * token, highest + 64 * token
                if width == WIDE:
                    four_bit_tile(codes, half, asked, largest, WIDE)
                elif width == USUAL:
                    four_bit_tile(codes, half, asked, largest, USUAL)
                else:
                    four_bit_tile(codes, half, asked, largest, NARROW)
                token += width
        score = np.float32(0)
        for token in range(tokens):
            score += scales[token] * np.float32(highest_of(highest, token))
        scores[page] = score


@compiled("void(i8[::1], i8[::1], i8[::1], f4[:,::1], i8, f4[::1])")
def _score_exact(addresses, strides, counts, query, tokens, scores):
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
