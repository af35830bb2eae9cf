"""Where an error becomes an answer: its kind has the status, its words are the message."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from wherry.api import web
from wherry.api.call import json_response
from wherry.errors import Internal, WherryError, os_error_text

log = logging.getLogger("wherry.api")

BEGUN = "wherry.begun"  # a request's key, once the head of its answer has been sent


async def answered(
    answer: Callable[[], Awaitable[web.StreamResponse]], has_begun: Callable[[], bool]
) -> web.StreamResponse:
    """What `answer` returns, or the answer that tells of its error; once one has begun, its end."""
    try:
        return await answer()
    except ConnectionError as error:
        # The client has gone; HTTP would log it.
        raise asyncio.CancelledError from error
    except WherryError as error:
        failure = error
    except OSError as error:
        failure = Internal(os_error_text(error))
    except Exception as error:  # the last stop: a fault of ours is one answer, not the end
        log.exception("internal error")
        failure = Internal(f"{type(error).__name__}: {error}")
    if has_begun():
        # What was announced cannot be kept, and another answer would be read as a part of it: a
        # body that ends too early says so.
        log.warning("an answer was broken off: %r", failure.message)
        raise asyncio.CancelledError
    return error_response(failure)


def error_response(error: WherryError) -> web.Response:
    status = getattr(error, "api_status", error.http_status)
    if status == 304:  # which has no body
        return web.Response(status=304)
    return json_response({"message": message_of(error)}, status)


def message_of(error: WherryError) -> str:
    return "\n".join([error.message, *getattr(error, "__notes__", ())])
