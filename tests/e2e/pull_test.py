#!/usr/bin/python3
"""What later pulls do to each ref."""

import unittest

from support.git import ABSENT, branch, tag
from support.scenario import Scenario, outcomes, result_of

CREATED = ("updated", "created")
FORWARD = ("updated", "fast_forward")
FORCED = ("updated", "forced")
PRUNED = ("updated", "pruned")
SAME = ("unchanged", "up_to_date")
FILTERED = ("filtered", "excluded")


class Pulls(Scenario):
    """A mirror that is in step with its upstream, which then changes."""

    def setUp(self):
        super().setUp()
        self.app = self.upstream()
        self.first = self.app.commits(2)
        self.url = self.http_server().url(self.app)

    def pull(self, **policy):
        return self.program(self.configuration(self.url, policy)).once_sync()

    def tearDown(self):
        if self.data.exists():
            self.assert_sound(self.mirror())
        super().tearDown()

    def backups(self):
        """Values kept under refs/refsyncd/backup/."""
        return self.mirror().refs("refs/refsyncd/backup/")

    def assert_backed_up(self, name, value):
        self.assertIn(value, [v for ref, v in self.backups().items() if ref.endswith(name.removeprefix("refs/"))],
                      self.backups())


class OrdinaryPulls(Pulls):
    def test_a_second_pull_finds_everything_unchanged(self):
        self.app.set(tag("v1"), self.first)
        self.pull()
        sync = self.pull()
        self.assert_outcomes(sync, {branch("main"): SAME, tag("v1"): SAME})
        ref = result_of(sync, branch("main"))
        self.assertEqual((ref["before"], ref["after"]), (self.first, self.first))

    def test_new_commits_move_a_branch_forward(self):
        self.pull()
        second = self.app.commits(3)
        topic = self.app.commit("topic", parent=self.first)
        sync = self.pull()
        self.assert_outcomes(sync, {branch("main"): FORWARD, branch("topic"): CREATED})
        ref = result_of(sync, branch("main"))
        self.assertEqual((ref["before"], ref["after"]), (self.first, second))
        self.assert_refs(self.mirror(), {branch("main"): second, branch("topic"): topic})

    def test_a_star_crosses_slashes(self):
        for name in ("release/1.0", "release/2.0/rc", "released"):
            self.app.set(branch(name), self.first)
        sync = self.pull(ref_globs={"branches": "release/*"})
        self.assert_outcomes(sync, {branch("release/1.0"): CREATED, branch("release/2.0/rc"): CREATED})

    def test_globs_may_be_a_list(self):
        for name in ("dev", "release/1.0", "other"):
            self.app.set(branch(name), self.first)
        self.app.set(tag("v1.0"), self.first)
        sync = self.pull(ref_globs={"branches": ["main", "release/*"], "tags": ["v1.*"]})
        self.assertEqual(set(outcomes(sync)), {branch("main"), branch("release/1.0"), tag("v1.0")})
        self.assertEqual(set(self.mirror().refs()), {branch("main"), branch("release/1.0"), tag("v1.0")})

    def test_tags_alone(self):
        self.app.annotated_tag("v1", self.first)
        self.app.set(tag("nightly"), self.first)
        sync = self.pull(ref_globs={"tags": "v*"})
        self.assert_outcomes(sync, {tag("v1"): CREATED})
        self.assertEqual(sync["ref_globs"], {"branches": "", "tags": "v*"})

    def test_excluded_refs_are_filtered_and_kept_out(self):
        wip = self.app.commit("wip/idea", parent=self.first)
        sync = self.pull(exclude={"branches": "wip/*"})
        self.assert_outcomes(sync, {branch("main"): CREATED, branch("wip/idea"): FILTERED})
        ref = result_of(sync, branch("wip/idea"))
        self.assertEqual((ref["before"], ref["after"], ref["offered"]), (None, ABSENT, wip))
        self.assert_refs(self.mirror(), {branch("main"): self.first})
        self.assertNotEqual(self.mirror().git("cat-file", "-t", wip, check=False), "commit")

    def test_a_pull_does_not_carry_deletions_over(self):
        self.app.set(branch("gone"), self.first)
        self.pull()
        self.app.delete(branch("gone"))
        self.assert_outcomes(self.pull(), {branch("main"): SAME})
        self.assert_refs(self.mirror(), {branch("main"): self.first, branch("gone"): self.first})

    def test_refs_of_other_kinds_are_not_mirrored(self):
        self.app.commit("refs/pull/1/head", parent=self.first)
        self.app.set("refs/notes/commits", self.first)
        self.assert_outcomes(self.pull(), {branch("main"): CREATED})
        self.assertEqual(self.mirror().refs("refs/"), {branch("main"): self.first})


