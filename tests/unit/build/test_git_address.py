"""URLs that builds fetch from: what they mean, and how they are shown."""

import pytest

from wherry.build.git_address import GitAddress, InvalidGitAddress, parse_git
from wherry.build.urls import is_git, is_remote, redacted
from wherry.build.web_sources import file_name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://h/r.git", GitAddress("https://h/r.git")),
        ("https://h/r.git#v1", GitAddress("https://h/r.git", "v1")),
        ("https://h/r.git#a/b:c/d", GitAddress("https://h/r.git", "a/b", "c/d")),
        ("https://h/r.git#:c", GitAddress("https://h/r.git", "", "c")),
        ("git@h:o/r.git#v1", GitAddress("git@h:o/r.git", "v1")),
        ("ssh://u@h:22/r", GitAddress("ssh://u@h:22/r")),
        ("github.com/o/r#v1:d", GitAddress("https://github.com/o/r", "v1", "d")),
        ("https://h/r.git?tag=v1", GitAddress("https://h/r.git", "refs/tags/v1")),
        ("https://h/r.git?branch=b&subdir=d", GitAddress("https://h/r.git", "refs/heads/b", "d")),
        ("https://h/r.git?commit=abc", GitAddress("https://h/r.git", checksum="abc")),
        ("https://h/r.git?keep-git-dir=1", GitAddress("https://h/r.git", keep_git=True)),
        ("https://h/r.git?keep-git-dir", GitAddress("https://h/r.git", keep_git=True)),
        ("https://h/r.git?submodules=false", GitAddress("https://h/r.git", submodules=False)),
    ],
)
def test_an_address_means(text: str, expected: GitAddress) -> None:
    assert parse_git(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "https://h/r.git?what=1",
        "https://h/r.git?ref=a&tag=b",
        "https://h/r.git?subdir=a#v1:b",
        "https://h/r.git?submodules=perhaps",
        "https://h/r.git?checksum=zz",
        "https://h/r.git#--upload-pack=sh",
        "git@h:r#-x",
    ],
)
def test_an_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidGitAddress):
        parse_git(text)


@pytest.mark.parametrize(
    ("text", "remote", "git"),
    [
        ("https://h/r.git", True, True),
        ("https://h/r.git?ref=x#y", True, True),
        ("https://h/r.gitx", True, False),
        ("http://h/file#x.git", True, False),
        ("git://h/r", True, True),
        ("ftp://h/f", False, False),
        ("./r.git", False, False),
    ],
)
def test_a_word_names_something_elsewhere(text: str, remote: bool, git: bool) -> None:
    assert (is_remote(text), is_git(text)) == (remote, git)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:secret@h/r", "https://u:xxxxx@h/r"),
        ("https://u@h/r", "https://u@h/r"),
        ("https://h/a:b@c", "https://h/a:b@c"),
        ("git@h:o/r", "git@h:o/r"),
    ],
)
def test_no_password_is_shown(url: str, shown: str) -> None:
    assert redacted(url) == shown


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://h/a/b.txt?x=1#y", "b.txt"),
        ("http://h/a%20b", "a b"),
        ("http://h/", "__unnamed__"),
        ("http://h", "__unnamed__"),
        ("http://h/a/", "a"),
        ("http://h/a/..", "__unnamed__"),
        ("http://h/%2e%2e", "__unnamed__"),
        ("http://h/a%2fb", "b"),
        ("http://h/a%00b", "__unnamed__"),
    ],
)
def test_a_file_is_called_as_in_buildkit(url: str, name: str) -> None:
    assert file_name(url) == name
