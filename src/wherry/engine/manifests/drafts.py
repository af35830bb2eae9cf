"""Drafts of manifest lists: `manifests/<list>/<image>` beside Docker's config.json.

The form is Docker's, so that either command goes on with what the other began.
"""

import base64
import json
import os
import shutil
from pathlib import Path

from wherry.errors import Conflict, NotFound
from wherry.linux.files import write_atomically
from wherry.oci.codec import from_json, to_json
from wherry.oci.descriptor import Descriptor
from wherry.oci.documents import load_document
from wherry.oci.media_type import DOCKER_INDEX, OCI_INDEX, OCI_MANIFEST
from wherry.oci.platform import Platform
from wherry.oci.reference import Reference
from wherry.registry.credentials import CredentialFile
from wherry.registry.errors import InvalidAnswer
from wherry.values import dataclass, replace


class NoSuchManifest(NotFound):
    def __init__(self, name: str) -> None:
        super().__init__(f"No such manifest: {name}")


class NotInList(NotFound):
    def __init__(self, image: str, name: str) -> None:
        super().__init__(f"manifest for image {image} does not exist in {name}")


class DraftExists(Conflict):
    def __init__(self) -> None:
        super().__init__("refusing to amend an existing manifest list with no --amend flag")


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One image of a list: its manifest's descriptor, with the platform, and its bytes."""

    reference: Reference
    descriptor: Descriptor
    data: bytes

    def on(self, platform: Platform) -> "Entry":
        return replace(self, descriptor=replace(self.descriptor, platform=platform))

    def to_json(self) -> dict[str, object]:
        """The entry as Docker writes and shows it."""
        is_oci = self.descriptor.media_type == OCI_MANIFEST
        return {
            "Ref": self.reference.full,
            "Descriptor": {
                "mediaType": self.descriptor.media_type,
                "digest": str(self.descriptor.digest),
                "size": self.descriptor.size,
                "platform": platform_json(self.descriptor.platform),
            },
            "Raw": base64.b64encode(self.data).decode(),
            "OCIManifest" if is_oci else "SchemaV2Manifest": json.loads(self.data),
        }


def platform_json(platform: Platform | None) -> dict[str, object]:
    """A platform in the order of Docker's fields, which a list's digest depends on."""
    fields: dict[str, object] = to_json(platform) if platform is not None else {}
    order = ("architecture", "os", "os.version", "os.features", "variant")
    return {key: fields[key] for key in order if key in fields}


def list_document(entries: list[Entry]) -> tuple[str, bytes]:
    """The list's media type and bytes: Docker's, to the blank."""
    is_oci = any(entry.descriptor.media_type == OCI_MANIFEST for entry in entries)
    media_type = OCI_INDEX if is_oci else DOCKER_INDEX
    document = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "manifests": [
            {
                "mediaType": entry.descriptor.media_type,
                "size": entry.descriptor.size,
                "digest": str(entry.descriptor.digest),
                "platform": platform_json(entry.descriptor.platform),
            }
            for entry in entries
        ],
    }
    return media_type, json.dumps(document, indent=3).encode()


def entries_of(name: Reference) -> list[Entry]:
    """The images of the draft, in the order of their names; none if there is no draft."""
    folder = _folder(name)
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    return [_entry(path.read_bytes()) for path in paths if not path.name.startswith(".")]


def find_entry(name: Reference, image: Reference) -> Entry | None:
    path = _folder(name) / _safe(image)
    return _entry(path.read_bytes()) if path.exists() else None


def save_entry(name: Reference, entry: Entry) -> None:
    folder = _folder(name)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomically(folder / _safe(entry.reference), json.dumps(entry.to_json()).encode())


def remove_draft(name: Reference) -> None:
    """Forget the draft, or NoSuchManifest."""
    folder = _folder(name)
    if not folder.is_dir():
        raise NoSuchManifest(str(name))
    shutil.rmtree(folder)


def _folder(name: Reference) -> Path:
    return CredentialFile.of(os.environ).path.parent / "manifests" / _safe(name)


def _safe(name: Reference) -> str:
    return name.full.replace(":", "-").replace("/", "_")


def _entry(data: bytes) -> Entry:
    document = load_document(data, "manifest of a list")
    if not isinstance(document, dict):
        raise InvalidAnswer("a draft's manifest is no JSON object")
    return Entry(
        reference=Reference.parse(str(document.get("Ref"))),
        descriptor=from_json(Descriptor, document.get("Descriptor")),
        data=base64.b64decode(str(document.get("Raw"))),
    )
