"""How the scripted model understands people who speak of tasks: from words to calls, and back.

Nothing is kept between requests. Each intent is a generator that yields the calls it needs and is
sent their results; every request runs them again from the start, and calls that were already made
are answered from the history. What is still missing at the end is the next step, all of it in
parallel.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from sidestream.local.model import talk
from sidestream.local.model.conversation import Conversation, Exchange, Step, ToolRequest
from sidestream.local.model.talk import Said
from sidestream.tasks.scripted.actions import ACTIONS, Plan, Scene
from sidestream.tasks.scripted.language import Intent, Kind, Language
from sidestream.tasks.scripted.memory import Memory, remember
from sidestream.tasks.scripted.results import Result, read_result
from sidestream.tasks.scripted.toolbox import Toolbox
from sidestream.tasks.scripted.understand import Reading, read, read_choice

_READS = frozenset({Kind.PLAN, Kind.LIST, Kind.SHOW, Kind.SEARCH})
_LOOKUPS = frozenset({"list_tasks", "search_tasks", "get_task"})


def decide(conversation: Conversation, now: datetime) -> Step | None:
    """The next step; None for words that are not understood."""
    said = conversation.said
    memory = remember(conversation.past)
    if (exchanges := conversation.after_card) is not None:
        return Step(text=_after_card(exchanges, read(said[-1] if said else "").language))
    reading = _understand(conversation, memory)
    if reading is None:
        language = read(said[-2] if len(said) > 1 else said[-1], *said[::-1]).language
        return Step(text=language.say("left_alone"))
    if all(intent.kind is Kind.UNKNOWN for intent in reading.intents):
        return None
    replay = _Replay(conversation)
    scene = Scene(
        reading.language,
        Toolbox(conversation.tools if conversation.may_call else ()),
        memory,
        now,
        has_cards="card" in conversation.instructions,
    )
    intents = _wanted(reading.intents)
    answers = [_answer(intent, scene, replay, conversation) for intent in intents]
    if replay.wanted:
        wanted = replay.wanted if conversation.parallel else replay.wanted[:1]
        return Step(calls=tuple(wanted))
    texts = [answer for answer in answers if answer]
    questions = [text for text in texts if _is_question(reading.language, text)]
    return Step(text="\n".join([t for t in texts if t not in questions] + _one(reading, questions)))


def _wanted(intents: tuple[Intent, ...]) -> list[Intent]:
    """The intents without a greeting beside something else, and without a list beside a plan."""
    plans = any(intent.kind is Kind.PLAN for intent in intents)
    beside = [i for i in intents if i.topic != "hello" and not (plans and i.kind is Kind.LIST)]
    return beside or list(intents[:1])


@dataclass
class _Replay:
    """The calls of this run: those that were made, and those that are wanted."""

    conversation: Conversation
    wanted: list[ToolRequest] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._made: list[Exchange] = self.conversation.run

    def results(self, requests: tuple[ToolRequest, ...]) -> list[Result] | None:
        """The results of the calls, or None (and the calls are wanted) while any is missing."""
        found = [self._take(request) for request in requests]
        if any(exchange is None for exchange in found):
            missing = [r for r, made in zip(requests, found, strict=True) if made is None]
            self.wanted.extend(r for r in missing if r not in self.wanted or not _is_lookup(r))
            return None
        return [read_result(exchange.output) for exchange in found if exchange is not None]

    def _take(self, request: ToolRequest) -> Exchange | None:
        for index, exchange in enumerate(self._made):
            if exchange.request == request:
                return exchange if _is_lookup(request) else self._made.pop(index)
        return None


def _is_lookup(request: ToolRequest) -> bool:
    return request.name in _LOOKUPS


def _understand(conversation: Conversation, memory: Memory) -> Reading | None:
    """What the last message asks for, or answers to a question; None when it calls that off."""
    said = conversation.said
    message = said[-1] if said else ""
    earlier = said[-2::-1]
    reading = read(message, *earlier)
    unknown = all(intent.kind is Kind.UNKNOWN for intent in reading.intents)
    if memory.asked_which is not None and earlier:
        asked = read(earlier[0], *earlier[1:])
        titles = [shown.title for shown in memory.shown]
        choice = read_choice(reading.language, message, titles)
        if choice is not None:
            if not choice.numbers:
                return None
            same_kind = [i for i in asked.intents if i.kind is memory.asked_which and i.target.name]
            intent = same_kind[0] if same_kind else Intent(memory.asked_which)
            language = asked.language if not any(map(str.isalpha, message)) else reading.language
            return Reading(language, (intent.aimed_at(choice),))
    if memory.asked_name and unknown:
        return Reading(reading.language, (Intent(Kind.ADD, title=message.strip()),))
    if unknown and (wished := _wished(conversation, message)) is not None:
        return Reading(reading.language, (wished,))
    return reading


def _wished(conversation: Conversation, message: str) -> Intent | None:
    """What is to be made of unclear words when a certain tool has to be called, or just was."""
    run = conversation.run
    match run[0].request.name if run else conversation.forced:
        case "add_task":
            return Intent(Kind.ADD, title=message.strip())
        case "search_tasks":
            return Intent(Kind.SEARCH, query=message.strip())
        case "list_tasks":
            return Intent(Kind.LIST)
    return None


def _after_card(exchanges: list[Exchange], language: Language) -> str:
    """What to say once the deletions were done that the user chose on a card."""
    said = []
    for exchange in exchanges:
        result = read_result(exchange.output)
        title = result.task.title if result.task else "?"
        if result.error is not None:
            said.append(language.say("failed_delete", title=title, error=result.error))
        else:
            said.append(language.say("deleted", title=title))
    return "\n".join(said) or language.say("left_alone")


def _answer(
    intent: Intent, scene: Scene, replay: _Replay, conversation: Conversation
) -> str | None:
    """What to say about one intent; None while it waits for calls."""
    if intent.kind not in ACTIONS:
        return _talk(intent, scene, conversation)
    waits = intent.kind in _READS or intent.target.everything or _refers_back(intent)
    if replay.wanted and waits:
        return None
    plan: Plan = ACTIONS[intent.kind](intent, _with_news(scene, conversation, intent))
    try:
        requests = next(plan)
        while (results := replay.results(requests)) is not None:
            requests = plan.send(results)
    except StopIteration as finished:
        return str(finished.value)
    return None


def _talk(intent: Intent, scene: Scene, conversation: Conversation) -> str:
    """What to say to what is not about tasks."""
    language = scene.language
    if intent.kind is Kind.UNKNOWN:
        return language.say("unknown", message=intent.title)
    if intent.topic == "all_right" and scene.memory.asked_name:
        return language.say("left_alone")
    said = Said(intent.topic, intent.name, intent.count, intent.words)
    return talk.reply(said, language.code, language.phrases, conversation)


def _refers_back(intent: Intent) -> bool:
    return intent.target.pronoun or intent.target.several


def _with_news(scene: Scene, conversation: Conversation, intent: Intent) -> Scene:
    """For "it", a task that this very run added comes before one mentioned earlier."""
    if not intent.target.pronoun:
        return scene
    added = [
        result.task
        for exchange in conversation.run
        if exchange.request.name == "add_task" and (result := read_result(exchange.output)).task
    ]
    if not added or added[-1] is None:
        return scene
    known = (*scene.memory.known, added[-1])
    return replace(scene, memory=replace(scene.memory, mentioned=added[-1].title, known=known))


def _is_question(language: Language, text: str) -> bool:
    last = text.rsplit("\n", 1)[-1]
    return any(last == phrase for key, phrase in language.phrases.items() if key in _QUESTIONS)


_QUESTIONS: Mapping[str, None] = dict.fromkeys(
    ("which_show", "which_update", "which_complete", "which_reopen", "which_delete", "add_what")
)


def _one(reading: Reading, questions: list[str]) -> list[str]:
    """At most one question, last; of the others only what was ambiguous is said."""
    if len(questions) < 2:
        return questions
    names = [i.target.name for i in reading.intents if i.target.name]
    also = [
        reading.language.say("which_also", query=name)
        for name in names
        if any(f"“{name}”" in question for question in questions[1:])
    ]
    return [*also, questions[0]]
