"""Fine codes scored by the processor's matrix unit (AMX of newer Xeons), in half the time of ``kernels``.

The unit has eight tiles of 16 lines of 64 bytes, and multiplies two of bytes into one of sums. Two tiles of query
tokens meet the codes of two blocks of 16 vectors at a time, 64 dimensions a step: four tiles of sums, two of the query,
two of codes. Codes are taken out of their half bytes first, into memory that stays in the first cache.

Nothing else here knows of tiles: a call sets them up and gives them back, so threads that take turns on a core do not
save and restore them for nothing. Source: Intel 64 and IA-32 Architectures Software Developer's Manual, chapter 18.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from maxsight.retrieval.instructions import I8, I64, INTS, at, call, constant, fetch, load
from maxsight.retrieval.kernels import FINE_AHEAD, FINE_LANES, compiled

LINE, LINES = 64, 16
"""Bytes in a line of a tile, and its lines."""
TILE = LINE * LINES
SUMS, TOKENS, CODES = (0, 1, 2, 3), (4, 5), (6, 7)
"""Which tile holds what: sums of the first block's codes with both tiles of tokens, then of the second's."""


def fine_scorer(
    levels: NDArray[np.int8], scales: NDArray[np.float32]
) -> Callable[[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]], None]:
    """What scores pages by their fine codes: as ``kernels.fine_scorer``, and the same numbers."""
    tokens, dim = levels.shape
    pairs = -(-tokens // (2 * LINES))
    lines = -(
        -tokens // (2 * pairs)
    )  # as few as will do: a product takes as long as its tile of tokens has lines
    padded = np.zeros((pairs * 2 * lines, dim), np.int8)
    padded[:tokens] = levels
    worth = np.zeros(len(padded), np.float32)
    worth[:tokens] = scales
    tiles = padded.reshape(pairs, 2, lines, dim // LINE, LINE).transpose(0, 3, 1, 2, 4)
    query, shape = np.ascontiguousarray(tiles), _tile_shapes(lines)
    return lambda addresses, counts, scores: _score_fine(addresses, counts, shape, query, worth, scores)


def _tile_shapes(lines: int) -> NDArray[np.uint8]:
    """How many lines of how many bytes the tiles have, as the unit is told: sums and tokens have ``lines``."""
    shapes = np.zeros(64, np.uint8)
    shapes[0] = 1  # the one palette there is
    shapes[16:32].view("<u2")[:] = LINE
    shapes[48:56] = lines
    shapes[[48 + tile for tile in CODES]] = LINES
    return shapes


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
def unpack_block(typing: Any, codes: Any, half: Any, target: Any) -> Any:
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
def multiply_tiles(typing: Any, query: Any, lines: Any, codes: Any, depth: Any, sums: Any) -> Any:
    """Write the products of two tiles of tokens and two blocks of 16 vectors.

    ``query`` is ``(depth, 2, lines, 64)`` bytes, ``codes`` is ``(2, depth, 16, 16, 4)`` bytes: four dimensions of 16
    vectors to a line. ``sums`` is ``(2, 2 * lines, 16)``: block, token, vector.
    """

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> ir.Value:
        query, lines, codes, depth, sums = given
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
        for number in SUMS:
            place = builder.add(sums, builder.mul(tokens, ir.Constant(I64, number)))
            _tell(builder, "tilestored64", number, at(builder, place, 0, I8), line)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 5), generate


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
            builder.store(highest, at(builder, best, offset, INTS), align=1)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 3), generate


@njit(nogil=True)
def _aligned(room):
    return (room.ctypes.data + LINE - 1) // LINE * LINE


@compiled("void(i8[::1], i8[::1], u1[::1], i1[:,:,:,:,::1], f4[::1], f4[::1])")
def _score_fine(addresses, counts, shapes, query, scales, scores):
    """Score pages by their fine codes.

    Args:
        addresses: Of each page's codes. Shape ``(pages,)``.
        counts: Vectors of each page. Shape ``(pages,)``.
        shapes: Of the tiles.
        query: Levels, tile by tile. Shape ``(pairs of tiles, dim / 64, 2, lines, 64)``.
        scales: What one step is worth, by token. Shape ``(pairs of tiles * 2 * lines,)``.
        scores: Written to. Shape ``(pages,)``.
    """
    pairs, depth, _, lines, _ = query.shape
    half, tokens = depth * LINES // 2, 2 * lines
    unpacked = np.empty(2 * depth * TILE + LINE, np.uint8)
    products = np.empty(2 * tokens * LINE + LINE, np.uint8)
    best = np.empty((pairs, tokens, FINE_LANES), np.int32)
    set_up_tiles(shapes.ctypes.data)
    for page in range(len(counts)):
        codes, sums = _aligned(unpacked), _aligned(products)
        highest, asked = (
            best.ctypes.data,
            query.ctypes.data,
        )  # on every page: numba frees what is not mentioned again
        if counts[page] == 0:
            scores[page] = -np.inf
            continue
        best[:] = -(2**31)
        blocks = (counts[page] + FINE_LANES - 1) // FINE_LANES
        for first in range(0, blocks, 2):
            for number in range(2):  # an odd one meets itself
                packed = addresses[page] + LINE * half * min(first + number, blocks - 1)
                unpack_block(packed, half, codes + depth * TILE * number)
            for pair in range(pairs):
                multiply_tiles(asked + depth * tokens * LINE * pair, lines, codes, depth, sums)
                raise_best(highest + tokens * LINE * pair, tokens, sums)
        score = np.float32(0)
        for pair in range(pairs):
            for token in range(tokens):
                score += scales[pair * tokens + token] * np.float32(best[pair, token].max())
        scores[page] = score
    give_tiles_back()
