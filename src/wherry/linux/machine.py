"""What the machine as a whole has and has spent: processors, memory, time."""

import os
from pathlib import Path

_NANOSECONDS_PER_TICK = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def memory_total() -> int:
    """Bytes of memory, as in the first line of /proc/meminfo."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def processor_time() -> tuple[int, int]:
    """The nanoseconds that all processors have spent since boot, and how many are online."""
    return parse_processor_time(Path("/proc/stat").read_text())


def parse_processor_time(text: str) -> tuple[int, int]:
    """From /proc/stat, see proc_stat(5): user, nice, system, idle, iowait, irq and softirq.

    Steal and guest are left out as in Docker: guest is in user already.
    """
    online = 0
    total = 0
    for line in text.splitlines():
        if not line.startswith("cpu"):
            break
        fields = line.split()
        if fields[0] == "cpu":
            total = sum(int(field) for field in fields[1:8]) * _NANOSECONDS_PER_TICK
        else:
            online += 1
    return total, online
