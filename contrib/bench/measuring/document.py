"""Puts what was measured into docs/performance.md and docs/performance.svg."""

import re

from measuring import ROOT
from measuring.plot import bar_plot
from measuring.result import side_table, target_table

_DOCUMENT = ROOT / "docs" / "performance.md"
_PLOT = ROOT / "docs" / "performance.svg"


def _renewed(text, name, content):
    """The text with what stands between the two markers of a name replaced."""
    begin, end = f"<!-- {name}: written by ./dev bench -->", f"<!-- end of {name} -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.S)
    if not pattern.search(text):
        raise SystemExit(f"{_DOCUMENT}: no place for {name}")
    return pattern.sub(lambda _: f"{begin}\n{content}\n{end}", text)


def write_documents(measured):
    rows = measured["rows"]
    text = _DOCUMENT.read_text()
    for name, content in (("conditions", f"Measured on {measured['conditions']}."), ("targets", target_table(rows)),
                          ("costs", side_table(rows))):
        text = _renewed(text, name, content)
    _DOCUMENT.write_text(text)
    _PLOT.write_text(bar_plot(rows, "CPU of a sync, logarithmic scale; less is better"))
