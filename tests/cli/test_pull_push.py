"""Pull and push between Wherry, Docker, Podman and skopeo, through Debian's docker-registry."""

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.testing.command import Wherry
from wherry.testing.dockerd import Dockerd
from wherry.testing.registries import DockerRegistry

pytestmark = pytest.mark.needs("containers", "registry")


@pytest.fixture(scope="module")
def registry() -> Iterator[DockerRegistry]:
    with DockerRegistry() as running:
        yield running


@pytest.fixture
def fresh(tmp_path: Path, wherry: Wherry) -> Wherry:
    """An installation with no images, and no credentials."""
    other = Wherry(tmp_path / "root", tmp_path / "run")
    other.environment["DOCKER_CONFIG"] = str(tmp_path / "docker")
    other.environment["WHERRY_LAUNCHER"] = "off"
    return other


@pytest.fixture(scope="module")
def neighbour() -> Iterator[Dockerd]:
    """A Docker daemon that shares our network, and with it the registry."""
    with Dockerd("--iptables=false", "--bridge=none", own_network=False) as daemon:
        daemon.import_busybox()
        yield daemon


def skopeo(option: str, name: str) -> str:
    result = subprocess.run(
        ["skopeo", "inspect", "--tls-verify=false", option, f"docker://{name}"],
        check=True,
        capture_output=True,
        text=True,
    )
    return result.stdout.strip()


def skopeo_digest(name: str) -> str:
    return skopeo("--format={{.Digest}}", name)


def digest_in(output: str) -> str:
    """The digest that a pull or push printed."""
    (line,) = [line for line in output.splitlines() if "igest: sha256:" in line]
    return "sha256:" + line.partition("sha256:")[2][:64]


def test_what_we_push_docker_pulls_and_runs_the_other_way_round_too(
    wherry: Wherry, fresh: Wherry, registry: DockerRegistry, neighbour: Dockerd
) -> None:
    name = f"{registry.host}/team/busybox:one"
    wherry("bootstrap", "-t", name, "busybox")

    pushed = digest_in(wherry("push", name).stdout)

    assert digest_in(neighbour.docker("pull", name).stdout) == pushed
    theirs = f"{registry.host}/theirs/busybox:two"
    neighbour.docker("tag", name, theirs)
    pushed = digest_in(neighbour.docker("push", theirs).stdout)
    assert digest_in(fresh("pull", theirs).stdout) == pushed
    identifier = neighbour.docker("image", "inspect", "-f", "{{.Id}}", theirs).stdout.strip()
    assert (
        identifier
        in fresh("run", "--network=none", "--rm", "--pull=never", theirs, "echo", identifier).stdout
    )


def test_output_is_dockers(
    wherry: Wherry, fresh: Wherry, registry: DockerRegistry, neighbour: Dockerd
) -> None:
    name = f"{registry.host}/output/busybox"
    wherry("bootstrap", "-t", name, "busybox")
    wherry("push", name)
    neighbour.docker("system", "prune", "--all", "--force")  # what other tests left it

    assert without_checks(fresh("pull", name)) == without_checks(neighbour.docker("pull", name))
    assert fresh("pull", name).stdout == neighbour.docker("pull", name).stdout
    assert fresh("pull", "-q", name).stdout == neighbour.docker("pull", "-q", name).stdout
    assert fresh("pull", "-a", name).stdout == neighbour.docker("pull", "-a", name).stdout
    for words in (
        ("pull", f"{name}:none"),
        ("pull", f"{registry.host}/nobody/nothing"),
        ("pull", "-a", f"{name}:latest"),
        ("pull", "nosuch.invalid/x"),
        ("push", f"{registry.host}/nobody/nothing"),
        ("push", f"{name}:none"),
    ):
        ours, theirs = fresh(*words, check=False), neighbour.docker(*words, check=False)
        assert (ours.stdout, ours.returncode) == (theirs.stdout, theirs.returncode), words
        ours_said = ours.stderr.removeprefix("wherry: ").strip()
        theirs_said = theirs.stderr.removeprefix("Error response from daemon: ").strip()
        assert (
            ours_said.partition(" on ")[0].partition(": no such")[0]
            == (theirs_said.partition(" on ")[0].partition(": no such")[0])
        )


def without_checks(result: "subprocess.CompletedProcess[str]") -> list[str]:
    """The lines, without one that Docker drops when the next follows soon."""
    return [line for line in result.stdout.splitlines() if "Verifying Checksum" not in line]


@pytest.mark.needs("skopeo")
@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_pull_retag_push_keeps_the_digest(
    fresh: Wherry, registry: DockerRegistry, compression: str
) -> None:
    packed = f"{registry.host}/kept/{compression}:1"
    source = Path(fresh.root).parent / "layout"
    make_image(source)
    options = ("--dest-tls-verify=false", f"--dest-compress-format={compression}")
    subprocess.run(
        ["skopeo", "copy", *options, f"oci:{source}:x", f"docker://{packed}"],
        check=True,
        capture_output=True,
    )
    assert compression in skopeo("--raw", packed)
    fresh("pull", packed)

    with DockerRegistry() as elsewhere:
        name = f"{elsewhere.host}/other/app:1"
        fresh("image", "tag", packed, name)
        pushed = digest_in(fresh("push", name).stdout)
        assert skopeo_digest(name) == pushed

    assert pushed == skopeo_digest(packed)


