"""Steps on the tiles of the processor's matrix unit (AMX of newer Xeons).

The unit has eight tiles of 16 lines of 64 bytes. One instruction multiplies two tiles of bytes and adds the products to
a tile of 32-bit sums. ``docs/kernels.md`` shows it. Source: Intel 64 and IA-32 Architectures Software Developer's
Manual, chapter 18.
"""

from __future__ import annotations

from llvmlite import ir
from numba.core import cgutils

from maxsight.retrieval.kernels.instructions import (
    BYTES,
    FOUR_BIT_BYTES_AHEAD,
    I8,
    INTS,
    LINE,
    SIGN_BYTES_AHEAD,
    at,
    call,
    constant,
    fetch,
    load,
    number,
    split_nibbles,
    step,
)

BLOCK = 16
"""Vectors whose codes are unpacked and multiplied together: one for each line of a tile."""
SUMS, CODES, TOKENS = (0, 1), (2, 3), (4, 5, 6, 7)
"""Numbers of the tiles. Of 128 dimensions, all tokens stay loaded while the vectors of a page pass."""


def _instruct(builder: ir.IRBuilder, name: str, *given: ir.Value | int) -> None:
    """Give the unit an instruction; tiles are named by number."""
    values = [ir.Constant(I8, value) if isinstance(value, int) else value for value in given]
    call(builder, f"llvm.x86.{name}", ir.VoidType(), *values)


def _store_line(builder: ir.IRBuilder, value: ir.Value, base: ir.Value, offset: ir.Value | int) -> None:
    builder.store(value, at(builder, base, offset, value.type), align=LINE)


def _load_tile(
    builder: ir.IRBuilder, tile: int, base: ir.Value, offset: ir.Value | int, lines: ir.Value | int
) -> None:
    """Load a tile from ``offset`` times ``lines`` lines behind an address."""
    behind = builder.mul(builder.mul(number(offset), number(lines)), number(LINE))
    _instruct(builder, "tileloadd64", tile, at(builder, base, behind, I8), number(LINE))


@step()
def set_up_tiles(builder, shapes):
    """Set the shapes of the tiles."""
    _instruct(builder, "ldtilecfg", at(builder, shapes, 0, I8))


@step()
def release_tiles(builder):
    """Release the tiles, so that the system need not save them when another thread takes the core."""
    _instruct(builder, "tilerelease")


@step()
def unpack_signs(builder, low, high, target):
    """Write the signs of a block of 16 vectors as bytes: bit 0 of four bytes of each vector, bit 1, and so on."""
    line = 0
    for part in (low, high):
        for offset in (0, LINE):
            fetch(builder, builder.add(part, number(offset)), ahead=SIGN_BYTES_AHEAD, cache=1)
        words = [load(builder, part, offset, INTS) for offset in (0, LINE)]
        for half in range(2):
            halves = builder.shuffle_vector(*words, ir.Constant(INTS, list(range(half, 32, 2))))
            packed = builder.bitcast(halves, BYTES)
            for bit in range(8):
                _store_line(builder, _take_bit(builder, packed, bit), target, LINE * line)
                line += 1


def _take_bit(builder: ir.IRBuilder, packed: ir.Value, bit: int) -> ir.Value:
    """Return one bit of each byte, as 0 or 1: the product with a matrix of bits with one row that is not zero."""
    matrix = ir.Constant(BYTES, [*[0] * 7, 1 << bit] * 8)
    return call(builder, "llvm.x86.vgf2p8affineqb.512", BYTES, packed, matrix, ir.Constant(I8, 0))


@step()
def unpack_four_bit(builder, codes, half, target):
    """Write the 4-bit codes of a block of 16 vectors as bytes: ``half`` lines of low halves, then the high halves."""
    behind = builder.add(target, builder.mul(half, number(LINE)))
    with cgutils.for_range(builder, half) as loop:
        offset = builder.mul(loop.index, number(LINE))
        fetch(builder, builder.add(codes, offset), ahead=FOUR_BIT_BYTES_AHEAD, cache=2)
        parts = split_nibbles(builder, load(builder, codes, offset, INTS))
        for part, place in zip(parts, (target, behind), strict=True):
            _store_line(builder, part, place, offset)


@step()
def load_tokens(builder, query, lines):
    """Load all tokens of 128 dimensions, ``(2, 2, lines, 64)`` bytes, for ``multiply_loaded``."""
    for place, tile in enumerate(TOKENS):
        _load_tile(builder, tile, query, place, lines)


@step()
def multiply_loaded(builder, codes):
    """Multiply the loaded tokens with a block of 16 vectors ``(2, 16, 16, 4)``, as ``multiply_all`` does."""
    for tile in SUMS:
        _instruct(builder, "tilezero", tile)
    for depth, tile in enumerate(CODES):
        _load_tile(builder, tile, codes, depth, BLOCK)
    for depth, tile in enumerate(CODES):
        for place, total in enumerate(SUMS):
            _instruct(builder, "tdpbsud", total, TOKENS[2 * depth + place], tile)


@step()
def multiply_all(builder, query, lines, codes, depth):
    """Multiply two tiles of tokens with a block of 16 vectors; the sums stay in the unit.

    ``query`` is ``(depth, 2, lines, 64)`` bytes. ``codes`` is ``(depth, 16, 16, 4)`` bytes: a line has four dimensions
    of 16 vectors.
    """
    for tile in SUMS:
        _instruct(builder, "tilezero", tile)
    with cgutils.for_range(builder, depth) as loop:
        _load_tile(builder, CODES[0], codes, loop.index, BLOCK)
        first = builder.mul(loop.index, number(len(SUMS)))
        for place, total in enumerate(SUMS):
            _load_tile(builder, TOKENS[place], query, builder.add(first, number(place)), lines)
            _instruct(builder, "tdpbsud", total, TOKENS[place], CODES[0])


@step()
def write_sums(builder, lines, sums):
    """Write the sums of a block ``(2 * lines, 16)``: token by token, vector by vector."""
    for tile in SUMS:
        place = builder.add(sums, builder.mul(builder.mul(lines, number(LINE)), number(tile)))
        _instruct(builder, "tilestored64", tile, at(builder, place, 0, I8), number(LINE))


@step()
def raise_best(builder, best, tokens, sums):
    """Raise ``best`` ``(tokens, 16)`` to the sums of two blocks ``(2, tokens, 16)``."""
    second = builder.add(sums, builder.mul(tokens, number(LINE)))
    with cgutils.for_range(builder, tokens) as loop:
        offset = builder.mul(loop.index, number(LINE))
        highest = load(builder, best, offset, INTS)
        for block in (sums, second):
            highest = call(builder, "llvm.smax.v16i32", INTS, highest, load(builder, block, offset, INTS))
        _store_line(builder, highest, best, offset)


@step()
def reset_best(builder, best, tokens):
    """Set ``best`` ``(tokens, 16)`` below all sums."""
    with cgutils.for_range(builder, tokens) as loop:
        _store_line(builder, constant(INTS, -(2**31)), best, builder.mul(loop.index, number(LINE)))
