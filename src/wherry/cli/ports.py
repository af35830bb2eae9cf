"""The PORTS column, as docker writes it.

First the ports that have the same number on both sides, or only one inside, folded into ranges;
then those that lead from one number to another, each by itself.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Port = tuple[int, str, int, str]  # port inside, address and port on the host, protocol


def ports_text(ports: "Iterable[Mapping[str, object]]") -> str:
    """What Docker's `ps` shows of the entries of a summary's Ports."""
    ranges: list[tuple[str, str, int, int]] = []
    open_ranges: dict[tuple[str, str], tuple[int, int]] = {}
    single: list[str] = []
    for inside, address, outside, protocol in sorted(map(_port, ports)):
        key = (address, protocol)
        if address and outside != inside:
            single.append(f"{_host(address)}:{outside}->{inside}/{protocol}")
        elif key not in open_ranges:
            open_ranges[key] = (inside, inside)
        elif inside == open_ranges[key][1] + 1:
            open_ranges[key] = (open_ranges[key][0], inside)
        else:
            ranges.append((*key, *open_ranges[key]))
            open_ranges[key] = (inside, inside)
    ranges += [(*key, first, last) for key, (first, last) in open_ranges.items()]
    return ", ".join([*(_range_text(*each) for each in ranges), *single])


def _port(port: "Mapping[str, object]") -> Port:
    outside = int(str(port.get("PublicPort") or 0))
    address = str(port.get("IP", "")) if outside else ""
    return int(str(port["PrivatePort"])), address, outside, str(port["Type"])


def _range_text(address: str, protocol: str, first: int, last: int) -> str:
    text = str(first) if first == last else f"{first}-{last}"
    return f"{_host(address)}:{text}->{text}/{protocol}" if address else f"{text}/{protocol}"


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address
