"""What the rules' docstrings say, for terminals and for the reference."""

from inspect import cleandoc

from wherry.errors import NotFound
from wherry.lazy import regex
from wherry.lint.catalogue import load_all, module_of
from wherry.lint.rule import Rule


class NoSuchRule(NotFound):
    def __init__(self, code: str) -> None:
        super().__init__(
            f"No such rule: {code}", hint="wherry lint --list-rules has those there are"
        )


_SHELLCHECK = regex(r"(?i)SC[0-9]{4}")
_REPAIRS = {
    "": "",
    "fix": "\n\nwherry lint --fix repairs it where that is safe.",
    "unsafe": "\n\nwherry lint --fix-unsafe repairs it; that may change what is built.",
}
_NOTES = {"": "", "fix": ", with a repair", "unsafe": ", with an unsafe repair"}


def docstring(rule: Rule) -> str:
    """The rule's page: a sentence, reasons, a bad and a good example."""
    return cleandoc(module_of(rule).__doc__ or "")


def title(rule: Rule) -> str:
    return docstring(rule).partition("\n")[0]


def repair(rule: Rule) -> str:
    """How far it goes: `fix`, or `unsafe` for those who ask for that."""
    if rule.fix:
        return "fix"
    return "unsafe" if rule.unsafe_fix or rule.pin else ""


def list_rules() -> str:
    """A line for each rule: code, level, whether it has a repair, title."""
    rules = load_all()
    width = max(len(rule.code) for rule in rules)
    return "".join(
        f"{rule.code:{width}}  {rule.level.value:7}  {repair(rule):6}  {title(rule)}\n"
        for rule in rules
    )


def explain_rule(code: str) -> str:
    """The page of one rule; NoSuchRule."""
    for rule in load_all():
        if rule.code.lower() == code.lower():
            fixed = _REPAIRS[repair(rule)]
            return f"{rule.code} ({rule.level.value})\n\n{docstring(rule)}{fixed}\n"
    if _SHELLCHECK.fullmatch(code):
        page = f"https://www.shellcheck.net/wiki/{code.upper()}"
        return f"{code.upper()}\n\nShellCheck finds it in the shell of a RUN: {page}\n"
    raise NoSuchRule(code)


def reference() -> str:
    """All of it as one page of Markdown."""
    parts = [
        "# Lint rules\n",
        "Made from the rules' docstrings; `wherry lint --explain CODE` shows one of them.",
        "[The linter](../explanation/lint.md) tells what differs from hadolint, and why.\n",
    ]
    parts += [
        f"## {rule.code}\n\n*{rule.level.value}{_NOTES[repair(rule)]}*\n\n{docstring(rule)}\n"
        for rule in load_all()
    ]
    return "\n".join(parts)


if __name__ == "__main__":
    print(reference(), end="")
