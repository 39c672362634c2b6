"""A conversation as the input items of the Responses API."""

from typing import Any

from sidestream.chat.model.normalise.outgoing import OWN_ID
from sidestream.chat.model.sent.conversation import UNKNOWN_OUTPUT, Call, Conversation, Part, Step
from sidestream.chat.model.sent.providers import Provider


def items_of(conversation: Conversation, provider: Provider) -> list[Part]:
    """Write the input of a request."""
    written: list[Part] = []
    for entry in conversation:
        if isinstance(entry, Step):
            written += _step(entry, provider)
        else:
            role = "developer" if entry.note else "user"
            written.append({"type": "message", "role": role, "content": entry.parts})
    return written


def _step(step: Step, provider: Provider) -> list[Part]:
    calls = {id(call.item): call for call in step.calls}
    written: list[Part] = []
    for part in step.parts:
        if call := calls.get(id(part)):
            written.append(_call(call))
        elif part.get("type") != "reasoning" or _is_taken(part, provider):
            written.append(_bare(part))
    for call in step.calls:
        output: Any = UNKNOWN_OUTPUT if call.output is None else call.output
        written.append({"type": "function_call_output", "call_id": call.call_id, "output": output})
    return written


def _is_taken(reasoning: Part, provider: Provider) -> bool:
    """Whether a thought may go back: to the model whose it is, and where it stands for itself.

    OpenAI reads one of an earlier run only when its content is in it: its id may be forgotten there
    (`Item with id 'rs_...' not found`), and it is of no use after the person has spoken
    (https://platform.openai.com/docs/guides/reasoning).
    """
    if not (provider.takes_reasoning and provider.gave(reasoning)):
        return False
    return not (_is_stored(reasoning) and provider.openai) or _is_whole(reasoning)


def _call(call: Call) -> Part:
    return _bare({**call.item, "call_id": call.call_id})


def _bare(item: Part) -> Part:
    """An item without what is ours: where it is from, and an id of our own or one that may be
    forgotten."""
    ours = {"provider_data"}
    if str(item.get("id", "")).startswith(OWN_ID) or (_is_whole(item) and _is_stored(item)):
        ours.add("id")
    return {name: value for name, value in item.items() if name not in ours}


def _is_stored(item: Part) -> bool:
    """Whether an item is of an earlier run."""
    return "model" in (item.get("provider_data") or {})


def _is_whole(reasoning: Part) -> bool:
    return bool(reasoning.get("encrypted_content"))
