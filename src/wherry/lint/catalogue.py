"""The tables of rules: hadolint's in `rules`, BuildKit's in `checks`, our own in `insights`.

Behind each name stands when the rule can find something at all, so that a call loads only the few
that can (loading one costs as much as running thirty). One of these is enough:

    WORKDIR       the file has that instruction
    WORKDIR*2     has it more than once
    --from        an instruction has that flag
    apt-get       a RUN calls that program
    pip*          a RUN calls a program whose name begins so
    |             a RUN has a pipe
    <FROM         something other than ARG stands in front of the first FROM
    :labels       the options ask for it
    :level        a level is asked for by the rule's code; the rule has none of its own
    always
"""

import sys
from functools import cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from types import ModuleType

    from wherry.lint.rule import Rule

RULES = {
    "dl1001": ":level",
    "dl3000": "WORKDIR",
    "dl3001": "ssh vim shutdown service ps free top kill mount",
    "dl3002": "USER",
    "dl3003": "cd",
    "dl3004": "sudo",
    "dl3006": "FROM",
    "dl3007": "FROM",
    "dl3008": "apt-get",
    "dl3009": "apt-get apt aptitude",
    "dl3010": "COPY",
    "dl3011": "EXPOSE",
    "dl3012": "HEALTHCHECK*2",
    "dl3013": "pip* python*",
    "dl3014": "apt-get",
    "dl3015": "apt-get",
    "dl3016": "npm",
    "dl3018": "apk",
    "dl3019": "apk",
    "dl3020": "ADD",
    "dl3021": "COPY",
    "dl3022": "--from",
    "dl3023": "--from",
    "dl3024": "FROM*2",
    "dl3025": "CMD ENTRYPOINT HEALTHCHECK",
    "dl3026": ":trusted_registries",
    "dl3027": "apt",
    "dl3028": "gem",
    "dl3029": "--platform",
    "dl3030": "yum",
    "dl3032": "yum",
    "dl3033": "yum",
    "dl3034": "zypper",
    "dl3035": "zypper",
    "dl3036": "zypper",
    "dl3037": "zypper",
    "dl3038": "dnf microdnf",
    "dl3040": "dnf microdnf",
    "dl3041": "dnf microdnf",
    "dl3042": "pip* python*",
    "dl3043": "ONBUILD",
    "dl3044": "ENV",
    "dl3045": "COPY",
    "dl3046": "useradd",
    "dl3047": "wget",
    "dl3048": "LABEL",
    "dl3049": ":labels",
    "dl3050": ":strict_labels",
    "dl3051": ":labels",
    "dl3052": ":labels",
    "dl3053": ":labels",
    "dl3054": ":labels",
    "dl3055": ":labels",
    "dl3056": ":labels",
    "dl3057": ":level",
    "dl3058": ":labels",
    "dl3059": "RUN*2",
    "dl3060": "yarn",
    "dl3061": "<FROM",
    "dl3062": "go",
    "dl3063": "FROM",
    "dl3064": "ARG ENV",
    "dl3065": "--platform",
    "dl3066": "USER",
    "dl3067": "--from",
    "dl4000": "MAINTAINER",
    "dl4001": "wget",
    "dl4003": "CMD*2",
    "dl4004": "ENTRYPOINT*2",
    "dl4005": "ln",
    "dl4006": "|",
}

CHECKS = {
    "stage_name_casing": "FROM",
    "from_as_casing": "FROM",
    "no_empty_continuation": "always",
    "consistent_instruction_casing": "always",
    "duplicate_stage_name": "FROM*2",
    "reserved_stage_name": "FROM",
    "json_args_recommended": "CMD ENTRYPOINT",
    "maintainer_deprecated": "MAINTAINER",
    "undefined_arg_in_from": "FROM",
    "workdir_relative_path": "WORKDIR",
    "undefined_var": "always",
    "multiple_instructions_disallowed": "CMD*2 ENTRYPOINT*2 HEALTHCHECK*2",
    "legacy_key_value_format": "ENV LABEL",
    "invalid_base_image_platform": ":surroundings",
    "redundant_target_platform": "--platform",
    "secrets_used_in_arg_or_env": "ARG ENV",
    "invalid_default_arg_in_from": "FROM",
    "from_platform_flag_const_disallowed": "--platform",
    "copy_ignored_file": ":ignore_file",
    "invalid_definition_description": "ARG FROM",
    "expose_proto_casing": "EXPOSE",
    "expose_invalid_format": "EXPOSE",
}
"""In the order of BuildKit's own list."""

INSIGHTS = {
    "wh1001": ":surroundings",
    "wh1002": ":surroundings",
    "wh1003": ":surroundings",
    "wh1004": ":surroundings",
    "wh1005": ":level",
}
"""Our own: most need more than the text."""


@cache
def load_rules() -> "tuple[Rule, ...]":
    """hadolint's rules, in the order of their codes."""
    return tuple(load(f"rules.{name}") for name in RULES)


@cache
def load_checks() -> "tuple[Rule, ...]":
    """BuildKit's checks, in the order of BuildKit's own list."""
    return tuple(load(f"checks.{name}") for name in CHECKS)


@cache
def load_insights() -> "tuple[Rule, ...]":
    """Our own rules, in the order of their codes."""
    return tuple(load(f"insights.{name}") for name in INSIGHTS)


def load_all() -> "tuple[Rule, ...]":
    """Every rule, and what is said of a file that none can look at."""
    return (load("unreadable"), *load_rules(), *load_checks(), *load_insights())


def names_for(table: dict[str, str], facts: "Collection[str]") -> list[str]:
    """Those of `table` that can find something where `facts` hold, of the words above."""
    return [name for name, needs in table.items() if any(need in facts for need in needs.split())]


def module_of(rule: "Rule") -> "ModuleType":
    """The module that says what the rule means."""
    if rule in load_checks():
        return _module(f"checks.{tuple(CHECKS)[load_checks().index(rule)]}")
    if rule is load("unreadable"):
        return _module("unreadable")
    folder = "rules" if rule in load_rules() else "insights"
    return _module(f"{folder}.{rule.code.lower()}")


def load(name: str) -> "Rule":
    """The rule that a module has; `name` is that of its folder and its own."""
    rule: Rule = _module(name).RULE
    return rule


def _module(name: str) -> "ModuleType":
    full = f"wherry.lint.{name}"
    __import__(full)
    return sys.modules[full]
