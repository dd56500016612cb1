"""MaxSim of float16 vectors, in float32: 16 tokens of the query meet 8 vectors of a page at a time.

The norm of each vector is checked while it is in the first-level cache: that costs a thirtieth of the products.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numpy.typing import NDArray

from maxsight.retrieval.kernels.compiling import compiled
from maxsight.retrieval.kernels.instructions import (
    FLOATS,
    HALVES,
    I16,
    I32,
    LINE,
    call,
    load,
    number,
    spread,
    step,
    store,
)
from maxsight.retrieval.kernels.reference import ExactScore
from maxsight.stores.ragged import SQUARED_NORM_TOLERANCE

LANES, VECTORS = 16, 8


@step()
def widen_16(builder, source, target):
    """Convert 16 numbers from float16 to float32."""
    store(builder, builder.fpext(load(builder, source, 0, HALVES), FLOATS), target, 0)


@step()
def widen(builder, source, target):
    """Convert a number from float16 to float32."""
    store(builder, builder.fpext(load(builder, source, 0, ir.HalfType()), ir.FloatType()), target, 0)


@step()
def exact_tile(builder, vectors, dim, query, row, best):
    """Raise ``best`` ``(16,)`` to the products of 16 tokens with 8 vectors.

    ``vectors`` is ``(8, dim)``; ``query`` is ``(dim, 16)``, with ``row`` bytes from one dimension to the next.
    """
    sums = [cgutils.alloca_once(builder, FLOATS) for _ in range(VECTORS)]
    for slot in sums:
        builder.store(ir.Constant(FLOATS, None), slot)
    length = builder.mul(dim, number(4))
    with cgutils.for_range(builder, dim) as loop:
        tokens = load(builder, query, builder.mul(loop.index, row), FLOATS)
        across = builder.mul(loop.index, number(4))
        for vector, slot in enumerate(sums):
            value = spread(builder, vectors, builder.add(builder.mul(length, number(vector)), across), FLOATS)
            total = call(builder, "llvm.fmuladd.v16f32", FLOATS, value, tokens, builder.load(slot))
            builder.store(total, slot)
    highest = load(builder, best, 0, FLOATS)
    for slot in sums:
        highest = call(builder, "llvm.maxnum.v16f32", FLOATS, highest, builder.load(slot))
    store(builder, highest, best, 0)


@step(types.int16)
def not_unit(builder, vectors, lines):
    """Return a bit for each of 8 float32 vectors ``(lines, 16)`` whose norm is not 1, up to the rounding to float16."""
    sums = [cgutils.alloca_once_value(builder, ir.Constant(FLOATS, None)) for _ in range(VECTORS)]
    length = builder.mul(lines, number(LINE))
    with cgutils.for_range(builder, lines) as loop:
        across = builder.mul(loop.index, number(LINE))
        for vector, slot in enumerate(sums):
            offset = builder.add(builder.mul(length, number(vector)), across)
            values = load(builder, vectors, offset, FLOATS)
            builder.store(
                call(builder, "llvm.fmuladd.v16f32", FLOATS, values, values, builder.load(slot)), slot
            )
    parts = [builder.load(slot) for slot in sums]
    for width in (8, 4, 2):  # lanes that hold parts of one vector's sum: halved as two vectors become one
        lanes = [lane for lane in range(2 * LANES) if lane % (2 * width) < width]
        parts = [
            _add_lanes(builder, pair, lanes, width) for pair in zip(parts[::2], parts[1::2], strict=True)
        ]
    (pairs,) = parts
    squared = _add_lanes(builder, (pairs, pairs), [lane for lane in range(2 * LANES) if lane % 2 == 0], 1)
    off = call(builder, "llvm.fabs.v16f32", FLOATS, builder.fsub(squared, ir.Constant(FLOATS, [1.0] * LANES)))
    tolerance = ir.Constant(FLOATS, [SQUARED_NORM_TOLERANCE] * LANES)
    return builder.bitcast(builder.fcmp_unordered(">", off, tolerance), I16)  # unordered: NaN counts


def _add_lanes(builder, pair, lanes, apart):
    """Add lanes of two vectors to those that lie ``apart`` behind them."""
    first, second = (
        builder.shuffle_vector(*pair, ir.Constant(ir.VectorType(I32, LANES), chosen))
        for chosen in (lanes, [lane + apart for lane in lanes])
    )
    return builder.fadd(first, second)


@njit(nogil=True)
def _widen_vector(source, target, dim):
    whole = dim - dim % LANES
    for start in range(0, whole, LANES):
        widen_16(source + 2 * start, target + 4 * start)
    for value in range(whole, dim):
        widen(source + 2 * value, target + 4 * value)


def exact_scorer(query: NDArray[np.float32]) -> ExactScore:
    """Prepare a query, see ``reference.exact_scorer``."""
    tokens, dim = query.shape
    side_by_side = np.zeros((-(-dim // LANES) * LANES, -(-tokens // LANES) * LANES), np.float32)
    side_by_side[:dim, :tokens] = query.T
    return lambda addresses, strides, counts, scores: _score_exact(
        addresses, strides, counts, side_by_side, dim, tokens, scores
    )


@compiled("void(i8[::1], i8[::1], i8[::1], f4[:,::1], i8, i8, f4[::1])")
def _score_exact(addresses, strides, counts, query, values, tokens, scores):
    """Score pages by MaxSim of their float16 vectors.

    Args:
        addresses: Of each page's first vector. Shape ``(pages,)``.
        strides: Bytes from one vector of a page to the next. Shape ``(pages,)``.
        counts: Vectors of each page. Shape ``(pages,)``.
        query: Its tokens side by side. Both numbers are padded to a multiple of 16. Shape ``(dim, padded tokens)``.
        values: How many of the dimensions are real.
        tokens: How many of them are real.
        scores: Written to; NaN for a page with a vector that is not of unit norm. Shape ``(pages,)``.
    """
    dim, padded = query.shape
    vectors = np.zeros((VECTORS, dim), np.float32)
    best = np.empty(padded, np.float32)
    source = query.ctypes.data
    for page in range(len(counts)):
        wide = vectors.ctypes.data  # on every page: numba frees an array after its last use
        if counts[page] == 0:
            scores[page] = -np.inf
            continue
        best[:] = -np.inf
        damaged = 0
        for first in range(0, counts[page], VECTORS):
            for lane in range(VECTORS):
                vector = min(first + lane, counts[page] - 1)
                _widen_vector(addresses[page] + strides[page] * vector, wide + 4 * dim * lane, values)
            damaged |= not_unit(wide, dim // LANES)
            for token in range(0, padded, LANES):
                exact_tile(wide, dim, source + 4 * token, 4 * padded, best.ctypes.data + 4 * token)
        score = np.float32(0)
        for token in range(tokens):
            score += best[token]
        scores[page] = np.nan if damaged else score
