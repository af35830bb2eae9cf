"""`wherry lint` as people and pipelines use it, beside hadolint where that is installed."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lint.hadolint import HADOLINT
from wherry.lint.formats.format import FORMATS

WHERRY = [sys.executable, "-m", "wherry", "lint"]
NAME = r"(?<![\w])(?:/dev/stdin|-)(?=[:\"])"
OURS = ("github", "buildkit", "sarif")  # sarif's results are compared below
BAD = """\
FROM debian
RUN cd /srv
MAINTAINER "<x> & y"
LABEL Bad=1
RUN apt-get update && apt-get install x
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bad & ugly").write_text(BAD)
    (tmp_path / "good").write_text("FROM debian:12\n")
    return tmp_path


def _run(
    folder: Path, *words: str, program: list[str] | None = None, text: str = "", **environ: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*(program or WHERRY), *words],
        cwd=folder,
        input=text,
        capture_output=True,
        text=True,
        check=False,
        env={"HOME": str(folder), "PATH": "", "LC_ALL": "C.UTF-8", **environ},
    )


@pytest.mark.needs("hadolint", "shellcheck")
@pytest.mark.parametrize("name", [name for name in FORMATS if name not in OURS])
@pytest.mark.parametrize("more", [(), ("--file-path-in-report", "said/so")], ids=str)
def test_formats_are_hadolints_to_the_byte(folder: Path, name: str, more: tuple[str, ...]) -> None:
    words = ("-f", name, *more, "bad & ugly", "good")

    theirs = _run(folder, *words, program=[str(HADOLINT)])
    ours = _run(folder, *words)

    assert (_sorted(ours.stdout), ours.returncode) == (_sorted(theirs.stdout), theirs.returncode)


@pytest.mark.needs("hadolint", "shellcheck")
@pytest.mark.parametrize("name", ["tty", "gnu", "checkstyle", "sonarqube", "codacy"])
def test_standard_input_has_the_name_that_hadolint_gives_it(folder: Path, name: str) -> None:
    """Two, even: one when it cannot be read."""
    for text in ("FROM debian\n", "FROM debian\nFOO\n"):
        theirs, ours = (
            _run(folder, "-f", name, "-", program=program, text=text).stdout
            for program in ([str(HADOLINT)], None)
        )
        assert re.findall(NAME, theirs)[:1] == re.findall(NAME, ours)[:1] != [], text


@pytest.mark.needs("hadolint", "shellcheck")
def test_sarif_has_the_same_results(folder: Path) -> None:
    words = ("-f", "sarif", "bad & ugly", "good")
    theirs, ours = (
        json.loads(_run(folder, *words, program=program).stdout)["runs"][0]["results"]
        for program in ([str(HADOLINT)], None)
    )
    assert sorted(ours, key=str) == sorted(theirs, key=str)


def test_builds_show_findings_with_their_lines(folder: Path) -> None:
    words = ("--checks", "-f", "buildkit", "--ignore", "DL3025", "-")
    assert _run(folder, *words, text="FROM a:1\n\nCMD a\n").stdout == (
        "\nWARNING: JSONArgsRecommended - "
        "https://docs.docker.com/go/dockerfile/rule/json-args-recommended/\n"
        "JSON arguments recommended for CMD to prevent unintended behavior related to OS signals\n"
        "-:3\n"
        "--------------------\n"
        "   1 |     FROM a:1\n"
        "   2 |     \n"
        "   3 | >>> CMD a\n"
        "   4 |     \n"
        "--------------------\n"
    )


def _sorted(text: str) -> list[str]:
    """Without what names the program and the time; a line's findings have no order of their own."""
    text = re.sub(r'id="\d+_\d+"|name="(Wherry|Hadolint)[^"]*"', "", text)
    return sorted(re.split(r"(?<=[}>])|\n|,(?=\{)", text))


def test_exit_statuses_follow_the_threshold(folder: Path) -> None:
    assert _run(folder, "good").returncode == 0
    assert _run(folder, "bad & ugly").returncode == 1
    assert _run(folder, "-t", "none", "good").returncode == 0
    assert _run(folder, "-t", "error", "--ignore", "DL4000", "bad & ugly").returncode == 0
    assert _run(folder, "--no-fail", "bad & ugly").returncode == 0
    assert _run(folder, "-f", "codacy", "bad & ugly").returncode == 0
    assert _run(folder, "bad & ugly", HADOLINT_NOFAIL="1").returncode == 0
    for words in ((), ("-t", "bad", "good"), ("--nonsense",), ("good", "missing")):
        result = _run(folder, *words)
        said = "" if words else "Please provide a Dockerfile\n"
        assert (result.returncode, result.stdout) == (1, said)


def test_a_text_that_is_no_dockerfile_is_one_parse_error(folder: Path) -> None:
    result = _run(folder, "-", text="FROM a:1\nFRM b\n")
    assert result.returncode == 1
    assert result.stdout == "/dev/stdin:2:1 unknown instruction: FRM (did you mean FROM?) \n"


