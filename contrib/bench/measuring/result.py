"""What was measured, as JSON and as tables."""

import operator
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Limit:
    """What a figure must not exceed, or must reach."""

    value: float
    above: bool

    def met(self, figure):
        return (operator.ge if self.above else operator.le)(figure, self.value)

    def __str__(self):
        return f"{'≥' if self.above else '≤'} {figure_text(self.value)}"


def at_most(value):
    return Limit(value, above=False)


def at_least(value):
    return Limit(value, above=True)


def figure_text(value):
    """Three significant digits, whole numbers from 100 on."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


@dataclass
class Row:
    """One kind of work. `sides` tells who did it for how many milliseconds of CPU and wall (None: not looked at) and, where
    it was looked at, with how much memory; `targets` compares figures with limits."""

    key: str
    work: str
    n: str
    sides: list = field(default_factory=list)
    targets: list = field(default_factory=list)

    def side(self, who, cpu, wall=None, memory=None):
        self.sides.append({"who": who, "cpu_ms": cpu, "wall_ms": wall, "memory_mb": memory})
        return self

    def target(self, what, limit, reached):
        self.targets.append({"what": what, "target": str(limit), "reached": reached, "met": limit.met(reached)})
        return self

    def as_json(self):
        return asdict(self)


def _table(head, lines):
    return "\n".join([f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *(f"| {' | '.join(line)} |" for line in lines)])


def target_table(rows):
    """Row values (as_json) -> Markdown: what was wanted and what was reached."""
    return _table(("work", "figure", "target", "reached", "met"), [
        (row["work"], target["what"], target["target"], figure_text(target["reached"]), "yes" if target["met"] else "**no**")
        for row in rows for target in row["targets"]])


def side_table(rows):
    """Row values (as_json) -> Markdown: who did what at which cost."""
    return _table(("work", "n", "by", "CPU, ms", "wall, ms", "memory, MB"), [
        (row["work"] if place == 0 else "", row["n"] if place == 0 else "", side["who"], figure_text(side["cpu_ms"]),
         figure_text(side["wall_ms"]), figure_text(side["memory_mb"]))
        for row in rows for place, side in enumerate(row["sides"])])


def summary(row):
    """One row (as_json) as lines for a terminal."""
    lines = [f"  {row['work']} (n: {row['n']})"]
    for side in row["sides"]:
        more = "".join(f"   {name} {figure_text(side[key])} {unit}" for name, key, unit in
                       (("wall", "wall_ms", "ms"), ("memory", "memory_mb", "MB")) if side[key] is not None)
        lines.append(f"    {side['who']:<24} cpu {figure_text(side['cpu_ms']):>8} ms{more}")
    for target in row["targets"]:
        lines.append(f"    {'met   ' if target['met'] else 'MISSED'} {target['what']}: {figure_text(target['reached'])} "
                     f"(wanted {target['target']})")
    return "\n".join(lines)
