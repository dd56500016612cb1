"""When compiled kernels are loaded, and what works without them."""

import subprocess
import sys

import numpy as np
import pytest

from maxsight.retrieval.kernels import loading
from maxsight.retrieval.maxsim import maxsim
from maxsight.retrieval.scoring import score_exact
from maxsight.stores.ragged import PageVectors
from retrieval_pages import pages_of, unit


def test_a_small_search_does_not_load_a_compiler_and_a_large_one_does():
    code = """
import sys, numpy as np
from maxsight.retrieval.kernels.loading import NUMPY, kernels_for
assert kernels_for(np.array([100, 200]), 10) is NUMPY
assert "numba" not in sys.modules
assert kernels_for(np.array([10**8]), 10) is not NUMPY
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("has_unit", [True, False])
def test_whether_queries_are_binary_is_known_before_kernels_are_loaded(monkeypatch, has_unit):
    """How many candidates a search takes depends on it, and the first one may load them."""
    pytest.importorskip("numba")
    if has_unit and not loading.request_matrix_unit():
        pytest.skip("this processor has no matrix unit (AMX), or the system does not lend it")
    monkeypatch.setattr(loading, "request_matrix_unit", lambda: has_unit)
    monkeypatch.setattr(loading, "_loader", loading._Loader())
    before = loading.queries_are_binary()
    assert loading.load_kernels().binary_queries is before is loading.queries_are_binary() is not has_unit


def test_without_the_extra_numpy_does_it_all_quietly(monkeypatch, caplog):
    monkeypatch.setattr(loading, "find_spec", lambda name: None)
    monkeypatch.setattr(loading, "_loader", loading._Loader())
    assert loading.load_kernels() is loading.NUMPY
    assert not [record for record in caplog.records if record.levelname != "INFO"]
    assert not loading.queries_are_binary()


def test_without_a_compiler_numpy_does_it_all_and_says_so(monkeypatch, caplog):
    monkeypatch.setenv("MAXSIGHT_KERNELS", "numba")
    monkeypatch.setitem(sys.modules, "maxsight.retrieval.kernels.bits", None)  # importing it fails
    monkeypatch.delattr("maxsight.retrieval.kernels.bits", raising=False)
    monkeypatch.setattr(loading, "_loader", loading._Loader())
    rng = np.random.default_rng(0)
    query, pages = unit(rng, 5, 32), pages_of(rng, (3, 8), 32)
    assert loading.load_kernels() is loading.NUMPY
    assert "searches are slower without compiled kernels" in caplog.text
    np.testing.assert_allclose(
        score_exact(query, PageVectors.from_arrays(["a", "b"], pages, 32)), maxsim(query, pages), rtol=1e-6
    )
