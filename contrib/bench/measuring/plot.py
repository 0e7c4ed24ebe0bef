"""CPU of a sync by side as an SVG bar plot on a logarithmic scale."""

import math
from html import escape

_COLOURS = {"refsyncd": "#1a7f5a", "refsyncd, verify: connectivity": "#6cc4a1", "refsyncd once": "#1a7f5a"}
_OTHERS = "#b3b3b3"
_LEFT, _RIGHT, _BAR, _GAP, _WIDTH = 330, 60, 16, 14, 900


def bar_plot(rows, title):
    """Row values (as_json) -> SVG. Rows in which nobody else did the same are left out."""
    groups = [(row["work"], [side for side in row["sides"] if side["cpu_ms"]]) for row in rows]
    groups = [(work, sides) for work, sides in groups if len(sides) > 1]
    values = [side["cpu_ms"] for _, sides in groups for side in sides]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))

    def place(value):
        return _LEFT + (math.log10(value) - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)

    lines, top = [], 50
    for work, sides in groups:
        lines.append(f'<text x="10" y="{top + 12}" class="work">{escape(work)}</text>')
        top += _BAR + 4
        for side in sides:
            end, colour = place(side["cpu_ms"]), _COLOURS.get(side["who"], _OTHERS)
            lines.append(f'<text x="{_LEFT - 8}" y="{top + 12}" text-anchor="end">{escape(side["who"])}</text>')
            lines.append(f'<rect x="{_LEFT}" y="{top}" width="{end - _LEFT:.1f}" height="{_BAR - 3}" fill="{colour}"/>')
            lines.append(f'<text x="{end + 5:.1f}" y="{top + 12}">{side["cpu_ms"]:.3g}</text>')
            top += _BAR
        top += _GAP
    grid = [f'<path d="M{place(10 ** power):.1f} 44V{top}" stroke="#ddd"/>'
            f'<text x="{place(10 ** power):.1f}" y="{top + 16}" text-anchor="middle">{10 ** power:g} ms</text>'
            for power in range(low, high + 1)]
    style = "text{font:12px sans-serif;fill:#333}.work{font-weight:bold}.title{font-size:15px;font-weight:bold}"
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top + 30}" role="img">',
                      f"<title>{escape(title)}</title><style>{style}</style>",
                      f'<rect width="{_WIDTH}" height="{top + 30}" fill="#fff"/>',
                      f'<text x="10" y="24" class="title">{escape(title)}</text>', *grid, *lines, "</svg>", ""])
