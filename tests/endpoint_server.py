"""A service on this machine that speaks OpenAI's chat completions, and what it was asked."""

import json
import socket
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class EndpointServer(ThreadingHTTPServer):
    """Says ``reply`` piece by piece, or does what the model's name asks for.

    Attributes:
        reply: What it says.
        raw: What the model "raw" sends instead, again and again for "raw-endless".
        headers: Headers of that.
        requests: Bodies of what it was asked.
        keys: What it was shown.
        hung_up: Set when a caller has gone before the end.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.reply = ["Revenue grew", " by 9 percent [", "1]."]
        self.raw, self.headers = b"", {}
        self.requests, self.keys = [], []
        self.hung_up = threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request, client_address):
        """A caller that hangs up is no error."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(body)
        self.server.keys.append(self.headers["Authorization"])
        if self.path != "/v1/chat/completions":
            return self.refuse(404, "no such address")
        model = body["model"]
        if model.isdecimal():
            return self.refuse(int(model), "the service says why")
        pictures = [part for part in body["messages"][1]["content"] if part["type"] == "image_url"]
        if model == "blind" and pictures:
            return self.refuse(400, "image_url is not supported by this model")
        if model == "another-protocol":
            return self.answer(200, b"<html>hello</html>", "text/html")
        if model.startswith("raw"):
            return self.send_raw(endless=model == "raw-endless")
        if model == "redirects":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        if model == "silent":
            time.sleep(2)
        self.stream(model)

    def refuse(self, status, message):
        self.answer(status, json.dumps({"error": {"message": message}}).encode(), "application/json")

    def answer(self, status, content, content_type):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def send_raw(self, endless):
        self.send_response(200)
        headers = {"Content-Type": "text/event-stream", "Connection": "close", **self.server.headers}
        for header in headers.items():
            self.send_header(*header)
        self.end_headers()
        try:
            self.wfile.write(self.server.raw)
            while endless:
                self.wfile.write(self.server.raw)
                self.wfile.flush()
                time.sleep(0.01)
        except OSError:
            self.server.hung_up.set()
        self.close_connection = True

    def stream(self, model):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        said = [] if model == "mute" else self.server.reply
        if model == "endless":
            said = iter(lambda: "on and on ", None)
        try:
            for piece in said:
                self.event({"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]})
                if model == "endless":
                    time.sleep(0.01)
                if model == "breaks-off":
                    self.event({"error": {"message": "out of memory"}})
                    return self.connection.shutdown(socket.SHUT_RDWR)
            self.event({"choices": []})  # as usage comes
            self.wfile.write(b"data: [DONE]\n\n")
        except OSError:
            self.server.hung_up.set()
        self.close_connection = True

    def event(self, value):
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", **value}
        self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.flush()


@contextmanager
def endpoint_server():
    with EndpointServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
