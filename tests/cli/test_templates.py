"""What `--format` answers where a template fails, word for word beside docker's."""

import pytest

from wherry.testing.sides import Side

pytestmark = pytest.mark.needs("containers")

_NOPE = "{{.Nope}}"
FAILING = [
    *(("images", "--format", text, "busybox") for text in (_NOPE, "{{.ID", "{{.ID.X}}", " ")),
    ("history", "--format", _NOPE, "busybox"),
    ("network", "ls", "--format", f"{{{{.Name}}}} {_NOPE}"),
    ("network", "ls", "-f", "driver=host", "--format", '{{.Label "x"}}|{{.Labels}}|{{.Scope}}'),
    ("network", "ls", "--filter", "name=nope", "--format", f"table {_NOPE}"),
    ("volume", "ls", "--format", '{{.Name}} {{.Label "x"}} {{.Name.X}}'),
    ("system", "df", "--format", _NOPE),
    ("system", "df", "-v", "--format", f"so far {_NOPE}"),
    ("system", "df", "-v", "--format", "{{range .Images}}{{.Nope}}{{end}}"),
    ("version", "--format", f"so far {_NOPE}"),
    ("version", "--format", "{{.Server.Nope}}"),
    ("version", "--format", "{{range .Server.Components}}{{.Nope}}{{end}}"),
    ("info", "--format", "so far {{.Plugins.Nope}}"),
    ("info", "--format", "{{.ClientInfo.Debug}} {{.ClientInfo.Context}}"),
    ("volume", "inspect", "--format", _NOPE, "data"),
    ("volume", "inspect", "--format", "{{.Options}} {{.Status}} {{.UsageData}}", "data"),
    ("volume", "inspect", "--format", "{{.Name}}", "data", "nosuch"),
    ("inspect", "--type", "volume", "--format", _NOPE, "data", "data"),
    ("inspect", "--type", "volume", "--format", "json", "nosuch"),
    ("inspect", "--type", "volume", "--size", "--format", "{{.Name}}", "data"),
    ("inspect", "--format", "{{.NetworkSettings.Networks.nosuch.IPAddress}}", "shown"),
    ("inspect", "--format", '{{(index .NetworkSettings.Networks "nosuch").Gateway}}', "shown"),
    ("inspect", "--format", '{{index .Config.Labels "a" "b"}}', "shown"),
    ("ps", "-a", "-f", "name=^/shown$", "--format", "{{.Platform}}"),
]


def test_templates_fail_with_docker_s_words_and_statuses(ours: Side, theirs: Side) -> None:
    for side in (ours, theirs):
        side("volume", "create", "data")
        side("create", "--name", "shown", "busybox")
    try:
        different = {
            words: (mine, docker_s)
            for words in FAILING
            if (mine := ours(*words)) != (docker_s := theirs(*words))
        }
    finally:
        theirs("rm", "shown")
        theirs("volume", "rm", "data")
    assert different == {}


def test_documents_in_one_line_are_an_array(ours: Side, theirs: Side) -> None:
    for side in (ours, theirs):
        shown = side("network", "inspect", "--format", "json", "none", "none").stdout
        assert shown.startswith('[{"Name":"none",')
        assert shown.count('},{"Name":"none",') == 1
