"""The base of all scenarios: a temporary folder, servers and agents that end with the test, and common assertions."""

import os
import shutil
import tempfile
import unittest
from pathlib import Path

from support import hosted, processes, program, ssh_server
from support.certificates import make_certificate
from support.git import GitRepository
from support.http_server import GitHttpServer
from support.notify import NotifySocket
from support.program import Program
from support.wait import wait_until


class Scenario(unittest.TestCase):
    """One scenario. Everything it makes lives below `self.folder` and goes when it ends."""

    maxDiff = None

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="refsyncd-e2e-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.addCleanup(self.assert_mirrors_intact)  # once all agents have ended
        self.data = self.folder / "agent" / "data"  # where the repositories are
        self._hosting = None

    # Servers -------------------------------------------------------------------------------------------------------

    def upstream(self, name="app"):
        """A new, empty upstream repository."""
        return GitRepository.create(self.folder / "upstreams" / f"{name}.git")

    def http_server(self, tls=False):
        """A server for the upstream repositories. With TLS, `authority` names the file that vouches for it."""
        certificate = make_certificate(self.folder / "tls") if tls else None
        server = GitHttpServer(self.folder / "upstreams", certificate)
        server.authority = certificate.authority if certificate else None
        self.addCleanup(server.close)
        return server

    def ssh_server(self):
        if not ssh_server.available():
            self.skipTest("sshd is not installed")
        server = ssh_server.GitSshServer(self.folder / "ssh")
        self.addCleanup(server.close)
        return server

    def notify_socket(self):
        notify = NotifySocket(self.folder)
        self.addCleanup(notify.close)
        return notify

    # The program ---------------------------------------------------------------------------------------------------

    def configuration(self, upstream, *policies, defaults=None, **sections):
        """A configuration with one repository, `app`. `upstream` is its URL or its whole section; without policies,
        it is pulled. Made for speed: due every second, few and quick retries."""
        upstream = {"url": upstream} if isinstance(upstream, str) else upstream
        quick = {"every": "1s", "jitter": "0%", "timeout": "20s",
                 "retry": {"attempts": 1, "first": "100ms", "max": "400ms"}}
        return {
            "service": {"data_dir": str(self.data), **sections.pop("service", {})},
            "http": {"listen": "127.0.0.1:0"},
            "defaults": {**quick, **(defaults or {})},
            "repos": {"app": {"upstream": upstream}},
            "policies": [{"repo": "app", "direction": "pull", **policy} for policy in policies or ({},)],
            **sections,
        }

    def program(self, configuration):
        if not program.BINARY:
            self.fail("REFSYNCD_BINARY does not name the program to test")
        if hosted.CHOSEN:
            return hosted.HostedProgram(self, self.folder / "tested", configuration)
        return Program(self.folder / "agent", configuration)

    def host(self, configuration):
        """Starts the refsyncd that hosts the repositories, or gives the running one this configuration."""
        if self._hosting is None:
            self._hosting = Program(self.folder / "hosting", configuration).start()
            self.addCleanup(self._hosting.end)
            self._hosting.wait_listening()
            return
        self._hosting.program.configure(configuration)
        done = self._hosting.program.run("reload")
        self.assertEqual(done.returncode, 0, done.stderr)

    @property
    def hosting_address(self):
        return self._hosting.address

    def start(self, configuration_or_program, **options):
        """Starts an agent that ends with the test at the latest."""
        known = isinstance(configuration_or_program, Program)
        agent_program = configuration_or_program if known else self.program(configuration_or_program)
        agent = agent_program.start(options.get("environment"))
        self.addCleanup(agent.end)
        if options.get("wait", True):
            agent.wait_listening()
        return agent

    def mirror(self, name="app"):
        """The repository that the agent keeps."""
        return GitRepository(self.data / "repos" / "local" / f"{name}.git")

    def secret_file(self, value, name="token"):
        """A file that holds a secret."""
        path = self.folder / name
        new = self.folder / f".{name}.new"
        new.touch(mode=0o600)
        new.write_text(value + "\n")
        os.rename(new, path)
        return path

    # Assertions ----------------------------------------------------------------------------------------------------

    def assert_refs(self, repository, expected):
        """The repository holds exactly these branches and tags."""
        self.assertEqual(repository.refs(), expected)

    def assert_in_step(self, repository, upstream):
        """Both hold the same branches and tags, and some."""
        self.assertTrue(upstream.refs())
        self.assertEqual(repository.refs(), upstream.refs())

    def assert_sound(self, *repositories):
        """Each repository is intact and holds nothing that an interrupted git left behind."""
        for repository in repositories:
            self.assertEqual(repository.fsck(), "", repository.path)
            self.assertEqual(repository.leftovers(), [], repository.path)
        self.assertEqual(self.scratch_leftovers(), [])

    def assert_mirrors_intact(self):
        """Every repository that an agent keeps is intact, whatever happened to the agent."""
        for path in sorted(self.folder.glob("*/data/repos/**/*.git")):
            self.assertEqual(GitRepository(path).fsck(), "", path)

    def scratch_leftovers(self):
        """Scratch repositories below the data folder (bare repositories that borrow objects from another), and what
        lies in the emptied ones that are kept for the next sync."""
        scratch = [path.parents[2] for path in self.data.rglob("objects/info/alternates")]
        used = [path for path in scratch if path.name != "spare"]
        packs = [pack for path in scratch for pack in (path / "objects/pack").iterdir()]
        return sorted(str(path) for path in used + packs)

    def assert_outcomes(self, sync, expected):
        """The sync completed, and the refs (full names) have these (outcome, reason) pairs and no other ref is told."""
        self.assertEqual((sync["status"], sync["error"]), ("completed", None))
        self.assertEqual(outcomes(sync), expected)

    def assert_no_children(self, agent=None):
        """No process works on the agent's data but the agent itself."""
        besides = [running.pid for running in (agent, self._hosting) if running]
        wait_until(lambda: not processes.mentioning(self.data, besides), 20, "no process left",
                   lambda: processes.mentioning(self.data, besides))


def outcomes(sync):
    """(outcome, reason) by full ref name."""
    return {ref["name"]: (ref["outcome"], ref["reason"]) for ref in sync["stats"]["refs"]}


def result_of(sync, name):
    """What a sync says about one ref."""
    return next(ref for ref in sync["stats"]["refs"] if ref["name"] == name)


# Sections of `auth:` --------------------------------------------------------------------------------------------------

def token_auth(file):
    """A token, read from a file."""
    return {"token": {"file": str(file)}}


def bearer_auth(file):
    """A token that is sent as it is, read from a file."""
    return {"bearer": {"file": str(file)}}


def password_auth(username, file):
    """A user name, and a password read from a file."""
    return {"username": username, "password": {"file": str(file)}}


def ssh_auth(key, known_hosts):
    """An SSH key, and the host keys to trust."""
    return {"ssh_key": {"file": str(key)}, "known_hosts": str(known_hosts)}
