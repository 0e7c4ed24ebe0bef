#!/usr/bin/python3
"""What was made through the API outlives the loss of state.db: only what is recorded as deleted is ever removed."""

import contextlib
import shutil
import sqlite3
import unittest

from support.api import ApiScenario
from support.git import GitRepository
from support.wait import wait_until

TOKEN = "s3cret"


class AgentWithLostState(ApiScenario):
    def setUp(self):
        super().setUp()
        self.server.credentials = ("x-access-token", TOKEN)
        self.saved = self.folder / "saved"

    def make(self, name="lib"):
        """A repository with a credential, pulled."""
        auth = {"kind": "token", "token": TOKEN}
        repo = self.create(name, upstream={"url": self.server.url(self.app), "auth": auth})
        self.sync(name)
        return repo

    def take_state(self, folder):
        """Moves the database away, as after a loss."""
        folder.mkdir()
        for file in self.data.glob("state.db*"):
            shutil.move(file, folder / file.name)

    def put_state(self, folder):
        for file in folder.iterdir():
            shutil.copy(file, self.data / file.name)

    def assert_kept(self, repo):
        """The repository's folder and its credential are there, after everything that a start does."""
        self.agent.stop()
        self.assertEqual(GitRepository(self.made(repo)).refs(), self.app.refs())
        self.assertEqual([file.read_text() for file in self.credentials()], [TOKEN])

    def assert_told(self, repo):
        (line,) = [line for line in self.agent.log().splitlines() if str(self.made(repo)) in line]
        self.assertIn("state.db does not know", line)
        self.assertIn(str(self.credentials()[0]), line)

    def test_keeps_what_the_lost_one_knew_and_serves_it_again_once_that_is_back(self):
        self.serve()
        repo = self.make()
        self.agent.stop()
        self.take_state(self.saved)
        self.serve()
        self.assertEqual(self.ask("GET", "/local/lib").status, 404)
        self.assert_told(repo)
        self.assert_kept(repo)
        self.take_state(self.folder / "anew")
        self.put_state(self.saved)
        self.serve()
        self.assertEqual(self.ask("GET", "/local/lib").body["id"], repo["id"])
        self.sync("lib")
        self.assertNotIn("does not know", self.agent.log())

    def test_keeps_what_an_older_copy_does_not_know(self):
        self.serve()
        self.agent.stop()
        self.take_state(self.saved)
        self.put_state(self.saved)
        self.serve()
        repo = self.make()
        self.agent.stop()
        self.take_state(self.folder / "newer")
        self.put_state(self.saved)
        self.serve()
        self.assert_told(repo)
        self.assert_kept(repo)

    def test_keeps_the_credentials_of_another_organisation(self):
        self.serve()
        repo = self.make()
        self.agent.stop()
        self.serve(service={"org": "other"})
        self.assertEqual(self.ask("GET", "/other/repos").status, 200)
        self.assertNotIn("does not know", self.agent.log())
        self.assert_kept(repo)
        self.serve()
        self.sync("lib")

    def remembered(self, name):
        with contextlib.closing(sqlite3.connect(self.data / "state.db")) as state:
            return state.execute("SELECT count(*) FROM repositories WHERE name = ?", [name]).fetchone()[0] > 0

    def test_finishes_a_deletion_that_a_kill_interrupted_and_no_other(self):
        self.serve()
        gone, stays = self.make("gone"), self.make("stays")
        self.agent.kill()
        with contextlib.closing(sqlite3.connect(self.data / "state.db")) as state, state:
            state.execute("UPDATE repositories SET deleted = 1 WHERE id = ?", [gone["id"]])
        self.serve()
        wait_until(lambda: not self.made(gone).exists(), 60, "the folder gone", self.agent.log)
        wait_until(lambda: not self.remembered("gone"), 60, "nothing remembered of what is gone", self.agent.log)
        self.assertTrue(self.remembered("stays"))
        self.assertEqual(self.ask("GET", "/local/gone").status, 404)
        self.assert_kept(stays)


if __name__ == "__main__":
    unittest.main()
