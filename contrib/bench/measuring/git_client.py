"""git as the other side of a comparison: as it is installed, and with everything off that a mirror does not need."""

import subprocess

from measuring.cost import cost_of_program


class GitClient:
    """Runs git over HTTPS with the bench's authority. `tuned` leaves out what costs much and does nothing here: Debian's git
    parses every file of the system's folder of authorities in each process, even when a file of its own is given."""

    def __init__(self, folder, authority):
        empty = folder / "no-authorities"
        empty.mkdir(parents=True, exist_ok=True)
        self._options = ["-c", f"http.sslCAPath={empty}", "-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c",
                         "fetch.writeCommitGraph=false", "-c", "fetch.showForcedUpdates=false"]
        self.environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "LC_ALL": "C", "GIT_CONFIG_NOSYSTEM": "1",
                            "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_SSL_CAINFO": str(authority),
                            "GIT_TERMINAL_PROMPT": "0"}

    def run(self, *arguments):
        subprocess.run(["git", *map(str, arguments)], env=self.environment, check=True, stdout=subprocess.DEVNULL)

    def mirror(self, url, path):
        self.run(*self._options, "clone", "-q", "--mirror", url, path)

    def fetch_command(self, path, tuned):
        options = self._options if tuned else []
        end = ["--no-auto-maintenance", "--no-write-fetch-head"] if tuned else []
        return ["git", *options, "-C", str(path), "fetch", "-q", "--prune", *end]

    def fetch(self, path, tuned):
        """The cost of one fetch into a mirror."""
        return cost_of_program(self.fetch_command(path, tuned), self.environment)

    def clone(self, url, path):
        """The cost of a first pull, memory too. Tuned: as installed it is a little slower."""
        return cost_of_program(["git", *self._options, "clone", "-q", "--mirror", url, path], self.environment,
                               watch_memory=True)
