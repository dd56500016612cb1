"""``maxsight search --url`` and ``explain --url`` print what they print of the same library on this machine."""

import http.server
import json
import threading

import pytest
from click.testing import CliRunner

from maxsight.cli import main
from maxsight.client import RemoteLibrary
from maxsight.errors import (
    EndpointError,
    EndpointUnavailableError,
    FilterError,
    InputError,
    UnknownDocumentError,
)
from server.conftest import TOKEN
from server.serving import index


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    for name in ("MAXSIGHT_URL", "MAXSIGHT_API_TOKEN", "MAXSIGHT_LIBRARY"):
        monkeypatch.delenv(name, raising=False)


def search(*arguments):
    return call("search", *arguments)


def call(*arguments):
    result = CliRunner().invoke(main, arguments)
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("storm in the fog",),
        ("storm in the fog", "--json", "-k", "2"),
        ("lamp", "--filter", "year = 1901", "--no-names", "--exact", "--json"),
        ("wo ist der Leuchtturm und was steht in dem Buch?",),
        ("honey", "--filter", "colour = 1"),
        ("honey", "--filter", "year ="),
        ('"storm" -fog',),
        ("storm lighthouse", "--group", "document"),
        ("???",),
    ],
)
def test_the_output_is_that_of_a_search_on_this_machine(served, arguments):
    there = search(*arguments, "--url", served.url)
    here = search(*arguments, "--library", str(served.home / "test.library"))
    assert there == here


@pytest.mark.parametrize(
    "arguments",
    [
        ("what did the lamp cost?", "lighthouse.pdf", "2"),
        ("what did the lamp cost?", "documents/lighthouse.pdf", "2", "--json"),
        ("sun in the morning", "garden.txt", "1", "--json"),
        ("lamp", "light_house.pdf", "1"),
        ("lamp", "lighthouse.pdf", "9"),
        ("lamp", "it's not%there\\", "1"),
        ("lamp", "ees.md", "1"),
        ("???", "bees.md", "1"),
    ],
)
def test_so_is_that_of_an_explanation(served, arguments):
    there = call("explain", *arguments, "--url", served.url)
    here = call("explain", *arguments, "--library", str(served.home / "test.library"))
    assert there == here


def test_a_question_too_long_for_an_address_is_refused(served):
    with RemoteLibrary(served.url) as remote, pytest.raises(InputError, match="too long for an address"):
        remote.explain("\u6f22" * 9000, "bees.md", 1)


@pytest.mark.parametrize("option", ["--encoder", "--search-device", "--password"])
def test_what_only_a_library_here_can_do_is_refused(served, option):
    command = ("explain", "x", "bees.md", "1") if option == "--password" else ("search", "x")
    code, _, told = call(*command, "--url", served.url, option, "cpu")
    assert code == 2 and f"{option} is for a library on this machine" in told


def test_a_server_draws_no_explanation_and_says_so(served):
    code, _, told = call("explain", "lamp", "bees.md", "1", "--url", served.url, "--out", "heat.png")
    assert code == 2 and "leave out --out" in told


def test_documents_beyond_the_first_thousand_are_found(own, monkeypatch):
    monkeypatch.setattr("maxsight.client.library.MAX_LISTED", 2)
    with own.client() as client:
        index(client, *((f"{name}.txt", f"A text about {name}.".encode()) for name in "abcde"))
    with RemoteLibrary(own.url) as remote:
        explained = remote.explain("a text", "e.txt", 1)
        assert explained.path.endswith("/e.txt")
        assert explained.score == pytest.approx(sum(match.score for match in explained.matches))
        with pytest.raises(UnknownDocumentError, match="5 documents"):
            remote.explain("a text", "f.doc", 1)


def test_questions_of_a_file_are_asked_there_too(served, tmp_path):
    (tmp_path / "questions.txt").write_text("honey\nfog horn\n")
    asked = ("--queries", str(tmp_path / "questions.txt"), "-k", "1", "--json")
    there = search(*asked, "--url", served.url)[1]
    here = search(*asked, "--library", str(served.home / "test.library"))[1]
    # In a batch of questions, float32 may round otherwise.
    near = json.loads(here, parse_float=lambda number: pytest.approx(float(number), abs=2e-6))
    assert json.loads(there) == near and len(near) == 2


def test_the_environment_names_the_server_unless_a_library_is_on_the_command_line(
    served, guarded, monkeypatch
):
    monkeypatch.setenv("MAXSIGHT_URL", guarded.url)
    monkeypatch.setenv("MAXSIGHT_API_TOKEN", TOKEN)
    assert "old oak" in search("treasure")[1]
    assert "honey" in search("honey", "--library", str(served.home / "test.library"))[1]
    code, _, told = search("honey", "--library", "x.library", "--url", served.url)
    assert code == 2 and "not both" in told


def test_a_wrong_token_says_where_to_give_the_right_one(guarded):
    for token in ((), ("--token", "wrong-wrong-wrong-wrong")):
        code, _, told = search("treasure", "--url", guarded.url, *token)
        assert code == 7 and "MAXSIGHT_API_TOKEN" in told


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://x", "http://", "http://[::1", "x"])
def test_an_invalid_address_is_named(url):
    with pytest.raises(InputError, match="is not the address of a server"):
        RemoteLibrary(url)


def test_a_server_that_is_not_there_is_named():
    with (
        RemoteLibrary("http://127.0.0.1:9") as remote,
        pytest.raises(EndpointUnavailableError, match="reached"),
    ):
        remote.search("x")


def test_an_error_of_the_library_comes_as_its_own_class(served):
    with RemoteLibrary(served.url) as remote, pytest.raises(FilterError, match="colour") as raised:
        remote.search("x", where="colour = 1")
    assert "Known fields" in raised.value.hint


class SomethingElse(http.server.BaseHTTPRequestHandler):
    """No maxsight server: what it answers is what its path says first."""

    replies = ((200, b"<html>"), (200, b'{"hits": 3}'), (404, b"no"), (302, b""), (503, b"busy"))
    turn = 0

    def do_POST(self):
        status, content = self.replies[type(self).turn]
        type(self).turn += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(status)
        self.send_header("Location", "http://127.0.0.1:9/")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        pass


def test_what_is_no_maxsight_server_is_said_to_be_none():
    with http.server.HTTPServer(("127.0.0.1", 0), SomethingElse) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            with RemoteLibrary(f"http://127.0.0.1:{server.server_port}", token="t") as remote:
                for _ in range(4):
                    with pytest.raises(EndpointError, match="no maxsight server"):
                        remote.search("x")
                with pytest.raises(EndpointUnavailableError, match="503"):
                    remote.search("x")
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("count", [1, 2])
def test_a_doubt_about_a_question_of_a_file_is_said_once_beside_it(served, tmp_path, count):
    asked = "Who wrote the opera about the barber of Seville?"
    (tmp_path / "questions.txt").write_text("\n".join([asked, "storm in the fog"][:count]))
    arguments = ("--queries", str(tmp_path / "questions.txt"))
    for library in (("--url", served.url), ("--library", str(served.home / "test.library"))):
        _, _, told = search(*arguments, *library)
        assert told.count("nothing here seems to answer this") == 1
