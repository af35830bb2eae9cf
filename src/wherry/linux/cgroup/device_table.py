"""A device filter in the one form that both interfaces can carry.

v1 keeps a default and a list of exceptions to it; rules applied one by one give strange results
there, because denying a device does not take it out of an allowed wildcard. So rules are reduced
here first, and the same table then becomes v1's lines and v2's program. Both decide alike: an
access is an exception if one entry covers all of it (default deny) or any of it (default allow).
"""

from collections.abc import Iterable

from wherry.linux.cgroup.limits import DeviceRule
from wherry.values import dataclass, replace

_Key = tuple[str, int | None, int | None]


class InexpressibleRule(ValueError):
    """A rule that takes one device out of an earlier wildcard, which v1 cannot hold."""

    def __init__(self, rule: DeviceRule) -> None:
        super().__init__(f"device rule {_text(rule)} is only part of an earlier rule")
        self.rule = rule


@dataclass(frozen=True)
class DeviceTable:
    """`allow` is the default; the exceptions say the opposite, one for each type and numbers."""

    allow: bool
    exceptions: tuple[DeviceRule, ...]

    @classmethod
    def of(cls, rules: Iterable[DeviceRule]) -> "DeviceTable":
        """Reduce `rules`, which start from "everything refused". Raises ValueError."""
        allow = False
        entries: dict[_Key, frozenset[str]] = {}
        for rule in rules:
            _check(rule)
            if _is_everything(rule):
                allow = rule.allow
                entries.clear()
                continue
            for kind in ("b", "c") if rule.type == "a" else (rule.type,):
                if rule.allow == allow:
                    _take_out(entries, replace(rule, type=kind))
                else:
                    key = (kind, rule.major, rule.minor)
                    entries[key] = entries.get(key, frozenset()) | frozenset(rule.access)
        return cls(allow, tuple(_rule(not allow, *item) for item in entries.items()))

    def permits(self, kind: str, major: int, minor: int, access: str) -> bool:
        """Whether the kernel will let a process do all of `access` with that device."""
        asked = frozenset(access)
        for entry in self.exceptions:
            if not _covers((entry.type, entry.major, entry.minor), (kind, major, minor)):
                continue
            allowed = frozenset(entry.access)
            if asked & allowed if self.allow else asked <= allowed:
                return not self.allow
        return self.allow


def _is_everything(rule: DeviceRule) -> bool:
    whole = set(rule.access) == set("rwm")
    return whole and rule.type == "a" and rule.major is None and rule.minor is None


def _take_out(entries: dict[_Key, frozenset[str]], rule: DeviceRule) -> None:
    wanted = (rule.type, rule.major, rule.minor)
    for key, access in list(entries.items()):
        common = access & frozenset(rule.access)
        if not common or not _overlap(key, wanted):
            continue
        if not _covers(wanted, key):
            raise InexpressibleRule(rule)
        if left := access - common:
            entries[key] = left
        else:
            del entries[key]


def _covers(wide: _Key, narrow: _Key) -> bool:
    return wide[0] == narrow[0] and all(
        w is None or w == n for w, n in zip(wide[1:], narrow[1:], strict=True)
    )


def _overlap(one: _Key, other: _Key) -> bool:
    return one[0] == other[0] and all(
        a is None or b is None or a == b for a, b in zip(one[1:], other[1:], strict=True)
    )


def _rule(allow: bool, key: _Key, access: frozenset[str]) -> DeviceRule:
    kind, major, minor = key
    ordered = "".join(letter for letter in "rwm" if letter in access)
    return DeviceRule(allow=allow, type=kind, major=major, minor=minor, access=ordered)


def _check(rule: DeviceRule) -> None:
    if rule.type not in ("a", "b", "c"):
        raise ValueError(f"invalid device type {rule.type!r} in rule {_text(rule)}")
    if not rule.access or not set(rule.access) <= set("rwm"):
        raise ValueError(f"invalid access {rule.access!r} in device rule {_text(rule)}")


def _text(rule: DeviceRule) -> str:
    numbers = ":".join("*" if n is None else str(n) for n in (rule.major, rule.minor))
    return f"'{'allow' if rule.allow else 'deny'} {rule.type} {numbers} {rule.access}'"
