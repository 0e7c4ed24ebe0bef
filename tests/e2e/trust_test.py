#!/usr/bin/python3
"""Whom the agent trusts, and where secrets go."""

import base64
import os
import unittest
from urllib.parse import quote

from support import http_server
from support.certificates import make_certificate
from support.git import branch
from support.processes import CommandLineSampler
from support.scenario import Scenario, bearer_auth, ssh_auth, token_auth

ATTEMPT_FAILURES = "refsyncd_attempt_failures_total"


class Trust(Scenario):
    def setUp(self):
        super().setUp()
        self.app = self.upstream()
        self.app.commit("main")

    def assert_untrusted(self, upstream):
        agent = self.start(self.configuration(upstream))
        metrics = agent.wait_metric(ATTEMPT_FAILURES, policy="app-pull")
        self.assertEqual(metrics.value(ATTEMPT_FAILURES, policy="app-pull", kind="untrusted"), 1, agent.log())
        self.assertEqual(agent.stop(), 0)
        self.assertEqual(self.mirror().refs() if self.mirror().path.exists() else {}, {})

    def test_a_certificate_of_an_unknown_authority_is_untrusted(self):
        server = self.http_server(tls=True)
        self.assert_untrusted(server.url(self.app))
        self.assertEqual(server.requests, [])

    def test_a_certificate_of_another_authority_than_ca_file_names_is_untrusted(self):
        server = self.http_server(tls=True)
        other = make_certificate(self.folder / "other")
        self.assert_untrusted({"url": server.url(self.app), "tls": {"ca_file": str(other.authority)}})

    def test_authorities_that_the_environment_names_are_trusted_in_both_directions(self):
        server = self.http_server(tls=True)
        program = self.program(self.configuration(server.url(self.app), {}, {"direction": "push"}))
        program.environment["SSL_CERT_FILE"] = str(server.authority)
        program.once_sync("app-pull")
        second = self.mirror().commit("main")
        program.once_sync("app-push")
        self.assertEqual(self.app.value(branch("main")), second)

    def test_a_repository_setting_cannot_turn_verification_off(self):
        server = self.http_server(tls=True)
        program = self.program(self.configuration(f"file://{self.app.path}"))
        program.once_sync()
        second = self.app.commit("main")
        self.mirror().git("config", "http.sslVerify", "false")
        self.mirror().git("config", f"http.{server.base}.sslVerify", "false")
        program.configure(self.configuration(server.url(self.app)))
        program.once_sync(expect=1)
        self.assertNotEqual(self.mirror().value(branch("main")), second)

    def test_another_ssh_host_key_is_untrusted(self):
        server = self.ssh_server()
        self.assert_untrusted({"url": server.url(self.app), "auth": ssh_auth(server.key, server.other_known_hosts)})
        self.assertNotIn("Accepted publickey", server.log())

    def test_an_unknown_ssh_host_is_untrusted_and_not_remembered(self):
        server = self.ssh_server()
        empty = self.folder / "empty_known_hosts"
        empty.touch()
        self.assert_untrusted({"url": server.url(self.app), "auth": ssh_auth(server.key, empty)})
        self.assertEqual(empty.read_text(), "")

    def test_a_wrong_ssh_key_is_an_auth_failure(self):
        server, other = self.ssh_server(), self.folder / "other-key"
        os.system(f"ssh-keygen -q -t ed25519 -N '' -f {other}")
        agent = self.start(self.configuration({"url": server.url(self.app), "auth": ssh_auth(other, server.known_hosts)}))
        metrics = agent.wait_metric(ATTEMPT_FAILURES, policy="app-pull")
        self.assertEqual(metrics.value(ATTEMPT_FAILURES, policy="app-pull", kind="auth"), 1, agent.log())


class Secrets(Scenario):
    CANARY = "canary^%+/=W1t7Secret40charactersLongOk"
    tries = 0

    def forms(self):
        """How the secret could show up: raw, URL-encoded, base64 alone and as HTTP Basic sends it."""
        basic = base64.b64encode(f"x-access-token:{self.CANARY}".encode()).decode()
        return [self.CANARY, quote(self.CANARY, safe=""), base64.b64encode(self.CANARY.encode()).decode(), basic,
                self.CANARY[:12]]

    def test_a_token_shows_up_nowhere_but_at_its_server(self):
        self.assert_nowhere_but_at_its_server(token_auth, credentials=("x-access-token", self.CANARY))

    def test_a_bearer_token_shows_up_nowhere_but_at_its_server(self):
        self.assert_nowhere_but_at_its_server(bearer_auth, bearer=self.CANARY)

    def assert_nowhere_but_at_its_server(self, shape, credentials=None, bearer=None):
        app = self.upstream()
        app.commit("main")
        server, thief = self.http_server(), self.http_server()
        token = shape(self.secret_file(self.CANARY))
        faults = [http_server.Fault(), http_server.Status(401), http_server.Status(403), http_server.Status(404),
                  http_server.Status(500), http_server.Redirect(thief.base), http_server.CutPack("close", 10)]
        server.credentials, server.bearer = credentials, bearer
        with CommandLineSampler(*self.forms()) as sampler:
            for fault in faults:
                server.fault = fault
                app.commit("main")
                self.sync_with(server.url(app), token)
            self.sync_with("http://127.0.0.1:1/app.git", token)
            self.sync_with("https://refsyncd-e2e.invalid/app.git", token)
        self.assertTrue(any(r.authorization for r in server.requests))
        self.assertEqual(thief.requests, [])
        self.assertEqual(sampler.seen, set())
        self.assertGreater(sampler.rounds, 50)
        self.assert_files_hold_no_secret()

    def sync_with(self, url, token):
        """Lets an agent try it under a new policy name, since failures of this kind keep the old one away."""
        self.tries += 1
        policy = {"name": f"try-{self.tries}"}
        agent = self.start(self.configuration({"url": url, "auth": token}, policy, log={"level": "trace"}))
        scraped = agent.wait_metric("refsyncd_syncs_total", policy=policy["name"])
        told = [scraped.text, agent.get("/readyz")[1], *(agent.program.run(*command).stdout for command in
                                                       (["status"], ["history"], ["plan"]))]
        self.assertEqual(agent.stop(), 0)
        for form in self.forms():
            for text in [agent.log(), *told]:
                self.assertNotIn(form, text)

    def assert_files_hold_no_secret(self):
        """Looks through everything below the agent's folder: store, repositories, logs."""
        for path in self.program_files():
            content = path.read_bytes()
            for form in self.forms():
                self.assertNotIn(form.encode(), content, path)

    def program_files(self):
        files = [path for path in (self.folder / "agent").rglob("*") if path.is_file()]
        self.assertGreater(len(files), 10)
        return files


if __name__ == "__main__":
    unittest.main()
