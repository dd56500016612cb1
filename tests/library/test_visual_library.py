"""A library whose encoder looks at pages instead of reading them."""

import numpy as np
import pytest
from fpdf import FPDF
from PIL import Image

from colour_encoder import GRID, ColourEncoder
from maxsight import Library
from maxsight.documents import OcrChoice, ReadSettings
from maxsight.documents.cleaning import find_words
from maxsight.documents.text import layout_text
from maxsight.errors import EncoderMismatchError, InputError, ModelNotAvailableError, UnknownEncoderError
from maxsight.heatmaps.overlay import LEGEND_WIDTH_PX

RED_AT, BLUE_AT = (1, 2), (5, 6)
"""Row and column of the patches of the picture that are coloured."""


def box_of(row, col):
    return pytest.approx((col / GRID, row / GRID, (col + 1) / GRID, (row + 1) / GRID), abs=1e-4)


def paint(file, width, height, **patches):
    """A white page with some of its 8 x 8 patches coloured."""
    picture = Image.new("RGB", (width, height), "white")
    for colour, (row, col) in patches.items():
        x0, y0 = col * width // GRID, row * height // GRID
        picture.paste(colour, (x0, y0, x0 + width // GRID, y0 + height // GRID))
    picture.save(file)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A picture without text, a PDF with a red word, and a text file, with their library."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "docs").mkdir()
    paint(folder / "docs" / "picture.png", 480, 960, red=RED_AT, blue=BLUE_AT)
    pdf = FPDF(unit="pt", format=(400, 400))
    pdf.add_page()
    pdf.set_font("Helvetica", size=12)
    pdf.text(60, 120, "Net sales rose in the third quarter.")
    pdf.set_fill_color(0, 160, 0)
    pdf.rect(200, 250, 50, 50, style="F")
    pdf.text(205, 280, "Margin")
    pdf.output(folder / "docs" / "report.pdf")
    (folder / "docs" / "note.txt").write_text(
        "A note.\n\n" * 3 + "The orchard sells cider, apples and pears."
    )
    with Library.create(folder / "test.library", encoder=ColourEncoder()) as library:
        assert library.index(folder / "docs").not_indexed == ()
    return folder


@pytest.fixture
def library(made):
    with Library.open(made / "test.library", encoder=ColourEncoder(), read_only=True) as library:
        yield library


def test_a_page_is_found_by_what_it_looks_like(library):
    assert library.search("red", top_k=1)[0].file == "picture.png"
    assert library.search("green", top_k=1)[0].file == "report.pdf"


def test_a_match_on_a_page_without_text_is_a_place(library):
    hit = library.search("red blue", top_k=1)[0]
    red, blue = hit.matches
    assert (red.region.box, blue.region.box) == (box_of(*RED_AT), box_of(*BLUE_AT))
    assert (hit.snippet, red.region.text, blue.region.text) == ("", "", "")


def test_a_match_names_the_words_that_stand_there(library):
    hit = library.search("green", top_k=1)[0]
    assert [(match.word, match.region.text) for match in hit.matches] == [("green", "Margin")]
    assert "Margin" in hit.snippet


def test_plain_text_is_looked_at_as_it_is_drawn_for_a_person(library):
    """The darkest patch of the drawn note is the one with most ink: its words are named, and it is outlined there."""
    explanation = library.explain("black", "note.txt", 1)
    (match,) = explanation.matches
    page = library.find_page("note.txt", 1).page
    picture, boxes = layout_text(page.text, find_words(page.text))
    x0, y0, x1, y1 = match.region.box
    words = [page.text[start:end].strip(".,") for start, end in page.words.spans]
    inside = (boxes[:, 0] < x1) & (boxes[:, 2] > x0) & (boxes[:, 1] < y1) & (boxes[:, 3] > y0)
    assert match.region.text and set(match.region.text.replace(",", "").split()) <= set(
        np.array(words)[inside]
    )
    drawn = library.draw(explanation)
    scale = (drawn.width - LEGEND_WIDTH_PX) / picture.width
    assert drawn.height >= round(picture.height * scale)


def test_the_drawing_covers_the_matches(library):
    """The picture is twice as high as wide; its patches, stretched for the encoder, are drawn in its own shape."""
    explanation = library.explain("blue", "picture.png", 1)
    drawn = np.asarray(library.draw(explanation), dtype=float)
    page = drawn[:, : drawn.shape[1] - LEGEND_WIDTH_PX]
    height, width = page.shape[:2]
    assert height == 2 * width
    row, col = BLUE_AT
    middle = page[round((row + 0.5) / GRID * height), round((col + 0.5) / GRID * width)]
    assert (
        middle[0] > 120 and middle[2] == 255
    )  # blue is a dark paper, which the marker lightens with its red
    row, col = RED_AT
    assert page[round((row + 0.5) / GRID * height), round((col + 0.5) / GRID * width)].tolist() == [255, 0, 0]
    assert (page[: height // 16] == 255).all()


def test_an_explanation_sums_to_the_score_with_the_prompt_counted(library):
    hit = library.search("red", top_k=1)[0]
    explanation = library.explain("red", hit.file, 1)
    assert sum(gain.score for gain in explanation.regions) == pytest.approx(hit.score, abs=1e-4)
    assert hit.score == pytest.approx(2, abs=1e-2)
    assert {str(gain.region) for gain in explanation.regions} >= {"whole page"}
    assert any("whole page" in note for note in explanation.notes)


def test_pages_are_not_read_by_ocr_unless_asked_for(made, tmp_path):
    with Library.create(tmp_path / "a.library", encoder=ColourEncoder()) as library:
        assert library.settings.ocr is OcrChoice.NONE
    with Library.create(
        tmp_path / "b.library", encoder=ColourEncoder(), settings=ReadSettings(ocr=OcrChoice.RAPIDOCR)
    ) as library:
        assert library.settings.ocr is OcrChoice.RAPIDOCR
    with Library.create(tmp_path / "c.library", encoder="fake") as library:
        assert library.settings.ocr is OcrChoice.AUTO


# Whose encoder ----------------------------------------------------------------------------------------------


def test_the_same_encoder_under_another_name_is_accepted(made):
    with Library.open(
        made / "test.library", encoder=ColourEncoder(name="elsewhere"), read_only=True
    ) as library:
        assert library.search("red", top_k=1)[0].file == "picture.png"


def test_another_encoder_is_refused_with_both_spaces_named(made):
    with pytest.raises(EncoderMismatchError) as caught:
        Library.open(made / "test.library", encoder=ColourEncoder(revision="2"))
    assert "indexed with colours (revision 1, 16-d" in str(caught.value)
    assert "not with colours (revision 2, 16-d" in str(caught.value)
    with pytest.raises(
        EncoderMismatchError, match=r"colours \(revision 1.*not with minilm \(revision \w+, 128-d"
    ) as caught:
        Library.open(made / "test.library", encoder="minilm")
    assert "--library minilm.library" in caught.value.hint


def test_an_encoder_that_can_not_be_loaded_is_refused_by_its_name(made, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(EncoderMismatchError, match=r"not with .*empty, which can't be loaded here"):
        Library.open(made / "test.library", encoder=str(empty))
    with pytest.raises(UnknownEncoderError, match="no encoder is called 'nonsense'"):
        Library.open(made / "test.library", encoder="nonsense")


def test_a_library_whose_checkpoint_has_moved_says_so(tmp_path):
    """The folder it was made with is gone; the same weights elsewhere are accepted."""
    gone = str(tmp_path / "gone")
    Library.create(tmp_path / "test.library", encoder=ColourEncoder(name=gone)).close()
    with Library.open(tmp_path / "test.library") as library:
        with pytest.raises(ModelNotAvailableError, match="gone, and there is no such folder") as caught:
            library.search("red")
        assert "--encoder" in caught.value.hint
    with Library.open(
        tmp_path / "test.library", encoder=ColourEncoder(name=str(tmp_path / "new"))
    ) as library:
        assert library.search("red") == []


# Token pooling ----------------------------------------------------------------------------------------------


def test_a_library_with_a_pool_factor_keeps_a_third_of_the_vectors_or_fewer(made, tmp_path):
    with Library.create(tmp_path / "pooled.library", encoder=ColourEncoder(), pool_factor=3) as library:
        library.index(made / "docs" / "report.pdf")
        assert library.status().vectors <= 64 // 3 + 1  # the prompt is kept; all that is white is one
        assert library.status().pool_factor == 3
        hit = library.search("green", top_k=1)[0]
        assert hit.score == pytest.approx(2, abs=0.2)
        assert hit.matches[0].region.text == "Margin"


def test_indexing_into_a_pooled_library_pools_by_itself_and_refuses_another_factor(made, tmp_path):
    Library.create(tmp_path / "pooled.library", encoder="fake", pool_factor=2).close()
    with Library.open(tmp_path / "pooled.library", create=True) as library:
        library.index(made / "docs" / "note.txt")
        words = (made / "docs" / "note.txt").read_text().split()
        assert library.status().vectors == len(words) // 2
    Library.open(tmp_path / "pooled.library", pool_factor=2).close()
    with pytest.raises(InputError, match="made with pool factor 2, not 3"):
        Library.open(tmp_path / "pooled.library", pool_factor=3)


def test_a_pool_factor_below_one_makes_no_library(tmp_path):
    with pytest.raises(InputError, match="pool_factor must be a whole number from 1"):
        Library.create(tmp_path / "none.library", encoder="fake", pool_factor=0)
    assert not (tmp_path / "none.library").exists()
