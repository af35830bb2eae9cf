"""Keys of steps, why two differ, and files that need not be read again."""

import json
import os
import struct
from pathlib import Path

import pytest

from wherry.build.difference import difference
from wherry.build.inputs import StepInputs, contents_of
from wherry.build.source_trees import NoSuchSource, SourceTree
from wherry.build.stat_index import FileChanged, StatIndex
from wherry.dockerfile.ignorefile import parse_ignore_file
from wherry.linux.openat import READABLE_DIRECTORY, opened
from wherry.values import replace

OLD = {"instruction": "RUN", "command": ["/bin/sh", "-c", "make"], "parent": "a"}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ({}, {"command": ["/bin/sh", "-c", "make all"]}, "command: make → make all"),
        ({}, {"instruction": "COPY"}, "instruction: RUN → COPY"),
        ({"environment": {"A": "1"}}, {"environment": {"A": "2"}}, "ENV A: 1 → 2"),
        ({"environment": {"A": "1"}}, {"environment": {}}, "ENV A: 1 → not set"),
        ({}, {"arguments": {"B": "x" * 99}}, f"ARG B: not set → {'x' * 57}..."),
        ({}, {"user": "me"}, "user: not set → me"),
        ({}, {"parent": "b"}, "parent rebuilt"),
    ],
)
def test_a_difference_is_told(old: dict[str, object], new: dict[str, object], reason: str) -> None:
    before, now = StepInputs({**OLD, **old}), StepInputs({**OLD, **old, **new})

    found = difference(before, now)

    assert found == reason
    assert before.key != now.key


def test_a_new_base_is_told_from_a_rebuilt_parent() -> None:
    before = StepInputs(OLD, on_base=True)

    assert difference(before, StepInputs({**OLD, "parent": "b"}, on_base=True)) == (
        "base image changed"
    )


def test_a_document_gives_the_same_key_again() -> None:
    inputs = StepInputs(OLD, {"a": "100644 0:0 abc"})

    assert StepInputs.from_document(inputs.to_document()) == inputs


