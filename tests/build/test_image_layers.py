"""`image layers`: what each layer brings, and what is wasted."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.build.conftest import Files
from wherry.testing.command import Wherry

TEXT = """\
FROM scratch
COPY a b dir/ /x/
COPY a /x/b
FROM busybox AS tools
FROM busybox
COPY a b /x/
COPY --chmod=600 b /x/b
RUN rm -r /x/a && mkdir /y && echo new > /y/z
"""


def test_layers_are_taken_apart(builder: Wherry, context: Callable[[Files], Path]) -> None:
    folder = context({"Dockerfile": TEXT, "a": "a" * 1000, "b": "b" * 500, "dir/c": ""})
    builder("build", "-q", "-t", "layered", str(folder))

    document = json.loads(builder("image", "layers", "--json", "layered").stdout)

    changes = [
        [f"{change['kind']} {change['path']}" for change in layer["changes"]]
        for layer in document["layers"]
    ]
    assert changes[1:] == [
        ["A /x/a", "A /x/b"],
        ["C /x/b"],
        ["D /x/a", "A /y/z"],
    ]
    assert [layer["wasted"] for layer in document["layers"]] == [0, 1500, 0, 0]
    assert document["waste"] == [
        {"path": "/x/a", "bytes": 1000, "times": 1},
        {"path": "/x/b", "bytes": 500, "times": 1},
    ]
    shown = builder("image", "analyze", "layered").stdout
    assert "RUN /bin/sh -c rm -r /x/a" in shown
    assert "wasted 1.5kB" in shown


def test_a_wasteful_image_fails_where_that_is_asked_for(
    builder: Wherry, context: Callable[[Files], Path]
) -> None:
    folder = context({"Dockerfile": TEXT, "a": "a" * 1000, "b": "b" * 500, "dir/c": ""})
    builder("build", "-q", "-t", "layered", str(folder))

    assert builder("image", "layers", "--ci", "layered").returncode == 0
    failed = builder(
        "image", "layers", "--ci", "--highest-wasted-bytes", "1k", "layered", check=False
    )

    assert failed.returncode == 1
    assert "1.5kB are wasted, at most 1.024kB may be" in failed.stderr
