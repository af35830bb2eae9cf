"""What a container's document means when a client of an older version sends it."""

from wherry.api.fields import Fields
from wherry.api.versions import Version, parse_version
from wherry.errors import InvalidArgument
from wherry.oci.container_config import ContainerConfig, MountRequest, MountType
from wherry.values import replace

_1_25, _1_40, _1_41, _1_42, _1_43, _1_44, _1_45, _1_48 = map(
    parse_version, ("1.25", "1.40", "1.41", "1.42", "1.43", "1.44", "1.45", "1.48")
)


def check_older(fields: Fields, host: Fields, version: Version) -> None:
    """Refuse what only newer versions have, where leaving it out would mean something else."""
    endpoints = fields.inner("NetworkingConfig").named_objects("EndpointsConfig")
    if version < _1_44 and len(endpoints) > 1:
        names = ", ".join(sorted(endpoints))
        raise InvalidArgument(
            f"Container cannot be created with multiple network endpoints: {names}"
        )
    for mount in host.objects("Mounts"):
        if version < _1_44 and mount.inner("BindOptions").flag("ReadOnlyForceRecursive"):
            raise InvalidArgument("BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer")
        if version < _1_45 and mount.inner("VolumeOptions").text("Subpath"):
            raise InvalidArgument("VolumeOptions.Subpath needs API v1.45 or newer")
        if version < _1_48 and mount.text("Type") == "image":
            raise InvalidArgument('Mount type "Image" needs API v1.48 or newer')


def as_older(config: ContainerConfig, version: Version) -> ContainerConfig:
    """The container with the defaults of that version, without the fields that came since."""
    if version < _1_25:
        config = replace(config, auto_remove=False)  # which was the client's part
    if version < _1_40 and not config.ipc_mode:
        config = replace(config, ipc_mode="shareable")
    if version < _1_41:
        config = replace(config, platform="")
    if version < _1_42:
        config = replace(config, console_size=())
    if version < _1_43:
        config = replace(config, annotations={})
    if version < _1_44:
        config = replace(config, mounts=tuple(_as_older(each, version) for each in config.mounts))
        if config.healthcheck is not None:
            config = replace(config, healthcheck=replace(config.healthcheck, start_interval=0))
    if version < _1_48:
        networks = tuple(replace(each, gateway_priority=0) for each in config.networks)
        config = replace(config, networks=networks)
    return config


def _as_older(mount: MountRequest, version: Version) -> MountRequest:
    if version < _1_42 and mount.from_mount_flag:
        mount = replace(mount, create_source=False)
    if version < _1_40 and mount.recursive == "disabled":
        mount = replace(mount, recursive="")
    if mount.type is MountType.BIND and mount.read_only and not mount.recursive:
        mount = replace(mount, recursive="writable")  # what is mounted below was left as it is
    return mount
