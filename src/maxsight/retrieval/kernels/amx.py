"""Sign codes and 4-bit codes scored by the matrix unit, with the numbers of the query.

Codes become bytes first, in memory that stays in the first-level cache for usual dimensions: a sign is 0 or 1, a step
of a 4-bit code 0 to 15. Then two tiles of query tokens are multiplied with the codes of a block of 16 vectors, 64
dimensions at a time.

An instruction of the unit takes long, but the next one starts before it ends, unless it waits for memory. So blocks are
unpacked some time before they are multiplied, and sums are read some time after they are written.

Each call sets the tiles up and releases them: the system saves and restores tiles in use when threads take turns on a
core.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from maxsight.retrieval.kernels.compiling import compiled
from maxsight.retrieval.kernels.instructions import LINE, highest_of, repeat_words
from maxsight.retrieval.kernels.reference import Levels, Score
from maxsight.retrieval.kernels.tiles import (
    BLOCK,
    CODES,
    load_tokens,
    multiply_all,
    multiply_loaded,
    raise_best,
    release_tiles,
    reset_best,
    set_up_tiles,
    unpack_four_bit,
    unpack_signs,
    write_sums,
)

TILE = LINE * BLOCK
SIGN_DEPTH = 2
"""Tiles of a block's signs, one for each word of 64."""
UNPACKED_BLOCKS, BLOCKS_AHEAD = 4, 3
"""Blocks that are unpacked at a time, and how long before they are multiplied. Measured."""


def sign_scorer(queries: Sequence[Levels]) -> Score:
    """Prepare queries, see ``reference.sign_scorer``."""
    starts = np.cumsum([0, *(len(scales) for _, scales in queries)], dtype=np.int64)
    levels, scales = (np.concatenate(part) for part in zip(*queries, strict=True))
    words = levels.reshape(-1, SIGN_DEPTH, 2, 4, 8)  # a word's halves, their bytes, the bits of these
    query, shapes = _tiled(words.transpose(0, 1, 2, 4, 3).reshape(levels.shape))
    wide = levels.astype(np.int32)
    totals, factors = wide.sum(axis=1, dtype=np.int32), scales / np.maximum(1, np.abs(wide).sum(axis=1))
    return lambda addresses, counts, scores: _score_signs(
        addresses, counts, shapes, query, totals, factors.astype(np.float32), starts, scores
    )


def four_bit_scorer(levels: NDArray[np.int8], scales: NDArray[np.float32]) -> Score:
    """Prepare a query, see ``reference.four_bit_scorer``."""
    query, shapes = _tiled(levels)
    totals, starts = np.zeros(len(scales), np.int32), np.array([0, len(scales)], np.int64)
    return lambda addresses, counts, scores: _score_four_bit(
        addresses, counts, shapes, query, totals, scales, starts, scores[None]
    )


