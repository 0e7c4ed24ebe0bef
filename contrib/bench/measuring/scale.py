"""Many policies at once, against a server that says what it has said before, so that it is not Git that is measured."""

import socket
import statistics
import time

from measuring.agent import seconds_between
from measuring.result import Row, at_least, at_most
from measuring.setting import pull_each
from measuring.window import observe


def _repositories(setting, numbers, base_of):
    """Small repositories, each held as after a pull; base_of(number) is where the upstream of one is."""
    repos = {}
    for number in numbers:
        path, answer = setting.held(number)
        repos[f"r{number}"] = {"url": base_of(number) + answer, "path": path}
    return repos


def _check(agent, seen):
    if seen.failed or not seen.syncs:
        raise SystemExit(f"{seen.failed:.0f} of {seen.syncs:.0f} syncs failed: {agent.latest_syncs(1)}")


def throughput(setting, policies=8_000):
    """More policies due each second than can be done."""
    repos = _repositories(setting, range(policies), lambda _: setting.server.base)
    with setting.agent(repos, pull_each(repos, "1s")) as agent:
        time.sleep(5)
        seen = observe(agent, 3 * setting.amounts.window)
        _check(agent, seen)
    row = Row("throughput", f"nothing new, small, stored answer, {policies:,} policies due each second",
              n=f"{seen.syncs:,.0f} syncs")
    row.side("refsyncd", seen.cpu_of_a_sync, memory=seen.memory)
    row.target("syncs a second", at_least(5_000), seen.syncs_a_second)
    return row


class _Silent:
    """A server that takes connections and never says anything."""

    def __init__(self):
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.base = f"https://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()


def _delays(setting, repos, silent):
    """(p50, p99) in seconds of what passes from the due time of a sync at a host that answers to its end, and the number."""
    with setting.agent(repos, pull_each(repos, "4s")) as agent:
        time.sleep(6)
        seen = observe(agent, 3 * setting.amounts.window)
        done = [sync for sync in agent.latest_syncs(int(seen.syncs)) if sync["repo"] not in silent]
        took = [seconds_between(sync, "created_at", "finished_at") for sync in done if sync["finished_at"]]
    if len(took) < 0.9 * seen.seconds / 4 * (len(repos) - len(silent)):
        raise SystemExit("syncs at hosts that answer did not end")
    quantiles = statistics.quantiles(took, n=100)
    return seen.late_at_most(0.5) + quantiles[49], seen.late_at_most(0.99) + quantiles[98], len(took)


def hanging_host(setting, hosts=500):
    """One host of many never answers, and has 50 policies; the others have two each. Then the same without that host."""
    with _Silent() as server:
        others = _repositories(setting, range(2 * (hosts - 1)), lambda number: setting.server.base_of_host(number // 2))
        silent = _repositories(setting, range(2 * hosts, 2 * hosts + 50), lambda _: server.base)
        with_it = _delays(setting, others | silent, silent)
        without = _delays(setting, others, {})
    row = Row("hanging-host", f"{hosts} hosts, one of them hanging with 50 policies", n=f"{with_it[2]:,} syncs of the others")
    row.side("the others, median", None, with_it[0] * 1000).side("the others, 99 of 100", None, with_it[1] * 1000)
    row.side("99 of 100 without that host", None, without[1] * 1000)
    row.target("delay of 99 of 100, s", at_most(1), with_it[1])
    return row


def one_host(setting, policies=10_000):
    """Each policy due each minute."""
    repos = _repositories(setting, range(policies), lambda _: setting.server.base)
    with setting.agent(repos, pull_each(repos, "1m")) as agent:
        time.sleep(5)
        seen = observe(agent, setting.amounts.hold)
        _check(agent, seen)
    row = Row("one-host", f"{policies:,} policies on one host, each due each minute, for {setting.amounts.hold:.0f} s",
              n=f"{seen.syncs:,.0f} syncs")
    row.side("refsyncd", seen.cpu_of_a_sync, memory=seen.memory)
    row.target("99 of 100 begin after their time within, s", at_most(1), seen.late_at_most(0.99))
    row.target("memory, MB", at_most(150), seen.memory)
    row.target("of the syncs that were due, done", at_least(0.99),
               seen.syncs / (policies * seen.seconds / 60))
    return row


def run(setting):
    yield throughput(setting)
    yield hanging_host(setting)
    yield one_host(setting)
