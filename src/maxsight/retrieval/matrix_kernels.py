"""Signs and fine codes scored by the processor's matrix unit (AMX of newer Xeons), by the numbers of the query.

The unit has eight tiles of 16 lines of 64 bytes, and multiplies two of bytes into one of sums. Two tiles of query
tokens meet the codes of two blocks of 16 vectors at a time, 64 dimensions a step: four tiles of sums, two of the query,
two of codes. Codes are made bytes first, in memory that stays in the first cache: a sign 0 or 1, a step 0 to 15.

The unit takes its time, but begins what comes next before that: so while it multiplies, the blocks that are next are
unpacked, and the best of the sums before are kept. What it waits for has then long been written. In that order a page
takes 40% less time than one step after the other.

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

from maxsight.retrieval.instructions import BYTES, I8, I64, INTS, at, call, constant, fetch, load
from maxsight.retrieval.kernels import FINE_AHEAD, SIGNS_AHEAD, compiled, highest_of, read_word

BLOCK = 16
"""Vectors whose codes are unpacked and multiplied together, as many as a tile has lines."""
LINE = 64
"""Bytes in a line of a tile."""
TILE = LINE * BLOCK
SIGN_DEPTH = 2
"""Tiles of a block's signs, one for each word of 64."""
SUMS, TOKENS, CODES = (0, 1, 2, 3), (4, 5), (6, 7)
"""Which tile holds what: sums of the first block's codes with both tiles of tokens, then of the second's."""


def sign_scorer(
    queries: Sequence[tuple[NDArray[np.int8], NDArray[np.float32]]],
) -> Callable[[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]], None]:
    """What scores pages by their signs: as ``kernels.sign_scorer``, but without rounding the query to signs too."""
    starts = np.cumsum([0, *(len(scales) for _, scales in queries)], dtype=np.int64)
    levels, scales = (np.concatenate(part) for part in zip(*queries, strict=True))
    words = levels.reshape(-1, SIGN_DEPTH, 2, 4, 8)  # a word's halves, their bytes, the bits of these
    query, shapes = _tiled(words.transpose(0, 1, 2, 4, 3).reshape(levels.shape))
    wide = levels.astype(np.int32)
    sums, factors = wide.sum(axis=1, dtype=np.int32), scales / np.maximum(1, np.abs(wide).sum(axis=1))
    return lambda addresses, counts, scores: _score_signs(
        addresses, counts, shapes, query, sums, factors.astype(np.float32), starts, scores
    )


