"""`image layers`: what each layer brings, and what is wasted."""

import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

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
    assert "    RUN rm -r /x/a && mkdir /y && echo new > /y/z\n" in shown
    lines = [line.split() for line in shown.splitlines()]
    assert ["1kB", "1", "/x/a"] in lines
    assert ["4", "[", "]", "4B", "1", "1"] in lines


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


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--lowest-efficiency", "0.9999"), "efficiency 0.999 is below 1.000"),
        (("--highest-user-wasted-percent", "0.5"), "0.749 of what is above the base is wasted"),
        (("--lowest-efficiency", "1.5"), 'invalid value "1.5" for --lowest-efficiency'),
        (("--lowest-efficiency", "nan"), 'invalid value "nan" for --lowest-efficiency'),
    ],
)
def test_each_threshold_fails_with_its_figure(
    words: tuple[str, ...], complaint: str, builder: Wherry, context: Callable[[Files], Path]
) -> None:
    folder = context({"Dockerfile": TEXT, "a": "a" * 1000, "b": "b" * 500, "dir/c": ""})
    builder("build", "-q", "-t", "layered", str(folder))

    failed = builder("image", "layers", "--ci", *words, "layered", check=False)

    assert failed.returncode == 1
    assert complaint in failed.stderr


def test_a_container_has_its_own_layer_on_top(builder: Wherry) -> None:
    script = "rm /bin/ls; echo hello > /new; touch /etc/group"
    builder("run", "--name", "writer", "busybox", "sh", "-c", script)

    report = json.loads(builder("image", "layers", "--json", "writer").stdout)
    shown = builder("image", "layers", "--files", "writer").stdout

    assert (report["container"], len(report["layers"])) == ("writer", 2)
    top = report["layers"][1]
    assert (top["diffID"], top["size"]) == ("", 6 + 64)
    changes = [(each["kind"], each["path"], each["bytes"]) for each in top["changes"]]
    assert changes == [("D", "/bin/ls", 0), ("C", "/etc/group", 64), ("A", "/new", 6)]
    assert report["layers"][0]["wasted"] == 64
    assert "container writer: its read-write layer" in shown
    assert "D /bin/ls" in shown


class Page(HTMLParser):
    """What a browser would see: texts, and whatever it would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.open: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "link", "img"):
            self.open.append(tag)
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_page_needs_no_other_file_and_is_safe_to_open(
    builder: Wherry, context: Callable[[Files], Path]
) -> None:
    name = "<script>alert(1)<"
    text = f'{TEXT}COPY ["{name}", "/"]\n'
    files: Files = {"a": "a" * 1000, "b": "b" * 500, "dir/c": "", name: "x" * 70}
    folder = context({"Dockerfile": text, **files})
    builder("build", "-q", "-t", "layered", str(folder))

    page = Page()
    page.feed(builder("image", "layers", "--html", "layered").stdout)

    assert page.open == []
    assert all(link.startswith("#layer-") for link in page.fetched)
    assert f"/{name}" in page.text
    assert "Stored, and seen no more" in page.text
    assert "1.5kB" in page.text
