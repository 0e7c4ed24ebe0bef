"""Syncs that find nothing new."""

import statistics
import time

from measuring.agent import seconds_between
from measuring.cost import typical
from measuring.repositories import MANY_REFS, MEDIUM, SMALL, borrow
from measuring.result import Row, at_least, at_most
from measuring.setting import pull_each
from measuring.window import observe

_WARM_UP = 3.0

# Milliseconds of CPU that grokmirror, the cheapest peer we know, needs for each of 200 such repositories when its server's
# manifest says that none has changed: one conditional request for all of them, and Python's start. Not of this run: the
# median of seven of grokmirror 2.1.0-dev (acd15d9), Python 3.11, on 2 cores (AMD EPYC) with Debian 12.11, 2026-11-22.
_GROKMIRROR = 1.05


def _copies(setting, upstream, count):
    """Repositories that all follow one upstream, each held as after a pull."""
    folder = setting.new_folder("mirrors")
    return {f"r{number}": {"url": setting.server.url(upstream), "path": borrow(upstream, folder / f"{number}.git")}
            for number in range(count)}


def _watched(setting, repos):
    """One round: an agent that is warm, watched. (window, median milliseconds from request to end)"""
    with setting.agent(repos, pull_each(repos, "1s")) as agent:
        time.sleep(_WARM_UP)
        seen = observe(agent, setting.amounts.window)
        if seen.failed:
            raise SystemExit(f"{seen.failed:.0f} syncs failed: {agent.latest_syncs(1)}")
        walls = [seconds_between(sync, "created_at", "finished_at") * 1000
                 for sync in agent.latest_syncs(int(seen.syncs)) if sync["finished_at"]]
    return seen, statistics.median(walls)


def unchanged(setting, shape, repos, limit, ratio=None):
    """An agent that looks at each of the repositories once a second, then git looking at one, in turn."""
    amounts = setting.amounts
    mirror = setting.new_folder("mirror")
    setting.git.mirror(setting.server.url(setting.repository(shape)), mirror)
    setting.git.run("-C", mirror, "pack-refs", "--all")
    windows, walls, git = [], [], {"tuned": [], "stock": []}
    for _ in range(amounts.rounds):
        seen, wall = _watched(setting, repos)
        windows.append(seen)
        walls.append(wall)
        for _ in range(max(1, amounts.runs // amounts.rounds)):
            git["tuned"].append(setting.git.fetch(mirror, tuned=True))
            git["stock"].append(setting.git.fetch(mirror, tuned=False))
    cpu = statistics.median(seen.cpu_of_a_sync for seen in windows)
    tuned, stock = typical(git["tuned"]), typical(git["stock"])
    row = Row(f"unchanged-{shape.name}", f"nothing new, {shape.name}, {shape.refs:,} refs",
              n=f"{sum(seen.syncs for seen in windows):,.0f} syncs / {len(git['tuned'])} fetches")
    row.side("refsyncd", cpu, statistics.median(walls)).side("git tuned", tuned.cpu, tuned.wall)
    row.side("git", stock.cpu, stock.wall)
    row.target("CPU of a sync, ms", at_most(limit), cpu)
    if ratio:
        row.target("less CPU than tuned git, times", at_least(ratio), tuned.cpu / cpu)
    return row


def _beside_grokmirror(row):
    """The row of small repositories, with a target more."""
    return row.target("CPU of a sync, ms, beside grokmirror's best case (measured elsewhere)", at_most(_GROKMIRROR),
                      row.sides[0]["cpu_ms"])


def run(setting):
    fleet = setting.fleet[:40]
    folder = setting.new_folder("mirrors")
    small = {f"r{number}": {"url": setting.server.url(upstream), "path": borrow(upstream, folder / f"{number}.git")}
             for number, upstream in enumerate(fleet)}
    yield _beside_grokmirror(unchanged(setting, SMALL, small, 0.6, ratio=80))
    yield unchanged(setting, MEDIUM, _copies(setting, setting.repository(MEDIUM), 20), 1.5)
    yield unchanged(setting, MANY_REFS, _copies(setting, setting.repository(MANY_REFS), 8), 10)
