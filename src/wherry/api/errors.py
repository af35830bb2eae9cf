"""Where an error becomes an answer: its kind has the status, its words are the message."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from wherry.api.call import json_response
from wherry.errors import Internal, WherryError, os_error_text

log = logging.getLogger("wherry.api")


async def answered(answer: Callable[[], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
    """What `answer` returns, or the answer that tells of its error."""
    try:
        return await answer()
    except WherryError as error:
        return error_response(error)
    except ConnectionError as error:
        # The client has gone, or is to learn by the end of its connection; HTTP would log it.
        raise asyncio.CancelledError from error
    except OSError as error:
        return error_response(Internal(os_error_text(error)))
    except Exception as error:  # the last stop: a fault of ours is one answer, not the end
        log.exception("internal error")
        return error_response(Internal(f"{type(error).__name__}: {error}"))


def error_response(error: WherryError) -> web.Response:
    status = getattr(error, "api_status", error.http_status)
    if status == 304:  # which has no body
        return web.Response(status=304)
    return json_response({"message": message_of(error)}, status)


def message_of(error: WherryError) -> str:
    return "\n".join([error.message, *getattr(error, "__notes__", ())])
