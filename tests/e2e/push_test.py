#!/usr/bin/python3
"""Pushes from the repository to its upstream, and both directions on one repository."""

import unittest

from support.git import ABSENT, GitRepository, branch, tag
from support.http_server import Meanwhile
from support.scenario import Scenario, outcomes, result_of, ssh_auth

CREATED = ("updated", "created")
FORWARD = ("updated", "fast_forward")
SAME = ("unchanged", "up_to_date")
REFUSED = ("rejected", "remote_refused")
RACED = ("rejected", "raced")


class Pushes(Scenario):
    """A repository and its upstream hold the same commit on main."""

    def setUp(self):
        super().setUp()
        self.app = self.upstream()
        self.first = self.app.commits(2)
        self.ours = GitRepository.create(self.folder / "ours.git")
        self.ours.git("fetch", "-q", "--no-write-fetch-head", str(self.app.path), "refs/heads/main:refs/heads/main")
        self.server = self.http_server()
        self.url = self.server.url(self.app)

    def push(self, upstream=None, **policy):
        return self.program(self.push_configuration(upstream, **policy)).once_sync("app-push")

    def push_configuration(self, upstream=None, **policy):
        configuration = self.configuration(upstream or self.url, {"direction": "push", **policy})
        configuration["repos"]["app"]["path"] = str(self.ours.path)
        return configuration

    def tearDown(self):
        self.assert_sound(self.ours, self.app)
        super().tearDown()


class OrdinaryPushes(Pushes):
    def assert_pushes(self, upstream):
        second = self.ours.commit("main")
        topic = self.ours.commit("agent/topic", parent=self.first)
        annotated = self.ours.annotated_tag("v1", second)
        sync = self.push(upstream)
        self.assert_outcomes(sync, {branch("main"): FORWARD, branch("agent/topic"): CREATED, tag("v1"): CREATED})
        ref = result_of(sync, branch("main"))
        self.assertEqual((sync["direction"], ref["before"], ref["after"]), ("push", self.first, second))
        self.assertIsNone(result_of(sync, branch("agent/topic"))["before"])
        self.assert_refs(self.app, {branch("main"): second, branch("agent/topic"): topic, tag("v1"): annotated})
        self.assert_outcomes(self.push(upstream), {name: SAME for name in self.app.refs()})

    def test_new_and_newer_refs_arrive_over_http(self):
        self.assert_pushes(self.url)

    def test_new_and_newer_refs_arrive_over_ssh(self):
        server = self.ssh_server()
        self.assert_pushes({"url": server.url(self.app), "auth": ssh_auth(server.key, server.known_hosts)})

    def test_new_and_newer_refs_arrive_in_a_folder(self):
        self.assert_pushes(f"file://{self.app.path}")

    def test_an_empty_upstream_is_filled(self):
        empty = self.upstream("empty")
        self.assert_outcomes(self.push(self.server.url(empty)), {branch("main"): CREATED})
        self.assert_refs(empty, {branch("main"): self.first})

    def test_a_push_does_not_carry_deletions_over(self):
        self.app.set(branch("theirs"), self.first)
        self.assert_outcomes(self.push(), {branch("main"): SAME})
        self.assertEqual(self.app.value(branch("theirs")), self.first)

    def test_globs_and_exclude_choose_what_is_pushed(self):
        self.ours.set(branch("agent/a"), self.first)
        self.ours.set(branch("agent/wip"), self.first)
        self.ours.set(branch("private"), self.first)
        sync = self.push(ref_globs={"branches": "agent/*"}, exclude={"branches": "agent/wip"})
        self.assert_outcomes(sync, {branch("agent/a"): CREATED, branch("agent/wip"): ("filtered", "excluded")})
        self.assert_refs(self.app, {branch("main"): self.first, branch("agent/a"): self.first})


