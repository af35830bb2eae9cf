"""wherry.oci.platform"""

import pytest

from wherry.oci.platform import InvalidPlatform, Platform


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("linux/amd64", "linux/amd64"),
        ("Linux/x86_64", "linux/amd64"),
        ("linux/amd64/v1", "linux/amd64"),
        ("linux/amd64/v3", "linux/amd64/v3"),
        ("linux/aarch64", "linux/arm64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/arm/6", "linux/arm/v6"),
        ("linux/armhf", "linux/arm/v7"),
        ("macos/arm64", "darwin/arm64"),
        ("riscv64", "linux/riscv64"),
    ],
)
def test_spellings_of_a_platform(text: str, normal: str) -> None:
    assert str(Platform.parse(text)) == normal


def test_a_system_alone_means_this_machines_architecture() -> None:
    assert Platform.parse("linux") == Platform.host()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nope", '"nope": unknown operating system or architecture: invalid argument'),
        ("linux/a/b/c", '"linux/a/b/c": cannot parse platform specifier: invalid argument'),
        ("linux/", "is an invalid component"),
        ("linux/a b", 'must match "^[A-Za-z0-9_.-]+$": invalid argument'),
    ],
)
def test_what_is_no_platform_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidPlatform) as caught:
        Platform.parse(text)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("machine", "image", "runs"),
    [
        ("linux/amd64", "linux/amd64", True),
        ("linux/amd64", "linux/386", True),
        ("linux/amd64", "linux/amd64/v3", False),
        ("linux/amd64/v3", "linux/amd64/v2", True),
        ("linux/amd64", "linux/arm64", False),
        ("linux/arm64", "linux/arm/v7", True),
        ("linux/arm/v6", "linux/arm/v7", False),
        ("linux/arm/v7", "linux/arm/v6", True),
        ("linux/amd64", "windows/amd64", False),
    ],
)
def test_what_a_machine_runs(machine: str, image: str, runs: bool) -> None:
    assert Platform.parse(machine).runs(Platform.parse(image)) is runs


def test_the_nearest_variant_is_ranked_first() -> None:
    machine = Platform.parse("linux/arm64")
    ranks = [machine.rank(Platform.parse(f"linux/{a}")) for a in ("arm64", "arm/v8", "arm/v7")]
    assert ranks == sorted(ranks, key=lambda rank: (rank is None, rank))
    assert None not in ranks
