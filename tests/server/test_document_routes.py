"""Documents are uploaded, listed and deleted."""

import json
import time

import pytest

from maxsight import Library
from pdf_files import write_pdf
from server.serving import ended, files_below, index, running, upload

STORY = b"The ferry leaves the harbour at noon.\n"


def test_the_list_gives_every_document_once_in_pieces(client, library):
    found, cursor = [], None
    while True:
        page = client.get(
            "/v1/documents", params={"limit": 2} | ({"cursor": cursor} if cursor else {})
        ).json()
        assert page["total"] == 3
        assert len(page["items"]) <= 2
        found += [(item["path"], item["pages_indexed"], item["vectors"]) for item in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    entries = library.documents()
    assert found == [(entry.document.path, len(entry.page_indices), entry.vectors) for entry in entries]


def test_the_list_can_be_filtered_by_fields_of_documents_and_by_pages(client):
    def files(condition):
        items = client.get("/v1/documents", params={"filter": condition}).json()["items"]
        return [item["file"] for item in items]

    assert files("year > 1950") == ["garden.txt"]
    assert files("page_number = 3") == ["lighthouse.pdf"]
    assert files("topic IS NULL") == ["bees.md"]
    assert files("file LIKE '%.zip'") == []


def test_an_invalid_cursor_is_refused(client):
    for cursor in ("%%%", "AAA", "gICA"):
        answer = client.get("/v1/documents", params={"cursor": cursor})
        assert answer.status_code == 400, cursor
        assert "cursor" in answer.json()["detail"]


def test_the_source_is_the_file_itself_and_opens_in_the_browser(client, served):
    for item in client.get("/v1/documents").json()["items"]:
        answer = client.get(item["links"]["source"])
        assert answer.content == (served.home / item["path"]).read_bytes()
        assert answer.headers["content-disposition"].startswith("inline")
        kind = {"lighthouse.pdf": "application/pdf"}.get(item["file"], "text/plain; charset=utf-8")
        assert answer.headers["content-type"] == kind


def test_an_uploaded_file_is_indexed_found_and_gone_when_it_is_deleted(own):
    with own.client() as client:
        job = index(client, ("story.txt", STORY))
        assert job["state"] == "done"
        assert [(file["file"], file["state"], file["pages"]) for file in job["files"]] == [
            ("story.txt", "indexed", 1)
        ]
        (item,) = client.get("/v1/documents").json()["items"]
        assert item["uploaded"]
        assert item["document_id"] == job["files"][0]["document_id"]
        assert client.get(item["links"]["source"]).content == STORY
        (hit,) = client.get("/v1/search", params={"q": "when does the ferry leave?"}).json()["hits"]
        thumbnail = hit["links"]["thumbnail"]
        assert client.get(thumbnail).status_code == 200
        assert files_below(own.home / "own.library" / "cache")

        assert client.delete(f"/v1/documents/{item['document_id']}").status_code == 204
        assert client.get("/v1/search", params={"q": "ferry"}).json()["hits"] == []
        assert client.get(thumbnail).status_code == 404
        assert client.delete(f"/v1/documents/{item['document_id']}").status_code == 404
        assert not files_below(own.home / "uploads")
        assert not files_below(own.home / "own.library" / "cache")


def test_a_file_that_was_indexed_where_it_lies_stays_when_its_document_is_deleted(tmp_path):
    file = tmp_path / "mine.txt"
    file.write_bytes(STORY)
    with Library.create(tmp_path / "a.library") as library:
        library.index(file)
    with running(tmp_path / "a.library") as server, server.client() as client:
        (item,) = client.get("/v1/documents").json()["items"]
        assert not item["uploaded"]
        assert client.delete(item["links"]["self"]).status_code == 204
        assert client.get("/v1/documents").json()["items"] == []
    assert file.read_bytes() == STORY


def test_the_same_file_again_is_not_indexed_again_and_another_one_of_its_name_is_another_document(own):
    with own.client() as client:
        index(client, ("story.txt", STORY))
        again = index(client, ("story.txt", STORY))
        assert [file["state"] for file in again["files"]] == ["unchanged"]
        twins = index(
            client,
            ("copy.txt", STORY),
            ("new.txt", b"The ferry is late."),
            ("new too.txt", b"The ferry is late."),
        )
        assert [(file["file"], file["state"], file["reason"]) for file in twins["files"]] == [
            ("new.txt", "indexed", None),
            ("copy.txt", "unchanged", "the library has this file as story.txt"),
            ("new too.txt", "unchanged", "the library has this file as new.txt"),
        ]
        assert twins["files"][1]["document_id"] == again["files"][0]["document_id"]
        client.delete(f"/v1/documents/{twins['files'][0]['document_id']}")
        index(client, ("story.txt", b"The ferry sank.\n"))
        items = client.get("/v1/documents").json()["items"]
        assert [item["file"] for item in items] == ["story.txt", "story.txt"]
        assert len(files_below(own.home / "uploads")) == 2
        for file in files_below(own.home / "uploads"):
            (own.home / "uploads" / file).unlink()
        (welcome,) = index(client, ("found.txt", b"The ferry is late."))["files"]
        assert welcome["state"] == "indexed"  # the document with its content has no file, and so no picture


def test_a_job_is_followed_by_events_to_its_end(own, tmp_path):
    pages = [[(72, 100, f"Chapter {number} of the tale")] for number in range(40)]
    content = write_pdf(tmp_path / "tale.pdf", pages).read_bytes()
    with own.client() as client:
        job = upload(client, ("tale.pdf", content), ("note.txt", STORY)).json()
        with client.stream("GET", job["links"]["events"]) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            lines = [line for line in answer.iter_lines() if line and not line.startswith(":")]
        names = [line.removeprefix("event: ") for line in lines[::2]]
        jobs = [json.loads(line.removeprefix("data: ")) for line in lines[1::2]]
        assert names[-1] == "done"
        assert set(names[:-1]) <= {"progress", "indexed"}
        assert jobs[-1]["state"] == "done"
        assert jobs[-1]["pages"] == 41
        shares = [job["share"] for job in jobs]
        assert shares == sorted(shares)
        assert shares[-1] == 1
        assert jobs[-1] == client.get(job["links"]["self"]).json()
        assert client.get("/v1/jobs").json()["items"][0]["job_id"] == job["job_id"]


def test_unreadable_files_are_named_and_deleted_and_the_rest_is_indexed(own):
    with own.client() as client:
        job = index(
            client,
            ("archive.pdf", b"PK\x03\x04" + b"\0" * 1000),
            ("program.exe", b"MZ" + b"\0" * 100),
            ("empty.txt", b""),
            ("story.txt", STORY),
        )
        assert job["state"] == "done"
        files = {file["file"]: file for file in job["files"]}
        assert files["story.txt"]["state"] == "indexed"
        assert {name for name, file in files.items() if file["state"] == "skipped"} == {
            "archive.pdf", "program.exe", "empty.txt"
        }  # fmt: skip
        assert "not a PDF" in files["archive.pdf"]["reason"]
        assert "does not read files of kind .exe" in files["program.exe"]["reason"]
        assert "empty" in files["empty.txt"]["reason"]
        assert {name.rpartition("/")[2] for name in files_below(own.home / "uploads")} == {"story.txt"}


def test_a_cancelled_job_leaves_no_file_of_which_nothing_is_indexed(own, tmp_path):
    long = write_pdf(tmp_path / "long.pdf", [[(72, 100, f"Page {n}")] for n in range(400)]).read_bytes()
    with own.client() as client:
        first = upload(client, ("long.pdf", long)).json()
        second = upload(client, ("story.txt", STORY)).json()  # waits behind it
        for _ in range(2):  # what has ended stays as it is
            assert client.delete(second["links"]["self"]).json()["state"] == "cancelled"
        assert client.delete(first["links"]["self"]).status_code == 200
        assert ended(client, first["job_id"])["state"] == "cancelled"
        assert ended(client, second["job_id"])["state"] == "cancelled"
        kept = files_below(own.home / "uploads")
        assert not any(name.endswith("story.txt") for name in kept)
        items = client.get("/v1/documents").json()["items"]
        assert {item["path"].rpartition("/")[2] for item in items} == {
            name.rpartition("/")[2] for name in kept
        }


def test_a_document_that_is_being_indexed_can_not_be_deleted(own, tmp_path):
    long = write_pdf(tmp_path / "long.pdf", [[(72, 100, f"Page {n}")] for n in range(300)]).read_bytes()
    with own.client() as client:
        job = upload(client, ("long.pdf", long)).json()
        while not (items := client.get("/v1/documents").json()["items"]):
            time.sleep(0.02)
        answer = client.delete(items[0]["links"]["self"])
        client.delete(job["links"]["self"])
        ended(client, job["job_id"])
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/document-busy")


def test_a_job_waits_for_another_process_that_is_writing(own, tmp_path):
    (tmp_path / "other.txt").write_bytes(b"Written from elsewhere.")
    with own.client() as client, Library.open(own.home / "own.library") as other:
        writing = other.indexing([tmp_path / "other.txt"])
        next(writing)  # it holds the library now
        job = upload(client, ("story.txt", STORY)).json()
        while not (now := client.get(job["links"]["self"]).json())["notices"]:
            time.sleep(0.1)
        assert now["state"] == "running"
        assert "is being written to by process" in now["notices"][0]
        assert client.get("/v1/search", params={"q": "ferry"}).status_code == 200
        for _ in writing:
            pass
        assert ended(client, job["job_id"])["state"] == "done"


def test_searches_go_on_while_files_are_indexed(own, tmp_path):
    pages = [[(72, 100, f"The ferry of day {number}")] for number in range(150)]
    content = write_pdf(tmp_path / "ferries.pdf", pages).read_bytes()
    with own.client() as client:
        index(client, ("story.txt", STORY))
        job = upload(client, ("ferries.pdf", content)).json()
        answered = 0
        while client.get(job["links"]["self"]).json()["state"] not in ("done", "failed"):
            answer = client.get("/v1/search", params={"q": "ferry at noon"})
            assert answer.status_code == 200
            assert answer.json()["hits"][0]["score"] > 0
            answered += 1
        assert answered > 3
        assert client.get("/v1/library").json()["pages"] == 151


def test_a_read_only_server_takes_and_deletes_nothing(tmp_path):
    with Library.create(tmp_path / "a.library"):
        pass
    before = files_below(tmp_path)
    with running(tmp_path / "a.library", "--read-only") as server, server.client() as client:
        assert client.get("/v1/library").json()["read_only"]
        for answer in (upload(client, ("a.txt", STORY)), client.delete(f"/v1/documents/{'0' * 32}")):
            assert answer.status_code in (403, 404)
        assert upload(client, ("a.txt", STORY)).json()["type"] == "/problems/library-read-only"
        assert client.get("/v1/jobs").json() == {"items": []}
        for address in (f"/v1/jobs/{'0' * 32}", f"/v1/jobs/{'0' * 32}/events"):
            answer = client.get(address)
            assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-job")
    assert files_below(tmp_path) == before | {"server.log"}


def test_a_server_makes_a_missing_library(own):
    with own.client() as client:
        index(client, ("story.txt", STORY))
    with Library.open(own.home / "own.library", read_only=True) as library:
        (hit,) = library.search("ferry")
        assert hit.file == "story.txt"
        assert library.verify().faults == ()


def test_a_commit_that_is_undone_is_named_to_clients_until_the_next_write(tmp_path):
    (tmp_path / "a.txt").write_bytes(STORY)
    with Library.create(tmp_path / "a.library") as library:
        library.index(tmp_path / "a.txt")
    newest = min((tmp_path / "a.library" / "pages.lance" / "_versions").glob("*.manifest"))
    newest.write_bytes(b"no manifest")
    with running(tmp_path / "a.library") as server, server.client() as client:
        (damage,) = client.get("/v1/library").json()["damage"]
        assert newest.name in damage and "its commit is undone" in damage
        index(client, ("b.txt", b"The ferry sank."))
        assert client.get("/v1/library").json()["damage"] == []


@pytest.mark.parametrize("kind", ["text", "file"])
def test_embeddings_are_those_of_the_library(client, library, kind, tmp_path):
    if kind == "text":
        answer = client.post("/v1/embeddings", json={"text": "lamp repairs"}).json()
        expected = library.encode_query("lamp repairs").vectors
        assert answer["words"] == ["lamp", "repairs"]
    else:
        file = tmp_path / "a.txt"
        file.write_bytes(STORY)
        answer = client.post("/v1/embeddings", files={"file": ("a.txt", STORY)}).json()
        (embedding,) = library.encode_file(file)
        expected = embedding.vectors
    assert answer["vectors"] == pytest.approx(expected, abs=1e-5)
    assert answer["dim"] == library.space.dim
    assert answer["revision"] == library.space.revision


def test_a_text_is_found_in_one_document_with_its_places(client):
    id_ = next(
        item["document_id"]
        for item in client.get("/v1/documents").json()["items"]
        if item["file"] == "lighthouse.pdf"
    )
    found = client.get(f"/v1/documents/{id_}/find", params={"text": "  of THE   lamp "}).json()
    assert found["total"] == 1
    (page,) = found["pages"]
    assert page["page_number"] == 2
    words = client.get(f"/v1/pages/{page['page_id']}").json()["words"]
    assert page["places"] == [[word["region"] for word in words if word["text"] in ("of", "the", "lamp")]]
    assert client.get(f"/v1/documents/{id_}/find", params={"text": "in"}).json()["total"] == 1
    assert client.get(f"/v1/documents/{id_}/find", params={"text": " "}).status_code == 422
    for nothing in ("tomatoes", "\x1c"):  # Python and the check of the parameter differ on what is a space
        found = client.get(f"/v1/documents/{id_}/find", params={"text": nothing})
        assert found.json() == {"total": 0, "pages": []}
    assert client.get(f"/v1/documents/{'0' * 32}/find", params={"text": "lamp"}).status_code == 404
