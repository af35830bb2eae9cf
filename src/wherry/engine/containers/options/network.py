"""--network in both forms, and the flags that speak of the first network or of names."""

from collections.abc import Mapping

from wherry.engine.containers.options.units import parse_integer
from wherry.engine.containers.options.values import EngineRefusal, InvalidFlagValue, Options
from wherry.errors import InvalidArgument
from wherry.go_text import quoted
from wherry.network.names import parse_dns_search, parse_extra_host
from wherry.network.requests import parse_ip, parse_mac
from wherry.oci.container_config import NetworkAttachment
from wherry.values import dataclass, field, replace

PREDEFINED = frozenset(("default", "bridge", "host", "none"))


def is_user_defined(mode: str) -> bool:
    return mode not in PREDEFINED and not mode.startswith("container:")


@dataclass(frozen=True, kw_only=True, slots=True)
class Networking:
    """What the flags say about the network."""

    mode: str = "default"
    networks: tuple[NetworkAttachment, ...] = ()
    mac_address: str = ""
    links: tuple[str, ...] = field(default=())


def read_networking(options: Options) -> Networking:
    mac_address = options.text("mac_address")
    if mac_address:
        mac_address = parse_mac(mac_address)
    links = tuple(options.all_parsed("link", checked_link, ":"))
    wanted = _requested(options)
    first = _with_general_options(wanted[0], options, mac_address, links)
    attachments = (first, *wanted[1:])
    _check_mixture(attachments)
    if first == NetworkAttachment(network="default"):
        attachments = ()
    return Networking(
        mode=first.network, networks=attachments, mac_address=mac_address, links=links
    )


def _requested(options: Options) -> list[NetworkAttachment]:
    attachments = []
    for name in ("network", "net"):
        value = options.raw(name)
        if isinstance(value, Mapping):
            value = [value]
        for item in value if isinstance(value, (list, tuple)) else options.texts(name):
            text = network_text(item) if isinstance(item, Mapping) else str(item)
            if not text.strip():
                raise InvalidArgument("no name set for network")
            attachments.append(options.one("network", text, parse_network))
    return attachments or [NetworkAttachment(network="default")]


def network_text(value: Mapping[str, object]) -> str:
    """A mapping such as `{"name": "web", "alias": ["a", "b"]}` in the form of the flag."""
    parts = []
    for key, item in value.items():
        items = item if isinstance(item, (list, tuple)) else [item]
        parts += [f"{key.replace('_', '-')}={word}" for word in items]
    return ",".join(parts)


def parse_network(text: str) -> NetworkAttachment:
    """`web`, or `name=web,alias=a,alias=b,ip=10.0.0.2`; ValueError with Docker's words."""
    first = text.split(",", 1)[0]
    if "=" not in first:
        if "," in text:
            raise ValueError(f"invalid field {text.split(',', 1)[0]}")
        return NetworkAttachment(network=text)
    attachment = NetworkAttachment(network="")
    for part in text.split(","):
        key, equals, value = part.partition("=")
        if not equals or not key:
            raise ValueError(f"invalid field {part}")
        attachment = _with_key(attachment, key.strip().lower(), value.strip())
    if not attachment.network:
        raise ValueError("network name/id is not specified")
    return attachment


def _with_key(attachment: NetworkAttachment, key: str, value: str) -> NetworkAttachment:
    if key == "name":
        return replace(attachment, network=value)
    if key == "alias":
        return replace(attachment, aliases=(*attachment.aliases, value))
    if key in ("ip", "ip4"):
        return replace(attachment, ipv4_address=value)
    if key == "ip6":
        return replace(attachment, ipv6_address=value)
    if key == "mac-address":
        return replace(attachment, mac_address=parse_mac(value))
    if key == "link-local-ip":
        return replace(attachment, link_local_ips=(*attachment.link_local_ips, value))
    if key == "driver-opt":
        name, equals, word = value.partition("=")
        if not equals or not name:
            raise ValueError("invalid key/value pair format in driver options")
        driver_options = {**attachment.driver_options, name.strip().lower(): word.strip()}
        return replace(attachment, driver_options=driver_options)
    if key == "gw-priority":
        try:
            return replace(attachment, gateway_priority=parse_integer(value))
        except ValueError:
            raise ValueError(f"invalid gw-priority ({value}): invalid syntax") from None
    raise ValueError(f"invalid field key {key}")


