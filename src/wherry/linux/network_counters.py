"""What the network interfaces of a process's namespace have carried: /proc/PID/net/dev."""

from pathlib import Path

from wherry.values import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Counters:
    received_bytes: int
    received_packets: int
    receive_errors: int
    receive_drops: int
    sent_bytes: int
    sent_packets: int
    send_errors: int
    send_drops: int


def network_counters(pid: int) -> dict[str, Counters]:
    """By interface, the loopback left out. Raises OSError if there is no such process."""
    return parse_counters(Path(f"/proc/{pid}/net/dev").read_text())


def parse_counters(text: str) -> dict[str, Counters]:
    """The lines after the two of the heading, see proc_pid_net(5)."""
    found: dict[str, Counters] = {}
    for line in text.splitlines()[2:]:
        name, _, fields = line.rpartition(":")
        if name.strip() == "lo":
            continue
        numbers = [int(field) for field in fields.split()]
        found[name.strip()] = Counters(
            received_bytes=numbers[0],
            received_packets=numbers[1],
            receive_errors=numbers[2],
            receive_drops=numbers[3],
            sent_bytes=numbers[8],
            sent_packets=numbers[9],
            send_errors=numbers[10],
            send_drops=numbers[11],
        )
    return found
