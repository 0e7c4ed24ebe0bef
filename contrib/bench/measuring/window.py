"""What an agent that follows its schedule did during a while."""

import math
import time
from dataclasses import dataclass


@dataclass
class Window:
    """`syncs` ended in `seconds`, `failed` of them badly, for `cpu` seconds; `lateness` is [(bound, runs begun within it)]."""

    seconds: float
    cpu: float
    syncs: float
    failed: float
    memory: float
    lateness: list

    @property
    def cpu_of_a_sync(self):
        """Milliseconds."""
        return self.cpu / self.syncs * 1000 if self.syncs else math.nan

    @property
    def syncs_a_second(self):
        return self.syncs / self.seconds

    def late_at_most(self, share):
        """Seconds within which this share of the runs was begun, between the histogram's bounds by proportion."""
        wanted = share * self.lateness[-1][1]
        lower, before = 0.0, 0.0
        for bound, runs in self.lateness:
            if runs >= wanted:
                return lower if math.isinf(bound) else lower + (bound - lower) * (wanted - before) / max(runs - before, 1)
            lower, before = bound, runs
        return lower


def _lateness(metrics):
    buckets = metrics.by_label("refsyncd_schedule_lateness_seconds_bucket", "le")
    return {float(bound): value for bound, value in buckets.items()}


def observe(agent, seconds):
    """Watches the agent for a while, and asks it nothing meanwhile."""
    before = agent.metrics()
    began, cpu = time.monotonic(), agent.cpu()
    time.sleep(seconds)
    cpu, took, memory = agent.cpu() - cpu, time.monotonic() - began, agent.memory()
    after = agent.metrics()

    def grown(**labels):
        return after.total("refsyncd_syncs_total", **labels) - before.total("refsyncd_syncs_total", **labels)

    late_before, late_after = _lateness(before), _lateness(after)
    lateness = [(bound, late_after[bound] - late_before.get(bound, 0)) for bound in sorted(late_after)]
    return Window(took, cpu, grown(), grown(status="failed"), memory, lateness)
