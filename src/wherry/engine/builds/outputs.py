"""`build --output`: what a build leaves behind instead of an image in the store.

image     the image in the store; what happens without --output; with push=true in registries too
registry  the same as image with push=true
local     its files in a folder          docker    an archive that `docker load` takes
tar       its files as a tar archive     oci       an OCI layout as an archive
cacheonly nothing but the cache
"""

import os
from collections.abc import Iterable, Sequence
from enum import StrEnum

from wherry.build.builder import Built
from wherry.dockerfile.mounts import split_fields
from wherry.engine.builds.annotations import Annotations
from wherry.engine.images.tag import parse_tag
from wherry.errors import InvalidArgument, Unsupported
from wherry.linux.files import write_all
from wherry.linux.openat import READABLE_DIRECTORY, opened
from wherry.oci.digest import Digest
from wherry.oci.image_config import ImageConfig
from wherry.oci.platform import Platform
from wherry.oci.reference import Reference
from wherry.store.pack import Packer
from wherry.store.snapshots import open_view
from wherry.store.store import Store
from wherry.values import dataclass, replace


class OutputType(StrEnum):
    IMAGE = "image"
    REGISTRY = "registry"
    LOCAL = "local"
    TAR = "tar"
    OCI = "oci"
    DOCKER = "docker"
    CACHE_ONLY = "cacheonly"


_IMAGES = (OutputType.IMAGE, OutputType.REGISTRY)
_TRUTHS = {"": True, "true": True, "1": True, "false": False, "0": False}


class NeedsTerminalElsewhere(InvalidArgument):
    def __init__(self, kind: str) -> None:
        super().__init__(f"dest file is required for {kind} exporter. refusing to write to console")


class NothingToPushTo(InvalidArgument):
    def __init__(self) -> None:
        super().__init__("tag is needed when pushing to registry")


@dataclass(frozen=True, slots=True)
class Output:
    """One --output. `destination` is a path, or `-` for standard output."""

    type: OutputType
    destination: str = ""
    names: tuple[Reference, ...] = ()
    push: bool = False
    as_folder: bool = False
    """Whether an archive is to be a folder instead: tar=false."""
    split: bool | None = None
    """Whether files are to be in a folder for each platform; None for more than one."""

    @property
    def has_manifest(self) -> bool:
        """Whether a manifest is made, which can be annotated."""
        return (
            self.push
            or self.type is OutputType.OCI
            or (self.type is OutputType.DOCKER and bool(self.destination))
        )

    @property
    def is_image(self) -> bool:
        """Whether it is the image in the store that is wanted."""
        return self.type in _IMAGES or (self.type is OutputType.DOCKER and not self.destination)


def outputs_of(texts: Iterable[str], *, push: bool = False, load: bool = False) -> list[Output]:
    """What --output, --push and --load ask for together; without any, the image."""
    outputs = [_parse_output(text) for text in texts]
    if push and any(output.type in _IMAGES for output in outputs):
        outputs = [
            replace(output, push=True) if output.type in _IMAGES else output for output in outputs
        ]
    elif push:
        outputs.append(Output(OutputType.IMAGE, push=True))
    if not outputs or (load and not any(output.is_image for output in outputs)):
        outputs.append(Output(OutputType.IMAGE))
    return outputs


def _parse_output(text: str) -> Output:
    """`type=local,dest=DIR` and the like, a folder alone, or `-` for a tar archive."""
    if "=" not in text:
        if text == "-":
            return _checked(Output(OutputType.TAR, "-"))
        return Output(OutputType.LOCAL, text)
    fields: dict[str, str] = {}
    for part in split_fields(text, "output"):
        key, equals, value = part.partition("=")
        if not equals:
            raise InvalidArgument(f"invalid value {part}")
        fields[key.strip().lower()] = value
    return _output(fields)


