"""The stock command line of Docker, at our service and at a daemon: same words, same answers."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from wherry.testing.sides import Outcome, Side

pytestmark = pytest.mark.needs("docker", "dockerd")

# A line is a command; the lines of one script build on each other.
SCRIPTS = {
    "life": """
create --name one1 busybox sh -c 'echo hello; exit 3'
ps -a --format '{{.Names}} {{.Image}} {{.Command}} {{.Status}}'
start -a one1
wait one1
logs one1
logs --tail 0 one1
start one1
wait one1
logs one1
rename one1 two2
inspect -f '{{.Name}} {{.State.Status}} {{.State.ExitCode}}' two2
rm two2
rm two2
inspect two2
""",
    "running": """
run -d --name web --label tier=front busybox sh -c 'echo out; echo err >&2; exec sleep 300'
logs web
ps --format '{{.Names}} {{.State}} {{.Labels}}'
ps -q --filter label=tier=back
ps --filter name=web --format '{{.Names}}'
ps --filter nonsense=1
exec web echo in exec
exec web sh -c 'exit 7'
exec web no-such-program
exec -d web sleep 200
exec -e A=b -w /tmp web sh -c 'echo $A; pwd'
exec -u 1000:1000 web id -u
exec nobody true
top web -o pid,args
pause web
ps --format '{{.State}}' --filter status=paused
exec web true
pause web
unpause web
unpause web
kill -s USR9 web
kill -s CONT web
rm web
run --name web busybox true
stop -t 0 web
stop web
kill web
start web
restart -t 0 web
port web
update --restart unless-stopped web
inspect -f '{{.HostConfig.RestartPolicy.Name}}' web
rm -f web
""",
    "runs": """
run --rm busybox echo hello
run --rm busybox sh -c 'echo err >&2; exit 5'
run --rm busybox no-such-program
run --rm -e A=1 -e B=2 busybox sh -c 'echo $A $B'
run --rm -w /var busybox pwd
run --rm -u 1000 busybox id -u
run --rm --hostname h1 busybox hostname
run --rm --entrypoint echo busybox via entrypoint
run --rm --read-only busybox touch /x
run --rm --tmpfs /t busybox sh -c 'mount | grep -c "on /t "'
run --rm --network none busybox sh -c 'ls /sys/class/net'
run --rm -m 1m busybox true
run --rm --cap-add NOPE busybox true
run --rm -v /no/such:relative busybox true
run --rm --mount type=bind,source=/no-such-path,target=/x busybox true
run --rm --restart always busybox true
run --rm --network nosuch busybox true
run --name 'a b' busybox true
run -d --rm --name gone busybox true
run --rm --ulimit nofile=100:200 busybox sh -c 'ulimit -n; ulimit -Hn'
run --rm --sysctl net.ipv4.ip_forward=0 busybox cat /proc/sys/net/ipv4/ip_forward
run --rm --init busybox sh -c 'cat /proc/1/comm'
""",
    "volumes": """
volume create data1
volume create --label a=b data2
volume ls -q
volume ls -q --filter label=a=b
volume ls --filter nonsense=1
volume inspect -f '{{.Name}} {{.Driver}} {{.Scope}} {{.Labels}}' data2
volume inspect nosuch
run --rm -v data1:/d busybox sh -c 'echo kept > /d/f'
run --name user1 -v data1:/d busybox cat /d/f
volume rm data1
rm user1
volume rm data1 data2
volume rm data1
volume rm -f data1
volume create 'bad name'
""",
    "images": """
images --format '{{.Repository}}:{{.Tag}}'
tag busybox mine:1
tag busybox BAD
tag nosuch mine:2
images --format '{{.Repository}}:{{.Tag}}' mine
image inspect -f '{{.RepoTags}} {{.Os}} {{.Architecture}}' mine:1
image inspect nosuch
run -d --name uses mine:1 sleep 100
rmi mine:1
rmi -f mine:1
rm -f uses
rmi nosuch:1
image ls -q nosuch
image prune -f
container prune -f
""",
    "commit": """
run --name base busybox sh -c 'echo new > /root/file'
diff base
commit -m words -a me -c 'CMD ["cat","/root/file"]' base derived:1
run --rm derived:1
history -q --no-trunc nosuch
commit nosuch
rm base
rmi derived:1
""",
    "networks": """
