"""What a file has and its options ask for, in the words of the table of rules (`catalogue`)."""

from wherry.lint.catalogue import CHECKS, RULES
from wherry.lint.document import BEFORE_STAGES, Document
from wherry.lint.options import Options

_BEGINNINGS = tuple(
    need[:-1]
    for table in (RULES, CHECKS)
    for needs in table.values()
    for need in needs.split()
    if need.endswith("*")
)


def facts_of(document: Document, options: Options) -> set[str]:
    """Everything of that kind that is the case."""
    facts = {"always"}
    for kind, steps in document.by_kind.items():
        facts.add(kind.NAME)
        if len(steps) > 1:
            facts.add(f"{kind.NAME}*2")
        facts.update(
            f"--{flag.name}" for step in steps for flag in step.instruction.statement.flags
        )
    for run in document.runs:
        facts.update(command.name for command in run.script.commands)
        if run.script.has_pipe:
            facts.add("|")
    facts.update(f"{start}*" for start in _BEGINNINGS if _some_begins(facts, start))
    first = document.steps[0] if document.steps else None
    if first and first.stage == BEFORE_STAGES:
        facts.add("<FROM")
    facts.update(_asked_for(options, document.source.name))
    return facts


def _some_begins(facts: set[str], start: str) -> bool:
    return any(fact.startswith(start) for fact in facts)


def _asked_for(options: Options, name: str) -> list[str]:
    asked = {
        ":labels": bool(options.labels),
        ":strict_labels": options.strict_labels,
        ":trusted_registries": bool(options.trusted_registries),
        ":ignore_file": options.ignore_file is not None,
        ":level": bool(options.levels),
        ":surroundings": name in options.surroundings,
    }
    return [fact for fact, is_so in asked.items() if is_so]
