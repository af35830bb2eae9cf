"""wherry system check"""

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, FlagSet, String, Syntax
from wherry.cli.listing import FORMAT_HELP, print_rows
from wherry.cli.units import human_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.engine.system.check import Checkup
    from wherry.engine.system.repair import Repair
    from wherry.store.checks.finding import Finding

SYNTAX = Syntax(
    "[OPTIONS]",
    description="Find damaged, missing and orphaned content.\n"
    "Ends with 1 if anything is damaged or missing and was not repaired.",
)
TITLES = {
    "State": "STATE",
    "Kind": "KIND",
    "Name": "NAME",
    "Size": "SIZE",
    "Problem": "PROBLEM",
    "Repair": "REPAIR",
}
_TABLE = "{{.State}}\t{{.Kind}}\t{{.Name}}\t{{.Size}}\t{{.Problem}}"
_TABLE_OF_REPAIRS = _TABLE + "\t{{.Repair}}"
_LONGEST_NAME = 40


class Flags(FlagSet):
    format = String("", FORMAT_HELP)
    no_trunc = Boolean("", "Don't truncate output")
    rehash = Boolean("", "Read all content again and compare its digests")
    repair = Boolean("", "Free what is orphaned, fetch again what is damaged")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.system.check import check_system  # --help does without the engine

    checkup = check_system(context.engine, rehash=flags.rehash)
    repairs: list[Repair] | None = None
    unrepaired = checkup.faults
    if flags.repair:
        from wherry.engine.system.repair import repair_system  # registries, HTTP and TLS

        repairs = repair_system(context.engine, checkup.findings) if checkup.findings else []
        unrepaired = sum(1 for each in repairs if not each.done)
        rows = [_row(each.finding, flags, each) for each in repairs]
    else:
        rows = [_row(each, flags) for each in checkup.findings]
    is_table = flags.format in ("", "table")
    if rows or not is_table:
        print_rows(
            context,
            rows,
            chosen=flags.format,
            titles=TITLES,
            default=_TABLE if repairs is None else _TABLE_OF_REPAIRS,
        )
    if is_table:
        context.out(_summary(checkup, unrepaired if flags.repair else None))
        if checkup.findings and not flags.repair:
            context.out("Repair with: wherry system check --repair")
    context.status = 1 if unrepaired else 0


def _row(finding: "Finding", flags: Flags, repair: "Repair | None" = None) -> dict[str, object]:
    name = finding.name
    if len(name) > _LONGEST_NAME and not flags.no_trunc and flags.format != "json":
        name = name[: _LONGEST_NAME - 1] + "…"
    outcome = "" if repair is None else repair.outcome
    return {
        "Kind": finding.kind.value,
        "Name": name,
        "Problem": finding.problem,
        "Repair": outcome if repair is None or repair.done else f"not repaired: {outcome}",
        "Size": human_size(finding.size) if finding.size else "",
        "State": finding.state.value,
    }


def _summary(checkup: "Checkup", unrepaired: int | None) -> str:
    looked_at = ", ".join(f"{count} {noun}" for noun, count in checkup.counts.items())
    faults = checkup.faults
    orphans = len(checkup.findings) - faults
    parts = []
    if faults:
        parts.append(f"{faults} damaged or missing")
    if orphans:
        size = sum(finding.size for finding in checkup.findings)
        parts.append(f"{orphans} orphaned ({human_size(size)})")
    text = f"Checked {looked_at}: {', '.join(parts) or 'nothing is wrong'}"
    if unrepaired is None or not parts:
        return text
    return f"{text}; {f'{unrepaired} not repaired' if unrepaired else 'all repaired'}"
