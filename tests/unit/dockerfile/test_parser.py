"""Dockerfiles as values, and where each word of them stands."""

import pytest

from wherry.dockerfile.dockerfile import Dockerfile
from wherry.dockerfile.errors import InvalidDockerfile
from wherry.dockerfile.instructions import Add, Copy, Env, From, Healthcheck, Label, Onbuild, Run
from wherry.dockerfile.mounts import InvalidMount, MountType, Sharing, read_device, read_mount
from wherry.dockerfile.parser import UnreadableDockerfile, parse
from wherry.dockerfile.printing import rewrite


def one(text: str) -> object:
    """The instruction behind FROM."""
    return parse(f"FROM x\n{text}").stages[0].instructions[0]


def test_stages_have_names_without_case() -> None:
    dockerfile = parse("ARG V=1\nFROM a AS Build\nRUN x\nFROM build\nfrom --platform=$P b as c")
    assert [stage.name for stage in dockerfile.stages] == ["build", "", "c"]
    assert [arg.arguments[0].name.text for arg in dockerfile.global_args] == ["V"]
    assert dockerfile.stage_called("BUILD") is dockerfile.stages[0]
    assert dockerfile.stages[2].base.platform is not None
    assert dockerfile.stages[2].base.platform.text == "$P"


def test_continued_lines_are_one_and_words_stand_where_they_were() -> None:
    text = "FROM x\nENV a=\\\n# why\n\n1 \\  \n b=2\n"
    dockerfile = parse(text)
    (env,) = dockerfile.stages[0].instructions
    assert isinstance(env, Env)
    assert env.statement.line.text == "ENV a=1  b=2"
    assert dockerfile.source.slice(env.pairs[0].value.span) == "1"
    assert dockerfile.source.slice(env.pairs[1].name.span) == "b"
    assert [comment.text for comment in env.statement.inner_comments] == ["why"]
    assert [remark.rule for remark in dockerfile.warnings] == ["NoEmptyContinuation"]


def test_a_word_is_rewritten_in_its_place() -> None:
    text = "\ufefffrom x aS y\r\nCOPY --from=é \\\r\n  a b \\\r\n  /dst\r\n"
    dockerfile = parse(text.encode())
    (copy,) = dockerfile.stages[0].instructions
    assert isinstance(copy, Copy)
    base = dockerfile.stages[0].base
    assert base.as_keyword is not None
    assert copy.from_ is not None
    edits = [
        (base.keyword.span, "FROM"),
        (base.as_keyword.span, "AS"),
        (copy.from_.span, "z"),
        (copy.destination.span, "/there"),
    ]
    assert rewrite(dockerfile.source, edits) == (
        "\ufeffFROM x AS y\r\nCOPY --from=z \\\r\n  a b \\\r\n  /there\r\n"
    )
    assert dockerfile.source.position(base.keyword.span.start) == (1, 1, 3)
    assert dockerfile.source.position(copy.destination.span.start) == (4, 3, 45)


def test_the_escape_directive_changes_what_continues() -> None:
    dockerfile = parse("# escape=`\nFROM x\nRUN dir c:\\\nRUN a `\n b\n")
    runs = [i for i in dockerfile.stages[0].instructions if isinstance(i, Run)]
    assert [run.command.texts for run in runs] == [("dir c:\\",), ("a  b",)]


def test_directives_end_with_the_first_other_line() -> None:
    dockerfile = parse("#Syntax = a/b:1 \n# check=skip=all\n\n# escape=`\nFROM x")
    assert [(item.name, item.value) for item in dockerfile.directives] == [
        ("syntax", "a/b:1"),
        ("check", "skip=all"),
    ]
    assert dockerfile.escape == "\\"


def test_comments_above_stay_with_their_instruction() -> None:
    dockerfile = parse("# cut off\n#\n# V the version\n\nARG V=1\nFROM x")
    assert [comment.text for comment in dockerfile.global_args[0].comments] == ["V the version"]
    assert dockerfile.global_args[0].arguments[0].description == "the version"


@pytest.mark.parametrize(
    ("text", "words", "is_exec"),
    [
        ('RUN ["a", "b c"]', ("a", "b c"), True),
        ('RUN  [ "a" ]  ', ("a",), True),
        ("RUN []", (), True),
        ('RUN ["\\u00e9"]', ("é",), True),
        ("RUN ['a']", ("['a']",), False),
        ('RUN ["a"', ('["a"',), False),
        ('RUN ["a"] b', ('["a"] b',), False),
        ("RUN [NaN]", ("[NaN]",), False),
        ("RUN [ -f x ]", ("[ -f x ]",), False),
        ("RUN a  b", ("a  b",), False),
        ("RUN --network=none a", ("a",), False),
        ("RUN -- --x", ("--x",), False),
    ],
)
def test_the_exec_form_is_json_and_nothing_else(
    text: str, words: tuple[str, ...], is_exec: bool
) -> None:
    run = one(text)
    assert isinstance(run, Run)
    assert (run.command.texts, run.command.is_exec) == (words, is_exec)


