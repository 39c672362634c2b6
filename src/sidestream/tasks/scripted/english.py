# ruff: noqa: E501 - a pattern is read best on one line
"""English: how tasks are spoken of, and what is answered."""

import re

from sidestream.local.model import remarks
from sidestream.tasks.scripted.dates import DATE
from sidestream.tasks.scripted.language import Kind, Language, Rule, Spread, TargetWords, talk
from sidestream.tasks.scripted.phrases import ENGLISH_PHRASES

_TASK = r"(?:tasks?|to-?dos?|to-?do items?|items?|reminders?)"
_LIST = r"(?:list|task list|to-?do list|tasks?|to-?dos?)"
_DONE = r"(?:completed|complete|done|finished|closed)"
_OPEN = (
    r"(?:pending|open|unfinished|remaining|incomplete|uncompleted|active|outstanding|left|undone"
    r"|not done|not completed?|to do|due)"
)
_STATUS = rf"(?:{_DONE}|{_OPEN})"
_SEE = r"(?:show|list|display|give|see|view|get|read|tell|fetch)"


def _rule(kind: Kind, pattern: str, topic: str = "", spread: Spread = Spread.NEVER) -> Rule:
    return Rule(kind, re.compile(pattern), topic, spread)


def _rules(kind: Kind, *patterns: str) -> tuple[Rule, ...]:
    return tuple(_rule(kind, pattern) for pattern in patterns)


_PLANS = (
    *_rules(
        Kind.UNDO,
        r"undo(?: (?:that|it|this|the last (?:one|thing|change|step)))?|(?:take|put) (?:that|it) back|revert (?:that|it|this)",
    ),
    *_rules(
        Kind.PLAN,
        r"(?:plan|organi[sz]e|prioriti[sz]e|arrange|order|structure)(?: me| out)?(?: my| the| our)? (?:day|today|tasks|to-?dos|list|work)(?: for (?:me|today))?",
        r"(?:with )?(?:planning|organi[sz]ing|prioriti[sz]ing)(?: my| the)? (?:day|tasks|list|work)",
        r"(?:make|give|write)(?: me)? a plan(?: (?:for|of) (?:my |the |to)?day)?|what(?: should| do| shall) i (?:do|start with|begin with)(?: first| next| now)?|where (?:do|should|shall) i (?:start|begin)",
    ),
)

_CHANGES = (
    *_rules(
        Kind.UPDATE,
        r"(?:rename|retitle) (?P<target>.+?) (?:to|as|into) (?P<title>.+)",
        r"(?:change|update|edit|modify|set) (?:the )?(?:title|name) of (?P<target>.+?) (?:to|as) (?P<title>.+)",
        r"(?:change|update|edit|modify|set) (?P<target>.+?)(?:'s|s') (?:title|name) to (?P<title>.+)",
        r"(?:add|set|put|attach|write|change|update) (?:an? |the )?notes? (?:to|on|for|of) (?P<target>.+?)(?::|,| saying| to| with| as| that says) (?P<notes>.+)",
        r"(?:add|put|attach|write) (?:an? |the )?notes? (?P<notes>.+?) (?:to|on|for) (?P<target>.+)",
        r"(?:change|update|set|move|push) (?:the )?(?:due date|deadline|due) (?:of|for|on) (?P<target>.+?) (?:to|as) (?P<due>.+)",
        rf"(?:postpone|reschedule|move|push|delay) (?P<target>.+?) (?:to|until|till) (?P<due>{DATE})",
        rf"(?:make|set) (?P<target>.+?) (?:to be )?due (?P<due>(?:on |by )?{DATE})",
        rf"(?P<target>.+?) is due (?P<due>(?:on |by )?{DATE})",
    ),
    *_rules(
        Kind.REOPEN,
        rf"(?:mark|set|flag) (?P<target>.+?) (?:as |back to )?{_OPEN}",
        r"(?:reopen|re-open|uncomplete|uncheck|untick|unmark|undo|restore) (?P<target>.+)",
        r"(?P<target>(?!what|which).+?) (?:is|are|was)(?: not|n't) (?:yet )?(?:done|complete|completed|finished)(?: yet)?",
    ),
    *_rules(
        Kind.COMPLETE,
        rf"(?:mark|set|flag|check|tick|cross)(?: off)? (?P<target>.+?) (?:off )?(?:as )?(?:being )?{_DONE}",
        rf"mark (?:as )?{_DONE}:? (?P<target>.+)",
        r"(?:check|tick|cross) off (?P<target>.+)|(?:check|tick|cross) (?P<target2>.+) off(?: (?:my|the) list)?",
        r"(?:complete|finish|close|resolve) (?P<target>.+)",
        r"(?:i|we)(?:'ve|'m| have| am| already| just)*(?: already| just)? (?:finished|completed|done|did|done with|finished with) (?:with )?(?P<target>.+)",
        r"(?:done|finished) with (?P<target>.+)",
    ),
    *_rules(
        Kind.DELETE,
        r"take (?P<target>.+?) off (?:my|the) (?:\S+ )?\S+",
        rf"(?:delete|remove|erase|discard|trash|drop|cancel|clear|get rid of|throw away) (?P<target>.+?)(?: (?:from|off) (?:my|the) {_LIST})?",
    ),
    _rule(
        Kind.UPDATE,
        r"(?:change|update|edit|modify|replace) (?P<target>.+?) (?:to|with|into|to say) (?P<title>.+)",
    ),
)

