from pathlib import Path

import pytest

from wherry.registry.settings import RegistrySettings, Settings, load_settings
from wherry.store.config_file import InvalidConfiguration


def load(folder: Path, text: str) -> Settings:
    (folder / "wherry").mkdir()
    (folder / "wherry" / "config.toml").write_text(text)
    return load_settings({"XDG_CONFIG_HOME": str(folder)})


def test_mirrors_come_before_the_registry_and_serve_no_push(tmp_path: Path) -> None:
    settings = load(tmp_path, '[registry."docker.io"]\nmirrors = ["http://m:5000", "n.example"]')

    assert [(each.host, each.schemes) for each in settings.endpoints("docker.io")] == [
        ("m:5000", ("http",)),
        ("n.example", ("https",)),
        ("registry-1.docker.io", ("https",)),
    ]
    (own,) = settings.endpoints("docker.io", with_mirrors=False)
    assert own.host == "registry-1.docker.io"


@pytest.mark.parametrize(
    ("host", "insecure"),
    [
        ("localhost:5000", True),
        ("127.0.0.3", True),
        ("[::1]:5000", True),
        ("localhost.example", False),
        ("10.0.0.1:5000", False),
        ("trusted:5000", True),
        ("trusted:5001", False),
    ],
)
def test_only_what_is_named_and_the_loopback_is_insecure(host: str, insecure: bool) -> None:
    settings = Settings(registries={"trusted:5000": RegistrySettings(insecure=True)})
    (endpoint,) = settings.endpoints(host)
    assert endpoint.verify is not insecure
    assert endpoint.schemes == (("https", "http") if insecure else ("https",))


@pytest.mark.parametrize(
    "text",
    ["registry = 1", '[registry."a"]\nmirors = []', '[registry."a"]\ninsecure = "yes"', "=", "[a"],
)
def test_a_wrong_file_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidConfiguration, match=r"config\.toml: "):
        load(tmp_path, text)
