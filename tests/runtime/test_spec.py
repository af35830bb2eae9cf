"""The runtime specification's configuration and commands: ours, with runc and crun as referees."""

import errno
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from ipaddress import ip_interface
from pathlib import Path

import pytest

from wherry.linux import netlink
from wherry.linux.cgroup.manager import open_manager
from wherry.linux.netlink import Peer, RouteSocket
from wherry.linux.openat import opened
from wherry.testing.abilities import why_not_run
from wherry.testing.bundles import Bundle, Config
from wherry.testing.runtime_command import write_runtime_command
from wherry.testing.waiting import eventually

pytestmark = pytest.mark.needs("root", "containers")
CGROUP = f"/wherry-test-spec-{os.getpid()}"


def runtime_program(name: str, folder: Path) -> str:
    if name == "wherry":
        return str(write_runtime_command(folder))
    if reason := why_not_run(name):
        pytest.skip(reason)
    return shutil.which(name) or name


@pytest.fixture(params=["wherry", "runc", "crun"])
def bundle(request: pytest.FixtureRequest) -> Iterator[Bundle]:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        made = Bundle(runtime_program(request.param, Path(name)), Path(name), CGROUP)
        yield made
        made.delete()
        manager = open_manager(CGROUP)
        manager.signal_all(signal.SIGKILL)
        manager.wait_until_empty(5)
        manager.delete()


@pytest.fixture
def ours(bundle: Bundle) -> Bundle:
    if not bundle.program.endswith("wherry-runtime"):
        pytest.skip("of our runtime alone")
    return bundle


def in_users(config: Config, first: int = 100_000) -> None:
    config["linux"]["namespaces"].append({"type": "user"})
    mapping = [{"containerID": 0, "hostID": first, "size": 1000}]
    config["linux"]["uidMappings"] = config["linux"]["gidMappings"] = mapping


def test_a_user_namespace_has_its_maps_and_owns_the_others(bundle: Bundle) -> None:
    script = "id -u; cat /proc/self/uid_map /proc/self/gid_map; cat /proc/self/setgroups; hostname"

    words = bundle.run(script, in_users).stdout.split()

    assert words == ["0", *("0", "100000", "1000") * 2, "allow", "here"]


def test_in_a_user_namespace_devices_work_and_are_the_hosts(bundle: Bundle) -> None:
    script = (
        "echo lost >/dev/null; head -c 4 /dev/zero | wc -c; grep -c ' /dev/full ' /proc/1/mounts"
    )

    assert bundle.run(script, in_users).stdout.split() == ["4", "1"]


def test_an_exec_into_a_user_namespace(bundle: Bundle) -> None:
    bundle.start(in_users)

    result = bundle(
        "exec", "one", "sh", "-c", "id -u; cut -d' ' -f4 /proc/$$/stat; exit 3", check=False
    )

    assert (result.stdout.split(), result.returncode) == (["0", "0"], 3)


def test_an_exec_as_another_user(bundle: Bundle) -> None:
    bundle.start()

    result = bundle(
        "exec",
        "-u",
        "12:34",
        "--cwd",
        "/tmp",
        "-e",
        "A=b",
        "one",
        "/bin/sh",
        "-c",
        "id -u; id -g; pwd; echo $A",
    )

    assert result.stdout.split() == ["12", "34", "/tmp", "b"]


def test_a_user_namespace_is_joined_by_its_path(bundle: Bundle) -> None:
    bundle.start(in_users)
    pid = json.loads(bundle("state", "one").stdout)["pid"]
    inode = os.readlink(f"/proc/{pid}/ns/user")

    def join(config: Config) -> None:
        config["process"]["args"] = ["readlink", "/proc/self/ns/user"]
        config["linux"]["cgroupsPath"] = f"{CGROUP}/two"
        config["linux"]["namespaces"].append({"type": "user", "path": f"/proc/{pid}/ns/user"})
        if bundle.program.endswith("runc"):
            in_users(config)  # it wants the maps as well
            config["linux"]["namespaces"].pop()

    bundle.write(join)

    assert bundle("run", "-b", str(bundle.path), "two").stdout.strip() == inode


