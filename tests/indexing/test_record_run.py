"""Runs over files of records: what is new, what has changed, what is gone; by group."""

import json

import numpy as np
import pytest

from maxsight import Library
from maxsight.documents import RecordFields
from maxsight.encoders import Precomputed, load_encoder
from maxsight.encoders.offline.recipe import unit
from maxsight.encoders.paragraphs import ParagraphEncoder
from maxsight.errors import EncoderMismatchError, InputError
from maxsight.indexing import records as records_module
from maxsight.retrieval.maxsim import maxsim
from maxsight.types import MAX_VECTORS_PER_PAGE, EmbeddingSpace

FIELDS = RecordFields("title", "text", "emb", metadata=("year",))


@pytest.fixture
def library(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with Library.create(tmp_path / "test.library", encoder=Precomputed(4)) as library:
        yield library


def row(title, text, vector=None, **fields):
    vectors = np.random.default_rng(len(text)).standard_normal(4) if vector is None else vector
    return {"title": title, "text": text, "emb": list(vectors), **fields}


def write(folder, *rows, name="wiki.jsonl"):
    file = folder / name
    file.write_text("".join(each if isinstance(each, str) else json.dumps(each) + "\n" for each in rows))
    return file


def names(library):
    return [entry.document.path for entry in library.documents()]


def actions(report):
    return {indexed.path: indexed.action for indexed in report.indexed}


ADOBE = row("Adobe", "makes software", year=1982)
BRICK = row("Brick", "of clay", year=-7000)


def test_records_of_a_group_are_one_document_wherever_they_stand(library, tmp_path):
    later = row("Adobe", "was founded by two people", year=2000)
    report = library.index(write(tmp_path, ADOBE, BRICK, later), records=FIELDS)
    assert actions(report) == {"wiki.jsonl#Adobe": "added", "wiki.jsonl#Brick": "added"}
    adobe, brick = library.documents()
    assert (adobe.vectors, brick.vectors) == (2, 1)
    assert adobe.metadata == {"title": "Adobe", "year": 1982}, "of the first record that has it"
    assert brick.document.file == "wiki.jsonl#Brick"


def test_scores_are_maxsim_over_the_paragraphs(library, tmp_path):
    """The query's first vector is Brick's, its second lies between Adobe's two: 1 + 0 against 0 + sqrt(1/2)."""
    first, second, third = np.eye(4)[:3]
    rows = [row("Adobe", "one", first), row("Adobe", "two", second), row("Brick", "three", third)]
    library.index(write(tmp_path, *rows), records=FIELDS)
    query = np.array([third, first + second])
    brick, adobe = library.search(query)
    assert (brick.path, adobe.path) == ("wiki.jsonl#Brick", "wiki.jsonl#Adobe")
    assert brick.score == pytest.approx(1, abs=1e-3)
    assert adobe.score == pytest.approx(np.sqrt(0.5), abs=1e-3)
    unit = query / np.linalg.norm(query, axis=1, keepdims=True)
    expected = maxsim(unit.astype(np.float32), [np.eye(4, dtype=np.float32)[:2]])
    assert adobe.score == pytest.approx(float(expected[0]), abs=1e-3)


def test_the_best_paragraph_is_shown(library, tmp_path):
    rows = [row("Long", f"paragraph {number}", np.eye(4)[number]) for number in range(4)]
    library.index(write(tmp_path, *rows), records=FIELDS)
    (hit,) = library.search(np.eye(4)[2])
    assert hit.matches[0].region.text == "paragraph 2"
    assert hit.snippet == "… paragraph 2 paragraph 3"
    explanation = library.explain(np.eye(4)[2], "wiki.jsonl#Long", 1)
    assert explanation.regions[0].region.text == "paragraph 2"


def test_what_has_not_changed_is_skipped_and_what_has_is_replaced(library, tmp_path):
    library.index(write(tmp_path, ADOBE, BRICK), records=FIELDS)
    again = library.index(write(tmp_path, BRICK, ADOBE), records=FIELDS)
    assert (again.skipped, again.indexed) == (2, ())
    changed = library.index(write(tmp_path, ADOBE, row("Adobe", "more"), BRICK), records=FIELDS)
    assert actions(changed) == {"wiki.jsonl#Adobe": "replaced"}
    assert changed.skipped == 1
    assert [entry.vectors for entry in library.documents()] == [2, 1]
    assert library.status().pages == 2
    all_of_it = library.index(tmp_path / "wiki.jsonl", records=FIELDS, again=True)
    assert set(actions(all_of_it).values()) == {"replaced"}


def test_changed_fields_change_without_their_vectors(library, tmp_path):
    library.index(write(tmp_path, ADOBE), records=FIELDS)
    report = library.index(write(tmp_path, ADOBE | {"year": 1983}), records=FIELDS)
    assert (report.skipped, report.indexed) == (1, ())
    assert library.documents()[0].metadata["year"] == 1983
    assert [hit.path for hit in library.search(np.eye(4), where="year = 1983")] == ["wiki.jsonl#Adobe"]


def test_groups_that_are_gone_are_told_of_and_removed_only_when_asked(library, tmp_path):
    library.index(write(tmp_path, ADOBE, BRICK), records=FIELDS)
    other = write(tmp_path, row("Brick", "elsewhere"), name="other.jsonl")
    library.index(other, records=FIELDS)
    told = library.index(write(tmp_path, ADOBE), records=FIELDS)
    assert "1 indexed documents are no longer in wiki.jsonl (wiki.jsonl#Brick)" in told.notices[0]
    assert len(names(library)) == 3
    kept = library.index(write(tmp_path, ADOBE, "{broken\n"), records=FIELDS, prune=True)
    assert kept.removed == (), "the broken line may be Brick's"
    pruned = library.index(write(tmp_path, ADOBE), records=FIELDS, prune=True)
    assert pruned.removed == ("wiki.jsonl#Brick",)
    assert names(library) == ["other.jsonl#Brick", "wiki.jsonl#Adobe"]


def test_pruning_a_folder_leaves_documents_of_records_alone_while_their_file_is_there(library, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    file = write(folder, ADOBE)
    (folder / "other.bin").write_text("0101")
    library.index(file, records=FIELDS)
    library.index(folder, prune=True)
    assert names(library) == ["data/wiki.jsonl#Adobe"]
    file.unlink()
    assert library.index(folder, prune=True).removed == ("data/wiki.jsonl#Adobe",)


def test_nothing_is_removed_below_a_folder_that_is_empty(library, tmp_path):
    """It may be where a disk was."""
    folder = tmp_path / "data"
    folder.mkdir()
    file = write(folder, ADOBE)
    library.index(file, records=FIELDS)
    file.unlink()
    report = library.index(folder, prune=True)
    assert report.removed == () and names(library) == ["data/wiki.jsonl#Adobe"]
    assert report.notices == (
        f"nothing below {folder} is removed, which is empty: its disk may not be mounted: if the documents are gone "
        "for good, use maxsight remove",
    )


def test_a_name_that_would_part_a_path_is_quoted(library, tmp_path):
    rows = [row("AC/DC", "a band"), row("100%", "all"), row("AC%2FDC", "quoted by itself")]
    library.index(write(tmp_path, *rows), records=FIELDS)
    assert names(library) == ["wiki.jsonl#100%25", "wiki.jsonl#AC%252FDC", "wiki.jsonl#AC%2FDC"]
    assert {entry.metadata["title"] for entry in library.documents()} == {"AC/DC", "100%", "AC%2FDC"}


def test_a_document_longer_than_a_page_goes_on_and_is_completed_after_an_interruption(library, tmp_path):
    rows = [row("Long", f"p{number}") for number in range(MAX_VECTORS_PER_PAGE + 10)]
    file = write(tmp_path, *rows, BRICK)
    library.index(file, records=FIELDS)
    (brick, long) = library.documents()
    assert (long.page_indices, long.vectors, brick.vectors) == ((0, 1), MAX_VECTORS_PER_PAGE + 10, 1)
    assert long.complete


def test_a_run_that_is_stopped_goes_on_where_it_was(library, tmp_path, monkeypatch):
    monkeypatch.setattr(records_module, "PAGES_PER_COMMIT", 4)
    file = write(tmp_path, *(row(f"t{number:03}", f"text {number}") for number in range(500)))
    steps = library.indexing(file, records=FIELDS)
    for step in steps:
        if type(step).__name__ == "Indexed":
            break
    steps.close()
    before = len(names(library))
    assert 4 <= before < 500
    report = library.index(file, records=FIELDS)
    assert (report.skipped, len(report.indexed)) == (before, 500 - before)
    assert names(library) == [f"wiki.jsonl#t{number:03}" for number in range(500)]


def test_many_documents_share_a_commit_and_so_do_many_that_replace(library, tmp_path):
    rows = [row(f"t{number}", "old") for number in range(300)]
    before = library.store.version
    library.index(write(tmp_path, *rows), records=FIELDS)
    added = library.store.version
    library.index(write(tmp_path, *(each | {"text": "new"} for each in rows)), records=FIELDS)
    assert added - before < 20
    assert library.store.version - added < 20
    assert {page.text for page in pages(library)} == {"new"}


def pages(library):
    from maxsight.identity import page_id

    ids = [page_id(entry.document.path, entry.document.content_hash, 0) for entry in library.documents()]
    return [stored.page for stored in library.store.read(ids)]


def test_records_that_can_not_be_used_are_named_and_the_others_indexed(library, tmp_path):
    rows = ["{broken\n", ADOBE, row("Bad", "text", [1, float("nan"), 0, 0]), row("Short", "text", [1, 2])]
    report = library.index(
        write(tmp_path, *rows, {"title": "Silent", "text": "", "emb": [1, 0, 0, 0]}), records=FIELDS
    )
    assert names(library) == ["wiki.jsonl#Adobe"]
    reasons = [problem.reason.split(":")[0] for problem in report.not_indexed]
    assert reasons == ["line 1", "line 3", "line 4", "line 5"]


def test_of_very_many_problems_the_first_are_named_and_the_others_counted(library, tmp_path):
    report = library.index(write(tmp_path, *["{broken\n"] * 150, ADOBE), records=FIELDS)
    assert len(report.not_indexed) == 101
    assert report.not_indexed[-1].reason == "50 more of its records can't be used"
    assert names(library) == ["wiki.jsonl#Adobe"]


def test_a_field_of_another_type_than_before_is_a_problem_of_its_record_alone(library, tmp_path):
    report = library.index(write(tmp_path, ADOBE, row("Brick", "x", year="ancient")), records=FIELDS)
    (problem,) = report.not_indexed
    assert "line 2: metadata field 'year'" in problem.reason
    assert names(library) == ["wiki.jsonl#Adobe"]


def test_a_file_that_is_not_there_is_named_and_the_next_one_indexed(library, tmp_path):
    report = library.index([tmp_path / "none.jsonl", write(tmp_path, ADOBE)], records=FIELDS)
    assert [problem.path for problem in report.not_indexed] == [str(tmp_path / "none.jsonl")]
    assert names(library) == ["wiki.jsonl#Adobe"]


def test_vectors_of_unknown_origin_do_not_mix_with_an_encoders(tmp_path):
    encoder = load_encoder("minilm:paragraphs")
    vector = encoder.encode_phrases(["clay"]).vectors[0].tolist()
    file = write(tmp_path, {"title": "Brick", "text": "clay", "emb": vector})
    with Library.create(tmp_path / "m.library", encoder=encoder) as library:
        with pytest.raises(EncoderMismatchError, match="vectors of unknown origin in 'emb'"):
            library.index(file, records=RecordFields("title", "text", "emb"))
        vouched = RecordFields("title", "text", "emb", made_by="minilm:paragraphs")
        library.index(file, records=vouched)
        assert library.search(["clay"])[0].score == pytest.approx(1, abs=1e-3)


def test_given_vectors_are_asked_by_the_encoder_that_somebody_names(tmp_path):
    encoder = load_encoder("minilm:paragraphs")
    rows = [{"title": text, "text": text, "emb": encoder.encode_phrases([text]).vectors[0].tolist()}
            for text in ("red clay", "a loud band")]  # fmt: skip
    with Library.create(tmp_path / "p.library", encoder=Precomputed(384, "precomputed:mine")) as library:
        library.index(write(tmp_path, *rows), records=RecordFields("title", "text", "emb"))
        with pytest.raises(InputError, match="nothing here makes such a vector"):
            library.search("music")
    with Library.open(tmp_path / "p.library", encoder="minilm:paragraphs", read_only=True) as library:
        assert library.search("music")[0].metadata["title"] == "a loud band"
        assert library.search(["red clay"])[0].score == pytest.approx(1, abs=1e-3)
        assert library.space.encoder == "precomputed:mine"


def test_given_vectors_are_not_pooled(tmp_path):
    with Library.create(tmp_path / "p.library", encoder=Precomputed(4), pool_factor=2) as library:
        with pytest.raises(InputError, match="pools its vectors"):
            library.index(write(tmp_path, ADOBE), records=FIELDS)


def test_records_without_vectors_are_refused_where_only_given_ones_are_kept(library, tmp_path):
    with pytest.raises(InputError, match="holds vectors that come with the data"):
        library.index(write(tmp_path, ADOBE), records=RecordFields("title", "text"))


def test_options_that_are_not_for_records_are_refused(library, tmp_path):
    with pytest.raises(InputError, match="include: not for records"):
        library.index(write(tmp_path, ADOBE), records=FIELDS, include=["*.jsonl"])


def test_an_encoder_of_words_has_its_vectors_of_records_too(tmp_path):
    file = write(
        tmp_path, {"title": "Adobe", "text": "makes software"}, {"title": "Brick", "text": "red clay"}
    )
    with Library.create(tmp_path / "fake.library", encoder="fake") as library:
        library.index(file, records=RecordFields("title", "text"))
        assert [entry.vectors for entry in library.documents()] == [2, 2]
        assert library.search("clay")[0].metadata["title"] == "Brick"


class PairedParagraphs(ParagraphEncoder):
    """One vector a paragraph: 0 and 1 are near each other and far from 2 and 3, and so on."""

    space = EmbeddingSpace("paired", "1", dim=64, query_format="phrases")

    def _embed(self, texts, *, are_queries):
        axes = np.eye(64, dtype=np.float32)
        numbers = np.array([int(text.split()[0]) for text in texts])
        return unit(axes[numbers // 2] + np.float32(0.1) * axes[20 + numbers])


def test_a_pool_factor_does_not_change_which_pages_records_become(tmp_path):
    """40 paragraphs of 125 words are one page, whatever the pool factor: of 40 vectors, or of 40 / 2."""
    rows = [{"title": "Long", "text": f"{number} " + "word " * 124} for number in range(40)]
    file = write(tmp_path, *rows)
    for factor, vectors in ((1, 40), (2, 20)):
        with Library.create(
            tmp_path / f"{factor}.library", encoder=PairedParagraphs(), pool_factor=factor
        ) as library:
            library.index(file, records=RecordFields("title", "text"))
            (entry,) = library.documents()
            assert (entry.document.page_count, entry.vectors) == (1, vectors)