class UnsafePushes(Pushes):
    def test_a_diverged_branch_and_a_moved_tag_are_rejected_while_others_go(self):
        self.app.set(tag("v1"), self.first)
        theirs = self.app.commit("main")
        ours = self.ours.commit("main")
        self.ours.set(tag("v1"), ours)
        topic = self.ours.commit("topic", parent=self.first)
        sync = self.push()
        self.assert_outcomes(sync, {branch("main"): ("rejected", "non_fast_forward"), branch("topic"): CREATED,
                                    tag("v1"): ("rejected", "tag_exists")})
        ref = result_of(sync, branch("main"))
        self.assertEqual((ref["before"], ref["after"], ref["offered"]), (theirs, theirs, ours))
        self.assert_refs(self.app, {branch("main"): theirs, branch("topic"): topic, tag("v1"): self.first})

    def test_force_overwrites_the_upstream_and_keeps_its_old_value(self):
        theirs = self.app.commit("main")
        ours = self.ours.commit("main")
        self.assertEqual(outcomes(self.push(force=True))[branch("main")], ("updated", "forced"))
        self.assertEqual(self.app.value(branch("main")), ours)
        self.assertIn(theirs, self.ours.refs("refs/refsyncd/backup/").values())

    def test_a_ref_that_an_update_hook_refuses_is_rejected_with_its_words(self):
        self.app.hook("update", 'test "$1" != refs/heads/protected || { echo "protected: ask Ada" >&2; exit 1; }')
        self.ours.set(branch("protected"), self.first)
        second = self.ours.commit("main")
        sync = self.push()
        self.assert_outcomes(sync, {branch("main"): FORWARD, branch("protected"): REFUSED})
        ref = result_of(sync, branch("protected"))
        self.assertIn("protected: ask Ada", ref["detail"])
        self.assertEqual((ref["before"], ref["after"], ref["offered"]), (None, ABSENT, self.first))
        self.assert_refs(self.app, {branch("main"): second})

    def test_a_pre_receive_hook_that_refuses_one_ref_does_not_hold_the_others_back(self):
        self.app.hook("pre-receive", 'if grep -q protected; then echo "protected: ask Ada" >&2; exit 1; fi')
        self.ours.set(branch("protected"), self.first)
        second = self.ours.commit("main")
        sync = self.push()
        self.assert_outcomes(sync, {branch("main"): FORWARD, branch("protected"): REFUSED})
        self.assert_refs(self.app, {branch("main"): second})

    def test_a_branch_that_moves_between_listing_and_pushing_is_never_overwritten(self):
        def list_for_push(request):
            return "service=git-receive-pack" in request.target

        for when, matching in (("before the push begins", list_for_push), ("before it lands", lambda r: r.pushes)):
            with self.subTest(moved=when):
                theirs = []
                self.ours.set(branch("main"), self.ours.commit("main"))
                self.app.set(branch("main"), self.first)
                self.server.fault = Meanwhile(matching, lambda: theirs.append(self.app.commit("main")))
                sync = self.push()
                self.assertEqual(len(theirs), 1)
                self.assertIn(outcomes(sync)[branch("main")], [RACED, ("rejected", "non_fast_forward")])
                self.assertEqual(result_of(sync, branch("main"))["after"], theirs[0])
                self.assertEqual(self.app.value(branch("main")), theirs[0])


class BothDirections(Pushes):
    def configure_both(self):
        configuration = self.configuration(
            self.url,
            {"direction": "pull", "ref_globs": {"branches": "main", "tags": "*"}},
            {"direction": "push", "ref_globs": {"branches": "agent/*"}})
        configuration["repos"]["app"]["path"] = str(self.ours.path)
        return self.program(configuration)

    def test_a_repository_is_pulled_and_pushed(self):
        theirs = self.app.commit("main")
        ours = self.ours.commit("agent/fix", parent=self.first)
        results = self.configure_both().once()
        self.assert_outcomes(results["app-pull"]["syncs"][-1], {branch("main"): FORWARD})
        self.assert_outcomes(results["app-push"]["syncs"][-1], {branch("agent/fix"): CREATED})
        for repository in (self.ours, self.app):
            self.assert_refs(repository, {branch("main"): theirs, branch("agent/fix"): ours})

    def test_a_running_agent_keeps_both_directions_going(self):
        agent = self.start(self.configure_both())
        agent.wait_metric("refsyncd_syncs_total", 2, status="completed")
        theirs = self.app.commit("main")
        ours = self.ours.commit("agent/fix", parent=self.first)
        agent.wait_metric("refsyncd_refs_total", policy="app-pull", outcome="updated")
        metrics = agent.wait_metric("refsyncd_refs_total", policy="app-push", outcome="updated")
        self.assertEqual(metrics.value("refsyncd_refs_total", policy="app-pull", direction="pull", outcome="updated"), 1)
        self.assertEqual(metrics.value("refsyncd_refs_total", policy="app-push", direction="push", outcome="updated"), 1)
        for repository in (self.ours, self.app):
            self.assert_refs(repository, {branch("main"): theirs, branch("agent/fix"): ours})
        self.assertEqual(agent.stop(), 0)


if __name__ == "__main__":
    unittest.main()
