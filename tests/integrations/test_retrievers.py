"""Retrievers of three frameworks, with the frameworks themselves, over a folder and over a server."""

import asyncio
import base64
import io
from typing import NamedTuple

import pytest

pytest.importorskip("langchain_core", reason="the extra 'langchain' is not installed")
pytest.importorskip("llama_index.core", reason="the extra 'llama-index' is not installed")
pytest.importorskip("haystack", reason="the extra 'haystack' is not installed")
pytest.importorskip("fastapi", reason="the extra 'server' is not installed")

from haystack import Pipeline
from llama_index.core.schema import ImageNode
from llama_index.core.vector_stores import MetadataFilters
from PIL import Image

from maxsight import Library
from maxsight.client import RemoteLibrary
from maxsight.errors import FilterError
from maxsight.indexing.metadata import MetadataTable
from maxsight.integrations import haystack, langchain, llama_index
from maxsight.server.config import ServerSettings
from maxsight.server.service import Service
from pdf_files import write_pdf
from server.inside import listening

QUESTION = "What do repairs of the lamp cost?"
COST = "Repairs of the lamp cost four hundred pounds."


class Got(NamedTuple):
    """What a framework gives of a page."""

    text: str
    meta: dict
    score: float
    picture: bytes | None


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    home = tmp_path_factory.mktemp("library")
    (home / "docs").mkdir()
    write_pdf(home / "docs" / "lighthouse.pdf", [[(72, 100, "A keeper trims the lamp.")], [(72, 600, COST)]])
    (home / "docs" / "garden.txt").write_text("Lamps of the greenhouse cost forty pounds.\n")
    (home / "docs" / "bees.md").write_text("# Bees\n\nA hive makes honey.\n")
    (home / "fields.csv").write_text(
        "file,year,topic\nlighthouse.pdf,1901,sea's edge\ngarden.txt,2020,land\n"
    )
    with Library.create(home / "test.library") as library:
        library.index(home / "docs", metadata=MetadataTable.load(home / "fields.csv"))
        yield library


@pytest.fixture(scope="module", params=["folder", "server"])
def place(request, library):
    """Where the library is: its folder, or a server's address."""
    if request.param == "folder":
        yield str(library.path)
        return
    service = Service.open(library.path, ServerSettings(read_only=True))
    with listening(service) as port:
        yield f"http://127.0.0.1:{port}"


def in_langchain(place, where=None, **options):
    retriever = langchain.MaxSightRetriever(library=place, k=2, **options)
    more = {} if where is None else {"filter": where}
    documents = retriever.invoke(QUESTION, **more)
    assert [each.id for each in asyncio.run(retriever.ainvoke(QUESTION, **more))] == [
        each.id for each in documents
    ]
    got = []
    for document in documents:
        image = document.metadata.pop("image", None)
        picture = base64.b64decode(image["base64"]) if image else None
        got.append(Got(document.page_content, document.metadata, document.metadata["score"], picture))
    return got


def in_llama_index(place, where=None, **options):
    retriever = llama_index.MaxSightRetriever(place, similarity_top_k=2, filters=where, **options)
    found = retriever.retrieve(QUESTION)
    again = asyncio.run(retriever.aretrieve(QUESTION))
    assert [each.node.node_id for each in again] == [each.node.node_id for each in found]
    return [
        Got(
            each.node.get_content(),
            each.node.metadata,
            each.score,
            base64.b64decode(each.node.image) if isinstance(each.node, ImageNode) else None,
        )
        for each in found
    ]


def in_haystack(place, where=None, **options):
    """In a pipeline that has been saved and loaded."""
    pipeline = Pipeline()
    pipeline.add_component("pages", haystack.MaxSightRetriever(place, top_k=2, **options))
    loaded = Pipeline.loads(pipeline.dumps(), allowed_modules=["maxsight.integrations.haystack"])
    asked = {"pages": {"query": QUESTION, "filters": where}}
    documents = loaded.run(asked)["pages"]["documents"]
    again = asyncio.run(loaded.get_component("pages").run_async(QUESTION, where))["documents"]
    assert [each.id for each in again] == [each.id for each in documents]
    return [
        Got(each.content, each.meta, each.score, each.blob.data if each.blob else None) for each in documents
    ]


FRAMEWORKS = [in_langchain, in_llama_index, in_haystack]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_each_page_comes_with_its_text_its_fields_and_the_places_of_the_words(framework, place, library):
    first, second = framework(place)
    (hit, _) = library.search(QUESTION, top_k=2)
    assert (first.text, first.picture) == (COST, None)
    assert first.score == pytest.approx(hit.score, abs=1e-4) and first.score > second.score
    expected = {"file": "lighthouse.pdf", "page_number": 2, "year": 1901, "topic": "sea's edge", "rank": 1}
    assert expected.items() <= first.meta.items()
    (place_of_cost,) = [region for region in first.meta["regions"] if region["word"] == "cost"]
    assert place_of_cost["text"] == "cost"
    assert place_of_cost["box"] == pytest.approx(hit.matches[-1].region.box, abs=1e-4)


