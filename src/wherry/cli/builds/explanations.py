"""How `build --explain`, `--advise` and `--list-context` print what they found."""

import json

from wherry.cli.context import Context, fitted
from wherry.cli.units import human_size
from wherry.engine.builds.options import BuildOptions
from wherry.errors import InvalidArgument


def print_explanation(context: Context, options: BuildOptions, form: str) -> None:
    """Each step: hit or miss, why, and what it cost last time."""
    from wherry.build.explain import explanation_document
    from wherry.engine.builds.explain import explain

    if form not in ("text", "json"):
        raise InvalidArgument(f'invalid value "{form}" for --explain: one of text, json')
    explanation = explain(context.engine, options)
    if form == "json":
        context.out(json.dumps(explanation_document(explanation), ensure_ascii=False))
        return
    for step in explanation.steps:
        cost = ""
        if step.last is not None and not step.cached:
            seconds = step.last.duration_ns / 1e9
            cost = f"  (last time {seconds:.1f}s, {human_size(step.last.size)})"
        context.out(fitted(f"{'hit ' if step.cached else 'miss'}  {' '.join(step.name.split())}"))
        if not step.cached:
            context.out(f"      {step.reason}{cost}")
    rebuilt = len(explanation.rebuilt)
    if rebuilt:
        context.out(
            f"{rebuilt} of {len(explanation.steps)} steps would be rebuilt; last time they took"
            f" {explanation.seconds:.1f}s and made {human_size(explanation.size)}"
        )
    else:
        context.out("everything is in the cache")


def print_advice(context: Context, options: BuildOptions, form: str) -> None:
    """What another order of the steps would have saved, the most first."""
    from wherry.engine.builds.advise import advise_on_build

    if form not in ("text", "json"):
        raise InvalidArgument(f'invalid value "{form}" for --advise: one of text, json')
    advised = advise_on_build(context.engine, options)
    if form == "json":
        document = {
            "builds": advised.builds,
            "seconds": advised.seconds,
            "advice": [
                {
                    "kind": each.kind.value,
                    "line": each.line,
                    "change": each.text,
                    "reason": each.reason,
                    "savedSeconds": each.seconds,
                    "savedBuilds": each.builds,
                }
                for each in advised.advice
            ],
        }
        context.out(json.dumps(document, ensure_ascii=False))
        return
    for each in advised.advice:
        where = f"line {each.line}: " if each.line else ""
        context.out(f"{each.seconds:>7.1f}s  {where}{each.text}")
        context.out(f"          {each.reason}")
    if not advised.builds:
        context.out("no build of these very steps has rebuilt anything yet: nothing to learn from")
    else:
        count = f"{advised.builds} build{'s' if advised.builds != 1 else ''}"
        found = "" if advised.advice else "no advice; "
        context.out(f"{found}{count} that rebuilt something took {advised.seconds:.1f}s")


def print_context(context: Context, options: BuildOptions) -> None:
    """Each path: whether builds see it, its size, and the rule that decides."""
    from wherry.engine.builds.explain import list_context

    count = total = 0
    for path in list_context(context.engine, options):
        mark = "+" if path.sent else "-"
        rule = f"  ({path.rule})" if path.rule else ""
        context.out(f"{mark} {human_size(path.size):>8}  {path.path}{rule}")
        if path.sent:
            count += 1
            total += path.size
    context.out(f"{count} paths, {human_size(total)}")