def test_a_bind_is_reached_where_the_containers_root_could_not(ours: Bundle) -> None:
    secret = ours.folder / "closed"
    secret.mkdir(mode=0o700)
    (ours.root / "file").touch()
    (secret / "file").write_text("seen")

    def bind(config: Config) -> None:
        in_users(config)
        config["mounts"].append(
            {"destination": "/file", "source": str(secret / "file"), "options": ["bind", "ro"]}
        )

    assert ours.run("cat /file", bind).stdout == "seen"


def test_the_ids_of_a_mount_are_translated(bundle: Bundle) -> None:
    if bundle.program.endswith("runc"):
        pytest.skip("runc 1.1 has no idmapped mounts")
    folder = bundle.folder / "owned"
    folder.mkdir()
    (bundle.root / "m").mkdir()
    (folder / "file").touch()

    def bind(config: Config) -> None:
        in_users(config)
        config["mounts"].append(
            {"destination": "/m", "source": str(folder), "options": ["bind", "idmap"]}
        )

    # The machine's root is the container's, there and nowhere else.
    assert bundle.run("stat -c %u /m/file; touch /m/new", bind).stdout == "0\n"
    assert (folder / "new").stat().st_uid == 0


def test_translation_by_the_mounts_own_mappings(ours: Bundle) -> None:
    folder = ours.folder / "owned"
    folder.mkdir()

    def bind(config: Config) -> None:
        mapping = [{"containerID": 0, "hostID": 5000, "size": 10}]
        config["mounts"].append(
            {
                "destination": "/m",
                "source": str(folder),
                "options": ["bind"],
                "uidMappings": mapping,
                "gidMappings": mapping,
            }
        )

    assert ours.run("stat -c %u:%g /m", bind).stdout == "5000:5000\n"


@pytest.mark.parametrize("users", [False, True])
def test_clocks_are_moved_in_a_time_namespace(bundle: Bundle, users: bool) -> None:
    if not bundle.program.endswith("wherry-runtime"):
        pytest.skip("runc 1.1 has no time namespaces, crun 1.8 does not move their clocks here")

    def move(config: Config) -> None:
        if users:
            in_users(config)
        config["linux"]["namespaces"].append({"type": "time"})
        config["linux"]["timeOffsets"] = {"boottime": {"secs": 10_000_000}}

    uptime = bundle.run("cut -d. -f1 /proc/uptime", move).stdout

    assert int(uptime) >= 10_000_000


def test_hooks_are_told_the_state(bundle: Bundle) -> None:
    log = bundle.folder / "log"
    (bundle.root / "log").touch()
    kinds = ("prestart", "createRuntime", "poststart", "poststop")
    inside = ("createContainer", "startContainer")
    if bundle.program.endswith("crun"):
        pytest.skip("crun 1.8 hands hooks states of its own order")

    def add(config: Config) -> None:
        config["process"]["args"] = ["true"]
        config["annotations"] = {"k": "v"}
        config["hooks"] = {
            kind: [{"path": "/bin/sh", "args": ["sh", "-c", f"echo {kind} $(cat) >>{log}"]}]
            for kind in kinds
        }
        config["hooks"] |= {
            kind: [{"path": "/bin/sh", "args": ["sh", "-c", f"echo {kind} $(cat) >>{place}"]}]
            for kind, place in zip(inside, (f"{bundle.root}/log", "/log"), strict=True)
        }

    bundle.write(add)
    bundle("run", "-b", str(bundle.path), "one")

    lines = [line.split(" ", 1) for line in log.read_text().splitlines()]
    told = {kind: json.loads(text) for kind, text in lines}
    seen = [line.split(" ", 1) for line in (bundle.root / "log").read_text().splitlines()]
    told |= {kind: json.loads(text) for kind, text in seen}
    assert [kind for kind, _ in lines] == list(kinds)
    assert [kind for kind, _ in seen] == list(inside)
    assert {state["id"] for state in told.values()} == {"one"}
    assert {state["bundle"] for state in told.values()} == {str(bundle.path)}
    assert {state["annotations"]["k"] for state in told.values()} == {"v"}
    statuses = {kind: state["status"] for kind, state in told.items()}
    assert statuses["createRuntime"] == statuses["createContainer"] == "creating"
    assert statuses["startContainer"] == "created"
    assert statuses["poststop"] == "stopped"
    assert told["createRuntime"]["pid"] > 1
    assert told["startContainer"]["pid"] == 1


