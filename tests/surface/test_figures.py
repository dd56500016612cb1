"""The figures of the pages are those that the benchmarks measured."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_pages_say_what_the_results_say():
    script = ROOT / "benchmarks" / "figures.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_readme_has_no_figure_beside_the_generated_ones():
    """A number with a unit of measurement outside of the generated part would grow old unnoticed."""
    import re

    page = (ROOT / "README.md").read_text(encoding="utf-8")
    start, end = page.index("<!-- figures"), page.index("<!-- end of figures")
    by_hand = page[:start] + page[end:]
    assert not re.findall(r"\d[\d.,]*\s*(?:ms|s|kB|MB|GB|pages/s|%)\b", by_hand)


def test_readme_is_at_most_120_lines():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120
