"""Instructions as the plain lists of words that BuildKit's parser makes of them."""

from wherry.dockerfile.instructions import (
    Add,
    Arg,
    Cmd,
    Copy,
    Entrypoint,
    Env,
    Expose,
    From,
    Healthcheck,
    Instruction,
    Label,
    Maintainer,
    Run,
    Shell,
    Stopsignal,
    User,
    Volume,
    Workdir,
)


def words_of(instruction: Instruction) -> list[str]:
    """The arguments, without flags and heredocs."""
    match instruction:
        case From(image=image, as_keyword=keyword, alias=alias):
            return [str(word) for word in (image, keyword, alias) if word is not None]
        case Arg(arguments=arguments):
            return [
                f"{item.name}" if item.default is None else f"{item.name}={item.default}"
                for item in arguments
            ]
        case Env(pairs=pairs) | Label(pairs=pairs):
            return [
                text
                for pair in pairs
                for text in (pair.name.text, pair.value.text, "" if pair.legacy else "=")
            ]
        case Run(command=command) | Cmd(command=command) | Entrypoint(command=command):
            return list(command.texts)
        case Healthcheck(command=None):
            return ["NONE"]
        case Healthcheck(command=command) if command is not None:
            return ["CMD", *command.texts]
        case Copy() | Add():
            return [
                *(word.text for word in instruction.sources),
                *(f"<<{file.name}" for file in instruction.files),
                instruction.destination.text,
            ]
        case Expose(ports=words) | Volume(paths=words) | Shell(words=words):
            return [word.text for word in words]
        case User(user=word) | Workdir(path=word) | Stopsignal(signal=word) | Maintainer(name=word):
            return [word.text]
    raise TypeError(type(instruction))
