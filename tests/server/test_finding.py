"""Finding a text in a long document."""

from maxsight import Library
from maxsight.server.finding import MAX_PLACES, TextFinder


def test_all_places_are_counted_and_the_first_are_given(tmp_path):
    (tmp_path / "sea.txt").write_text("wave " * 1_700)  # a page of plain text has at most 1,000 words
    with Library.create(tmp_path / "test.library", encoder="fake") as library:
        library.index(tmp_path / "sea.txt")
        (entry,) = library.documents()
        total, pages = TextFinder(library).find(entry, "WAVE")
    given = [places for _, _, places in pages]
    assert len(entry.page_indices) == 2
    assert (total, sum(map(len, given))) == (1_700, MAX_PLACES)
