"""The API of a local agent, as scenarios use it: over the Unix socket, where its owner may do everything, or the port."""

import http.client
import json
import socket

from support.scenario import Scenario
from support.wait import wait_until


class Answer:
    def __init__(self, status, headers, text):
        self.status, self.headers, self.text = status, headers, text
        self.body = json.loads(text)

    @property
    def code(self):
        return self.body["error"]["code"]

    @property
    def message(self):
        return self.body["error"]["message"]


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("refsyncd", timeout=60)
        self._path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class ApiScenario(Scenario):
    def setUp(self):
        super().setUp()
        self.app = self.upstream()
        self.app.commits(2)
        self.server = self.http_server()
        self.agent = None

    def configuration_with(self, **sections):
        api = {"allow_private": True, **sections.pop("api", {})}
        return self.configuration(f"file://{self.app.path}", {"every": "8760h"}, api=api, **sections)

    def serve(self, **sections):
        self.agent = self.start(self.configuration_with(**sections))

    def ask(self, method, path, body=None, headers=None, connection=None):
        """A call over the Unix socket, or another connection."""
        connection = connection or UnixConnection(self.data / "control.sock")
        payload = body if isinstance(body, str) else json.dumps(body) if body is not None else None
        connection.request(method, f"/v1{path}", payload, headers or {})
        response = connection.getresponse()
        answer = Answer(response.status, dict(response.getheaders()), response.read().decode())
        connection.close()
        return answer

    def tcp(self, method, path, token=None, body=None):
        host, port = self.agent.address.split(":")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.ask(method, path, body, headers, http.client.HTTPConnection(host, int(port), timeout=60))

    def create(self, name, url=None, **more):
        upstream = {"upstream": {"url": url or self.server.url(self.app)}}
        answer = self.ask("POST", "/local/repos", {"name": name, **upstream, **more})
        self.assertEqual(answer.status, 201, answer.text)
        return answer.body

    def sync(self, name, direction="pull", expect="completed", **more):
        """Asks for a sync and follows it to its end."""
        asked = self.ask("POST", f"/local/{name}/upstream/syncs", {"direction": direction, **more})
        self.assertEqual(asked.status, 201, asked.text)
        path = f"/local/{name}/upstream/syncs/{asked.body['id']}"
        ended = wait_until(lambda: (lambda s: s if s["finished_at"] else None)(self.ask("GET", path).body), 60,
                           "the end of the sync", self.agent.log)
        self.assertEqual(ended["status"], expect, ended)
        return ended

    def made(self, repo):
        """The folder of a repository made through the API."""
        return self.data / "repos" / "local" / "by-id" / f"{repo['id']}.git"

    def credentials(self):
        folder = self.data / "credentials"
        return sorted(p for p in folder.glob("upstream-*")) if folder.exists() else []
