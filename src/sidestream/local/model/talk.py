"""Small talk, stories, and questions about the conversation itself: answers that need no tool."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sidestream.local.model import phrases, remarks, story
from sidestream.local.model.conversation import Conversation, File, Message
from sidestream.local.model.remarks import Remark
from sidestream.local.model.text import Text

_DEFAULT_STORY_WORDS: Final = 120
_FIRST_CHARS: Final = 80
_AROUND: Final = " \t\n.,;:!?۔،؛؟\"'“”‘’„«»"
_SENTENCE: Final = re.compile(r"[^.!?\n,;]+(?:,(?=\d)[^.!?\n,;]+)*")


@dataclass(frozen=True, slots=True)
class Talk:
    """A language: its letters, what is said in it, and what is answered."""

    code: str
    letters: re.Pattern[str]
    remarks: tuple[Remark, ...]
    phrases: Mapping[str, str]


ENGLISH: Final = Talk("en", re.compile(r"[a-z]"), remarks.ENGLISH, phrases.ENGLISH)
URDU: Final = Talk(
    "ur",
    re.compile(r"[\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff]"),
    remarks.URDU,
    phrases.URDU,
)
_LANGUAGES: Final = (ENGLISH, URDU)


@dataclass(frozen=True, slots=True)
class Said:
    """A remark that was understood, with what it captured."""

    topic: str
    name: str = ""
    count: int | None = None
    words: str = ""


def language_of(*messages: str) -> Talk:
    """The language of the first message that has any letters; English when none has."""
    for message in messages:
        text = Text.of(message)
        for letters in (text.masked, text.folded):
            counts = [(len(language.letters.findall(letters)), language) for language in _LANGUAGES]
            most = max(counts, key=lambda count: count[0])
            if most[0]:
                return most[1]
    return ENGLISH


def answer(conversation: Conversation) -> str | None:
    """What to say to the last message; None when it is not understood."""
    said = conversation.said
    message = said[-1] if said else ""
    language = language_of(*said[::-1])
    found = [_remark(language, clause) for clause in _clauses(message)] or [Said("hello")]
    if None in found:
        found = [_remark(language, Text.of(message).cut(0))]
    known = [said for said in found if said is not None]
    answers = (reply(one, language.code, language.phrases, conversation) for one in known)
    return "\n".join(answers) if known else None


def reply(said: Said, code: str, words: Mapping[str, str], conversation: Conversation) -> str:
    """What to say to a remark, in the phrases of a language."""
    topic = said.topic
    if topic == "story":
        return story.tell(said.count or _DEFAULT_STORY_WORDS, code)
    if topic == "echo":
        return said.words
    if topic == "tell_name":
        return words["tell_name"].format(name=said.name)
    if topic == "help":
        return words["help"].format(tools=tool_names(conversation, words))
    if topic == "hello" and (name := _name(conversation)):
        return words["hello_name"].format(name=name)
    if topic.startswith("ask_"):
        return _recall(topic, words, conversation)
    return words[topic]


def tool_names(conversation: Conversation, words: Mapping[str, str]) -> str:
    """The tools that a request offers, in a sentence."""
    return ", ".join(f"`{tool.name}`" for tool in conversation.tools) or words["no_tools"]


def about_files(files: tuple[File, ...], words: Mapping[str, str]) -> str:
    """What can honestly be said of files by one who cannot see, and understands little."""
    said = [_about_text(file, words) for file in files if not file.is_image]
    if images := sum(file.is_image for file in files):
        said.append(words["image" if images == 1 else "images"].format(count=images))
    return "\n".join(said)


def _about_text(file: File, words: Mapping[str, str]) -> str:
    if file.text is None:
        return words["file_lost"].format(name=file.name)
    lines = [line.strip() for line in file.text.splitlines() if line.strip()]
    if not lines:
        return words["file_empty"].format(name=file.name)
    first = lines[0] if len(lines[0]) <= _FIRST_CHARS else lines[0][: _FIRST_CHARS - 1] + "…"
    phrase = words["file_line" if len(lines) == 1 else "file_text"]
    return phrase.format(name=file.name, lines=len(lines), first=first)


def _clauses(message: str) -> list[Text]:
    """The sentences of a message; "1,000" is one word."""
    text = Text.of(message)
    pieces = (text.cut(*match.span()) for match in _SENTENCE.finditer(text.masked))
    return [piece for piece in pieces if piece.masked]


def _remark(language: Talk, clause: Text) -> Said | None:
    for known in (language, *_LANGUAGES):
        for remark in known.remarks:
            match = remark.pattern.fullmatch(clause.masked)
            if match is not None:
                return _said(remark, match, clause)
    return None


def _said(remark: Remark, match: re.Match[str], clause: Text) -> Said:
    parts = {
        group.rstrip("0123456789"): clause.group(match, group)
        for group, found in match.groupdict().items()
        if found is not None
    }
    count = parts["count"].folded.replace(",", "") if "count" in parts else ""
    return Said(
        remark.topic,
        name=parts["name"].original.strip(_AROUND) if "name" in parts else "",
        count=int(count) if count.isdecimal() else None,
        words=parts["words"].original if "words" in parts else "",
    )


def _recall(topic: str, words: Mapping[str, str], conversation: Conversation) -> str:
    """What the conversation holds about the user's name and what was said."""
    said = conversation.said
    if topic == "ask_name":
        name = _name(conversation)
        return words["ask_name"].format(name=name) if name else words["ask_name_unknown"]
    earlier = {
        "ask_first": said[0] if len(said) > 1 else "",
        "ask_last": said[-2] if len(said) > 1 else "",
        "ask_said": _last_answer(conversation),
    }[topic]
    return words[topic].format(message=earlier) if earlier else words["ask_nothing"]


def _name(conversation: Conversation) -> str:
    """The user's name, if a message told it; the last one told counts."""
    for message in reversed(conversation.said):
        for clause in _clauses(message):
            said = _remark(language_of(message), clause)
            if said is not None and said.topic == "tell_name" and said.name:
                return said.name
    return ""


def _last_answer(conversation: Conversation) -> str:
    answers = [
        item.text
        for item in conversation.past
        if isinstance(item, Message) and item.role == "assistant"
    ]
    return answers[-1] if answers else ""
