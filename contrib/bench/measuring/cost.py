"""What processes cost: CPU and memory, read from the kernel."""

import os
import resource
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


def own_cpu_of(pid):
    """CPU seconds of a process without its children, to the nanosecond: the clock of clock_getcpuclockid(3)."""
    return time.clock_gettime((~pid << 3) | 2)


def children_cpu_of(pid):
    """CPU seconds of the children of a process that have ended and been waited for, and of theirs; in ticks of 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[13]) + int(fields[14])) / _TICK


def resident_memory(pid):
    """Resident memory of a process in MB; 0 when it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return pages * resource.getpagesize() / 2**20


def _tree(pid):
    found, look_at = [], [pid]
    while look_at:
        parent = look_at.pop()
        found.append(parent)
        try:
            for task in os.listdir(f"/proc/{parent}/task"):
                look_at += map(int, Path(f"/proc/{parent}/task/{task}/children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


class PeakMemory:
    """The most that a process and everything below it held at once while the block ran, in MB, looked at every 5 ms."""

    def __init__(self, pid):
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.value = 0.0

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _watch(self):
        while not self._over.wait(0.005):
            self.value = max(self.value, sum(map(resident_memory, _tree(self._pid))))


@dataclass
class Cost:
    """Of one action: milliseconds, and MB where memory was looked at."""

    wall: float
    own_cpu: float
    children_cpu: float = 0.0
    memory: float = 0.0

    @property
    def cpu(self):
        return self.own_cpu + self.children_cpu


def typical(costs):
    """The median of each part, but of the children's CPU the mean: where it is known in steps of 10 ms only, a median of
    small parts would be none."""
    return Cost(*(statistics.median(getattr(cost, part) for cost in costs) for part in ("wall", "own_cpu")),
                statistics.mean(cost.children_cpu for cost in costs), statistics.median(cost.memory for cost in costs))


def cost_of_program(arguments, environment, watch_memory=False):
    """Runs a program to its end. CPU is its own and that of all children it waited for."""
    began = time.monotonic()
    process = subprocess.Popen(list(map(str, arguments)), env=environment, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    peak = PeakMemory(process.pid)
    if watch_memory:
        with peak:
            told = process.stderr.read()
    else:
        told = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    if process.returncode != 0:
        raise SystemExit(f"{arguments}: exit code {process.returncode}: {told.decode()}")
    return Cost(wall * 1000, (usage.ru_utime + usage.ru_stime) * 1000, memory=peak.value)


def children_cpu():
    """CPU seconds of this process's children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
