"""An SSH server on the loopback address that runs Git commands and nothing else."""

import getpass
import os
import subprocess
from pathlib import Path

from support.ports import free_port
from support.wait import wait_until

_SSHD = "/usr/sbin/sshd"


def available():
    """True when this machine can run an SSH server."""
    return os.path.exists(_SSHD)


class GitSshServer:
    """OpenSSH in the foreground with a folder, a host key and one permitted client key of its own. `key` and
    `known_hosts` are what a client needs; `other_known_hosts` names another host key for the same address."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True)
        self.folder.chmod(0o700)
        self.port = free_port()
        self.key = self._make_key("client_key")
        host_key = self._make_key("host_key")
        self.known_hosts = self._write_known_hosts("known_hosts", host_key)
        self.other_known_hosts = self._write_known_hosts("other_known_hosts", self._make_key("other_key"))
        self._write_authorized_keys()
        self._log = self.folder / "sshd.log"
        self._process = subprocess.Popen([_SSHD, "-D", "-E", str(self._log), "-f", str(self._write_config(host_key))],
                                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL, start_new_session=True)
        wait_until(lambda: "Server listening" in self.log(), what="sshd listening", describe=self.log)

    def url(self, repository):
        """The URL of a repository."""
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}{repository.path}"

    def log(self):
        """What the server has logged."""
        return self._log.read_text() if self._log.exists() else ""

    def close(self):
        self._process.terminate()
        self._process.wait()

    def _make_key(self, name):
        path = self.folder / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path)], check=True)
        return path

    def _write_known_hosts(self, name, host_key):
        path = self.folder / name
        path.write_text(f"[127.0.0.1]:{self.port} {host_key.with_suffix('.pub').read_text()}")
        return path

    def _write_authorized_keys(self):
        git_only = 'restrict,command="git-shell -c \\"$SSH_ORIGINAL_COMMAND\\""'
        (self.folder / "authorized_keys").write_text(f"{git_only} {self.key.with_suffix('.pub').read_text()}")

    def _write_config(self, host_key):
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        path = self.folder / "sshd_config"
        path.write_text(f"""\
Port {self.port}
ListenAddress 127.0.0.1
HostKey {host_key}
AuthorizedKeysFile {self.folder}/authorized_keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin forced-commands-only
AcceptEnv GIT_PROTOCOL
LogLevel VERBOSE
""")
        return path
