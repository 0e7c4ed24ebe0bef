#!/usr/bin/python3
"""Webhooks of a hosted service: the agent that asked for a sync hears of its end at once."""

import hashlib
import hmac
import http.server
import json
import threading
import time
import unittest
import urllib.error
import urllib.request

from support.program import Program
from support.scenario import Scenario
from support.wait import wait_until

SECRET = "whsec_of_the_scenario"


def sync(status, **fields):
    return {"id": "sync_1", "repo_id": "repo_1", "direction": "pull", "status": status, "attempt": 1,
            "ref_globs": {"branches": "*", "tags": "*"}, "stats": None, "error": None,
            "created_at": "2026-01-05T09:30:00.000Z", "started_at": None, "finished_at": None, **fields}


class SlowService:
    """A hosted service whose syncs wait for ever."""

    def __init__(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, status):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                body = json.dumps(sync("queued")).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                self.answer(201)

            def do_GET(self):
                self.answer(200)

            def log_message(self, *arguments):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class HostedWebhook(Scenario):
    def setUp(self):
        super().setUp()
        self.service = SlowService()
        self.addCleanup(self.service.close)

    def configuration_of(self, **service):
        return {"service": {"kind": "mesa", "data_dir": str(self.folder / "data"), "url": self.service.url, "org": "acme",
                            "credential": {"file": str(self.secret_file("key", "credential"))}, **service},
                "http": {"listen": "127.0.0.1:0"}, "repos": {"app": None},
                "policies": [{"repo": "app", "direction": "pull", "every": "8760h", "timeout": "5m"}]}

    def start_with_secret(self):
        secret = {"file": str(self.secret_file(SECRET, "webhook-secret"))}
        return self.start(Program(self.folder / "agent", self.configuration_of(webhook_secret=secret)))

    def tell(self, agent, body, *, secret=SECRET, age=0):
        """The status that a signed event is answered with."""
        moment = str(int(time.time()) - age)
        digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
        request = urllib.request.Request(f"http://{agent.address}/webhooks/mesa", data=body, method="POST",
                                         headers={"x-mesa-signature": f"t={moment},sha256={digest}"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    @staticmethod
    def completed():
        ended = sync("completed", stats={"refs": []}, started_at="2026-01-05T09:30:00.000Z",
                     finished_at="2026-01-05T09:30:01.000Z")
        return json.dumps({"id": "evt_1", "type": "sync.completed", "data": {"sync": ended}}).encode()

    def test_a_genuine_event_ends_the_sync(self):
        agent = self.start_with_secret()
        wait_until(lambda: [s["status"] for s in agent.program.history()] == ["queued"])
        self.assertEqual(self.tell(agent, self.completed()), 204)
        wait_until(lambda: [s["status"] for s in agent.program.history()] == ["completed"])
        self.assertEqual(self.tell(agent, self.completed()), 204, "told again, it counts once")
        self.assertEqual(agent.metrics().total("refsyncd_syncs_total", status="completed"), 1)

    def test_what_is_not_genuine_changes_nothing(self):
        agent = self.start_with_secret()
        wait_until(lambda: [s["status"] for s in agent.program.history()] == ["queued"])
        self.assertEqual(self.tell(agent, self.completed(), secret="guessed"), 401)
        self.assertEqual(self.tell(agent, self.completed(), age=301), 401)
        self.assertEqual(self.tell(agent, b"{}"), 400)
        self.assertEqual([s["status"] for s in agent.program.history()], ["queued"])

    def test_without_a_secret_nothing_is_taken(self):
        agent = self.start(Program(self.folder / "agent", self.configuration_of()))
        self.assertEqual(self.tell(agent, self.completed()), 404)


if __name__ == "__main__":
    unittest.main()
