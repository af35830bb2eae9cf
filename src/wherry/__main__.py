"""`python -m wherry`: the command line."""

from wherry.cli.main import entry

if __name__ == "__main__":
    entry()
