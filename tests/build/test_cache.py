"""The cache: what is found again, what is not, and why."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.build.conftest import Files
from wherry.engine.builds.prune import bytes_kept
from wherry.testing.command import Wherry

Context = Callable[[Files], Path]

FILES: Files = {
    "Dockerfile": """\
FROM busybox
ARG VERSION=1
ENV MODE=fast
WORKDIR /app
RUN echo $VERSION > /version
COPY src src
RUN cp -r src built
CMD ["true"]
""",
    "src/app.py": "print(1)",
    "src/lib/helper.py": "pass",
}


def explained(wherry: Wherry, folder: Path, *words: str) -> list[tuple[bool, str]]:
    """For each step whether it is cached, and why not."""
    document = json.loads(wherry("build", "--explain=json", *words, str(folder)).stdout)
    return [(step["cached"], step["reason"]) for step in document["steps"]]


def test_a_second_build_carries_nothing_out_and_makes_the_same_image(
    builder: Wherry, context: Context
) -> None:
    folder = context(FILES)
    first = builder("build", "-q", str(folder)).stdout

    again = builder("build", "--progress=plain", str(folder))

    assert again.stderr.count("CACHED") == 4
    assert first.strip() in again.stderr
    assert explained(builder, folder) == [(True, "")] * 4


def test_a_change_in_sources_rebuilds_the_last_layers_only(
    builder: Wherry, context: Context
) -> None:
    folder = context(FILES)
    builder("build", "-q", str(folder))
    context({"src/app.py": "print(2)"})

    assert explained(builder, folder) == [
        (True, ""),
        (True, ""),
        (False, "src/app.py: content"),
        (False, "parent rebuilt"),
    ]


def _edit(folder: Path, old: str, new: str) -> None:
    path = folder / "Dockerfile"
    path.write_text(path.read_text().replace(old, new))


@pytest.mark.parametrize(
    ("change", "words", "reason"),
    [
        (Path.exists, ("--build-arg", "VERSION=2"), "ARG VERSION: 1 → 2"),
        (lambda folder: _edit(folder, "MODE=fast", "MODE=slow"), (), "ENV MODE: fast → slow"),
        (
            lambda folder: _edit(folder, "> /version", "> /v"),
            (),
            "command: echo $VERSION > /version → echo $VERSION > /v",
        ),
        (lambda folder: (folder / "src/new").touch(), (), "src/new: added"),
        (lambda folder: (folder / "src/app.py").unlink(), (), "src/app.py: removed"),
        (
            lambda folder: (folder / "src/app.py").chmod(0o600),
            (),
            "src/app.py: mode 644 → 600",
        ),
        (lambda folder: _edit(folder, "COPY src src", "COPY src x"), (), "destination: "),
        (lambda folder: _edit(folder, "/app", "/srv"), (), "directory: /app → /srv"),
    ],
)
def test_the_first_miss_says_what_changed(
    change: Callable[[Path], object],
    words: tuple[str, ...],
    reason: str,
    builder: Wherry,
    context: Context,
) -> None:
    folder = context(FILES)
    builder("build", "-q", str(folder))

    change(folder)

    misses = [why for cached, why in explained(builder, folder, *words) if not cached]
    assert misses[0].startswith(reason)
    assert set(misses[1:]) <= {"parent rebuilt"}


def test_a_step_is_known_again_wherever_it_stands(builder: Wherry, context: Context) -> None:
    folder = context(FILES)
    builder("build", "-q", str(folder))
    _edit(folder, "COPY src src", "RUN true\nCOPY src src")

    document = json.loads(builder("build", "--explain=json", str(folder)).stdout)

    told = [(step["name"], step["reason"], step["lastBytes"]) for step in document["steps"]][2:]
    assert told == [
        ("[4/6] RUN true", "never built before", None),
        ("[5/6] COPY src src", "parent rebuilt", 12),
        ("[6/6] RUN cp -r src built", "parent rebuilt", 12),
    ]


def test_another_base_is_the_cause_and_not_what_stands_on_it(
    builder: Wherry, context: Context
) -> None:
    folder = context({"Dockerfile": "FROM base\nRUN echo 1\nRUN echo 2\n"})
    for text in ("one", "two"):
        base = context({"base/Dockerfile": f"FROM busybox\nRUN echo {text} > /base\n"}) / "base"
        builder("build", "-q", "-t", "base", str(base))
        if text == "one":
            builder("build", "-q", str(folder))

    assert explained(builder, folder) == [
        (False, "base image changed"),
        (False, "parent rebuilt"),
    ]


def test_times_of_files_do_not_count(builder: Wherry, context: Context) -> None:
    folder = context(FILES)
    builder("build", "-q", str(folder))

    os.utime(folder / "src/app.py", (1, 1))

    assert all(cached for cached, _ in explained(builder, folder))


def test_what_a_rebuild_costs_is_told_from_last_time(builder: Wherry, context: Context) -> None:
    folder = context(FILES)
    builder("build", "-q", str(folder))
    context({"src/app.py": "print(2)"})

    text = builder("build", "--explain", str(folder)).stdout

    assert "miss  [4/5] COPY src src\n      src/app.py: content  (last time " in text
    assert "2 of 4 steps would be rebuilt; last time they took " in text


def test_no_cache_runs_everything_again(builder: Wherry, context: Context) -> None:
    folder = context(FILES)
    builder("build", "-q", str(folder))

    again = builder("build", "--no-cache", "--progress=plain", str(folder))

    assert "CACHED" not in again.stderr
    assert {why for _, why in explained(builder, folder, "--no-cache")} == {
        "--no-cache",
        "parent rebuilt",
    }


STAGES: Files = {
    "Dockerfile": """\
