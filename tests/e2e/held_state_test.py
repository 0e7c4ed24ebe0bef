#!/usr/bin/python3
"""What is served while the agent cannot write its state."""

import contextlib
import sqlite3
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from support.api import ApiScenario, UnixConnection
from support.wait import wait_until


class WhileTheStateCannotBeWritten(ApiScenario):
    def setUp(self):
        super().setUp()
        token = {"name": "all", "file": str(self.secret_file("all-token", "all")), "scopes": ["read", "write"]}
        self.serve(api={"tokens": [token]})
        self.agent.wait_metric("refsyncd_syncs_total", policy="app-pull", direction="pull", status="completed")

    @contextlib.contextmanager
    def held(self):
        """Nobody else writes to the state meanwhile."""
        with contextlib.closing(sqlite3.connect(self.data / "state.db", isolation_level=None)) as state:
            state.execute("BEGIN IMMEDIATE")
            yield
            state.execute("ROLLBACK")

    def make(self, number):
        return self.tcp("POST", "/local/repos", "all-token", {"name": f"made-{number}"})

    def test_health_and_metrics_answer_whoever_waits(self):
        with self.held(), ThreadPoolExecutor(16) as callers:
            changes = [callers.submit(self.make, number) for number in range(16)]
            wait_until(lambda: any(change.done() for change in changes), 60, "a change to be refused")
            slowest = 0
            while not all(change.done() for change in changes):
                for path in ("/healthz", "/metrics"):
                    began = time.monotonic()
                    self.assertEqual(self.agent.get(path)[0], 200)
                    slowest = max(slowest, time.monotonic() - began)
            self.assertLess(slowest, 4)
            for change in changes:
                answer = change.result()
                self.assertEqual((answer.status, answer.code), (503, "unavailable"))
                self.assertIn("Retry-After", answer.headers)
        wait_until(lambda: self.make(99).status == 201, 60, "the state to be written again", self.agent.log)
        repos = self.ask("GET", "/local/repos").body["repos"]
        self.assertEqual([repo["name"] for repo in repos], ["app", "made-99"])

    def test_a_trigger_is_not_acknowledged(self):
        def trigger():
            connection = UnixConnection(self.data / "control.sock")
            with contextlib.closing(connection):
                connection.request("POST", "/control/v1/policies/app-pull/trigger")
                return connection.getresponse().status
        with self.held():
            self.assertEqual(trigger(), 503)
        wait_until(lambda: trigger() == 202, 60, "the state to be written again", self.agent.log)


if __name__ == "__main__":
    unittest.main()
