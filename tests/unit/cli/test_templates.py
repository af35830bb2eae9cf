"""Go templates: what the stock client prints for the same template on the same document."""

import pytest

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
