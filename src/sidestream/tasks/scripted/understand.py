"""Reads a message: which language it is in, and what each of its clauses asks for.

A message is cut into clauses where the language says one ends or another begins; each clause is
held against the language's rules, in order, and the first that fits the whole clause wins.
"""

import re
from dataclasses import dataclass, replace

from sidestream.local.model import talk
from sidestream.local.model.text import Text
from sidestream.tasks.scripted.english import ENGLISH
from sidestream.tasks.scripted.language import Intent, Kind, Language, Rule, Spread, Target
from sidestream.tasks.scripted.urdu import URDU

LANGUAGES = (ENGLISH, URDU)
_QUOTES = "\"'“”‘’„«»"
_LONGEST = 3000  # a longer message is one clause
_NEAR = 100  # how far from a separator its neighbours are looked at
_SPACES = re.compile(r"\s{8,}")
_FULL_STOPS = " \t\n.,;:!?۔،؛؟"


@dataclass(frozen=True, slots=True)
class Reading:
    """A message understood: its language, and its intents in the order they were said."""

    language: Language
    intents: tuple[Intent, ...]


def language_of(*messages: str) -> Language:
    """The language of the first message that has any letters; English when none has."""
    code = talk.language_of(*messages).code
    return next(language for language in LANGUAGES if language.code == code)


def read(message: str, *earlier: str) -> Reading:
    """What the message asks for; `earlier` messages decide the language of one without letters.

    A message in mixed scripts is read in the language whose rules know it: "add دودھ" is English.
    """
    message = _SPACES.sub(" ", message)
    first = language_of(message, *earlier)
    readings = [_read_as(language, message) for language in (first, *LANGUAGES)]
    for reading in readings:
        if all(intent.kind is not Kind.UNKNOWN for intent in reading.intents):
            return reading
    return readings[0]


def _read_as(language: Language, message: str) -> Reading:
    intents: list[Intent] = []
    adding = False
    for clause in _clauses(language, Text.of(message)):
        found = _read_clause(language, clause)
        if adding and found[0].kind is Kind.UNKNOWN:
            found = _adds(language, clause, Spread.NEVER)
        adding = all(intent.kind is Kind.ADD for intent in found)
        if intents and intents[-1] == Intent(Kind.ADD) and adding:
            intents.pop()
        intents.extend(found)
    return Reading(language, tuple(intents) or (Intent(Kind.TALK, topic="hello"),))


def _clauses(language: Language, text: Text) -> list[Text]:
    clauses: list[Text] = []
    start = 0
    separators = language.separator.finditer(text.masked if len(text.masked) <= _LONGEST else "")
    for separator in separators:
        left = _bare(language, text.cut(max(start, separator.start() - _NEAR), separator.start()))
        right = _bare(language, text.cut(separator.end(), separator.end() + _NEAR))
        ends = (
            separator["strong"] is not None
            or language.opens_clause.match(right.masked)
            or language.closes_clause.fullmatch(left.masked)
        )
        if ends:
            clauses.append(_bare(language, text.cut(start, separator.start())))
            start = separator.end()
    clauses.append(_bare(language, text.cut(start)))
    return [clause for clause in clauses if clause.masked]


def _bare(language: Language, clause: Text) -> Text:
    """The clause without courtesies and full stops around it."""
    kept = clause
    while True:
        end = len(kept.masked.rstrip(_FULL_STOPS))
        courtesy = language.courtesy_end.search(kept.masked, max(0, end - _NEAR), end)
        kept = kept.cut(0, courtesy.start() if courtesy else end)
        if courtesy is None:
            break
    start = language.courtesy_start.match(kept.masked)
    bare = kept.cut(start.end() if start else 0)
    return bare if bare.masked else clause.cut(0)


def _read_clause(language: Language, clause: Text) -> list[Intent]:
    for rule in language.rules:
        match = rule.pattern.fullmatch(clause.masked)
        if match is not None:
            return _intents(language, rule, match, clause)
    return [Intent(Kind.UNKNOWN, title=clause.original)]


