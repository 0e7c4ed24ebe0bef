#!/usr/bin/python3
"""A running agent and an upstream that refuses, fails, hangs or lies."""

import os
import socket
import unittest

from support import http_server
from support.hosted import local_only
from support.git import branch
from support.scenario import Scenario, bearer_auth, password_auth, token_auth
from support.wait import wait_until

ATTEMPT_FAILURES = "refsyncd_attempt_failures_total"
SYNCS = "refsyncd_syncs_total"


class UpstreamFault(Scenario):
    """Two repositories: `app` on a server that misbehaves, `well` on one that does not."""

    def setUp(self):
        super().setUp()
        self.app, self.well = self.upstream("app"), self.upstream("well")
        self.tip = self.app.commit("main", files={"big": os.urandom(300_000)})
        self.well.commit("main")
        self.server, self.healthy = self.http_server(), self.http_server()

    def configure(self, auth=None, app_policy=None, **sections):
        upstream = {"url": self.server.url(self.app), **({"auth": auth} if auth else {})}
        configuration = self.configuration(upstream, app_policy or {}, {"repo": "well"}, **sections)
        configuration["repos"]["well"] = {"upstream": {"url": self.healthy.url(self.well)}}
        return configuration

    def wait_healthy_syncs(self, agent, count):
        """Lets the healthy repository be synced some times more: a clock that also shows that nothing starves."""
        done = agent.metrics().total(SYNCS, policy="well-pull", status="completed")
        return agent.wait_metric(SYNCS, done + count, policy="well-pull", status="completed")

    def assert_failed(self, metrics, kind):
        self.assertGreaterEqual(metrics.value(ATTEMPT_FAILURES, policy="app-pull", kind=kind), 1)
        self.assertEqual(metrics.total(ATTEMPT_FAILURES, policy="app-pull"),
                         metrics.value(ATTEMPT_FAILURES, policy="app-pull", kind=kind))
        self.assertEqual(metrics.total(ATTEMPT_FAILURES, policy="well-pull"), 0)

    def assert_recovered(self):
        self.assert_in_step(self.mirror(), self.app)
        self.assert_sound(self.mirror())


class FailuresThatAPersonMustMend(UpstreamFault):
    def assert_not_hammered(self, agent, kind):
        agent.wait_metric(ATTEMPT_FAILURES, policy="app-pull")
        requests = len(self.server.requests)
        metrics = self.wait_healthy_syncs(agent, 3)
        self.assert_failed(metrics, kind)
        self.assertEqual(len(self.server.requests), requests)
        self.assertEqual(metrics.value("refsyncd_consecutive_failures", policy="app-pull"), 1)
        self.assert_no_children(agent)

    def test_wrong_credentials_are_tried_once_and_left_alone(self):
        self.server.credentials = ("x-access-token", "right")
        agent = self.start(self.configure(token_auth(self.secret_file("wrong"))))
        self.assert_not_hammered(agent, "auth")

    def test_missing_credentials_are_an_auth_failure(self):
        self.server.credentials = ("x-access-token", "right")
        self.assert_not_hammered(self.start(self.configure()), "auth")

    def test_a_secret_file_that_is_missing_is_an_auth_failure_and_reaches_nobody(self):
        agent = self.start(self.configure(token_auth(self.folder / "no-such-token")))
        agent.wait_metric(ATTEMPT_FAILURES, policy="app-pull", kind="auth")
        self.assertEqual(self.server.requests, [])

    def test_a_forbidden_repository_is_an_auth_failure(self):
        self.server.fault = http_server.Status(403)
        self.assert_not_hammered(self.start(self.configure()), "auth")

    def test_a_missing_repository_is_not_found(self):
        configuration = self.configure()
        configuration["repos"]["app"]["upstream"]["url"] += "-missing.git"
        self.assert_not_hammered(self.start(configuration), "not_found")

    def test_a_redirect_is_refused_and_the_credential_stays_at_home(self):
        thief = self.http_server()
        self.server.credentials = ("x-access-token", "right")
        self.server.fault = http_server.Redirect(thief.base)
        agent = self.start(self.configure(token_auth(self.secret_file("right"))))
        metrics = agent.wait_metric(ATTEMPT_FAILURES, policy="app-pull")
        self.assertEqual(metrics.total(SYNCS, policy="app-pull", status="completed"), 0)
        self.wait_healthy_syncs(agent, 1)
        self.assertEqual(thief.requests, [])
        self.assertEqual([r for r in self.healthy.requests if r.authorization], [])
        self.assertEqual(self.mirror().refs() if self.mirror().path.exists() else {}, {})


