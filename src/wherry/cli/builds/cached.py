"""Builds of which all is in the cache: a fork of the launcher does them in a fraction of the time.

    client                           fork of the launcher (`warm_command`)
    words, environment, folder ───>  the build, keeping what it would show to itself, until
             begun, its output <───  all steps were found and the image is committed; or
                      declined <───  a step has to be carried out, something has to be fetched, an
                                     error would be told, or half a second has passed

What was declined the client does itself: a step that is carried out has the client's terminal,
keys, limits and control groups, and nobody can tell a build from one without a launcher.

Not every machine builds: a launcher loads the builder once the file `BUILDS` is in its run folder,
which the first build puts there.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

    from wherry.build.progress import Event
    from wherry.cli.builds.build import Flags
    from wherry.cli.builds.display import Display
    from wherry.cli.context import Context
    from wherry.engine.builds.build import BuiltImage
    from wherry.engine.builds.options import BuildOptions

BUILDS = "builds"
BUILDER = (
    *("wherry.cli.builds.build", "wherry.cli.builds.tree", "wherry.cli.builds.warnings"),
    *("wherry.engine.builds.build", "wherry.engine.builds.surroundings"),
)
"""Modules that a launcher which holds the builder has loaded."""

_LONGEST = 0.5  # seconds; who waits longer wants to see what for
# The flags that a build may have. Others fetch, carry out, write or read elsewhere.
_FLAGS = frozenset(
    (
        *("add_host", "allow", "build_arg", "compress", "cpu_shares", "file", "force_rm"),
        *("iidfile", "ignorefile", "label", "load", "memory", "memory_swap", "metadata_file"),
        *("network", "platform", "progress", "provenance", "quiet", "rm", "sbom", "shm_size"),
        *("tag", "target", "ulimit"),
    )
)


def may_be_cached(flags: "Flags") -> bool:
    """Whether a build is worth the question: of a folder, with nothing that takes long."""
    given = all(name in _FLAGS for name in flags.given_names)
    return given and flags.file != "-" and os.path.isdir(flags.operands[0])


def build_in_launcher(context: "Context") -> bool:
    """Have the launcher do the build; False when that is left to this process."""
    from wherry.cli.warm_client import run_in_launcher
    from wherry.store.places import root_path, run_path

    root = root_path(context.root)
    if not os.path.exists(f"{run_path(root, context.run)}/{BUILDS}"):
        return False
    return run_in_launcher(context.words, context, only_cached=True)


def keep_builder_warm(context: "Context") -> None:
    """Have a launcher hold the builder for the next build, and start one if none is there."""
    from wherry.shim.client import Launcher
    from wherry.store.places import root_path, run_path

    root = root_path(context.root)
    run = run_path(root, context.run)
    try:
        os.close(os.open(f"{run}/{BUILDS}", os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except OSError:
        return  # it only saves time
    Launcher(root, run).ensure_started()


def build_if_cached(
    context: "Context", options: "BuildOptions", display: "Display"
) -> "tuple[BuiltImage, list[Event]]":
    """In a fork of the launcher: the image and what there is to show of its build, or Declined.

    `display` is told the warnings only; these it keeps to itself until it is closed.
    """
    import signal

    from wherry.build.stage import NotCached
    from wherry.cli.context import Declined
    from wherry.engine.builds.build import build_image
    from wherry.errors import WherryError

    def decline(_number: int, _frame: "FrameType | None") -> None:
        raise Declined

    events: list[Event] = []
    signal.signal(signal.SIGALRM, decline)
    signal.setitimer(signal.ITIMER_REAL, _LONGEST)
    try:
        image = build_image(
            context.engine, options, events.append, warned=display.warned, only_cached=True
        )
    except (NotCached, WherryError, OSError) as error:
        raise Declined from error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return image, events