def _intents(language: Language, rule: Rule, match: re.Match[str], clause: Text) -> list[Intent]:
    parts = {
        name.rstrip("0123456789"): clause.group(match, name)
        for name, found in match.groupdict().items()
        if found is not None
    }
    if rule.kind is Kind.ADD:
        return _adds(language, parts.get("title", Text("", "")), rule.spread)
    count = parts["count"].folded.replace(",", "") if "count" in parts else ""
    status = parts.get("status")
    return [
        Intent(
            rule.kind,
            topic=rule.topic,
            title=_title(parts["title"]) if "title" in parts else "",
            notes=_title(parts["notes"]) if "notes" in parts else None,
            due=parts["due"].original if "due" in parts else None,
            target=read_target(language, parts["target"]) if "target" in parts else Target(),
            completed=_completed(language, status) if status else None,
            query=_named(language, parts["query"]) if "query" in parts else "",
            count=int(count) if count.isdecimal() else None,
            words=parts["words"].original if "words" in parts else "",
            name=parts["name"].original.strip(_QUOTES + _FULL_STOPS) if "name" in parts else "",
        )
    ]


def _adds(language: Language, title: Text, spread: Spread) -> list[Intent]:
    """One task, or several when the words are a list of them."""
    items = [title]
    if spread is not Spread.NEVER:
        listed = _split(language.conjunction, title)
        if spread is Spread.ALWAYS or all(" " not in item.masked for item in listed):
            items = listed or [title]
    return [_add(language, item) for item in items]


def _add(language: Language, title: Text) -> Intent:
    notes: str | None = None
    due: str | None = None
    match = language.title_notes.fullmatch(title.masked)
    if match is not None:
        notes = _title(title.group(match, "notes"))
        title = title.group(match, "title")
    match = language.title_due.fullmatch(title.masked)
    if match is not None:
        suffix = "" if match["due"] else "2"
        due = title.group(match, "due" + suffix).original
        title = title.group(match, "title" + suffix)
    return Intent(Kind.ADD, title=_title(title), notes=notes, due=due)


def _split(pattern: re.Pattern[str], text: Text) -> list[Text]:
    pieces: list[Text] = []
    start = 0
    for match in pattern.finditer(text.masked):
        pieces.append(text.cut(start, match.start()))
        start = match.end()
    pieces.append(text.cut(start))
    return [piece for piece in pieces if piece.masked]


def read_target(language: Language, text: Text) -> Target:
    """Which task the words point at."""
    words = language.targets
    if match := words.everything.fullmatch(text.masked):
        status = next((found for found in match.groupdict().values() if found), None)
        completed = None if status is None else not words.pending.fullmatch(status)
        return Target(everything=True, completed=completed)
    if words.several.fullmatch(text.masked):
        return Target(several=True)
    if words.pronoun.fullmatch(text.masked):
        return Target(pronoun=True)
    if words.numbers.fullmatch(text.masked):
        return Target(numbers=tuple(int(n) for n in re.findall(r"\d+", text.masked)))
    name = _named(language, text).removeprefix("@")
    ordinals = re.split(r" and | اور |\s*,\s*", Text.of(name).folded)
    numbers = [words.ordinals.get(ordinal.removeprefix("the ")) for ordinal in ordinals]
    if all(number is not None for number in numbers):
        return Target(numbers=tuple(number for number in numbers if number is not None))
    return Target(name=name)


def _named(language: Language, text: Text) -> str:
    """The name of a task in "the groceries task": what is left without the words around it."""
    start = language.targets.trim_start.match(text.masked)
    piece = text.cut(start.end() if start else 0)
    end = language.targets.trim_end.search(piece.masked)
    if end is not None and end.start() > 0:
        piece = piece.cut(0, end.start())
    return _title(piece if piece.masked else text)


def _completed(language: Language, status: Text) -> bool:
    return not language.targets.pending.fullmatch(status.masked)


def _title(text: Text) -> str:
    """The words as written, without quotes and full stops around all of them."""
    if len(text.masked) > 2 and text.masked[0] in "\"'" and text.masked[-1] == text.masked[0]:
        return text.original[1:-1].strip()
    if text.masked[-1:] in ('"', "'"):
        return text.original
    return text.original.rstrip(_FULL_STOPS).lstrip(" :,-")


def read_choice(language: Language, message: str, titles: list[str]) -> Target | None:
    """Which of the titles the message chooses; `Target()` for none, None when it is no answer."""
    text = _bare(language, Text.of(message))
    if language.targets.none.fullmatch(text.masked):
        return Target()
    target = read_target(language, text)
    if target.everything or target.several:
        return Target(numbers=tuple(range(1, len(titles) + 1)))
    if target.numbers:
        return target
    if not target.name:
        return None
    wanted = Text.of(target.name).folded
    folded = [Text.of(title).folded for title in titles]
    same = [n for n, title in enumerate(folded, 1) if title == wanted]
    like = same or [n for n, title in enumerate(folded, 1) if wanted in title]
    return replace(target, name="", numbers=(like[0],)) if len(like) == 1 else None
