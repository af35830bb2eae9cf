"""The PORTS column: published ports folded into ranges, then those that are only exposed."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Port = tuple[str, int, int, str]  # address, port on the host, port inside, protocol


def ports_text(ports: "Iterable[Mapping[str, object]]") -> str:
    """What Docker's `ps` shows of the entries of a summary's Ports."""
    published: list[Port] = []
    exposed: list[tuple[int, str]] = []
    for port in ports:
        inside, protocol = int(str(port["PrivatePort"])), str(port["Type"])
        if port.get("PublicPort"):
            published.append(
                (str(port.get("IP", "")), int(str(port["PublicPort"])), inside, protocol)
            )
        else:
            exposed.append((inside, protocol))
    return ", ".join([*_published_texts(published), *_exposed_texts(exposed)])


def _published_texts(ports: "list[Port]") -> "list[str]":
    texts = []
    rows = sorted(ports, key=lambda port: (port[3], ":" in port[0], port[0], port[2], port[1]))
    folded: list[list[Port]] = []
    for row in rows:
        last = folded[-1][-1] if folded else None
        follows = last is not None and (
            (row[0], row[3]) == (last[0], last[3])
            and row[1] == last[1] + 1
            and row[2] == last[2] + 1
            and row[1] == row[2]
        )
        if follows:
            folded[-1].append(row)
        else:
            folded.append([row])
    # IPv4 before IPv6 of the same ports, ordered by the port inside
    folded.sort(key=lambda group: (group[0][2], group[0][3], ":" in group[0][0], group[0][0]))
    for group in folded:
        address, outside, inside, protocol = group[0]
        host = f"[{address}]" if ":" in address else address
        end = f"-{group[-1][1]}" if len(group) > 1 else ""
        end_inside = f"-{group[-1][2]}" if len(group) > 1 else ""
        texts.append(f"{host}:{outside}{end}->{inside}{end_inside}/{protocol}")
    return texts


def _exposed_texts(ports: "list[tuple[int, str]]") -> "list[str]":
    groups: list[list[tuple[int, str]]] = []
    for port in sorted(ports, key=lambda port: (port[1], port[0])):
        if groups and groups[-1][-1] == (port[0] - 1, port[1]):
            groups[-1].append(port)
        else:
            groups.append([port])
    return [
        f"{group[0][0]}{f'-{group[-1][0]}' if len(group) > 1 else ''}/{group[0][1]}"
        for group in groups
    ]
