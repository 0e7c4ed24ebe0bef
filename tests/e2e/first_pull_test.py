#!/usr/bin/python3
"""The first pull of a repository, over every transport."""

import unittest

from support.git import ABSENT, branch, tag
from support.scenario import Scenario, result_of, ssh_auth

CREATED = ("updated", "created")


class FirstPull(Scenario):
    def setUp(self):
        super().setUp()
        self.app = self.upstream()
        self.app.commits(3)
        self.app.commit("release/1.0", parent=self.app.value(branch("main")))
        self.app.set(tag("light"), self.app.value(branch("main")))
        self.app.annotated_tag("v1.0", self.app.value(branch("release/1.0")))

    def assert_first_pull(self, upstream):
        sync = self.program(self.configuration(upstream)).once_sync()
        self.assert_outcomes(sync, {name: CREATED for name in self.app.refs()})
        for name, value in self.app.refs().items():
            ref = result_of(sync, name)
            self.assertEqual((ref["before"], ref["after"], ref["offered"]), (None, value, value))
        self.assert_in_step(self.mirror(), self.app)
        self.assert_sound(self.mirror())
        self.assert_no_children()
        return sync

    def test_from_a_folder(self):
        sync = self.assert_first_pull(f"file://{self.app.path}")
        self.assertEqual((sync["direction"], sync["attempt"]), ("pull", 1))
        self.assertEqual(sync["ref_globs"], {"branches": "*", "tags": "*"})
        self.assertLessEqual(sync["created_at"], sync["started_at"])
        self.assertLessEqual(sync["started_at"], sync["finished_at"])

    def test_over_http(self):
        self.assert_first_pull(self.http_server().url(self.app))

    def test_over_https_with_an_authority_of_our_own(self):
        server = self.http_server(tls=True)
        self.assert_first_pull({"url": server.url(self.app), "tls": {"ca_file": str(server.authority)}})

    def test_over_ssh(self):
        server = self.ssh_server()
        self.assert_first_pull({"url": server.url(self.app), "auth": ssh_auth(server.key, server.known_hosts)})

    def test_of_two_thousand_refs(self):
        tip = self.app.value(branch("main"))
        self.app.set_many({branch(f"feature/{n:04}"): tip for n in range(1000)})
        self.app.set_many({tag(f"build-{n:04}"): tip for n in range(1000)})
        self.assertEqual(len(self.assert_first_pull(self.http_server().url(self.app))["stats"]["refs"]), 2004)

    def test_of_an_empty_upstream_completes_with_nothing(self):
        empty = self.upstream("empty")
        sync = self.program(self.configuration(self.http_server().url(empty))).once_sync()
        self.assert_outcomes(sync, {})
        self.assert_refs(self.mirror(), {})
        self.assert_sound(self.mirror())

    def test_the_mirrors_head_follows_the_upstreams(self):
        for transport in ("file", "http"):
            with self.subTest(transport=transport):
                trunk = self.upstream(f"trunk-{transport}")
                trunk.commit("trunk")
                trunk.git("symbolic-ref", "HEAD", branch("trunk"))
                url = f"file://{trunk.path}" if transport == "file" else self.http_server().url(trunk)
                configuration = self.configuration(url)
                configuration["repos"] = {transport: configuration["repos"]["app"]}
                configuration["policies"][0]["repo"] = transport
                self.program(configuration).once()
                self.assertEqual(self.mirror(transport).head(), branch("trunk"))

    def test_branch_names_that_look_like_options_and_commands_are_only_names(self):
        names = ["-x", "--upload-pack=touch-PWNED", "$(touch${IFS}PWNED)", "`touch${IFS}PWNED`", "a;touch${IFS}PWNED",
                 "a|b&c", "'quoted'", '"double"', "a{b=\"c\"}", "ünïcode-\u202e", "\udcff\udcfe", "%2e%2e", "#hash",
                 "@", "a,b", "HEAD"]
        tip = self.app.value(branch("main"))
        self.app.set_many({branch(name): tip for name in names})
        for url in (f"file://{self.app.path}", self.http_server().url(self.app)):
            with self.subTest(url=url):
                sync = self.program(self.configuration(url)).once_sync()
                self.assertEqual(sync["status"], "completed")
                self.assertEqual(len(sync["stats"]["refs"]), len(self.app.refs()))
                self.assert_in_step(self.mirror(), self.app)
                self.assert_sound(self.mirror())
                self.assertEqual([str(p) for p in self.folder.rglob("*PWNED*") if "refs" not in p.parts], [])

    def test_a_branch_absent_at_the_upstream_is_told_by_zeroes_only_when_kept_out(self):
        sync = self.program(self.configuration(f"file://{self.app.path}", {"exclude": {"branches": "release/*"}})).once_sync()
        ref = result_of(sync, branch("release/1.0"))
        self.assertEqual((ref["outcome"], ref["before"], ref["after"]), ("filtered", None, ABSENT))


if __name__ == "__main__":
    unittest.main()
