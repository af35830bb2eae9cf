"""Host names in the options of volumes over the network: the kernel knows addresses only.

As Docker's local driver has it: of `nfs` and `cifs` the option addr=, of `cifs` without that the
host in the device.
"""

import socket
from urllib.parse import unquote_plus, urlsplit

_NETWORKED = ("nfs", "nfs4", "cifs")


class UnknownHost(Exception):
    """In Docker's words."""


def with_addresses(kind: str, device: str, data: str) -> tuple[str, str]:
    """Device and data for mount(2), numbers in place of names, or UnknownHost."""
    if kind not in _NETWORKED:
        return device, data
    options = data.split(",")
    for number, option in enumerate(options):
        key, _, host = option.partition("=")
        if key == "addr" and host:
            options[number] = f"addr={_address(host)}"
            return device, ",".join(options)
    if kind != "cifs":
        return device, data
    server = urlsplit(device).hostname
    if not server:
        return device, data
    return unquote_plus(device.replace(f"//{server}", f"//{_address(server)}", 1)), data


def _address(host: str) -> str:
    """Of IPv4 if there is one."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise UnknownHost(f"lookup {host}: no such host") from error
    return str(min(found, key=lambda each: each[0] != socket.AF_INET)[4][0])
