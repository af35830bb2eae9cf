"""wherry push"""

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, FlagSet, String, Syntax

SYNTAX = Syntax("[OPTIONS] NAME[:TAG]", least=1, most=1)


class Flags(FlagSet):
    all_tags = Boolean("a", "Push all tags of an image to the repository")
    platform = String(
        "",
        "Push a platform-specific manifest as a single-platform image to the registry.\n"
        "'os[/arch[/variant]]': Explicit platform (eg. linux/amd64)",
    )
    quiet = Boolean("q", "Suppress verbose output")


def run(flags: Flags, context: Context) -> None:
    from wherry.cli.transfers import interruptible, report_to  # --help does without all of this
    from wherry.engine.images.push import push_image
    from wherry.oci.platform import Platform
    from wherry.oci.reference import DEFAULT_TAG, Reference

    (name,) = flags.operands
    reference = Reference.parse(name)
    if not flags.all_tags:
        if reference.is_name_only and not flags.quiet:
            context.out(f"Using default tag: {DEFAULT_TAG}")
            context.flush()
        reference = reference.with_default_tag()
    with interruptible() as transport:
        push_image(
            context.engine,
            name,
            platform=Platform.parse(flags.platform) if flags.platform else None,
            all_tags=flags.all_tags,
            report=report_to(context, quiet=flags.quiet),
            transport=transport,
        )
    if flags.quiet:
        context.out(reference.full)