def _link_local_addresses(options: Options) -> tuple[str, ...]:
    texts = options.texts("link_local_ip")
    try:
        return tuple(map(parse_ip, texts))
    except (ValueError, InvalidArgument):
        shown = " ".join(texts)
        raise InvalidArgument(f"invalid link-local IP address: [{shown}]") from None


def _with_general_options(
    attachment: NetworkAttachment, options: Options, mac_address: str, links: tuple[str, ...]
) -> NetworkAttachment:
    """The first network takes the flags that stood for the only one, once."""
    aliases = (*options.texts("network_alias"), *options.texts("net_alias"))
    local = _link_local_addresses(options)
    if (aliases or attachment.aliases) and not is_user_defined(attachment.network):
        raise InvalidArgument("network-scoped aliases are only supported for user-defined networks")
    ipv4, ipv6 = options.text("ip"), options.text("ip6")
    for mine, flag, theirs in (
        (attachment.aliases and aliases, "--network-alias", "alias"),
        (attachment.ipv4_address and ipv4, "--ip", "IPv4 address"),
        (attachment.ipv6_address and ipv6, "--ip6", "IPv6 address"),
        (attachment.mac_address and mac_address, "--mac-address", "MAC address"),
        (attachment.link_local_ips and local, "--link-local-ip", "link-local IP addresses"),
    ):
        if mine:
            raise InvalidArgument(
                f"conflicting options: cannot specify both {flag} and per-network {theirs}"
            )
    return replace(
        attachment,
        aliases=attachment.aliases or aliases,
        ipv4_address=attachment.ipv4_address or ipv4,
        ipv6_address=attachment.ipv6_address or ipv6,
        mac_address=attachment.mac_address or mac_address,
        link_local_ips=attachment.link_local_ips or local,
        links=links if is_user_defined(attachment.network) else (),
    )


def _check_mixture(attachments: tuple[NetworkAttachment, ...]) -> None:
    seen: set[str] = set()
    for attachment in attachments:
        if attachment.network in seen:
            name = quoted(attachment.network)
            raise InvalidArgument(f"network {name} is specified multiple times")
        seen.add(attachment.network)
    if len({is_user_defined(name) for name in seen}) > 1:
        raise InvalidArgument(
            "conflicting options: cannot attach both user-defined and non-user-defined"
            " network-modes"
        )
    if len(seen) > 1 and not all(map(is_user_defined, seen)):
        raise EngineRefusal(
            "Container cannot be connected to network endpoints: " + ", ".join(sorted(seen))
        )


def read_dns(options: Options) -> dict[str, tuple[str, ...]]:
    return {
        "dns": tuple(options.all_parsed("dns", parse_ip)),
        "dns_options": tuple(
            _one_line(name, text)
            for name in ("dns_option", "dns_opt")
            for text in options.texts(name)
        ),
        "dns_search": tuple(options.all_parsed("dns_search", parse_dns_search)),
        "extra_hosts": tuple(options.all_parsed("add_host", parse_extra_host, ":")),
    }


def _one_line(name: str, text: str) -> str:
    # A line break would write a line of its own into resolv.conf or hosts.
    if any(character.isspace() for character in text):
        raise InvalidFlagValue(name, text, f"{text!r} holds a blank or a line break")
    return text


def checked_link(text: str) -> str:
    """`container[:alias]`."""
    if not text:
        raise ValueError("empty string specified for links")
    parts = text.split(":")
    if len(parts) > 2:
        raise ValueError(f"bad format for links: {text}")
    return text
