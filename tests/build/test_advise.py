"""`build --advise`, from builds that were made."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.build.conftest import Files
from wherry.testing.command import Wherry

Context = Callable[[Files], Path]

FILES: Files = {
    "Dockerfile": """\
FROM busybox
WORKDIR /app
COPY . .
RUN sleep 0.1
RUN sleep 0.1 && cat needs.txt
""",
    ".dockerignore": "Dockerfile\n.dockerignore\n",
    "needs.txt": "1",
    "src/app.py": "1",
}


def test_past_builds_say_what_another_order_would_have_saved(
    builder: Wherry, context: Context
) -> None:
    folder = context(FILES)
    nothing = builder("build", "--advise", str(folder)).stdout
    for text in ("1", "2", "3"):
        context({"src/app.py": text})
        builder("build", "-q", str(folder))

    shown = builder("build", "--advise", str(folder)).stdout
    document = json.loads(builder("build", "--advise=json", str(folder)).stdout)

    assert nothing.startswith("no build of these very steps has rebuilt anything yet")
    assert "line 4: move `RUN sleep 0.1` in front of `COPY . .` (line 3)\n" in shown
    assert "copy needs.txt on its own in front of `RUN sleep 0.1 && cat needs.txt`" in shown
    assert "because src/app.py changed" in shown
    assert shown.splitlines()[-1].startswith("3 builds that rebuilt something took ")
    assert [(each["kind"], each["savedBuilds"]) for each in document["advice"]][:2] in (
        [("move", 2), ("copy-first", 2)],
        [("copy-first", 2), ("move", 2)],
    )
    assert all(each["savedSeconds"] >= 0.2 for each in document["advice"][:2])


def test_followed_advice_needs_no_further_advice(builder: Wherry, context: Context) -> None:
    folder = context(FILES)
    ordered = """\
FROM busybox
WORKDIR /app
RUN sleep 0.1
COPY needs.txt .
RUN sleep 0.1 && cat needs.txt
COPY . .
"""
    for text in ("1", "2", "3"):
        context({"src/app.py": text, "Dockerfile": ordered})
        builder("build", "-q", str(folder))

    document = json.loads(builder("build", "--advise=json", str(folder)).stdout)

    assert (document["builds"], document["advice"]) == (3, [])