class UnsafeRefs(Pulls):
    def test_a_diverged_branch_is_rejected_while_others_update(self):
        self.app.set(branch("other"), self.first)
        self.pull()
        rewritten = self.app.commit("main", root=True)
        other = self.app.commit("other")
        sync = self.pull()
        self.assert_outcomes(sync, {branch("main"): ("rejected", "non_fast_forward"), branch("other"): FORWARD})
        ref = result_of(sync, branch("main"))
        self.assertEqual((ref["before"], ref["after"], ref["offered"]), (self.first, self.first, rewritten))
        self.assert_refs(self.mirror(), {branch("main"): self.first, branch("other"): other})

    def test_a_branch_that_went_back_is_rejected(self):
        self.app.set(branch("keep"), self.first)
        ahead = self.app.commit("main")
        self.pull()
        self.app.set(branch("main"), self.first)
        self.assertEqual(outcomes(self.pull())[branch("main")], ("rejected", "non_fast_forward"))
        self.assertEqual(self.mirror().value(branch("main")), ahead)

    def test_a_moved_tag_is_rejected(self):
        self.app.set(tag("light"), self.first)
        annotated = self.app.annotated_tag("v1", self.first)
        self.pull()
        second = self.app.commit("main")
        self.app.set(tag("light"), second)
        self.app.annotated_tag("v1", second, "moved")
        sync = self.pull()
        self.assert_outcomes(sync, {branch("main"): FORWARD, tag("light"): ("rejected", "tag_exists"),
                                    tag("v1"): ("rejected", "tag_exists")})
        self.assert_refs(self.mirror(), {branch("main"): second, tag("light"): self.first, tag("v1"): annotated})

    def test_force_overwrites_and_keeps_a_backup(self):
        self.app.set(tag("light"), self.first)
        self.pull(force=True)
        rewritten = self.app.commit("main", root=True)
        self.app.set(tag("light"), rewritten)
        sync = self.pull(force=True)
        self.assert_outcomes(sync, {branch("main"): FORCED, tag("light"): FORCED})
        self.assert_refs(self.mirror(), {branch("main"): rewritten, tag("light"): rewritten})
        self.assert_backed_up(branch("main"), self.first)
        self.assert_backed_up(tag("light"), self.first)

    def test_a_branch_that_becomes_a_folder_is_rejected_without_prune(self):
        self.app.set(branch("topic"), self.first)
        self.pull()
        self.app.delete(branch("topic"))
        self.app.set(branch("topic/a"), self.first)
        sync = self.pull()
        self.assert_outcomes(sync, {branch("main"): SAME, branch("topic/a"): ("rejected", "directory_file_conflict")})
        self.assert_refs(self.mirror(), {branch("main"): self.first, branch("topic"): self.first})

    def test_a_hook_or_setting_planted_in_either_repository_does_not_run(self):
        self.pull()
        marker = self.folder / "PWNED"
        hooks = ["pre-receive", "update", "post-receive", "post-update", "reference-transaction", "pre-push",
                 "pre-auto-gc", "proc-receive", "push-to-checkout", "post-index-change", "fsmonitor-watchman"]
        for repository in (self.app, self.mirror()):
            for hook in hooks:
                repository.hook(hook, f"touch {marker}")
            for key in ("core.alternateRefsCommand", "core.sshCommand", "core.gitProxy", "core.askPass",
                        "credential.helper", "core.fsmonitor", "core.pager", "uploadpack.packObjectsHook"):
                repository.git("config", key, f"!touch {marker}; touch {marker}")
            repository.git("config", f"url.ext::sh -c touch% {marker} .insteadOf", "file://")
        for url in (f"file://{self.app.path}", self.url):
            with self.subTest(url=url):
                second = self.app.commit("main")
                marker.unlink(missing_ok=True)
                self.program(self.configuration(url)).once_sync()
                self.assertFalse(marker.exists())
                self.assertEqual(self.mirror().value(branch("main")), second)


