"""`--build-context NAME=...`: files or images that a Dockerfile reads under a name.

PATH                             a folder, read in place
docker-image://NAME              an image; scratch is none
oci-layout://PATH[:TAG][@DIGEST] an image in an image layout
https://....git#REF:FOLDER       a git repository, also as git://, ssh:// and git@
https://...                      one file, called `context`
"""

import os
from contextlib import ExitStack

from wherry.build.contexts import open_named_context
from wherry.build.progress import Report, vertex
from wherry.build.source_trees import SourceTree
from wherry.build.urls import is_remote, redacted
from wherry.engine.builds.bases import LAYOUT
from wherry.errors import InvalidArgument
from wherry.oci.reference import InvalidReference, Reference
from wherry.store.leases import Lease

_IMAGE = "docker-image://"


class InvalidContextName(InvalidArgument):
    def __init__(self, name: str) -> None:
        super().__init__(f"invalid context name {name}: it must be what an image could be called")


class UnknownContext(InvalidArgument):
    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"unsupported context source {text.partition(':')[0]} for {name}")


def named_context(
    lease: Lease, name: str, text: str, undo: ExitStack, *, report: Report, cwd: str = ""
) -> SourceTree | str:
    """The context's files, or the name of its image as bases are resolved."""
    try:
        Reference.parse(name)
    except InvalidReference:
        raise InvalidContextName(name) from None
    if text.startswith(_IMAGE):
        image = text.removeprefix(_IMAGE)
        return image if image == "scratch" else str(Reference.parse(image))
    if text.startswith(LAYOUT):
        return LAYOUT + os.path.join(cwd or os.getcwd(), text.removeprefix(LAYOUT))
    if is_remote(text):
        from wherry.build.arriving_contexts import fetched_context  # what few builds have

        with vertex(report, f"[context {name}] {redacted(text)}"):
            return fetched_context(lease, text, name, undo)
    if "://" in text:
        raise UnknownContext(name, text)
    return open_named_context(os.path.join(cwd or os.getcwd(), text), name, undo)
