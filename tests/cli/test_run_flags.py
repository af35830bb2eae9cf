"""Every flag of `run` and `create`, beside Docker's client and daemon.

What both take is compared by what inspect shows, several flags to a container; what both refuse
by the words and the exit code. Flags that this daemon is too old for, or that only one of the two
can honour, are in the tests of their own subjects.
"""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wherry.testing.command import Wherry
from wherry.testing.dockerd import Dockerd

pytestmark = pytest.mark.needs("containers")

TAKEN = """
--add-host a:1.2.3.4 --add-host b=1.2.3.4 --add-host c:host-gateway --add-host d:::1
--cap-add net_admin --cap-add CAP_SYS_TIME --cap-drop chown --cap-drop net_admin
--cap-add all --cap-add CAP_NET_ADMIN
--cap-drop ALL --cap-drop chown --cgroup-parent /foo --cgroupns host
--cpu-period 50000 --cpu-quota 25000 -c 100 --cpuset-cpus 0 --cpuset-mems 0 --pids-limit 10
--cpus 1.5 -m 64m --memory-reservation 32m --memory-swap 128m --oom-kill-disable
-m 64m --memory-swap -1 --memory-swappiness 50 --oom-score-adj 500 --pids-limit -1
-m 64m --shm-size 128m --pids-limit 0
--device /dev/null --device /dev/null:/dev/x:r --device /dev/zero:r --device-cgroup-rule 'c 1:3 r'
--device-read-bps /dev/null:1mb --device-write-iops /dev/null:100 --device-read-iops /dev/null:5
--dns 1.1.1.1 --dns-option a --dns-search b.c --dns-opt x --domainname d.e -h foo
--entrypoint /bin/x -w /w -u 5:6 --stop-signal INT --stop-timeout 5 --init
-e A=1 -e B -e HOME -e A=2 -e C= -l a=b -l c -l a=d
--env-file env -e D=4 --label-file labels -l l1=over
--env-file bom
--expose 80 --expose 90-92/udp -p 80 -p 8080:81 -p 127.0.0.1:8081:80/udp -p 127.0.0.1::82
-p 9000-9002:80-82 -p [::1]:8083:80 -P
-p 9000-9002:80
--group-add 5 --group-add audio -i -t -a stdin
-i
-a stdout -a STDERR
--health-cmd true --health-interval 1s --health-timeout 2s --health-retries 3
--health-start-period 4s --health-cmd 'a b'
--no-healthcheck
--ipc host
--ipc shareable --uts host --userns host
--ipc none --pid host
--log-driver none
--log-driver json-file --log-opt max-size=10m --log-opt max-file=3
--mount type=bind,src=/tmp,dst=/x,readonly,bind-propagation=rslave,consistency=cached
--mount type=bind,source=/tmp,target=/x,bind-recursive=disabled
--mount type=volume,src=flags1,dst=/x,volume-label=a=b,volume-nocopy
--mount src=flags2,dst=/x,ro=true --mount type=volume,destination=/y
--mount src=flags3,dst=/x,volume-driver=local,volume-opt=type=tmpfs,volume-opt=device=tmpfs
--mount type=tmpfs,dst=/x,tmpfs-size=1m,tmpfs-mode=1770
--network none --read-only
--network host
--net host --privileged
--restart no
--restart always
--restart on-failure:5
--restart unless-stopped
--rm
--security-opt no-new-privileges --security-opt seccomp=unconfined
--security-opt apparmor=unconfined --security-opt systempaths=unconfined
--sysctl net.ipv4.ip_forward=1 --tmpfs /x --tmpfs /y:size=1m,ro
--ulimit nofile=10 --ulimit nproc=10:20 --ulimit core=-1 --ulimit nofile=30
-v /tmp:/a -v /tmp:/b:ro,z -v /tmp:/c:rslave -v flags4:/d -v flags4:/e:nocopy -v /f -v flags4:/g:ro
--volume-driver local -v flags5:/x --volumes-from source:ro
-v flags6:/x --volumes-from source
--link source:alias --link source
--platform linux/amd64 --runtime runc --disable-content-trust -q --pull never
""".strip().splitlines()

