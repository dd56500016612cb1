"""What a notebook shows of a library: cards, pictures and tables, without scripts, with every text escaped."""

import base64
import io
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from PIL import Image

from maxsight import Hit, Hits, Library, Match, Region
from maxsight.errors import FilterError, InputError

EXAMPLES = Path(__file__).parents[2] / "examples"
TEXT = "The lighthouse keeper rows to the harbour.\n\nA <b>storm</b> breaks the mast."
QUESTION = "lighthouse storm"


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shown")
    (folder / "a<i>.txt").write_text(TEXT)
    shutil.copy(EXAMPLES / "documents" / "heat-pump-service-manual.pdf", folder / "manual.pdf")
    with Library.create(folder / "shown.library", encoder="fake") as library:
        library.index([folder / "a<i>.txt", folder / "manual.pdf"])
        yield library


def pictures(html):
    for found in re.findall(r"data:image/jpeg;base64,([^\"]+)", html):
        yield Image.open(io.BytesIO(base64.b64decode(found)))


def test_hits_are_a_list_of_cards_with_pictures_marks_and_escaped_text(library):
    hits = library.search(QUESTION, top_k=2)
    assert [hit.file for hit in hits] == ["a<i>.txt", hits[1].file]
    assert repr(hits) == "Hits('lighthouse storm': 2 pages, first 'a<i>.txt', page 1)"
    assert repr(hits[0]) == f"Hit(1. 'a<i>.txt', page 1, score {hits[0].score:.2f})"
    html = hits._repr_html_()
    assert "<b>1. a&lt;i&gt;.txt, page 1</b>" in html
    assert "A &lt;b&gt;<mark>storm</mark>&lt;/b&gt;" in html
    assert len(list(pictures(html))) == 2
    assert "<script" not in html and "onclick" not in html


def test_no_text_of_a_hit_becomes_markup():
    evil = "<script>alert('\"&\u202e')</script>"
    match = Match(evil, 1.0, Region((0, 0, 1, 1), evil), 1.0)
    hit = Hit(
        1, 1.0, "0" * 32, "1" * 32, evil, evil, 1, evil, (match,), ((0, 8),), (evil,), metadata={evil: evil}
    )
    html = Hits([hit], evil)._repr_html_()
    assert "<script" not in html and "\u202e" not in html
    assert html.count("&lt;script&gt;") == 6
    assert "nothing found" in Hits()._repr_html_()


def test_a_hit_gives_its_page_its_text_its_picture_and_parts_of_it(library):
    (hit,) = library.search("compressor feet", top_k=1, where={"file": "manual.pdf"})
    assert hit.text == hit.page.text == library.page(hit.page_id).page.text
    assert hit.image(36).size == (298, 421)
    assert hit.image().size == library.picture(hit.page_id).image.size
    assert hit.image().size == library.picture(library.page(hit.page_id)).image.size
    assert hit.crop((0, 0, 0.5, 0.25), dpi=36).size == (149, 106)
    match = next(match for match in hit.matches if match.identical)
    word = hit.crop(match, dpi=200)
    assert word.tobytes() == hit.crop(match.region).tobytes()
    x0, _, x1, _ = match.region.box
    assert word.width == pytest.approx((x1 - x0) * hit.image().width, abs=2)
    assert word.convert("L").getextrema()[0] < 128 < word.convert("L").getextrema()[1]
    with pytest.raises(InputError, match="no part of a page"):
        hit.crop((0.5, 0, 0.2, 1))


def test_plain_text_has_pictures_but_regions_without_a_place(library):
    (hit,) = library.search(QUESTION, top_k=1)
    assert hit.text == TEXT
    assert hit.image().size > (100, 100)
    with pytest.raises(InputError, match=r"has no place on the page: a<i>\.txt is plain text"):
        hit.crop(next(match for match in hit.matches if match.word == "storm"))


