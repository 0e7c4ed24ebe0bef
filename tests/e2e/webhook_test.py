#!/usr/bin/python3
"""Webhooks of the embedded service: who asked for them hears of every sync, in order, also over a crash."""

import hashlib
import hmac
import http.server
import json
import stat
import threading
import time
import unittest

from support import http_server, owner
from support.scenario import Scenario
from support.wait import wait_until

ALL = ["sync.queued", "sync.in_progress", "sync.completed", "sync.failed"]


class Receiver:
    """Somebody who is told of events. `status` is what it answers; `held` keeps it from answering at all."""

    def __init__(self):
        self.status = 204
        self.requests = []  # (headers, body)
        self.go = threading.Event()
        self.go.set()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append(({k.lower(): v for k, v in self.headers.items()}, body))
                if not receiver.go.wait(30):
                    return
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128
            block_on_close = False

            def handle_error(self, request, client_address):
                """An agent that is killed hangs up."""

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    def events(self):
        """What was told, each event once, in the order of its first arrival."""
        events = {}
        for _, body in list(self.requests):
            event = json.loads(body)
            events.setdefault(event["id"], event)
        return list(events.values())

    def types(self):
        return [event["type"] for event in self.events()]

    def close(self):
        self.go.set()
        self._server.shutdown()
        self._server.server_close()


class Subscribed(Scenario):
    allow_private = True

    def setUp(self):
        super().setUp()
        self.app = self.upstream()
        self.app.commit("main")
        self.server = self.http_server()
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)
        self.program_ = self.program(self.configuration(self.server.url(self.app), {"every": "8760h"},
                                                        webhooks={"allow_private": self.allow_private}))

    def api(self, method, path, body=None):
        """A call of the API by the owner of the Unix socket: (status, answer)."""
        return owner.call(self.data, method, path, body)

    def sync(self):
        """Asks for a sync by hand."""
        status, answer = self.api("POST", "/control/v1/syncs", {"repo": "app", "direction": "pull"})
        self.assertEqual(status, 201, answer)

    def subscribe(self, **fields):
        status, target = self.api("POST", "/v1/local/webhook-targets", {"url": self.receiver.url, **fields})
        self.assertEqual(status, 201, target)
        return target

    def wait_types(self, agent, *types):
        wait_until(lambda: self.receiver.types() == list(types), what=f"events {types}",
                   describe=lambda: f"{self.receiver.types()}\n{agent.log()}")

    def started(self):
        """An agent whose first scheduled sync is over."""
        agent = self.start(self.program_)
        agent.wait_metric("refsyncd_syncs_total", policy="app-pull", status="completed")
        return agent


