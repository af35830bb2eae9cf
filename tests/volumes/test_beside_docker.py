"""Volumes and mounts: the same answers from Wherry and from Docker.

A scene is several lines, whose answers are all compared. What a scene makes has names of its own.
"""

from pathlib import Path

import pytest

from wherry.testing.both import Both
from wherry.testing.command import Wherry

pytestmark = pytest.mark.needs("containers", "dockerd", "docker")

RUN = "run --rm --network none"
TMPFS_VOLUME = "--mount source=opt,target=/m,volume-opt=type=tmpfs,volume-opt=device=tmpfs"
SCENES = {
    "create and list": (
        "volume create --label kind=a one",
        "volume create --label kind=b two",
        "volume create one",
        "volume create -o type=tmpfs one",
        "volume ls --filter label=kind=a --format '{{.Name}} {{.Driver}} {{.Labels}}'",
        "volume ls --filter name=tw -q",
        "volume ls --filter driver=local --filter label=kind -q",
        "volume inspect -f '{{.Name}} {{.Scope}} {{.Labels}}' one two",
    ),
    "names refused": (
        "volume create x",
        "volume create a/b",
        "volume create -o what=x abc",
        "volume create -o type=tmpfs abc",
        "volume inspect nothing",
        "volume rm nothing",
        "volume rm -f nothing",
    ),
    "in use": (
        "volume create busy",
        "run --network none --name holder -v busy:/data busybox true",
        "volume rm -f other busy",
        "volume ls --filter dangling=false -q",
        "rm holder",
        "volume rm busy",
    ),
    "copy-up": (
        f"{RUN} -v filled:/etc busybox ls /etc/passwd",
        f"{RUN} -v filled:/x busybox ls /x/passwd",
        f"{RUN} -v bare:/etc:nocopy busybox ls /etc/passwd",
        f"{RUN} --mount source=bare2,target=/etc,volume-nocopy busybox ls /etc/passwd",
        f"{RUN} -v shut:/etc:ro busybox touch /etc/x",
        f"{RUN} -v shut:/x busybox ls /x/hosts /x/resolv.conf",
    ),
    "nfs": (
        "volume create -o type=nfs -o o=addr=127.0.0.1,rw -o device=:/export far",
        "volume inspect -f '{{json .Options}}' far",
        "volume create -o type=nfs -o o=addr=127.0.0.1 near",
    ),
    "tmpfs volume": (
        "volume create -o type=tmpfs -o device=tmpfs -o o=size=1m,uid=1000 mem",
        f"{RUN} -v mem:/m busybox sh -c 'stat -c %u /m; grep /m /proc/mounts | cut -d \" \" -f 3'",
        f"{RUN} -v mem:/m busybox ls /m",
    ),
    "bind volume": (
        "volume create -o type=none -o device=HERE/dir -o o=bind bound",
        f"{RUN} -v bound:/m busybox cat /m/file",
    ),
    "read-only": (
        f"{RUN} -v ro:/m:ro busybox touch /m/x",
        f"{RUN} --mount type=bind,source=HERE/dir,target=/m,readonly busybox touch /m/x",
        f"{RUN} -v HERE/dir:/m:ro busybox cat /m/file",
    ),
    "missing sources": (
        f"{RUN} --mount type=bind,source=HERE/no,target=/m busybox true",
        f"{RUN} -v HERE/made:/m busybox ls -d /m",
        f"{RUN} -v relative/path:/m busybox true",
        f"{RUN} --mount type=bind,source=HERE/dir busybox true",
    ),
    "files": (
        f"{RUN} -v HERE/dir/file:/etc/hostname busybox cat /etc/hostname",
        f"{RUN} -v HERE/dir/file:/new/deep/file busybox cat /new/deep/file",
    ),
    "nested": (
        f"{RUN} -v outer:/a -v inner:/a/b/c busybox sh -c 'touch /a/x /a/b/c/y; find /a | sort'",
        f"{RUN} -v inner:/a/b/c -v outer:/a busybox find /a",
        f"{RUN} -v outer:/a busybox find /a",
        f"{RUN} --tmpfs /t --tmpfs /t/u:size=1m busybox sh -c 'grep -c /t /proc/mounts'",
    ),
    "volumes-from": (
        "run --network none --name giver -v given:/g -v HERE/dir:/d:ro busybox true",
        f"{RUN} --volumes-from giver busybox sh -c 'touch /g/x; cat /d/file; touch /d/y'",
        f"{RUN} --volumes-from giver:ro busybox touch /g/z",
        f"{RUN} --volumes-from nobody busybox true",
        "rm giver",
    ),
    "anonymous ones": (
        "run --network none --name anon -v /a -v named:/b busybox true",
        *(  # one by one: Docker has them in no order
            f"inspect -f '{{{{range .Mounts}}}}{{{{if eq .Destination `{path}`}}}}"
            "{{.Type}} {{.RW}}{{end}}{{end}}' anon"
            for path in ("/a", "/b")
        ),
        "rm -v anon",
        "volume ls --filter name=named -q",
        f"{RUN} -v /a busybox true",
        "volume ls -q --filter dangling=true --filter label=com.docker.volume.anonymous",
    ),
    "symbolic links": (
        f"{RUN} -v HERE/link:/m busybox cat /m",
        f"{RUN} -v HERE/dangling:/m busybox ls -d /m",
        f"{RUN} --mount type=bind,source=HERE/gone,target=/m busybox true",
        f"{RUN} -v HERE/dir:/../../m/../n busybox cat /n/file",
    ),
    "options refused": (
        f"{RUN} --mount type=tmpfs,source=x,target=/m busybox true",
        f"{RUN} --mount type=bind,source=HERE/dir,target=/m,volume-nocopy busybox true",
        f"{RUN} --mount type=volume,source=v,target=/m,tmpfs-size=1m busybox true",
        f"{RUN} --mount type=volume,source=v,target=m busybox true",
        f"{RUN} -v HERE/dir:/m:rw,rslave,ro busybox true",
        f"{RUN} -v HERE/dir:/m:what busybox true",
        f"{RUN} -v a:b:c:d busybox true",
        "volume create -o type=tmpfs -o size=1g sized",
        "volume create -o size=1g sized",
    ),
    "volumes of --mount": (
        f"{RUN} --mount source=lab,target=/m,volume-label=a=b,volume-label=c=d busybox true",
        "volume inspect -f '{{json .Labels}}' lab",
        f"{RUN} {TMPFS_VOLUME} busybox grep -c '^tmpfs /m tmpfs' /proc/mounts",
        "volume inspect -f '{{json .Options}}' opt",
    ),
    "twice": (
        f"{RUN} -v HERE/dir:/m -v other:/m busybox true",
        f"{RUN} -v HERE/dir:/ busybox true",
        f"{RUN} --mount type=what,target=/m busybox true",
    ),
    "kinds of propagation": tuple(
        f"{RUN} -v HERE/dir:/m:{kind} busybox"
        " sh -c 'grep \" /m \" /proc/self/mountinfo | grep -o -e shared -e master'"
        for kind in ("private", "rprivate", "slave", "rslave", "shared", "rshared")
    ),
    "propagation": (
        "run --network none --name prop -v HERE/dir:/m:rslave busybox true",
        "inspect -f '{{range .Mounts}}{{.Mode}} {{.Propagation}}{{end}}' prop",
        "rm prop",
        f"{RUN} -v named:/m:rshared busybox true",
    ),
    "pruned": (
        "volume create kept",
        "volume prune -f --filter label=nothing",
        "volume ls -q --filter name=kept",
    ),
}


