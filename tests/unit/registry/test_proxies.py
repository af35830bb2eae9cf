import pytest

from wherry.errors import WherryError
from wherry.registry.proxies import proxy_for

PROXY = "http://proxy:3128"


@pytest.mark.parametrize(
    ("url", "no_proxy", "expected"),
    [
        ("https://example.com/v2/", "", PROXY),
        ("http://example.com/v2/", "", None),
        ("https://localhost:5000/", "", None),
        ("https://127.9.9.9/", "", None),
        ("https://[::1]/", "", None),
        ("https://example.com/", "*", None),
        ("https://example.com/", "example.com", None),
        ("https://a.example.com/", "example.com", None),
        ("https://a.example.com/", ".example.com", None),
        ("https://example.com/", ".example.com", PROXY),
        ("https://badexample.com/", "example.com", PROXY),
        ("https://example.com:5000/", "example.com:5000", None),
        ("https://example.com:5001/", "example.com:5000", PROXY),
        ("https://10.1.2.3/", "10.0.0.0/8", None),
        ("https://11.1.2.3/", "other, 10.0.0.0/8", PROXY),
        ("https://[fd00::1]/", "fd00::/8", None),
    ],
)
def test_the_proxy_for_an_address(url: str, no_proxy: str, expected: str | None) -> None:
    assert proxy_for(url, {"HTTPS_PROXY": PROXY, "NO_PROXY": no_proxy}) == expected


def test_a_proxy_of_another_kind_is_refused() -> None:
    with pytest.raises(WherryError, match="http or https, not socks5"):
        proxy_for("https://example.com/", {"https_proxy": "socks5://proxy"})
