"""Platforms in queries."""

from wherry.api.call import Call
from wherry.api.fields import Fields
from wherry.errors import InvalidArgument
from wherry.oci.documents import load_document
from wherry.oci.platform import InvalidPlatform, Platform


def read_platform(call: Call) -> Platform | None:
    """The platform of the query, if it has one."""
    text = call.query.text("platform")
    return parse_platform(text) if text else None


def parse_platform(text: str) -> Platform:
    """`linux/arm64`, or as newer clients write it `{"os": "linux", "architecture": "arm64"}`."""
    if text.startswith("{"):
        value = load_document(text.encode(), "platform")
        fields = Fields(value if isinstance(value, dict) else {})
        words = (fields.text("os"), fields.text("architecture"), fields.text("variant"))
        text = "/".join(word for word in words if word)
    try:
        return Platform.parse(text)
    except InvalidPlatform as error:
        raise InvalidArgument(f"error parsing specified platform: {error}") from error
