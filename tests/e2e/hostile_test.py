#!/usr/bin/python3
"""Repositories that are broken, unsafe or not what they should be: refused as a whole, with nothing left behind."""

import os
import socket
import unittest

from support.git import GitRepository, branch, tag
from support.http_server import Meanwhile
from support.scenario import Scenario, outcomes, result_of, ssh_auth

ATTEMPT_FAILURES = "refsyncd_attempt_failures_total"


class Hostile(Scenario):
    def setUp(self):
        super().setUp()
        self.app = self.upstream()
        self.first = self.app.commits(2)
        self.server = self.http_server()
        self.urls = {"file": f"file://{self.app.path}", "http": self.server.url(self.app)}

    def fail_to_pull(self, url, **repo):
        """Pulls with an agent, and returns the kind of failure."""
        configuration = self.configuration(url)
        configuration["repos"]["app"].update(repo)
        agent = self.start(configuration)
        metrics = agent.wait_metric(ATTEMPT_FAILURES, policy="app-pull")
        self.assertEqual(agent.stop(), 0)
        self.assert_no_children()
        kinds = ("transient", "throttled", "auth", "not_found", "untrusted", "bad_config", "internal")
        return next(kind for kind in kinds if metrics.value(ATTEMPT_FAILURES, policy="app-pull", kind=kind))


class HostileObjects(Hostile):
    def evil_commit(self, *entries):
        """A commit whose tree has these (mode, kind, content, name) entries, which git itself would not make."""
        lines = []
        for mode, content, name in entries:
            blob = self.app.git("hash-object", "-w", "--stdin", data=content)
            lines.append(mode.encode() + b" " + name.encode() + b"\0" + bytes.fromhex(blob))
        tree = self.app.git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", data=b"".join(lines))
        return self.app.git("commit-tree", "-m", "evil", "-p", self.first, tree)

    def assert_refused(self, evil):
        for transport, url in self.urls.items():
            with self.subTest(transport=transport):
                program = self.program(self.configuration(url))
                self.app.set(branch("main"), self.first)
                program.once_sync()
                self.app.set(branch("main"), evil)
                for _ in range(2):
                    self.assertEqual(program.once_sync(expect=1)["error_kind"], "untrusted")
                    self.assertEqual(self.mirror().value(branch("main")), self.first)
                    self.assert_sound(self.mirror())

    def test_a_tree_with_a_git_folder_is_refused(self):
        self.assert_refused(self.evil_commit(("100644", "[core]\n", ".git")))

    def test_submodules_with_urls_that_are_options_are_refused(self):
        modules = '[submodule "x"]\n\tpath = x\n\turl = -u./payload\n'
        self.assert_refused(self.evil_commit(("100644", modules, ".gitmodules")))

    def test_a_damaged_upstream_moves_no_ref(self):
        for transport, url in self.urls.items():
            with self.subTest(transport=transport):
                self.program(self.configuration(url)).once_sync()
                before = self.mirror().refs()
                newest = self.app.commit("main")
                path = self.app.path / "objects" / newest[:2] / newest[2:]
                content = path.read_bytes()
                path.unlink()
                self.program(self.configuration(url)).once_sync(expect=1)
                self.assert_refs(self.mirror(), before)
                self.assert_sound(self.mirror())
                path.write_bytes(content)


