"""`image layers --html`: one page with its style inside, which fetches and runs nothing."""

from html import escape

from wherry.cli.units import human_size
from wherry.engine.images.analyze import ImageReport, LayerReport
from wherry.store.diff import ChangeKind

_MOST_FILES = 1000  # of a layer, the largest ones
_MOST_WASTE = 200
_KINDS = {
    ChangeKind.ADDED: ("+", "added"),
    ChangeKind.CHANGED: ("~", "changed"),
    ChangeKind.DELETED: ("-", "removed"),
}
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --used: #3b82c4; --wasted: #d9822b; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
code, td, .n { font-family: ui-monospace, monospace; font-size: 13px; }
.facts { display: flex; gap: 2.5rem; flex-wrap: wrap; }
.facts b { display: block; font-size: 1.5rem; }
.stack { display: flex; height: 1.6rem; border-radius: 4px; overflow: hidden; gap: 2px; }
.stack a { min-width: 2px; background: var(--used); }
details { border-top: 1px solid var(--line); padding: .5rem 0; } summary { cursor: pointer; }
.bar { display: flex; width: 100%; height: .5rem; margin: .3rem 0; background: var(--line); }
.bar i { background: var(--used); } .bar i.wasted { background: var(--wasted); }
.n { color: color-mix(in srgb, currentColor 65%, transparent); }
table { border-collapse: collapse; width: 100%; }
td { padding: 1px .8rem 1px 0; vertical-align: top; }
td.size { text-align: right; white-space: nowrap; } td.path { width: 100%; word-break: break-all; }
"""


def page_of(report: ImageReport) -> str:
    """The whole page."""
    title = escape(report.container or report.name)
    largest = max((layer.size for layer in report.layers), default=0)
    layers = "".join(
        _layer(number, layer, largest) for number, layer in enumerate(report.layers, 1)
    )
    of = f" of container <code>{title}</code>" if report.container else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Layers of {title}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>Layers{of} of <code>{escape(report.name)}</code></h1>
<p class="n">{escape(str(report.id))}</p>
<div class="facts">
<div><b>{human_size(report.size)}</b>in {len(report.layers)} layers</div>
<div><b>{human_size(report.wasted)}</b>wasted</div>
<div><b>{100 * report.efficiency:.1f}%</b>efficiency</div>
</div>
<h2>Layers, the lowest first</h2>
<div class="stack">{_stack(report)}</div>
{layers}
{_waste(report)}
</body>
</html>
"""


def _stack(report: ImageReport) -> str:
    return "".join(
        f'<a href="#layer-{number}" style="flex-grow: {layer.size}"'
        f' title="{number}: {human_size(layer.size)}"></a>'
        for number, layer in enumerate(report.layers, 1)
        if layer.size
    )


def _layer(number: int, layer: LayerReport, largest: int) -> str:
    used, wasted = (
        100 * part / largest if largest else 0 for part in (layer.size - layer.wasted, layer.wasted)
    )
    counts = ", ".join(
        f"{count} {word}" for kind, (_, word) in _KINDS.items() if (count := layer.count(kind))
    )
    lost = f", {human_size(layer.wasted)} wasted" if layer.wasted else ""
    shown = sorted(layer.changes, key=lambda change: (-change.size, change.path))[:_MOST_FILES]
    rows = "".join(
        f"<tr><td>{_KINDS[change.kind][0]}</td>"
        f'<td class="size">{human_size(change.size)}</td>'
        f'<td class="path">{escape(change.path)}</td></tr>'
        for change in shown
    )
    rest = len(layer.changes) - len(shown)
    more = f'<p class="n">and {rest} smaller ones</p>' if rest else ""
    return f"""<details id="layer-{number}">
<summary>{number}. <b>{human_size(layer.size)}</b> <span class="n">{counts}{lost}</span>
<div class="bar"><i style="width: {used:.2f}%"></i>
<i class="wasted" style="width: {wasted:.2f}%"></i></div>
<code>{escape(" ".join(layer.instruction.split()))}</code></summary>
<table>{rows}</table>{more}
</details>
"""


def _waste(report: ImageReport) -> str:
    if not report.waste:
        return ""
    rows = "".join(
        f'<tr><td class="size">{human_size(each.size)}</td><td>{each.times}x</td>'
        f'<td class="path">{escape(each.path)}</td></tr>'
        for each in report.waste[:_MOST_WASTE]
    )
    return f"<h2>Stored, and seen no more</h2>\n<table>{rows}</table>"
