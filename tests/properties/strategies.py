"""What properties draw from: texts that look like the real thing often enough to matter."""

from hypothesis import strategies as st

_PIECES = st.sampled_from(
    [
        *(
            "a",
            "B",
            "0",
            "_",
            ".",
            "/",
            "é",
            "-",
            "=",
            " ",
            "  ",
            "\t",
            "'",
            '"',
            "\\",
            "`",
            "$",
            "${",
        ),
        *("}", ":-", ":+", "#", "%", "<<", "<<-", "EOF", "[", "]", '","', ",", "\f", "\r", "\x85"),
    ]
)
WORDS = st.lists(_PIECES, max_size=8).map("".join)
NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True)
VARIABLES = st.dictionaries(st.sampled_from(["a", "B", "_", "a0"]), WORDS, max_size=3)

_KEYWORDS = st.sampled_from(
    [
        *("FROM", "from", "RUN", "Run", "COPY", "ADD", "ENV", "ARG", "LABEL", "CMD", "ENTRYPOINT"),
        *("EXPOSE", "VOLUME", "USER", "WORKDIR", "SHELL", "HEALTHCHECK", "STOPSIGNAL", "ONBUILD"),
        *("MAINTAINER", "ONBUILD RUN", "HEALTHCHECK CMD", "FRM"),
    ]
)
_FLAGS = st.sampled_from(
    [
        *("", "--from=x ", "--mount=type=cache,target=/a ", "--link ", "-- ", "--chown='a b' "),
        *("--interval=5s ", "--x ", '--exclude="*.\\"" ', "--network=none "),
    ]
)
_ARGUMENTS = st.one_of(
    WORDS,
    st.sampled_from(
        [
            *(
                "scratch",
                "base AS one",
                "a=b c='d e'",
                "name value  kept",
                '["a", "b c"]',
                "a b/ /c",
            ),
            *("<<EOF /x", "<<-'A' <<B /x", "80 443/tcp", "echo hi && true", "[ -f x ]"),
        ]
    ),
)
_BREAKS = st.sampled_from(["", "", "", " \\\n  ", "\\\n", " ` \t\n", "\\\n# inner\n\n", "\\\r\n"])


@st.composite
def _statements(draw: st.DrawFn) -> str:
    first, second = draw(_ARGUMENTS), draw(_ARGUMENTS)
    return f"{draw(_KEYWORDS)} {draw(_FLAGS)}{first}{draw(_BREAKS)}{second}"


_LINES = st.one_of(
    _statements(),
    _statements(),
    st.sampled_from(["", " ", "# a comment", "#", "  # indented", "EOF", "\tEOF", "A", "B", "\\"]),
    st.sampled_from(["# syntax=docker/dockerfile:1", "# escape=`", "#check = skip=all"]),
    WORDS,
)
_ENDS = st.sampled_from(["\n", "\n", "\r\n"])


@st.composite
def dockerfiles(draw: st.DrawFn) -> str:
    """Texts of lines that a Dockerfile may have; most have something wrong in them."""
    lines = draw(st.lists(st.tuples(_LINES, _ENDS), max_size=8))
    mark = draw(st.sampled_from(["", "", "\ufeff"]))
    text = mark + "".join(line + end for line, end in lines)
    return text if draw(st.booleans()) else text.rstrip("\n")


PATHS = st.lists(st.sampled_from(["a", "b", "ab", ".a", "c.txt"]), min_size=1, max_size=4).map(
    "/".join
)
_PARTS = st.sampled_from(
    ["a", "b", "ab", ".a", "*", "**", "?", "a*", "*.txt", "[ab]", "[^a]", "\\a"]
)
_RULES = st.tuples(
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "", "/", "**"]),
    st.lists(_PARTS, min_size=1, max_size=3).map("/".join),
).map("".join)
IGNORE_FILES = st.lists(_RULES, max_size=6).map("\n".join)
