"""The device filter: reducing rules to a table, and the program that carries it on v2."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.linux.cgroup.device_filter import assemble
from wherry.linux.cgroup.device_table import DeviceTable, InexpressibleRule
from wherry.linux.cgroup.limits import DeviceRule
from wherry.linux.cgroup.v1_limits import device_writes

DENY_ALL = DeviceRule(allow=False)
NULL = DeviceRule(allow=True, type="c", major=1, minor=3)


@pytest.mark.parametrize(
    ("rules", "lines"),
    [
        ((), ["deny a"]),
        ((DENY_ALL, NULL), ["deny a", "allow c 1:3 rwm"]),
        ((NULL, DENY_ALL), ["deny a"]),
        ((DeviceRule(allow=True),), ["allow a"]),
        (
            (DENY_ALL, DeviceRule(allow=True, type="c", access="m")),
            ["deny a", "allow c *:* m"],
        ),
        (
            (DeviceRule(allow=True), DeviceRule(allow=False, type="b", major=8, access="w")),
            ["allow a", "deny b 8:* w"],
        ),
        ((NULL, DeviceRule(allow=False, type="c", access="w")), ["deny a", "allow c 1:3 rm"]),
        (
            (DeviceRule(allow=True, type="a", major=1, access="r"),),
            ["deny a", "allow b 1:* r", "allow c 1:* r"],
        ),
    ],
)
def test_rules_become_lines_of_v1(rules: tuple[DeviceRule, ...], lines: list[str]) -> None:
    written = [f"{w.file.removeprefix('devices.')} {w.value}" for w in device_writes(rules)]

    assert written == lines


def test_one_device_cannot_be_taken_out_of_a_wildcard() -> None:
    with pytest.raises(InexpressibleRule, match="deny c 1:3 rwm"):
        DeviceTable.of(
            (
                DeviceRule(allow=True, type="c", major=1),
                DeviceRule(allow=False, type="c", major=1, minor=3),
            )
        )


@pytest.mark.parametrize(
    "rule", [DeviceRule(allow=True, type="u"), DeviceRule(allow=True, access="x")]
)
def test_a_rule_that_is_none_is_refused(rule: DeviceRule) -> None:
    with pytest.raises(ValueError, match="invalid"):
        DeviceTable.of((rule,))


def _run(program: bytes, kind: str, major: int, minor: int, access: str) -> int:
    """What the kernel's interpreter makes of `program`; only the instructions that we emit."""
    asked = sum({"m": 1, "r": 2, "w": 4}[letter] for letter in access)
    context = {0: asked << 16 | {"b": 1, "c": 2}[kind], 4: major, 8: minor}
    registers = [0] * 11
    counter = 0
    while True:
        opcode, pair, offset, immediate = struct.unpack_from("<BBhI", program, counter * 8)
        target, source = pair & 15, pair >> 4
        counter += 1
        match opcode:
            case 0x61:
                registers[target] = context[offset]
            case 0xB4:
                registers[target] = immediate
            case 0xBC:
                registers[target] = registers[source]
            case 0x54:
                registers[target] &= immediate
            case 0x74:
                registers[target] >>= immediate
            case 0x56:
                counter += offset if registers[target] != immediate else 0
            case 0x5E:
                counter += offset if registers[target] != registers[source] else 0
            case 0x16:
                counter += offset if registers[target] == immediate else 0
            case 0x95:
                return registers[0]
            case _:
                raise AssertionError(f"unexpected instruction {opcode:#x}")


numbers = st.one_of(st.none(), st.integers(0, 2), st.just(0xFFFFF))
accesses = st.sampled_from(["r", "w", "m", "rw", "rm", "wm", "rwm"])
rules = st.builds(
    DeviceRule,
    allow=st.booleans(),
    type=st.sampled_from("abc"),
    major=numbers,
    minor=numbers,
    access=accesses,
)


@given(
    st.lists(rules, max_size=6),
    st.sampled_from("bc"),
    st.integers(0, 3),
    st.integers(0, 3),
    st.sampled_from(["r", "w", "m", "rw"]),
)
def test_the_program_decides_as_the_table(
    rules: list[DeviceRule], kind: str, major: int, minor: int, access: str
) -> None:
    try:
        table = DeviceTable.of(rules)
    except InexpressibleRule:
        return

    decision = _run(assemble(table), kind, major, minor, access)

    assert bool(decision) == table.permits(kind, major, minor, access)
    # One kind of access at a time, the table does just what the list of rules says.
    for letter in access:
        assert table.permits(kind, major, minor, letter) == _last_rule(
            rules, kind, major, minor, letter
        )


def _last_rule(rules: list[DeviceRule], kind: str, major: int, minor: int, letter: str) -> bool:
    for rule in reversed(rules):
        fits = rule.type in ("a", kind) and letter in rule.access
        if fits and rule.major in (None, major) and rule.minor in (None, minor):
            return rule.allow
    return False
