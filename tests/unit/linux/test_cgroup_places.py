"""Where cgroups are: names that are taken, mounts that are found."""

import pytest

from wherry.linux.cgroup.hierarchies import Hierarchies, parse_hierarchies
from wherry.linux.cgroup.paths import checked_path

HYBRID = """\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:4 - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
99 31 0:32 /docker/ab /var/lib/docker/x/cgroup/memory rw - cgroup cgroup rw,memory
"""
HYBRID_OWN = """\
3:name=systemd:/
2:memory:/jobs/7
1:cpu,cpuacct:/
0::/
"""
UNIFIED = "30 23 0:26 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/wherry/ab12", "/wherry/ab12"),
        ("//wherry/./ab12/", "/wherry/ab12"),
        ("jobs/ab12", "jobs/ab12"),
        ("system.slice:docker:ab12", "/system.slice/docker-ab12.scope"),
        (":docker:ab12", "/system.slice/docker-ab12.scope"),
        ("machine-web.slice:libpod:ab", "/machine.slice/machine-web.slice/libpod-ab.scope"),
        ("-.slice::ab", "/ab.scope"),
    ],
)
def test_a_cgroup_is_named(text: str, path: str) -> None:
    assert checked_path(text) == path


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "/a/../..",
        "../a",
        "a.slice:b",
        "a--b.slice:b:c",
        "bad:b:c",
        "/a\nb",
        "../x.slice:b:c",
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"invalid|expected"):
        checked_path(text)


def test_a_hybrid_machine_is_found() -> None:
    found = parse_hierarchies(HYBRID, HYBRID_OWN)

    assert found.version == 1
    assert found.locations_of("/wherry/ab") == {
        "cpu": "/sys/fs/cgroup/cpu,cpuacct/wherry/ab",
        "cpuacct": "/sys/fs/cgroup/cpu,cpuacct/wherry/ab",
        "memory": "/sys/fs/cgroup/memory/wherry/ab",
        "name=systemd": "/sys/fs/cgroup/systemd/wherry/ab",
        "": "/sys/fs/cgroup/unified/wherry/ab",
    }


def test_a_relative_path_is_below_the_own_cgroup_on_v1() -> None:
    locations = parse_hierarchies(HYBRID, HYBRID_OWN).locations_of("ab")

    assert locations["memory"] == "/sys/fs/cgroup/memory/jobs/7/ab"
    assert locations["cpu"] == "/sys/fs/cgroup/cpu,cpuacct/ab"


def test_a_relative_path_is_beside_the_own_cgroup_on_v2() -> None:
    found = parse_hierarchies(UNIFIED, "0::/user.slice/user-1000.slice/session-2.scope\n")

    assert found.version == 2
    assert found.locations_of("ab") == {"": "/sys/fs/cgroup/user.slice/user-1000.slice/ab"}


def test_a_mount_of_a_subtree_hides_what_is_above() -> None:
    mounts = "40 31 0:32 /docker/ab /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"

    found = parse_hierarchies(mounts, "2:memory:/docker/ab/inner\n")

    assert found.locations_of("c") == {"memory": "/sys/fs/cgroup/memory/inner/c"}


def test_a_space_in_a_mount_point_is_read() -> None:
    mounts = "40 31 0:32 / /a\\040b rw - cgroup cgroup rw,pids\n"

    assert parse_hierarchies(mounts, "2:pids:/\n") == Hierarchies(
        version=1, mounts={"pids": "/a b"}, own={"pids": "/"}
    )


def test_a_machine_without_cgroups_says_so() -> None:
    with pytest.raises(FileNotFoundError, match="no cgroup hierarchy is mounted"):
        parse_hierarchies("", "")
