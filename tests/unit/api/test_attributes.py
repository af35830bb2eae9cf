"""What clients ask of the Dockerfile frontend, as options of a build."""

import pytest

from wherry.api.buildkit.attributes import cache_options, read_attributes, read_definition
from wherry.api.buildkit.contexts import patterns
from wherry.api.buildkit.exports import read_export
from wherry.api.buildkit.messages.control import CacheOption, CacheOptions, Exporter, SolveRequest
from wherry.errors import InvalidArgument, WherryError


@pytest.mark.parametrize(
    ("name", "value", "options"),
    [
        ("target", "one", {"target": "one"}),
        ("no-cache", "", {"no_cache": True}),
        ("no-cache", "one,two", {"no_cache_filter": ("one", "two")}),
        ("image-resolve-mode", "local", {"pull": False}),
        ("image-resolve-mode", "pull", {"pull": True}),
        ("add-hosts", "a=10.0.0.1,b=::1", {"add_hosts": ("a:10.0.0.1", "b:::1")}),
        ("ulimit", "nofile=1:2,core=0:0", {"ulimits": ("nofile=1:2", "core=0:0")}),
        ("shm-size", "65536", {"shm_size": 65536}),
        ("force-network-mode", "sandbox", {"network": "default"}),
        ("force-network-mode", "host", {"network": "host"}),
        ("cgroup-parent", "/x", {"cgroup_parent": "/x"}),
        ("build-arg:A", "1", {"build_args": {"A": "1"}}),
        ("label:a.b", "c=d", {"labels": {"a.b": "c=d"}}),
        ("context:x", "docker-image://y", {"build_contexts": {"x": "docker-image://y"}}),
        ("context:x", "local:x", {}),
        ("attest:provenance", "mode=min,disabled=true", {}),
        ("multi-platform", "false", {}),
        ("vcs:revision", "0123", {}),
    ],
)
def test_an_option_is_read(name: str, value: str, options: dict[str, object]) -> None:
    usual = read_attributes({}, ())
    assert read_attributes({name: value}, ()) == {**usual, **options}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("attest:sbom", "", "attestations (sbom) are not made by this engine"),
        (
            "multi-platform",
            "1",
            "images of several platforms are not built over the API: multi-platform=1",
        ),
        ("hostname", "x", "the build option hostname is not supported by this engine"),
        ("shm-size", "-1", "failed to parse shm-size: -1"),
        ("image-resolve-mode", "x", "invalid image-resolve-mode: x"),
        ("context:x", "input:x", "the context x is of the kind input, which is not supported"),
    ],
)
def test_what_is_not_met_is_refused(name: str, value: str, said: str) -> None:
    with pytest.raises(WherryError) as caught:
        read_attributes({name: value}, ())
    assert caught.value.message == said


def test_a_definition_says_where_the_files_are() -> None:
    ours = read_definition({"filename": "a/Dockerfile", "context:x": "local:y"})
    theirs = read_definition(
        {"context": "https://example.org/a.git", "dockerfilekey": "dockerfile"}
    )

    assert (ours.filename, ours.url, ours.locals) == ("a/Dockerfile", "", {"x": "y"})
    assert (theirs.url, theirs.own_dockerfile) == ("https://example.org/a.git", True)


def test_caches_come_as_a_list_or_as_json() -> None:
    listed = CacheOptions(exports=(CacheOption(type="inline"),), import_refs=("a/b",))
    attrs = {"cache-imports": '[{"Type":"registry","Attrs":{"ref":"c/d"}}]'}

    assert cache_options(attrs, listed) == {
        "cache_from": ("type=registry,ref=c/d", "type=registry,ref=a/b"),
        "cache_to": ("type=inline",),
    }
    for text in ('{"', "[1]", '[{"Type":"local","Attrs":{"src":"x"}}]'):
        with pytest.raises(WherryError):
            cache_options({"cache-imports": text}, None)
    smuggled = CacheOption(type="registry", attrs={"ref": "a,type=local,src=/etc"})
    with pytest.raises(InvalidArgument):
        cache_options({}, CacheOptions(imports=(smuggled,)))


def test_one_output_is_read_from_either_place() -> None:
    former = SolveRequest(exporter="moby", exporter_attrs={"name": "a,b"})
    assert read_export(former).names == ("a", "b")
    assert not read_export(SolveRequest()).kind
    for exporters in (
        (Exporter(type="local"), Exporter(type="tar")),
        (Exporter(type="moby", attrs={"compression": "zstd"}),),
        (Exporter(type="nonsense"),),
    ):
        with pytest.raises(WherryError):
            read_export(SolveRequest(exporters=exporters))


def test_patterns_are_told_as_clients_match_them() -> None:
    text = b"\xef\xbb\xbf# comment\n\n /a/ \n!  b/../c\n**/d\n"
    assert [*patterns(text)] == ["a", "!c", "**/d"]
