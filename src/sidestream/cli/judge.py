"""One conversation of an evaluation: played to a running system as a person would, and judged."""

import re
import time
import unicodedata
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from sidestream.cli.conversation import Conversation as Line
from sidestream.cli.events import Event
from sidestream.domain import Domain
from sidestream.evaluation import Choose, Conversation, Evaluation, Outcome, Say, unmatched
from sidestream.i18n import text

_QUOTED: Final = re.compile(
    r"“[^”]*”|\"[^\"]*\"|«[^»]*»|`[^`]*`|^\s*(?:[-*•]|\d+[.)۔]).*$", re.MULTILINE
)
_FILE_TYPE: Final = "text/plain"
_MAX_SHOWN: Final = 80


class Things(Protocol):
    """The domain's tools, called for a user without a model."""

    def call(self, user_id: str, name: str, arguments: Mapping[str, Any]) -> Any:
        """Call a tool, and give its structured content. Raises `CommandError`."""
        ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a conversation: `faults` in words (none: it passed), the tools of the trace, and
    the time to the first word of the first answer, in ms."""

    conversation: Conversation
    faults: Sequence[str]
    tools: Sequence[str]
    ttft_ms: float | None

    @property
    def passed(self) -> bool:
        """Whether everything came out as it should."""
        return not self.faults


@dataclass(slots=True)
class _Heard:
    """What a person sees of a conversation."""

    titles: list[str] = field(default_factory=list)
    answer: str = ""
    asked: bool = False
    question: dict[str, Any] | None = None
    ttft_ms: float | None = None
    error: str = ""

    def hear(self, events: Iterable[Event]) -> None:
        """Follow one answer to its end."""
        started = time.perf_counter()
        self.answer, self.question = "", None
        for event in events:
            match event:
                case {"update": {"type": "assistant_message.content_part.text_delta"}}:
                    if self.ttft_ms is None:
                        self.ttft_ms = (time.perf_counter() - started) * 1000
                case {"type": "thread.item.done", "item": {"type": "assistant_message"} as item}:
                    words = "".join(part.get("text", "") for part in item["content"])
                    self.answer = f"{self.answer}\n{words}".strip()
                case {"type": "thread.item.done", "item": {"workflow": {"tasks": lines}}}:
                    self.titles += [line.get("title", "") for line in lines]
                case {"type": "thread.item.done", "item": {"type": "structured_input"} as item}:
                    self.asked, self.question = True, item
                case {"type": "error"}:
                    self.error = str(event.get("message") or "The answer failed.")


class Judge:
    """Plays conversations of a domain, each as a user of its own, and takes away what they left."""

    def __init__(self, domain: Domain, evaluation: Evaluation, things: Things) -> None:
        self._domain = domain
        self._evaluation = evaluation
        self._things = things

    def play(self, conversation: Conversation, line: Line, user_id: str) -> Verdict:
        """Play one over a connection of its user. Raises `CommandError` where there is nothing to
        judge: no system answers, or a tool fails that is called without a model."""
        before = self._given(conversation, user_id)
        heard = _Heard()
        faults: list[str] = []
        for step in conversation.steps:
            fault = self._take(step, line, heard) or heard.error
            if fault:
                faults.append(fault)
                break
        now = datetime.now(UTC)
        after = self._all(user_id)
        tools = self._tools(heard.titles, conversation.language)
        faults += judged(conversation, heard.answer, heard.asked, tools, before, after, now)
        self._clear(user_id, after)
        return Verdict(conversation, list(dict.fromkeys(faults)), tools, heard.ttft_ms)

    def _take(self, step: Say | Choose, line: Line, heard: _Heard) -> str:
        """Do what the person does next. Tells what is wrong, or nothing."""
        match step:
            case Say(words, files):
                ids = [line.attach(name, of.encode(), _FILE_TYPE) for name, of in files.items()]
                heard.hear(line.say(words, ids))
            case Choose(pattern):
                question = heard.question
                if question is None:
                    return "no question was put"
                answers = {
                    part["id"]: [
                        option["value"]
                        for option in part.get("options", [])
                        if re.search(pattern, option["value"])
                    ]
                    for part in question["inputs"]
                }
                if not all(answers.values()):
                    return f"the question has no option like {pattern}"
                heard.hear(line.answer(question["id"], answers))
        return ""

    def _given(self, conversation: Conversation, user_id: str) -> list[dict[str, Any]]:
        for arguments in conversation.given:
            self._things.call(user_id, self._evaluation.adds, arguments)
        return self._all(user_id)

    def _all(self, user_id: str) -> list[dict[str, Any]]:
        found = self._things.call(user_id, self._evaluation.lists, {})
        return list(found["data"])

    def _clear(self, user_id: str, things: Iterable[Mapping[str, Any]]) -> None:
        for thing in things:
            arguments = {self._evaluation.target: thing["id"]}
            self._things.call(user_id, self._evaluation.removes, arguments)

    def _tools(self, titles: Iterable[str], language: str) -> list[str]:
        """The tools whose titles stand in a trace, in the language that it is in."""
        named = {
            text(language, policy.title): name for name, policy in self._domain.policies.items()
        }
        found = [name for title in titles for known, name in named.items() if known in title]
        return list(dict.fromkeys(found))


def judged(
    conversation: Conversation,
    answer: str,
    asked: bool,
    tools: Sequence[str],
    before: Sequence[Mapping[str, Any]],
    after: Sequence[Mapping[str, Any]],
    now: datetime,
) -> list[str]:
    """Give each way in which a conversation did not come to its outcome, in words."""
    outcome = conversation.outcome
    faults = _of_things(outcome, before, after, now)
    faults += [f"{name} is not in the trace" for name in outcome.calls if name not in tools]
    faults += [f"{name} is in the trace" for name in outcome.unused if name in tools]
    if asked != outcome.asks:
        faults.append("a question was put" if asked else "no question was put")
    if outcome.says and not re.search(outcome.says, answer, re.IGNORECASE):
        faults.append(f"the answer has no “{outcome.says}”: {_short(answer)}")
    if outcome.never_says and re.search(outcome.never_says, answer):
        faults.append(f"the answer says “{outcome.never_says}”: {_short(answer)}")
    spoken = next(step.words for step in reversed(conversation.steps) if isinstance(step, Say))
    if script_of(answer) not in ("", script_of(spoken)):
        faults.append(f"the answer is in another script: {_short(answer)}")
    return faults


def _of_things(
    outcome: Outcome,
    before: Sequence[Mapping[str, Any]],
    after: Sequence[Mapping[str, Any]],
    now: datetime,
) -> list[str]:
    if outcome.things is None:
        return [] if list(after) == list(before) else ["something was changed"]
    missing, besides = unmatched(outcome.things, after, now)
    faults = [f"missing: {_fields(thing)}" for thing in missing]
    known = [name for thing in outcome.things for name in thing] or ["title"]
    faults += [
        f"there too: {_fields({name: thing.get(name) for name in dict.fromkeys(known)})}"
        for thing in besides
    ]
    return faults


def script_of(words: str) -> str:
    """Give the script that most letters of some words are in, titles and lists apart; nothing for
    words without letters."""
    plain = _QUOTED.sub("", words)
    letters = Counter(
        unicodedata.name(char, "?").partition(" ")[0] for char in plain if char.isalpha()
    )
    return letters.most_common(1)[0][0] if letters else ""


def _fields(thing: Mapping[str, Any]) -> str:
    return _short(", ".join(f"{name} {value}" for name, value in thing.items()))


def _short(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= _MAX_SHOWN else f"{line[: _MAX_SHOWN - 1]}…"


def new_user() -> str:
    """Name a user of whom nothing is known."""
    return f"eval-{uuid.uuid4().hex}"