class UnsafeRepositories(Hostile):
    def test_a_repository_that_others_may_write_is_untrusted(self):
        ours = GitRepository.create(self.folder / "ours.git")
        (ours.path / "config").chmod(0o666)
        self.assertEqual(self.fail_to_pull(self.urls["file"], path=str(ours.path)), "untrusted")
        self.assert_refs(ours, {})

    @unittest.skipIf(os.geteuid() != 0, "needs root to give a file away")
    def test_a_repository_of_another_user_is_untrusted(self):
        ours = GitRepository.create(self.folder / "ours.git")
        os.chown(ours.path / "config", 12345, 12345)
        self.assertEqual(self.fail_to_pull(self.urls["file"], path=str(ours.path)), "untrusted")
        self.assert_refs(ours, {})

    def test_a_folder_that_is_no_bare_repository_is_a_wrong_configuration(self):
        plain = self.folder / "plain"
        (plain / "sub").mkdir(parents=True)
        self.assertEqual(self.fail_to_pull(self.urls["file"], path=str(plain)), "bad_config")
        self.assertEqual([p.name for p in plain.iterdir()], ["sub"])

    def test_a_path_that_does_not_exist_is_not_created(self):
        missing = self.folder / "missing.git"
        self.assertEqual(self.fail_to_pull(self.urls["file"], path=str(missing)), "not_found")
        self.assertFalse(missing.exists())

    def test_an_upstream_folder_that_is_missing_is_not_found(self):
        self.assertEqual(self.fail_to_pull(f"file://{self.folder}/nothing.git"), "not_found")

    def test_a_shallow_upstream_is_a_wrong_configuration_whatever_the_transport(self):
        shallow = GitRepository(self.app.path.with_name("shallow.git"))
        self.app.git("clone", "-q", "--bare", "--depth=1", self.urls["file"], str(shallow.path))
        for url in (f"file://{shallow.path}", str(shallow.path), self.server.url(shallow)):
            sync = self.program(self.configuration(url)).once_sync(expect=1)
            self.assertEqual(sync["error_kind"], "bad_config", sync)
            self.assertIn("is a shallow repository", sync["error"])
            self.assertEqual(self.mirror().refs(), {})

    def test_a_pack_larger_than_max_pack_is_a_wrong_configuration(self):
        self.app.commit("main", files={"big": os.urandom(2_000_000)})
        for url in self.urls.values():
            sync = self.program(self.configuration({"url": url, "max_pack": "1MiB"})).once_sync(expect=1)
            self.assertEqual(sync["error_kind"], "bad_config", sync)
            self.assertIn("max_pack", sync["error"])
            self.assertEqual(self.scratch_leftovers(), [])
        self.program(self.configuration({"url": self.urls["file"], "max_pack": "3MiB"})).once_sync()
        self.assert_in_step(self.mirror(), self.app)

    def test_an_ssh_server_that_says_nothing_is_cut_by_the_timeout(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            key = self.secret_file("no key", "key")
            url = f"ssh://git@127.0.0.1:{silent.getsockname()[1]}/app.git"
            configuration = self.configuration({"url": url, "auth": ssh_auth(key, key)}, {"timeout": "1s"})
            agent = self.start(configuration)
            metrics = agent.wait_metric(ATTEMPT_FAILURES, policy="app-pull")
            self.assertGreaterEqual(metrics.value(ATTEMPT_FAILURES, policy="app-pull", kind="transient"), 1)
            self.assertEqual(agent.stop(), 0)
            self.assert_no_children()


class Races(Hostile):
    """Somebody writes while the agent works."""

    def pull_while(self, action):
        program = self.program(self.configuration(self.urls["http"]))
        program.once_sync()
        newest = self.app.commit("main")
        self.server.fault = Meanwhile(lambda request: request.fetches, action)
        return newest, program.once_sync()

    def test_a_branch_that_is_written_locally_meanwhile_is_left_alone(self):
        ours = []
        _, sync = self.pull_while(lambda: ours.append(self.mirror().commit("main")))
        self.assertIn(outcomes(sync)[branch("main")], [("rejected", "raced"), ("rejected", "non_fast_forward")])
        self.assertEqual(result_of(sync, branch("main"))["after"], ours[0])
        self.assertEqual(self.mirror().value(branch("main")), ours[0])
        self.assert_sound(self.mirror())

    def test_a_branch_that_moves_at_the_upstream_meanwhile_arrives_old_or_new(self):
        later = []
        newest, sync = self.pull_while(lambda: later.append(self.app.commit("main")))
        self.assertEqual(outcomes(sync)[branch("main")], ("updated", "fast_forward"))
        self.assertIn(self.mirror().value(branch("main")), [newest, *later])
        self.assertEqual(result_of(sync, branch("main"))["after"], self.mirror().value(branch("main")))
        self.assert_sound(self.mirror())

    def test_a_branch_that_goes_away_at_the_upstream_meanwhile_harms_nobody(self):
        self.app.set(tag("v1"), self.first)
        program = self.program(self.configuration(self.urls["http"], {"retry": {"attempts": 3}}))
        program.once_sync()
        self.app.commit("topic", parent=self.first)
        newest = self.app.commit("main")
        self.server.fault = Meanwhile(lambda request: request.fetches, lambda: self.app.delete(branch("topic")))
        self.assertEqual(program.once_sync()["status"], "completed")
        self.assertEqual(self.mirror().value(branch("main")), newest)
        self.assert_sound(self.mirror())


if __name__ == "__main__":
    unittest.main()