class Credentials(UpstreamFault):
    def test_a_token_from_a_file_opens_the_door_and_can_be_rotated_without_a_restart(self):
        self.server.credentials = ("x-access-token", "first")
        agent = self.start(self.configure(token_auth(self.secret_file("first")), {"every": "8760h"}))
        agent.wait_success("app-pull")
        self.secret_file("second")
        self.server.credentials = ("x-access-token", "second")
        newest = self.app.commit("main")
        done = agent.program.run("sync", "app", "--direction", "pull", "--wait")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.mirror().value(branch("main")), newest)
        self.assertEqual(agent.metrics().total(ATTEMPT_FAILURES), 0)

    @local_only("the environment is the one of who does the Git work")
    def test_a_token_from_the_environment(self):
        self.server.credentials = ("x-access-token", "from-the-environment")
        agent = self.start(self.configure({"token": {"env": "APP_TOKEN"}}),
                           environment={"APP_TOKEN": "from-the-environment"})
        agent.wait_success("app-pull")
        self.assert_recovered()

    def test_user_name_and_password(self):
        self.server.credentials = ("ada", "p:a s%s/w+rd")
        agent = self.start(self.configure(password_auth("ada", self.secret_file("p:a s%s/w+rd"))))
        agent.wait_success("app-pull")
        self.assert_recovered()

    @local_only("the hosted API has no word for it")
    def test_a_bearer_token_lets_pull_and_push(self):
        self.server.bearer = "right"
        retry = {"attempts": 8, "first": "100ms", "max": "400ms"}
        auth = bearer_auth(self.secret_file("right"))
        configuration = self.configure(auth, {"retry": retry, "ref_globs": {"branches": "main"}})
        configuration["policies"].append({"repo": "app", "direction": "push", "retry": retry,
                                          "ref_globs": {"branches": "ours/*"}})
        agent = self.start(configuration)
        agent.wait_metric(SYNCS, policy="app-pull", status="completed")
        self.assertEqual(self.mirror().value(branch("main")), self.tip)
        self.mirror().git("update-ref", branch("ours/1"), self.tip)
        wait_until(lambda: branch("ours/1") in self.app.refs(), 60, "pushed", agent.log)

    @local_only("the hosted API has no word for it")
    def test_a_wrong_bearer_token_is_an_auth_failure(self):
        self.server.bearer = "right"
        agent = self.start(self.configure(bearer_auth(self.secret_file("wrong"))))
        self.assert_failed(agent.wait_metric(ATTEMPT_FAILURES, policy="app-pull"), "auth")


