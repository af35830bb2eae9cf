"""`build --output`: what a build leaves behind instead of an image in the store.

image     the image in the store; what happens without --output
local     its files in a folder          docker    an archive that `docker load` takes
tar       its files as a tar archive     oci       an OCI layout as an archive
cacheonly nothing but the cache
"""

import os
from collections.abc import Iterable, Mapping
from enum import StrEnum

from wherry.build.builder import Built
from wherry.build.contexts import unpack_tar
from wherry.dockerfile.mounts import split_fields
from wherry.errors import InvalidArgument, Unsupported
from wherry.linux.files import write_all
from wherry.linux.openat import READABLE_DIRECTORY, opened
from wherry.oci.reference import Reference
from wherry.store.pack import Packer
from wherry.store.snapshots import open_view
from wherry.store.store import Store
from wherry.values import dataclass


class OutputType(StrEnum):
    IMAGE = "image"
    LOCAL = "local"
    TAR = "tar"
    OCI = "oci"
    DOCKER = "docker"
    CACHE_ONLY = "cacheonly"


_NEEDS_DESTINATION = (OutputType.LOCAL, OutputType.TAR, OutputType.OCI)


@dataclass(frozen=True, slots=True)
class Output:
    """One --output. `destination` is a path, or `-` for standard output."""

    type: OutputType
    destination: str = ""
    name: str = ""

    @property
    def is_image(self) -> bool:
        """Whether it is the image in the store that is wanted."""
        return self.type is OutputType.IMAGE or (
            self.type is OutputType.DOCKER and not self.destination
        )


def parse_output(text: str) -> Output:
    """`type=local,dest=DIR` and the like, a folder alone, or `-` for a tar archive."""
    if "=" not in text:
        return Output(OutputType.TAR, "-") if text == "-" else Output(OutputType.LOCAL, text)
    fields: dict[str, str] = {}
    for part in split_fields(text, "output"):
        key, equals, value = part.partition("=")
        if not equals:
            raise InvalidArgument(f"invalid value {part}")
        fields[key.strip().lower()] = value
    return _output(fields)


def _output(fields: Mapping[str, str]) -> Output:
    kind = fields.get("type", "")
    if kind == "registry" or fields.get("push", "false") == "true":
        raise Unsupported("a build is not pushed: push it with wherry push NAME")
    try:
        output = Output(OutputType(kind), fields.get("dest", ""), fields.get("name", ""))
    except ValueError:
        raise InvalidArgument(
            f'unsupported output type "{kind}": one of {", ".join(OutputType)}'
        ) from None
    if unknown := set(fields) - {"type", "dest", "name", "push"}:
        raise Unsupported(f'output key "{min(unknown)}" is not supported')
    if output.type in _NEEDS_DESTINATION and not output.destination:
        raise InvalidArgument(f"dest is required for {kind} output")
    return output


def write_output(store: Store, built: Built, output: Output, names: tuple[Reference, ...]) -> None:
    """Write the files, or the archive, that are asked for."""
    if output.type is OutputType.LOCAL:
        os.makedirs(output.destination, exist_ok=True)
        unpack_tar(_files(store, built), output.destination)
    elif output.type is OutputType.TAR:
        _write(_files(store, built), output.destination)
    elif output.type in (OutputType.OCI, OutputType.DOCKER):
        _write(_archive(store, built, output, names), output.destination)


def _files(store: Store, built: Built) -> Iterable[bytes]:
    packer = Packer(holes=False)
    with (
        opened(open_view(store, built.result.top)) as view,
        opened(os.open(".", READABLE_DIRECTORY | os.O_CLOEXEC, dir_fd=view)) as root,
    ):
        yield from packer.tree(root)
        yield from packer.end()


def _archive(
    store: Store, built: Built, output: Output, names: tuple[Reference, ...]
) -> Iterable[bytes]:
    from wherry.images.archive.write import ArchiveForm, SavedImage, archive_of

    given = tuple(
        Reference.parse(name).with_default_tag() for name in output.name.split(",") if name
    )
    saved = SavedImage(document=built.document, layers=built.result.layers, names=given or names)
    form = ArchiveForm.OCI if output.type is OutputType.OCI else ArchiveForm.DOCKER
    return archive_of(store, [saved], form)


def _write(pieces: Iterable[bytes], destination: str) -> None:
    if destination == "-":
        for piece in pieces:
            write_all(1, piece)
        return
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    temporary = f"{destination}.{os.getpid()}"
    try:
        with opened(os.open(temporary, flags, 0o644)) as file:
            for piece in pieces:
                write_all(file, piece)
        os.rename(temporary, destination)
    except BaseException:
        if os.path.lexists(temporary):
            os.unlink(temporary)
        raise