FROM busybox AS one
RUN echo 1 > /one
FROM busybox AS two
RUN echo 2 > /two
FROM busybox AS never
RUN false
FROM busybox
COPY --from=one /one /
COPY --link --from=two /two /
"""
}


def test_only_the_stages_that_the_target_needs_are_built(builder: Wherry, context: Context) -> None:
    folder = context(STAGES)

    built = builder("build", "--progress=plain", "-t", "staged", str(folder))

    assert "never" not in built.stderr
    assert builder("run", "--rm", "staged", "cat", "/one", "/two").stdout == "1\n2\n"


def test_a_stage_alone_can_be_kept_from_the_cache(builder: Wherry, context: Context) -> None:
    folder = context(STAGES)
    builder("build", "-q", str(folder))

    again = builder("build", "--no-cache-filter", "two", "--progress=plain", str(folder))

    lines = again.stderr.split("\n")
    cached = [line.split(" ")[0] for line in lines if line.endswith(" CACHED")]
    names = [line for line in lines if "[" in line and line.split(" ")[0] in cached]
    assert len([name for name in names if "RUN echo 1" in name]) == 1
    assert not [name for name in names if "RUN echo 2" in name]


def test_a_linked_copy_does_not_depend_on_what_is_below(builder: Wherry, context: Context) -> None:
    files = {"Dockerfile": "FROM busybox\nRUN echo 1\nCOPY --link file /\n", "file": "x"}
    folder = context(files)
    builder("build", "-q", str(folder))
    context({"Dockerfile": "FROM busybox\nRUN echo 2 > /two\nCOPY --link file /\n"})

    assert [cached for cached, _ in explained(builder, folder)] == [False, True]
    builder("build", "-q", "-t", "linked", str(folder))
    assert builder("run", "--rm", "linked", "cat", "/two", "/file").stdout == "2\nx"


def test_copies_from_a_rebuilt_stage_are_found_by_their_content(
    builder: Wherry, context: Context
) -> None:
    dockerfile = "FROM busybox AS a\nRUN echo {} > /noise; echo x > /out\nFROM busybox\n"
    dockerfile += "COPY --from=a /out /\n"
    folder = context({"Dockerfile": dockerfile.format(1)})
    builder("build", "-q", str(folder))
    context({"Dockerfile": dockerfile.format(2)})

    again = builder("build", "--progress=plain", str(folder))

    assert "COPY --from=a /out /" in again.stderr
    assert again.stderr.count("CACHED") == 1


def test_the_cache_is_listed_and_pruned(builder: Wherry, context: Context) -> None:
    folder = context(FILES)
    builder("build", "-q", "-t", "kept", str(folder))
    assert "Reclaimable:\t0B" in builder("builder", "du").stdout

    builder("rmi", "kept")

    assert "Reclaimable:\t0B" not in builder("builder", "du").stdout
    assert all(cached for cached, _ in explained(builder, folder))
    pruned = builder("builder", "prune", "-f").stdout
    assert pruned.startswith("Deleted build cache objects:\n")
    assert builder("builder", "du").stdout.endswith("Total:\t\t0B\n")
    assert not any(cached for cached, _ in explained(builder, folder))


def test_a_prune_keeps_as_much_as_it_is_told_to(builder: Wherry, context: Context) -> None:
    big = "x" * 100_000
    folder = context({"Dockerfile": "FROM busybox\nCOPY a /\nCOPY b /\n", "a": big, "b": big})
    builder("build", "-q", "-t", "kept", str(folder))
    builder("rmi", "kept")

    builder("builder", "prune", "-f", "--reserved-space", "150000")

    assert "Total:\t\t100kB\n" in builder("builder", "du").stdout


def test_the_cache_stays_within_its_bounds_by_itself(
    builder: Wherry, context: Context, tmp_path: Path
) -> None:
    big = "x" * 100_000
    folder = context({"Dockerfile": "FROM busybox\nCOPY a /\nCOPY b /\n", "a": big, "b": big})
    builder("build", "-q", "-t", "kept", str(folder))
    builder("rmi", "kept")
    settings = tmp_path / "wherry" / "config.toml"
    settings.parent.mkdir()
    settings.write_text('[build]\nmax-used-space = "150kB"\nreserved-space = 0\n')
    # The time of the last collection; in that hour nothing goes.
    stamp = builder.root / "build" / "collected"
    assert "Total:\t\t200kB\n" in builder("builder", "du").stdout

    for passed, total in ((0, "200kB"), (3601, "100kB")):
        os.utime(stamp, (time.time() - passed,) * 2)
        context({"Dockerfile": f"FROM scratch\nCOPY c /{passed}\n", "c": ""})
        builder("build", "-q", str(folder), XDG_CONFIG_HOME=str(tmp_path))
        assert f"Total:\t\t{total}\n" in builder("builder", "du").stdout

    for wrong, problem in (
        ('max-used-space = "lots"', "max-used-space: invalid size: 'lots'"),
        ('gc = "no"', "gc must be true or false"),
    ):
        settings.write_text(f"[build]\n{wrong}\n")
        os.utime(stamp, (0, 0))
        built = builder("build", "--no-cache", str(folder), XDG_CONFIG_HOME=str(tmp_path))
        assert f"config.toml: build.{problem}" in built.stderr


@pytest.mark.parametrize(
    ("reserved", "most", "lacking", "kept"),
    [
        (0, 0, None, None),
        (30, 0, None, 30),
        (0, 50, None, 50),
        (0, 0, 20, 80),
        (0, 0, 0, 100),
        (0, 50, 70, 30),
        (40, 50, 70, 40),
    ],
)
def test_what_may_stay_of_a_hundred_bytes(
    reserved: int, most: int, lacking: int | None, kept: int | None
) -> None:
    assert bytes_kept(100, reserved, most, lacking) == kept


def test_with_a_date_two_builds_of_a_tree_are_one_image(builder: Wherry, context: Context) -> None:
    folder = context(FILES)
    words = ("build", "-q", "--no-cache", "--build-arg", "SOURCE_DATE_EPOCH=1000000000")

    first = builder(*words, "-t", "dated", str(folder)).stdout
    os.utime(folder / "src/app.py")

    assert builder(*words, str(folder)).stdout == first
    created = builder("image", "inspect", "--format", "{{.Created}}", "dated").stdout
    assert created == "2001-09-09T01:46:40Z\n"
