"""What a Dockerfile says, without building from it: `build --check` and `build --call`."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from wherry.build.contexts import OpenedContext, open_context
from wherry.build.graph import BuildRequest, stage_graph
from wherry.build.outline import Outline, outline_of
from wherry.engine.builds.checks import check_options, checked
from wherry.engine.builds.options import BuildOptions, asked_platform, build_arguments
from wherry.oci.platform import Platform
from wherry.store.leases import lease_of

if TYPE_CHECKING:
    from wherry.engine.engine import Engine
    from wherry.lint.linter import Report


@contextmanager
def definition(engine: "Engine", options: BuildOptions) -> Iterator[OpenedContext]:
    """The context with its Dockerfile, as a build would read them."""
    with ExitStack() as undo:
        lease = undo.enter_context(lease_of(engine.store))
        yield open_context(
            lease,
            options.context,
            options.file,
            undo,
            ignorefile=options.ignorefile,
            cwd=options.cwd,
        )


def outline(opened: OpenedContext, options: BuildOptions) -> Outline:
    """What the target can be given."""
    host = Platform.host()
    arguments = build_arguments(
        (f"{name}={value}" for name, value in options.build_args.items()), options.environ
    )
    request = BuildRequest(
        build_platform=host,
        target_platform=asked_platform(options) or host,
        target=options.target,
        build_args=arguments,
        contexts=frozenset(options.build_contexts),
    )
    return outline_of(opened.dockerfile, stage_graph(opened.dockerfile, request), arguments)


def check(engine: "Engine", opened: OpenedContext, options: BuildOptions) -> "Report":
    """What BuildKit's checks find in it."""
    asked = check_options(opened.dockerfile, options.build_args)
    return checked(engine, opened.dockerfile, opened.tree.ignore, options.platform, asked)
