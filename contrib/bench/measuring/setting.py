"""What every part of the transport bench works with: a server with repositories, git beside it, agents."""

import os
import shutil
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from measuring.agent import Agent
from measuring.git_client import GitClient
from measuring.repositories import SMALL, borrow, make_repository
from measuring.server import GitServer


@dataclass
class Amounts:
    """How long and how often things are measured."""

    runs: int = 15         # of what takes less than half a second
    few_runs: int = 3      # of what takes seconds
    rounds: int = 3        # windows of an agent that follows its schedule
    window: float = 5.0    # seconds of such a window
    fleet: int = 60        # small repositories
    hold: float = 60.0     # seconds that 10,000 policies are held


class Setting:
    """Everything lies below `folder`, and is made when it is first asked for."""

    def __init__(self, binary, folder, amounts):
        self.binary, self.folder, self.amounts = binary, Path(folder), amounts
        self.numbers = iter(range(1, 10_000_000))  # each once, in order
        self._served = self.folder / "served"
        self._served.mkdir(parents=True)
        self._repositories, self._held = {}, {}
        self.server = GitServer(self.folder / "server", self._served)
        self.git = GitClient(self.folder / "git", self.server.authority)

    def repository(self, shape):
        """The served repository of this shape."""
        if shape not in self._repositories:
            self._repositories[shape] = make_repository(self._served / f"{shape.name}.git", shape)
        return self._repositories[shape]

    @cached_property
    def fleet(self):
        """Served repositories of the small shape, each with a history of its own."""
        return [make_repository(self._served / f"fleet-{number}.git", SMALL, f"fleet-{number}")
                for number in range(self.amounts.fleet)]

    @cached_property
    def stored(self):
        """[(repository, path below a base of its stored answer)] of the fleet."""
        return [(repository, self.server.store_answer(repository)) for repository in self.fleet]

    def held(self, number):
        """(repository, path below a base of its stored answer) of one of many that are held as after a pull."""
        if number not in self._held:
            upstream, answer = self.stored[number % len(self.stored)]
            self._held[number] = borrow(upstream, self._many / f"{number}.git"), answer
        return self._held[number]

    @cached_property
    def _many(self):
        """A folder for tens of thousands of files. In memory where there is room: they are in the page cache anyway, and
        removing them from a disk takes minutes."""
        memory = Path("/dev/shm")
        if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2**30:
            return Path(tempfile.mkdtemp(prefix="refsyncd-bench-", dir=memory))
        return self.folder / "held"

    def new_folder(self, purpose):
        """A path that nothing uses yet."""
        return self.folder / f"{purpose}-{next(self.numbers)}"

    def agent(self, repos, policies, service=None):
        """An agent with these repositories: name -> {url, and what else upstreams and repositories may have}."""
        configured = {}
        for name, repo in repos.items():
            upstream = {"url": repo["url"], "tls": {"ca_file": str(self.server.authority)}}
            upstream |= {"verify": repo["verify"]} if "verify" in repo else {}
            configured[name] = {"upstream": upstream} | ({"path": str(repo["path"])} if "path" in repo else {})
        folder = self.new_folder("agent")
        return Agent(self.binary, folder, {
            "service": {"data_dir": str(folder / "data"), **(service or {})}, "http": {"listen": "off"},
            "log": {"level": "error"}, "metrics": {"max_policies": 0}, "defaults": {"catch_up": False},
            "repos": configured, "policies": policies})

    def close(self):
        self.server.close()
        if "_many" in vars(self):
            shutil.rmtree(self._many, ignore_errors=True)


def pull_each(repos, every):
    """A policy for each repository."""
    return [{"repo": name, "direction": "pull", "every": every} for name in repos]
