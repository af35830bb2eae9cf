"""Containers of the engine that try to get at the host: what the runtime's own suite cannot ask."""

import pytest

from wherry.testing.command import Wherry

pytestmark = pytest.mark.needs("containers")
WITH_PYTHON = ("-v", "/usr:/usr:ro", "-v", "/usr/lib:/lib:ro", "-v", "/usr/lib64:/lib64:ro")
IS_WRITABLE = "import os; print(os.statvfs('/proc/self/exe').f_flag & os.ST_RDONLY and 'read-only')"


def test_the_hosts_interpreter_as_the_program(wherry: Wherry) -> None:
    program = ("/proc/self/exe", "-c", IS_WRITABLE)

    run = wherry("run", "--rm", *WITH_PYTHON, "busybox", *program, check=False)
    wherry("run", "-d", "--name", "one", *WITH_PYTHON, "busybox", "sleep", "100")
    joined = wherry("exec", "one", *program, check=False)

    assert {run.stdout, joined.stdout} <= {"", "read-only\n"}


def test_hosts_and_resolv_conf_that_became_links_out(wherry: Wherry) -> None:
    script = (
        "[ -e /again ] && exec grep -c localhost /etc/hosts; touch /again;"
        " umount /etc/hosts; rm -f /etc/hosts; ln -s /../../../../etc/passwd /etc/hosts"
    )
    with open("/etc/passwd") as file:
        before = file.read()
    words = ("--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined", "--name", "one")

    wherry("run", *words, "busybox", "sh", "-c", script, check=False)
    result = wherry("start", "-a", "one", check=False)

    assert result.stdout.strip() not in ("", "0")
    with open("/etc/passwd") as file:
        assert file.read() == before


@pytest.mark.parametrize("parent", ["../..", "/a/../../b", "/../x"])
def test_a_cgroup_parent_that_leads_upwards_is_refused(wherry: Wherry, parent: str) -> None:
    result = wherry("run", "--rm", "--cgroup-parent", parent, "busybox", "true", check=False)

    assert result.returncode == 125
    assert "Traceback" not in result.stderr


def test_a_passwd_that_nobody_writes_to(wherry: Wherry) -> None:
    wherry("run", "--name", "one", "busybox", "sh", "-c", "rm /etc/passwd; mkfifo /etc/passwd")

    assert wherry("start", "one", check=False).returncode == 0
    assert wherry("wait", "one").stdout == "0\n"


def test_user_namespaces_are_refused_in_one_line(wherry: Wherry) -> None:
    result = wherry("run", "--rm", "--userns", "auto", "busybox", "true", check=False)

    assert result.returncode == 125
    assert "--userns: invalid USER mode" in result.stderr
    assert wherry("run", "--rm", "--userns", "host", "busybox", "id", "-u").stdout == "0\n"
