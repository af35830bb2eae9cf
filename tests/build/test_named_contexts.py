"""What `--build-context` and `FROM` may begin with."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.build.conftest import Files
from wherry.testing.command import Wherry

Context = Callable[[Files], Path]


@pytest.fixture
def layout(builder: Wherry, tmp_path: Path) -> Path:
    """An image layout whose image is tagged 7 and has a file /from-layout."""
    folder = tmp_path / "layout"
    text = b"FROM busybox\nRUN echo laid > /from-layout\n"
    words = ("-t", "laid:7", "-o", f"type=oci,dest={folder},tar=false")
    builder("build", "-q", *words, "-", stdin=text)
    return folder


def test_a_stage_begins_with_a_folder(builder: Wherry, context: Context, tmp_path: Path) -> None:
    base = tmp_path / "base"
    (base / "bin").mkdir(parents=True)
    busybox = shutil.which("busybox")
    assert busybox is not None
    shutil.copy(busybox, base / "bin/sh")
    (base / ".dockerignore").write_text("*.log\n")
    (base / "left-out.log").write_text("")
    folder = context({"Dockerfile": 'FROM base\nRUN echo made > /made\nCMD ["/bin/sh"]\n'})
    words = ("--build-context", f"base={base}", "-t", "in", str(folder))

    builder("build", "-q", *words)

    shown = builder("run", "--rm", "in", "/bin/sh", "-c", "echo /*; read x < /made; echo $x")
    assert shown.stdout.splitlines()[-1] == "made"
    assert "left-out.log" not in shown.stdout
    assert "everything is in the cache" in builder("build", "--explain", *words).stdout


def test_a_context_replaces_a_stage(builder: Wherry, context: Context, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "file").write_text("instead")
    folder = context(
        {"Dockerfile": "FROM nowhere AS made\nFROM busybox\nCOPY --from=made /file /\n"}
    )

    builder("build", "-q", "-t", "in", "--build-context", f"made={other}", str(folder))

    assert builder("run", "--rm", "in", "cat", "/file").stdout == "instead"


def test_a_stage_begins_with_an_image_layout(
    builder: Wherry, context: Context, layout: Path
) -> None:
    digest = json.loads((layout / "index.json").read_text())["manifests"][0]["digest"]
    folder = context({"Dockerfile": "FROM other\nRUN cat /from-layout\n"})

    def built(suffix: str) -> CompletedProcess[str]:
        named = f"other=oci-layout://{layout}{suffix}"
        words = ("build", "--progress=plain", "--build-context", named, str(folder))
        return builder(*words, check=False)

    assert re.search(r"(?m) laid$", built(":7").stderr)
    assert "CACHED" in built(f"@{digest}").stderr
    assert "CACHED" in built("").stderr
    assert "no image has the tag '8'" in built(":8").stderr


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("base=oci-layout:///nowhere", "/nowhere: no such file or directory"),
        ("base=/nowhere", 'path "/nowhere" not found'),
        ("base=what://ever", "unsupported context source what for base"),
        ("B SE=.", "invalid context name B SE"),
    ],
)
def test_what_is_no_context_is_told(
    value: str, complaint: str, builder: Wherry, context: Context
) -> None:
    folder = context({"Dockerfile": "FROM base\n"})

    failed = builder("build", "--build-context", value, str(folder), check=False)

    assert failed.returncode == 1
    assert complaint in failed.stderr
