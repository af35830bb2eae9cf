"""wherry pull"""

import os

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, FlagSet, String, Syntax

SYNTAX = Syntax("[OPTIONS] NAME[:TAG|@DIGEST]", least=1, most=1)


class Flags(FlagSet):
    all_tags = Boolean("a", "Download all tagged images in the repository")
    platform = String("", "Set platform if server is multi-platform capable")
    quiet = Boolean("q", "Suppress verbose output")


def run(flags: Flags, context: Context) -> None:
    from wherry.cli.transfers import interruptible, report_to  # --help does without all of this
    from wherry.engine.images.pull import pull_image
    from wherry.oci.platform import Platform
    from wherry.oci.reference import DEFAULT_TAG, Reference

    (name,) = flags.operands
    reference = Reference.parse(name)
    wanted = flags.platform or os.environ.get("DOCKER_DEFAULT_PLATFORM", "")
    platform = Platform.parse(wanted) if wanted else None
    if not flags.all_tags:
        if reference.is_name_only and not flags.quiet:
            context.out(f"Using default tag: {DEFAULT_TAG}")
            context.flush()
        reference = reference.with_default_tag()
    with interruptible() as transport:
        pull_image(
            context.engine,
            name,
            platform=platform,
            all_tags=flags.all_tags,
            report=report_to(context, quiet=flags.quiet),
            transport=transport,
        )
    context.out(reference.full)
