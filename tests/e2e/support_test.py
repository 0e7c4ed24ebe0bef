#!/usr/bin/python3
"""The servers and faults that the scenarios rely on do what they say, shown with git itself."""

import os
import shutil
import subprocess
import unittest

from support import http_server, processes
from support.git import GitRepository, branch, tag
from support.metrics import Metrics
from support.scenario import Scenario
from support.wait import wait_until


def git(*arguments, timeout=20, **environment):
    clean = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0",
             "GIT_CONFIG_NOSYSTEM": "1"}
    return subprocess.run(["git", *map(str, arguments)], env={**clean, **environment}, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=timeout)


class ServersAndFaults(Scenario):
    def setUp(self):
        super().setUp()
        self.app = self.upstream()
        self.tip = self.app.commit("main", files={"big": os.urandom(200_000)})
        self.target = self.folder / "clone.git"

    def clone(self, url, *options, **environment):
        return git(*options, "clone", "--mirror", "-q", url, self.target, **environment)

    def test_http_serves_clone_and_push(self):
        server = self.http_server()
        self.assertEqual(self.clone(server.url(self.app)).stderr, "")
        pushed = git(f"--git-dir={self.target}", "push", server.url(self.app), f"{self.tip}:refs/heads/new")
        self.assertEqual(pushed.returncode, 0, pushed.stderr)
        self.assertEqual(self.app.refs(), {branch("main"): self.tip, branch("new"): self.tip})
        self.assertTrue(any(r.headers.get("git-protocol") == "version=2" for r in server.requests))
        self.assertTrue(any(r.fetches for r in server.requests))
        self.assertTrue(any(r.pushes for r in server.requests))

    def test_a_large_push_arrives_in_chunks(self):
        server = self.http_server()
        self.clone(server.url(self.app))
        self.app.delete(branch("main"))
        self.app.git("prune", "--expire=now")
        pushed = git(f"--git-dir={self.target}", "-c", "http.postBuffer=65536", "push", server.url(self.app), "main")
        self.assertEqual(pushed.returncode, 0, pushed.stderr)
        self.assertIn("chunked", [r.headers.get("transfer-encoding") for r in server.requests])
        self.assertEqual(self.app.fsck(), "")

    def test_https_is_trusted_with_its_authority_alone(self):
        server = self.http_server(tls=True)
        self.assertIn("certificate", self.clone(server.url(self.app)).stderr)
        self.assertEqual(self.clone(server.url(self.app), "-c", f"http.sslCAInfo={server.authority}").stderr, "")

    def test_ssh_serves_clones_to_its_key_and_nothing_but_git(self):
        server = self.ssh_server()
        ssh = f"ssh -F none -o BatchMode=yes -o UserKnownHostsFile={server.known_hosts} -i {server.key}"
        self.assertEqual(self.clone(server.url(self.app), GIT_SSH_COMMAND=ssh).stderr, "")
        shell = subprocess.run([*ssh.split(), "-p", str(server.port), "127.0.0.1", "id"], capture_output=True, text=True)
        self.assertNotIn("uid", shell.stdout)
        self.assertNotEqual(shell.returncode, 0)

    def test_ssh_host_keys_differ(self):
        server = self.ssh_server()
        ssh = f"ssh -F none -o BatchMode=yes -o UserKnownHostsFile={server.other_known_hosts} -i {server.key}"
        self.assertIn("Host key verification failed", self.clone(server.url(self.app), GIT_SSH_COMMAND=ssh).stderr)

    def test_credentials_are_asked_for(self):
        server = self.http_server()
        server.credentials = ("user", "right")
        self.assertNotEqual(self.clone(server.url(self.app)).returncode, 0)
        self.assertNotEqual(self.clone(server.url(self.app).replace("//", "//user:wrong@")).returncode, 0)
        self.assertEqual(self.clone(server.url(self.app).replace("//", "//user:right@")).stderr, "")

    def test_status_truncation_and_redirect(self):
        server, other = self.http_server(), self.http_server()
        server.fault = http_server.Status(503)
        self.assertIn("503", self.clone(server.url(self.app)).stderr)
        server.fault = http_server.CutPack("close")
        self.assertNotEqual(self.clone(server.url(self.app)).returncode, 0)
        server.fault = http_server.Redirect(other.base)
        self.assertEqual(self.clone(server.url(self.app)).returncode, 0)
        self.assertTrue(other.requests)

    def test_hang_and_stall_last_until_the_server_closes(self):
        for fault in (http_server.Hold(), http_server.CutPack("stall")):
            with self.subTest(fault=type(fault).__name__):
                server = self.http_server()
                server.fault = fault
                with self.assertRaises(subprocess.TimeoutExpired):
                    git("clone", "-q", server.url(self.app), self.folder / type(fault).__name__, timeout=0.7)

    def test_commits_tags_and_divergence(self):
        other = self.app.commit("side", parent=self.tip)
        annotated = self.app.annotated_tag("v1", other)
        self.app.set(tag("light"), self.tip)
        self.assertEqual(self.app.refs(), {branch("main"): self.tip, branch("side"): other, tag("light"): self.tip,
                                           tag("v1"): annotated})
        self.assertEqual(self.app.git("merge-base", self.tip, other), self.tip)
        root = self.app.commit("main", root=True)
        self.assertEqual(self.app.value(branch("main")), root)
        self.assertEqual(self.app.fsck(), "")
        self.assertEqual(self.app.head(), branch("main"))

    def test_damage_and_leftovers_are_noticed(self):
        (self.app.path / "refs" / "heads" / "main.lock").touch()
        self.assertEqual(self.app.leftovers(), ["refs/heads/main.lock"])
        next(p for p in self.app.path.glob("objects/??/*")).unlink()
        self.assertNotEqual(self.app.fsck(), "")

    def test_a_damaged_mirror_fails_the_scenario(self):
        damaged = GitRepository.create(self.mirror().path)
        damaged.commit("main")
        self.assert_mirrors_intact()
        next(path for path in damaged.path.glob("objects/??/*")).unlink()
        with self.assertRaises(AssertionError):
            self.assert_mirrors_intact()
        shutil.rmtree(damaged.path)

    def test_processes_are_found_by_their_environment(self):
        with subprocess.Popen(["sleep", "60"], env={"MARK": str(self.folder)}) as sleeper:
            wait_until(lambda: sleeper.pid in processes.mentioning(self.folder), what="the process found")
            sleeper.kill()
        self.assertEqual(processes.mentioning(self.folder), {})

    def test_command_lines_are_sampled(self):
        with processes.CommandLineSampler("60.125") as sampler:
            with subprocess.Popen(["sleep", "60.125"]) as sleeper:
                wait_until(lambda: sampler.seen, what="the command line seen")
                sleeper.kill()

    def test_notifications_are_recorded(self):
        notify = self.notify_socket()
        subprocess.run(["systemd-notify", "--ready", "--status=well"], env={"NOTIFY_SOCKET": str(notify.path)})
        wait_until(lambda: notify.has(READY="1"), what="READY=1")

    def test_metrics_are_read(self):
        metrics = Metrics('# TYPE a counter\na{x="1",y="q\\"}"} 2\na{x="2",y="b"} 3\nb 4.5\n')
        self.assertEqual(metrics.value("a", x="1", y='q\\"}'), 2)
        self.assertEqual((metrics.total("a"), metrics.total("a", x="2"), metrics.value("b")), (5, 3, 4.5))
        with self.assertRaises(AssertionError):
            metrics.value("a", x="1")


if __name__ == "__main__":
    unittest.main()
