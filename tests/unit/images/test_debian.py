"""What is asked of mmdebstrap: names of releases, the machine's sources, its settings."""

import re
from pathlib import Path

import pytest

from wherry.errors import InvalidArgument
from wherry.images.debian.plan import make_plan, parse_request
from wherry.images.debian.settings import Settings, settings_of
from wherry.images.debian.sources import (
    DEBIAN,
    UBUNTU,
    Source,
    parse_lines,
    parse_stanzas,
    sources_for,
)
from wherry.oci.reference import Reference

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
STANZAS = f"""
Types: deb
# a comment
URIs: http://mirror/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: {KEYRING}

Types: deb
URIs: http://mirror/debian-security
Suites: bookworm-security
Components: main
Signed-By: {KEYRING}

Types: deb-src
URIs: http://mirror/debian
Suites: bookworm
Components: main

Types: deb
Enabled: no
URIs: http://off/debian
Suites: bookworm
Components: main

Types: deb
URIs: https://vendor/debian
Suites: stable
Components: vendor
"""
NOTHING = Settings(options=(), temporary=(), files=(), warnings=())


@pytest.mark.parametrize(
    ("name", "suite", "slim"),
    [
        ("debian", "stable", False),
        ("debian:bookworm", "bookworm", False),
        ("debian:12", "bookworm", False),
        ("debian:13-slim", "trixie", True),
        ("debian:slim", "stable", True),
        ("ubuntu:24.04", "noble", False),
        ("ubuntu:latest", "noble", False),
    ],
)
def test_a_tag_names_a_release(name: str, suite: str, slim: bool) -> None:
    request = parse_request(Reference.parse(name).with_default_tag(), "minbase", ())

    assert (request.suite, request.slim) == (suite, slim)


@pytest.mark.parametrize(("name", "variant"), [("alpine", "minbase"), ("debian", "huge")])
def test_what_is_not_known_is_refused(name: str, variant: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_request(Reference.parse(name), variant, ())


def test_the_machine_s_own_sources_are_kept() -> None:
    found = sources_for(DEBIAN, "bookworm", parse_stanzas(STANZAS))

    assert [(source.uris, source.suites) for source in found] == [
        (("http://mirror/debian",), ("bookworm", "bookworm-updates")),
        (("http://mirror/debian-security",), ("bookworm-security",)),
    ]


@pytest.mark.parametrize(
    ("suite", "suites"),
    [
        ("trixie", [("trixie", "trixie-updates"), ("trixie-security",)]),
        ("buster", [("buster", "buster-updates"), ("buster/updates",)]),
        ("sid", [("sid",)]),
    ],
)
def test_another_release_is_looked_for_at_the_same_places(
    suite: str, suites: list[tuple[str, ...]]
) -> None:
    found = sources_for(DEBIAN, suite, parse_stanzas(STANZAS))

    assert [source.suites for source in found] == suites
    assert {uri.split("/")[2] for source in found for uri in source.uris} == {"mirror"}


def test_without_mirrors_of_the_machine_the_project_s_own_are_used() -> None:
    found = sources_for(UBUNTU, "noble", parse_stanzas(STANZAS))

    assert found[0].uris == ("http://archive.ubuntu.com/ubuntu",)
    assert found[0].options == {"Signed-By": "/usr/share/keyrings/ubuntu-archive-keyring.gpg"}


def test_one_line_sources_are_read() -> None:
    text = f"# no\ndeb [arch=amd64 signed-by={KEYRING}] http://m/debian bookworm main contrib # x\n"

    assert [*parse_lines(text)] == [
        Source(
            uris=("http://m/debian",),
            suites=("bookworm",),
            components=("main", "contrib"),
            options={"Signed-By": KEYRING},
        )
    ]


def test_a_password_of_a_proxy_does_not_stay_in_the_image() -> None:
    dump = 'Acquire::http::Proxy "http://me:secret@proxy:3128";\nAcquire::Retries "3";'

    found = settings_of(dump, ["http://m/debian"], {}, lambda _program, _uri: "")

    assert found.options == ('Acquire::Retries "3";',)
    assert found.temporary == ('Acquire::http::Proxy "http://me:secret@proxy:3128";',)
    assert "secret" not in " ".join(found.warnings)


def test_the_environment_s_proxy_counts_where_apt_has_none() -> None:
    environment = {"http_proxy": "http://proxy:8080"}

    found = settings_of("", ["http://m/debian"], environment, lambda _program, _uri: "")

    assert found.options == ('Acquire::http::Proxy "http://proxy:8080";',)


def test_a_plan_has_docker_s_settings_and_a_policy_for_services() -> None:
    request = parse_request(Reference.parse("debian:trixie-slim"), "minbase", ("git",))
    source = Source(uris=("https://m/debian",), suites=("trixie",), components=("main",))

    plan = make_plan(request, [source], NOTHING)

    assert {Path(name).name for name in plan.overlay} == {
        *("docker", "docker-apt-speedup", "docker-autoremove-suggests", "docker-clean"),
        *("docker-gzip-indexes", "docker-no-languages", "policy-rc.d"),
    }
    assert plan.overlay["usr/sbin/policy-rc.d"].mode == 0o755
    # A mirror by https cannot be reached without authorities.
    assert {"--include=git", "--include=ca-certificates"} <= set(plan.options)
    assert any(re.search("path-exclude=/usr/share/man", option) for option in plan.options)
