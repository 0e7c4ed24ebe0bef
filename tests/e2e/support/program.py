"""The refsyncd program: its commands, and a running agent."""

import json
import os
import re
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from support.metrics import Metrics
from support.wait import wait_until

BINARY = os.environ.get("REFSYNCD_BINARY", "")


class Program:
    """refsyncd with one configuration file. The file is YAML, of which JSON is a part."""

    def __init__(self, folder, configuration):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.config_file = self.folder / "config.yaml"
        self.state = None  # the data folder
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LC_ALL": "C.UTF-8"}
        self.environment.update({k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")})
        self.configure(configuration)

    def configure(self, configuration):
        """Replaces the configuration file in one step, as careful tools do. Takes a dictionary or YAML text."""
        if isinstance(configuration, str):
            text = configuration
        else:
            text = json.dumps(configuration, indent=2)
            self.state = Path(configuration.get("service", {}).get("data_dir", ""))
        new = self.config_file.with_suffix(".new")
        new.write_text(text)
        new.rename(self.config_file)

    def command(self, *arguments):
        """The command line of a subcommand with our configuration."""
        return [BINARY, arguments[0], "--config", str(self.config_file), *map(str, arguments[1:])]

    def run(self, *arguments, timeout=120):
        """Runs a subcommand to its end."""
        return subprocess.run(self.command(*arguments), env=self.environment, cwd=self.folder, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, errors="surrogateescape", timeout=timeout)

    def once(self, *policies, expect=0):
        """Runs `once --json` and returns its objects by policy."""
        done = self.run("once", "--json", *policies)
        if done.returncode != expect:
            raise AssertionError(f"once exited with {done.returncode}, not {expect}: {done.stdout}{done.stderr}")
        results = [json.loads(line) for line in done.stdout.splitlines()]
        return {result["policy"]: result for result in results}

    def once_sync(self, policy="app-pull", expect=0):
        """Runs `once` for one policy and returns its last sync."""
        return self.once(policy, expect=expect)[policy]["syncs"][-1]

    def history(self, *arguments):
        """The syncs that the running agent remembers, newest first."""
        done = self.run("history", "--json", "--limit", 1000, *arguments)
        if done.returncode != 0:
            raise AssertionError(f"history exited with {done.returncode}: {done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def start(self, environment=None):
        """Starts `refsyncd run`."""
        return Agent(self, environment or {})


class Agent:
    """A running `refsyncd run`, in a process group of its own."""

    def __init__(self, program, environment):
        self.program = program
        self.log_file = program.folder / f"agent-{_next_number(program.folder)}.log"
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(program.command("run"), env={**program.environment, **environment},
                                            cwd=program.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True)

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        """Everything the agent has logged."""
        return self.log_file.read_text(errors="surrogateescape")

    def wait_listening(self):
        """Waits for the log line that names the HTTP address."""
        wait_until(lambda: self.address or self.process.poll() is not None, 60, "the agent listening", self.log)
        if not self.address:
            raise AssertionError(f"the agent exited with {self.process.returncode}: {self.log()}")

    def get(self, path):
        """An HTTP answer of the agent: (status, text)."""
        try:
            with urllib.request.urlopen(f"http://{self.address}{path}", timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()
        except urllib.error.URLError as failed:
            raise failed.reason if isinstance(failed.reason, TimeoutError) else failed

    def metrics(self):
        """The agent's metrics now."""
        status, text = self.get("/metrics")
        assert status == 200, text
        return Metrics(text)

    def wait_metric(self, name, at_least=1.0, timeout=60, **labels):
        """Waits until the sum of the samples reaches a value, and returns the scrape."""
        return self.wait_metrics(lambda scraped: scraped.total(name, **labels) >= at_least,
                                 f"{name}{labels} >= {at_least}", timeout)

    def wait_success(self, policy):
        """Waits until a sync of the policy has completed and its gauges say so, and returns the scrape. The counter
        moves before the gauges do."""
        return self.wait_metrics(
            lambda scraped: scraped.total("refsyncd_syncs_total", policy=policy, status="completed") >= 1
            and scraped.value("refsyncd_last_success_timestamp_seconds", policy=policy) > 0
            and scraped.value("refsyncd_consecutive_failures", policy=policy) == 0, f"a success of {policy}")

    def wait_metrics(self, accepted, what, timeout=60):
        """Waits until a scrape is accepted, and returns it."""
        def looked():
            try:
                scraped = self.metrics()
            except TimeoutError:  # the machine is busy; the next scrape may be answered
                return None
            return scraped if accepted(scraped) else None

        return wait_until(looked, timeout, what, self.log)

    def wait_log(self, text, timeout=60):
        """Waits until the log contains a text."""
        wait_until(lambda: text in self.log(), timeout, f"{text!r} in the log", self.log)

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """kill -9, of the agent alone."""
        self.process.kill()
        self.process.wait()

    def stop(self, timeout=30):
        """Asks it to stop, as a service manager does, and returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def end(self):
        """Ends it whatever it does."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    @property
    def address(self):
        """host:port of its HTTP listener, or None so far."""
        found = re.search(r"http://(127\.0\.0\.1:\d+)", self.log())
        return found.group(1) if found else None


def _next_number(folder):
    return len(list(folder.glob("agent-*.log"))) + 1
