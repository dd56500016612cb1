"""How fast are files indexed, in how much memory, and how large is the library?"""

import json
import tempfile
from pathlib import Path

from measure import MAXSIGHT, SAMPLES, arguments, folder_bytes, run_with_memory, save


def main():
    given = arguments(__doc__, documents=SAMPLES, library=None)
    with tempfile.TemporaryDirectory() as folder:
        library = given.library or Path(folder) / "bench.library"
        command = [*MAXSIGHT, "index", str(given.documents), "--library", str(library), "--json"]
        output, seconds, exit_code, peak = run_with_memory(command)
        report = json.loads(output[output.index("{") : output.rindex("}") + 1])
        _, seconds_again, *_ = run_with_memory(command)
        save(
            f"indexing-{given.set}",
            {
                "documents": len(report["indexed"]),
                "pages": report["pages"],
                "vectors per page": round(report["vectors"] / report["pages"], 1),
                "problems": len(report["not_indexed"]),
                "exit code": exit_code,
                "seconds, the whole command": round(seconds, 1),
                "pages per second, end to end": round(report["pages"] / seconds, 2),
                "peak memory of all processes, MB": round(peak / 1e6),
                "bytes per page on disk": round(folder_bytes(library) / report["pages"]),
                "seconds, the same command again": round(seconds_again, 2),
            },
        )


if __name__ == "__main__":
    main()
