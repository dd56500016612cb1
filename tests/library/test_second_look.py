import json

import numpy as np
import pytest
from click.testing import CliRunner

from maxsight import Library
from maxsight.cli import main
from maxsight.errors import InputError
from maxsight.evaluation.datasets import Question
from maxsight.reranking import Reads
from pdf_files import write_pdf
from rerankers import Prefers

QUESTION = 'how high is the "lighthouse"?'


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A lighthouse on five pages, named less and less; lamps on more and more of them. One page is only a picture."""
    home = tmp_path_factory.mktemp("lighthouse")
    for number in range(1, 5):
        words = "The lighthouse is high. " * (5 - number) + "A lamp. " * (number - 1)
        write_pdf(home / f"{number}.pdf", [[(72, 100, words)]])
    with Library.create(home / "maxsight.library", encoder="minilm") as library:
        library.index([home])
        yield library


def files(hits):
    return [hit.file[0] for hit in hits]


def test_a_reranker_gives_the_order_of_the_first_pages_and_the_others_follow(library):
    plain = library.search(QUESTION)
    reranker = Prefers("lamp", pages=3)
    hits = library.search(QUESTION, rerank=reranker)
    first = sorted(plain[:3], key=lambda hit: int(hit.file[0]), reverse=True)
    assert files(hits) == files(first) + files(plain[3:])
    assert [hit.rank for hit in hits] == [1, 2, 3, 4]
    assert [hit.rerank_score for hit in hits] == [int(name) - 1 for name in files(first)] + [None]
    assert {hit.page_id: hit.score for hit in hits} == {hit.page_id: hit.score for hit in plain}
    ((asked, candidates),) = reranker.asked
    assert asked == "how high is the lighthouse?"
    assert [candidate.text[:14] for candidate in candidates] == ["The lighthouse"] * 3
    assert all(candidate.picture is None for candidate in candidates)


def test_it_reads_more_pages_than_are_asked_for(library):
    (hit,) = library.search(QUESTION, top_k=1, rerank=Prefers("lamp"))
    assert (hit.file, hit.rank, hit.rerank_score) == ("4.pdf", 1, 3)


def test_whether_the_library_answers_is_said_of_the_new_first_hit(library):
    plain, hits = library.search(QUESTION), library.search(QUESTION, rerank=Prefers("lamp"))
    assert plain[0].answers is not None
    assert (hits[0].answers, hits[0].doubtful) == (plain[0].answers, plain[0].doubtful)
    assert [hit.answers for hit in hits[1:]] == [None] * 3


def test_it_gets_pictures_and_pages_that_it_cant_read_come_last(library, tmp_path):
    reranker = Prefers("lamp", reads=Reads.IMAGE)
    hits = library.search(QUESTION, rerank=reranker)
    assert [hit.rerank_score for hit in hits] == [0, 0, 0, 0]
    assert files(hits) == files(library.search(QUESTION)), "equal scores leave the order"
    ((_, candidates),) = reranker.asked
    assert all(candidate.text == "" and candidate.picture.mode == "RGB" for candidate in candidates)
    first = library.source(library.page(hits[0].page_id).document)
    moved = first.rename(tmp_path / first.name)
    try:
        again = library.search(QUESTION, rerank=reranker)
    finally:
        moved.rename(first)
    assert (again[-1].page_id, again[-1].rerank_score) == (hits[0].page_id, None)


def test_vectors_cant_be_read_again(library):
    with pytest.raises(InputError, match="vectors can't be read"):
        library.search(np.ones((2, library.space.dim), np.float32), rerank=Prefers("lamp"))
    assert library.search(["the lighthouse", "lamp"], rerank=Prefers("lamp"))[0].file == "4.pdf"


def test_an_evaluation_measures_the_second_look(library):
    questions = [Question("1", "how high is the lighthouse?", "4.pdf", (0,))]
    for word, recall in (("lamp", 1), ("lighthouse", 0)):
        assert library.evaluate(questions, rerank=Prefers(word)).measures["recall@1"] == recall


def test_the_command_line_takes_a_reranker_by_its_folder(library, tmp_path):
    pytest.importorskip("torch", reason="the extra 'colpali' is not installed")
    from reranking import tiny_rerankers

    tiny_rerankers.classifier(tmp_path / "model")

    def call(*arguments, code=0):
        common = "search", QUESTION, "-l", str(library.path), "--device", "auto"
        result = CliRunner().invoke(main, [*common, *arguments])
        assert result.exit_code == code, result.output
        return result

    chosen = "--rerank", str(tmp_path / "model"), "--rerank-pages", "3"
    hits = json.loads(call(*chosen, "--json").stdout)
    scores = [hit["rerank_score"] for hit in hits]
    assert scores[:3] == sorted(scores[:3], reverse=True)
    assert all(0 < score < 1 for score in scores[:3]) and scores[3] is None
    lines = [line for line in call(*chosen).stdout.splitlines() if "page 1" in line]
    assert [f"reranked {score:.3f}" in line for score, line in zip(scores[:3], lines, strict=False)] == [
        True
    ] * 3
    assert lines[3].endswith("not reranked")
    assert "are for --rerank" in call("--rerank-pages", "3", code=2).output
    assert "there is no folder" in call("--rerank", "no-model", code=4).output
