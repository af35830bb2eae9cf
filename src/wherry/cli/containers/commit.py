"""wherry commit"""

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, FlagSet, String, Strings, Syntax

SYNTAX = Syntax("[OPTIONS] CONTAINER [REPOSITORY[:TAG]]", least=1, most=2)


class Flags(FlagSet):
    author = String("a", 'Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")')
    change = Strings("c", "Apply Dockerfile instruction to the created image")
    message = String("m", "Commit message")
    no_pause = Boolean("", "Disable pausing container during commit")
    pause = Boolean("p", "Pause container during commit", default=True)


def run(flags: Flags, context: Context) -> None:
    # --help does without the engine
    from wherry.engine.containers.commit import commit_container
    from wherry.engine.images.tag import parse_tag

    name, *tags = flags.operands
    image_id = commit_container(
        context.engine,
        name,
        parse_tag(tags[0]) if tags and tags[0] else None,
        author=flags.author,
        message=flags.message,
        changes=flags.change,
        pause=flags.pause and not flags.no_pause,
    )
    context.out(str(image_id))