class Webhooks(Subscribed):
    def test_a_target_hears_of_each_status_and_can_verify_who_tells(self):
        agent = self.started()
        target = self.subscribe(name="chat")
        self.assertEqual(sorted(target["events"]), sorted(ALL))
        tip = self.app.commit("main")
        self.sync()
        self.wait_types(agent, *ALL[:3])
        for headers, body in self.receiver.requests:
            self.assert_signed(target["secret"], headers, body)
            event = json.loads(body)
            self.assertEqual(event["organization"]["slug"], "local")
            self.assertEqual(event["repository"]["name"], "app")
            self.assertEqual(event["repository"]["id"], event["data"]["sync"]["repo_id"])
            self.assertEqual("sync." + event["data"]["sync"]["status"], event["type"])
        refs = self.receiver.events()[-1]["data"]["sync"]["stats"]["refs"]
        self.assertEqual([(ref["name"], ref["after"]) for ref in refs], [("refs/heads/main", tip)])
        self.server.fault = http_server.Status(404)
        self.sync()
        self.wait_types(agent, *ALL[:3], "sync.queued", "sync.in_progress", "sync.failed")
        failed = self.receiver.events()[-1]["data"]["sync"]
        self.assertTrue(failed["error"])
        self.assertIsNotNone(failed["finished_at"])
        agent.wait_metric("refsyncd_webhook_deliveries_total", result="delivered", at_least=6)
        agent.wait_metrics(lambda scraped: scraped.value("refsyncd_webhook_deliveries_pending") == 0, "nothing pending")
        self.assert_secret_kept(target["secret"], agent)

    def assert_signed(self, secret, headers, body):
        fields = dict(field.split("=", 1) for field in headers["x-mesa-signature"].split(","))
        self.assertLess(abs(time.time() - int(fields["t"])), 300)
        expected = hmac.new(secret.encode(), f"{fields['t']}.".encode() + body, hashlib.sha256).hexdigest()
        self.assertEqual(fields["sha256"], expected)

    def assert_secret_kept(self, secret, agent):
        """In one file of ours alone, and nowhere else."""
        self.assertNotIn(secret, agent.log())
        holders = []
        for path in self.data.rglob("*"):
            if path.is_file() and not path.is_symlink() and secret.encode() in path.read_bytes():
                holders.append(path)
        self.assertEqual([path.parent.name for path in holders], ["credentials"])
        self.assertEqual(stat.S_IMODE(holders[0].stat().st_mode), 0o600)

    def test_scheduled_syncs_are_told_of_too(self):
        agent = self.started()
        self.subscribe(events=["sync.completed"])
        self.api("POST", "/control/v1/policies/app-pull/trigger")
        self.wait_types(agent, "sync.completed")
        self.assertEqual(self.receiver.events()[0]["data"]["sync"]["policy"], "app-pull")

    def test_kill_9_between_an_event_and_its_delivery_loses_nothing(self):
        agent = self.started()
        self.subscribe()
        self.receiver.go.clear()
        self.sync()
        wait_until(lambda: self.receiver.requests, what="a try under way", describe=agent.log)
        agent.wait_metric("refsyncd_webhook_deliveries_pending", at_least=3)
        agent.kill()
        told = len(self.receiver.requests)
        self.receiver.go.set()
        agent = self.start(self.program_)
        self.wait_types(agent, *ALL[:3])
        self.assertGreater(len(self.receiver.requests), told)
        first_two = self.receiver.requests[:2]
        self.assertEqual(first_two[0][1], first_two[1][1], "the try that was cut off is made again, byte by byte")

    def test_events_of_a_sync_that_a_crash_interrupted_are_all_told(self):
        agent = self.started()
        self.subscribe()
        self.app.commit("main")
        self.server.fault = http_server.Hold(lambda request: request.fetches)
        self.sync()
        wait_until(self.server.fault.held.is_set, what="a sync in the middle", describe=agent.log)
        agent.kill()
        self.server.fault = http_server.Fault()
        agent = self.start(self.program_)
        self.wait_types(agent, "sync.queued", "sync.in_progress", *ALL[:3])
        self.assertEqual([event["data"]["sync"]["attempt"] for event in self.receiver.events()], [1, 1, 2, 2, 2])

    def test_what_a_receiver_refuses_is_dead_lettered_where_it_can_be_seen(self):
        agent = self.started()
        self.receiver.status = 410
        self.subscribe(events=["sync.completed"])
        self.sync()
        agent.wait_metric("refsyncd_webhook_deliveries_dead")
        metrics = agent.wait_metric("refsyncd_webhook_deliveries_total", result="dead")
        self.assertEqual(metrics.value("refsyncd_webhook_deliveries_total", result="dead"), 1)
        agent.wait_log("gave up telling webhook target")

    def test_a_deleted_target_hears_nothing_more(self):
        agent = self.started()
        target = self.subscribe()
        status, _ = self.api("DELETE", f"/v1/local/webhook-targets/{target['id']}")
        self.assertEqual(status, 200)
        self.sync()
        agent.wait_metric("refsyncd_syncs_total", policy="_manual", status="completed")
        self.assertEqual(self.receiver.requests, [])
        self.assertEqual(list((self.data / "credentials").glob("webhook-*")), [])


class PrivateWebhooks(Subscribed):
    allow_private = False

    def test_a_private_address_is_refused_with_a_reason(self):
        self.started()
        status, answer = self.api("POST", "/v1/local/webhook-targets", {"url": self.receiver.url})
        self.assertEqual(status, 400)
        self.assertIn("webhooks.allow_private", answer["error"]["message"])


if __name__ == "__main__":
    unittest.main()