network create --subnet 10.99.0.0/24 --label a=b own
network inspect -f "{{.Name}} {{.Driver}} {{.Labels}}" own
run -d --name here --network own busybox sleep 100
rm -f here
network rm own
network rm nosuch
network ls --format '{{.Name}} {{.Driver}} {{.Scope}}'
network inspect -f '{{.Name}} {{.Driver}}' none
network inspect nosuch
""",
    "system": """
info --format '{{.OSType}} {{.Swarm.LocalNodeState}}'
version --format '{{.Server.Os}} {{.Server.Arch}}'
node ls
service ls
secret ls
plugin ls
system df --format '{{.Type}}'
attach nosuch
logs nosuch
top nosuch
stats --no-stream nosuch
port nosuch
cp nosuch:/x -
diff nosuch
export nosuch
""",
}
# Where Docker 28's words are followed, and the daemon beside is older; and what is each one's own.
REWORDED = (
    (re.compile(r"^(Error|Error response from daemon): ", re.MULTILINE), ""),
    (re.compile(r"failed to create task for container: "), ""),
    (re.compile(r"(runc|wherry|it) create failed"), "create failed"),
    (re.compile(r"^I(?=nvalid filter)", re.MULTILINE), "i"),
    (re.compile(r"^C(?=annot kill)", re.MULTILINE), "c"),
    (re.compile(r"Container (?=<id> is not running)"), "container "),
    (re.compile(r"^(\d+)(?= +sleep)", re.MULTILINE), "PID"),
    (re.compile(r"^No such image: \w+: (?=No such image)", re.MULTILINE | re.IGNORECASE), ""),
    (
        re.compile(r"^You cannot remove a running container <id>. .*|^cannot remove container.*"),
        "it runs",
    ),
)
# The older daemon gives a program that is not there another code.
RECODED = {"exec web no-such-program": 127}


def plain(outcome: Outcome) -> Outcome:
    texts = []
    for text in (outcome.stdout, outcome.stderr):
        for pattern, word in REWORDED:
            text = pattern.sub(word, text)
        texts.append(text)
    return Outcome(texts[0], texts[1], outcome.status)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_of_commands_does_the_same(name: str, client: Side, theirs: Side) -> None:
    different = []
    for line in SCRIPTS[name].strip().splitlines():
        mine, expected = (plain(side.shell(f"it {line}", 20)) for side in (client, theirs))
        if line in RECODED:
            expected = replace(expected, status=RECODED[line])
        if mine != expected:
            different.append(f"{line}\n   ours   {mine}\n   docker {expected}")
    assert not different, "\n".join(different)


def test_the_scripts_are_long_enough_to_mean_something() -> None:
    assert sum(len(script.strip().splitlines()) for script in SCRIPTS.values()) >= 80


def test_files_go_in_and_out(client: Side, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "file").write_text("text")
    client("create", "--name", "box", "busybox", "true")

    assert client("cp", f"{tmp_path}/in", "box:/tmp/there").status == 0
    assert client("cp", "box:/tmp/there/.", f"{tmp_path}/out").status == 0

    assert (tmp_path / "out" / "file").read_text() == "text"


def test_an_image_survives_save_and_load(client: Side, tmp_path: Path) -> None:
    client("tag", "busybox", "saved:1")
    client("save", "-o", f"{tmp_path}/archive", "saved:1")
    client("rmi", "saved:1")

    loaded = client("load", "-i", f"{tmp_path}/archive")

    assert loaded.stdout == "Loaded image: saved:1\n"
    assert client("rmi", "saved:1").status == 0


def test_a_terminal_is_resized_and_detached_from(client: Side) -> None:
    with client.terminal("run", "-it", "--name", "box", "busybox", rows=30, columns=100) as shell:
        shell.until("# ")
        shell.type("stty size\n")
        shell.until("30 100")
        shell.resize(40, 120)
        shell.type("sleep 0.2; stty size\n")
        shell.until("40 120")
        shell.type("\x10\x11")
        assert shell.ended() == 0
        assert shell.is_restored()
    assert client("inspect", "-f", "{{.State.Running}}", "box").stdout == "true\n"
    with client.terminal("attach", "box") as shell:
        shell.type("exit 3\n")
        assert shell.ended() == 3


def test_an_exec_has_a_terminal_of_its_own(client: Side) -> None:
    client("run", "-d", "--name", "box", "busybox", "sleep", "60")
    with client.terminal("exec", "-it", "box", "sh", rows=30, columns=100) as shell:
        shell.until("# ")
        shell.type("stty size; tty; exit 4\n")
        shell.until("30 100")
        assert shell.ended() == 4
