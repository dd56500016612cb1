"""How fast are files indexed, in how much memory, and how large is the library?

With ``--steady PAGES`` instead: does memory grow over a long run? Copies of the documents, no two alike, are indexed by
encoders without a model, one that goes by words and one that looks at pictures as ColPali does.
"""

import json
import tempfile
from itertools import count
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import psutil
from measure import MAXSIGHT, SAMPLES, arguments, folder_bytes, run_with_memory, save

from maxsight.documents import OcrChoice, ReadSettings, discover
from maxsight.encoders.fake import FakeEncoder
from maxsight.indexing import IndexRun, Progress
from maxsight.pictures import Fit, PictureFit
from maxsight.retrieval.codes import PageCodec
from maxsight.stores.local.store import LocalStore
from maxsight.stores.manifest import Manifest
from maxsight.types import PageEmbedding, Regions

PAGES_PER_LOOK = 100
PAGES_TO_WARM_UP = 200


def main():
    given = arguments(__doc__, documents=SAMPLES, library=None, steady=0)
    with tempfile.TemporaryDirectory() as folder:
        if given.steady:
            copy_documents(given.documents, Path(folder) / "documents", given.steady)
            for encoder in (FakeEncoder(dim=128), FakeColPali()):
                # Each in a process of its own, so that neither is measured with what the other has left.
                run = get_context("spawn").Process(target=steady, args=(Path(folder), encoder, given.steady))
                run.start()
                run.join()
        else:
            speed(given, given.library or Path(folder) / "bench.library")


def speed(given, library):
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


class FakeColPali(FakeEncoder):
    """As many vectors as ColPali makes of a page, each from 14 x 14 pixels by fixed random weights."""

    grid, patch_px = 32, 14
    picture = PictureFit(Fit.STRETCH, height_px=448, width_px=448)

    def __init__(self):
        super().__init__(dim=128)
        self._weights = (
            np.random.default_rng(0).standard_normal((3 * self.patch_px**2, 128)).astype(np.float32)
        )
        top, left = np.divmod(np.arange(self.grid**2), self.grid)
        self._boxes = np.stack([left, top, left + 1, top + 1], axis=1).astype(np.float32) / self.grid

    def encode_pages(self, pages):
        return [PageEmbedding(self._vectors(page.picture), Regions(self._boxes, None)) for page in pages]

    def _vectors(self, picture):
        blocks = picture.reshape(self.grid, self.patch_px, self.grid, self.patch_px, 3).swapaxes(1, 2)
        vectors = (blocks.reshape(self.grid**2, -1) / np.float32(255) + np.float32(0.1)) @ self._weights
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def copy_documents(source, target, pages):
    """Copy the documents over and over, until there are certainly enough pages. No two copies have the same bytes."""
    target.mkdir()
    originals = [(file.stem, file.suffix, file.read_bytes()) for file in sorted(discover([source]))]
    copies = (original for _ in count() for original in originals)
    for number, (stem, suffix, content) in zip(range(pages), copies, strict=False):
        # PDFs and images end before their last byte; to a text it is another line.
        (target / f"{number:05}-{stem}{suffix}").write_bytes(content + f"\n% copy {number}\n".encode())


def steady(folder, encoder, pages):
    looks_at = "pictures" if encoder.picture else "words"
    settings = ReadSettings(ocr=OcrChoice.NONE, dpi=72)
    manifest = Manifest(encoder.space, dpi=settings.dpi, ocr=settings.ocr, created_by="benchmark")
    library = folder / f"{looks_at}.library"
    parent, used = psutil.Process(), []
    with LocalStore.create(library, manifest, codec=PageCodec(128)) as store, store.writing():
        events = IndexRun(store, encoder, folder, [folder / "documents"], {"settings": settings}).events()
        for event in events:
            if isinstance(event, Progress) and event.pages % PAGES_PER_LOOK == 0:
                readers = sum(process.memory_info().rss for process in parent.children())
                used.append((parent.memory_info().rss / 1e6, readers / 1e6))
                print(
                    f"{event.pages:>6} pages  {used[-1][0]:7.0f} MB  readers {used[-1][1]:7.0f} MB",
                    flush=True,
                )
                if event.pages >= pages:
                    break
        events.close()
    own = [mine for mine, _ in used]
    warm = own[PAGES_TO_WARM_UP // PAGES_PER_LOOK - 1]
    save(
        f"indexing-steady-{looks_at}",
        {
            "pages": len(used) * PAGES_PER_LOOK,
            "MB after 200 pages": round(warm),
            "MB at the end": round(own[-1]),
            "most MB after 200 pages": round(max(own[PAGES_TO_WARM_UP // PAGES_PER_LOOK - 1 :])),
            "MB per 1,000 pages, straight line through the second half": round(
                slope(own[len(own) // 2 :]), 1
            ),
            "reading processes, MB after 200 pages": round(used[PAGES_TO_WARM_UP // PAGES_PER_LOOK - 1][1]),
            "reading processes, MB at the end": round(used[-1][1]),
        },
    )


def slope(values):
    """Growth per 1,000 pages."""
    return float(np.polyfit(np.arange(len(values)) * PAGES_PER_LOOK / 1000, values, 1)[0])


if __name__ == "__main__":
    main()
