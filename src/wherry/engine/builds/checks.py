"""BuildKit's checks in a build: warnings for whoever wants to hear them, or what fails it.

`# check=skip=A,B;error=true`, or the build argument in its place, says which and whether they are
errors.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from wherry.build.errors import failed, place_of
from wherry.build.order import BuildOrder
from wherry.dockerfile.directives import CheckOptions, parse_check
from wherry.dockerfile.dockerfile import Dockerfile
from wherry.dockerfile.ignorefile import IgnoreFile
from wherry.dockerfile.source import Span
from wherry.errors import InvalidArgument

if TYPE_CHECKING:
    from wherry.engine.engine import Engine
    from wherry.lint.linter import Report

ARGUMENT = "BUILDKIT_DOCKERFILE_CHECK"
_TOP = Span(0, 0)

Warned = Callable[["Report"], None]
"""Told what the checks find, before a step runs."""


class ChecksViolated(InvalidArgument):
    """In BuildKit's words."""

    def __init__(self, report: "Report") -> None:
        codes = dict.fromkeys(finding.code for finding in report.findings)
        super().__init__(f"lint violation found for rules: {', '.join(codes)}")
        self.report = report


def check_options(dockerfile: Dockerfile, build_args: Mapping[str, str]) -> CheckOptions:
    """What is asked of the checks; InvalidArgument for what they do not know."""
    return parse_check(build_args.get(ARGUMENT, "") or dockerfile.directive("check"))


def check_build(
    engine: "Engine", order: BuildOrder, platform: str, warned: Warned | None = None
) -> None:
    """Tell `warned` what the checks find; BuildFailed if that is to be an error.

    Without anybody to tell, and where nothing is to fail, nothing is looked at.
    """
    source = order.dockerfile.source
    try:
        options = check_options(order.dockerfile, order.build_args)
        if warned is None and not options.error:
            return
        report = checked(engine, order.dockerfile, order.context.ignore, platform, options)
        if report.findings and warned is not None:
            warned(report)
        if report.findings and options.error:
            raise ChecksViolated(report)
    except InvalidArgument as error:
        raise failed(error, "", place_of(source, _TOP)) from error


def checked(
    engine: "Engine",
    dockerfile: Dockerfile,
    ignore: IgnoreFile | None,
    platform: str,
    options: CheckOptions,
) -> "Report":
    """What the checks find; of base images they know those that are here."""
    # The linter, for builds that somebody looks at.
    from wherry.engine.builds.surroundings import bases_of
    from wherry.lint.document import read_document
    from wherry.lint.linter import check_for_build

    source = dockerfile.source
    known = bases_of(engine, read_document(source), platform=platform)
    return check_for_build(source, ignore, known, options)
