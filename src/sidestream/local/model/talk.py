"""Small talk, stories, and questions about the conversation itself: answers that need no tool."""

from sidestream.local.model import story
from sidestream.local.model.conversation import Conversation, Message
from sidestream.local.model.language import Intent, Kind, Language
from sidestream.local.model.memory import Memory
from sidestream.local.model.understand import read

_DEFAULT_STORY_WORDS = 120


def answer(intent: Intent, language: Language, conversation: Conversation, memory: Memory) -> str:
    """What to say to an intent that is not about tasks."""
    match intent.kind:
        case Kind.STORY:
            return story.tell(intent.count or _DEFAULT_STORY_WORDS, language.code)
        case Kind.ECHO:
            return intent.title
        case Kind.UNKNOWN:
            return language.say("unknown", message=intent.title)
    if intent.topic.startswith("ask_"):
        return _recall(intent.topic, language, conversation)
    if intent.topic == "tell_name":
        return language.say("tell_name", name=intent.name)
    if intent.topic == "hello" and (name := _name(conversation.said)):
        return language.say("hello_name", name=name)
    if intent.topic == "all_right" and memory.asked_name:
        return language.say("left_alone")
    return language.say(intent.topic)


def _recall(topic: str, language: Language, conversation: Conversation) -> str:
    """What the conversation holds about the user's name and what was said."""
    said = conversation.said
    if topic == "ask_name":
        name = _name(said)
        return language.say("ask_name", name=name) if name else language.say("ask_name_unknown")
    earlier = {
        "ask_first": said[0] if len(said) > 1 else "",
        "ask_last": said[-2] if len(said) > 1 else "",
        "ask_said": _last_answer(conversation),
    }[topic]
    return language.say(topic, message=earlier) if earlier else language.say("ask_nothing")


def _name(said: list[str]) -> str:
    """The user's name, if a message told it; the last one told counts."""
    for message in reversed(said):
        for intent in read(message).intents:
            if intent.topic == "tell_name" and intent.name:
                return intent.name
    return ""


def _last_answer(conversation: Conversation) -> str:
    answers = [
        item.text
        for item in conversation.past
        if isinstance(item, Message) and item.role == "assistant"
    ]
    return answers[-1] if answers else ""