def test_formats_and_outputs_pair_by_position(folder: Path) -> None:
    words = ("-f", "json", "-o", "report.json", "-f", "gnu", "-o", "-", "-o", "report.txt")

    result = _run(folder, *words, "--no-color", "bad & ugly")

    assert result.stdout.startswith("hadolint:bad & ugly:1: DL3006 warning: ")
    findings = json.loads((folder / "report.json").read_text())
    assert findings[0]["code"] == "DL3006"
    assert (folder / "report.txt").read_text().startswith("bad & ugly:1 DL3006 warning: ")


def test_github_shows_findings_beside_the_lines(folder: Path) -> None:
    line = _run(folder, "-f", "github", "bad & ugly").stdout.split("\n")[0]
    assert line.startswith("::warning file=bad & ugly,line=1,col=1,title=DL3006::Always tag")


def test_fix_repairs_in_place_and_keeps_the_mode(folder: Path) -> None:
    path = folder / "bad & ugly"
    path.chmod(0o640)

    shown = _run(folder, "--diff", "bad & ugly")
    assert path.read_text() == BAD
    assert '+LABEL maintainer="<x> & y"\n' in shown.stdout
    result = _run(folder, "--fix", "--no-color", "bad & ugly")

    assert 'LABEL maintainer="<x> & y"\n' in path.read_text()
    assert "rm -rf /var/lib/apt/lists/*" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o640
    assert "DL4000" not in result.stdout
    assert "DL3006" in result.stdout


def test_bytes_that_are_no_text_are_linted_and_kept(folder: Path) -> None:
    path = folder / "latin"
    path.write_bytes(b"# caf\xe9\nFROM a:1\nMAINTAINER \xe9\nRUN echo '\xe9'\n")
    assert _run(folder, "--fix", "latin").returncode == 0
    assert path.read_bytes() == (
        b"# caf\xe9\nFROM a:1\nLABEL maintainer=\"\xe9\"\nRUN echo '\xe9'\n"
    )


def test_every_format_can_write_bytes_that_are_no_text(folder: Path) -> None:
    (folder / "latin").write_bytes(b"FROM a:1\n# \xe9\nFR\xe9 x\n")
    words = [word for name in FORMATS for word in ("-f", name)]
    command = [*WHERRY, *words, "--no-fail", "latin"]
    result = subprocess.run(command, cwd=folder, capture_output=True, check=True)
    assert result.stdout.count(b"unknown instruction: FR\xe9") >= len(FORMATS)


def test_fix_of_standard_input_prints_the_text(folder: Path) -> None:
    result = _run(folder, "--fix", "-", text="FROM a:1\nMAINTAINER x\n")
    assert result.stdout == 'FROM a:1\nLABEL maintainer="x"\n'


def test_rules_are_listed_and_explained(folder: Path) -> None:
    assert "DL3009" in _run(folder, "--list-rules").stdout
    assert "UndefinedVar" in _run(folder, "--list-rules").stdout
    assert "Bad:" in _run(folder, "--explain", "DL3009").stdout
    assert "Bad:" in _run(folder, "--explain", "DL1000").stdout
    assert "shellcheck.net/wiki/SC2086\n" in _run(folder, "--explain", "sc2086").stdout
    unknown = _run(folder, "--explain", "DL9999")
    assert (unknown.returncode, unknown.stderr.split("\n")[0]) == (
        1,
        "wherry: No such rule: DL9999",
    )


def test_a_configuration_file_that_is_wrong_is_told_and_passed_over(folder: Path) -> None:
    (folder / ".hadolint.yaml").write_text("ignored: DL3006\n")
    result = _run(folder, "good")
    assert result.returncode == 0
    assert "expected !!seq instead of !!str" in result.stderr
    (folder / ".hadolint.yaml").write_text("failure-threshold: error\nignored: [DL4000]\n")
    assert _run(folder, "bad & ugly").returncode == 0


def test_a_small_file_loads_little(folder: Path) -> None:
    """What takes long to load is for those who need it; a count, where milliseconds would vary."""
    program = (
        "import sys; sys.path += sys.argv[1:]\n"
        "from wherry.cli.main import main\n"
        "main(['lint', '--no-shellcheck', '--no-color', 'small'])\n"
        "print(*sys.modules)"
    )
    text = 'FROM a:1\nRUN apt-get update && apt-get install x\nCMD ["x"]\n'
    (folder / "small").write_text(text)
    path = [place for place in sys.path if place]
    result = _run(folder, *path, program=[sys.executable, "-I", "-S", "-c", program])

    loaded = set(result.stdout.split("\n")[-1 if result.stdout[-1] != "\n" else -2].split())
    rules = {name for name in loaded if name.startswith("wherry.lint.rules.dl")}
    assert "wherry.lint.rules.dl3008" in rules
    assert len(rules) < 20
    heavy = {"argparse", "ctypes", "re", "dataclasses", "hashlib", "inspect", "json", "pathlib"}
    heavy |= {"sqlite3", "subprocess", "tempfile", "typing", "yaml", "importlib.resources"}
    assert not heavy & loaded