def test_a_container_ends_whose_poststart_hook_fails(bundle: Bundle) -> None:
    if bundle.program.endswith("crun"):
        pytest.skip("crun 1.8 goes on")

    def add(config: Config) -> None:
        config["hooks"] = {"poststart": [{"path": "/bin/false"}]}

    result = bundle.run("sleep 1000", add, check=False)

    assert result.returncode == 1
    assert "hook #0" in result.stderr
    assert bundle("state", "one", check=False).returncode != 0


def test_a_hook_that_fails_or_hangs_ends_the_creation(bundle: Bundle) -> None:
    for hook in (
        {"path": "/bin/false"},
        {"path": "/bin/sleep", "args": ["sleep", "1000"], "timeout": 1},
        {"path": "/missing"},
    ):

        def add(config: Config, hook: object = hook) -> None:
            config["hooks"] = {"createRuntime": [hook]}

        assert bundle.run("echo ran", add, check=False).stdout == ""
        assert bundle("state", "one", check=False).returncode != 0


@pytest.mark.parametrize(
    ("options", "there", "below"),
    [
        (["rbind", "ro"], "ro", "rw"),
        (["rbind", "rro"], "ro", "ro"),
        (["rbind", "rnosuid", "rnoexec"], "noexec", "noexec"),
        (["rbind", "rnodev", "rw"], "nodev", "nodev"),
    ],
)
def test_attributes_of_a_bind_and_of_what_is_below(
    bundle: Bundle, options: list[str], there: str, below: str
) -> None:
    (bundle.folder / "top").mkdir()

    def bind(config: Config) -> None:
        config["mounts"] += [
            {"destination": "/a", "source": "tmpfs", "type": "tmpfs", "options": ["rw"]},
            {"destination": "/b", "source": "/sys", "type": "bind", "options": options},
        ]

    script = "grep -E ' /b(/fs/cgroup)? ' /proc/self/mountinfo | cut -d' ' -f5,6 | head -2"
    lines = dict(line.split() for line in bundle.run(script, bind).stdout.splitlines())

    assert there in lines["/b"].split(",")
    assert below in lines["/b/fs/cgroup"].split(",")


def test_a_tmpfs_starts_with_what_it_hides(bundle: Bundle) -> None:
    (bundle.root / "filled").mkdir()
    (bundle.root / "filled/file").write_text("kept")

    def mount(config: Config) -> None:
        config["mounts"].append(
            {
                "destination": "/filled",
                "type": "tmpfs",
                "source": "tmpfs",
                "options": ["tmpcopyup", "size=1m"],
            }
        )

    assert bundle.run("cat /filled/file; rm /filled/file", mount).stdout == "kept"
    assert (bundle.root / "filled/file").exists()


def test_domain_name_personality_and_umask(bundle: Bundle) -> None:
    def ask(config: Config) -> None:
        config["domainname"] = "example.org"
        config["linux"]["personality"] = {"domain": "LINUX32"}
        config["process"]["user"]["umask"] = 0o077
        config["process"]["oomScoreAdj"] = 300

    script = "cat /proc/sys/kernel/domainname; umask; cat /proc/self/oom_score_adj"
    words = bundle.run(script, ask).stdout.split()

    expected = ["example.org", "0077", "300"]
    if bundle.program.endswith("runc"):
        expected[0] = "(none)"  # 1.1 does not know it yet
    assert words == expected


