"""A Git server over HTTP(S) on the loopback address: `git http-backend` behind Python's web server, with faults."""

import base64
import http.server
import os
import ssl
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

_BACKEND = "/usr/lib/git-core/git-http-backend"


@dataclass
class Request:
    """One request as the server saw it."""

    method: str
    target: str
    headers: dict
    body: bytes = b""
    at: float = field(default_factory=time.monotonic)  # seconds of the monotonic clock

    @property
    def authorization(self):
        return self.headers.get("authorization")

    @property
    def fetches(self):
        """True when it asks for a pack (not only for a list of refs)."""
        return self.method == "POST" and self.target.endswith("/git-upload-pack") and b"command=ls-refs" not in self.body

    @property
    def pushes(self):
        """True when it sends a pack."""
        return self.method == "POST" and self.target.endswith("/git-receive-pack")


@dataclass
class Response:
    """What the server is about to answer. A fault may change it."""

    status: int
    headers: list = field(default_factory=list)
    body: bytes = b""
    send_bytes: int | None = None  # how much of the body goes out before `then`
    then: str = "finish"           # or: "stall" until the server closes, "close" the connection


class Fault:
    """Changes how the server answers. `before` may answer instead of Git; `after` may change Git's answer."""

    def before(self, request, server):
        """A Response to send instead of Git's, or None."""

    def after(self, request, response):
        """The response to send."""
        return response


class Status(Fault):
    """Every request gets this status."""

    def __init__(self, status, headers=(), body=b"<html>no</html>"):
        self._response = Response(status, [("Content-Type", "text/html"), *headers], body)

    def before(self, request, server):
        return self._response


class Hold(Fault):
    """Requests that `matching` accepts wait until release(); `held` says that one does. Never released, it is a server
    that hangs before the first byte."""

    def __init__(self, matching=lambda request: True):
        self._matching = matching
        self._released = threading.Event()
        self.held = threading.Event()

    def release(self):
        self._released.set()

    def before(self, request, server):
        if not self._matching(request):
            return None
        self.held.set()
        while not self._released.wait(0.01):
            if server.closing.is_set():
                return Response(200, [], b"", 0, "close")
        return None


class CutPack(Fault):
    """Packs stop after `sent` bytes: the server stalls, or closes the connection."""

    def __init__(self, then, sent=20_000):
        self._then, self._sent = then, sent

    def after(self, request, response):
        if request.fetches and len(response.body) > self._sent:
            response.send_bytes, response.then = self._sent, self._then
        return response


class Redirect(Fault):
    """Every request is sent on to the same place on another server."""

    def __init__(self, other):
        self._other = other

    def before(self, request, server):
        return Response(302, [("Location", self._other + request.target)], b"")


class Meanwhile(Fault):
    """Calls `action` once, just before the first request that `matching` accepts is answered."""

    def __init__(self, matching, action):
        self._matching, self._action = matching, action

    def before(self, request, server):
        if self._action and self._matching(request):
            action, self._action = self._action, None
            action()


class GitHttpServer:
    """Serves the bare repositories below `root`. Set `credentials` to (user, password) to ask for them, or `bearer`
    to a token, and `fault` to misbehave; all may change at any time. `requests` holds all requests so far, in order."""

    def __init__(self, root, certificate=None):
        self.root = Path(root)
        self.credentials = None
        self.bearer = None
        self.fault = Fault()
        self.requests = []
        self.closing = threading.Event()
        self._server = _ThreadingServer(("127.0.0.1", 0), _Handler)
        self._server.git = self
        self._scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.certificate, certificate.key)
            # The handshake happens in the connection's own thread, so a client that refuses us does not stop the others.
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True,
                                                      do_handshake_on_connect=False)
            self._scheme = "https"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def address(self):
        """"127.0.0.1:port"."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def base(self):
        """The server's URL without a final slash."""
        return f"{self._scheme}://{self.address}"

    def url(self, repository):
        """The URL of a repository below the root."""
        return f"{self.base}/{Path(repository.path).relative_to(self.root)}"

    def close(self):
        """Ends all connections, stalled ones too."""
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request):
        """The response to a request, faults included."""
        response = self.fault.before(request, self) or self._check_credentials(request) or self._run_git(request)
        return self.fault.after(request, response)

    def _check_credentials(self, request):
        if self.credentials is None and self.bearer is None:
            return None
        scheme, secret = ("Bearer", self.bearer) if self.bearer else \
            ("Basic", base64.b64encode(":".join(self.credentials).encode()).decode())
        if request.authorization == f"{scheme} {secret}":
            return None
        return Response(401, [("WWW-Authenticate", f'{scheme} realm="git"')], b"who are you?")

    def _run_git(self, request):
        url = urlsplit(request.target)
        environment = {
            "PATH": "/usr/bin:/bin",
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "REQUEST_METHOD": request.method,
            "PATH_INFO": url.path,
            "QUERY_STRING": url.query,
            "CONTENT_TYPE": request.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(request.body)),
            "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
            "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
            "REMOTE_ADDR": "127.0.0.1",
        }
        done = subprocess.run([_BACKEND], input=request.body, env=environment, capture_output=True)
        return _from_cgi(done.stdout)


def _from_cgi(output):
    head, _, body = output.partition(b"\r\n\r\n")
    headers = [tuple(line.split(": ", 1)) for line in os.fsdecode(head).split("\r\n") if ": " in line]
    status = next((int(value.split()[0]) for name, value in headers if name == "Status"), 200)
    return Response(status, [h for h in headers if h[0] != "Status"], body)


class _ThreadingServer(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    block_on_close = False

    def handle_error(self, request, client_address):
        """Clients that hang up, or refuse our certificate, are part of the scenarios."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        self._serve()

    def do_POST(self):
        self._serve()

    def log_message(self, *arguments):
        pass

    def _serve(self):
        request = Request(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, self._read_body())
        self.server.git.requests.append(request)
        self._send(self.server.git.answer(request))

    def _read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def _send(self, response):
        if response.send_bytes == 0:
            self.close_connection = True
            return
        self.send_response(response.status)
        for name, value in response.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body[: response.send_bytes])
        self.wfile.flush()
        if response.then == "stall":
            self.server.git.closing.wait()
        self.close_connection = self.close_connection or response.then != "finish"
