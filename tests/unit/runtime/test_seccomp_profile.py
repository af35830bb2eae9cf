"""Docker's seccomp profiles, resolved."""

import pytest

from wherry.oci.runtime_spec import Seccomp
from wherry.runtime.seccomp_profile import (
    BadProfile,
    default_profile,
    parse_profile,
    resolve_profile,
)


def resolved(*capabilities: str, kernel: str = "6.1.0", machine: str = "x86_64") -> Seccomp:
    return resolve_profile(default_profile(), capabilities, kernel, machine=machine)


def allowed(section: Seccomp) -> set[str]:
    return {
        name for rule in section.syscalls if rule.action == "SCMP_ACT_ALLOW" for name in rule.names
    }


def test_a_capability_brings_its_system_calls() -> None:
    assert "mount" not in allowed(resolved())
    assert "mount" in allowed(resolved("CAP_SYS_ADMIN"))


def test_clone3_is_not_there_for_those_that_may_not_make_namespaces() -> None:
    refused = [rule for rule in resolved().syscalls if rule.names == ("clone3",)]
    assert [(rule.action, rule.errno_ret) for rule in refused] == [("SCMP_ACT_ERRNO", 38)]
    assert not [r for r in resolved("CAP_SYS_ADMIN").syscalls if r.action == "SCMP_ACT_ERRNO"]


def test_rules_wait_for_their_kernel() -> None:
    assert "ptrace" in allowed(resolved(kernel="4.8.0-1-amd64"))
    assert "ptrace" not in allowed(resolved(kernel="4.7.10"))


@pytest.mark.parametrize(
    ("machine", "first", "own"),
    [
        ("x86_64", "SCMP_ARCH_X86_64", "arch_prctl"),
        ("aarch64", "SCMP_ARCH_AARCH64", "sync_file_range2"),
    ],
)
def test_rules_are_of_one_architecture(machine: str, first: str, own: str) -> None:
    section = resolved(machine=machine)
    assert section.architectures[0] == first
    assert own in allowed(section)
    assert {"arch_prctl", "sync_file_range2"} & allowed(section) == {own}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"defaultAction": "x", "architectures": ["a"], "archMap": [{"architecture": "b"}]}',
    ],
)
def test_a_bad_profile_is_refused(text: str) -> None:
    with pytest.raises(BadProfile, match="Decoding seccomp profile failed"):
        parse_profile(text)