def fine_scorer(
    levels: NDArray[np.int8], scales: NDArray[np.float32]
) -> Callable[[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]], None]:
    """What scores pages by their fine codes: as ``kernels.fine_scorer``, and the same numbers."""
    query, shapes = _tiled(levels)
    return lambda addresses, counts, scores: _score_fine(addresses, counts, shapes, query, scales, scores)


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
def unpack_fine(typing: Any, codes: Any, half: Any, target: Any) -> Any:
    """Write the codes of a block of 16 vectors as bytes: ``half`` lines of low halves, then those of high halves."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> ir.Value:
        codes, half, target = given
        line, mask = ir.Constant(I64, LINE), constant(INTS, 0x0F0F0F0F)
        behind = builder.add(target, builder.mul(half, line))
        with cgutils.for_range(builder, half) as loop:
            offset = builder.mul(loop.index, line)
            fetch(builder, builder.add(codes, offset), ahead=FINE_AHEAD, cache=2)
            both = load(builder, codes, offset, INTS)
            parts = builder.and_(both, mask), builder.and_(builder.lshr(both, constant(INTS, 4)), mask)
            for part, place in zip(parts, (target, behind), strict=True):
                builder.store(part, at(builder, place, offset, INTS), align=LINE)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 3), generate


@intrinsic
def multiply_tiles(typing: Any, query: Any, lines: Any, codes: Any, depth: Any) -> Any:
    """Multiply two tiles of tokens with two blocks of 16 vectors; the products stay in the unit.

    ``query`` is ``(depth, 2, lines, 64)`` bytes, ``codes`` is ``(2, depth, 16, 16, 4)`` bytes: four dimensions of 16
    vectors to a line.
    """

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> ir.Value:
        query, lines, codes, depth = given
        line, tile = ir.Constant(I64, LINE), ir.Constant(I64, TILE)
        tokens = builder.mul(lines, line)
        for number in SUMS:
            _tell(builder, "tilezero", number)
        with cgutils.for_range(builder, depth) as loop:
            asked = builder.add(query, builder.mul(loop.index, builder.add(tokens, tokens)))
            stored = builder.add(codes, builder.mul(loop.index, tile))
            starts = (
                asked,
                stored,
                builder.add(asked, tokens),
                builder.add(stored, builder.mul(depth, tile)),
            )
            for number, start in zip((TOKENS[0], CODES[0], TOKENS[1], CODES[1]), starts, strict=True):
                _tell(builder, "tileloadd64", number, at(builder, start, 0, I8), line)
            for number in SUMS:
                _tell(builder, "tdpbsud", number, TOKENS[number % 2], CODES[number // 2])
        return context.get_dummy_value()

    return types.void(*[types.intp] * 4), generate


@intrinsic
def write_products(typing: Any, lines: Any, sums: Any) -> Any:
    """Write what the unit has multiplied: ``(2, 2 * lines, 16)``, block, token, vector."""

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
    """Raise ``best`` ``(tokens, 16)`` to the products of two blocks ``(2, tokens, 16)``."""

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
    """Set ``best`` ``(tokens, 16)`` below all products."""

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
def _unpack(address, count, signs, depth, step, target):
    """Unpack the two blocks of a step; where there are fewer vectors, the last ones once more."""
    for number in range(2):
        block, place = 2 * step + number, target + TILE * depth * number
        if signs:
            first = address + 8 * min(BLOCK * block, count - BLOCK)
            unpack_signs(first, first + 8 * count, place)
        else:
            half = depth * BLOCK // 2
            last = (count - 1) // BLOCK
            unpack_fine(address + LINE * half * min(block, last), half, place)


@njit(nogil=True)
def _find_best(address, count, signs, query, lines, depth, unpacked, products, best):
    """Find the best product of each token of a pair of tiles with the vectors of a page."""
    tokens = 2 * lines
    ahead, behind = TILE * 2 * depth, LINE * 2 * tokens
    steps = (count + 2 * BLOCK - 1) // (2 * BLOCK)
    empty_best(best, tokens)
    _unpack(address, count, signs, depth, 0, unpacked)
    for step in range(steps):
        this, other = step % 2, 1 - step % 2
        multiply_tiles(query, lines, unpacked + ahead * this, depth)
        _unpack(address, count, signs, depth, step + 1, unpacked + ahead * other)
        if step:
            raise_best(best, tokens, products + behind * other)
        write_products(lines, products + behind * this)
    raise_best(best, tokens, products + behind * ((steps - 1) % 2))


@njit(nogil=True)
def _repeat_words(address, count, short):
    """Fill a block with fewer vectors than it holds, the last one as often as it takes."""
    for part in range(2):
        for lane in range(BLOCK):
            short[part, lane] = read_word(address + 8 * (count * part + min(lane, count - 1)))


@compiled("void(i8[::1], i8[::1], u1[::1], i1[:,:,:,:,::1], i4[::1], f4[::1], i8[::1], f4[:,:])")
def _score_signs(addresses, counts, shapes, query, sums, factors, starts, scores):
    """Score pages by their signs, for several queries while a page is at hand.

    Args:
        addresses: Of each page's signs. Shape ``(pages,)``.
        counts: Vectors of each page. Shape ``(pages,)``.
        shapes: Of the tiles.
        query: Levels of the tokens of all queries, tile by tile. Shape ``(pairs of tiles, 2, 2, lines, 64)``.
        sums: Of each token's levels. Shape ``(tokens,)``.
        factors: What the square of the levels' sum by sign is worth, by token. Shape ``(tokens,)``.
        starts: Query ``n`` owns tokens ``starts[n]:starts[n + 1]``. Shape ``(queries + 1,)``.
        scores: Written to. Shape ``(queries, pages)``.
    """
    pairs, depth, _, lines, _ = query.shape
    tokens = 2 * lines
    unpacked = np.empty(TILE * 4 * depth + LINE, np.uint8)
    products = np.empty(LINE * 4 * tokens + LINE, np.uint8)
    best = np.empty(LINE * pairs * tokens + LINE, np.uint8)
    short = np.empty((2, BLOCK), np.uint64)
    set_up_tiles(shapes.ctypes.data)
    for page in range(len(counts)):
        count, address = counts[page], addresses[page]
        asked, highest, room, written = (  # on every page: numba frees what is not mentioned again
            query.ctypes.data,
            _aligned(best),
            _aligned(unpacked),
            _aligned(products),
        )
        if count == 0:
            scores[:, page] = -np.inf
            continue
        if count < BLOCK:
            _repeat_words(address, count, short)
            count, address = BLOCK, short.ctypes.data
        for pair in range(pairs):
            part, place = asked + LINE * depth * tokens * pair, highest + LINE * tokens * pair
            _find_best(address, count, True, part, lines, depth, room, written, place)
        for number in range(len(starts) - 1):
            score = np.float32(0)
            for token in range(starts[number], starts[number + 1]):
                agreeing = np.float32(max(0, 2 * highest_of(highest, token) - sums[token]))
                score += factors[token] * agreeing * agreeing
            scores[number, page] = score
    give_tiles_back()


@compiled("void(i8[::1], i8[::1], u1[::1], i1[:,:,:,:,::1], f4[::1], f4[::1])")
def _score_fine(addresses, counts, shapes, query, scales, scores):
    """Score pages by their fine codes.

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
    unpacked = np.empty(TILE * 4 * depth + LINE, np.uint8)
    products = np.empty(LINE * 4 * tokens + LINE, np.uint8)
    best = np.empty(LINE * pairs * tokens + LINE, np.uint8)
    set_up_tiles(shapes.ctypes.data)
    for page in range(len(counts)):
        count, address = counts[page], addresses[page]
        asked, highest, room, written = (  # on every page, see above
            query.ctypes.data,
            _aligned(best),
            _aligned(unpacked),
            _aligned(products),
        )
        if count == 0:
            scores[page] = -np.inf
            continue
        for pair in range(pairs):
            part, place = asked + LINE * depth * tokens * pair, highest + LINE * tokens * pair
            _find_best(address, count, False, part, lines, depth, room, written, place)
        score = np.float32(0)
        for token in range(len(scales)):
            score += scales[token] * np.float32(highest_of(highest, token))
        scores[page] = score
    give_tiles_back()