def test_what_looks_like_json_and_is_none_is_remarked_on() -> None:
    assert [r.message for r in parse("FROM x\nRUN ['a']\nRUN [ -f 'x' ]").warnings] == [
        "RUN is not a JSON array of strings, so a shell gets it as it is"
    ]


def test_several_documents_follow_a_line() -> None:
    text = "COPY <<a <<-'B' plain /d/\n$x\n# kept\na\n\t\tindented\n\tB\nRUN <<E cat\nhi\r\nE\n"
    dockerfile = parse(f"FROM x\n{text}USER u")
    copy, run, _ = dockerfile.stages[0].instructions
    assert isinstance(copy, Copy)
    assert isinstance(run, Run)
    assert [(f.name, f.text, f.expand) for f in copy.files] == [
        ("a", "$x\n# kept\n", True),
        ("B", "indented\n", False),
    ]
    assert [source.text for source in copy.sources] == ["plain"]
    assert [(f.content, f.chomp) for f in run.files] == [("hi\r\n", False)]


def test_no_document_follows_json_or_what_a_shell_shifts() -> None:
    assert isinstance(one('RUN ["cat", "<<E"]'), Run)
    assert isinstance(one("RUN echo $((1<<2)) '<<E'"), Run)


def test_pairs_have_an_old_form() -> None:
    env = one("ENV name  a value  =1")
    assert isinstance(env, Env)
    assert [(p.name.text, p.value.text, p.legacy) for p in env.pairs] == [
        ("name", "a value  =1", True)
    ]
    label = one("LABEL a=\"b c\" 'd e'=f\\ g h=")
    assert isinstance(label, Label)
    assert [(p.name.text, p.value.text) for p in label.pairs] == [
        ("a", '"b c"'),
        ("'d e'", "f\\ g"),
        ("h", ""),
    ]


def test_every_flag_of_copy_and_add() -> None:
    copy = one(
        "COPY --from=0 --chown=1:2 --chmod=u+x --link --parents --exclude=a --exclude=b s /d"
    )
    assert isinstance(copy, Copy)
    assert copy.link
    assert copy.parents
    assert [word.text for word in copy.exclude] == ["a", "b"]
    add = one('ADD --checksum=sha256:0 --keep-git-dir=true --unpack=false ["a b", "/d"]')
    assert isinstance(add, Add)
    assert (add.keep_git_dir, add.unpack, add.sources[0].text) == (True, False, "a b")


def test_a_health_check_has_its_times() -> None:
    check = one("HEALTHCHECK --interval=1m30s --timeout=5ms --retries=3 CMD curl  x")
    assert isinstance(check, Healthcheck)
    assert check.config.test == ("CMD-SHELL", "curl  x")
    assert (check.config.interval, check.config.timeout) == (90 * 10**9, 5_000_000)
    none = one("HEALTHCHECK NONE")
    assert isinstance(none, Healthcheck)
    assert none.config.test == ("NONE",)


def test_a_trigger_is_read_and_kept_as_written() -> None:
    trigger = one("ONBUILD copy <<E /x\nhi\nE")
    assert isinstance(trigger, Onbuild)
    assert trigger.expression == "copy <<E /x\nhi\nE"
    assert isinstance(trigger.trigger, Copy)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "file with no instructions"),
        ("# only\n", "file with no instructions"),
        ("RUN x", "no build stage in current context"),
        (
            "FRM x",
            "dockerfile parse error on line 1: unknown instruction: FRM (did you mean FROM?)",
        ),
        (
            "frm x",
            "dockerfile parse error on line 1: unknown instruction: frm (did you mean from?)",
        ),
        ("FOOBAR", "dockerfile parse error on line 1: unknown instruction: FOOBAR"),
        ("FROM", "dockerfile parse error on line 1: FROM requires either one or three arguments"),
        (
            "FROM x AS 1",
            (
                'dockerfile parse error on line 1: invalid name for build stage: "1", '
                "name can't start with a number or contain symbols"
            ),
        ),
        (
            "FROM x\n\nCOPY --form=y a b",
            "dockerfile parse error on line 3: unknown flag: --form (did you mean from?)",
        ),
        ("FROM x\nENV a", "ENV must have two arguments"),
        (
            "FROM x\nENV a=b c",
            'Syntax error - can\'t find = in "c". Must be of the form: name=value',
        ),
        ("FROM x\nENV =b", "dockerfile parse error on line 2: ENV names can not be blank"),
        (
            "FROM x\nSHELL a",
            "dockerfile parse error on line 2: SHELL requires the arguments to be in JSON form",
        ),
        (
            "FROM x\nCOPY a",
            (
                "dockerfile parse error on line 2: COPY requires at least two arguments, "
                "but only one was provided. Destination could not be determined"
            ),
        ),
        (
            'FROM x\nRUN ["a", 1]',
            "when using JSON array syntax, arrays must be comprised of strings only",
        ),
        ("FROM x\nCOPY <<E /a\nx", "unterminated heredoc"),
        (
            "FROM x\nCOPY a <<E\nE",
            "dockerfile parse error on line 2: COPY cannot accept a heredoc as a destination",
        ),
        (
            "FROM x\nONBUILD ONBUILD RUN a",
            (
                "dockerfile parse error on line 2: "
                "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"
            ),
        ),
        (
            "FROM x\nONBUILD FROM a",
            "dockerfile parse error on line 2: FROM isn't allowed as an ONBUILD trigger",
        ),
        (
            "FROM x\nRUN --mount=type=bnd a",
            'dockerfile parse error on line 2: unsupported mount type "bnd" (did you mean bind?)',
        ),
        (
            "FROM x\nRUN --mount=from=$a,target=/x a",
            (
                "dockerfile parse error on line 2: "
                "'from' doesn't support variable expansion, define alias stage instead"
            ),
        ),
        (
            "FROM x\nRUN --network=nne a",
            'dockerfile parse error on line 2: invalid network mode "nne"',
        ),
        (
            "FROM x\nHEALTHCHECK --interval=1us CMD a",
            'dockerfile parse error on line 2: Interval "interval" cannot be less than 1ms',
        ),
        ("# escape=x\nFROM x", "invalid escape token 'x' does not match ` or \\"),
        ("# check=a=b\n# CHECK=c\nFROM x", "only one check parser directive can be used"),
        ("FROM x\nRUN " + "a" * 70_000, "dockerfile line greater than max allowed size of 65535"),
    ],
)
def test_a_fault_is_told_in_buildkits_words(text: str, sentence: str) -> None:
    with pytest.raises(InvalidDockerfile) as caught:
        parse(text)
    assert caught.value.message == sentence


