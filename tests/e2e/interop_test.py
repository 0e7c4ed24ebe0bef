#!/usr/bin/python3
"""The API, judged by clients that nobody here wrote: the npm packages @mesadev/sdk and @mesadev/rest drive a running
agent. Their tests are in tests/interop; here they get an agent, tokens and upstreams."""

import hashlib
import json
import os
import shutil
import subprocess
import unittest
from pathlib import Path

from support.scenario import Scenario

CLIENTS = Path(__file__).resolve().parent.parent / "interop"


def installed_clients():
    """A folder with the packages, installed once for each version of the list. None where npm cannot be reached."""
    lock = (CLIENTS / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("REFSYNCD_INTEROP_CACHE", Path.home() / ".cache"))
    folder = cache / f"refsyncd-interop-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(CLIENTS / name, folder)
        try:
            done = subprocess.run(["npm", "install", "--ignore-scripts", "--omit=optional", "--no-save", "--no-audit",
                                   "--no-fund"],
                                  cwd=folder, capture_output=True, text=True, timeout=90)
        except subprocess.TimeoutExpired:
            return None
        if done.returncode != 0:
            print(f"npm install failed:\n{done.stdout}{done.stderr}")
            return None
        (folder / "complete").touch()
    return folder


class PublishedClients(Scenario):
    def test_the_published_clients_are_served(self):
        if not shutil.which("npm") or not shutil.which("node"):
            self.skipTest("node and npm are not installed; the API was not judged by its published clients")
        clients = installed_clients()
        if clients is None:
            self.skipTest("npm cannot be reached; the API was not judged by its published clients")
        given, agent = self.serve()
        shutil.copy(CLIENTS / "clients.test.mjs", self.folder)
        (self.folder / "node_modules").symlink_to(clients / "node_modules")
        done = subprocess.run(["node", "--test", "clients.test.mjs"], cwd=self.folder, capture_output=True, text=True,
                              timeout=120, env={**os.environ, "REFSYNCD_INTEROP": json.dumps(given), "NO_COLOR": "1"})
        self.assertEqual(done.returncode, 0, f"{done.stdout}{done.stderr}\n{agent.log()}")
        metrics = agent.metrics()
        self.assertGreaterEqual(metrics.total("refsyncd_syncs_total", policy="_manual", status="completed"), 6)
        self.assertGreaterEqual(metrics.total("refsyncd_syncs_total", policy="_manual", status="failed"), 2)
        self.assertGreaterEqual(metrics.total("refsyncd_webhook_deliveries_total", result="delivered"), 6)

    def serve(self):
        """An agent with two tokens and an upstream, and what the clients must know of it."""
        app = self.upstream()
        tips = {"main": app.commit("main"), "topic": app.commit("topic")}
        app.git("tag", "v1", tips["main"])
        server = self.http_server()
        tokens = {"full": "mesa_full_token_of_the_test", "reader": "mesa_reader_token_of_the_test"}
        scopes = {"full": ["read", "write", "admin"], "reader": ["read"]}
        configuration = self.configuration(
            server.url(app), service={"org": "acme"},
            api={"allow_private": True,
                 "tokens": [{"name": name, "file": str(self.secret_file(token, name)), "scopes": scopes[name]}
                            for name, token in tokens.items()]},
            webhooks={"allow_private": True})
        configuration["repos"] = {"declared": {"upstream": {"url": server.url(app)}}}
        configuration["policies"] = []
        agent = self.start(configuration)
        url = server.url(app)
        return {"url": f"http://{agent.address}/v1", "org": "acme", "tokens": tokens, "tips": tips,
                "upstreams": {"app": url, "broken": url.replace("app.git", "missing.git")}}, agent


if __name__ == "__main__":
    unittest.main()
