import json
import stat
from pathlib import Path

import pytest

from wherry.errors import WherryError
from wherry.registry.credentials import HUB_SERVER, Credential, CredentialFile, server_of

ANN = Credential(username="ann", password="se:cret")


@pytest.fixture
def file(tmp_path: Path) -> CredentialFile:
    return CredentialFile(tmp_path / "docker" / "config.json")


def test_what_is_stored_is_found_and_what_else_is_in_the_file_stays(file: CredentialFile) -> None:
    file.path.parent.mkdir()
    file.path.write_text('{"psFormat": "x", "auths": {"other": {"auth": "YTpi"}}}')

    assert file.store("host:5000", ANN)

    document = json.loads(file.path.read_text())
    assert document["psFormat"] == "x"
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert file.get("host:5000") == ANN
    assert file.get("other") == Credential(username="a", password="b")
    assert file.get("third") is None
    assert [path.name for path in file.path.parent.iterdir()] == ["config.json"]


def test_old_keys_are_addresses(file: CredentialFile) -> None:
    file.path.parent.mkdir()
    file.path.write_text('{"auths": {"https://host:5000/v1/": {"auth": "YTpi"}}}')

    assert file.get("host:5000") == Credential(username="a", password="b")
    assert file.erase("host:5000")
    assert file.get("host:5000") is None
    assert not file.erase("host:5000")


def test_an_identity_token_is_kept_without_the_password(file: CredentialFile) -> None:
    file.store(HUB_SERVER, Credential(username="ann", password="secret", identity_token="t"))

    assert "secret" not in file.path.read_text()
    found = file.get(server_of("docker.io"))
    assert found == Credential(username="ann", identity_token="t")


def test_a_helper_keeps_what_the_file_does_not(
    file: CredentialFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "docker-credential-box"
    program.write_text(
        f"""#!/bin/sh
case $1 in
store) cat > {tmp_path}/kept ;;
get) cat >/dev/null; cat {tmp_path}/kept 2>/dev/null && exit
     echo credentials not found in native keychain; exit 1 ;;
erase) cat >/dev/null; rm {tmp_path}/kept ;;
esac
"""
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    file.path.parent.mkdir()
    file.path.write_text('{"credHelpers": {"host:5000": "box"}}')

    assert file.get("host:5000") is None
    assert not file.store("host:5000", ANN)
    assert file.get("host:5000") == ANN
    assert json.loads(file.path.read_text())["auths"] == {"host:5000": {}}
    assert file.erase("host:5000")
    assert file.get("host:5000") is None


@pytest.mark.parametrize("text", ["[]", "{", '{"auths": {"h": {"auth": "?"}}}'])
def test_a_file_that_cannot_be_read_is_named_and_not_written_over(
    file: CredentialFile, text: str
) -> None:
    file.path.parent.mkdir()
    file.path.write_text(text)

    with pytest.raises(WherryError, match=r"config\.json"):
        file.get("h")

    assert file.path.read_text() == text


def test_a_password_is_in_no_traceback() -> None:
    assert "se:cret" not in repr(ANN)
