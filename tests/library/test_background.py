"""The background of a library: estimated while indexing, kept in the manifest, refreshed as it grows."""

import json
from dataclasses import replace

import numpy as np
import pytest

from maxsight import Library
from maxsight.stores.background import Background
from maxsight.stores.manifest import Manifest


def write(folder, first, last):
    for number in range(first, last):
        (folder / f"note{number}.txt").write_text(
            f"Note {number} is about apples, pumps and page {number * 7}."
        )


def test_the_background_is_estimated_while_indexing_and_again_when_the_library_has_grown(tmp_path):
    with Library.create(tmp_path / "notes.library") as library:
        write(tmp_path, 0, 1)
        library.index(tmp_path)
        assert library.store.manifest.background is None  # one page is no average
        write(tmp_path, 1, 4)
        library.index(tmp_path)
        first = library.store.manifest.background
        assert first.pages == 4 and len(first.weights) == library.space.dim
        write(tmp_path, 4, 6)
        library.index(tmp_path)
        assert library.store.manifest.background == first
        write(tmp_path, 6, 9)
        library.index(tmp_path)
        assert library.store.manifest.background.pages == 9
    with Library.open(tmp_path / "notes.library", read_only=True) as library:
        kept = library.store.manifest.background
        usual = kept.usual(library.encode_query("apples and pumps").vectors)
        assert kept.pages == 9 and (usual > 0.2).all() and (usual < 1).all()


def test_it_predicts_what_a_token_finds_on_an_average_page():
    """Ten pages of one vector each and many tokens: the mean similarity without the best page, a linear function."""
    rng = np.random.default_rng(0)
    tokens = rng.standard_normal((400, 6)).astype(np.float32)
    pages = [np.tile(np.eye(6, dtype=np.float32)[0] * 0.5, (3, 1))] * 10
    fitted = Background.fit(tokens, pages, of_pages=10)
    assert fitted.usual(tokens) == pytest.approx(0.5 * tokens[:, 0], abs=0.02)


def test_a_manifest_of_before_has_no_background_and_one_with_it_reads_back_the_same():
    with_it = Manifest.from_json(_MANIFEST, where="here")
    assert with_it.background is None
    with_it = replace(with_it, background=Background(8, 0.5, (0.25, -0.125)))
    assert Manifest.from_json(with_it.to_json(), where="here") == with_it


_MANIFEST = json.dumps(
    {
        "space": {"encoder": "fake", "revision": "1", "dim": 2, "query_format": "plain"},
        "dpi": 150,
        "ocr": "auto",
        "format_version": 1,
        "created_by": "0.1",
        "pool_factor": 1,
        "root": None,
    }
)
