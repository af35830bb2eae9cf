"""What of a HostConfig this engine does not do, or no engine on Linux: refused, never ignored."""

from wherry.api.fields import Fields
from wherry.errors import InvalidArgument, Unsupported

_OF_WINDOWS = (("IOMaximumBandwidth", "maximum bandwidth"), ("IOMaximumIOps", "maximum IOPs"))
# Of Resources what Docker takes when a container is made and at no other time.
_FIXED = (
    *("CgroupParent", "BlkioWeightDevice", "BlkioDeviceReadBps", "BlkioDeviceWriteBps"),
    *("BlkioDeviceReadIOps", "BlkioDeviceWriteIOps", "Devices", "DeviceCgroupRules"),
    *("DeviceRequests", "OomKillDisable", "Ulimits"),
)


def refuse_unsupported(host: Fields) -> None:
    for request in host.objects("DeviceRequests"):
        _refuse_device(request)
    isolation = host.text("Isolation")
    if isolation not in ("", "default"):
        raise InvalidArgument(f"invalid isolation ({isolation}): linux only supports 'default'")
    if host.text("Cgroup"):
        raise Unsupported("a container cannot join another one's control group")
    _refuse_windows(host)


def refuse_unchangeable(resources: Fields) -> None:
    """Of the body of an update what a container cannot be given any more."""
    for key in _FIXED:
        if resources.raw(key):
            raise InvalidArgument(f"{key} of a container cannot be changed once it is made")
    # -1 is how clients write that they say nothing.
    if resources.optional_integer("MemorySwappiness") not in (None, -1):
        raise InvalidArgument("MemorySwappiness of a container cannot be changed once it is made")
    _refuse_windows(resources)


def _refuse_device(request: Fields) -> None:
    driver = request.text("Driver")
    raw = request.raw("Capabilities")
    sets = raw if isinstance(raw, list) else []
    shown = " ".join(f"[{' '.join(map(str, each))}]" for each in sets if isinstance(each, list))
    raise Unsupported(f'could not select device driver "{driver}" with capabilities: [{shown}]')


def _refuse_windows(resources: Fields) -> None:
    for key, what in _OF_WINDOWS:
        if resources.integer(key):
            raise InvalidArgument(
                f"invalid option: QoS {what} configuration is not supported on linux"
            )
