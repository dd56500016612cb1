"""How long does a cold command take?"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import MAXSIGHT, SAMPLES, arguments, save, spread, timed


def main():
    given = arguments(__doc__, documents=SAMPLES, library=None)
    with tempfile.TemporaryDirectory() as folder:
        library = given.library or Path(folder) / "bench.library"
        if not library.exists():
            subprocess.run([*MAXSIGHT, "index", str(given.documents), "--library", str(library)], check=True)
        searching = [*MAXSIGHT, "search", "how did revenue change?", "--library", str(library)]
        importing = [sys.executable, "-c", "import maxsight"]
        save(
            f"startup-{given.set}",
            {
                "maxsight search, s": spread(timed(searching, env=dict(os.environ)), 2),
                "maxsight --help, s": spread(timed([*MAXSIGHT, "--help"]), 3),
                "import maxsight, s": spread(timed(importing), 3),
                "python alone, s": spread(timed([sys.executable, "-c", ""]), 3),
            },
        )


if __name__ == "__main__":
    main()
