"""Single pages as pictures."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import numpy as np
import pytest

from maxsight.documents import PageRenderer, ReadSettings, render_page
from maxsight.errors import UnreadableDocumentError
from pdf_files import write_pdf


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return write_pdf(
        tmp_path_factory.mktemp("rendering") / "a.pdf", [[(72, 100, f"Page {n}")] for n in range(3)]
    )


def test_a_renderer_draws_what_a_process_of_its_own_draws_at_every_resolution(file):
    with closing(PageRenderer()) as renderer:
        for dpi in (36, 72):
            settings = ReadSettings(dpi=dpi)
            for index in range(3):
                ours, theirs = renderer.render(file, index, settings), render_page(file, index, settings)
                assert ours.size == (612 * dpi // 72, 792 * dpi // 72)
                assert np.array_equal(np.asarray(ours), np.asarray(theirs))


def test_its_processes_stay_for_the_next_page_and_end_with_it(file):
    renderer = PageRenderer()
    renderer.render(file, 0, ReadSettings(dpi=36))
    pids = renderer.pids
    for index in range(3):
        renderer.render(file, index, ReadSettings(dpi=40))
    assert set(pids) <= set(renderer.pids)
    assert 1 <= len(renderer.pids) <= 2
    renderer.close()
    assert renderer.pids == []
    assert renderer.render(file, 0, ReadSettings(dpi=36)).width == 306
    renderer.close()


def test_threads_share_it(file):
    with closing(PageRenderer()) as renderer, ThreadPoolExecutor(4) as threads:
        drawn = list(threads.map(lambda n: renderer.render(file, n % 3, ReadSettings(dpi=36)), range(12)))
    for number, image in enumerate(drawn):
        assert np.array_equal(np.asarray(image), np.asarray(drawn[number % 3]))


def test_a_page_that_can_not_be_drawn_is_named(file, tmp_path):
    with closing(PageRenderer()) as renderer:
        with pytest.raises(UnreadableDocumentError, match="page 9"):
            renderer.render(file, 8, ReadSettings())
        with pytest.raises(UnreadableDocumentError, match=r"none\.pdf"):
            renderer.render(tmp_path / "none.pdf", 0, ReadSettings())
