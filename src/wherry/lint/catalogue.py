"""The tables of rules: the modules in `rules`, and BuildKit's in `checks`."""

from functools import cache
from importlib import import_module
from types import ModuleType

from wherry.lint.rule import Rule

NAMES = (
    *("dl1001", "dl3000", "dl3001", "dl3002", "dl3003", "dl3004", "dl3006", "dl3007"),
    *("dl3008", "dl3009", "dl3010", "dl3011", "dl3012", "dl3013", "dl3014", "dl3015"),
    *("dl3016", "dl3018", "dl3019", "dl3020", "dl3021", "dl3022", "dl3023", "dl3024"),
    *("dl3025", "dl3026", "dl3027", "dl3028", "dl3029", "dl3030", "dl3032", "dl3033"),
    *("dl3034", "dl3035", "dl3036", "dl3037", "dl3038", "dl3040", "dl3041", "dl3042"),
    *("dl3043", "dl3044", "dl3045", "dl3046", "dl3047", "dl3048", "dl3049", "dl3050"),
    *("dl3051", "dl3052", "dl3053", "dl3054", "dl3055", "dl3056", "dl3057", "dl3058"),
    *("dl3059", "dl3060", "dl3061", "dl3062", "dl3063", "dl3064", "dl3065", "dl3066"),
    *("dl3067", "dl4000", "dl4001", "dl4003", "dl4004", "dl4005", "dl4006"),
)


CHECK_NAMES = (
    "stage_name_casing",
    "from_as_casing",
    "no_empty_continuation",
    "consistent_instruction_casing",
    "duplicate_stage_name",
    "reserved_stage_name",
    "json_args_recommended",
    "maintainer_deprecated",
    "undefined_arg_in_from",
    "workdir_relative_path",
    "undefined_var",
    "multiple_instructions_disallowed",
    "legacy_key_value_format",
    "redundant_target_platform",
    "secrets_used_in_arg_or_env",
    "invalid_default_arg_in_from",
    "from_platform_flag_const_disallowed",
    "copy_ignored_file",
    "invalid_definition_description",
    "expose_proto_casing",
    "expose_invalid_format",
)


@cache
def load_rules() -> tuple[Rule, ...]:
    """hadolint's rules, in the order of their codes."""
    return tuple(_load(f"rules.{name}") for name in NAMES)


@cache
def load_checks() -> tuple[Rule, ...]:
    """BuildKit's checks, in the order of BuildKit's own list."""
    return tuple(_load(f"checks.{name}") for name in CHECK_NAMES)


def module_of(rule: Rule) -> ModuleType:
    """The module that says what the rule means."""
    if rule in load_rules():
        return import_module(f"wherry.lint.rules.{rule.code.lower()}")
    return import_module(f"wherry.lint.checks.{CHECK_NAMES[load_checks().index(rule)]}")


def _load(name: str) -> Rule:
    rule: Rule = import_module(f"wherry.lint.{name}").RULE
    return rule