REFUSED = """
--add-host bad
--add-host a:1.2.3
-a foo
--blkio-weight 70000
--blkio-weight-device /dev/null:5
--blkio-weight-device null:500
--cap-add NOSUCH
--cgroupns foo
--cpu-period 5
--cpu-quota 5
--cpus x
--cpus 1 --cpu-quota 10000
--cpuset-cpus 0,9
--cpuset-cpus x
--device /dev/null:/dev/x:q
--device-cgroup-rule c:1:3
--device-read-bps /dev/null
--device-read-bps null:1
--device-read-bps /dev/null:x
--device-read-iops /dev/null:x
--dns x
--dns-search -bad
-d -a stdin
-e =x
-e ''
--env-file nofile
--env-file .
--env-file badenv
--env-file notutf
--expose x
--gpus x=1
--gpus all
--gpus ''
--gpus count=x
--gpus '"device=0,1",capabilities=utility'
--health-interval 1us
--health-interval -1s
--health-cmd x --no-healthcheck
--health-retries -1
--ip x
-l =x
--label-file nofile
--link nope
--link-local-ip x
--log-driver json-file --log-opt foo=bar
--log-opt max-size=x
--log-driver none --log-opt a=b
--log-opt mode=non-blocking --log-opt max-buffer-size=x
--mac-address x
-m 5m
-m x
-m 64m --memory-swap 32m
--memory-swap 64m
--memory-reservation 1m
-m 64m --memory-reservation 128m
--memory-swappiness 101
--mount type=bind,src=/nope,dst=/x
--mount type=bind,src=/tmp,dst=/x,bind-propagation=foo
--mount type=bind,src=/tmp,dst=/x,volume-nocopy
--mount type=bind,src=tmp,dst=/x
--mount type=bind,dst=/x
--mount src=flags9,dst=/x,ro=foo
--mount src=flags9
--mount type=volume,src=/abs,dst=/x
--mount type=volume,src=flags9,dst=x
--mount type=volume,src=flags9,dst=/
--mount type=tmpfs,dst=/x,tmpfs-size=x
--mount type=tmpfs,dst=/x,tmpfs-mode=999
--mount type=tmpfs,src=a,dst=/x
--mount type=foo,dst=/x
--mount foo
--mount ''
--mount type=volume,foo=bar,dst=/x
--mount type=volume,dst=/x,bind-propagation=rslave
--mount type=volume,dst=/x --mount type=tmpfs,dst=/x
--name x/y
--network-alias x
--oom-score-adj 2000
--pid container:nope
--pid foo
-p x:80
-p 80:x
-p 70000:80
-p 80:80/foo
-p 1.2.3.x:80:80
--pull sometimes
--restart on-failure:x
--restart always --rm
--security-opt seccomp=/nofile
--security-opt foo
--security-opt seccomp=
--shm-size x
--storage-opt foo
--sysctl foo
--sysctl foo=bar
--ulimit nofile=20:10
--ulimit foo=1
--ulimit nofile
--ulimit nofile=x
--userns foo
--uts foo
-v /tmp:/x:foo
-v /tmp:/x:ro,rw
-v /tmp:/x:nocopy
-v flags9:/x:rslave
-v flags9:/
-v flags9:x
-v a:b:c:d
-v /a:/b:/c:ro
-v :/x
-v /tmp:
-v b@d:/x
-v flags9:/x -v /tmp:/x
--volumes-from nope
-w w
--nosuch
-z
-m
""".strip().splitlines()