_READS = (
    *_rules(
        Kind.SEARCH,
        rf"(?:do i have|are there|is there|have i got)(?: any| an?| some)?(?: {_TASK})? (?:about|with|called|named|containing|related to|to|for) (?P<query>.+)",
        rf"(?:show|list)(?: me)?(?: all| my| the| any| every)* {_TASK} (?:about|containing|with|mentioning|related to|matching|called|named) (?P<query>.+)",
    ),
    *_rules(
        Kind.LIST,
        rf"(?:{_SEE}|what(?:'s| is| are)|which(?: are)?|how many|do i have|are there)(?: me| us)?(?: out)?(?: any| all| every)?(?: of)?(?: my| the| our)?(?: current)?(?: (?P<status>{_STATUS}))?(?: {_TASK}| task list| to-?do list| list| everything)(?: list)?(?: (?:do i have|have i got|i have|there are|are there|have i|are|is))?(?: (?:that are |which are |are |still )?(?P<status2>{_STATUS}))?(?: (?:left|today|again|so far|for today|to do|have i|in total))*",
        rf"(?:what|which(?: ones?)?)(?:'s| is| are| do i have| have i got)?(?: still)? (?P<status>{_STATUS})(?: to do)?(?: (?:on|in) (?:my|the) (?:\S+ )?{_LIST})?",
        rf"{_SEE}(?: me)?(?: all| my| the)* (?P<status>{_STATUS})(?: ones)?",
        rf"(?:what|which|how many) {_TASK} (?:are|do i have|have i got|is)(?: still)?(?: (?P<status>{_STATUS}))?(?: to do| on my list)?",
        r"what(?:'s| is) (?:on|in) (?:my|the) (?:to-?do |task )?(?:list|plate|agenda)(?: .*)?",
        r"what (?:else )?(?:do|should|must) i (?:still )?(?:have|need)?(?: left)? ?(?:to do|left)?(?: .*)?",
        r"what have i (?P<status>done|finished|completed)(?: .*)?",
        rf"(?:my |all |the |list )*(?:(?P<status>{_STATUS}) )?(?:tasks|to-?dos|task list|to-?do list|list|reminders)",
    ),
    *_rules(
        Kind.SHOW,
        r"(?:show|open|view|display|get|see|read|describe|give)(?: me)?(?: more)?(?: the)?(?: details?(?: of| for| about| on)?)? (?P<target>.+)",
        r"(?:tell me (?:more )?about|(?:more )?details?(?: of| for| about| on)|more (?:on|about)) (?P<target>.+)",
        r"what(?:'s| is) (?:in |about )?(?P<target>(?:the )?(?:task|item|number|#) ?.+|.+ task)",
    ),
    _rule(
        Kind.SEARCH,
        rf"(?:find|search|look)(?: me)?(?: for| up| in| through)*(?: all| any| my| the| an?| every)*(?: {_TASK})?(?: (?:for|about|with|containing|named|called|matching|mentioning|related to|that (?:mention|contain|say)))? (?P<query>.+)",
    ),
)

