"""Prometheus' text format as values."""

import re

_SAMPLE = re.compile(r'^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$')
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Metrics:
    """One scrape."""

    def __init__(self, text):
        self.text = text
        self._samples = {}
        for line in text.splitlines():
            if line and not line.startswith("#"):
                name, labels, value = _SAMPLE.match(line).groups()
                self._samples[(name, frozenset(_LABEL.findall(labels or "")))] = float(value)

    def value(self, name, **labels):
        """The sample with exactly these labels; raises AssertionError when there is none."""
        key = (name, frozenset(labels.items()))
        if key not in self._samples:
            near = [line for line in self.text.splitlines() if line.startswith(name)]
            raise AssertionError(f"no sample {name}{labels}; there are {near}")
        return self._samples[key]

    def total(self, name, **labels):
        """The sum of all samples of a name whose labels include these; 0 without any."""
        wanted = set(labels.items())
        return sum(v for (n, has), v in self._samples.items() if n == name and wanted <= has)

    def by_label(self, name, label):
        """The samples of a name by the value that they have for a label."""
        return {dict(has)[label]: v for (n, has), v in self._samples.items() if n == name}

    def names(self):
        """All sample names."""
        return {name for name, _ in self._samples}
