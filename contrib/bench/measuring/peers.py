"""A fleet of small repositories, looked at once, beside what people use for that: a shell loop, and Debian's myrepos."""

from measuring.agent import as_yaml
from measuring.cost import cost_of_program, typical
from measuring.result import Row
from measuring.setting import pull_each


def _mirrors(setting):
    """[(name, path)] of mirrors made by git."""
    mirrors = []
    for repository in setting.fleet:
        path = setting.new_folder("fleet") / repository.path.name
        setting.git.mirror(setting.server.url(repository), path)
        mirrors.append((repository.path.stem, path))
    return mirrors


def _myrepos(setting, mirrors):
    """mr runs the same tuned fetch in each folder, two at a time."""
    config = setting.new_folder("mr")
    fetch = {path: " ".join(setting.git.fetch_command(path, tuned=True)) for _, path in mirrors}
    config.write_text("".join(f"[{path}]\ncheckout = false\nupdate = {fetch[path]}\n\n" for _, path in mirrors))
    return ["mr", "--trust-all", "-m", "-j", "2", "-c", str(config), "-d", str(setting.folder), "update"]


def _shell_loop(setting, mirrors, tuned):
    command = setting.git.fetch_command("{}", tuned)
    names = setting.new_folder("names")
    names.write_text("".join(f"{path}\n" for _, path in mirrors))
    return ["xargs", "-P2", "-a", str(names), "-I{}", *command]


def _once(setting, mirrors):
    """refsyncd started for this, and gone after it."""
    folder = setting.new_folder("once")
    folder.mkdir()
    urls = {repository.path.stem: setting.server.url(repository) for repository in setting.fleet}
    repos = {name: {"path": str(path), "upstream": {"url": urls[name], "tls": {"ca_file": str(setting.server.authority)}}}
             for name, path in mirrors}
    (folder / "config.yaml").write_text(as_yaml({
        "service": {"data_dir": str(folder / "data")}, "http": {"listen": "off"}, "log": {"level": "error"},
        "repos": repos, "policies": pull_each(repos, "1h")}))
    return [setting.binary, "once", "--config", str(folder / "config.yaml")]


def run(setting):
    count, runs = len(setting.fleet), setting.amounts.few_runs
    mirrors = _mirrors(setting)
    commands = {"refsyncd once": _once(setting, _mirrors(setting)),
                "xargs -P2 git fetch, tuned": _shell_loop(setting, mirrors, tuned=True),
                "mr -j 2 update, tuned": _myrepos(setting, mirrors),
                "xargs -P2 git fetch": _shell_loop(setting, mirrors, tuned=False)}
    costs = {who: [] for who in commands}
    for _ in range(runs):
        for who, command in commands.items():
            costs[who].append(cost_of_program(command, setting.git.environment))
    row = Row("fleet", f"{count} small repositories looked at once, for each of them", n=str(runs))
    for who, several in costs.items():
        cost = typical(several)
        row.side(who, cost.cpu / count, cost.wall / count)
    yield row
