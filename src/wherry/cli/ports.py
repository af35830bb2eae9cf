"""The PORTS column: ports in ranges, then those that have another number on the host.

    81/udp, 0.0.0.0:8000-8003->8000-8003/tcp, 127.0.0.1:8080->80/tcp

A range is closed, and shown, where the next port of the same address and protocol leaves a gap;
what is still open at the end follows in the order in which it began. That is Docker's order.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Port = tuple[int, str, int, str]  # port inside, address, port on the host, protocol
Place = tuple[str, str]  # address and protocol


def ports_text(ports: "Iterable[Mapping[str, object]]") -> str:
    """What Docker's `ps` shows of the entries of a summary's Ports."""
    closed: list[str] = []
    open_ranges: dict[Place, tuple[int, int]] = {}
    remapped: list[str] = []
    for inside, address, outside, protocol in sorted(map(_port, ports)):
        if address and outside != inside:
            remapped.append(f"{_host(address)}:{outside}->{inside}/{protocol}")
            continue
        place = (address, protocol)
        first, last = open_ranges.get(place, (inside, inside - 1))
        if inside != last + 1:
            closed.append(_range_text(place, first, last))
            first = inside
        open_ranges[place] = (first, inside)
    still_open = [_range_text(place, *ends) for place, ends in open_ranges.items()]
    return ", ".join([*closed, *still_open, *remapped])


def _port(entry: "Mapping[str, object]") -> Port:
    return (
        int(str(entry["PrivatePort"])),
        str(entry.get("IP", "")),
        int(str(entry.get("PublicPort", 0))),
        str(entry["Type"]),
    )


def _range_text(place: Place, first: int, last: int) -> str:
    address, protocol = place
    numbers = str(first) if first == last else f"{first}-{last}"
    return (
        f"{_host(address)}:{numbers}->{numbers}/{protocol}" if address else f"{numbers}/{protocol}"
    )


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address