def test_all_faults_are_told_with_their_places() -> None:
    with pytest.raises(InvalidDockerfile) as caught:
        parse("FROM x\nRNU a\n  COPY --frm=1 \\\n a b\nUSER\n", "D")
    assert [problem.message for problem in caught.value.problems] == [
        "unknown instruction: RNU (did you mean RUN?)",
        "unknown flag: --frm (did you mean from?)",
        "USER requires exactly one argument",
    ]
    assert caught.value.hint.splitlines()[:6] == [
        "D:2:1",
        "2 | RNU a",
        "    ^~~",
        "D:3:8",
        "3 |   COPY --frm=1 \\",
        "           ^~~~~~~",
    ]


def test_what_is_not_text_is_refused() -> None:
    with pytest.raises(UnreadableDockerfile, match="line 2, column 5: not valid UTF-8"):
        parse(b"FROM x\nRUN \xff")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("type=cache,targt=/x", "unexpected key 'targt' in 'targt=/x' (did you mean target?)"),
        ("type=bind,required", "unexpected key 'required' for mount type 'bind'"),
        ("type=cache,size=1", "unexpected key 'size' for mount type 'cache'"),
        ("type=cache,sharing=lock", 'unsupported sharing value "lock" (did you mean locked?)'),
        ("type=bind,mode=1", 'mode not allowed for "bind" type mounts'),
        ("type=secret", "invalid secret mount. one of source, target required"),
        ("type=secret,id=a,from=b", "secret mount should not have a from"),
        ("type=secret,id=a,source=b", "both source and id can't be set"),
        ("type=ssh,sharing=private", "invalid cache sharing set for ssh mount"),
        ("target", "invalid field 'target' must be a key=value pair"),
        ("type=cache,ro=x", "invalid value for ro: x"),
        ("type=cache,mode=9", "invalid value 9 for mode"),
    ],
)
def test_a_mount_is_refused_in_buildkits_words(text: str, problem: str) -> None:
    with pytest.raises(InvalidMount) as caught:
        read_mount(text, lambda value: value)
    assert caught.value.message == problem


def test_mounts_have_their_defaults() -> None:
    def mount(text: str) -> object:
        return read_mount(text, lambda value: value.replace("$V", "v"))

    cache = read_mount("TYPE=cache,dst=/a,sharing=LOCKED,uid=1,mode=0700", str)
    assert (cache.type, cache.read_only, cache.sharing) == (MountType.CACHE, False, Sharing.LOCKED)
    assert (cache.uid, cache.mode) == (1, 0o700)
    assert read_mount("target=/a", str).read_only
    assert not read_mount("target=/a,rw", str).read_only
    assert read_mount("type=tmpfs,target=/a,size=1.5k", str).size == 1536
    assert read_mount('"target=/a,b"', str).target == "/a,b"
    assert mount("target=/$V") == read_mount("target=/v", str)
    assert read_device("vendor.com/class=x,required").name == "vendor.com/class=x"


def test_instructions_are_equal_that_ask_for_the_same() -> None:
    first, second = parse("FROM x\nRUN a"), parse("# c\nfrom   x\n\nrun \\\n a")
    assert isinstance(first, Dockerfile)
    assert first.stages[0].base == second.stages[0].base
    assert isinstance(first.stages[0].base, From)
    assert first == second