class FailuresThatPass(UpstreamFault):
    def start_patient(self, **app_policy):
        retry = {"attempts": 8, "first": "100ms", "max": "400ms"}
        return self.start(self.configure(app_policy={"retry": retry, **app_policy}))

    @local_only("counts the requests of one agent")
    def test_server_errors_are_retried_with_growing_waits_until_it_recovers(self):
        for status in (500, 503):
            with self.subTest(status=status):
                self.server.fault = http_server.Status(status)
                agent = self.start_patient()
                agent.wait_metric(ATTEMPT_FAILURES, 3, policy="app-pull")
                times = [r.at for r in self.server.requests][:3]
                self.assertGreaterEqual(times[1] - times[0], 0.05)
                self.assertGreaterEqual(times[2] - times[1], 0.1)
                self.server.fault = http_server.Fault()
                metrics = agent.wait_success("app-pull")
                self.assert_failed(metrics, "transient")
                self.assertGreaterEqual(metrics.value(SYNCS, policy="app-pull", direction="pull", status="failed"), 3)
                self.assert_recovered()
                agent.stop()
                self.server.requests.clear()

    @local_only("the contract does not carry Retry-After of an upstream")
    def test_a_request_for_patience_is_honoured(self):
        self.server.fault = http_server.Status(429, [("Retry-After", "2")])
        agent = self.start_patient()
        metrics = agent.wait_metric(ATTEMPT_FAILURES, policy="app-pull")
        refused = self.server.requests[-1].at
        asked = len(self.server.requests)
        self.server.fault = http_server.Fault()
        self.assert_failed(metrics, "throttled")
        agent.wait_success("app-pull")
        self.assert_recovered()
        self.assertGreaterEqual(self.server.requests[asked].at - refused, 2.0)

    @local_only("a hosted sync goes on after the policy gave it up")
    def test_a_server_that_hangs_is_cut_by_the_timeout(self):
        for fault in (http_server.Hold(), http_server.CutPack("stall")):
            with self.subTest(fault=type(fault).__name__):
                self.app.commit("main", files={"big": os.urandom(300_000)})
                self.server.fault = fault
                agent = self.start_patient(timeout="1s")
                agent.wait_metric(ATTEMPT_FAILURES, policy="app-pull")
                self.server.fault = http_server.Fault()
                metrics = agent.wait_success("app-pull")
                self.assert_failed(metrics, "transient")
                self.assertEqual(agent.stop(), 0)
                self.assert_no_children()
                self.assert_recovered()

    def test_a_truncated_pack_leaves_nothing_behind(self):
        self.server.fault = http_server.CutPack("close")
        agent = self.start_patient()
        metrics = agent.wait_metric(ATTEMPT_FAILURES, 2, policy="app-pull")
        self.assert_failed(metrics, "transient")
        self.assert_refs(self.mirror(), {})
        self.server.fault = http_server.Fault()
        agent.wait_success("app-pull")
        self.assertEqual(agent.stop(), 0)
        self.assert_recovered()

    def test_a_server_that_is_down_is_retried_and_healthy_ones_do_not_wait(self):
        nobody = socket.socket()
        self.addCleanup(nobody.close)
        nobody.bind(("127.0.0.1", 0))  # which keeps the port from others, and listens to nobody
        configuration = self.configure()
        configuration["repos"]["app"]["upstream"]["url"] = f"http://127.0.0.1:{nobody.getsockname()[1]}/app.git"
        agent = self.start(configuration)
        agent.wait_metric(ATTEMPT_FAILURES, 2, policy="app-pull")
        self.assert_failed(self.wait_healthy_syncs(agent, 2), "transient")

    def test_a_hanging_server_does_not_delay_healthy_repositories(self):
        self.server.fault = http_server.Hold()
        agent = self.start(self.configure(service={"per_host": 1}))
        self.wait_healthy_syncs(agent, 3)
        self.assertEqual(agent.metrics().value("refsyncd_syncs_in_progress"), 1)

    @local_only("a hosted service's workers are not ours")
    def test_a_server_that_hangs_in_mid_sync_keeps_no_place_from_healthy_repositories(self):
        for name, held in (("fetch", lambda request: request.fetches), ("push", lambda request: request.pushes)):
            with self.subTest(name):
                self.server.fault = http_server.Hold(held)
                configuration = self.configure(app_policy={"timeout": "10m"}, service={"concurrency": 1})
                if name == "push":
                    configuration["policies"] += [{"repo": "app", "direction": "push", "timeout": "10m"}]
                    self.mirror().commit("ours")
                agent = self.start(configuration)
                self.assertTrue(self.server.fault.held.wait(60))
                self.well.commit("main")
                wait_until(lambda: self.mirror("well").path.exists()
                           and self.mirror("well").refs() == self.well.refs(), timeout=30)
                self.server.fault.release()
                self.assertEqual(agent.stop(), 0)


if __name__ == "__main__":
    unittest.main()
