"""What the answer to a client's document warns of, beside what the engine does."""

from wherry.api.fields import Fields
from wherry.api.versions import Version, parse_version

_1_40, _1_42, _1_44, _1_48 = map(parse_version, ("1.40", "1.42", "1.44", "1.48"))


def request_warnings(fields: Fields, version: Version) -> list[str]:
    """Of POST /containers/create."""
    host = fields.inner("HostConfig")
    found = resource_warnings(host, version)
    if version >= _1_48 and host.text("VolumeDriver") and _has_driverless_mount(host):
        found.append(
            "WARNING: the container-wide volume-driver configuration is ignored for volumes"
            " specified via 'mount'. Use '--mount type=volume,volume-driver=...' instead"
        )
    if version >= _1_44 and fields.text("MacAddress"):
        found.append(
            "The container-wide MacAddress field is now deprecated. It should be specified in"
            " EndpointsConfig instead."
        )
    return found


def resource_warnings(resources: Fields, version: Version) -> list[str]:
    """Limits that only other systems or older kernels have; of an update, too."""
    found = []
    # Later versions have no such field.
    if version < _1_42 and resources.integer("KernelMemory") > 0:
        found.append(_discarded("kernel memory limit"))
    if version >= _1_40 and resources.integer("KernelMemoryTCP") > 0:
        found.append(_discarded("kernel memory TCP limit"))
    if resources.integer("CpuPercent") > 0:
        found.append("linux does not support CPU percent. Percent discarded.")
    if resources.integer("CpuCount") > 0:
        found.append("linux does not support CPU count. Count discarded.")
    return found


def _discarded(what: str) -> str:
    return (
        f"Your kernel does not support {what} capabilities or the cgroup is not mounted."
        " Limitation discarded."
    )


def _has_driverless_mount(host: Fields) -> bool:
    return any(
        mount.text("Type") == "volume"
        and not mount.inner("VolumeOptions").inner("DriverConfig").text("Name")
        for mount in host.objects("Mounts")
    )