_ADDS = (
    _rule(
        Kind.ADD,
        rf"(?:add|create|make|set up)(?: me)?(?: the following| these| this| an?| another)?(?: new)? {_TASK}\s*:?",
        spread=Spread.ALWAYS,
    ),
    _rule(
        Kind.ADD,
        r"(?:add|create|make|set up|write down)(?: me)?(?: the following| these| some| \d+| two| three| four| five)*(?: new)? (?:tasks|to-?dos|reminders|items)(?: called| named| titled| for| to)?\s*:? (?P<title>.+)",
        spread=Spread.ALWAYS,
    ),
    _rule(
        Kind.ADD,
        rf"(?:add|create|make|set up|put|start|write down|note down)(?: me)?(?: an?| another| one more| the| my)?(?: new)? {_TASK}(?: (?:called|named|titled|saying|that says|which says|to|for|about|with (?:the )?(?:title|name)))*\s*[:,-]?\s+(?P<title>.+)",
    ),
    _rule(
        Kind.ADD,
        rf"(?:add|put) (?P<title>.+?) (?:to|on|onto|in|into) (?:my|the) (?:\S+ )?{_LIST}",
        spread=Spread.WORDS,
    ),
    *_rules(
        Kind.ADD,
        r"(?:remind me|set a reminder|create a reminder)(?: to| about| of| that| for)? (?P<title>.+)",
        r"(?:i need to|i have to|i must|i should|i've got to|i gotta|(?:do not|don't) (?:let me )?forget to|remember to|note to self:?) (?P<title>.+)",
        rf"(?:new )?{_TASK}\s*[:-]\s*(?P<title>.+)|new task (?P<title2>.+)",
    ),
    _rule(
        Kind.ADD,
        r"(?:add|create|note down|jot down)(?: an?| the| some)? (?P<title>.+)",
        spread=Spread.WORDS,
    ),
    _rule(
        Kind.COMPLETE,
        rf"(?P<target>(?!what|which|how).+?) (?:is|are|has been|was) (?:now |all )?{_DONE}(?: now)?",
    ),
)

_ORDINALS = {
    "first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4,
    "fifth": 5, "5th": 5, "sixth": 6, "6th": 6, "seventh": 7, "7th": 7, "eighth": 8, "8th": 8,
    "ninth": 9, "9th": 9, "tenth": 10, "10th": 10, "last": -1, "final": -1,
}  # fmt: skip

