#!/usr/bin/python3
"""The API that a local agent serves: repositories, syncs, tokens, scopes."""

import stat
import unittest

from support.api import ApiScenario
from support.git import GitRepository, branch, tag
from support.http_server import Hold
from support.wait import wait_until

EMPTY = "z" * 32


class Repositories(ApiScenario):
    def test_live_from_creation_to_deletion(self):
        self.serve()
        repo = self.create("lib", tags={"team": "core"})
        self.assertEqual((repo["org"], repo["name"], repo["default_bookmark"], repo["head_change_id"]),
                         ("local", "lib", "main", EMPTY))
        self.assertEqual(repo["upstream"], {"url": self.server.url(self.app), "auth_kind": None, "latest_sync": None})
        sync = self.sync("lib")
        self.assertEqual(sync["repo_id"], repo["id"])
        self.assertEqual(sync["stats"]["refs"][0]["name"], branch("main"))
        again = self.ask("GET", "/local/lib").body
        self.assertEqual(again["upstream"]["latest_sync"], sync)
        self.assertNotEqual(again["head_change_id"], EMPTY)
        self.assertRegex(again["head_change_id"], "^[k-z]{32}$")
        listed = self.ask("GET", "/local/repos").body
        self.assertEqual([(r["name"], r["id"]) for r in listed["repos"]],
                         [("app", listed["repos"][0]["id"]), ("lib", repo["id"])])
        self.assertEqual(self.ask("GET", "/local/lib/upstream/syncs").body,
                         {"next_cursor": None, "has_more": False, "syncs": [sync]})
        renamed = self.ask("PATCH", "/local/lib", {"name": "core", "tags": {"team": None, "tier": "1"}}).body
        self.assertEqual((renamed["id"], renamed["name"], renamed["tags"]), (repo["id"], "core", {"tier": "1"}))
        self.assertEqual(self.ask("GET", "/local/lib").status, 404)
        self.assertEqual(self.ask("GET", "/local/core/upstream/syncs").body["syncs"][0]["id"], sync["id"],
                         "syncs stay with a repository that is renamed")
        self.assertTrue(self.made(repo).exists())
        self.assertEqual(self.ask("DELETE", "/local/core").body, {"success": True})
        self.assertEqual(self.ask("GET", "/local/core").status, 404)
        wait_until(lambda: not self.made(repo).exists(), 60, "the folder gone")
        anew = self.create("core")
        self.assertNotEqual(anew["id"], repo["id"])
        self.assertEqual(anew["head_change_id"], EMPTY)
        self.assertEqual(self.ask("GET", "/local/core/upstream/syncs").body["syncs"], [])

    def test_have_the_default_branch_they_were_given(self):
        self.app.commit("trunk")
        self.serve()
        repo = self.create("lib", default_bookmark="trunk")
        self.sync("lib")
        self.assertEqual(GitRepository(self.made(repo)).head(), branch("trunk"))
        trunk = self.ask("GET", "/local/lib").body["head_change_id"]
        changed = self.ask("PATCH", "/local/lib", {"default_bookmark": "main"}).body
        self.assertEqual(changed["default_bookmark"], "main")
        self.assertNotEqual(changed["head_change_id"], trunk)
        self.sync("lib")
        self.assertEqual(GitRepository(self.made(repo)).head(), branch("main"))

    def test_survive_a_kill(self):
        self.serve()
        repo = self.create("lib", tags={"a": "b"}, default_bookmark="trunk")
        self.sync("lib")
        self.agent.kill()
        self.serve()
        again = self.ask("GET", "/local/lib").body
        self.assertEqual((again["id"], again["tags"], again["default_bookmark"]), (repo["id"], {"a": "b"}, "trunk"))
        self.sync("lib")

    def test_of_the_file_are_the_files(self):
        self.serve()
        self.create("lib")
        for method, path, body in [("PATCH", "/local/app", {"name": "other"}), ("DELETE", "/local/app", None),
                                   ("POST", "/local/repos", {"name": "app"}),
                                   ("PATCH", "/local/lib", {"name": "app"})]:
            refused = self.ask(method, path, body)
            self.assertEqual((refused.status, refused.code), (409, "conflict"), refused.text)
            self.assertIn("configuration file", refused.message)
        self.assertEqual(self.ask("POST", "/local/repos", {"name": "lib"}).status, 409)
        self.sync("app")

    def test_give_way_to_the_file_and_come_back(self):
        self.serve()
        made = self.create("lib")
        self.sync("lib")
        configuration = self.configuration_with()
        configuration["repos"]["lib"] = {"upstream": {"url": f"file://{self.app.path}"}}
        self.agent.program.configure(configuration)
        self.agent.program.run("reload")
        shown = self.ask("GET", "/local/lib").body
        self.assertEqual(shown["upstream"]["url"], str(self.app.path))
        self.assertEqual(self.ask("DELETE", "/local/lib").status, 409)
        self.agent.program.configure(self.configuration_with())
        self.agent.program.run("reload")
        again = self.ask("GET", "/local/lib").body
        self.assertEqual((again["id"], again["upstream"]["url"]), (made["id"], made["upstream"]["url"]))

    def test_are_listed_in_pages_that_insertions_do_not_disturb(self):
        self.serve()
        for name in ("b", "c", "d", "e"):
            self.create(name)
        first = self.ask("GET", "/local/repos?limit=2").body
        self.assertEqual([r["name"] for r in first["repos"]], ["app", "b"])
        self.create("aa")
        rest, cursor = [], first["next_cursor"]
        while cursor:
            page = self.ask("GET", f"/local/repos?limit=2&cursor={cursor}").body
            rest += [r["name"] for r in page["repos"]]
            cursor = page["next_cursor"]
        self.assertEqual(rest, ["c", "d", "e"])
        for bad in ("limit=0", "limit=101", "limit=x", "cursor=nonsense"):
            self.assertEqual(self.ask("GET", f"/local/repos?{bad}").status, 400, bad)

    def test_without_upstream_take_no_sync(self):
        self.serve()
        self.assertEqual(self.ask("POST", "/local/repos", {"name": "bare"}).body["upstream"], None)
        refused = self.ask("POST", "/local/bare/upstream/syncs", {"direction": "pull"})
        self.assertEqual((refused.status, refused.code), (409, "conflict"))
        self.assertIn("no upstream", refused.message)
        set_later = self.ask("PATCH", "/local/bare", {"upstream": {"url": self.server.url(self.app)}})
        self.assertEqual(set_later.status, 200, set_later.text)
        self.sync("bare")
        self.assertIsNone(self.ask("PATCH", "/local/bare", {"upstream": None}).body["upstream"])

    def test_deleted_while_they_sync_let_the_sync_go(self):
        self.serve()
        self.server.fault = hold = Hold(lambda request: request.fetches)
        self.addCleanup(hold.release)
        repo = self.create("lib")
        self.ask("POST", "/local/lib/upstream/syncs", {"direction": "pull"})
        self.assertTrue(hold.held.wait(60))
        busy = self.ask("PATCH", "/local/lib", {"name": "other"})
        self.assertEqual((busy.status, busy.code), (409, "conflict"))
        self.assertEqual(self.ask("DELETE", "/local/lib").status, 200)
        wait_until(lambda: "the repository was deleted" in self.agent.program.run("history", "--json").stdout, 10,
                   "the end of the sync")
        wait_until(lambda: not self.made(repo).exists(), 60, "the folder gone", self.agent.log)


