"""Signs and 4-bit codes scored by the processor's matrix unit (AMX of newer Xeons), by the numbers of the query.

The unit has eight tiles of 16 lines of 64 bytes, and multiplies two of bytes into one of sums. Two tiles of query
tokens meet the codes of a block of 16 vectors, 64 dimensions a step. Codes are made bytes first, in memory that stays
in the first cache for usual dimensions: a sign 0 or 1, a step of 4-bit codes 0 to 15.

What the unit is told takes long, but what is next begins before it is done, unless it waits for memory. So blocks are
unpacked some time before they are multiplied, and sums are looked at some time after they were written.

Nothing else here knows of tiles: a call sets them up and gives them back, so threads that take turns on a core do not
save and restore them for nothing. Source: Intel 64 and IA-32 Architectures Software Developer's Manual, chapter 18.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from maxsight.retrieval.kernels.bits import compiled
from maxsight.retrieval.kernels.instructions import (
    BYTES,
    FOUR_BIT_AHEAD,
    I8,
    I64,
    INTS,
    SIGNS_AHEAD,
    at,
    call,
    constant,
    fetch,
    highest_of,
    load,
    read_word,
)

BLOCK = 16
"""Vectors whose codes are unpacked and multiplied together, as many as a tile has lines."""
LINE = 64
"""Bytes in a line of a tile."""
TILE = LINE * BLOCK
SIGN_DEPTH = 2
"""Tiles of a block's signs, one for each word of 64."""
HELD, AHEAD = 4, 3
"""Blocks that are unpacked at a time, and how long before they are multiplied. Measured."""
SUMS, CODES, TOKENS = (0, 1), (2, 3), (4, 5, 6, 7)
"""Which tile holds what. Of 128 dimensions, all tokens stay there while the vectors of a page pass."""


def sign_scorer(
    queries: Sequence[tuple[NDArray[np.int8], NDArray[np.float32]]],
) -> Callable[[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]], None]:
    """What scores pages by their signs: as ``kernels.sign_scorer``, but without rounding the query to signs too."""
    starts = np.cumsum([0, *(len(scales) for _, scales in queries)], dtype=np.int64)
    levels, scales = (np.concatenate(part) for part in zip(*queries, strict=True))
    words = levels.reshape(-1, SIGN_DEPTH, 2, 4, 8)  # a word's halves, their bytes, the bits of these
    query, shapes = _tiled(words.transpose(0, 1, 2, 4, 3).reshape(levels.shape))
    wide = levels.astype(np.int32)
    totals, factors = wide.sum(axis=1, dtype=np.int32), scales / np.maximum(1, np.abs(wide).sum(axis=1))
    return lambda addresses, counts, scores: _score_signs(
        addresses, counts, shapes, query, totals, factors.astype(np.float32), starts, scores
    )


def four_bit_scorer(
    levels: NDArray[np.int8], scales: NDArray[np.float32]
) -> Callable[[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]], None]:
    """What scores pages by their 4-bit codes: as ``kernels.four_bit_scorer``, and the same numbers."""
    query, shapes = _tiled(levels)
    return lambda addresses, counts, scores: _score_four_bit(addresses, counts, shapes, query, scales, scores)


