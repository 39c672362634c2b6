# ruff: noqa: E501 - a pattern is read best on one line
"""What people say to anybody: greetings, thanks, questions about the conversation, wishes for a
story. A pattern is held against the whole of a folded clause.
"""

import re
from dataclasses import dataclass
from typing import Final

from sidestream.local.model.text import fold


@dataclass(frozen=True, slots=True)
class Remark:
    """A way to say something. What it captures is a `name`, a `count` of words, or `words`."""

    pattern: re.Pattern[str]
    topic: str


def folded(pattern: str) -> re.Pattern[str]:
    """The pattern with its Urdu letters folded as texts are; everything else stays."""
    return re.compile("".join(fold(c) if "\u0600" <= c <= "\u06ff" else c for c in pattern))


def _rule(pattern: str, topic: str) -> Remark:
    return Remark(folded(pattern), topic)


ENGLISH: Final = (
    _rule(
        r"(?:hi|hello|hey|hiya|greetings|salam|good (?:morning|afternoon|evening|day))(?: there| again| everyone| to you)?",
        "hello",
    ),
    _rule(
        r"(?:many )?(?:thanks|thank you|thx|cheers)(?: .*)?|(?:great|nice|good|perfect|awesome|cool|well done)(?: (?:job|work))?",
        "thanks",
    ),
    _rule(r"(?:good ?bye|bye|see you(?: later| soon)?|good night|bye bye)(?: .*)?", "bye"),
    _rule(
        r"how are you(?: doing)?(?: today)?|how(?:'s| is) it going|how do you do",
        "how_are_you",
    ),
    _rule(
        r"(?:who|what) are you|what(?:'s| is) your name|are you (?:a )?(?:real|human|robot|bot|an? ai|chatgpt|gpt).*|introduce yourself|which model are you",
        "who",
    ),
    _rule(
        r"help(?: me)?|what (?:can|do|could) you (?:do|help (?:me )?with)(?: for me)?|what can i (?:do|say|ask)(?: .*)?|how (?:can|do) (?:you help|i use|does) .*|how can you help",
        "help",
    ),
    _rule(
        r"my name(?:'s| is) (?P<name>.+)|(?:you can )?call me (?P<name2>.+)|i am called (?P<name3>.+)",
        "tell_name",
    ),
    _rule(
        r"(?:what(?:'s| is| was)|do you (?:know|remember)|tell me) my name(?: .*)?|who am i|what am i called",
        "ask_name",
    ),
    _rule(
        r"what(?:'s| is| was)? (?:my|the) (?:very )?first (?:message|question|thing|request)(?: .*)?|what did i (?:first|initially) (?:ask|say|write|tell).*|what did i (?:ask|say|write)(?: you)?(?: at)? first",
        "ask_first",
    ),
    _rule(
        r"what(?:'s| is| was)? my (?:last|previous) (?:message|question|request)|what did i (?:just|last|previously) (?:ask|say|write|tell|want).*|what did i (?:ask|say)(?: you)?(?: (?:just now|before|earlier|last))?|what was i (?:just )?(?:asking|saying)",
        "ask_last",
    ),
    _rule(
        r"what did you (?:just )?(?:say|do|answer|tell me)(?: .*)?|(?:say|repeat) that(?: again)?|repeat yourself",
        "ask_said",
    ),
    _rule(
        r"(?:yes|yeah|yep|sure|of course|right|no|nope|no thanks|never ?mind|forget it|cancel|nothing|fine)",
        "all_right",
    ),
    _rule(
        r"(?:(?:tell|write|give|read)(?: me| us)?|i want) (?:a |an |the )?(?:\w+ )?(?:story|tale)(?: (?:of|in|with|that has|using|about .+? (?:in|of|with)))?(?: (?:about|exactly|around))?(?: (?P<count>[\d,]+)[ -]?words?)?(?: long)?",
        "story",
    ),
    _rule(
        r"(?:(?:tell|write|give|read)(?: me| us)? )?(?:a |an )?(?P<count>[\d,]+)[ -]?words? (?:long )?(?:story|tale)(?: .*)?",
        "story",
    ),
    _rule(r"(?:repeat(?: after me)?|echo|say(?: exactly)?)\s*[:,]?\s+(?P<words>.+)", "echo"),
    _rule(
        r"(?:(?:show|give|write|answer)(?: me| us)? )?(?:some |a piece of |a sample of |in )?markdown(?: please| sample| example)?",
        "markdown",
    ),
)