# Of this machine, of the made-up names, or of the daemon's version.
_LEFT_OUT = {
    "Config": {"Image"},
    "HostConfig": {
        *("Runtime", "CgroupnsMode", "MaskedPaths", "ReadonlyPaths", "VolumeDriver"),
        *("ConsoleSize", "ContainerIDFile"),
    },
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files for --env-file and --label-file, to run the commands in."""
    folder = tmp_path_factory.mktemp("files")
    contents = {
        "env": b'# c\nA=1\n  B=2 \nHOME\nNOSUCHVARIABLE\nQ="x y"\n',
        "labels": b"l1=v1\nl2\n# x\nl3= sp\n",
        "badenv": b"A B=1\n",
        "bom": b"\xef\xbb\xbfX=1\n",
        "notutf": b"A=\xff\n",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("line", TAKEN)
def test_inspect_shows_what_docker_s_inspect_shows(
    wherry: Wherry,
    dockerd: Dockerd,
    files: Path,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
) -> None:
    monkeypatch.chdir(files)
    words = shlex.split(line)

    def create(command: Callable[..., object]) -> tuple[str, dict[str, object]]:
        if "source" in line:
            command("create", "--name", "source", "-v", "flags7:/from", "busybox")
        made = command("create", "--name", "flags", *words, "busybox", "true")
        inspected = getattr(command("inspect", "flags"), "stdout", "")
        # What the host does not hold is said by us at once; by Docker when it fails to start.
        said = re.sub(
            r"WARNING: CAP_.* Capabilities discarded\.\n", "", getattr(made, "stderr", "")
        )
        return said, comparable(json.loads(inspected)[0])

    try:
        theirs = create(dockerd.docker)
    finally:
        dockerd.docker("rm", "-f", "-v", "flags", "source", check=False)

    assert create(wherry) == theirs


def comparable(document: dict[str, Any]) -> dict[str, object]:
    """What of the document both are to have alike; absent and empty are the same."""
    found: dict[str, object] = {}
    for section, left_out in _LEFT_OUT.items():
        for key, value in document[section].items():
            if key not in left_out and value:
                found[f"{section}.{key}"] = value
    env = found.get("Config.Env", [])
    assert isinstance(env, list)
    # Our busybox has a PATH in its environment, the daemon's has none.
    found["Config.Env"] = sorted(one for one in env if not one.startswith("PATH="))
    if re.fullmatch("[0-9a-f]{12}", str(found.get("Config.Hostname"))):
        del found["Config.Hostname"]
    for key in ("HostConfig.Links", "HostConfig.Binds"):  # their order is Go's of a map
        if key in found:
            found[key] = sorted(map(str, document["HostConfig"][key.partition(".")[2]]))
    found["Mounts"] = sorted(map(_mount, document["Mounts"]), key=str)
    return found


def _mount(mount: dict[str, object]) -> dict[str, object]:
    shown = dict(mount)
    if shown["Type"] == "volume":
        shown["Source"] = "a folder"
    if re.fullmatch("[0-9a-f]{64}", str(shown.get("Name"))):
        shown["Name"] = "made up"
    return shown


@pytest.mark.parametrize("line", REFUSED)
def test_a_refusal_has_docker_s_words_and_exit_code(
    installation: Wherry,
    dockerd: Dockerd,
    files: Path,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
) -> None:
    monkeypatch.chdir(files)
    words = ["run", *shlex.split(line), *(["busybox", "true"] if line != "-m" else [])]

    theirs = dockerd.docker(*words, check=False)
    ours = installation(*words, check=False)

    assert (plain(ours.stderr), ours.returncode) == (plain(theirs.stderr), theirs.returncode)
    assert theirs.returncode != 0


def plain(text: str) -> str:
    """Without prefixes and hints, which only one of the two has."""
    lines = [line for line in text.splitlines() if not line.startswith("Hint: ")]
    joined = "\n".join(lines).replace("docker", "wherry")
    joined = re.sub(r"^(wherry: )?(Error response from daemon: )?", "", joined)
    # What the daemon of 2020 begins with a capital has none since.
    return joined[:1].lower() + joined[1:]


def test_the_id_of_what_could_not_be_started_is_told(wherry: Wherry, dockerd: Dockerd) -> None:
    words = ("run", "-d", "--name", "stillborn", "busybox", "nowhere")
    results = [wherry(*words, check=False), dockerd.docker(*words, check=False)]
    dockerd.docker("rm", "stillborn")

    assert [result.returncode for result in results] == [127, 127]
    assert all(re.fullmatch("[0-9a-f]{64}\n", result.stdout) for result in results)