def make_image(folder: Path) -> None:
    """An OCI layout of an image that another program packs."""
    root = folder.parent / "rootfs"
    (root / "bin").mkdir(parents=True)
    (root / "bin" / "tool").write_bytes(os.urandom(50_000))
    tar = folder.parent / "layer.tar"
    subprocess.run(["tar", "-C", root, "-cf", tar, "."], check=True)
    subprocess.run(
        ["skopeo", "copy", f"tarball:{tar}", f"oci:{folder}:x"], check=True, capture_output=True
    )


def test_a_blob_goes_from_one_repository_to_another_by_itself(
    wherry: Wherry, registry: DockerRegistry
) -> None:
    first, second = (f"{registry.host}/{path}:1" for path in ("mount/from", "mount/to"))
    wherry("bootstrap", "-t", first, "busybox")
    wherry("push", first)
    wherry("bootstrap", "-t", second, "busybox")

    assert "Mounted from mount/from" in wherry("push", second).stdout
    assert "Layer already exists" in wherry("push", second).stdout


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """Podman's run folder is part of a socket's address, which has to be short."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        yield Path(name)


@pytest.mark.needs("podman")
def test_podman_pulls_what_we_push(
    wherry: Wherry, registry: DockerRegistry, short_folder: Path
) -> None:
    name = f"{registry.host}/podman/busybox:1"
    wherry("bootstrap", "-t", name, "busybox")
    pushed = digest_in(wherry("push", name).stdout)
    folders = ("--root", f"{short_folder}/root", "--runroot", f"{short_folder}/run")
    podman = ("podman", *folders, "--storage-driver=vfs")
    subprocess.run([*podman, "pull", "--tls-verify=false", name], check=True, capture_output=True)
    result = subprocess.run(
        [*podman, "image", "inspect", "-f", "{{.Digest}}", name], check=True, capture_output=True
    )
    assert result.stdout.decode().strip() == pushed
    subprocess.run([*podman, "rmi", "-f", name], check=True, capture_output=True)


def test_run_pulls_what_is_missing(wherry: Wherry, fresh: Wherry, registry: DockerRegistry) -> None:
    name = f"{registry.host}/run/busybox:1"
    wherry("bootstrap", "-t", name, "busybox")
    wherry("push", name)

    missing = fresh("run", "--network=none", "--rm", "--pull=never", name, "true", check=False)
    assert missing.returncode == 125
    assert f"No such image: {name}" in missing.stderr
    result = fresh("run", "--network=none", "--rm", name, "echo", "hello")
    assert result.stdout == "hello\n"
    assert f"Unable to find image '{name}' locally\n1: Pulling from run/busybox" in result.stderr
    again = fresh("run", "--network=none", "--rm", "--pull=always", name, "echo", "hello")
    assert "Status: Image is up to date" in again.stderr


def test_a_registry_with_a_password_and_a_certificate(
    wherry: Wherry, fresh: Wherry, tmp_path: Path
) -> None:
    with DockerRegistry(user="ann", password="secret", tls=True) as registry:
        trusted = tmp_path / "config" / "wherry" / "certs.d" / registry.host
        name = f"{registry.host}/team/app:1"
        fresh.environment["XDG_CONFIG_HOME"] = str(tmp_path / "config")
        fresh("bootstrap", "-t", name, "busybox")
        refused = fresh("push", name, check=False)
        assert refused.stderr.endswith("no basic auth credentials\n")
        trusted.mkdir(parents=True)
        (trusted / "ca.crt").write_bytes(registry.certificate.read_bytes())
        wrong = fresh("login", "-u", "ann", "--password-stdin", registry.host, check=False,
                      stdin=b"wrong\n")  # fmt: skip
        assert wrong.stderr == (
            f"wherry: login attempt to https://{registry.host}/v2/ failed with status:"
            " 401 Unauthorized\n"
        )

        words = ("login", "-u", "ann", "--password-stdin", registry.host)
        assert fresh(*words, stdin=b"secret\n").stdout == "Login Succeeded\n"

        config = tmp_path / "docker" / "config.json"
        assert config.stat().st_mode & 0o777 == 0o600
        pushed = digest_in(fresh("push", name).stdout)
        assert digest_in(fresh("pull", name).stdout) == pushed
        fresh("logout", registry.host)
        assert json.loads(config.read_text())["auths"] == {}
        assert "no basic auth credentials" in fresh("pull", name, check=False).stderr


def test_a_kill_at_any_moment_of_a_pull_leaves_what_the_next_one_needs(
    wherry: Wherry, fresh: Wherry, registry: DockerRegistry
) -> None:
    name = f"{registry.host}/killed/busybox:1"
    wherry("bootstrap", "-t", name, "busybox")
    wherry("push", name)
    for count in range(1, 9):
        process = subprocess.Popen(
            fresh.command("pull", name),
            env=fresh.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert process.stdout is not None
        for _ in range(count):  # so many lines later
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()

    assert f"{registry.host}/killed/busybox" in fresh("pull", name).stdout
    assert (
        fresh("run", "--network=none", "--rm", "--pull=never", name, "echo", "whole").stdout
        == "whole\n"
    )
    assert list((fresh.root / "downloads").iterdir()) == []
