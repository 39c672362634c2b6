"""What every domain's pack has to have, each gap as a sentence that names the tool and the thing.

The chat is safe without most of it (a tool without a policy asks, one without a title is called by
its name), so nothing but a test would say that it was forgotten.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.messages.pofile import read_po

from sidestream.domain import Domain
from sidestream.tool_server.manifest import manifest
from sidestream.tool_server.tools import ToolServer
from tests.messages import is_in_script_of, messages_in, placeholders


def gaps_in_tools(domain: Domain, server: ToolServer[Any]) -> Iterator[str]:
    """What the manifest and the pack lack of the tools that a server lists."""
    served = {str(entry["name"]): entry for entry in manifest(server)}
    kept = {str(entry["name"]): entry for entry in domain.entries}
    for name in served.keys() | kept.keys():
        if served.get(name) != kept.get(name):
            yield f"{name} is not in {domain.manifest.name} as the server lists it: write it again."
    for name in served:
        tool = domain.tools.get(name)
        if tool is None or not tool.title:
            yield f"{name} has no title in the pack."
        if (tool is None or tool.ask is None) and not domain.policy(name).reads:
            yield f"{name} writes and has no policy (ask) in the pack."


def gaps_in_texts(domain: Domain, folder: Path) -> Iterator[str]:
    """What the catalogues of a domain lack of the texts in its folder, or have besides."""
    declared = {message.text for message in messages_in(folder) if message.text}
    titles = {tool.title: name for name, tool in domain.tools.items()}
    assert domain.catalogues is not None
    for path in sorted(domain.catalogues.glob("*.po")):
        catalogue = _catalogue(path)
        for text in declared - catalogue.keys():
            whose = f" (the title of {titles[text]})" if text in titles else ""
            yield f"“{text}”{whose} is not in {path.name}."
        for text in catalogue.keys() - declared:
            yield f"“{text}” in {path.name} is said nowhere."
        for text, translated in catalogue.items():
            for words in translated:
                if not words:
                    yield f"“{text}” has no words in {path.name}."
                elif not is_in_script_of(path.stem, words):
                    yield f"“{text}” is not in the script of its language in {path.name}."
                elif len(translated) == 1 and placeholders(words) != placeholders(text):
                    yield f"“{text}” has other placeholders in {path.name}."


def gaps_in_docs(domain: Domain, document: Path) -> Iterator[str]:
    """The tools that a document does not name."""
    words = document.read_text(encoding="utf-8")
    for entry in domain.entries:
        if f"`{entry['name']}`" not in words:
            yield f"{entry['name']} is not in {document.name}."


def _catalogue(path: Path) -> dict[str, tuple[str, ...]]:
    with path.open("rb") as file:
        return {
            message.id if isinstance(message.id, str) else message.id[0]: (
                (message.string,)
                if isinstance(message.string, str)
                else tuple(message.string or ())
            )
            for message in read_po(file)
            if message.id
        }
