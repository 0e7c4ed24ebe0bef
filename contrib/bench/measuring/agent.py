"""A running agent with the costs of its process."""

import http.client
import json
import socket
import subprocess
import sys
import time
from datetime import datetime

from support.metrics import Metrics

from measuring.cost import children_cpu_of, own_cpu_of, resident_memory


def as_yaml(configuration):
    """The configuration as people write it: block style down to repositories and policies, one line for each of these."""
    lines = []
    for section, content in configuration.items():
        lines.append(f"{section}:")
        if isinstance(content, list):
            lines += [f"  - {json.dumps(item)}" for item in content]
        else:
            lines += [f"  {key}: {json.dumps(value)}" for key, value in content.items()]
    return "\n".join(lines) + "\n"


def seconds_between(sync, begin, end):
    """Seconds between two times of a sync, by the names they have in its JSON."""
    moments = [datetime.fromisoformat(sync[key].replace("Z", "+00:00")) for key in (begin, end)]
    return (moments[1] - moments[0]).total_seconds()


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over the agent's control socket."""

    def __init__(self, path):
        super().__init__("agent", timeout=60)
        self._path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Agent:
    """A running agent. `folder` gets its configuration, its log and its data."""

    def __init__(self, binary, folder, configuration):
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        config = folder / "config.yaml"
        config.write_text(as_yaml(configuration))
        self.log = open(folder / "log", "w+b")
        self.began = time.monotonic()
        self.process = subprocess.Popen([binary, "run", "--config", str(config)], stdout=self.log, stderr=self.log)
        self.socket = folder / "data" / "control.sock"

    def __enter__(self):
        self.wait_ready()
        return self

    def __exit__(self, *_):
        self.stop()

    def wait_ready(self, timeout=300):
        """Seconds from the start until the control socket answers."""
        while time.monotonic() - self.began < timeout:
            if self.process.poll() is not None:
                sys.exit(f"the agent ended: {(self.folder / 'log').read_text()}")
            try:
                self.call("GET", "/control/v1/agent")
                return time.monotonic() - self.began
            except (FileNotFoundError, ConnectionError):
                time.sleep(0.01)
        sys.exit("the agent does not answer")

    def call(self, method, path, body=None):
        connection = _UnixConnection(self.socket)
        try:
            connection.request(method, path, body and json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status >= 300:
            sys.exit(f"{method} {path}: {answer.status} {text.decode()}")
        return text

    def metrics(self):
        return Metrics(self.call("GET", "/metrics").decode())

    def cpu(self):
        """CPU seconds of the agent and of all its children that have ended."""
        return self.own_cpu() + self.children_cpu()

    def children_cpu(self):
        """CPU seconds of the agent's children that have ended, in steps of 10 ms."""
        return children_cpu_of(self.process.pid)

    def own_cpu(self):
        """CPU seconds of the agent itself, without its git children."""
        return own_cpu_of(self.process.pid)

    def memory(self):
        """Resident memory in MB."""
        return resident_memory(self.process.pid)

    def ask(self, repo="app"):
        """Asks for a pull. Returns the sync's id."""
        return json.loads(self.call("POST", "/control/v1/syncs", {"repo": repo, "direction": "pull"}))["id"]

    def ended(self, identity):
        """The sync, once it has ended; nothing before. Asking costs the agent CPU."""
        sync = json.loads(self.call("GET", f"/control/v1/syncs/{identity}"))
        if sync["status"] == "failed":
            sys.exit(f"a sync failed: {sync['error']}")
        return sync if sync["status"] == "completed" else None

    def sync(self, repo="app", first=0.0, pause=0.001):
        """Asks for a pull, and after `first` seconds looks every `pause` seconds whether it has ended. Returns the sync."""
        asked = self.ask(repo)
        time.sleep(first)
        while not (sync := self.ended(asked)):
            time.sleep(pause)
        return sync

    def latest_syncs(self, count):
        """The latest syncs without their refs, newest first, in pages."""
        syncs = []
        while len(syncs) < count:
            before = f"&before={syncs[-1]['id']}" if syncs else ""
            page = json.loads(self.call("GET", f"/control/v1/syncs?refs=false&limit=1000{before}"))["syncs"]
            if not page:
                break
            syncs += page
        return syncs[:count]

    def stop(self):
        self.process.terminate()
        self.process.wait(60)
        self.log.close()
