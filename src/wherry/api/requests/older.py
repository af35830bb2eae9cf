"""What a container's document means when a client of an older version sends it."""

from wherry.api.fields import Fields
from wherry.api.versions import Version, parse_version
from wherry.errors import InvalidArgument
from wherry.oci.container_config import ContainerConfig
from wherry.values import replace

_1_40, _1_41, _1_43, _1_44, _1_48 = map(parse_version, ("1.40", "1.41", "1.43", "1.44", "1.48"))


def check_older(fields: Fields, host: Fields, version: Version) -> None:
    """Refuse what only newer versions have, where leaving it out would mean something else."""
    endpoints = fields.inner("NetworkingConfig").named_objects("EndpointsConfig")
    if version < _1_44 and len(endpoints) > 1:
        names = ", ".join(sorted(endpoints))
        raise InvalidArgument(f"Container cannot be connected to network endpoints: {names}")
    for mount in host.objects("Mounts"):
        if version < _1_44 and mount.inner("BindOptions").flag("ReadOnlyForceRecursive"):
            raise InvalidArgument("BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer")
        if version < _1_48 and mount.text("Type") == "image":
            raise InvalidArgument('Mount type "image" needs API v1.48 or newer')


def as_older(config: ContainerConfig, version: Version) -> ContainerConfig:
    """The container with the defaults of that version, without the fields that came since."""
    if version < _1_40 and not config.ipc_mode:
        config = replace(config, ipc_mode="shareable")
    if version < _1_41:
        config = replace(config, platform="")
    if version < _1_43:
        config = replace(config, annotations={})
    if version < _1_44 and config.healthcheck is not None:
        config = replace(config, healthcheck=replace(config.healthcheck, start_interval=0))
    return config
