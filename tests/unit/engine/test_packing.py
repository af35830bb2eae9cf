"""Values and errors on their way between our own processes."""

import marshal
from decimal import Decimal
from enum import StrEnum
from errno import ENOENT
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.build.errors import BuildFailed, Place, ProcessFailed
from wherry.dockerfile.errors import InvalidDockerfile, Problem
from wherry.dockerfile.source import Source, Span
from wherry.engine.builds.failures import described, made_again
from wherry.engine.builds.outputs import OutputType
from wherry.engine.builds.packing import CannotBePacked, packed, unpacked
from wherry.errors import Conflict, WherryError
from wherry.oci.digest import Digest
from wherry.oci.platform import Platform
from wherry.oci.reference import Reference
from wherry.registry.credentials import Credential
from wherry.store.images import TagLocked
from wherry.store.layers import LayerNotStored

ID = Digest(f"sha256:{'0' * 64}")
SOURCE = Source("FROM busybox\nRUNN\n")

plain = st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.binary())
values = st.recursive(
    plain,
    lambda inner: st.one_of(
        st.lists(inner),
        st.lists(inner).map(tuple),
        st.dictionaries(plain, inner),
        st.frozensets(plain),
    ),
)


def there_and_back(value: object) -> object:
    return unpacked(marshalled(packed(value)))


def marshalled(value: object) -> object:
    return marshal.loads(marshal.dumps(value))  # type: ignore[arg-type]


@given(values)
def test_what_is_python_s_comes_out_as_it_went_in(value: object) -> None:
    found = there_and_back(value)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "value",
    [
        Path("/a/b"),
        ID,
        Platform.parse("linux/arm64/v8"),
        Reference.parse("busybox:1"),
        OutputType.LOCAL,
        Span(1, 2),
        Place("Dockerfile", 1, 2, "text"),
        {"docker.io": Credential(username="me", password="secret")},
        {1, 2},
    ],
)
def test_what_is_ours_comes_out_as_it_went_in(value: object) -> None:
    found = there_and_back(value)

    assert found == value
    assert type(found) is type(value)
    assert there_and_back(MappingProxyType({"key": value})) == {"key": value}


def test_a_text_of_a_class_of_the_caller_s_is_a_text() -> None:
    class Tag(StrEnum):
        NEW = "new"

    assert packed(Tag.NEW) == "new"
    assert type(packed(Tag.NEW)) is str


@pytest.mark.parametrize("value", [Decimal(1), iter(()), object(), [open], WherryError("no value")])
def test_what_is_neither_is_refused(value: object) -> None:
    with pytest.raises(CannotBePacked):
        packed(value)


@pytest.mark.parametrize("name", [("os", "system"), ("wherry.errors", "kind_of")])
def test_nothing_but_our_classes_is_made(name: tuple[str, str]) -> None:
    with pytest.raises((ValueError, TypeError)):
        unpacked((*name, ("true",)))


@pytest.mark.parametrize(
    "error",
    [
        BuildFailed(
            "no",
            hint="do",
            kind="NotFound",
            step="[1/1]",
            place=Place("Dockerfile", 1, 1, "text"),
            log=b"\xff",
            command="false",
            status=3,
        ),
        InvalidDockerfile(SOURCE, [Problem("wrong", Span(13, 17))]),
        ProcessFailed("false", 1),
        TagLocked(Reference.parse("busybox:1"), ID),
        LayerNotStored(OSError(ENOENT, "gone", "/a")),
        OSError(ENOENT, "gone", "/a"),
        OSError(ENOENT, "gone", "/a", None, "/b"),
        OSError("words alone"),
    ],
)
def test_an_error_has_its_class_its_words_and_its_facts(error: WherryError | OSError) -> None:
    error.add_note("and more")

    found = made_again(marshalled(described(error)))

    assert type(found) is type(error)
    assert str(found) == str(error)
    assert vars(found) == vars(error)


def test_an_error_of_a_class_that_nobody_else_has_is_of_its_kind() -> None:
    class OfThisFunction(Conflict):
        pass

    found = made_again(described(OfThisFunction("twice", hint="once")))

    assert type(found) is Conflict
    assert (str(found), found.hint) == ("twice", "once")
