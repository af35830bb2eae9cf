"""wherry image layers"""

import json

from wherry.cli.context import Context, fitted
from wherry.cli.flags import Boolean, FlagSet, String, Syntax
from wherry.cli.number_flags import Bytes
from wherry.cli.units import human_size
from wherry.errors import Conflict, InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.engine.images.analyze import ImageReport, LayerReport

SYNTAX = Syntax(
    "[OPTIONS] IMAGE|CONTAINER",
    least=1,
    most=1,
    description="Show what each layer adds, changes and removes, and what later layers waste of it;"
    " of a container its own layer too",
)
_BAR = 24
_MOST_WASTE = 10


class Inefficient(Conflict):
    def __init__(self, what: str) -> None:
        super().__init__(what)


class Flags(FlagSet):
    ci = Boolean("", "Fail unless the image is as efficient as asked for")
    files = Boolean("", "List the files of each layer")
    highest_wasted_bytes = Bytes("", "The most that --ci lets an image waste")
    highest_user_wasted_percent = String(
        "", "The most that --ci lets the layers above the base waste, from 0 to 1"
    )
    html = Boolean("", "Print a page for browsers that needs no other file")
    json = Boolean("", "Print a JSON document")
    lowest_efficiency = String("", "What --ci asks for, from 0 to 1", default="0.9")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.images.analyze import analyze_image  # --help does without the engine

    report = analyze_image(context.engine, flags.operands[0])
    if flags.json:
        context.out(json.dumps(_document(report), ensure_ascii=False))
    elif flags.html:
        from wherry.cli.images.layers_page import page_of

        context.write(page_of(report))
    else:
        _print(report, context, files=flags.files)
    if flags.ci:
        _check(report, flags)


def _print(report: "ImageReport", context: Context, *, files: bool) -> None:
    largest = max((layer.size for layer in report.layers), default=0)
    context.out(_row("#", "", "SIZE", "ADDED", "CHANGED", "REMOVED", "WASTED"))
    for number, layer in enumerate(report.layers, 1):
        _print_layer(number, layer, largest, context)
        if files:
            for change in layer.changes:
                context.out(f"       {change.kind.value} {change.path}")
    context.out(
        f"total {human_size(report.size)}, wasted {human_size(report.wasted)},"
        f" efficiency {100 * report.efficiency:.1f}%"
    )
    if not report.waste:
        return
    context.out(f"\n{'WASTED':>8}  TIMES  PATH")
    for waste in report.waste[:_MOST_WASTE]:
        context.out(f"{human_size(waste.size):>8}  {waste.times:>5}  {waste.path}")
    if len(report.waste) > _MOST_WASTE:
        more = len(report.waste) - _MOST_WASTE
        context.out(f"and {more} more, which --json and --html have")


def _print_layer(number: int, layer: "LayerReport", largest: int, context: Context) -> None:
    from wherry.store.diff import ChangeKind

    counts = (
        str(layer.count(kind) or "")
        for kind in (ChangeKind.ADDED, ChangeKind.CHANGED, ChangeKind.DELETED)
    )
    wasted = human_size(layer.wasted) if layer.wasted else ""
    bar = f"[{_bar(layer, largest)}]"
    context.out(_row(str(number), bar, human_size(layer.size), *counts, wasted))
    context.out(fitted(f"    {_instruction(layer)}"))


def _row(number: str, bar: str, size: str, *counts: str) -> str:
    columns = "".join(f"  {count:>8}" for count in counts)
    return f"{number:>3} {bar:<{_BAR + 2}} {size:>8}{columns}".rstrip()


def _bar(layer: "LayerReport", largest: int) -> str:
    """How large the layer is beside the largest; what is wasted of it at its end."""
    if not largest:
        return " " * _BAR
    filled = round(_BAR * layer.size / largest)
    wasted = min(filled, round(_BAR * layer.wasted / largest))
    return ("#" * (filled - wasted) + "x" * wasted).ljust(_BAR)


def _instruction(layer: "LayerReport") -> str:
    """As it stands in the Dockerfile, without what builders write around it."""
    words = " ".join(layer.instruction.split()).removesuffix(" # buildkit")
    return words.replace("RUN /bin/sh -c ", "RUN ", 1)


def _document(report: "ImageReport") -> dict[str, object]:
    return {
        "id": str(report.id),
        "container": report.container,
        "size": report.size,
        "wasted": report.wasted,
        "efficiency": report.efficiency,
        "layers": [
            {
                "diffID": "" if layer.diff_id is None else str(layer.diff_id),
                "instruction": layer.instruction,
                "size": layer.size,
                "wasted": layer.wasted,
                "changes": [
                    {"kind": change.kind.value, "path": change.path, "bytes": change.size}
                    for change in layer.changes
                ],
            }
            for layer in report.layers
        ],
        "waste": [
            {"path": each.path, "bytes": each.size, "times": each.times} for each in report.waste
        ],
    }


def _check(report: "ImageReport", flags: Flags) -> None:
    """Every threshold that is not kept, in one error; dive's names and meanings."""
    complaints = []
    lowest = _share(flags.lowest_efficiency, "lowest-efficiency")
    if lowest is not None and report.efficiency < lowest:
        complaints.append(f"efficiency {report.efficiency:.3f} is below {lowest:.3f}")
    most = flags.highest_wasted_bytes
    if most and report.wasted > most:
        complaints.append(
            f"{human_size(report.wasted)} are wasted, at most {human_size(most)} may be"
        )
    highest = _share(flags.highest_user_wasted_percent, "highest-user-wasted-percent")
    if highest is not None and report.user_wasted > highest:
        complaints.append(
            f"{report.user_wasted:.3f} of what is above the base is wasted,"
            f" at most {highest:.3f} may be"
        )
    if complaints:
        raise Inefficient("; ".join(complaints))


def _share(text: str, name: str) -> float | None:
    if not text:
        return None
    try:
        share = float(text)
    except ValueError:
        share = -1
    if not 0 <= share <= 1:
        raise InvalidArgument(f'invalid value "{text}" for --{name}: a number from 0 to 1')
    return share
