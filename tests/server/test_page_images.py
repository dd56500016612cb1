"""Pictures of pages are drawn once, and cached under a limit."""

import io
import os

import pytest
from PIL import Image

from maxsight import Library
from maxsight.errors import UnknownPageError
from maxsight.server.page_images import WIDTHS_PX, PageImages, width_for


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A library of three plain texts, and its pages."""
    home = tmp_path_factory.mktemp("pictures")
    for number in range(3):
        (home / f"{number}.txt").write_text(f"Page number {number} of three.\n" * 20)
    with Library.create(home / "a.library") as library:
        library.index([home])
        yield library, [library.find_page(f"{number}.txt", 1) for number in range(3)]


def kept(folder):
    return sorted(file.name for file in folder.iterdir())


@pytest.mark.parametrize(("asked", "width"), [(1, 200), (200, 200), (201, 400), (2400, 2400)])
def test_there_are_a_few_sizes(asked, width):
    assert width_for(asked) == width
    assert width in WIDTHS_PX


def test_a_picture_is_made_once(pages, tmp_path, monkeypatch):
    library, (page, *_) = pages
    images = PageImages(library, tmp_path / "cache", 10**9)
    first = images.get(page.page_id, 400)
    assert Image.open(io.BytesIO(first)).width == 400
    monkeypatch.setattr(library, "picture", None)  # nobody draws any more
    assert images.get(page.page_id, 400) == first
    assert PageImages(library, tmp_path / "cache", 10**9).get(page.page_id, 400) == first


def test_a_page_is_looked_up_once_to_draw_it_and_not_again_to_show_it(pages, tmp_path, monkeypatch):
    library, (page, *_) = pages
    looked_up = []

    def read(page_id):
        looked_up.append(page_id)
        return page

    monkeypatch.setattr(library, "page", read)
    images = PageImages(library, tmp_path / "cache", 10**9)
    first = images.get(page.page_id, 400)
    assert looked_up == [page.page_id]
    assert images.get(page.page_id, 400) == first
    images.check_indexed(page.page_id)
    assert looked_up == [page.page_id]


def test_a_cached_picture_of_a_page_that_was_just_read_needs_no_look_up(pages, tmp_path):
    library, (page, *_) = pages
    first = PageImages(library, tmp_path / "cache", 10**9).get(page.page_id, 400)
    again = PageImages(library, tmp_path / "cache", 10**9)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library, "page", None)  # nobody looks up any more
        assert again.get(page.page_id, 400, page) == first


def test_a_cached_picture_of_a_removed_page_is_not_shown(pages, tmp_path):
    library, _ = pages
    folder = tmp_path / "cache"
    folder.mkdir()
    unknown = "0" * 32
    (folder / f"{unknown}-200.jpg").write_bytes(b"a picture")
    with pytest.raises(UnknownPageError):
        PageImages(library, folder, 10**9).get(unknown, 200)
    assert kept(folder) == []


def test_what_was_not_used_for_longest_goes_first(pages, tmp_path):
    library, rows = pages
    folder = tmp_path / "cache"
    sizes = [len(PageImages(library, tmp_path / "sizes", 10**9).get(page.page_id, 400)) for page in rows]
    images = PageImages(library, folder, sum(sizes) - 1)
    for age, page in zip((30, 20), rows[:2], strict=True):
        images.get(page.page_id, 400)
        file = folder / f"{page.page_id}-400.jpg"
        os.utime(file, (file.stat().st_atime, file.stat().st_mtime - age))
    images.get(rows[0].page_id, 400)  # the oldest, and used again
    images.get(rows[2].page_id, 400)
    names = kept(folder)
    assert f"{rows[1].page_id}-400.jpg" not in names
    assert f"{rows[2].page_id}-400.jpg" in names
    assert sum(file.stat().st_size for file in folder.iterdir()) < sum(sizes)


def test_a_picture_is_shown_even_if_it_can_not_be_cached(pages, tmp_path):
    library, (page, *_) = pages
    (tmp_path / "file").write_text("a file, not a folder")
    images = PageImages(library, tmp_path / "file" / "cache", 10**9)
    assert images.get(page.page_id, 200)


def test_a_page_that_went_leaves_no_picture(pages, tmp_path):
    library, rows = pages
    images = PageImages(library, tmp_path / "cache", 10**9)
    for page in rows[:2]:
        for width in (200, 800):
            images.get(page.page_id, width)
    images.forget([rows[0].page_id])
    assert kept(tmp_path / "cache") == sorted(f"{rows[1].page_id}-{width}.jpg" for width in (200, 800))


def test_a_page_that_went_while_it_was_drawn_leaves_no_picture_either(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("A page that will go.")
    with Library.create(tmp_path / "a.library") as library:
        library.index(tmp_path / "a.txt")
        page, draw = library.find_page("a.txt", 1), library.picture

        def draw_while_it_goes(*given, **options):
            library.remove(["a.txt"])
            return draw(*given, **options)

        monkeypatch.setattr(library, "picture", draw_while_it_goes)
        images = PageImages(library, tmp_path / "cache", 10**9)
        with pytest.raises(UnknownPageError):
            images.get(page.page_id, 200)
    assert kept(tmp_path / "cache") == []


def test_a_page_is_known_until_it_goes(tmp_path):
    (tmp_path / "a.txt").write_text("A page that will go.")
    with Library.create(tmp_path / "a.library") as library:
        library.index(tmp_path / "a.txt")
        page_id = library.find_page("a.txt", 1).page_id
        images = PageImages(library, tmp_path / "cache", 10**9)
        with pytest.raises(UnknownPageError):
            images.check_indexed("0" * 32)
        images.check_indexed(page_id)
        library.remove(["a.txt"])
        with pytest.raises(UnknownPageError):
            images.check_indexed(page_id)