_TARGETS = TargetWords(
    trim_start=re.compile(
        r"(?:(?:the|my|our|this|a|an) (?!and |or )|(?:task|to-?do|item|reminder)s? (?:called|named|titled|about|to|for|with) "
        r"|(?:task|to-?do|reminder)s?:? (?=\D))+"
    ),
    trim_end=re.compile(r"(?: (?:tasks?|to-?dos?|items?|reminders?|one|entry)|\s*[.,;:!?]+)+$"),
    numbers=re.compile(
        r"(?:the )?(?:(?:tasks?|items?|numbers?|no\.?|nr\.?|to-?dos?|options?) )*#? ?\d{1,4}"
        r"(?:(?:\s*,\s*(?:and )?|\s+and\s+|\s*&\s*)(?:(?:task|item|number) )*#? ?\d{1,4})*(?: tasks?| one| please)?"
    ),
    ordinals=_ORDINALS,
    pronoun=re.compile(
        r"it|that|this|that one|this one|the same(?: one)?|that task|this task|the task"
    ),
    several=re.compile(
        r"them(?: all)?|those|these|both(?: of them)?|all of (?:them|those|these)|they|the two"
    ),
    everything=re.compile(
        rf"(?:every(?:thing)?|all|each)(?: of)?(?: the| my| our| of my)?(?: (?P<status>{_STATUS}))?(?: {_TASK}| list)?"
        rf"(?: (?:that (?:is|are) )?(?P<status2>{_STATUS}))?|(?:my|the) (?:whole|entire) list"
        rf"|(?:my |the )?(?P<status3>{_STATUS}) (?:tasks|to-?dos|items|ones)|(?:my |the )(?:tasks|to-?dos)"
    ),
    completed=re.compile(_DONE),
    pending=re.compile(_OPEN),
    none=re.compile(
        r"(?:none|neither|no(?:ne)? of (?:them|those|these)|never ?mind|cancel|forget it|no|stop|nothing)(?: .*)?"
    ),
)

_COMMANDS = (
    r"plan|organi[sz]e|prioriti[sz]e|make a plan|add|create|make an?|mark|set|check off|tick off|cross off|complete|finish|delete|remove|erase|rename|retitle"
    r"|change|update|edit|reopen|re-open|uncheck|undo|remind me|show|list|display|find|search|look for"
    r"|tell me|write (?:me )?an? |what|who|how (?:many|are)|which|do i have|my name|call me|thanks|thank you"
    r"|i(?:'ve| have| just|'m)? (?:done|finished|completed|did|need to|have to)|put|get rid of|take .+ off|new task"
    r"|postpone|reschedule|move .+ to|don't forget|remember to|hi|hello|bye|goodbye|good (?:morning|evening|night)"
)

ENGLISH = Language(
    code="en",
    script=re.compile(r"[a-z]"),
    rules=talk(remarks.ENGLISH) + _PLANS + _CHANGES + _READS + _ADDS,
    courtesy_start=re.compile(
        r"(?:[-*•]\s+|\d{1,2}[.)]\s+)?(?:(?:please|pls|kindly|(?:can|could|would|will) you|hey|ok|okay|now|then|also|and|so"
        r"|actually|just|plus|i want you to|i(?:'d| would) like (?:you )?to|i want to|i need you to|let's|lets"
        r"|go ahead and|help me(?: to| with)?)\b(?! me\b$)[\s,]+)*"
    ),
    courtesy_end=re.compile(r"[\s,]+(?:please|pls|for me|thanks|thank you|too|as well)$"),
    separator=re.compile(
        r"\s*(?P<strong>;|\n)\s*|(?:(?<![.!?])[.!?]+(?=\s)|,)?\s+(?:and then|then|and also|and|also|plus|&)\s+"
        r"|(?<![.!?])[.!?]+\s+|,\s+|\s+-\s+"
    ),
    opens_clause=re.compile(rf"(?:{_COMMANDS})\b"),
    closes_clause=re.compile(
        r"(?:hi|hello|hey|hiya|thanks|thank you|good (?:morning|afternoon|evening)|great|nice|perfect|salam)(?: there| again)?"
        r"|my name(?:'s| is) \S+"
    ),
    conjunction=re.compile(r"\s*,\s*and\s+|\s*,\s*|\s+and\s+|\s*&\s*"),
    title_notes=re.compile(
        r"(?P<title>.+?),? (?:with|and) (?:an? |the )?notes?(?: that says?| saying| of)?:? (?P<notes>.+)"
    ),
    title_due=re.compile(
        rf"(?P<title>.+?),?(?: (?:due|by|before|for)(?: on| by)?)? (?P<due>{DATE})"
    ),
    targets=_TARGETS,
    phrases=ENGLISH_PHRASES,
)