URDU: Final = (
    _rule(
        r"(?:السلام علیکم|اسلام علیکم|سلام|ہیلو|ہائے|ہیلو جی|آداب|صبح بخیر|شام بخیر|وعلیکم السلام)(?: جی| دوست)?",
        "hello",
    ),
    _rule(
        r"(?:بہت |آپ کا |بہت بہت )*(?:شکریہ|مہربانی|نوازش|جزاک اللہ)(?: .*)?|(?:زبردست|بہت خوب|شاباش|واہ|بہت اچھے)",
        "thanks",
    ),
    _rule(r"(?:خدا حافظ|اللہ حافظ|پھر ملیں گے|شب بخیر|الوداع)", "bye"),
    _rule(
        r"(?:آپ |تم )?(?:کیسے|کیسی) (?:ہو|ہیں|ہے)(?: آپ)?|کیا حال ہے|کیا حال ہیں",
        "how_are_you",
    ),
    _rule(
        r"(?:آپ |تم )(?:کون|کیا) (?:ہو|ہیں)|کون ہو تم|(?:آپ|تمہارا|آپ کا)(?: کا)? نام کیا ہے|اپنا تعارف .*",
        "who",
    ),
    _rule(
        r"(?:آپ |تم )?(?:کیا کیا|کیا) (?:کچھ )?کر(?: سکت[ےی] (?:ہو|ہیں))?|(?:آپ |تم )?(?:میری )?(?:کیا |کیسے )?مدد(?: کرو| کریں| چاہیے| کر سکت[ےی] (?:ہو|ہیں))?|(?:آپ|تم) کس کام آتے (?:ہو|ہیں)",
        "help",
    ),
    _rule(
        r"(?:کیا )?(?:آپ کو |تمہیں )?میرا نام (?:کیا ہے|کیا تھا|یاد ہے|بتاؤ|بتائیں|معلوم ہے)|میں کون ہوں",
        "ask_name",
    ),
    _rule(
        r"میرا نام (?P<name>.+?)(?: ہے)?|مجھے (?P<name2>\S+) (?:کہو|کہیں|کہتے ہیں)",
        "tell_name",
    ),
    _rule(
        r"(?:میرا )?(?:سب سے )?پہلا (?:پیغام|سوال)(?: کیا)?(?: تھا)?|میں نے (?:سب سے )?پہلے کیا (?:کہا|پوچھا|لکھا)(?: تھا)?",
        "ask_first",
    ),
    _rule(
        r"میں نے (?:ابھی|ابھی ابھی|آخر میں|پچھلی بار)? ?کیا (?:کہا|پوچھا|لکھا)(?: تھا| ہے)?|میر[ای] (?:پچھلا|آخری) (?:پیغام|سوال|بات)(?: کیا)?(?: تھا| تھی)?",
        "ask_last",
    ),
    _rule(r"(?:تم نے|آپ نے) (?:ابھی )?کیا (?:کہا|بتایا|کیا)(?: تھا)?", "ask_said"),
    _rule(
        r"(?:ہاں|جی ہاں|جی|نہیں|جی نہیں|ٹھیک ہے|اچھا|رہنے دو|رہنے دیں|چھوڑو|کچھ نہیں)",
        "all_right",
    ),
    _rule(
        r"(?:مجھے )?(?:ایک )?(?:(?:تقریباً )?(?P<count>[\d,]+) ?(?:الفاظ|لفظوں|لفظ) (?:کی|میں|پر مشتمل) )?(?:ایک )?(?:کوئی )?(?:\S+ )?کہانی(?: (?P<count2>[\d,]+) (?:الفاظ|لفظوں) (?:میں|کی))? (?:سناؤ|سنائیں|سنائیے|سنا دو|سنا دیں|لکھو|لکھیں|بتاؤ)",
        "story",
    ),
    _rule(r"(?:مجھے )?(?:کچھ )?مارک ڈاؤن (?:دکھاؤ|دکھائیں|لکھو|لکھیں|میں لکھو)", "markdown"),
)
