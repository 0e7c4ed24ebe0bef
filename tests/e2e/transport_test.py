#!/usr/bin/python3
"""Our own smart HTTP: that it brings what git would have brought, over the servers that there are."""

import unittest

from support import http_server, nginx_server, processes
from support.certificates import make_certificate
from support.git import GitRepository, branch, tag
from support.hosted import local_only
from support.random_history import RandomHistory
from support.scenario import Scenario, password_auth
from support.wait import wait_until

ATTEMPT_FAILURES = "refsyncd_attempt_failures_total"
REFS = "refsyncd_refs_total"
SYNCS = "refsyncd_syncs_total"
SEEDS = range(16)
STEPS = 3
VERIFY = ("fsck", "connectivity")


def asks_what_it_can_do(request):
    return request.method == "GET"


def lists(request):
    return b"command=ls-refs" in request.body


@local_only("force, prune and verify are the embedded service's")
class AsGitWouldHaveIt(Scenario):
    """Random histories, pulled by refsyncd, verified in either way, and fetched by git."""

    def histories(self):
        """Histories over upstreams a0, a1 ..., and the program that mirrors each twice: a0-fsck, a0-connectivity ..."""
        server = self.http_server()
        made = {f"a{seed}": RandomHistory(self.upstream(f"a{seed}"), seed) for seed in SEEDS}
        repos = {f"{name}-{verify}": {"upstream": {"url": server.url(history.repository), "verify": verify}}
                 for name, history in made.items() for verify in VERIFY}
        policies = [{"name": name, "repo": name, "direction": "pull", "force": True, "prune": True} for name in repos]
        return made, self.program({**self.configuration("https://replaced.example/x"), "repos": repos, "policies": policies})

    def by_git(self, upstream):
        """A mirror of the upstream that git keeps."""
        mirror = GitRepository(self.folder / "by-git" / upstream.path.name)
        if not mirror.path.exists():
            mirror = GitRepository.create(mirror.path)
        mirror.git("fetch", "-q", "--prune", "--force", "--no-tags", f"file://{upstream.path}",
                   "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
        return mirror

    def test_refs_and_objects_are_what_git_would_have_fetched(self):
        histories, program = self.histories()
        for step in range(STEPS):
            changes = {name: history.step() for name, history in histories.items()}
            synced = program.once()
            for name, history in histories.items():
                fetched = self.by_git(history.repository).refs()
                for mirror in (f"{name}-{verify}" for verify in VERIFY):
                    with self.subTest(mirror=mirror, step=step, changes=changes[name]):
                        sync = synced[mirror]["syncs"][-1]
                        self.assertEqual((sync["status"], sync["error"]), ("completed", None))
                        self.assertEqual(self.mirror(mirror).refs(), fetched)
        for mirror in (f"{name}-{verify}" for name in histories for verify in VERIFY):
            with self.subTest(mirror=mirror):
                self.assert_sound(self.mirror(mirror))


@local_only("counts the requests of one agent")
class Requests(Scenario):
    def setUp(self):
        super().setUp()
        self.app, self.server = self.upstream(), self.http_server()

    def pause(self, agent):
        """Holds the next sync at its question, when all before have ended and are counted: (hold, metrics, requests)."""
        self.server.fault = hold = http_server.Hold(lists)
        wait_until(hold.held.is_set, what="a question", describe=agent.log)
        return hold, agent.metrics(), len(self.server.requests)

    def assert_each_costs_one_question(self, agent, policy):
        """Some more syncs of the only policy take no request but one each that lists the refs."""
        hold, before, first = self.pause(agent)
        hold.release()
        done = before.total(SYNCS, policy=policy)
        agent.wait_metric(SYNCS, done + 2, policy=policy)
        hold, after, last = self.pause(agent)
        hold.release()
        later = self.server.requests[first:last]
        self.assertTrue(all(lists(request) for request in later), [request.target for request in later])
        self.assertEqual({request.target for request in later}, {"/app.git/git-upload-pack"})
        self.assertEqual(len(later), after.total(SYNCS, policy=policy) - done)
        self.assertEqual(after.total(SYNCS, status="failed"), 0)

    def test_a_push_without_changes_asks_once_and_needs_no_git(self):
        ours = GitRepository.create(self.folder / "ours.git")
        ours.commits(3)
        configuration = self.configuration(self.server.url(self.app), {"direction": "push"})
        configuration["repos"]["app"]["path"] = str(ours.path)
        agent = self.start(configuration)
        agent.wait_metric(REFS, policy="app-push", outcome="unchanged")
        self.assertEqual(self.app.refs(), ours.refs())
        of_git = processes.page_faults_of_children(agent.pid)
        self.assertGreater(of_git, 0, "git has pushed")
        self.assert_each_costs_one_question(agent, "app-push")
        self.assertEqual(processes.page_faults_of_children(agent.pid), of_git)
        self.assertEqual(len([request for request in self.server.requests if request.pushes]), 1)
        self.assertEqual(agent.stop(), 0)

    def test_twenty_thousand_refs_that_do_not_change_cost_one_request(self):
        values = [self.app.commit("main") for _ in range(5)]
        self.app.set_many({branch(f"topic/{n:05}"): values[n % 5] for n in range(20_000)})
        agent = self.start(self.configuration(self.server.url(self.app)))
        metrics = agent.wait_metric(SYNCS, 2, policy="app-pull", status="completed")
        self.assertEqual(metrics.value(REFS, policy="app-pull", direction="pull", outcome="updated"), 20_001)
        self.assertGreaterEqual(metrics.value(REFS, policy="app-pull", direction="pull", outcome="unchanged"), 20_001)
        self.assert_each_costs_one_question(agent, "app-pull")
        self.assertEqual(agent.stop(), 0)
        self.assertEqual(len([r for r in self.server.requests if asks_what_it_can_do(r)]), 1)
        self.assertEqual(metrics.total(ATTEMPT_FAILURES), 0)
        self.assertEqual(self.mirror().refs(), self.app.refs())

    def test_a_change_costs_a_list_and_a_fetch(self):
        self.app.commit("main")
        agent = self.start(self.configuration(self.server.url(self.app)))
        agent.wait_metric(REFS, policy="app-pull", outcome="unchanged")
        before = len(self.server.requests)
        self.app.commit("main")
        agent.wait_metric(REFS, 2, policy="app-pull", outcome="updated")
        later = self.server.requests[before:]
        fetch = next(n for n, request in enumerate(later) if request.fetches)
        self.assertTrue(all(lists(request) for request in later[:fetch]))
        self.assertEqual(len([r for r in later if r.fetches]), 1)
        self.assert_in_step(self.mirror(), self.app)
        self.assert_sound(self.mirror())

    def test_an_upstream_that_changes_between_the_question_and_the_fetch(self):
        first = self.app.commit("main", files={"file": "first\n"})
        second = self.app.commit("main", files={"file": "second\n"})
        self.app.set(tag("v1"), first)

        def rewrite():
            self.app.commit("main", parent=first, files={"file": "rewritten\n"})
            self.app.git("reflog", "expire", "--expire=now", "--all")
            self.app.git("gc", "-q", "--prune=now")

        self.server.fault = http_server.Meanwhile(lambda request: request.fetches, rewrite)
        agent = self.start(self.configuration(self.server.url(self.app)))
        metrics = agent.wait_metric(SYNCS, policy="app-pull", status="completed")
        self.assertNotEqual(self.mirror().value(branch("main")), second)
        self.assertEqual(metrics.total(ATTEMPT_FAILURES), 0)
        self.assertEqual(metrics.total(SYNCS, status="failed"), 0)
        self.assert_in_step(self.mirror(), self.app)
        self.assert_sound(self.mirror())

    def test_a_branch_that_is_deleted_between_the_question_and_the_fetch_is_there_again_or_gone(self):
        self.app.commit("main")
        self.app.commit("gone", files={"file": "gone\n"})

        def remove():
            self.app.delete(branch("gone"))
            self.app.git("prune", "--expire=now")

        self.server.fault = http_server.Meanwhile(lambda request: request.fetches, remove)
        retry = {"attempts": 3, "first": "100ms", "max": "200ms"}
        agent = self.start(self.configuration(self.server.url(self.app), {"retry": retry}))
        metrics = agent.wait_metric(SYNCS, policy="app-pull", status="completed")
        self.assertEqual(metrics.total(ATTEMPT_FAILURES), metrics.total(ATTEMPT_FAILURES, kind="transient"))
        self.assert_in_step(self.mirror(), self.app)
        self.assert_sound(self.mirror())


class BehindNginx(Scenario):
    """TLS, HTTP/2, a web server that is not Python's."""

    def setUp(self):
        super().setUp()
        if not nginx_server.available():
            self.skipTest("nginx and fcgiwrap are not installed; nothing was pulled over HTTP/2")
        self.app, self.lib = self.upstream("app"), self.upstream("lib")
        for repository in (self.app, self.lib):
            repository.commits(3)

    def serve(self, **options):
        server = nginx_server.NginxServer(self.folder / "nginx", self.folder / "upstreams",
                                          make_certificate(self.folder / "tls"), **options)
        self.addCleanup(server.close)
        return server

    def start_both(self, server, auth=None):
        def upstream(repository):
            return {"url": server.url(repository), "tls": {"ca_file": str(server.authority)},
                    **({"auth": auth} if auth else {})}

        configuration = self.configuration(upstream(self.app), {}, {"repo": "lib"})
        configuration["repos"]["lib"] = {"upstream": upstream(self.lib)}
        return self.start(configuration)

    def assert_pulled(self, agent):
        """What is there is pulled, and what changes, too."""
        for repository in ("app", "lib"):
            agent.wait_metric(SYNCS, 2, policy=f"{repository}-pull", status="completed")
        updated = agent.metrics().total(REFS, policy="app-pull", outcome="updated")
        newest = self.app.commit("main")
        metrics = agent.wait_metric(REFS, updated + 1, policy="app-pull", outcome="updated")
        self.assertEqual(self.mirror().value(branch("main")), newest)
        self.assertEqual(metrics.total(ATTEMPT_FAILURES), 0, agent.log())
        self.assertEqual(agent.stop(), 0)
        for name, upstream in (("app", self.app), ("lib", self.lib)):
            self.assert_in_step(self.mirror(name), upstream)
            self.assert_sound(self.mirror(name))

    def assert_answered(self, server):
        """Each request was answered with success, unless the agent's stop cut it off."""
        self.assertEqual({seen.status for seen in server.seen()} - {499}, {200})

    def assert_closing_costs_nothing(self, server, protocol):
        """No sync fails although each connection ends after a few requests."""
        names = [f"many{number}" for number in range(6)]
        configuration = self.configuration("https://replaced.example/x", *({"repo": name} for name in names))
        tls = {"ca_file": str(server.authority)}
        upstreams = {name: self.upstream(name) for name in names}
        for upstream in upstreams.values():
            upstream.commit("main")
        configuration["repos"] = {name: {"upstream": {"url": server.url(upstream), "tls": tls}}
                                  for name, upstream in upstreams.items()}
        agent = self.start(configuration)
        for completed in (4, 8):
            for name, upstream in upstreams.items():
                agent.wait_metric(SYNCS, completed, policy=f"{name}-pull", status="completed")
                upstream.commit("main")
        for name, upstream in upstreams.items():
            wait_until(lambda name=name, upstream=upstream: self.mirror(name).refs() == upstream.refs(),
                       what="the last commit", describe=agent.log)
        metrics = agent.metrics()
        self.assertEqual(metrics.total(ATTEMPT_FAILURES), 0, agent.log())
        self.assertEqual(metrics.total(SYNCS, status="failed"), 0)
        self.assertEqual(agent.stop(), 0)
        self.assert_answered(server)
        asked = [seen for seen in server.seen() if seen.protocol == protocol]
        self.assertGreaterEqual(len(asked), 6 * 8)
        self.assertGreaterEqual(len({seen.connection for seen in asked}), len(asked) // 8)  # several may ask at once

    def lists_of(self, server):
        """Requests that ask for refs, packs left out: they have connections of their own."""
        fetch_connections = {s.connection for s in server.seen()} - {s.connection for s in server.seen()
                                                                     if s.method == "GET"}
        return [seen for seen in server.seen() if seen.connection not in fetch_connections]

    @local_only("looks at the connections of one agent")
    def test_over_http_2_all_questions_share_one_connection(self):
        server = self.serve()
        self.assert_pulled(self.start_both(server))
        questions = self.lists_of(server)
        self.assertEqual({seen.protocol for seen in questions}, {"HTTP/2.0"})
        self.assertEqual(len({seen.connection for seen in questions}), 1, questions)
        self.assertGreater(len(questions), 5)
        self.assert_answered(server)

    @local_only("looks at the connections of one agent")
    def test_over_http_1_connections_are_kept(self):
        server = self.serve(http2=False)
        self.assert_pulled(self.start_both(server))
        self.assertEqual({seen.protocol for seen in server.seen()}, {"HTTP/1.1"})
        self.assertLessEqual(len({seen.connection for seen in self.lists_of(server)}), 2, "one for each of two at once")

    def test_over_http_2_a_server_that_closes_connections_costs_nothing(self):
        self.assert_closing_costs_nothing(self.serve(keepalive_requests=4), "HTTP/2.0")

    def test_over_http_1_a_server_that_closes_connections_costs_nothing(self):
        self.assert_closing_costs_nothing(self.serve(http2=False, keepalive_requests=4), "HTTP/1.1")

    def test_with_user_name_and_password(self):
        server = self.serve(credentials=("ada", "p:a s%s"))
        self.assert_pulled(self.start_both(server, password_auth("ada", self.secret_file("p:a s%s"))))
        self.assert_answered(server)  # credentials are not waited for to be asked for

    def test_with_a_wrong_password(self):
        server = self.serve(credentials=("ada", "right"))
        agent = self.start_both(server, password_auth("ada", self.secret_file("wrong")))
        metrics = agent.wait_metric(ATTEMPT_FAILURES, policy="app-pull", kind="auth")
        self.assertEqual(metrics.total(SYNCS, status="completed"), 0)
        self.assertEqual({seen.status for seen in server.seen()}, {401})


if __name__ == "__main__":
    unittest.main()
