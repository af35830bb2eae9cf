"""ps, inspect and the other commands that show containers, word for word beside docker's."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.testing.command import Wherry
from wherry.testing.dockerd import Dockerd
from wherry.testing.sides import Outcome, Side, docker_side, wherry_side

pytestmark = pytest.mark.needs("containers")

SETTING = (
    ("run", "-d", "--name", "web", "--label", "a=b", "-v", "data:/data", "busybox", "sleep", "99"),
    ("run", "-d", "--name", "web2", "--label", "a=c", "--label", "e", "--expose", "81/udp",
     "-p", "127.0.0.1:18080:80/tcp", "busybox", "sleep", "99"),
    ("run", "--name", "over", "busybox", "sh", "-c", "exit 3"),
)  # fmt: skip


@pytest.fixture(scope="module")
def both(installation: Wherry, dockerd: Dockerd) -> Iterator[tuple[Side, Side]]:
    """Both command lines with the same containers; every test here only looks at them."""
    dockerd.remove_everything()  # others use it as well
    sides = wherry_side(installation), docker_side(dockerd)
    for side in sides:
        for words in SETTING:
            side(*words)
    yield sides
    for side in sides:
        side("rm", "-f", "-v", "web", "web2", "over")
        side("volume", "rm", "data")


Sides = tuple[Side, Side]

FORMATS = [
    "{{.Names}} {{.Image}} {{.Command}} {{.Ports}} {{.State}} {{.Mounts}} {{.LocalVolumes}}",
    '{{.Labels}} {{.Label "a"}} {{.Label "x"}} {{.Networks}} {{.ID}}',
    "table {{.ID}}\t{{.Names}}",
    'table {{.Label "com.example.app-name"}}|{{.Names}}',
    "table {{json .Names}} {{upper .Names}}",
    "{{json .Ports}}",
    "{{.Nosuch}}",
    "{{.Names.X}}",
    "{{",
    "{{nosuchfunction}}",
    "table {{.Nosuch}}",
    "{{.Label}}",
]


@pytest.mark.parametrize("template", FORMATS)
def test_formats_of_ps(both: Sides, template: str) -> None:
    ours, theirs = (side("ps", "-a", "--format", template) for side in both)
    if template == "table {{.Nosuch}}":  # Docker counts the place from before "table "
        ours, theirs = (Outcome("", one.stderr[-70:], one.status) for one in (ours, theirs))
    assert ours == theirs


def test_ps_as_json(both: Sides) -> None:
    shown = [side("ps", "-a", "--format", "json").stdout.splitlines() for side in both]
    parsed = [[json.loads(line) for line in lines] for lines in shown]
    changing = ("CreatedAt", "RunningFor", "Status")
    for rows in parsed:
        for row in rows:
            for name in changing:
                row.pop(name)
    assert parsed[0] == parsed[1]
    assert "\\u003e" in shown[0][1]


USAGE = (
    "{{range .Containers}}{{.Names}} {{.LocalVolumes}} {{.Mounts}};{{end}}"
    "{{range .Volumes}}{{.Name}} {{.Links}};{{end}}{{range .Images}}{{.Containers}}{{end}}"
)


@pytest.mark.parametrize(
    "words",
    [
        ("ps", "-q", "--format", "{{.Names}}"),
        ("ps", "-q", "--format", "raw"),
        ("images", "-q", "--format", "raw"),
        ("volume", "ls", "--format", "raw"),
        ("network", "ls", "--format", "raw", "-f", "name=host"),
        ("system", "df", "-v", "--format", USAGE),
        ("events", "--since", "1h", "--until", "0s", "-f", "daemon=x"),
    ],
    ids=" ".join,
)
def test_formats_of_other_lists(both: Sides, words: tuple[str, ...]) -> None:
    ours, theirs = (side(*words) for side in both)
    assert ours == theirs


def test_top_may_choose_for_itself(both: Sides) -> None:
    shown = [side("top", "web", "-C", "sleep", "-o", "pid,comm").stdout for side in both]
    assert [text.split()[-1] for text in shown] == ["sleep", "sleep"]


FILTERS = [
    *("status=running", "status=exited", "exited=3", "exited=0", "name=web", "name=^web$"),
    *("name=/web", "label=a", "label=a=b", "label=e", "label=x", "ancestor=busybox"),
    *("ancestor=nosuch", "before=web2", "since=web", "network=bridge", "network=host"),
    *("network=nosuch", "volume=data", "volume=/data", "volume=/x", "health=none"),
    *("health=healthy", "publish=80", "publish=80/tcp", "publish=81/udp", "publish=1-100"),
    *("expose=80", "expose=81/udp", "is-task=false", "is-task=true", "id=zzz", "name=("),
    *("publish=18080", "publish=18080/udp", "publish=18000-19000"),
]


@pytest.mark.parametrize("condition", FILTERS)
def test_filters_of_ps(both: Sides, condition: str) -> None:
    for flags in ((), ("-a",)):
        ours, theirs = (
            side("ps", *flags, "-f", condition, "--format", "{{.Names}}") for side in both
        )
        assert ours == theirs


@pytest.mark.parametrize(
    "words",
    [
        ("-f", "label=a", "-f", "label=e"),
        ("-f", "status=exited", "-f", "status=running"),
        ("-f", "name=web", "-f", "name=over"),
        ("-n", "2"),
        ("-l",),
        ("-n", "1", "-a"),
    ],
)
def test_filters_together(both: Sides, words: tuple[str, ...]) -> None:
    ours, theirs = (side("ps", "-a", *words, "--format", "{{.Names}}") for side in both)
    assert ours == theirs


BAD_FILTERS = ["bogus=1", "bogus", "status=bogus", "exited=x", "is-task=x", "health=x"]


@pytest.mark.parametrize("condition", BAD_FILTERS)
def test_filters_that_there_are_not(both: Sides, condition: str) -> None:
    for side in both:
        result = side("ps", "-f", condition)
        assert (result.stdout, result.status) == ("", 125 if condition == "bogus" else 1)
        assert "Traceback" not in result.stderr


def test_a_user_s_own_format(both: Sides, tmp_path: Path) -> None:
    settings = {"psFormat": "mine {{.Names}}", "detachKeys": "ctrl-x"}
    (tmp_path / "config.json").write_text(json.dumps(settings))
    for words in (("ps",), ("ps", "-q"), ("ps", "--format", "{{.Names}}")):
        ours, theirs = (side(*words, DOCKER_CONFIG=str(tmp_path)) for side in both)
        assert ours == theirs


TEMPLATES = [
    "{{.Name}} {{.State.Running}} {{.State.ExitCode}} {{.RestartCount}} {{.Driver}}",
    "{{json .State.Status}} {{json .Config.Cmd}} {{json .HostConfig.RestartPolicy}}",
    "{{.HostConfig.RestartPolicy}} {{.Config.Cmd}} {{.Config.Labels}}",
    "{{.HostConfig.LogConfig}} {{.HostConfig.Binds}}",
    "{{.Config.Labels.a}} {{.Config.Labels.nosuch}} {{index .Config.Labels `nosuch`}}",
    "{{if .State.Health}}checked{{else}}unchecked{{end}} {{.State.Health}}",
    "{{range $name, $value := .Config.Labels}}{{$name}}={{$value}};{{end}}",
    "{{range .Mounts}}{{.Type}} {{.Destination}} {{.RW}};{{end}}",
    "{{(index .Mounts 0).Name}} {{len .Mounts}} {{index .Config.Cmd 1}}",
    "{{with .HostConfig}}{{.NetworkMode}} {{.IpcMode}} {{.ShmSize}}{{end}}",
    "{{.HostConfig.Resources.Memory}} {{.HostConfig.Mounts}} {{.Config.Shell}}",
    '{{if eq .State.Status "running"}}yes{{end}} {{if gt .HostConfig.ShmSize 5}}more{{end}}',
    '{{join .Config.Cmd ","}} {{upper .Name}} {{title "abc d"}} {{pad "x" 1 2}}|',
    '{{printf "%-8s|%5d|%q|%v|%T" .Name 7 "a" .Config.Cmd .State.Running}}',
    '{{split "a,b" ","}} {{truncate "abcdef" 3}} {{lower "ABC"}} {{len "four"}}',
    "{{index .NetworkSettings.Networks `nosuch`}}",
    "{{range $k, $v := .NetworkSettings.Networks}}{{$k}}{{end}}",
    "{{.NetworkSettings.Ports}}",
    "{{.Nosuch}}",
    "{{.State.Nosuch}}",
    "{{.Name.Nosuch}}",
    "{{index .Config.Cmd 9}}",
    "{{nosuch 1}}",
    "{{",
    "{{end}}",
]


@pytest.mark.parametrize("template", TEMPLATES)
def test_templates_of_inspect(both: Sides, template: str) -> None:
    ours, theirs = (side("inspect", "-f", template, "web") for side in both)

    assert ours == theirs


def test_ports_in_a_template(both: Sides) -> None:
    ours, theirs = (side("inspect", "-f", "{{.NetworkSettings.Ports}}", "web2") for side in both)

    assert ours == theirs
    assert "[{127.0.0.1 18080}]" in ours.stdout


NOT_FOUND = [
    ("inspect", "nosuch"),
    ("inspect", "--type", "container", "nosuch"),
    ("inspect", "-f", "{{.Name}}", "web", "nosuch"),
    ("container", "inspect", "nosuch"),
    ("inspect", "--type", "network", "nosuch"),
    ("inspect", "--type", "volume", "nosuch"),
    ("logs", "nosuch"),
    ("top", "nosuch"),
    ("port", "nosuch"),
    ("diff", "nosuch"),
    ("kill", "nosuch"),
    ("wait", "nosuch"),
    ("stop", "nosuch"),
    ("start", "nosuch"),
    ("restart", "nosuch"),
    ("pause", "nosuch"),
    ("rm", "nosuch"),
    ("rm", "-f", "nosuch"),
    ("rename", "nosuch", "other"),
    ("attach", "nosuch"),
    ("stats", "--no-stream", "nosuch"),
]


@pytest.mark.parametrize("words", NOT_FOUND, ids=" ".join)
def test_what_is_not_there(both: Sides, words: tuple[str, ...]) -> None:
    ours, theirs = (side(*words) for side in both)

    # The oracle is older than its client: since 28 the sentence begins small.
    assert ours.stderr.lower() == theirs.stderr.lower()
    assert (ours.stdout, ours.status) == (theirs.stdout, theirs.status)


SHOWN = [
    ("port", "web2"),
    ("port", "web2", "80"),
    ("port", "web2", "80/tcp"),
    ("port", "web2", "99"),
    ("top", "web", "-o", "pid,args"),
    ("top", "web", "-o", "bogus"),
    ("wait", "over"),
    ("stats", "--no-stream", "--format", "{{.Container}} {{.Name}} {{.PIDs}}", "web", "over"),
    ("kill", "-s", "BOGUS", "web"),
    ("pause", "over"),
    ("unpause", "over"),
    ("unpause", "web"),
    ("exec", "over", "true"),
    ("top", "over"),
    ("rename", "web", "web"),
    ("rename", "web", "web2"),
    ("rename", "web", "a b"),
    ("logs", "-n", "x", "web"),
    ("logs", "--since", "bogus", "web"),
    ("stop", "-t", "x", "web"),
    ("events", "--since", "bogus"),
    ("events", "--format", "{{.Nosuch}}"),
    ("events", "--format", "{{"),
    ("version", "--format", "{{"),
    ("info", "--format", "{{"),
    ("ps", "--nosuch"),
    ("ps", "extra"),
    ("nosuch",),
    ("kill",),
    ("kill", "-s", "0", "web"),
    ("ps", "-a", "-l", "-n", "2", "--format", "{{.Names}}"),
    ("update", "-m", "5m", "nosuch"),
    ("tag", "busybox"),
    ("tag", "", "a"),
    ("network", "create", "--label", "a b=c", "nosuch"),
    ("network", "create", "--subnet", "10.99.0.0/24", "--subnet", "10.97.0.0/24", "nosuch"),
    ("volume", "create", "--label", "=x", "nosuch"),
    ("system", "prune"),
    ("system", "prune", "-f", "--volumes", "--filter", "until=1h"),
    ("rename", "one"),
]


@pytest.mark.parametrize("words", SHOWN, ids=" ".join)
def test_answers(both: Sides, words: tuple[str, ...]) -> None:
    ours, theirs = (side(*words) for side in both)

    if words[0] == "top" and ours.status == 0:
        ours, theirs = (Outcome(side.stdout.split()[0], "", 0) for side in (ours, theirs))
    assert ours.stderr.replace("/web2", "web2") == theirs.stderr.replace("/web2", "web2")
    assert (ours.stdout, ours.status) == (theirs.stdout, theirs.status)


def test_events_in_templates(both: Sides) -> None:
    template = "{{.Type}} {{.Status}} {{.From}} {{.Action}} {{.Scope}} {{.Actor.Attributes}}"
    words = ("events", "--since", "10m", "--until", "0s", "-f", "container=web2")

    ours, theirs = (
        side(*words, "-f", "event=start", "--format", template).stdout.splitlines()[:1]
        for side in both
    )

    assert ours == theirs
    keys = [
        [
            list(json.loads(line))
            for line in side(*words, "--format", "json").stdout.splitlines()[:1]
        ]
        for side in both
    ]
    assert keys[0] == keys[1]
