"""What is compiled once is taken from numba's cache, until a file of its folder changes."""

import os
import subprocess
import sys

import pytest

KERNEL = """
from maxsight.retrieval.kernels.compiling import compiled
from shared import NUMBER

@compiled("void(i8[::1])")
def fill(numbers):
    numbers[:] = NUMBER
"""
RUN = "import numpy as np, kernel; out = np.zeros(1, np.int64); kernel.fill(out); print(out[0])"


def test_a_kernel_is_compiled_again_when_another_file_of_its_folder_changes(tmp_path):
    pytest.importorskip("numba")
    (tmp_path / "kernel.py").write_text(KERNEL)
    cache = tmp_path / "cache"
    environment = {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path]), "NUMBA_CACHE_DIR": str(cache)}

    def number_with(shared):
        (tmp_path / "shared.py").write_text(f"NUMBER = {shared}\n")
        command = [sys.executable, "-B", "-c", RUN]
        run = subprocess.run(
            command, env=os.environ | environment, capture_output=True, text=True, check=True
        )
        return int(run.stdout), len(list(cache.rglob("*.nbc")))

    assert number_with(111) == (111, 1)
    assert number_with(111) == (111, 1)
    assert number_with(222) == (222, 2)