def test_a_page_whose_file_has_gone_still_shows_its_card(library):
    hits = library.search("compressor feet", top_k=1, where={"file": "manual.pdf"})
    file = library.source(library.documents()[1].document)
    file.rename(file.with_suffix(".away"))
    try:
        html = hits._repr_html_()
    finally:
        file.with_suffix(".away").rename(file)
    assert f"<b>1. manual.pdf, page {hits[0].page_number}</b>" in html and not list(pictures(html))


def test_values_are_one_line_in_a_shell_and_tables_in_a_notebook(library):
    assert repr(library) == f"Library({str(library.path)!r}, encoder 'fake')"
    assert repr(library.status()) == f"Status({str(library.path)!r}: 2 documents, 9 pages)"
    documents = library.documents()
    assert repr(documents) == "Documents(2 with 9 pages)"
    assert list(map(repr, documents)) == [
        "DocumentEntry('a<i>.txt', pages 1)",
        "DocumentEntry('manual.pdf', pages 8)",
    ]
    assert [(entry.file, entry.page_count) for entry in documents] == [("a<i>.txt", 1), ("manual.pdf", 8)]
    assert "a&lt;i&gt;.txt" in documents._repr_html_()
    assert "2 documents, 9 pages" in library._repr_html_()
    why = library.explain(QUESTION, "a<i>.txt", 1)
    assert repr(why) == f"Explanation('lighthouse storm': 'a<i>.txt', page 1, score {why.score:.2f})"
    (heat,) = pictures(why._repr_html_())
    assert heat.size == why.heatmap().size == library.draw(why).size


def test_wrong_use_is_told_in_the_words_of_the_library(library, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="got None"):
        library.search(None)
    with pytest.raises(InputError, match="takes an open store") as raised:
        Library(library.path)
    assert "Library.open(path)" in raised.value.hint
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"there is no file or folder nofile\.pdf"):
        library.index("nofile.pdf")
    (tmp_path / "here.txt").write_text("Here.")
    with Library.open(tmp_path / "new.library", create=True, encoder="fake") as new:
        assert len(new.index(["nofile.pdf", "here.txt"]).not_indexed) == 1


def test_a_dictionary_of_values_filters_by_equality(tmp_path):
    from maxsight.indexing.metadata import MetadataTable

    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.txt").write_text(f"{name} lighthouse")
    fields = MetadataTable({"a.txt": {"year": 2024, "kind": "it's"}, "b.txt": {"year": 2023, "kind": "x"}})
    with Library.create(tmp_path / "l.library", encoder="fake") as own:
        own.index([tmp_path / f"{name}.txt" for name in "abc"], metadata=fields)

        def found(where):
            return sorted(hit.file[0] for hit in own.search("lighthouse", where=where))

        assert found({"year": 2024}) == ["a"]
        assert found({"year": [2023, 2024], "kind": "it's"}) == ["a"]
        assert found({"kind": None}) == ["c"]
        assert found({}) == ["a", "b", "c"]
        assert [entry.file for entry in own.documents({"year": 2023})] == ["b.txt"]
        with pytest.raises(FilterError, match="unknown field 'yeer'; did you mean year"):
            found({"yeer": 2024})
        with pytest.raises(FilterError, match="a filter is SQL or a dictionary of values, got int"):
            found(2024)
        with pytest.raises(FilterError, match="can't be compared with"):
            found({"year": {"$gt": 3}})


@pytest.mark.outside
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_the_notebook_of_the_examples_runs_and_shows_cards(tmp_path):
    shutil.copytree(
        EXAMPLES / "documents",
        tmp_path / "documents",
        ignore=shutil.ignore_patterns("*scan*", "strom*", "dark*"),
    )
    notebook = nbformat.read(EXAMPLES / "search_in_a_notebook.ipynb", as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])]
    htmls = [data["text/html"] for data in shown if "text/html" in data]
    assert len(htmls) == 4
    assert "2 documents, 18 pages" in htmls[0]
    assert "<b>1. heat-pump-service-manual.pdf, page 6</b>" in htmls[1]
    assert len(list(pictures(htmls[1]))) == 3
    assert "<mark>" in htmls[1] and len(list(pictures(htmls[2]))) == 1
    assert any("image/png" in data for data in shown)