class Syncs(ApiScenario):
    def test_carry_what_the_globs_match(self):
        self.app.set(tag("v1"), self.app.value(branch("main")))
        self.app.commit("release/1.0/rc")
        self.serve()
        self.create("lib")
        sync = self.sync("lib", ref_globs={"branches": "release/*"})
        self.assertEqual(sync["ref_globs"], {"branches": "release/*", "tags": ""})
        self.assertEqual([r["name"] for r in sync["stats"]["refs"]], [branch("release/1.0/rc")])

    def test_push(self):
        self.serve()
        repo = self.create("lib")
        self.sync("lib")
        GitRepository(self.made(repo)).commit("feature", parent=self.app.value(branch("main")))
        sync = self.sync("lib", "push", ref_globs={"branches": "feature"})
        self.assertEqual(sync["stats"]["refs"][0]["outcome"], "updated")
        self.assertEqual(self.app.value(branch("feature")), sync["stats"]["refs"][0]["after"])

    def test_of_another_repository_are_not_found(self):
        self.serve()
        self.create("lib")
        sync = self.sync("lib")
        self.assertEqual(self.ask("GET", f"/local/app/upstream/syncs/{sync['id']}").status, 404)
        self.assertEqual(self.ask("GET", "/local/lib/upstream/syncs/nope").status, 404)
        self.assertEqual(self.ask("GET", "/local/none/upstream/syncs").status, 404)

    def test_wrong_requests_are_refused(self):
        self.serve()
        for body in ("", "[]", "{", {}, {"direction": "up"}, {"direction": "pull", "ref_globs": {}},
                     {"direction": "pull", "ref_globs": {"branches": "a..b"}}):
            refused = self.ask("POST", "/local/app/upstream/syncs", body)
            self.assertEqual((refused.status, refused.code), (400, "bad_request"), body)


