"""Callers who send or read too slowly are disconnected."""

import asyncio
import json
import socket
import time
from contextlib import ExitStack, suppress

import httpx
import pytest

from maxsight.server.config import RequestLimits, ServerSettings
from server.inside import client_of, listening, service_of
from server.serving import send_slowly_until_closed

PATIENCE_S, LONG_PATIENCE_S = 0.4, 3.0
HEAD = b"POST /v1/search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
SIZED, CHUNKED = HEAD + b"Content-Length: 900000\r\n\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    """Of a server that waits for less than a second: for tests of callers who are given up."""
    yield from port_of(tmp_path_factory.mktemp("slow"), PATIENCE_S)


@pytest.fixture(scope="module")
def patient_port(tmp_path_factory):
    """Of a server that waits long enough for callers who are heard, also on a busy machine."""
    yield from port_of(tmp_path_factory.mktemp("patient"), LONG_PATIENCE_S)


def port_of(folder, patience_s):
    settings = ServerSettings(limits=RequestLimits(request_s=patience_s, answer_s=patience_s))
    with service_of(folder, settings) as service, listening(service) as port:
        yield port


def line_to(port):
    return socket.create_connection(("127.0.0.1", port), timeout=60)


def is_well(line):
    """Ask a question without a body, and wait for all of the answer."""
    line.sendall(b"GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    answer = b""
    while not answer.endswith(b"}"):
        piece = line.recv(65536)
        if not piece:
            return False
        answer += piece
    return answer.startswith(b"HTTP/1.1 200 ")


def problem_in(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower()
    assert b"connection: close" in head.lower()
    return json.loads(body)


@pytest.mark.parametrize("start, drop", [(SIZED, b" "), (CHUNKED, b"1\r\n \r\n")])
@pytest.mark.parametrize("address", [b"/v1/search", b"/v1/embeddings", b"/v1/documents", b"/mcp"])
def test_a_body_that_takes_too_long_gets_408(port, address, start, drop):
    with line_to(port) as line:
        line.sendall(start.replace(b"/v1/search", address))
        answer = send_slowly_until_closed(line, drop)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"content-security-policy: default-src 'none'" in answer.lower()
    problem = problem_in(answer)
    assert problem["type"] == "/problems/too-slow" and "better connection" in problem["hint"]
    assert "a request's body may take 0.4 seconds" in problem["detail"]


@pytest.mark.parametrize("before", [0, 1])
def test_headers_that_take_too_long_get_408(port, patient_port, before):
    with line_to(patient_port if before else port) as line:
        for _ in range(before):
            assert is_well(line)
        line.sendall(b"GET /v1/health HTTP/1.1\r\nX-Slow: ")
        answer = send_slowly_until_closed(line, b"a")
    assert answer.startswith(b"HTTP/1.1 408 ")
    patience_s = LONG_PATIENCE_S if before else PATIENCE_S
    assert f"a request's headers may take {patience_s:g} seconds" in problem_in(answer)["detail"]
    assert b"content-security-policy: " in answer.lower()


def test_a_connection_without_a_request_is_closed_without_an_answer(port):
    with line_to(port) as line:
        assert line.recv(65536) == b""


def test_the_connection_of_a_refused_request_is_closed_before_its_body_has_come(port):
    with line_to(port) as line:
        line.sendall(SIZED.replace(b"127.0.0.1", b"evil.example"))
        answer = send_slowly_until_closed(line, b" ")
    assert answer.startswith(b"HTTP/1.1 421 ")


def test_a_connection_stays_open_for_the_next_request(patient_port):
    with line_to(patient_port) as line:
        assert is_well(line)
        time.sleep(1.1 * LONG_PATIENCE_S)  # uvicorn keeps it for five seconds
        assert is_well(line)


def test_a_body_without_a_size_is_stopped_when_it_is_too_large(patient_port):
    def content():
        for _ in range(20):
            yield b"a" * 100_000

    with httpx.Client(base_url=f"http://127.0.0.1:{patient_port}") as client:
        answer = client.post("/v1/search", content=content(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/content-too-large")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/search?q=x"), ("POST", "/v1/session"), ("PUT", "/")]
)
def test_open_addresses_and_those_without_bodies_accept_only_small_bodies(patient_port, method, path):
    with httpx.Client(base_url=f"http://127.0.0.1:{patient_port}") as client:
        answer = client.request(
            method, path, content=b"a" * 5000, headers={"Content-Type": "application/json"}
        )
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/content-too-large")


ANSWERS = 400


def read_after(port, pauses_s):
    """Ask for the API's description many times at once, and read of the answers after pauses, the last to the end."""
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)  # what is not read stays with the server
        line.settimeout(60)
        line.connect(("127.0.0.1", port))
        ask = b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        line.sendall((ask + b"\r\n") * (ANSWERS - 1) + ask + b"Connection: close\r\n\r\n")
        read = b""
        for pause_s in pauses_s:
            time.sleep(pause_s)
            read += line.recv(2**20)
        with suppress(ConnectionResetError):
            while piece := line.recv(2**20):
                read += piece
    return read.count(b"HTTP/1.1 200 OK")


def test_the_connection_of_a_caller_who_does_not_read_is_closed(port):
    """A busy machine may need a longer pause."""
    assert any(read_after(port, [pause_s]) < ANSWERS for pause_s in (3 * PATIENCE_S, 5, 20))


def test_a_caller_who_reads_slowly_gets_every_answer(patient_port):
    assert read_after(patient_port, [LONG_PATIENCE_S / 50] * 60) == ANSWERS


def test_a_new_connection_takes_the_place_of_the_one_that_was_idle_longest(tmp_path):
    settings = ServerSettings(limits=RequestLimits(connections=4))
    with service_of(tmp_path, settings) as service, listening(service) as port, ExitStack() as open_lines:
        lines = [open_lines.enter_context(line_to(port)) for _ in range(4)]
        assert all(map(is_well, lines))
        assert is_well(lines[0])  # so the second has been idle longest
        newcomer = open_lines.enter_context(line_to(port))
        assert is_well(newcomer)
        assert [is_well(line) for line in (lines[0], lines[2], lines[3])] == [True] * 3
        assert lines[1].recv(10) == b""


def test_health_is_answered_while_no_other_request_is(tmp_path):
    with service_of(tmp_path, ServerSettings(limits=RequestLimits(connections=1))) as service:

        async def ask():
            async with client_of(service) as client:
                with client._transport.app._answering:
                    return [
                        (await client.get(path)).status_code for path in ("/v1/health", "/v1/library", "/")
                    ]

        assert asyncio.run(ask()) == [200, 503, 503]
