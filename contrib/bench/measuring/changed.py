"""Syncs that bring something: new commits, and first pulls."""

import time

from measuring.agent import seconds_between
from measuring.cost import Cost, PeakMemory, typical
from measuring.repositories import MANY_REFS, MEDIUM, SMALL, add_commits
from measuring.result import Row, at_most
from measuring.setting import pull_each

DEFAULT, CONNECTIVITY = "refsyncd", "refsyncd, verify: connectivity"


def cost_of_sync(agent, repo, first=0.25, watch_memory=False):
    """Of one pull asked for by hand, being asked included; looking whether it has ended is not. Wall is from the request
    to the end."""
    peak, own, children = PeakMemory(agent.process.pid), agent.own_cpu(), agent.children_cpu()

    def follow():
        asked = agent.ask(repo)
        time.sleep(first)
        while True:
            used = Cost(0, (agent.own_cpu() - own) * 1000, (agent.children_cpu() - children) * 1000)
            if sync := agent.ended(asked):
                return sync, used
            time.sleep(0.05)

    if watch_memory:
        with peak:
            sync, used = follow()
    else:
        sync, used = follow()
    return Cost(seconds_between(sync, "created_at", "finished_at") * 1000, used.own_cpu, used.children_cpu, peak.value)


def _compare(setting, shape, branches, runs):
    """Costs by side of pulling a new commit on each of some branches, each side pulling the same, in turn."""
    upstream = setting.repository(shape)
    url = setting.server.url(upstream)
    mirrors = {name: setting.new_folder("mirror") for name in ("git tuned", "git")}
    for path in mirrors.values():
        setting.git.mirror(url, path)
    repos = {"fsck": {"url": url}, "connectivity": {"url": url, "verify": "connectivity"}}
    costs = {DEFAULT: [], CONNECTIVITY: [], "git tuned": [], "git": []}
    with setting.agent(repos, pull_each(repos, "365d")) as agent:
        for repo in repos:
            agent.sync(repo, pause=0.05)
        actions = [(DEFAULT, lambda: cost_of_sync(agent, "fsck")),
                   (CONNECTIVITY, lambda: cost_of_sync(agent, "connectivity")),
                   ("git tuned", lambda: setting.git.fetch(mirrors["git tuned"], tuned=True)),
                   ("git", lambda: setting.git.fetch(mirrors["git"], tuned=False))]
        for number in range(runs + 1):  # the first round warms up and is not counted
            add_commits(upstream, branches, next(setting.numbers))
            for who, action in actions[number % 4:] + actions[:number % 4]:
                cost = action()
                if number:
                    costs[who].append(cost)
    return {who: typical(several) for who, several in costs.items()}


def changed(setting, shape, branches, runs):
    costs = _compare(setting, shape, branches, runs)
    what = "one new commit" if branches == 1 else f"{branches} changed refs"
    row = Row(f"changed-{shape.name}-{branches}", f"{what}, {shape.name}", n=str(runs))
    for who, cost in costs.items():
        row.side(who, cost.cpu, cost.wall)
    tuned = costs["git tuned"]
    row.target("CPU / tuned git's", at_most(1 / 3), costs[DEFAULT].cpu / tuned.cpu)
    if branches == 1:
        row.target("wall / tuned git's", at_most(2 / 3), costs[DEFAULT].wall / tuned.wall)
        row.target("CPU / tuned git's, verify: connectivity", at_most(1 / 15), costs[CONNECTIVITY].cpu / tuned.cpu)
    return row


def _first_pull_of_agent(setting, url, verify):
    """In an agent that has done nothing before."""
    repos = {"app": {"url": url, "verify": verify}}
    with setting.agent(repos, pull_each(repos, "365d")) as agent:
        return cost_of_sync(agent, "app", first=0.4, watch_memory=True)


def first_pull(setting, shape, runs):
    url = setting.server.url(setting.repository(shape))
    costs = {DEFAULT: [], CONNECTIVITY: [], "git clone --mirror": []}
    for _ in range(runs):
        costs[DEFAULT].append(_first_pull_of_agent(setting, url, "fsck"))
        costs["git clone --mirror"].append(setting.git.clone(url, setting.new_folder("clone")))
        costs[CONNECTIVITY].append(_first_pull_of_agent(setting, url, "connectivity"))
    costs = {who: typical(several) for who, several in costs.items()}
    row = Row(f"first-{shape.name}", f"first pull, {shape.name}", n=str(runs))
    for who, cost in costs.items():
        row.side(who, cost.cpu, cost.wall, cost.memory)
    ours, git = costs[DEFAULT], costs["git clone --mirror"]
    row.target("wall / git clone's", at_most(1.05), ours.wall / git.wall)
    row.target("peak memory / git clone's", at_most(1.05), ours.memory / git.memory)
    return row


def new_commits(setting):
    yield changed(setting, SMALL, 1, setting.amounts.runs)
    yield changed(setting, MEDIUM, 1, setting.amounts.runs)
    yield changed(setting, MEDIUM, 50, max(2, setting.amounts.runs // 2))


def first_pulls(setting):
    for shape in (MEDIUM, MANY_REFS):
        yield first_pull(setting, shape, setting.amounts.few_runs)
