"""Random damage to any file of a library is named, and repaired by `verify --repair` and `index`.

``MAXSIGHT_DAMAGE_ROUNDS`` sets how often. The benchmark of the same name plays 500 rounds.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import bench_damage

ROUNDS = int(os.environ.get("MAXSIGHT_DAMAGE_ROUNDS", "30"))


def test_after_random_damage_a_library_answers_as_before(tmp_path):
    endings = dict(enumerate(bench_damage.rounds(tmp_path, range(ROUNDS))))
    assert {seed: ending for seed, ending in endings.items() if not ending.startswith("whole")} == {}
    assert "whole again, damage named" in endings.values()
