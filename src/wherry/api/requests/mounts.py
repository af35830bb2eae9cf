"""Binds, Mounts and Tmpfs of a HostConfig."""

from typing import Any

from wherry.api.fields import Fields
from wherry.api.versions import Version, parse_version
from wherry.engine.containers.options.mounts import UnknownMountType
from wherry.engine.containers.options.volumes import parse_tmpfs, parse_volume
from wherry.engine.containers.validate_mounts import InvalidMountConfig
from wherry.errors import InvalidArgument
from wherry.oci.container_config import MountRequest, MountType

_OPTIONS = {
    MountType.BIND: "BindOptions",
    MountType.VOLUME: "VolumeOptions",
    MountType.TMPFS: "TmpfsOptions",
    MountType.IMAGE: "ImageOptions",
}


class OptionsOfAnotherType(InvalidArgument):
    def __init__(self, kind: str, key: str) -> None:
        super().__init__(f'{key} must not be specified on mount type "{kind}"')


class RelativeSource(InvalidArgument):
    def __init__(self, source: str) -> None:
        super().__init__(
            f'create {source}: "{source}" includes invalid characters for a local volume name, only'
            ' "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory,'
            " use absolute path"
        )


def read_mounts(host: Fields, version: Version) -> tuple[MountRequest, ...]:
    driver = host.text("VolumeDriver")
    mounts: list[MountRequest] = []
    for text in host.texts("Binds"):
        # A path is relative to a client's folder, which is not here.
        if text.startswith((".", "~")):
            raise RelativeSource(text.partition(":")[0])
        volume = parse_volume(text, "/", {}, driver)
        if isinstance(volume, str):  # the target of one without a name
            volume = MountRequest(type=MountType.VOLUME, target=volume, volume_driver=driver)
        mounts.append(volume)
    mounts += [_mount(each, version) for each in host.objects("Mounts")]
    mounts += [parse_tmpfs(f"{target}:{text}") for target, text in host.pairs("Tmpfs").items()]
    return tuple(mounts)


def _mount(fields: Fields, version: Version) -> MountRequest:
    name = fields.text("Type")
    try:
        kind = MountType(name)
    except ValueError:
        raise UnknownMountType(name) from None
    for other, key in _OPTIONS.items():
        if other is not kind and fields.has(key) and version >= parse_version("1.42"):
            raise OptionsOfAnotherType(name, key)
    return MountRequest(
        type=kind,
        from_mount_flag=True,
        source=fields.text("Source"),
        target=fields.text("Target"),
        read_only=fields.flag("ReadOnly"),
        consistency=fields.text("Consistency"),
        **_READERS[kind](fields.inner(_OPTIONS[kind])),
    )


def _bind(options: Fields) -> dict[str, Any]:
    recursive = ""
    if options.flag("NonRecursive"):
        recursive = "disabled"
    elif options.flag("ReadOnlyNonRecursive"):
        recursive = "writable"
    elif options.flag("ReadOnlyForceRecursive"):
        recursive = "readonly"
    return {
        "propagation": options.text("Propagation"),
        "recursive": recursive,
        "create_source": options.flag("CreateMountpoint"),
    }


def _volume(options: Fields) -> dict[str, Any]:
    driver = options.inner("DriverConfig")
    return {
        "no_copy": options.flag("NoCopy"),
        "volume_labels": options.pairs("Labels"),
        "subpath": options.text("Subpath"),
        "volume_driver": driver.text("Name"),
        "volume_options": driver.pairs("Options"),
    }


def _tmpfs(options: Fields) -> dict[str, Any]:
    return {
        "tmpfs_size": options.integer("SizeBytes"),
        "tmpfs_mode": options.optional_integer("Mode", 32),
        "tmpfs_options": ",".join(map(_tmpfs_option, options.lists("Options"))),
    }


def _tmpfs_option(words: tuple[str, ...]) -> str:
    """Of the options of mount(8) Docker takes these two; each is a list with nothing but itself."""
    if words not in (("exec",), ("noexec",)):
        raise InvalidMountConfig(MountType.TMPFS, f"invalid option: {'='.join(words)}")
    return words[0]


def _image(options: Fields) -> dict[str, Any]:
    return {"subpath": options.text("Subpath")}


_READERS = {
    MountType.BIND: _bind,
    MountType.VOLUME: _volume,
    MountType.TMPFS: _tmpfs,
    MountType.IMAGE: _image,
}
