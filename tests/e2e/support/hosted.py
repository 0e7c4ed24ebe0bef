"""The same scenarios with a hosted service: an agent of kind mesa drives another refsyncd, of kind local, through its
API. REFSYNCD_SERVICE=mesa chooses it. The repositories, their upstreams and all Git work are the hosting one's; schedule,
retries, history and metrics are the tested agent's."""

import copy
import os
import unittest

from support.program import Program

CHOSEN = os.environ.get("REFSYNCD_SERVICE", "local") == "mesa"
TOKEN = "mesa_token_of_the_scenario"
_LOCAL_WORDS = ("exclude", "force", "prune")
_LOCAL_SETTINGS = ("concurrency", "per_host")


def _local(reason):
    """Why a scenario has no meaning with a hosted service. `./dev test` does not list what is left out for that."""
    return f"about the embedded service: {reason}"


def local_only(reason):
    """Marks a scenario that has no meaning with a hosted service."""
    return unittest.skipIf(CHOSEN, _local(reason))


class HostedProgram(Program):
    """The tested program, with the one that hosts its repositories. Takes configurations of kind local."""

    def __init__(self, scenario, folder, configuration):
        self._scenario = scenario
        self._token_file = scenario.secret_file(TOKEN, "api-token")
        super().__init__(folder, configuration)

    def configure(self, configuration):
        if isinstance(configuration, str):
            raise unittest.SkipTest(_local("a configuration that is text cannot be split into two"))
        for words in [*configuration["policies"], configuration.get("defaults", {})]:
            if any(words.get(word) for word in _LOCAL_WORDS):
                raise unittest.SkipTest(_local("the contract has no exclude, force or prune"))
        self._scenario.host(self.hosting_part(configuration))
        super().configure(self.tested_part(configuration))

    def once_sync(self, policy="app-pull", expect=0):
        """As for one service that takes lists of globs: what several syncs told, as one."""
        syncs = self.once(policy, expect=expect)[policy]["syncs"]
        if any(sync["status"] != "completed" for sync in syncs):
            return syncs[-1]
        return {**syncs[-1], "stats": {"refs": [ref for sync in syncs for ref in sync["stats"]["refs"]]}}

    def configure_tested(self, configuration):
        """Gives the tested one a configuration as it is; the hosting one keeps its own."""
        super().configure(configuration)

    def hosting_part(self, configuration):
        token = {"name": "agent", "file": str(self._token_file), "scopes": ["read", "write"]}
        return {"service": {"org": "local", **configuration["service"]}, "http": {"listen": "127.0.0.1:0"},
                "api": {"tokens": [token], "allow_private": True},
                "repos": configuration["repos"], "policies": []}

    def tested_part(self, configuration):
        tested = copy.deepcopy(configuration)
        settings = {k: v for k, v in tested["service"].items() if k not in _LOCAL_SETTINGS}
        tested["service"] = {**settings, "kind": "mesa", "data_dir": str(self.folder / "data"),
                             "url": f"http://{self._scenario.hosting_address}/v1",
                             "credential": {"file": str(self._token_file)}}
        tested["repos"] = {name: None for name in configuration["repos"]}
        for section in ("api", "webhooks"):
            tested.pop(section, None)
        return tested