def test_a_page_is_shown_whole_or_where_it_matched(library):
    whole = in_langchain(library, pictures="page")[0].picture
    crops = [framework(library, pictures="crop")[0].picture for framework in (in_langchain, in_llama_index)]
    crops.append(in_haystack(str(library.path), pictures="crop")[0].picture)
    page, part, *others = (Image.open(io.BytesIO(picture)) for picture in (whole, *crops))
    assert page.height > page.width
    assert part.height < part.width < page.width, "the sentence, and not the page around it"
    assert part.convert("L").getextrema()[0] < 100, "it has letters"
    assert [other.size for other in others] == [part.size] * 2


WHERE = [
    (
        {"$or": [{"year": {"$gte": 2000}}, {"topic": {"$in": ["air"]}}]},
        {
            "operator": "OR",
            "conditions": [
                {"field": "meta.year", "operator": ">=", "value": 2000},
                {"field": "meta.topic", "operator": "in", "value": ["air"]},
            ],
        },
        {"condition": "or", "filters": [("year", ">=", 2000), ("topic", "in", ["air"])]},
        {"garden.txt"},
    ),
    (
        {"topic": "sea's edge", "year": {"$ne": 2000}},
        {
            "operator": "AND",
            "conditions": [
                {"field": "topic", "operator": "==", "value": "sea's edge"},
                {"field": "year", "operator": "!=", "value": 2000},
            ],
        },
        {"condition": "and", "filters": [("topic", "==", "sea's edge"), ("year", "!=", 2000)]},
        {"lighthouse.pdf"},
    ),
    (
        {"$not": {"year": {"$lt": 2000}}, "topic": {"$nin": ["land", "air"]}},
        {
            "operator": "AND",
            "conditions": [
                {
                    "operator": "NOT",
                    "conditions": [{"field": "year", "operator": "<", "value": 2000}],
                },
                {"field": "topic", "operator": "not in", "value": ["land", "air"]},
            ],
        },
        {"condition": "and", "filters": [("year", "is_empty", None), ("topic", "nin", ["land", "air"])]},
        {"bees.md"},
    ),
]


@pytest.mark.parametrize(("of_langchain", "of_haystack", "of_llama_index", "files"), WHERE)
def test_filters_in_the_form_of_each_framework_choose_the_same_pages(
    library, of_langchain, of_haystack, of_llama_index, files
):
    filters = MetadataFilters.from_dicts(
        [
            {"key": key, "operator": operator, "value": value}
            for key, operator, value in of_llama_index["filters"]
        ],
        condition=of_llama_index["condition"],
    )
    found = [in_langchain(library, of_langchain), in_llama_index(library, filters)]
    found.append(in_haystack(str(library.path), of_haystack))
    assert [{got.meta["file"] for got in each} for each in found] == [files] * 3


def test_the_first_questions_may_come_on_several_threads(library):
    retriever = langchain.MaxSightRetriever(library=str(library.path), k=1)
    found = retriever.batch([QUESTION] * 4)
    assert [[page.page_content for page in pages] for pages in found] == [[COST]] * 4


def test_a_filter_that_cant_be_understood_is_refused(library):
    for wrong in ({"year": {"$gtt": 1}}, {"$xor": []}, {"year": {"$eq": object()}}):
        with pytest.raises(FilterError):
            in_langchain(library, wrong)
    for empty in ({"$and": [{}, {"year": 2020}]}, {"$not": {}}, {"$or": []}):
        with pytest.raises(FilterError, match="a part of the filter is empty"):
            in_langchain(library, empty)
    with pytest.raises(FilterError, match="'year' is compared with no values"):
        in_langchain(library, {"year": {"$in": []}})
    with pytest.raises(FilterError, match="no operator 'any'"):
        in_llama_index(
            library, MetadataFilters.from_dicts([{"key": "year", "operator": "any", "value": ["a"]}])
        )
    for wrong in ({"operator": "=", "field": "year", "value": 1}, {"operator": "XOR", "conditions": []}):
        with pytest.raises(FilterError, match="no operator"):
            haystack.MaxSightRetriever(library).run(QUESTION, wrong)


def test_hits_of_a_server_give_their_pages(library):
    service = Service.open(library.path, ServerSettings(read_only=True))
    with listening(service) as port, RemoteLibrary(f"http://127.0.0.1:{port}") as remote:
        hit = remote.search(QUESTION, top_k=1).hits[0]
        own = library.search(QUESTION, top_k=1)[0]
        assert (hit.text, hit.page.words.spans.tolist()) == (own.text, own.page.words.spans.tolist())
        assert hit.page.words.boxes == pytest.approx(own.page.words.boxes, abs=1e-4)
        assert hit.image().width == 1200 and hit.heatmap().size
        assert hit.crop(hit.matches[-1]).width < 200