def _tiled(levels: NDArray[np.int8]) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
    """Return a query as tiles ``(pairs of tiles, dim / 64, 2, lines, 64)``, and the shapes of tiles for the unit.

    A product takes longer with more lines of tokens, so tiles have as few lines as possible.
    """
    tokens, dim = levels.shape
    pairs = -(-tokens // (2 * BLOCK))
    lines = -(-tokens // (2 * pairs))
    padded = np.zeros((pairs * 2 * lines, dim), np.int8)
    padded[:tokens] = levels
    tiles = padded.reshape(pairs, 2, lines, dim // LINE, LINE).transpose(0, 3, 1, 2, 4)
    shapes = np.zeros(64, np.uint8)
    shapes[0] = 1  # palette 1, the only one
    shapes[16:32].view("<u2")[:] = LINE
    shapes[48:56] = lines
    shapes[[48 + tile for tile in CODES]] = BLOCK
    return np.ascontiguousarray(tiles), shapes


@njit(nogil=True)
def _aligned(room):
    return (room.ctypes.data + LINE - 1) // LINE * LINE


@njit(nogil=True)
def _unpack(address, count, signs, depth, block, target):
    """Unpack a block; behind the last vectors, unpack these once more."""
    if signs:
        first = address + 8 * min(BLOCK * block, count - BLOCK)
        unpack_signs(first, first + 8 * count, target)
    else:
        half = depth * BLOCK // 2
        unpack_four_bit(address + LINE * half * min(block, (count - 1) // BLOCK), half, target)


@njit(nogil=True)
def _find_best(address, count, signs, query, lines, depth, unpacked, sums, best):
    """Find the best product of each token of two tiles with the vectors of a page.

    ``unpacked`` has room for the codes of ``UNPACKED_BLOCKS`` blocks, ``sums`` for the sums of two times two blocks.
    """
    tokens = 2 * lines
    codes_size, sums_size = TILE * depth, LINE * tokens
    pairs = (count + 2 * BLOCK - 1) // (2 * BLOCK)
    if count <= BLOCK:  # as in most paragraphs
        _unpack(address, count, signs, depth, 0, unpacked)
        multiply_all(query, lines, unpacked, depth)
        write_sums(lines, best)
        return
    reset_best(best, tokens)
    for block in range(BLOCKS_AHEAD):
        _unpack(address, count, signs, depth, block, unpacked + codes_size * block)
    if depth == SIGN_DEPTH:
        load_tokens(query, lines)
    for pair in range(pairs):
        written, before = sums + 2 * sums_size * (pair % 2), sums + 2 * sums_size * (1 - pair % 2)
        for half in range(2):
            block = 2 * pair + half
            codes, behind = block % UNPACKED_BLOCKS, (block + BLOCKS_AHEAD) % UNPACKED_BLOCKS
            if depth == SIGN_DEPTH:
                multiply_loaded(unpacked + codes_size * codes)
            else:
                multiply_all(query, lines, unpacked + codes_size * codes, depth)
            _unpack(address, count, signs, depth, block + BLOCKS_AHEAD, unpacked + codes_size * behind)
            if half and pair:
                raise_best(best, tokens, before)
            write_sums(lines, written + sums_size * half)
    raise_best(best, tokens, written)


def _compile_scorer(*, signs: bool) -> Callable[..., None]:
    """Compile the loop over pages, for sign codes or for 4-bit codes; numba takes ``signs`` as a constant."""

    @compiled("void(i8[::1], i8[::1], u1[::1], i1[:,:,:,:,::1], i4[::1], f4[::1], i8[::1], f4[:,:])")
    def score(addresses, counts, shapes, query, totals, factors, starts, scores):
        """Score pages for several queries while a page is in the cache.

        Args:
            addresses: Of each page's codes. Shape ``(pages,)``.
            counts: Vectors of each page. Shape ``(pages,)``.
            shapes: Of the tiles.
            query: Levels of all queries' tokens, tile by tile. Shape ``(pairs of tiles, dim / 64, 2, lines, 64)``.
            totals: Sum of each token's levels, for signs. Shape ``(tokens,)``.
            factors: Of the best product, or of its square for signs, by token. Shape ``(tokens,)``.
            starts: Query ``n`` owns tokens ``starts[n]:starts[n + 1]``. Shape ``(queries + 1,)``.
            scores: Written to. Shape ``(queries, pages)``.
        """
        pairs, depth, _, lines, _ = query.shape
        tokens = 2 * lines
        unpacked = np.empty(TILE * UNPACKED_BLOCKS * depth + LINE, np.uint8)
        sums = np.empty(LINE * 4 * tokens + LINE, np.uint8)
        best = np.empty(LINE * pairs * tokens + LINE, np.uint8)
        short = np.empty((2, BLOCK), np.uint64)
        set_up_tiles(shapes.ctypes.data)
        for page in range(len(counts)):
            count, address = counts[page], addresses[page]
            asked, highest, room, added = (  # on every page: numba frees an array after its last use
                query.ctypes.data,
                _aligned(best),
                _aligned(unpacked),
                _aligned(sums),
            )
            if count == 0:
                scores[:, page] = -np.inf
                continue
            if signs and count < BLOCK:
                repeat_words(address, count, short)
                count, address = BLOCK, short.ctypes.data
            for pair in range(pairs):
                part, place = asked + LINE * depth * tokens * pair, highest + LINE * tokens * pair
                _find_best(address, count, signs, part, lines, depth, room, added, place)
            for owner in range(len(starts) - 1):
                score = np.float32(0)
                for token in range(starts[owner], starts[owner + 1]):
                    product = highest_of(highest, token)
                    if signs:
                        agreement = np.float32(max(0, 2 * product - totals[token]))
                        score += factors[token] * agreement * agreement
                    else:
                        score += factors[token] * np.float32(product)
                scores[owner, page] = score
        release_tiles()

    return score


_score_signs = _compile_scorer(signs=True)
_score_four_bit = _compile_scorer(signs=False)
