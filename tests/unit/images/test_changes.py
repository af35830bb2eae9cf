"""wherry.images.changes: what dockerd made of the same instructions."""

import pytest

from wherry.errors import InvalidArgument
from wherry.images.changes import apply_changes
from wherry.oci.codec import to_json
from wherry.oci.image_config import ContainerDefaults


def applied(*changes: str) -> object:
    return to_json(apply_changes(ContainerDefaults(), changes))


@pytest.mark.parametrize(
    ("changes", "config"),
    [
        (["CMD []"], {"Cmd": []}),
        (['CMD ["\\u0041"]'], {"Cmd": ["A"]}),
        (['CMD a  b "c'], {"Cmd": ["/bin/sh", "-c", 'a  b "c']}),
        (['CMD ["a"'], {"Cmd": ["/bin/sh", "-c", '["a"']}),
        (["CMD x\nUSER y"], {"Cmd": ["/bin/sh", "-c", "x"], "User": "y"}),
        (
            ["CMD b", "ENTRYPOINT a"],
            {"Cmd": ["/bin/sh", "-c", "b"], "Entrypoint": ["/bin/sh", "-c", "a"]},
        ),
        (["ENV a=b \\", "c=d"], {"Env": ["a=b", "c=d"]}),
        (["ENV A=1 B=$A"], {"Env": ["A=1", "B="]}),
        (
            ["ENV A=1", "ENV C=$A-${B:-x}${D:-def}${A:+p} E=\\$A F='$A' G=\"$A b\" H=a\\ b"],
            {"Env": ["A=1", "C=1-xdefp", "E=$A", "F=$A", "G=1 b", "H=a b"]},
        ),
        (["ENV A=1", 'ENV B=${A:-${C:-d}}x D="${Z:-a b}"'], {"Env": ["A=1", "B=1x", "D=a b"]}),
        (["ENV A=1", 'ENV K the $A "rest" of'], {"Env": ["A=1", "K=the 1 rest of"]}),
        (["ENV A=$1 B=$ C=${A}"], {"Env": ["A=", "B=$", "C="]}),
        (['ENV A="g\\nh\\$x\\"y" B=g\\nh'], {"Env": ['A=g\\nh$x"y', "B=gnh"]}),
        (
            ["LABEL q=1 'r s'=\"t u\"", "LABEL a b c"],
            {"Labels": {"q": "1", "r s": "t u", "a": "b c"}},
        ),
        (
            ["EXPOSE 80-81/udp 99 80:90"],
            {"ExposedPorts": {"80/udp": {}, "81/udp": {}, "99/tcp": {}, "90/tcp": {}}},
        ),
        (["WORKDIR a/b", "WORKDIR ../c"], {"WorkingDir": "/a/c"}),
        (["WORKDIR ../.."], {"WorkingDir": "/"}),
        (["VOLUME /x /y", 'VOLUME ["/a b"]'], {"Volumes": {"/x": {}, "/y": {}, "/a b": {}}}),
        (["ENV A=1", "USER $A:g"], {"Env": ["A=1"], "User": "1:g"}),
        (["onbuild RUN a  b"], {"OnBuild": ["RUN a  b"]}),
        (["STOPSIGNAL SIGRTMIN+3"], {"StopSignal": "SIGRTMIN+3"}),
        (
            ["healthcheck --interval=1m30s --retries=3 CMD curl  x"],
            {
                "Healthcheck": {
                    "Test": ["CMD-SHELL", "curl  x"],
                    "Interval": 90_000_000_000,
                    "Retries": 3,
                }
            },
        ),
        (['HEALTHCHECK CMD ["a","b"]'], {"Healthcheck": {"Test": ["CMD", "a", "b"]}}),
        (["HEALTHCHECK NONE"], {"Healthcheck": {"Test": ["NONE"]}}),
    ],
)
def test_a_change_does_what_docker_does(changes: list[str], config: object) -> None:
    assert applied(*changes) == config


def test_an_entrypoint_clears_the_command_of_the_image_but_not_a_new_one() -> None:
    image = ContainerDefaults(cmd=("sh",), env=("A=1",))
    assert apply_changes(image, ["ENTRYPOINT x"]).cmd is None
    assert apply_changes(image, ["CMD y", "ENTRYPOINT x"]).cmd == ("/bin/sh", "-c", "y")
    assert apply_changes(image, ["ENV A=2"]).env == ("A=2",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("RUN x", "run is not a valid change command"),
        ("# nothing", "file with no instructions"),
        ("ENV a", "ENV must have two arguments"),
        ("ENV a=b c", 'Syntax error - can\'t find = in "c". Must be of the form: name=value'),
        ("ENV =x", "ENV names can not be blank"),
        (
            'ENV A="x',
            (
                'failed to process "\\"x": unexpected end of statement while looking for matching'
                " double-quote"
            ),
        ),
        ("ENV A=${x?}", 'failed to process "${x?}": x: is not allowed to be unset'),
        ("ENV A=${}", 'failed to process "${}": syntax error: bad substitution'),
        ('CMD ["a", 1]', "when using JSON array syntax, arrays must be comprised of strings only"),
        ("EXPOSE 70000", "Invalid containerPort: 70000"),
        ("EXPOSE 80/foo", "Invalid proto: foo"),
        ("USER --x=1 y", "Unknown flag: x"),
        ("WORKDIR", "WORKDIR requires exactly one argument"),
        ("VOLUME []", "VOLUME requires at least one argument"),
        ("STOPSIGNAL NOPE", "Invalid signal: NOPE"),
        ("ONBUILD ONBUILD x", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"),
        ("ONBUILD FROM x", "FROM isn't allowed as an ONBUILD trigger"),
        ("HEALTHCHECK x", 'Unknown type "X" in HEALTHCHECK (try CMD)'),
        ("HEALTHCHECK --interval=1 CMD x", 'time: missing unit in duration "1"'),
        ("HEALTHCHECK --interval=1us CMD x", 'Interval "interval" cannot be less than 1ms'),
        ("HEALTHCHECK --foo=1s CMD x", "Unknown flag: foo"),
        ("HEALTHCHECK CMD", "Missing command after HEALTHCHECK CMD"),
    ],
)
def test_a_wrong_change_is_refused_in_dockers_words(change: str, message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        applied(change)
    assert caught.value.message == message
