"""wherry completion"""

from wherry.cli.context import Context
from wherry.cli.flags import FlagSet, Syntax
from wherry.errors import InvalidArgument

SYNTAX = Syntax(
    "bash|fish|zsh",
    least=1,
    most=1,
    description=(
        "Print a script that completes commands, flags and names in a shell.\n\n"
        "  bash:  source <(wherry completion bash)\n"
        "  fish:  wherry completion fish > ~/.config/fish/completions/wherry.fish\n"
        "  zsh:   wherry completion zsh > a file _wherry in a folder of $fpath"
    ),
)


class Flags(FlagSet):
    pass


class UnknownShell(InvalidArgument):
    def __init__(self, name: str) -> None:
        super().__init__(f"no completion for the shell {name}: choose bash, fish or zsh")


def run(flags: Flags, context: Context) -> None:
    from wherry.cli.completion.scripts import SCRIPTS

    shell = flags.operands[0]
    if shell not in SCRIPTS:
        raise UnknownShell(shell)
    context.write(SCRIPTS[shell])
