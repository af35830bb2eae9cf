"""What a build would do, and what it would read."""

import stat
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

from wherry.build.contexts import open_context
from wherry.build.explain import Explanation, explain_build
from wherry.dockerfile.ignorefile import Verdict
from wherry.engine.builds.build import prepared, quiet
from wherry.engine.builds.options import BuildOptions
from wherry.store.leases import lease_of
from wherry.values import dataclass

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


@dataclass(frozen=True, slots=True)
class ContextPath:
    """A path of the context: whether builds see it, by which rule, and its size in bytes."""

    path: str
    sent: bool
    rule: str
    size: int


def explain(engine: "Engine", options: BuildOptions) -> Explanation:
    """The decision of each step with its reason; nothing is carried out."""
    with prepared(engine, options, quiet) as (workshop, order):
        return explain_build(workshop, order)


def list_context(engine: "Engine", options: BuildOptions) -> Iterator[ContextPath]:
    """Every path below the context. A folder that is left out as a whole is not looked into."""
    with ExitStack() as undo:
        lease = undo.enter_context(lease_of(engine.store))
        context = open_context(
            lease,
            options.context,
            options.file,
            undo,
            ignorefile=options.ignorefile,
            cwd=options.cwd,
        )
        tree = context.tree
        whole = type(tree)(name=tree.name, root=tree.root)
        verdicts: dict[str, Verdict] = {}
        for found in whole.walk():
            if not found.path:
                continue
            above = found.path.rpartition("/")[0]
            parent = verdicts.get(above)
            if parent is not None and parent.ignored and not parent.may_hold_included:
                if stat.S_ISDIR(found.status.st_mode):
                    verdicts[found.path] = parent
                continue
            size = found.status.st_size if stat.S_ISREG(found.status.st_mode) else 0
            if tree.ignore is None:
                yield ContextPath(found.path, True, "", size)
                continue
            verdict = tree.ignore.verdict(found.path, parent)
            if stat.S_ISDIR(found.status.st_mode):
                verdicts[found.path] = verdict
            rule = verdict.rule
            told = f"{tree.ignore_name}:{rule.line}: {rule.text}" if rule is not None else ""
            yield ContextPath(found.path, not verdict.ignored, told, size)
