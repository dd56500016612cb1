"""Cohere's embed endpoint on the loopback, answering as its documentation says. Vectors are hashes of the texts."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from maxsight.encoders.fake import _word_vector

KEY = "a-key-for-tests"
TEXTS_PER_REQUEST = 96


class CohereService:
    """What was asked, and what is answered instead of vectors.

    Attributes:
        requests: Bodies of the requests that were answered with vectors.
        refusals: Answers to the next requests, ``(status, headers, body)``; used up one by one.
    """

    def __init__(self, dim):
        self.dim = dim
        self.requests = []
        self.refusals = []
        self.url = None

    def answer(self, path, authorization, body):
        if self.refusals:
            return self.refusals.pop(0)
        if authorization != f"Bearer {KEY}":
            return 401, {}, {"id": "1", "message": "invalid api token"}
        if path != "/v2/embed":
            return 404, {}, {"id": "1", "message": "not found"}
        texts = body["texts"]
        if len(texts) > TEXTS_PER_REQUEST:
            return 400, {}, {"id": "1", "message": "total number of texts must be at most 96"}
        if body["embedding_types"] != ["float"] or body["truncate"] != "END":
            return 400, {}, {"id": "1", "message": "unexpected options"}
        self.requests.append(body)
        vectors = [(3 * vector_of(body["input_type"], text, self.dim)).tolist() for text in texts]
        billed = {"api_version": {"version": "2"}, "billed_units": {"input_tokens": len(texts)}}
        return 200, {}, {"id": "1", "texts": texts, "embeddings": {"float": vectors}, "meta": billed}


def vector_of(input_type, text, dim):
    """The unit vector that stands for a text: of the text alone, so that queries find it."""
    assert input_type in ("search_query", "search_document", "classification")
    return np.asarray(_word_vector(text, dim))


@contextmanager
def serving(dim=1024):
    """A service, its ``url`` set, until the block ends."""
    service = CohereService(dim)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status, headers, answer = service.answer(self.path, self.headers["authorization"], body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {"content-type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
