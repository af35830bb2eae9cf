"""The options of a container by name, in the forms that the command line and Python give them.

Names are the long flags of `docker run` with underscores. The command line sends text, lists of
text, numbers and truth values; Python callers may also pass a mapping where flags write
`key=value`, one value where a flag repeats, numbers where flags write units, and paths.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence

from wherry.engine.containers.options.units import parse_integer
from wherry.errors import InvalidArgument
from wherry.go_text import quoted
from wherry.typed import TypeVar

T = TypeVar("T")

SHORT = {
    "attach": "a",
    "cpu_shares": "c",
    "detach": "d",
    "env": "e",
    "hostname": "h",
    "interactive": "i",
    "label": "l",
    "memory": "m",
    "publish": "p",
    "publish_all": "P",
    "quiet": "q",
    "tty": "t",
    "user": "u",
    "volume": "v",
    "workdir": "w",
}

# Flags of the client alone, which say nothing about the container.
_CLIENT = "detach_keys disable_content_trust help name pull quiet sig_proxy wait"
_CONTAINER = """
add_host annotation attach blkio_weight blkio_weight_device cap_add cap_drop cgroup_parent cgroupns
cidfile cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares cpus
cpuset_cpus cpuset_mems detach device device_cgroup_rule device_read_bps device_read_iops
device_write_bps device_write_iops dns dns_opt dns_option dns_search domainname entrypoint env
env_file expose gpus group_add health_cmd health_interval health_on_failure health_retries
health_start_interval health_start_period health_timeout hostname init interactive io_maxbandwidth
io_maxiops ip ip6 ipc isolation kernel_memory label label_file link link_local_ip log_driver log_opt
mac_address memory memory_reservation memory_swap memory_swappiness mount net net_alias network
network_alias no_healthcheck oom_kill_disable oom_score_adj pid pids_limit platform privileged
publish publish_all read_only restart rm runtime security_opt shm_size stop_signal stop_timeout
storage_opt sysctl tmpfs tty ulimit use_api_socket user userns uts volume volume_driver volumes_from
workdir
"""
NAMES = frozenset(_CLIENT.split()) | frozenset(_CONTAINER.split())


class InvalidFlagValue(InvalidArgument):
    """Worded as pflag words it; the command line adds its usage line to this one."""

    def __init__(self, name: str, value: str, reason: str) -> None:
        flag = "--" + name.replace("_", "-")
        if name in SHORT:
            flag = f"-{SHORT[name]}, {flag}"
        super().__init__(f"invalid argument {quoted(value)} for {quoted(flag)} flag: {reason}")
        self.option = name
        self.value = value


class EngineRefusal(InvalidArgument):
    """What Docker's engine refuses and not its client: `create` then ends with 1, not 125."""


class UnknownOption(InvalidArgument):
    def __init__(self, names: Iterable[str]) -> None:
        super().__init__("unknown option: " + ", ".join(names))


class Options:
    """The given options; `None` is the same as not given."""

    def __init__(self, values: Mapping[str, object]) -> None:
        if unknown := sorted(set(values) - NAMES):
            raise UnknownOption(unknown)
        self._values = {name: value for name, value in values.items() if value is not None}

    def has(self, name: str) -> bool:
        return name in self._values

    def raw(self, name: str) -> object:
        return self._values.get(name)

    def text(self, name: str) -> str:
        value = self._values.get(name, "")
        if isinstance(value, (list, tuple)):  # a flag given more than once: the last one counts
            value = value[-1] if value else ""
        return _text(value)

    def flag(self, name: str) -> bool:
        return bool(self._values.get(name, False))

    def texts(self, name: str, joiner: str = "=") -> list[str]:
        """All values of a flag that repeats; a mapping becomes `key<joiner>value`."""
        value = self._values.get(name)
        if value is None:
            return []
        if isinstance(value, Mapping):
            return [
                _text(key) if item is None else f"{_text(key)}{joiner}{_text(item)}"
                for key, item in value.items()
            ]
        if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
            return [_text(item) for item in value]
        return [_text(value)]

    def integer(self, name: str, default: int = 0) -> int:
        value = self._values.get(name)
        if value is None:
            return default
        if isinstance(value, int):
            return int(value)
        return self.parsed(name, parse_integer, default)

    def parsed(self, name: str, parse: Callable[[str], T], default: T) -> T:
        """The text of the option as `parse` reads it; its error becomes InvalidFlagValue."""
        if not self.has(name):
            return default
        return self.one(name, self.text(name), parse)

    def all_parsed(self, name: str, parse: Callable[[str], T], joiner: str = "=") -> list[T]:
        return [self.one(name, text, parse) for text in self.texts(name, joiner)]

    @staticmethod
    def one(name: str, text: str, parse: Callable[[str], T]) -> T:
        try:
            return parse(text)
        except (ValueError, InvalidArgument) as error:
            raise InvalidFlagValue(name, text, str(error)) from error

    def size(self, name: str, parse: Callable[[str], int]) -> int:
        """Bytes: a number as it is, or text with a unit."""
        value = self._values.get(name)
        return value if isinstance(value, int) else self.parsed(name, parse, 0)

    def duration(self, name: str, parse: Callable[[str], int]) -> int:
        """Nanoseconds: seconds as a number, a timedelta, or Go's text."""
        value = self._values.get(name)
        if not isinstance(value, (int, float, str, type(None))):
            from datetime import timedelta  # of the Python API alone

            value = value.total_seconds() if isinstance(value, timedelta) else value
        if isinstance(value, (int, float)):
            return round(value * 1_000_000_000)
        return self.parsed(name, parse, 0)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, os.PathLike):
        return str(os.fspath(value))
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return ":".join(_text(item) for item in value)  # ("nofile", (1024, 2048)), ("/x", "ro")
    return str(value)


def pairs(texts: Iterable[str]) -> dict[str, str]:
    """`key=value` texts as a mapping; a key alone has the empty value, and the last one counts."""
    return {key: value for key, _, value in (text.partition("=") for text in texts)}
