"""mteb itself evaluates our search, on tasks made from local folders."""

import json

import pytest

pytest.importorskip("mteb", reason="the extra 'mteb' is not installed")

import datasets
import mteb
from mteb.abstasks.retrieval import AbsTaskRetrieval
from mteb.abstasks.task_metadata import TaskMetadata
from mteb.models import SearchProtocol
from PIL import Image

from colour_encoder import ColourEncoder
from maxsight.errors import InputError
from maxsight.integrations.mteb import MaxSightSearch

TEXTS = {
    "lamp": ("Lamps", "A keeper trims the lamp of the lighthouse."),
    "long": (
        "",
        "Nothing of note. " * 400 + "The beacon of the island is painted red. " + "And so on. " * 400,
    ),
    "bees": ("Bees", "A hive makes honey in summer."),
}
QUERIES = {"q1": "who trims the lighthouse lamp?", "q2": "what colour is the island's beacon?"}
ANSWERS = {"q1": "lamp", "q2": "long"}


def write(folder, config, rows, **extra):
    """A config of a data set, as the hub has them: JSON Lines in a folder of its own."""
    (folder / config).mkdir(parents=True)
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / config / "test.jsonl").write_text(lines)
    return {"config_name": config, "data_files": [{"split": "test", "path": f"{config}/test.jsonl"}]}


def task_of(folder, kind="Retrieval", category="t2t", modalities=("text",)):
    metadata = TaskMetadata(
        name=f"Local{folder.name.title()}", description="Made for a test.", reference=None, type=kind,
        category=category, modalities=list(modalities), eval_splits=["test"], eval_langs=["eng-Latn"],
        main_score="ndcg_at_10", dataset={"path": str(folder), "revision": "1"}, date=None, domains=None,
        task_subtypes=None, license=None, annotations_creators=None, dialect=None, sample_creation=None,
        bibtex_citation=None,
    )  # fmt: skip
    return type(metadata.name, (AbsTaskRetrieval,), {"metadata": metadata, "ignore_identical_ids": False})()


def evaluate(model, task):
    result = mteb.evaluate(model, task, cache=None, show_progress_bar=False, co2_tracker=False)
    (scores,) = result.task_results[0].scores["test"]
    return scores


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """Texts as mteb has them, and the same as a reranking task: for each query only some of the texts."""
    root = tmp_path_factory.mktemp("mteb")
    corpus = [{"_id": name, "title": title, "text": text} for name, (title, text) in TEXTS.items()]
    queries = [{"_id": name, "text": text} for name, text in QUERIES.items()]
    qrels = [{"query-id": query, "corpus-id": name, "score": 1} for query, name in ANSWERS.items()]
    ranked = [{"query-id": query, "corpus-ids": ["bees", "lamp"]} for query in QUERIES]
    for name in ("plain", "reranked"):
        configs = [
            write(root / name, "corpus", corpus),
            write(root / name, "queries", queries),
            write(root / name, "default", qrels),
        ]
        if name == "reranked":
            configs.append(write(root / name, "top_ranked", ranked))
        (root / name / "README.md").write_text(f"---\nconfigs: {json.dumps(configs)}\n---\n")
    return root


def test_mteb_measures_the_offline_encoder_on_texts(texts, tmp_path):
    made = []

    def place(name):
        made.append(tmp_path / f"{name}.library")
        return made[-1]

    model = MaxSightSearch("minilm", places=place)
    assert isinstance(model, SearchProtocol)
    scores = evaluate(model, task_of(texts / "plain"))
    assert (scores["ndcg_at_10"], scores["recall_at_1"]) == (1, 1), (
        "the long text has its answer on its second page"
    )
    (library,) = made
    assert library.name == "LocalPlain-default-test.library" and library.is_dir()
    meta = model.mteb_model_meta
    assert (meta.name, meta.embed_dim, meta.modalities) == (
        "maxsight/minilm",
        model._encoder.space.dim,
        ["text"],
    )
    assert meta.revision == model._encoder.space.revision and meta.model_type == ["late-interaction"]


def test_with_top_ranked_only_the_given_documents_are_scored(texts):
    scores = evaluate(MaxSightSearch("minilm"), task_of(texts / "reranked", kind="Reranking"))
    assert (scores["recall_at_1"], scores["recall_at_10"]) == (0.5, 0.5), "the answer of q2 is not among them"


def test_pictures_are_pages_for_an_encoder_that_looks_at_them(tmp_path):
    colours = {"red": "red", "green": "green", "blue": "blue"}
    pictures = {name: Image.new("RGB", (80, 80), colour) for name, colour in colours.items()}
    corpus = datasets.Dataset.from_list(
        [{"id": name, "image": picture} for name, picture in pictures.items()]
    )
    model = MaxSightSearch(ColourEncoder())
    task = task_of(tmp_path / "colours", category="t2i", modalities=("text", "image")).metadata
    model.index(
        corpus, task_metadata=task, hf_split="test", hf_subset="default", encode_kwargs={}, num_proc=None
    )
    queries = [
        {"id": "words", "text": "green"},
        {"id": "none", "text": "mauve"},
        {"id": "photo", "image": pictures["blue"]},
    ]
    found = model.search(
        queries,
        top_k=1,
        task_metadata=task,
        hf_split="test",
        hf_subset="default",
        encode_kwargs={},
        num_proc=None,
    )
    assert {name: [*best] for name, best in found.items()} == {
        "words": ["green"],
        "none": [],
        "photo": ["blue"],
    }
    assert model.mteb_model_meta.modalities == ["image", "text"]
    with pytest.raises(InputError, match="is a picture, and minilm reads text"):
        MaxSightSearch("minilm").index(corpus, task_metadata=task, hf_split="test", hf_subset="default")
    with pytest.raises(InputError, match="no corpus"):
        MaxSightSearch("minilm").search(queries, top_k=1)
