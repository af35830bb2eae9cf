"""A base image should be of the platform that is built for.

Only where the image is known: the engine has it, or the build has pulled it.

Bad (with debian:12 here for linux/s390x, and building for linux/amd64):

    FROM debian:12

Good:

    FROM --platform=linux/s390x debian:12
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import From
from wherry.errors import InvalidArgument
from wherry.go_text import quoted
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule
from wherry.oci.platform import Platform


def check(document: Document, options: Options) -> Iterator[Hit]:
    known = options.surroundings_of(document.source.name)
    for step, base in document.froms:
        if step.number not in known.platforms:
            continue
        expected = _expected(base, known.platform)
        actual = Platform.parse(known.platforms[step.number])
        if expected is not None and expected != actual:
            yield Hit(
                step,
                f"Base image {base.image.text} was pulled with platform {quoted(str(actual))}, "
                f"expected {quoted(str(expected))} for current build",
                base.image.span,
            )


def _expected(base: From, target: str) -> Platform | None:
    """What FROM asks for; None where a variable says so that only a build knows."""
    text = base.platform.text if base.platform else ""
    if text in ("$BUILDPLATFORM", "${BUILDPLATFORM}"):
        return Platform.host()
    if text in ("$TARGETPLATFORM", "${TARGETPLATFORM}"):
        text = ""
    if "$" in text:
        return None
    try:
        text = text or target
        return Platform.parse(text) if text else Platform.host()
    except InvalidArgument:
        return None


RULE = Rule(
    "InvalidBaseImagePlatform",
    Level.WARNING,
    "Base image platform does not match expected target platform",
    check,
)
