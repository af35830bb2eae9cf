import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.registry.challenge import Challenge, parse_challenges


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('Basic realm="x"', [("basic", {"realm": "x"})]),
        (
            'Bearer realm="https://a/t",service="s",scope="repository:a:pull,push"',
            [
                (
                    "bearer",
                    {"realm": "https://a/t", "service": "s", "scope": "repository:a:pull,push"},
                )
            ],
        ),
        (r'Bearer realm="a\"b"', [("bearer", {"realm": 'a"b'})]),
        (
            "bearer REALM=plain , error = invalid",
            [("bearer", {"realm": "plain", "error": "invalid"})],
        ),
        (
            'Basic realm="a", Bearer realm="b"',
            [("basic", {"realm": "a"}), ("bearer", {"realm": "b"})],
        ),
        ("Negotiate", [("negotiate", {})]),
        ("", []),
        ('"', []),
    ],
)
def test_a_challenge_is_read(header: str, expected: list[tuple[str, dict[str, str]]]) -> None:
    wanted = [Challenge(scheme=scheme, parameters=named) for scheme, named in expected]
    assert parse_challenges([header]) == wanted


@given(st.text(alphabet='abB =",\\\t', max_size=60))
def test_no_header_breaks_the_parser(header: str) -> None:
    for challenge in parse_challenges([header]):
        assert challenge.scheme == challenge.scheme.lower()
