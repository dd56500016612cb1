"""A page or a picture as the question: in Python, on the command line, over HTTP, from a client and for assistants."""

import asyncio
import json

import pytest
from click.testing import CliRunner
from PIL import Image, ImageDraw, ImageFont

from colour_encoder import ColourEncoder
from maxsight import Library
from maxsight.cli import main
from maxsight.errors import EmptyQueryError, MaxSightError, UnknownPageError, UnreadableDocumentError
from maxsight.library.similar import MAX_VECTORS, page_query
from pdf_files import write_pdf


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """A library of colours: four red pages, more and more of each blue, and a green one."""
    home = tmp_path_factory.mktemp("colours")
    for number in range(4):
        page = Image.new("RGB", (80, 80), "red")
        page.paste("blue", (0, 0, 80, 10 * number))
        page.save(home / f"{number}.png")
    Image.new("RGB", (80, 80), "green").save(home / "green.png")
    (home / "copy").mkdir()
    (home / "copy" / "0.png").write_bytes((home / "0.png").read_bytes())
    with Library.create(home / "maxsight.library", encoder=ColourEncoder()) as library:
        library.index([home])
        yield library


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """A library of words."""
    home = tmp_path_factory.mktemp("words")
    texts = (
        "The lighthouse keeper trims the lamp every evening.",
        "A lamp of the lighthouse needs oil.",
        "Tomatoes want sun and water.",
        "Potatoes want earth and rain.",
    )
    write_pdf(home / "book.pdf", [[(72, 100, text)] for text in texts])
    write_pdf(home / "empty.pdf", [[]])
    with Library.create(home / "maxsight.library") as library:
        library.index([home])
        yield library


def photo_of(text, folder):
    picture = Image.new("RGB", (1000, 300), "white")
    ImageDraw.Draw(picture).text((40, 100), text, fill="black", font=ImageFont.load_default(48))
    picture.save(folder / "photo.png")
    return folder / "photo.png"


def pages(hits):
    return [(hit.file, hit.page_number) for hit in hits]


def test_pages_like_a_page_leave_out_the_page_and_its_copies(seen, read):
    like = seen.search_like("copy/0.png", 1, top_k=3)
    assert sorted(pages(like)) == [("1.png", 1), ("2.png", 1), ("3.png", 1)]
    assert [hit.rank for hit in like] == [1, 2, 3]
    assert pages(read.search_like("book.pdf", 4, top_k=1)) == [("book.pdf", 3)]
    assert pages(read.search_like("book.pdf", 1, where="page_number > 2", top_k=1)) != [("book.pdf", 1)]
    with pytest.raises(UnknownPageError):
        read.search_like("book.pdf", 9)
    with pytest.raises(EmptyQueryError, match="nothing on the page"):
        read.search_like("empty.pdf", 1)


def test_a_page_as_a_query_has_a_bounded_number_of_vectors_without_those_of_the_prompt(seen):
    page = seen.find_page("3.png", 1)
    assert len(page.embedding.vectors) == 65
    query = page_query(page.embedding)
    assert len(query) == MAX_VECTORS
    assert not (query[:, 5] > 0.9).any(), "the sixth dimension is the prompt's"


def test_a_picture_is_compared_as_a_page_where_the_encoder_looks_at_pages(seen, tmp_path):
    Image.new("RGB", (400, 300), "green").save(tmp_path / "photo.png")
    hits = seen.search_image(tmp_path / "photo.png", top_k=1)
    assert pages(hits) == [("green.png", 1)]
    assert (hits.query, seen.image_notices(hits)) == ("", [])


def test_an_encoder_of_text_searches_for_the_words_in_a_picture_and_says_so(read, tmp_path):
    photo = photo_of('lamp "of the" lighthouse -oil', tmp_path)
    hits = read.search_image(photo, top_k=2)
    assert pages(hits) == [("book.pdf", 2), ("book.pdf", 1)], "marks in a picture are no conditions"
    assert hits.query.split()[-1] == "oil"
    assert read.image_notices(hits) == [
        f"minilm reads only words: this is a search for {len(hits.query.split())} words read in the file"
    ]
    Image.new("RGB", (300, 300), "white").save(tmp_path / "blank.png")
    with pytest.raises(EmptyQueryError, match="no words were found in"):
        read.search_image(tmp_path / "blank.png")
    write_pdf(tmp_path / "two.pdf", [[(72, 100, "One.")], [(72, 100, "Two.")]])
    with pytest.raises(UnreadableDocumentError, match="2 pages"):
        read.search_image(tmp_path / "two.pdf")


def test_the_command_line_searches_by_a_page_and_by_a_picture(read, tmp_path):
    def call(*arguments, code=0):
        result = CliRunner().invoke(main, ["search", *arguments, "-l", str(read.path)])
        assert result.exit_code == code, result.output
        return result

    (hit,) = json.loads(call("--like", "book.pdf", "3", "-k", "1", "--json").stdout)
    assert (hit["file"], hit["page_number"]) == ("book.pdf", 4)
    photo = call("--image", str(photo_of("tomatoes", tmp_path)), "-k", "1")
    assert "page 3" in photo.stdout and "a search for 1 word read in the file" in photo.stderr
    assert "Give one of" in call("lamp", "--like", "book.pdf", "3", code=2).output
    assert "reads a question" in call("--like", "book.pdf", "3", "--rerank", "model", code=2).output


def test_a_server_a_client_and_an_assistant_do_the_same(read, tmp_path):
    pytest.importorskip("fastapi", reason="the extra 'server' is not installed")
    pytest.importorskip("httpx", reason="the extra 'client' is not installed")
    from maxsight.client import RemoteLibrary
    from maxsight.server.config import ServerSettings
    from maxsight.server.mcp import mcp_server
    from maxsight.server.mcp_pages import Pages
    from maxsight.server.service import Service
    from server.inside import listening

    async def similar(service):
        tools = mcp_server(Pages.of_service(service))
        return await tools.call_tool("similar_pages", {"path": "book.pdf", "page_number": 3, "top_k": 1})

    service = Service.open(read.path, ServerSettings(read_only=True))
    found = asyncio.run(similar(service))
    assert found.content[0].text == "1 page found" and "Potatoes" in found.content[1].text
    with listening(service) as port, RemoteLibrary(f"http://127.0.0.1:{port}") as remote:
        like = remote.search_like("book.pdf", 3, top_k=1, where={"file": "book.pdf"})
        assert pages(like.hits) == [("book.pdf", 4)]
        photo = remote.search_image(photo_of("tomatoes", tmp_path), top_k=1)
        assert pages(photo.hits) == [("book.pdf", 3)]
        assert photo.hits.query.lower() == "tomatoes" and "a search for 1 word" in photo.notices[0]
        (tmp_path / "x.zip").write_bytes(b"PK")
        with pytest.raises(MaxSightError, match=r"does not read files of kind \.zip"):
            remote.search_image(tmp_path / "x.zip")
