"""Go templates: what the stock client prints for the same template on the same document."""

import pytest

from wherry.cli.templates.documents import typed_document
from wherry.cli.templates.errors import TemplateError
from wherry.cli.templates.template import Template

VOLUME = {
    "CreatedAt": "2026-11-24T00:29:13Z",
    "Driver": "local",
    "Labels": {"a": "b", "c": "d"},
    "Name": "lv9",
    "Options": {},
    "Scope": "local",
    "Size": 7,
}


@pytest.mark.parametrize(
    ("template", "printed"),
    [
        ("{{.Name}}", "lv9"),
        ("{{json .Labels}}", '{"a":"b","c":"d"}'),
        ("{{len .Name}}", "3"),
        ('{{index .Labels "a"}}', "b"),
        ("{{range $k,$v := .Labels}}{{$k}}={{$v}};{{end}}", "a=b;c=d;"),
        ("{{if .Options}}y{{else}}n{{end}}", "n"),
        ("{{range .Options}}x{{else}}none{{end}}", "none"),
        (
            '{{printf "%q %5s|%-7s|%v" .Name .Driver .Scope .Labels}}',
            '"lv9" local|local  |map[a:b c:d]',
        ),
        ('{{.Name | upper | printf "%s!"}}', "LV9!"),
        ("{{with .Labels}}{{.a}}{{end}}", "b"),
        ('{{eq .Driver "x" "local"}}', "true"),
        ('{{ge 3 2}} {{and 1 0}} {{or "" "z"}} {{not true}}', "true 0 z false"),
        ("{{slice .Name 1 2}}", "v"),
        ("{{title .Driver}} {{pad .Driver 1 2}}| {{truncate .Name 2}}", "Local  local  | lv"),
        ('{{join (split "a,b" ",") "-"}}', "a-b"),
        ("a {{- .Name -}}  x", "alv9x"),
        ('{{/* nothing */}}a{{"\\t"}}b', "a\tb"),
        ('{{define "T"}}<{{.}}>{{end}}{{template "T" .Name}}', "<lv9>"),
        ('{{html "<a>"}} {{js "it\'s"}} {{urlquery "a b"}}', "&lt;a&gt; it\\'s a+b"),
        ('{{range $i,$e := split "a b c" " "}}{{if $i}},{{end}}{{$e}}{{end}}', "a,b,c"),
        ("{{$x := .Name}}{{$x}}", "lv9"),
        ('{{block "B" .}}[{{.Name}}]{{end}}', "[lv9]"),
        ('{{printf "%d" .Name}}', "%!d(string=lv9)"),
        ('{{print 1 2 "a" "b" 3}}', "1 2ab3"),
        ('{{range split "a b c" " "}}{{if eq . "b"}}{{continue}}{{end}}{{.}}{{end}}', "ac"),
        ('{{range split "a b c" " "}}{{if eq . "b"}}{{break}}{{end}}{{.}}{{end}}', "a"),
        ("{{`raw \\n`}}", "raw \\n"),
    ],
)
def test_what_a_template_prints(template: str, printed: str) -> None:
    assert Template(template).execute(VOLUME) == printed


@pytest.mark.parametrize(
    ("template", "error"),
    [
        ("{{.Name", "template: :1: unclosed action"),
        ("{{if .Name}}", "template: :1: unexpected EOF"),
        ("{{nofunc .}}", 'template: :1: function "nofunc" not defined'),
        (
            "{{range .Name}}{{end}}",
            'template: :1:8: executing "" at <.Name>: range can\'t iterate over lv9',
        ),
        ("{{.Nope}}", 'template: :1:2: executing "" at <.Nope>: map has no entry for key "Nope"'),
        (
            "{{lt 1 2.0}}",
            (
                'template: :1:2: executing "" at <lt 1 2.0>: error calling lt:'
                " incompatible types for comparison"
            ),
        ),
        (
            "{{len 3}}",
            'template: :1:2: executing "" at <len 3>: error calling len: len of type int',
        ),
    ],
)
def test_what_is_wrong_with_a_template(template: str, error: str) -> None:
    with pytest.raises(TemplateError) as caught:
        Template(template).execute(VOLUME)
    assert str(caught.value) == error


CONFIG = {
    "Hostname": "host",
    "Domainname": "",
    "User": "",
    "AttachStdin": False,
    "AttachStdout": True,
    "AttachStderr": True,
    "ExposedPorts": {"80/tcp": {}},
    "Tty": False,
    "OpenStdin": False,
    "StdinOnce": False,
    "Env": ["A=b"],
    "Cmd": ["true"],
    "Image": "busybox",
    "Volumes": None,
    "WorkingDir": "",
    "Entrypoint": None,
    "OnBuild": None,
    "Labels": {"a": "b"},
}
CHECK = {"Test": ["CMD-SHELL", "x"], "Interval": 90_000_000_000, "Timeout": 1_500_000}
NETWORK = {"IPAM": {"Driver": "default", "Config": [{"Subnet": "172.17.0.0/16"}]}}


@pytest.mark.parametrize(
    ("template", "document", "printed"),
    [
        (
            "{{.Config}}",
            {"HostConfig": {}, "Config": CONFIG},
            ("{host   false true true map[80/tcp:{}] false false false [A=b] [true] <nil> false"
            " busybox map[]  [] false  [] map[a:b]  <nil> []}"),
        ),
        (
            "{{.Config}}",
            {"RootFS": {}, "Config": {"Cmd": ["sh"], "Env": None, "Labels": None}},
            "{{map[] [] [sh] map[]  false} {<nil> []}}",
        ),
        (
            "{{.Config.Healthcheck}} {{.Config.Healthcheck.Interval}}",
            {"HostConfig": {}, "Config": {"Healthcheck": CHECK}},
            "{[CMD-SHELL x] 1m30s 1.5ms 0s 0s 0} 1m30s",
        ),
        (
            "{{.HostConfig}} {{.HostConfig.Memory}} {{.HostConfig.Resources}}",
            {"HostConfig": {"Memory": 7, "NanoCpus": 8, "Runtime": "runc", "Privileged": True}},
            "{map[] true map[] map[] map[] runc {7 8 0 0} [] <nil>} 7 {7 8 0 0}",
        ),
        ("{{.IPAM}}", NETWORK, "{default [{172.17.0.0/16   map[]}]}"),
        ("{{.Created}}", NETWORK | {"Created": "2026-11-25T01:08:28.5Z"},
         "2026-11-25 01:08:28.5 +0000 UTC"),
        ("{{json .Config}}", {"HostConfig": {}, "Config": {"Image": "a", "Cmd": ["b"]}},
         '{"Cmd":["b"],"Image":"a"}'),
    ],
)  # fmt: skip
def test_a_typed_document_prints_as_the_struct_of_docker_s_client(
    template: str, document: dict[str, object], printed: str
) -> None:
    assert Template(template).execute(typed_document(document)) == printed
