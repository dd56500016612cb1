"""Sign codes and 4-bit codes scored by vector instructions, for processors without a matrix unit.

A loop walks over pages. Tiles, the innermost steps, take some tokens of the query past vectors of a page. Signs are
compared by counting the bits that differ, so queries are reduced to signs too (``reference.reduce_to_signs``).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numpy.typing import NDArray

from maxsight.retrieval.kernels.compiling import compiled
from maxsight.retrieval.kernels.instructions import (
    FOUR_BIT_BYTES_AHEAD,
    I64,
    INTS,
    LINE,
    SIGN_BYTES_AHEAD,
    WORDS,
    add_byte_products,
    call,
    fetch,
    highest_of,
    load,
    number,
    repeat_words,
    split_nibbles,
    spread,
    step,
    store,
)
from maxsight.retrieval.kernels.reference import Levels, Score

SIGN_LANES, FOUR_BIT_LANES = 8, 16
VALUES = np.maximum(0, 1 - np.arange(129, dtype=np.float32) / 64) ** 2
"""A token's share of its weight, by how many of 128 bits differ."""
NARROW, MIDDLE, WIDE = 4, 8, 12
"""Query tokens in a tile, see ``tile_width``. Queries are padded to a multiple of the narrowest."""


def _sign_tile(tokens: int) -> Any:
    @step()
    def sign_tile(builder, low, high, blocks, query, best):
        """Lower ``best`` ``(tokens, 8)`` to the fewest bits in which blocks of 8 vectors differ from each token."""
        fewest = [cgutils.alloca_once(builder, INTS) for _ in range(tokens)]
        for token, slot in enumerate(fewest):
            builder.store(load(builder, best, LINE * token, INTS), slot)
        with cgutils.for_range(builder, blocks) as loop:
            offset = builder.mul(loop.index, number(LINE))
            for part in (low, high):
                fetch(builder, builder.add(part, offset), ahead=SIGN_BYTES_AHEAD, cache=1)
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
            store(builder, builder.load(slot), best, LINE * token)

    return sign_tile


def _four_bit_tile(tokens: int) -> Any:
    @step()
    def four_bit_tile(builder, codes, half, query, best):
        """Raise ``best`` ``(tokens, 16)`` to the products of each token with a block of 16 vectors.

        A block is ``half`` times 64 bytes. Their low halves are four dimensions of 16 vectors, their high halves those
        half a vector further on. ``query`` is ``(half, tokens, 2)`` words of four signed bytes to match.
        """
        sums = [[cgutils.alloca_once(builder, INTS) for _ in range(2)] for _ in range(tokens)]
        for slot in chain(*sums):
            builder.store(ir.Constant(INTS, None), slot)
        with cgutils.for_range(builder, half) as loop:
            offset = builder.mul(loop.index, number(LINE))
            fetch(builder, builder.add(codes, offset), ahead=FOUR_BIT_BYTES_AHEAD, cache=1)
            parts = split_nibbles(builder, load(builder, codes, offset, INTS))
            row = builder.add(query, builder.mul(loop.index, number(8 * tokens)))
            for token in range(tokens):
                for place, (part, slot) in enumerate(zip(parts, sums[token], strict=True)):
                    asked = spread(builder, row, 8 * token + 4 * place, INTS)
                    builder.store(add_byte_products(builder, builder.load(slot), part, asked), slot)
        for token in range(tokens):
            before = load(builder, best, LINE * token, INTS)
            total = builder.add(*map(builder.load, sums[token]))
            store(builder, call(builder, "llvm.smax.v16i32", INTS, before, total), best, LINE * token)

    return four_bit_tile


_sign_tile_narrow, _sign_tile_middle, _sign_tile_wide = map(_sign_tile, (NARROW, MIDDLE, WIDE))
_four_bit_tile_narrow, _four_bit_tile_middle, _four_bit_tile_wide = map(
    _four_bit_tile, (NARROW, MIDDLE, WIDE)
)


@step(types.int64)
def fewest_of(builder, best, token):
    """Return the fewest bits in which any of a token's 8 lanes differs."""
    row = load(builder, best, builder.mul(token, number(LINE)), WORDS)
    return call(builder, "llvm.vector.reduce.umin.v8i64", I64, row)


def sign_scorer(queries: Sequence[Levels]) -> Score:
    """Prepare queries, reduced to signs, see ``reference.sign_scorer``."""
    padded = [_padded(*query) for query in queries]
    starts = np.cumsum([0, *(len(scales) for _, scales in padded)], dtype=np.int64)
    levels, scales = (np.concatenate(part) for part in zip(*padded, strict=True))
    words = np.packbits(levels >= 0, axis=1, bitorder="little").view("<u8")
    weights = scales * np.abs(levels.astype(np.float32)).sum(axis=1)
    return lambda addresses, counts, scores: _score_signs(
        addresses, counts, words, weights, starts, VALUES, scores
    )


def four_bit_scorer(levels: NDArray[np.int8], scales: NDArray[np.float32]) -> Score:
    """Prepare a query, see ``reference.four_bit_scorer``."""
    levels, scales = _padded(levels, scales)
    words = _tiled(levels.view(np.int32))
    return lambda addresses, counts, scores: _score_four_bit(addresses, counts, words, scales, scores)