@pytest.fixture
def tree(tmp_path: Path) -> SourceTree:
    for name in ("a/one.py", "a/two.txt", "b/deep/three.py", "top"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return SourceTree(name="tree", root=os.open(tmp_path, READABLE_DIRECTORY), owned=False)


@pytest.mark.parametrize(
    ("pattern", "targets"),
    [
        ("top", ["top"]),
        ("/../top", ["top"]),
        ("a", ["", "one.py", "two.txt"]),
        ("a/*.py", ["one.py"]),
        ("*/*.txt", ["two.txt"]),
        ("b", ["", "deep", "deep/three.py"]),
        ("nothing*", []),
        ("[ab]", ["", "one.py", "two.txt", "", "deep", "deep/three.py"]),
    ],
)
def test_sources_are_selected(pattern: str, targets: list[str], tree: SourceTree) -> None:
    with opened(tree.root):
        selected = tree.select(pattern)

    assert [found.target for match in selected for found in match] == targets


def test_with_parents_names_keep_their_folders(tree: SourceTree) -> None:
    with opened(tree.root):
        whole, pivoted = (
            [found.target for match in tree.select(text, parents=True) for found in match]
            for text in ("**/*.py", "b/./deep")
        )

    assert whole == ["a/one.py", "b/deep/three.py"]
    assert pivoted == ["deep", "deep/three.py"]


def test_what_an_exclusion_matches_is_left_out(tree: SourceTree) -> None:
    with opened(tree.root):
        (selected,) = tree.select(".", exclude=parse_ignore_file("**/*.py\n"))

    assert [found.target for found in selected] == ["", "a", "a/two.txt", "b", "b/deep", "top"]


@pytest.mark.parametrize("pattern", ["nowhere/*", "nowhere/b*/c", "top/*"])
def test_a_pattern_begins_with_a_directory_that_is_there(tree: SourceTree, pattern: str) -> None:
    with opened(tree.root), pytest.raises(NoSuchSource, match=f'"/{pattern.partition("/")[0]}"'):
        tree.select(pattern)


def test_a_missing_source_comes_with_what_is_near(tree: SourceTree) -> None:
    with opened(tree.root), pytest.raises(NoSuchSource, match=r"/a/oen\.py") as caught:
        tree.select("a/oen.py")

    assert caught.value.hint == "tree has a/one.py"


@pytest.mark.needs("root")
def test_capabilities_of_a_stage_s_file_count_and_those_of_a_context_s_do_not(
    tree: SourceTree, tmp_path: Path
) -> None:
    def contents(tree: SourceTree) -> StepInputs:
        (selected,) = tree.select("top")
        found = contents_of(tree, selected, StatIndex(None))
        return StepInputs({"content": found.hash}, found.files)

    with opened(tree.root):
        stage = replace(tree, owned=True)
        before = [contents(each) for each in (tree, stage)]
        effective = struct.pack("<5I", 0x0200_0001, 1 << 10, 0, 0, 0)
        os.setxattr(tmp_path / "top", "security.capability", effective)
        now = [contents(each) for each in (tree, stage)]

    assert before[0].key == now[0].key
    assert before[1].key != now[1].key
    assert difference(before[1], now[1]) == "top: capabilities"


def test_a_file_is_read_once(tree: SourceTree, tmp_path: Path) -> None:
    index_file = tmp_path.parent / "index"
    os.utime(tmp_path / "top", (1, 1))
    with opened(tree.root):
        ((found,),) = tree.select("top")
        index = StatIndex(index_file)
        # As if it had been changed long ago: what is fresh is not remembered.
        index._started_ns += 10**9
        known = index.hash_of(tree.root, "top", found.status)
        index.save()

    # That descriptor is closed: only memory can answer.
    assert StatIndex(index_file).hash_of(tree.root, "top", found.status) == known
    index_file.unlink()


def test_a_file_that_has_just_changed_is_not_remembered(tree: SourceTree, tmp_path: Path) -> None:
    index_file = tmp_path.parent / "index"
    with opened(tree.root):
        ((found,),) = tree.select("top")
        index = StatIndex(index_file)
        index.hash_of(tree.root, "top", found.status)
        index.save()

    assert not index_file.exists()


def test_a_file_that_changes_meanwhile_is_an_error(tree: SourceTree, tmp_path: Path) -> None:
    with opened(tree.root):
        selected = tree.select("top")
        (tmp_path / "top").write_text("something longer")

        with pytest.raises(FileChanged):
            contents_of(tree, selected[0], StatIndex(None))


def test_what_was_kept_differs_only_where_it_does() -> None:
    facts = {"instruction": "RUN", "command": ("/bin/sh", "-c", "make"), "parent": "a"}
    kept = StepInputs.from_document(json.loads(json.dumps(StepInputs(facts).to_document())))

    assert difference(kept, StepInputs(facts)) == ""
    assert difference(kept, StepInputs({**facts, "parent": "b"})) == "parent rebuilt"


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        ({"a": "100644 0:0 x"}, {"a": "100755 0:0 x"}, "a: mode 644 → 755"),
        ({"a": "100644 0:0 x"}, {"a": "40755 0:0 /"}, "a: file → directory"),
        ({"a": "120777 0:0 -> b"}, {"a": "120777 0:0 -> c"}, "a: link b → c"),
        ({"a": "100644 0:0 x"}, {"a": "100644 1:1 y"}, "a: owner 0:0 → 1:1"),
        ({}, {"d": "40755 0:0 /", "d/a": "100644 0:0 x"}, "d/a: added (and 1 more)"),
        ({"d": "40755 0:0 /"}, {}, "d: removed"),
    ],
)
def test_of_files_the_first_change_is_told(
    before: dict[str, str], now: dict[str, str], told: str
) -> None:
    assert difference(StepInputs(OLD, before), StepInputs(OLD, now)) == told


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        ([], [{"cache": "/c", "id": "x"}], "mount /c: added"),
        ([{"cache": "/c", "id": "x"}], [], "mount /c: removed"),
        ([{"cache": "/c", "id": "x"}], [{"cache": "/c", "id": "y"}], "mount /c: id x → y"),
        ([{"bind": "/c", "content": "x"}], [{"bind": "/c", "content": "y"}], "mount /c: content"),
    ],
)
def test_mounts_are_told_by_their_targets(
    before: list[object], now: list[object], told: str
) -> None:
    old, new = StepInputs({**OLD, "mounts": before}), StepInputs({**OLD, "mounts": now})
    assert difference(old, new) == told


def test_a_setting_that_is_gone_is_told() -> None:
    before = StepInputs({**OLD, "hosts": ["a:1.2.3.4"]})

    assert difference(before, StepInputs(OLD)) == 'hosts: ["a:1.2.3.4"] → not set'