@pytest.mark.parametrize("scene", SCENES)
def test_volumes_are_docker_s(both: Both, scene: str, tmp_path: Path) -> None:
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir/file").write_text("of the host\n")
    (tmp_path / "link").symlink_to("dir/file")
    (tmp_path / "dangling").symlink_to("nowhere")

    for line in SCENES[scene]:
        ours, theirs = both(line.replace("HERE", str(tmp_path)))
        assert ours == theirs, line


@pytest.mark.parametrize("mount", ["HERE/dir/file:/root", "HERE/dir:/etc/passwd"])
def test_a_mount_of_the_wrong_kind_is_told(both: Both, mount: str, tmp_path: Path) -> None:
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir/file").touch()

    ours, theirs = both(f"{RUN} -v {mount} busybox true".replace("HERE", str(tmp_path)))

    assert ours.status == theirs.status
    assert ours.err.rpartition("not a directory")[2] == theirs.err.rpartition("not a directory")[2]


def test_a_driver_that_is_not_there(wherry: Wherry) -> None:
    """Docker says the same, after 15 seconds of looking for a plugin of that name."""
    result = wherry("volume", "create", "-d", "nothing", "abc", check=False)

    assert result.returncode == 1
    assert result.stderr == (
        'wherry: create abc: error looking up volume plugin nothing: plugin "nothing" not found\n'
    )
