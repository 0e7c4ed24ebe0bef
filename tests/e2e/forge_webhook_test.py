#!/usr/bin/python3
"""Webhooks of Git forges: a push arrives at once, however long the interval."""

import hashlib
import hmac
import json
import unittest
import urllib.error
import urllib.request

from support.scenario import Scenario
from support.wait import wait_until

SECRET = "the secret of the forge"
RECEIVED = "refsyncd_webhook_received_total"
SYNCS = "refsyncd_syncs_total"
LARGEST = 25 << 20


class ForgeWebhook(Scenario):
    """`app` is pulled once a day from a server that stands for each forge in turn."""

    def setUp(self):
        super().setUp()
        self.app = self.upstream("team/app")
        self.app.commit("main")
        self.server = self.http_server()
        self.url = self.server.url(self.app)

    def start_taking(self, *forges, policy=None):
        """An agent that has synced once and is next due in a day."""
        secret = {"secret": {"file": str(self.secret_file(SECRET, "hook-secret"))}}
        agent = self.start(self.configuration(self.url, policy or {}, defaults={"every": "24h"},
                                              webhooks={forge: secret for forge in forges}))
        agent.wait_metric(SYNCS, 1, status="completed")
        return agent

    @staticmethod
    def signature(body, secret=SECRET):
        return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()

    def post(self, agent, forge, body, headers):
        """(status, answer) of a webhook."""
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {key: value(body) if callable(value) else value for key, value in headers.items()}
        request = urllib.request.Request(f"http://{agent.address}/webhooks/{forge}", data=body, method="POST",
                                         headers={"Content-Type": "application/json", **headers})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.loads(refused.read())

    def push_to_github(self, agent, ref="refs/heads/main", url=None, secret=SECRET):
        body = {"ref": ref, "before": "0" * 40, "after": "1" * 40, "commits": [],
                "repository": {"full_name": "team/app", "clone_url": url or self.url}}
        return self.post(agent, "github", body, {
            "X-GitHub-Event": "push", "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
            "X-Hub-Signature-256": lambda body: "sha256=" + self.signature(body, secret)})

    def assert_nothing_runs(self, agent):
        """Nothing ran since the first sync, and nothing is on its way: a request by hand is the next."""
        done = agent.program.run("sync", "app", "--direction", "pull", "--wait")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(agent.program.history()), 2)

    def received(self, agent, **labels):
        return agent.metrics().value(RECEIVED, **labels)

    # Scenarios -----------------------------------------------------------------------------------------------------

    def test_a_push_arrives_at_once(self):
        agent = self.start_taking("github")
        self.assertEqual(self.received(agent, provider="github", result="triggered"), 0)
        self.app.commit("main")
        self.assertEqual(self.push_to_github(agent), (202, {"policies": 1}))
        wait_until(lambda: self.mirror().refs() == self.app.refs(), 60, "the push", agent.log)
        self.assertEqual(self.received(agent, provider="github", result="triggered"), 1)
        agent.wait_log(f"github: a push to refs/heads/main of {self.url} makes 1 policy due")
        self.assertEqual(agent.stop(), 0)  # the sync has ended, not only moved the refs
        self.assert_sound(self.mirror())

    def test_each_forge_is_understood(self):
        link = self.url.removesuffix(".git")
        forges = {
            "gitlab": ({"object_kind": "push", "ref": "refs/heads/main", "project": {"git_http_url": self.url}},
                       {"X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": SECRET}),
            "gitea": ({"ref": "refs/heads/main", "repository": {"clone_url": self.url}},
                      {"X-Forgejo-Event": "push", "X-Gitea-Event": "push", "X-Forgejo-Signature": self.signature}),
            "bitbucket": ({"repository": {"links": {"html": {"href": link}}},
                           "push": {"changes": [{"new": {"type": "branch", "name": "main"}, "old": None}]}},
                          {"X-Event-Key": "repo:push", "X-Hub-Signature": lambda b: "sha256=" + self.signature(b)}),
        }
        agent = self.start_taking(*forges)
        for forge, (body, headers) in forges.items():
            with self.subTest(forge):
                self.app.commit("main")
                self.assertEqual(self.post(agent, forge, body, headers), (202, {"policies": 1}))
                wait_until(lambda: self.mirror().refs() == self.app.refs(), 60, "the push", agent.log)
                self.assertEqual(self.received(agent, provider=forge, result="triggered"), 1)

    def test_a_burst_of_pushes_is_few_runs(self):
        agent = self.start_taking("github")
        for _ in range(100):
            self.assertEqual(self.push_to_github(agent)[0], 202)
        self.app.commit("main")
        self.assertEqual(self.push_to_github(agent)[0], 202)
        wait_until(lambda: self.mirror().refs() == self.app.refs(), 60, "the last push", agent.log)
        self.assertLessEqual(len(agent.program.history()), 4)

    def test_what_is_not_genuine_runs_nothing(self):
        agent = self.start_taking("github")
        for _ in range(3):
            status, answer = self.push_to_github(agent, secret="guessed")
            self.assertEqual((status, answer["error"]["code"]), (401, "unauthorized"))
        self.assertEqual(self.post(agent, "github", {}, {"X-GitHub-Event": "push"})[0], 401)
        self.assertEqual(self.received(agent, provider="github", result="unauthorized"), 4)
        self.assert_nothing_runs(agent)
        agent.wait_log("refused a webhook")
        self.assertEqual(agent.log().count("refused a webhook"), 1)

    def test_what_concerns_no_policy_runs_nothing(self):
        agent = self.start_taking("github", policy={"ref_globs": {"branches": "main"}})
        self.assertEqual(self.push_to_github(agent, url=self.url.replace("app", "other")), (200, {"policies": 0}))
        self.assertEqual(self.push_to_github(agent, ref="refs/heads/topic"), (200, {"policies": 0}))
        ping = self.post(agent, "github", {"zen": "Design for failure."},
                         {"X-GitHub-Event": "ping", "X-Hub-Signature-256": lambda b: "sha256=" + self.signature(b)})
        self.assertEqual(ping, (200, {"policies": 0}))
        self.assertEqual(self.received(agent, provider="github", result="ignored"), 3)
        self.assert_nothing_runs(agent)

    def test_what_cannot_be_read_is_refused(self):
        agent = self.start_taking("github")
        signed = {"X-GitHub-Event": "push", "X-Hub-Signature-256": lambda body: "sha256=" + self.signature(body)}
        self.assertEqual(self.post(agent, "github", b"hello", signed)[0], 400)
        self.assertEqual(self.post(agent, "github", b" " * LARGEST, signed)[0], 400, "large, and read")
        self.assertEqual(self.post(agent, "github", b" " * (LARGEST + 1), signed)[0], 413)
        self.assertEqual(self.received(agent, provider="github", result="malformed"), 2)
        self.assert_nothing_runs(agent)

    def test_without_a_secret_there_is_nothing(self):
        agent = self.start_taking("gitlab")
        self.assertEqual(self.push_to_github(agent)[0], 404)
        self.assertNotIn('provider="github"', agent.metrics().text)
        self.assert_nothing_runs(agent)

    def test_a_secret_is_changed_in_its_file(self):
        agent = self.start_taking("github")
        self.secret_file("another", "hook-secret")
        self.assertEqual(self.push_to_github(agent)[0], 401)
        self.assertEqual(self.push_to_github(agent, secret="another")[0], 202)


if __name__ == "__main__":
    unittest.main()