class Upstreams(ApiScenario):
    def test_with_credentials_keep_them_apart(self):
        self.server.credentials = ("x-access-token", "s3cret")
        self.serve()
        repo = self.create("lib")
        self.sync("lib", expect="failed")
        auth = {"kind": "token", "token": "s3cret"}
        url = self.server.url(self.app)
        changed = self.ask("PATCH", "/local/lib", {"upstream": {"url": url, "auth": auth}})
        self.assertEqual(changed.body["upstream"]["auth_kind"], "token")
        self.assertNotIn("s3cret", changed.text)
        self.sync("lib")
        (file,) = self.credentials()
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(file.parent.stat().st_mode), 0o700)
        for stored in self.data.glob("state.db*"):
            self.assertNotIn(b"s3cret", stored.read_bytes())
        self.assertNotIn("s3cret", self.agent.log())
        self.ask("PATCH", "/local/lib", {"upstream": {"url": url}})
        self.assertEqual(self.credentials(), [file], "absent = what is there stays")
        elsewhere = self.ask("PATCH", "/local/lib", {"upstream": {"url": "http://127.0.0.1:9/thief.git"}})
        self.assertEqual(elsewhere.status, 400, "a credential does not follow to another host")
        self.ask("PATCH", "/local/lib", {"upstream": {"url": url, "auth": {**auth, "token": "s3cret"}}})
        wait_until(lambda: len(self.credentials()) == 1 and self.credentials() != [file], 60, "the old one gone")
        self.ask("PATCH", "/local/lib", {"upstream": {"url": url, "auth": None}})
        wait_until(lambda: not self.credentials(), 60, "no credential left")
        self.ask("PATCH", "/local/lib", {"upstream": {"url": url, "auth": auth}})
        self.ask("DELETE", "/local/lib")
        wait_until(lambda: not self.credentials() and not self.made(repo).exists(), 60, "nothing left")

    def test_in_our_own_network_are_refused(self):
        self.serve(api={"allow_private": False})
        for url in (self.server.url(self.app), "http://localhost/a.git", "http://[::1]/a.git", "http://10.0.0.1/a",
                    "https://169.254.169.254/a", "http://0x7f.1/a", "http://2130706433/a", f"file://{self.app.path}",
                    str(self.app.path), "git@localhost:a.git", "ssh://localhost/a", "ext::sh -c id"):
            refused = self.ask("POST", "/local/repos", {"name": "evil", "upstream": {"url": url}})
            self.assertEqual((refused.status, refused.code), (400, "bad_request"), f"{url}: {refused.text}")
        self.assertEqual(self.ask("GET", "/local/evil").status, 404)

    def test_that_became_private_are_not_spoken_to(self):
        self.serve()
        self.create("lib")
        self.sync("lib")
        self.agent.program.configure(self.configuration_with(api={"allow_private": False}))
        self.agent.program.run("reload")
        seen = len(self.server.requests)
        failed = self.sync("lib", expect="failed")
        self.assertIn("not one of the public internet", failed["error"])
        self.assertEqual(len(self.server.requests), seen)


