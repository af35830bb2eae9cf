"""ARG and ENV are no place for secrets.

Both are in the image's configuration or history, for everyone who can pull it. A secret mount
is not.

Bad:

    FROM debian:12
    ARG API_TOKEN

Good:

    FROM debian:12
    RUN --mount=type=secret,id=token fetch
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import Arg, Env
from wherry.lint.document import Document, names_set
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule

_TELLING = ("PASSWORD", "SECRET", "TOKEN", "API_KEY", "CLIENT_KEY", "PRIVATE", "USERNAME")
_NAMES = (
    *("APPLICATION_KEY", "AWS_ACCESS_KEY_ID", "CI_DEPLOY_USER", "DOCKER_EMAIL", "FACEBOOK_APP_ID"),
    *("HEROKU_API_USER", "OKTA_AUTHN_GROUPID", "OKTA_CLIENT_ORGURL", "OKTA_OAUTH2_CLIENTID"),
    *("STRIPE_DEVICE_NAME", "TRAVIS_OS_NAME", "TRAVIS_SECURE_ENV_VARS", "TRAVIS_SUDO"),
)
"""Those that hosted services use, of which no part tells."""


def _tells(name: str) -> bool:
    return name in _NAMES or any(part in name for part in _TELLING)


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    for step in document.of(Arg, Env):
        if any(_tells(name.upper()) for name in names_set(step.instruction)):
            yield Hit(step)


RULE = Rule(
    "DL3064",
    Level.WARNING,
    "Potentially sensitive data should not be used in the `ARG` or `ENV` commands",
    check,
)