def _output(fields: dict[str, str]) -> Output:
    kind = fields.pop("type", "")
    destination = fields.pop("dest", "")
    names = tuple(parse_tag(name) for name in fields.pop("name", "").split(",") if name)
    push = _truth(fields, "push", default=False)
    as_folder = not _truth(fields, "tar", default=True)
    split = None
    if "platform-split" in fields and kind in (OutputType.LOCAL, OutputType.TAR):
        split = _truth(fields, "platform-split", default=True)
    try:
        type_ = OutputType(kind)
    except ValueError:
        raise InvalidArgument(
            f'unsupported output type "{kind}": one of {", ".join(OutputType)}'
        ) from None
    if fields:
        raise Unsupported(f'output key "{min(fields)}" is not supported')
    if push and type_ not in _IMAGES:
        raise InvalidArgument(f"push and {kind} output can't be used together")
    if as_folder and type_ not in (OutputType.OCI, OutputType.DOCKER):
        raise InvalidArgument(f"tar=false is not for {kind} output")
    if not destination and (type_ is OutputType.LOCAL or as_folder):
        raise InvalidArgument(f"dest is required for {kind} output")
    if not destination and type_ in (OutputType.TAR, OutputType.OCI):
        destination = "-"
    push = push or type_ is OutputType.REGISTRY
    return _checked(Output(type_, destination, names, push, as_folder, split))


def _truth(fields: dict[str, str], name: str, *, default: bool) -> bool:
    if name not in fields:
        return default
    text = fields.pop(name)
    truth = _TRUTHS.get(text.lower())
    if truth is None:
        raise InvalidArgument(f"non-bool value {text} specified for {name}")
    return truth


def _checked(output: Output) -> Output:
    if output.destination == "-" and os.isatty(1):
        raise NeedsTerminalElsewhere(output.type)
    return output


def write_output(
    store: Store,
    built: Built,
    output: Output,
    names: tuple[Reference, ...],
    annotations: Annotations,
) -> Digest | None:
    """Write the files, or the archive, that are asked for; of an archive its manifest's digest."""
    if output.type in (OutputType.LOCAL, OutputType.TAR):
        config = ImageConfig.from_bytes(built.document)
        folder = folder_of(config.platform) if output.split else ""
        write_files(store, [(folder, built)], output)
    elif output.type in (OutputType.OCI, OutputType.DOCKER):
        from wherry.images.archive.write import ArchiveForm, SavedImage, archive_of

        saved = SavedImage(
            document=built.document,
            layers=built.result.layers,
            names=output.names or names,
            annotations=annotations.manifest,
            descriptor_annotations=annotations.descriptor,
        )
        form = ArchiveForm.OCI if output.type is OutputType.OCI else ArchiveForm.DOCKER
        write_archive(archive_of(store, [saved], form), output)
        return Digest.of_bytes(saved.manifest)
    return None


def folder_of(platform: Platform) -> str:
    """The folder of a platform's files, as BuildKit names it."""
    return str(platform).replace("/", "_")


def write_files(store: Store, built: Sequence[tuple[str, Built]], output: Output) -> None:
    """Write the files of builds, each in the folder of that name; "" is none."""
    pieces = _files(store, built)
    (_unpack if output.type is OutputType.LOCAL else _write)(pieces, output.destination)


def write_archive(pieces: Iterable[bytes], output: Output) -> None:
    """Write an image archive where it is wanted."""
    (_unpack if output.as_folder else _write)(pieces, output.destination)


def _unpack(pieces: Iterable[bytes], folder: str) -> None:
    from wherry.build.arriving_contexts import unpack_tar

    os.makedirs(folder, exist_ok=True)
    unpack_tar(pieces, folder)


def _files(store: Store, built: Sequence[tuple[str, Built]]) -> Iterable[bytes]:
    packer = Packer(holes=False)
    for folder, each in built:
        prefix = f"{folder}/".encode() if folder else b""
        with (
            opened(open_view(store, each.result.top)) as view,
            opened(os.open(".", READABLE_DIRECTORY | os.O_CLOEXEC, dir_fd=view)) as root,
        ):
            if prefix:
                packer.folder(prefix)
            yield from packer.tree(root, prefix)
    yield from packer.end()


def _write(pieces: Iterable[bytes], destination: str) -> None:
    if destination == "-":
        for piece in pieces:
            write_all(1, piece)
        return
    if os.path.isdir(destination):
        raise InvalidArgument(f"destination file {destination} is a directory")
    if os.path.exists(destination) and not os.path.isfile(destination):
        with open(destination, "wb") as pipe:  # or a device: nothing to be replaced
            pipe.writelines(pieces)
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