def test_an_exec_has_the_personality(bundle: Bundle) -> None:
    script = "cat /proc/self/personality"
    bundle.start(lambda config: config["linux"].update(personality={"domain": "LINUX32"}))

    expected = "00000000" if bundle.program.endswith("runc") else "00000008"  # not of runc 1.1
    assert bundle("exec", "one", "sh", "-c", script).stdout.strip() == expected


@pytest.mark.skipif(not Path("/proc/self/numa_maps").exists(), reason="a kernel without NUMA")
def test_memory_is_taken_as_the_policy_says(ours: Bundle) -> None:
    policy = {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]}
    script = "grep -o -m1 'bind[^ ]*' /proc/self/numa_maps"
    ours.start(lambda config: config["linux"].update(memoryPolicy=policy))

    assert ours("exec", "one", "sh", "-c", script).stdout.strip() == "bind=static:0"
    ours.delete()
    answer = ours.run(script, lambda config: config["linux"].update(memoryPolicy=policy)).stdout
    assert answer.strip() == "bind=static:0"


@pytest.mark.parametrize(("asked", "name"), [({}, ""), ({"name": "eth%d"}, "eth0")])
def test_a_link_moves_into_the_container(ours: Bundle, asked: dict[str, str], name: str) -> None:
    bridge, near, link = (f"{kind}{os.getpid()}" for kind in ("whb", "whn", "whf"))
    with RouteSocket() as host, opened(os.open("/proc/self/ns/net", os.O_RDONLY)) as here:
        host.request(netlink.new_bridge(bridge, "02:42:00:00:00:01", 1500))
        try:
            made = host.link(bridge)
            assert made is not None
            peer = Peer(name=link, netns_fd=here, mac_address="02:42:00:00:00:02")
            host.request(netlink.new_veth(near, master=made.index, mtu=1400, peer=peer))
            far = host.link(link)
            assert far is not None
            host.request(netlink.new_address(far.index, ip_interface("198.51.100.77/24")))

            shown = ours.run(
                f"ip addr show dev {name or link}",
                lambda config: config["linux"].update(netDevices={link: asked}),
            ).stdout

            assert "inet 198.51.100.77/24" in shown
            assert "UP" in shown
            assert "mtu 1400" in shown
            assert host.link(link) is None
        finally:
            host.request(netlink.delete_link(bridge))
            # Its other end has gone with the container's namespace, or goes now.
            host.request(netlink.delete_link(near), ignoring=frozenset({errno.ENODEV}))


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("linux.intelRdt", {"closID": "x"}, "linux.intelRdt: is not supported"),
        ("linux.mountLabel", "x:y:z", "linux.mountLabel: selinux is not enabled"),
        ("linux.netDevices", {"a/b": {}}, "'a/b' is not a name of a network device"),
        ("linux.netDevices", {"none0": {}}, "moving network device none0: no such device"),
        ("linux.memoryPolicy", {"mode": "MPOL_BIND"}, "MPOL_BIND needs at least one"),
        ("linux.memoryPolicy", {"mode": "MPOL_LOCAL", "nodes": "0"}, "MPOL_LOCAL takes none"),
        ("linux.memoryPolicy", {"mode": "MPOL_X"}, "'MPOL_X' is not known"),
        ("process.selinuxLabel", "x:y:z", "selinux is not enabled"),
        ("process.apparmorProfile", "x", "apparmor is not enabled"),
        ("linux.rootfsPropagation", "sideways", "is not known"),
        ("linux.personality", {"domain": "LINUX", "flags": ["X"]}, "flags: are not supported"),
        ("process.rlimits", [{"type": "RLIMIT_X", "soft": 1, "hard": 1}], "is not known"),
        ("process.ioPriority", {"class": "IOPRIO_CLASS_X", "priority": 1}, "is not known"),
        ("process.scheduler", {"policy": "SCHED_X"}, "is not known"),
        ("linux.resources", {"devices": [{"allow": True, "access": "q"}]}, "invalid access 'q'"),
        ("linux.devices", [{"type": "z", "path": "/dev/x"}], "is not a type of device"),
        ("linux.timeOffsets", {"boottime": {"secs": 1}}, "need a time namespace"),
        ("linux.uidMappings", [{"containerID": 0, "hostID": 1, "size": 1}], "need a user"),
        ("linux.seccomp", {"defaultAction": "SCMP_ACT_NOTIFY"}, "as default action"),
    ],
)
def test_what_is_not_supported_is_refused_in_one_line(
    ours: Bundle, path: str, value: object, words: str
) -> None:
    def ask(config: Config) -> None:
        section, _, key = path.partition(".")
        config[section][key] = value

    result = ours.run("echo ran", ask, check=False)

    assert (result.stdout, result.returncode) == ("", 1)
    assert words in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_root_without_proc_is_enough(ours: Bundle) -> None:  # the others read from it
    def bare(config: Config) -> None:
        config["mounts"] = []
        config["linux"] |= {"maskedPaths": [], "readonlyPaths": []}

    ours.start(bare)

    assert ours("exec", "one", "ls", "/proc").stdout == ""


