"""Links of the caller's network namespace that become the container's.

https://github.com/opencontainers/runtime-spec/blob/v1.3.0/config-linux.md#network-devices

The kernel takes a link down and forgets its addresses when it changes its namespace. Nobody brings
it back: with the namespace a virtual link ends, and a physical one returns by itself.
"""

import errno
import os
from collections.abc import Mapping

from wherry.linux import netlink
from wherry.linux.interface_names import INTERFACE_NAME_LENGTH
from wherry.linux.netlink import RouteSocket
from wherry.linux.openat import opened
from wherry.oci.runtime_spec import NetDevice
from wherry.runtime.errors import ContainerStartFailed
from wherry.runtime.init.steps import step


def is_link_name(name: str) -> bool:
    """Whether a link may be called so, dev_valid_name() in net/core/dev.c."""
    return (
        0 < len(os.fsencode(name)) <= INTERFACE_NAME_LENGTH
        and name not in (".", "..")
        and not any(letter in "/:\0" or letter.isspace() for letter in name)
    )


def move_devices(pid: int, devices: Mapping[str, NetDevice]) -> None:
    """Move links into the network namespace of `pid`, with their lasting addresses, and up."""
    if not devices:
        return
    with (
        opened(os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)) as namespace,
        RouteSocket() as here,
        RouteSocket(namespace) as there,
    ):
        for name, device in devices.items():
            with step(f"moving network device {name}"):
                _move(name, device.name or name, here, there, namespace)


def _move(name: str, new_name: str, here: RouteSocket, there: RouteSocket, namespace: int) -> None:
    link = here.link(name)
    if link is None:
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
    if there.link(new_name) is not None:
        raise ContainerStartFailed(
            f"moving network device {name}", f"the container has a {new_name} already"
        )
    addresses = here.lasting_addresses(link.index)
    held = {one.index for one in there.links()} if "%d" in new_name else set()
    here.request(netlink.move_link(link.index, new_name, namespace))
    # It keeps its number where that is free, and its name is the kernel's choice under a %d.
    moved = (
        next(one for one in there.links() if one.index not in held)
        if "%d" in new_name
        else there.link(new_name)
    )
    assert moved is not None
    there.request(
        *(netlink.new_address(moved.index, address) for address in addresses),
        netlink.set_link_up(moved.name),
    )