def _tiled(levels: NDArray[np.int8]) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
    """A query as tiles ``(pairs of tiles, dim / 64, 2, lines, 64)``, and the shapes of tiles as the unit is told them.

    A product takes longer the more lines its tile of tokens has, so tiles have as few as will do.
    """
    tokens, dim = levels.shape
    pairs = -(-tokens // (2 * BLOCK))
    lines = -(-tokens // (2 * pairs))
    padded = np.zeros((pairs * 2 * lines, dim), np.int8)
    padded[:tokens] = levels
    tiles = padded.reshape(pairs, 2, lines, dim // LINE, LINE).transpose(0, 3, 1, 2, 4)
    shapes = np.zeros(64, np.uint8)
    shapes[0] = 1  # the one palette there is
    shapes[16:32].view("<u2")[:] = LINE
    shapes[48:56] = lines
    shapes[[48 + tile for tile in CODES]] = BLOCK
    return np.ascontiguousarray(tiles), shapes


def _tell(builder: ir.IRBuilder, name: str, *given: ir.Value | int) -> None:
    """Give the unit an instruction; tiles go by their number."""
    values = [ir.Constant(I8, value) if isinstance(value, int) else value for value in given]
    call(builder, f"llvm.x86.{name}", ir.VoidType(), *values)


@intrinsic
def set_up_tiles(typing: Any, shapes: Any) -> Any:
    """Have tiles of these shapes."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> ir.Value:
        _tell(builder, "ldtilecfg", at(builder, given[0], 0, I8))
        return context.get_dummy_value()

    return types.void(types.intp), generate


@intrinsic
def give_tiles_back(typing: Any) -> Any:
    """Have no tiles any more."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> ir.Value:
        _tell(builder, "tilerelease")
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def unpack_signs(typing: Any, low: Any, high: Any, target: Any) -> Any:
    """Write the signs of a block of 16 vectors as bytes: bit 0 of four bytes of each, bit 1, and so on."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> ir.Value:
        low, high, target = given
        line = 0
        for part in (low, high):
            for offset in (0, LINE):
                fetch(builder, builder.add(part, ir.Constant(I64, offset)), ahead=SIGNS_AHEAD, cache=1)
            words = [load(builder, part, offset, INTS) for offset in (0, LINE)]
            for half in range(2):
                halves = builder.shuffle_vector(*words, ir.Constant(INTS, list(range(half, 32, 2))))
                packed = builder.bitcast(halves, BYTES)
                for bit in range(8):
                    builder.store(
                        _take_bit(builder, packed, bit), at(builder, target, LINE * line, BYTES), align=LINE
                    )
                    line += 1
        return context.get_dummy_value()

    return types.void(*[types.intp] * 3), generate


def _take_bit(builder: ir.IRBuilder, packed: ir.Value, bit: int) -> ir.Value:
    """One bit of each byte, as 0 or 1: a product with a matrix of bits, of which one row is not empty."""
    matrix = ir.Constant(BYTES, [*[0] * 7, 1 << bit] * 8)
    return call(builder, "llvm.x86.vgf2p8affineqb.512", BYTES, packed, matrix, ir.Constant(I8, 0))


@intrinsic
def unpack_four_bit(typing: Any, codes: Any, half: Any, target: Any) -> Any:
    """Write the codes of a block of 16 vectors as bytes: ``half`` lines of low halves, then those of high halves."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> ir.Value:
        codes, half, target = given
        line, mask = ir.Constant(I64, LINE), constant(INTS, 0x0F0F0F0F)
        behind = builder.add(target, builder.mul(half, line))
        with cgutils.for_range(builder, half) as loop:
            offset = builder.mul(loop.index, line)
            fetch(builder, builder.add(codes, offset), ahead=FOUR_BIT_AHEAD, cache=2)
            both = load(builder, codes, offset, INTS)
            parts = builder.and_(both, mask), builder.and_(builder.lshr(both, constant(INTS, 4)), mask)
            for part, place in zip(parts, (target, behind), strict=True):
                builder.store(part, at(builder, place, offset, INTS), align=LINE)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 3), generate


def _load_tile(
    builder: ir.IRBuilder, number: int, base: ir.Value, offset: ir.Value | int, lines: ir.Value | int = 1
) -> None:
    """Load a tile from ``offset * lines`` lines behind an address."""
    place = builder.mul(*(ir.Constant(I64, n) if isinstance(n, int) else n for n in (offset, lines)))
    behind = builder.mul(place, ir.Constant(I64, LINE))
    _tell(builder, "tileloadd64", number, at(builder, base, behind, I8), ir.Constant(I64, LINE))


@intrinsic
def load_tokens(typing: Any, query: Any, lines: Any) -> Any:
    """Load all tokens of 128 dimensions, ``(2, 2, lines, 64)`` bytes, for ``multiply_loaded``."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> ir.Value:
        query, lines = given
        for place, number in enumerate(TOKENS):
            _load_tile(builder, number, query, place, lines)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 2), generate


@intrinsic
def multiply_loaded(typing: Any, codes: Any) -> Any:
    """Multiply the tokens that are loaded with a block of 16 vectors ``(2, 16, 16, 4)``, as ``multiply_all`` does."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> ir.Value:
        for number in SUMS:
            _tell(builder, "tilezero", number)
        for step, number in enumerate(CODES):
            _load_tile(builder, number, given[0], step, BLOCK)
        for step, number in enumerate(CODES):
            for place, total in enumerate(SUMS):
                _tell(builder, "tdpbsud", total, TOKENS[2 * step + place], number)
        return context.get_dummy_value()

    return types.void(types.intp), generate


@intrinsic
def multiply_all(typing: Any, query: Any, lines: Any, codes: Any, depth: Any) -> Any:
    """Multiply two tiles of tokens with a block of 16 vectors; the sums stay in the unit.

    ``query`` is ``(depth, 2, lines, 64)`` bytes, ``codes`` is ``(depth, 16, 16, 4)`` bytes: four dimensions of 16
    vectors to a line.
    """

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> ir.Value:
        query, lines, codes, depth = given
        for number in SUMS:
            _tell(builder, "tilezero", number)
        with cgutils.for_range(builder, depth) as loop:
            _load_tile(builder, CODES[0], codes, loop.index, BLOCK)
            first = builder.mul(loop.index, ir.Constant(I64, len(SUMS)))
            for place, total in enumerate(SUMS):
                tile = builder.add(first, ir.Constant(I64, place))
                _load_tile(builder, TOKENS[place], query, tile, lines)
                _tell(builder, "tdpbsud", total, TOKENS[place], CODES[0])
        return context.get_dummy_value()

    return types.void(*[types.intp] * 4), generate


@intrinsic
def write_sums(typing: Any, lines: Any, sums: Any) -> Any:
    """Write the sums of a block ``(2 * lines, 16)``, token by token, vector by vector."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> ir.Value:
        lines, sums = given
        line = ir.Constant(I64, LINE)
        for number in SUMS:
            place = builder.add(sums, builder.mul(builder.mul(lines, line), ir.Constant(I64, number)))
            _tell(builder, "tilestored64", number, at(builder, place, 0, I8), line)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 2), generate


@intrinsic
def raise_best(typing: Any, best: Any, tokens: Any, sums: Any) -> Any:
    """Raise ``best`` ``(tokens, 16)`` to the sums of two blocks ``(2, tokens, 16)``."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> ir.Value:
        best, tokens, sums = given
        line = ir.Constant(I64, LINE)
        second = builder.add(sums, builder.mul(tokens, line))
        with cgutils.for_range(builder, tokens) as loop:
            offset = builder.mul(loop.index, line)
            highest = load(builder, best, offset, INTS)
            for block in (sums, second):
                product = load(builder, block, offset, INTS)
                highest = call(builder, "llvm.smax.v16i32", INTS, highest, product)
            builder.store(highest, at(builder, best, offset, INTS), align=LINE)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 3), generate


@intrinsic
def empty_best(typing: Any, best: Any, tokens: Any) -> Any:
    """Set ``best`` ``(tokens, 16)`` below all sums."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> ir.Value:
        best, tokens = given
        with cgutils.for_range(builder, tokens) as loop:
            place = builder.mul(loop.index, ir.Constant(I64, LINE))
            builder.store(constant(INTS, -(2**31)), at(builder, best, place, INTS), align=LINE)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 2), generate


@njit(nogil=True)
def _aligned(room):
    return (room.ctypes.data + LINE - 1) // LINE * LINE


@njit(nogil=True)
def _unpack(address, count, signs, depth, block, target):
    """Unpack a block; where there are no more vectors, the last ones once more."""
    if signs:
        first = address + 8 * min(BLOCK * block, count - BLOCK)
        unpack_signs(first, first + 8 * count, target)
    else:
        half = depth * BLOCK // 2
        unpack_four_bit(address + LINE * half * min(block, (count - 1) // BLOCK), half, target)


@njit(nogil=True)
def _find_best(address, count, signs, query, lines, depth, unpacked, sums, best):
    """Find the best product of each token of two tiles with the vectors of a page.

    There is room for the codes of ``HELD`` blocks, and for the sums of twice two blocks.
    """
    tokens = 2 * lines
    codes_size, sums_size = TILE * depth, LINE * tokens
    pairs = (count + 2 * BLOCK - 1) // (2 * BLOCK)
    if count <= BLOCK:  # as most paragraphs are
        _unpack(address, count, signs, depth, 0, unpacked)
        multiply_all(query, lines, unpacked, depth)
        write_sums(lines, best)
        return
    empty_best(best, tokens)
    for block in range(AHEAD):
        _unpack(address, count, signs, depth, block, unpacked + codes_size * block)
    if depth == SIGN_DEPTH:
        load_tokens(query, lines)
    for pair in range(pairs):
        written, before = sums + 2 * sums_size * (pair % 2), sums + 2 * sums_size * (1 - pair % 2)
        for half in range(2):
            block = 2 * pair + half
            codes, behind = block % HELD, (block + AHEAD) % HELD
            if depth == SIGN_DEPTH:
                multiply_loaded(unpacked + codes_size * codes)
            else:
                multiply_all(query, lines, unpacked + codes_size * codes, depth)
            _unpack(address, count, signs, depth, block + AHEAD, unpacked + codes_size * behind)
            if half and pair:
                raise_best(best, tokens, before)
            write_sums(lines, written + sums_size * half)
    raise_best(best, tokens, written)


@njit(nogil=True)
def _repeat_words(address, count, short):
    """Fill a block with fewer vectors than it holds, the last one as often as it takes."""
    for part in range(2):
        for lane in range(BLOCK):
            short[part, lane] = read_word(address + 8 * (count * part + min(lane, count - 1)))


@compiled("void(i8[::1], i8[::1], u1[::1], i1[:,:,:,:,::1], i4[::1], f4[::1], i8[::1], f4[:,:])")
def _score_signs(addresses, counts, shapes, query, totals, factors, starts, scores):
    """Score pages by their signs, for several queries while a page is at hand.

    Args:
        addresses: Of each page's signs. Shape ``(pages,)``.
        counts: Vectors of each page. Shape ``(pages,)``.
        shapes: Of the tiles.
        query: Levels of the tokens of all queries, tile by tile. Shape ``(pairs of tiles, 2, 2, lines, 64)``.
        totals: Of each token's levels. Shape ``(tokens,)``.
        factors: What the square of the levels' sum by sign is worth, by token. Shape ``(tokens,)``.
        starts: Query ``n`` owns tokens ``starts[n]:starts[n + 1]``. Shape ``(queries + 1,)``.
        scores: Written to. Shape ``(queries, pages)``.
    """
    pairs, depth, _, lines, _ = query.shape
    tokens = 2 * lines
    unpacked = np.empty(TILE * HELD * depth + LINE, np.uint8)
    sums = np.empty(LINE * 4 * tokens + LINE, np.uint8)
    best = np.empty(LINE * pairs * tokens + LINE, np.uint8)
    short = np.empty((2, BLOCK), np.uint64)
    set_up_tiles(shapes.ctypes.data)
    for page in range(len(counts)):
        count, address = counts[page], addresses[page]
        asked, highest, room, added = (  # on every page: numba frees what is not mentioned again
            query.ctypes.data,
            _aligned(best),
            _aligned(unpacked),
            _aligned(sums),
        )
        if count == 0:
            scores[:, page] = -np.inf
            continue
        if count < BLOCK:
            _repeat_words(address, count, short)
            count, address = BLOCK, short.ctypes.data
        for pair in range(pairs):
            part, place = asked + LINE * depth * tokens * pair, highest + LINE * tokens * pair
            _find_best(address, count, True, part, lines, depth, room, added, place)
        for number in range(len(starts) - 1):
            score = np.float32(0)
            for token in range(starts[number], starts[number + 1]):
                agreeing = np.float32(max(0, 2 * highest_of(highest, token) - totals[token]))
                score += factors[token] * agreeing * agreeing
            scores[number, page] = score
    give_tiles_back()


@compiled("void(i8[::1], i8[::1], u1[::1], i1[:,:,:,:,::1], f4[::1], f4[::1])")
def _score_four_bit(addresses, counts, shapes, query, scales, scores):
    """Score pages by their 4-bit codes.

    Args:
        addresses: Of each page's codes. Shape ``(pages,)``.
        counts: Vectors of each page. Shape ``(pages,)``.
        shapes: Of the tiles.
        query: Levels, tile by tile. Shape ``(pairs of tiles, dim / 64, 2, lines, 64)``.
        scales: What one step is worth, by token. Shape ``(tokens,)``.
        scores: Written to. Shape ``(pages,)``.
    """
    pairs, depth, _, lines, _ = query.shape
    tokens = 2 * lines
    unpacked = np.empty(TILE * HELD * depth + LINE, np.uint8)
    sums = np.empty(LINE * 4 * tokens + LINE, np.uint8)
    best = np.empty(LINE * pairs * tokens + LINE, np.uint8)
    set_up_tiles(shapes.ctypes.data)
    for page in range(len(counts)):
        count, address = counts[page], addresses[page]
        asked, highest, room, added = (  # on every page, see above
            query.ctypes.data,
            _aligned(best),
            _aligned(unpacked),
            _aligned(sums),
        )
        if count == 0:
            scores[page] = -np.inf
            continue
        for pair in range(pairs):
            part, place = asked + LINE * depth * tokens * pair, highest + LINE * tokens * pair
            _find_best(address, count, False, part, lines, depth, room, added, place)
        score = np.float32(0)
        for token in range(len(scales)):
            score += scales[token] * np.float32(highest_of(highest, token))
        scores[page] = score
    give_tiles_back()
