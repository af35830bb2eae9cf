"""Advice on the order of steps, from what past builds carried out and why."""

import pytest

from wherry.build.advice import Kind, Known, advise
from wherry.build.cache import NEVER_BUILT
from wherry.build.command_reads import Reads, reads_of
from wherry.build.difference import PARENT_REBUILT
from wherry.store.build_history import PastStep

FILES = frozenset({"needs.txt", "src/app.py", "src/lib/x.py", "package.json"})
EVERYTHING = Reads(everything=True)


@pytest.mark.parametrize(
    ("script", "reads"),
    [
        ("apt-get update && apt-get install -y git && rm -rf /var/lib/apt/lists/*", Reads()),
        ("mkdir -p /opt/x && curl -fsSL https://a.b/c.tgz | tar -xz -C /opt/x", Reads()),
        ("pip install -r needs.txt", Reads(files=frozenset({"needs.txt"}))),
        ("pip install -rneeds.txt", Reads(files=frozenset({"needs.txt"}))),
        ("pip install --requirement=/app/needs.txt", Reads(files=frozenset({"needs.txt"}))),
        ("npm ci --omit=dev", Reads(files=frozenset({"package.json"}))),
        ("cat src/lib/x.py", Reads(files=frozenset({"src/lib/x.py"}))),
        ("cp -r src /srv", Reads(files=frozenset({"src/app.py", "src/lib/x.py"}))),
        ("pip install .", EVERYTHING),
        ("pip install -e .[dev]", EVERYTHING),
        ("cd /app && touch x", EVERYTHING),
        ("rm /app/*.pyc", EVERYTHING),
        ("chown -R nobody /", EVERYTHING),
        ("make", EVERYTHING),
        ("apt-get install -y $PACKAGES", EVERYTHING),
        ("cat < needs.txt", EVERYTHING),
        ("apt-get update; ./install.sh", EVERYTHING),
    ],
)
def test_what_commands_read_of_a_copied_folder(script: str, reads: Reads) -> None:
    assert reads_of(script, FILES, "/app/") == reads


COPY = Known(
    number=2, text="COPY . .", line=2, instruction="COPY", files=FILES, destination="/app/"
)
APT = Known(number=3, text="RUN apt", line=3, instruction="RUN", command="apt-get install -y git")
PIP = Known(number=4, text="RUN pip", line=4, instruction="RUN", command="pip install -r needs.txt")


def past(step: Known, reason: str, *changed: str, seconds: float = 10) -> PastStep:
    return PastStep(
        number=step.number,
        text=step.text,
        reason=reason,
        changed=changed,
        duration_ns=int(seconds * 1e9),
        overhead_ns=10**9,
    )


FIRST = [past(COPY, NEVER_BUILT), past(APT, NEVER_BUILT), past(PIP, NEVER_BUILT)]


def rebuilt_for(*files: str) -> list[PastStep]:
    return [
        past(COPY, f"{files[0]}: content", *files, seconds=1),
        past(APT, PARENT_REBUILT, seconds=20),
        past(PIP, PARENT_REBUILT, seconds=10),
    ]


def test_what_reads_nothing_goes_up_and_what_reads_a_file_gets_it_first() -> None:
    builds = [FIRST, rebuilt_for("src/app.py"), rebuilt_for("needs.txt"), rebuilt_for("src/app.py")]

    advised = advise([[COPY, APT, PIP]], builds)

    assert [(each.kind, each.line, each.seconds, each.builds) for each in advised.advice] == [
        (Kind.MOVE, 3, 60, 3),
        (Kind.COPY_FIRST, 4, 20, 2),
        (Kind.MERGE, 4, 3, 3),
    ]
    assert "because src/app.py changed" in advised.advice[1].reason
    assert (advised.builds, advised.seconds) == (4, 30 + 3 * 31)


def test_a_rebuild_with_another_cause_is_no_reason_to_move() -> None:
    pip = past(PIP, "command: a → b")
    builds = [[past(COPY, ""), past(APT, "command: a → b"), pip]]

    assert advise([[COPY, APT, PIP]], builds).advice == ()


def test_builds_of_other_steps_do_not_count() -> None:
    other = [past(COPY, "src/app.py: content", "src/app.py"), past(APT, PARENT_REBUILT)]

    assert advise([[COPY, APT, PIP]], [other]).builds == 0


def test_an_instruction_between_is_in_the_way() -> None:
    barred = Known(
        number=3, text="RUN apt", line=3, instruction="RUN", command=APT.command, is_barred=True
    )

    advised = advise([[COPY, barred, PIP]], [rebuilt_for("src/app.py")] * 3)

    assert Kind.MOVE not in [each.kind for each in advised.advice]


def test_an_argument_belongs_behind_what_does_not_use_it() -> None:
    def run(number: int, command: str) -> Known:
        return Known(
            number=number,
            text=f"RUN {command}",
            line=number,
            instruction="RUN",
            command=command,
            arguments=frozenset({"COMMIT"}),
        )

    steps = [run(2, "make"), run(3, "make install"), run(4, "echo $COMMIT")]
    changed = [past(step, "ARG COMMIT: a → b", seconds=5) for step in steps[:1]]
    changed += [past(step, PARENT_REBUILT, seconds=7) for step in steps[1:]]

    (advice,) = [each for each in advise([steps], [changed]).advice if each.kind is Kind.ARG_LATER]

    assert (advice.line, advice.seconds) == (3, 12)
    assert advice.text == "declare ARG COMMIT behind `RUN make install` (line 3)"
