"""Ground truth as digitisation programs write it."""

import numpy as np
import pytest
from PIL import Image

from maxsight.errors import UnreadableDocumentError
from maxsight.quality.training.ground_truth import read_ground_truth
from maxsight.quality.training.pairs import find_pairs

# The word "barns" at 30 to 90 of 400 x 200 pixels; its picture has 800 x 400.
PICTURE = (800, 400)
BOX_PX = [60, 40, 180, 80]


def read(tmp_path, content, picture=PICTURE):
    (tmp_path / "a.xml").write_text(content, encoding="utf-8")
    words = read_ground_truth(tmp_path / "a.xml", picture)
    return list(words.texts), words.boxes.tolist()


def alto(body, unit="pixel", page='WIDTH="400" HEIGHT="200"'):
    return (
        f"<alto><Description><MeasurementUnit>{unit}</MeasurementUnit></Description><Layout><Page {page}>"
        f"<TextLine>{body}</TextLine></Page></Layout></alto>"
    )


def string(text, scale=1.0):
    places = zip(("HPOS", "VPOS", "WIDTH", "HEIGHT"), (30, 20, 60, 20), strict=True)
    return f'<String CONTENT="{text}" ' + " ".join(f'{n}="{v * scale}"' for n, v in places) + "/>"


def page_xml(body):
    return (
        f'<PcGts><Page imageWidth="400" imageHeight="200"><TextLine><Coords points="30,20 90,40"/>{body}'
        "<TextEquiv><Unicode>all barns</Unicode></TextEquiv></TextLine></Page></PcGts>"
    )


def word(*readings):
    return f'<Word><Coords points="30,20 90,40"/>{"".join(readings)}</Word>'


def reading(text, index=0):
    return f'<TextEquiv index="{index}"><Unicode>{text}</Unicode></TextEquiv>'


@pytest.mark.parametrize(("unit", "scale"), [("pixel", 1), ("inch1200", 4), ("mm10", 25.4 / 30)])
def test_places_in_any_unit_are_scaled_to_the_picture(unit, scale, tmp_path):
    size = f'WIDTH="{400 * scale}" HEIGHT="{200 * scale}"'
    texts, boxes = read(tmp_path, alto(string("barns", scale), unit, size))
    assert texts == ["barns"]
    np.testing.assert_allclose(boxes, [BOX_PX])


def test_pixels_of_another_page_than_the_picture_stay_as_they_are(tmp_path):
    assert read(tmp_path, alto(string("barns")), (500, 500))[1] == [[30, 20, 90, 40]]


def test_a_unit_without_the_size_of_the_page_is_refused(tmp_path):
    with pytest.raises(UnreadableDocumentError, match="not in pixels, and it does not say how large"):
        read(tmp_path, alto(string("barns"), "mm10", ""))


def test_a_hyphen_at_the_end_of_a_line_belongs_to_its_word(tmp_path):
    assert read(tmp_path, alto(string("barn") + '<HYP CONTENT="-"/>'))[0] == ["barn-"]


def test_of_several_readings_the_first_by_index_counts(tmp_path):
    assert read(tmp_path, page_xml(word(reading("xq", 1), reading("barns", 0)))) == (["barns"], [BOX_PX])


@pytest.mark.parametrize("words", ["", word(), word(reading("all")) + word()])
def test_a_line_whose_words_have_no_texts_counts_as_a_whole(words, tmp_path):
    assert read(tmp_path, page_xml(words)) == (["all barns"], [BOX_PX])


@pytest.mark.parametrize(
    "start",
    [
        '<!DOCTYPE html><html><head><meta charset="utf-8"><link href=x></head><body>',
        '<?xml version="1.0"?>\n<html xmlns="http://www.w3.org/1999/xhtml"><head/><body>',
    ],
)
def test_hocr_may_be_html_or_xhtml(start, tmp_path):
    body = (
        "<div class='ocr_page' title='bbox 0 0 400 200'><span class=\"ocr_line\" title='bbox 0 0 400 40'>"
        "<span class='ocrx_word' title='bbox 30 20 90 40; x_wconf 95'><strong>b<br>arns</strong></span>"
        "&nbsp;rest</span></div></body></html>"
    )
    assert read(tmp_path, start + body) == (["barns"], [BOX_PX])


def test_pictures_are_found_by_names_with_dots(tmp_path):
    for name in ("gazette.1910-10-31.p1.png", "b.jpg"):
        Image.new("L", (4, 4)).save(tmp_path / name)
    for name in ("gazette.1910-10-31.p1.xml", "b.gt.page.xml", "no.picture.xml"):
        (tmp_path / name).write_text(alto(string("barns")))
    assert [(picture.name, truth.name) for picture, truth in find_pairs(tmp_path)] == [
        ("b.jpg", "b.gt.page.xml"),
        ("gazette.1910-10-31.p1.png", "gazette.1910-10-31.p1.xml"),
    ]


def test_a_row_without_a_text_is_named_and_the_others_are_pairs(tmp_path):
    table = tmp_path / "pairs.jsonl"
    table.write_text('{"image": "p.png", "text": "one"}\n["p.png"]\n{"image": "q.png", "text": ["x"]}\n')
    pair, *problems = find_pairs(table)
    assert pair == (tmp_path / "p.png", "one")
    assert ["line 2: expected a JSON object" in str(problems[0]), "line 3" in str(problems[1])] == [
        True,
        True,
    ]
