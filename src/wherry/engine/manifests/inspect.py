"""Showing a manifest or a list: a draft's, or a registry's."""

import json

from wherry.engine.images.sessions import registry_session
from wherry.engine.manifests.drafts import NotInList, entries_of, find_entry, list_document
from wherry.engine.manifests.fetch import fetch_document, fetch_entries
from wherry.oci.reference import Reference


def inspect_manifest(
    name: str, *, list_name: str = "", verbose: bool = False, insecure: bool = False
) -> str:
    """What `manifest inspect` prints. Raises NoManifest, NotInList."""
    reference = Reference.parse(name).with_default_tag()
    if list_name:
        wanted = Reference.parse(list_name).with_default_tag()
        entry = find_entry(wanted, reference)
        if entry is None:
            raise NotInList(str(reference), str(wanted))
        return _tabbed(entry.to_json() if verbose else json.loads(entry.data))
    if drafted := entries_of(reference):
        if verbose:
            return _tabbed([entry.to_json() for entry in drafted])
        return list_document(drafted)[1].decode()
    with registry_session(insecure={reference.domain} if insecure else set()) as session:
        if verbose:
            entries, is_list = fetch_entries(session, reference)
            documents = [entry.to_json() for entry in entries]
            return _tabbed(documents if is_list else documents[0])
        _, document = fetch_document(session, reference)
    value = json.loads(document.data)
    return json.dumps(value, indent=3) if document.is_index else _tabbed(value)


def _tabbed(value: object) -> str:
    return json.dumps(value, indent="\t", ensure_ascii=False)