def test_checkpoints_are_refused_in_one_line(ours: Bundle) -> None:
    result = ours("checkpoint", "--image-path", "/x", "one", check=False)

    assert result.returncode == 1
    assert result.stderr == ("checkpoint and restore are not supported: this runtime has no CRIU\n")


def test_features_are_a_document_of_the_specification(ours: Bundle) -> None:
    features = json.loads(ours("features").stdout)

    assert {"ociVersionMin", "ociVersionMax", "hooks", "mountOptions", "linux"} <= set(features)
    assert "user" in features["linux"]["namespaces"]
    assert {"rro", "idmap", "tmpcopyup"} <= set(features["mountOptions"])


@pytest.mark.parametrize("rootless", [(), ("--rootless",)])
def test_a_configuration_to_begin_with_runs(bundle: Bundle, rootless: tuple[str, ...]) -> None:
    bundle("spec", "-b", str(bundle.path), *rootless)
    path = bundle.path / "config.json"
    config = json.loads(path.read_text())
    config["process"] |= {"terminal": False, "args": ["cat", "/proc/self/uid_map"]}
    config["linux"]["cgroupsPath"] = CGROUP
    path.write_text(json.dumps(config))

    words = bundle("run", "-b", str(bundle.path), "one").stdout.split()

    assert words == ["0", "0", "1" if rootless else "4294967295"]
    assert bundle("spec", "-b", str(bundle.path), check=False).returncode != 0


def test_errors_are_logged_as_json(bundle: Bundle) -> None:
    log = bundle.folder / "log.json"

    bundle("--log", str(log), "--log-format", "json", "start", "nobody", check=False)

    entry = json.loads(log.read_text().splitlines()[-1])
    assert entry["level"] == "error"
    assert entry["msg"]


def test_descriptors_are_preserved(bundle: Bundle) -> None:
    bundle.write(lambda config: config["process"].update(args=["cat", "/proc/self/fd/3"]))
    reader, writer = os.pipe()
    os.write(writer, b"handed on")
    os.close(writer)
    try:
        os.dup2(reader, 3)
        words = ("run", "--preserve-fds", "1", "-b", str(bundle.path), "one")
        assert bundle(*words, pass_fds=(3,)).stdout == "handed on"
    finally:
        os.close(reader)


def test_a_container_lives_from_create_to_delete(bundle: Bundle) -> None:
    bundle.start()
    pid = json.loads(bundle("state", "one").stdout)["pid"]

    assert json.loads(bundle("state", "one").stdout)["status"] == "running"
    assert bundle("delete", "one", check=False).returncode != 0
    bundle("kill", "one", "KILL")
    eventually(lambda: json.loads(bundle("state", "one").stdout)["status"] == "stopped")
    assert pid > 1
    bundle("delete", "one")
    assert bundle("state", "one", check=False).returncode != 0