class Pruning(Pulls):
    def setUp(self):
        super().setUp()
        self.app.set_many({branch(f"b{n}"): self.first for n in range(12)})

    def test_prune_deletes_what_the_source_lost_and_keeps_a_backup(self):
        lost = self.app.commit("lost", parent=self.first)
        self.pull(prune=True)
        self.app.delete(branch("lost"))
        sync = self.pull(prune=True)
        self.assertEqual(outcomes(sync)[branch("lost")], PRUNED)
        ref = result_of(sync, branch("lost"))
        self.assertEqual((ref["before"], ref["after"]), (lost, ABSENT))
        self.assert_in_step(self.mirror(), self.app)
        self.assert_backed_up(branch("lost"), lost)

    def test_prune_touches_only_what_the_globs_match(self):
        self.pull(prune=True)
        self.mirror().set(branch("ours"), self.first)
        sync = self.pull(prune=True, ref_globs={"branches": "b*"})
        self.assertNotIn(branch("ours"), outcomes(sync))
        self.assertEqual(self.mirror().value(branch("ours")), self.first)

    def test_an_emptied_upstream_deletes_nothing(self):
        self.pull(prune=True)
        before = self.mirror().refs()
        self.app.delete(*self.app.refs())
        sync = self.pull(prune=True)
        self.assert_refs(self.mirror(), before)
        self.assertEqual(set(outcomes(sync).values()), {("rejected", "prune_guard")})

    def test_mass_deletion_is_stopped_while_updates_go_on(self):
        self.pull(prune=True)
        self.app.delete(*(branch(f"b{n}") for n in range(11)))
        second = self.app.commit("main")
        sync = self.pull(prune=True)
        self.assertEqual(outcomes(sync)[branch("b0")], ("rejected", "prune_guard"))
        self.assertEqual(outcomes(sync)[branch("main")], FORWARD)
        self.assertEqual(self.mirror().value(branch("main")), second)
        self.assertEqual(self.mirror().value(branch("b0")), self.first)

    def test_a_renamed_default_branch_takes_HEAD_along_and_then_goes(self):
        self.pull(prune=True)
        self.app.git("branch", "-m", "main", "trunk")
        self.app.git("symbolic-ref", "HEAD", branch("trunk"))
        self.app.delete(branch("b0"))
        first = outcomes(self.pull(prune=True))
        self.assertEqual(first[branch("main")], ("rejected", "prune_guard"))
        self.assertEqual(first[branch("b0")], ("updated", "pruned"))
        self.assertEqual(self.mirror().head(), branch("trunk"))
        self.assertEqual(outcomes(self.pull(prune=True))[branch("main")], ("updated", "pruned"))
        self.assert_in_step(self.mirror(), self.app)

    def test_a_branch_that_becomes_a_folder_is_renamed_in_one_pull(self):
        for old, new in (("topic", "topic/a"), ("other/x", "other")):
            with self.subTest(old=old):
                self.app.set(branch(old), self.first)
                self.pull(prune=True)
                self.app.delete(branch(old))
                self.app.set(branch(new), self.first)
                sync = self.pull(prune=True)
                self.assertEqual((outcomes(sync)[branch(old)], outcomes(sync)[branch(new)]), (PRUNED, CREATED))
                self.assert_in_step(self.mirror(), self.app)


if __name__ == "__main__":
    unittest.main()