class Tokens(ApiScenario):
    def token(self, name, *scopes):
        return {"name": name, "file": str(self.secret_file(f"{name}-token", name)), "scopes": list(scopes)}

    def test_say_who_calls_and_what_it_may(self):
        self.serve(api={"tokens": [self.token("reader", "read"), self.token("writer", "write")]})
        who = self.tcp("GET", "/whoami", "reader-token").body
        self.assertEqual((who["org"]["slug"], who["key_name"], who["scopes"]), ("local", "reader", ["read"]))
        self.assertEqual(self.tcp("GET", "/local/repos", "reader-token").status, 200)
        refused = self.tcp("POST", "/local/repos", "reader-token", {"name": "lib"})
        self.assertEqual((refused.status, refused.code), (403, "forbidden"))
        self.assertEqual(self.tcp("POST", "/local/repos", "writer-token", {"name": "lib"}).status, 201)
        self.assertEqual(self.tcp("GET", "/local/repos", "writer-token").status, 403)

    def test_are_needed_on_the_port(self):
        self.serve(api={"tokens": [self.token("reader", "read")]})
        for token in (None, "wrong", "reader-toke"):
            refused = self.tcp("GET", "/whoami", token)
            self.assertEqual((refused.status, refused.code), (401, "unauthorized"))
            self.assertTrue(refused.headers["WWW-Authenticate"].startswith("Bearer"))

    def test_without_any_only_the_socket_serves(self):
        self.serve()
        refused = self.tcp("GET", "/whoami", "x")
        self.assertEqual(refused.status, 401)
        self.assertIn("api: {tokens:", refused.message)
        self.assertEqual(self.ask("GET", "/whoami").body["scopes"], ["read", "write", "admin"])

    def test_are_read_again_when_they_change(self):
        token = self.token("reader", "read")
        self.serve(api={"tokens": [token]})
        self.assertEqual(self.tcp("GET", "/whoami", "reader-token").status, 200)
        self.secret_file("rotated", "reader")
        self.assertEqual(self.tcp("GET", "/whoami", "reader-token").status, 401)
        self.assertEqual(self.tcp("GET", "/whoami", "rotated").status, 200)

    def test_stay_out_of_the_log(self):
        self.serve(api={"tokens": [self.token("reader", "read")]})
        self.tcp("GET", "/whoami", "reader-token")
        self.tcp("GET", "/whoami", "wrong-token")
        self.assertNotIn("-token", self.agent.log())


class Envelope(ApiScenario):
    def test_is_around_everything_else(self):
        self.serve()
        for method, path in (("GET", "/nothing"), ("GET", "/local"), ("PUT", "/local/app"), ("GET", "/acme/repos"),
                             ("GET", "/local/none"), ("POST", "/whoami")):
            refused = self.ask(method, path)
            self.assertEqual((refused.status, refused.code), (404, "not_found"), (method, path))
        self.assertEqual(self.ask("GET", "/whoami", headers={"Accept": "text/html"}).status, 406)

    def test_the_document_is_open_to_all(self):
        self.serve()
        self.assertEqual(self.tcp("GET", "/openapi.json").body["openapi"], "3.1.0")


if __name__ == "__main__":
    unittest.main()
