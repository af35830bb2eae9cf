"""A token server before a `HostileRegistry`, which is then entered as Docker Hub is.

https://distribution.github.io/distribution/spec/auth/token/: the registry refuses with the scope
that it wants, the server gives a token for as much of that as whoever asks may do.
"""

import base64
import json
from urllib.parse import parse_qs, urlsplit

from wherry.testing.registries import Exchange, HostileRegistry
from wherry.values import dataclass

_SERVICE = "registry.test"


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What one request for a token said."""

    method: str
    scopes: tuple[str, ...]
    account: str
    is_offline: bool
    password: str


class TokenServer:
    """`private` repositories are for those in `users` alone; `asked` are the requests."""

    def __init__(self, registry: HostileRegistry) -> None:
        self.users = {"ann": "secret"}
        self.identities: dict[str, str] = {}
        self.private: set[str] = set()
        self.gives_identities = False
        self.asked: list[Asked] = []
        self.refused = 0
        self._registry = registry
        self._tokens: dict[str, tuple[str, ...]] = {}
        registry.behaviours = {"/token": self._give, "/v2/": self._guard}

    def expire(self) -> None:
        """From now on no token that was given is good any more."""
        self._tokens.clear()

    def _give(self, exchange: Exchange) -> None:
        if exchange.command == "POST":
            length = int(exchange.headers["Content-Length"])
            form = parse_qs(exchange.rfile.read(length).decode())
            user = self.identities.get(form["refresh_token"][0], "")
            password = ""
        else:
            form = parse_qs(urlsplit(exchange.path).query)
            user, password = _basic(exchange)
        scopes = tuple(scope for text in form.get("scope", ()) for scope in text.split())
        self.asked.append(
            Asked(
                method=exchange.command,
                scopes=scopes,
                account=user,
                is_offline=form.get("offline_token") == ["true"],
                password=password,
            )
        )
        is_known = self.users.get(user) == password or exchange.command == "POST"
        if form["service"] != [_SERVICE] or not (is_known if user or password else True):
            exchange.error(401, "UNAUTHORIZED", "incorrect username or password")
            return
        granted = tuple(each for each in scopes if user or each.split(":")[1] not in self.private)
        token = f"token-{len(self.asked)}"
        self._tokens[token] = granted
        answer: dict[str, object] = {"token": token, "expires_in": 300}
        if self.gives_identities and form.get("offline_token"):
            self.identities[f"identity-of-{user}"] = user
            answer["refresh_token"] = f"identity-of-{user}"
        exchange.answer(200, json.dumps(answer).encode())

    def _guard(self, exchange: Exchange) -> None:
        path = urlsplit(exchange.path).path.removeprefix("/v2/")
        repository = path.partition("/manifests/")[0].partition("/blobs/")[0]
        wanted = f"repository:{repository}:pull" if repository else ""
        token = exchange.headers.get("Authorization", "").removeprefix("Bearer ")
        granted = self._tokens.get(token)
        if granted is not None and (not wanted or any(each.startswith(wanted) for each in granted)):
            exchange.serve()
            return
        self.refused += 1
        realm = f'Bearer realm="http://{self._registry.host}/token",service="{_SERVICE}"'
        scope = f',scope="{wanted}"' if wanted else ""
        error = ',error="insufficient_scope"' if granted is not None else ""
        header = realm + scope + error
        exchange.error(401, "UNAUTHORIZED", "authentication required", WWW_Authenticate=header)


def _basic(exchange: Exchange) -> tuple[str, str]:
    header = exchange.headers.get("Authorization", "")
    if not header.startswith("Basic "):
        return "", ""
    user, _, password = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
    return user, password
