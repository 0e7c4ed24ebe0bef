#!/usr/bin/python3
"""What only a hosted service shows: an agent of kind mesa, whose syncs run in another refsyncd."""

import json
import signal
import unittest
import urllib.request

from support import hosted, http_server
from support.git import GitRepository, branch
from support.scenario import Scenario
from support.wait import wait_until

SYNCS = "refsyncd_syncs_total"


class Hosted(Scenario):
    def setUp(self):
        super().setUp()
        self.app = self.upstream()
        self.newest = self.app.commit("main")
        self.server = self.http_server()

    def program(self, configuration):
        return hosted.HostedProgram(self, self.folder / "tested", configuration)

    def configure(self, policy=None, **sections):
        return self.program(self.configuration(self.server.url(self.app), policy or {}, **sections))

    def start_held(self, program):
        """Starts an agent whose first sync waits for its upstream."""
        self.server.fault = hold = http_server.Hold(lambda request: request.fetches)
        agent = self.start(program)
        wait_until(hold.held.is_set, what="a sync in the middle", describe=agent.log)
        return agent, hold

    def hosted_history(self):
        return self._hosting.program.history()

    def test_a_sync_in_flight_is_followed_by_its_id_after_kill_9(self):
        program = self.configure({"every": "8760h"})
        agent, hold = self.start_held(program)
        wait_until(lambda: program.history(), what="the sync recorded", describe=agent.log)
        agent.kill()
        agent = self.start(program)
        hold.release()
        metrics = agent.wait_metric(SYNCS, policy="app-pull", status="completed")
        self.assertEqual(metrics.total(SYNCS), 1)
        self.assertEqual(len(self.hosted_history()), 1)
        self.assertEqual(program.history()[0]["id"], self.hosted_history()[0]["id"])
        self.assertEqual(self.mirror().value(branch("main")), self.newest)

    def test_a_service_that_restarts_ends_the_sync_all_the_same(self):
        program = self.configure({"every": "8760h"})
        agent, hold = self.start_held(program)
        self._hosting.kill()
        self.server.fault = http_server.Fault()
        hold.release()
        listen = self._hosting.address
        hosting = self._hosting.program
        text = hosting.config_file.read_text().replace("127.0.0.1:0", listen)
        hosting.configure(text)
        self._hosting = hosting.start()
        self.addCleanup(self._hosting.end)
        agent.wait_metric(SYNCS, policy="app-pull", status="completed")
        self.assertEqual([sync["attempt"] for sync in program.history()], [2])

    def test_a_list_of_globs_is_several_syncs_and_one_run(self):
        tip = self.app.value(branch("main"))
        for name in ("release/1", "release/2", "other"):
            self.app.set(branch(name), tip)
        program = self.configure({"every": "8760h", "ref_globs": {"branches": ["main", "release/*"]}})
        result = program.once()["app-pull"]
        self.assertEqual(result["status"], "completed")
        self.assertEqual(sorted(sync["ref_globs"]["branches"] for sync in result["syncs"]), ["main", "release/*"])
        self.assertEqual(set(self.mirror().refs()), {branch("main"), branch("release/1"), branch("release/2")})

    def test_a_declared_upstream_is_set_there(self):
        other = self.upstream("other")
        tip = other.commit("main")
        agent = self.start_managed(self.configure({"every": "8760h"}), self.server.url(other))
        agent.wait_metric(SYNCS, policy="app-pull", status="completed")
        mirror = GitRepository(next(self.data.rglob(f"{self.id}.git")))
        self.assertEqual(mirror.value(branch("main")), tip)

    def start_managed(self, program, url):
        """An agent that manages the upstream of a repository made through the API without one."""
        configuration = self.configuration(self.server.url(self.app), {"every": "8760h"})
        self.host(program.hosting_part(configuration) | {"repos": {}})
        self.id = self.call("POST", "/v1/local/repos", {"name": "app"})["id"]
        tested = program.tested_part(configuration)
        tested["service"]["manage_upstream"] = True
        tested["repos"] = {"app": {"upstream": {"url": url}}}
        program.configure_tested(tested)
        return self.start(program)

    def call(self, method, path, body):
        request = urllib.request.Request(f"http://{self.hosting_address}{path}", method=method,
                                         data=json.dumps(body).encode(),
                                         headers={"Authorization": f"Bearer {hosted.TOKEN}",
                                                  "Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def test_a_credential_that_is_refused_is_an_auth_failure_and_left_alone(self):
        program = self.configure()
        self.secret_file("mesa_another", "api-token-of-nobody")
        tested = program.tested_part(self.configuration(self.server.url(self.app)))
        tested["service"]["credential"] = {"file": str(self.folder / "api-token-of-nobody")}
        tested["service"]["org"] = "local"
        program.configure_tested(tested)
        agent = self.start(program)
        metrics = agent.wait_metric("refsyncd_attempt_failures_total", policy="app-pull", kind="auth")
        self.assertEqual(metrics.total("refsyncd_attempt_failures_total", policy="app-pull"), 1)
        self.assertNotIn("mesa_another", agent.log())

    def test_a_stop_does_not_wait_for_syncs_that_run_elsewhere(self):
        agent, hold = self.start_held(self.configure())
        agent.signal(signal.SIGTERM)
        self.assertEqual(agent.process.wait(20), 0)
        hold.release()


if __name__ == "__main__":
    unittest.main()
