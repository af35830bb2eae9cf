"""wherry serve"""

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, FlagSet, String, Strings, Syntax
from wherry.errors import InvalidArgument, Unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.api.listeners import TLSFiles

SYNTAX = Syntax("[OPTIONS]")


class Flags(FlagSet):
    group = String("G", "Group that may use the socket")
    host = Strings("H", "Address to listen at: unix://PATH, tcp://HOST:PORT or fd://")
    insecure_tcp = Boolean("", "Let everyone who reaches a tcp:// address in")
    tlscacert = String("", "Authority whose clients are let in")
    tlscert = String("", "Certificate of this service")
    tlskey = String("", "Key of that certificate")
    tlsverify = Boolean("", "Let only clients with a certificate in at tcp:// addresses")


def run(flags: Flags, context: Context) -> None:
    """Serve the Docker Engine API until told to end."""
    store = context.engine.store
    tls = _tls(flags)
    try:
        import asyncio  # the service alone needs these

        from wherry.api.listeners import open_listeners
        from wherry.api.server import serve
        from wherry.api.service import Service
    except ModuleNotFoundError as error:
        raise Unsupported(
            f"the service needs {error.name}", hint="install it: pip install 'wherry[serve]'"
        ) from error

    store.make_folders()
    addresses = list(flags.host) or [f"unix://{store.run}/docker.sock"]
    listeners = open_listeners(addresses, group=flags.group, tls=tls, insecure=flags.insecure_tcp)

    def tell() -> None:
        for listener in listeners:
            context.out(f"API listening at {listener.address}")
        context.flush()

    async def main() -> None:
        await serve(Service(store.root, store.run), listeners, tell)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())


def _tls(flags: Flags) -> "TLSFiles | None":
    files = (flags.tlscacert, flags.tlscert, flags.tlskey)
    if not flags.tlsverify:
        if any(files):
            raise InvalidArgument("--tlscacert, --tlscert and --tlskey need --tlsverify")
        return None
    if not all(files):
        raise InvalidArgument("--tlsverify needs --tlscacert, --tlscert and --tlskey")
    from wherry.api.listeners import TLSFiles  # only for those who use it

    return TLSFiles(authority=flags.tlscacert, certificate=flags.tlscert, key=flags.tlskey)