def _padded(tokens: NDArray[Any], weights: NDArray[np.float32]) -> Levels:
    """Fill up to whole tiles with tokens of no weight."""
    missing = -len(weights) % NARROW
    return np.pad(tokens, ((0, missing), (0, 0))), np.pad(weights, (0, missing)).astype(np.float32)


def _tiled(words: NDArray[np.int32]) -> NDArray[np.int32]:
    """Order words ``(tokens, dim / 4)`` as the tiles read them: tile by tile, both halves side by side."""
    tiles, first = [], 0
    while first < len(words):
        tile = words[first : first + tile_width(len(words) - first)]
        tiles.append(tile.reshape(len(tile), 2, -1).transpose(2, 0, 1).reshape(-1))  # (half, tokens, 2)
        first += len(tile)
    return np.concatenate(tiles).reshape(words.shape)


def tile_width(tokens: int) -> int:
    """Return how many of so many tokens to take next. Narrow tiles, which keep a core half idle, are avoided."""
    if tokens % MIDDLE == 0:
        return MIDDLE
    return WIDE if tokens >= WIDE else NARROW


_tile_width = njit(nogil=True)(tile_width)


@njit(nogil=True)
def _lower_fewest(low, high, count, query, tokens, fewest):
    """Lower ``fewest`` ``(tokens, 8)`` to the bits in which 8 vectors or more differ from each token."""
    blocks, rest, last = count // SIGN_LANES, count % SIGN_LANES, 8 * (count - SIGN_LANES)
    token = 0
    while token < tokens:
        asked, best = query + 16 * token, fewest + LINE * token
        width = _tile_width(tokens - token)
        if width == WIDE:
            _sign_tile_wide(low, high, blocks, asked, best)
            if rest:
                _sign_tile_wide(low + last, high + last, 1, asked, best)
        elif width == MIDDLE:
            _sign_tile_middle(low, high, blocks, asked, best)
            if rest:
                _sign_tile_middle(low + last, high + last, 1, asked, best)
        else:
            _sign_tile_narrow(low, high, blocks, asked, best)
            if rest:
                _sign_tile_narrow(low + last, high + last, 1, asked, best)
        token += width


@compiled("void(i8[::1], i8[::1], u8[:,::1], f4[::1], i8[::1], f4[::1], f4[:,:])")
def _score_signs(addresses, counts, words, weights, starts, values, scores):
    """Score pages by their sign codes, for several queries while a page is in the cache.

    Args:
        addresses: Of each page's codes. Shape ``(pages,)``.
        counts: Vectors of each page. Shape ``(pages,)``.
        words: The tokens of all queries. Shape ``(tokens, 2)``.
        weights: Of each token. Shape ``(tokens,)``.
        starts: Query ``n`` owns tokens ``starts[n]:starts[n + 1]``. Shape ``(queries + 1,)``.
        values: A token's share of its weight, by how many bits differ. Shape ``(129,)``.
        scores: Written to. Shape ``(queries, pages)``.
    """
    tokens = len(weights)
    best = np.empty((tokens, SIGN_LANES), np.uint64)
    short = np.empty((2, SIGN_LANES), np.uint64)
    for page in range(len(counts)):
        query, fewest = (
            words.ctypes.data,
            best.ctypes.data,
        )  # on every page: numba frees an array after its last use
        low, count = addresses[page], counts[page]
        if count == 0:
            scores[:, page] = -np.inf
            continue
        if count < SIGN_LANES:
            repeat_words(low, count, short)
            low, count = short.ctypes.data, SIGN_LANES
        best[:] = 128
        _lower_fewest(low, low + 8 * count, count, query, tokens, fewest)
        for owner in range(len(starts) - 1):
            score = np.float32(0)
            for token in range(starts[owner], starts[owner + 1]):
                score += weights[token] * values[fewest_of(fewest, token)]
            scores[owner, page] = score


@compiled("void(i8[::1], i8[::1], i4[:,::1], f4[::1], f4[::1])")
def _score_four_bit(addresses, counts, words, scales, scores):
    """Score pages by their 4-bit codes.

    Args:
        addresses: Of each page's codes. Shape ``(pages,)``.
        counts: Vectors of each page. Shape ``(pages,)``.
        words: The tokens, tile by tile as ``four_bit_tile`` takes them. Shape ``(tokens, dim / 4)``.
        scales: What 127 stands for, by token. Shape ``(tokens,)``.
        scores: Written to. Shape ``(pages,)``.
    """
    tokens, half = words.shape[0], words.shape[1] // 2
    best = np.empty((tokens, FOUR_BIT_LANES), np.int32)
    for page in range(len(counts)):
        query, highest = words.ctypes.data, best.ctypes.data  # on every page, see above
        if counts[page] == 0:
            scores[page] = -np.inf
            continue
        best[:] = -(2**31)
        for block in range((counts[page] + FOUR_BIT_LANES - 1) // FOUR_BIT_LANES):
            codes = addresses[page] + LINE * half * block
            token = 0
            while token < tokens:
                asked, largest = query + 8 * half * token, highest + LINE * token
                width = _tile_width(tokens - token)
                if width == WIDE:
                    _four_bit_tile_wide(codes, half, asked, largest)
                elif width == MIDDLE:
                    _four_bit_tile_middle(codes, half, asked, largest)
                else:
                    _four_bit_tile_narrow(codes, half, asked, largest)
                token += width
        score = np.float32(0)
        for token in range(tokens):
            score += scales[token] * np.float32(highest_of(highest, token))
        scores[page] = score
