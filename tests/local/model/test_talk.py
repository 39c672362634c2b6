"""What the model says of itself, when nobody has told it of a domain."""

import string
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream.local.model import phrases, remarks, story
from sidestream.local.model.conversation import Conversation, File, Message, Tool
from sidestream.local.model.policy import next_step
from sidestream.local.model.text import fold
from sidestream.local.model.wire import read_message

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def say(*messages: str, files: tuple[File, ...] = ()) -> str:
    """What is answered to the last message; the files are beside it."""
    items = [Message("user", message) for message in messages[:-1]]
    items.append(Message("user", messages[-1], files))
    return next_step(Conversation("", tuple(items), (Tool("open_ticket", {}),)), NOW).text


@pytest.mark.parametrize(
    ("message", "start"),
    [
        ("Hello!", "Hello! What can I do for you?"),
        ("", "Hello!"),
        ("Hi there. Who are you?", "Hello! What can I do for you?\nI am Sidestream’s scripted"),
        ("thanks, bye", "You are welcome!\nGoodbye!"),
        ("what can you do?", "I answer by rule. A line of its own such as `!name"),
        ("say Hello, World", "Hello, World"),
        ("where is Lahore?", "I did not understand “where is Lahore”."),
        ("show me some Markdown", "## Markdown\n\nSome words are **bold**"),
        ("سلام", "السلام علیکم! میں آپ کے لیے کیا کر سکتا ہوں؟"),
        ("آپ کیا کر سکتے ہیں؟", "میں قاعدوں سے جواب دیتا ہوں۔"),
        ("مارک ڈاؤن دکھاؤ", "## مارک ڈاؤن"),
        ("لاہور کہاں ہے؟", "میں “لاہور کہاں ہے” نہیں سمجھ سکا۔"),
    ],
)
def test_answers(message: str, start: str) -> None:
    assert say(message).startswith(start)


def test_help_names_the_tools_and_a_line_that_works() -> None:
    said = say("help")

    assert '`!name {"key": "value"}`' in said
    assert "`open_ticket`" in said


def test_it_remembers_a_name_and_what_was_said() -> None:
    assert say("my name is Sara. hello", "what is my name?") == "Your name is Sara."
    assert say("میرا نام سارہ ہے", "سلام").startswith("السلام علیکم سارہ!")
    assert say("one", "two", "what did I just ask?") == "You just said: “two”"


def test_a_story_of_a_thousand_words() -> None:
    assert len(say("tell me a story of 1,000 words").split()) == 1000


@pytest.mark.parametrize("words", ["", "summarise this for me"])
def test_of_a_text_it_says_what_it_can(words: str) -> None:
    said = say(words, files=(File("notes.txt", "\nfirst line\n\nsecond\n"),))

    assert said.startswith("I have “notes.txt”: 2 lines, the first of them is “first line”.")
    assert "a real model can" in said
    assert "not understand" not in said


@pytest.mark.parametrize(
    ("files", "start"),
    [
        ((File(is_image=True),), "I have the picture, but I am a scripted model and cannot see"),
        ((File(is_image=True),) * 2, "I have the 2 pictures"),
        ((File("a.txt", "x" * 200),), "I have “a.txt”: one line, “" + "x" * 79 + "…”."),
        ((File("a.txt", " \n"),), "I have “a.txt”, and there are no words in it."),
        ((File("a.txt"),), "“a.txt” cannot be read any more."),
        ((File("a", "1"), File(is_image=True)), "I have “a”: one line, “1”."),
    ],
)
def test_of_any_file(files: tuple[File, ...], start: str) -> None:
    assert say("", files=files).startswith(start)


def test_files_in_the_language_of_the_conversation() -> None:
    assert say("سلام", "", files=(File(is_image=True),)).startswith("تصویر مل گئی")
    assert say("یہ کیا ہے؟", files=(File("a.txt", "b\nc"),)).startswith("مجھے “a.txt” مل گئی")


def test_words_that_are_understood_need_no_word_of_the_file() -> None:
    assert say("hello", files=(File("a.txt", "b"),)) == "Hello! What can I do for you?"


def _data(words: str) -> str:
    return f"[Data 0123456789abcdef]\n{words}\n[End of data 0123456789abcdef]"


def test_a_file_is_read_out_of_its_part() -> None:
    label = "Attached file: a (1).txt (text/plain)"
    content = [
        {"type": "input_text", "text": "look"},
        {"type": "input_text", "text": _data(f"{label}\n[x]\ny")},
        {"type": "input_text", "text": _data(f"{label} (no longer there)")},
        {"type": "input_image", "image_url": "data:image/png;base64,AA=="},
    ]
    found = read_message("user", content)

    assert found.text == "look"
    files = (File("a (1).txt", "[x]\ny"), File("a (1).txt"))
    assert found.files == (*files, File(is_image=True))

    # Some servers take text alone, in one string.
    one = "\n\n".join(str(part["text"]) for part in content[:-1])
    assert read_message("user", one) == Message("user", "look", files)


def test_a_thread_that_begins_with_a_file_is_called_by_it() -> None:
    items = (Message("user", "", (File("notes.txt", "x"),)),)

    assert next_step(Conversation("Write a title.", items), NOW).text == "notes.txt"


class TestStory:
    @pytest.mark.parametrize("language", ["en", "ur"])
    @pytest.mark.parametrize("words", [1, 2, 15, 300, 5000])
    def test_has_exactly_that_many_words(self, language: str, words: int) -> None:
        assert len(story.tell(words, language).split()) == words

    def test_is_the_same_every_time(self) -> None:
        assert story.tell(700, "ur") == story.tell(700, "ur")

    def test_has_a_limit(self) -> None:
        assert len(story.tell(10**9, "en").split()) == story.LIMIT_WORDS


def test_languages_have_the_same_phrases_and_blanks() -> None:
    assert phrases.ENGLISH.keys() == phrases.URDU.keys()
    for key, phrase in phrases.ENGLISH.items():
        blanks = [
            {blank for _, blank, _, _ in string.Formatter().parse(text) if blank}
            for text in (phrase, phrases.URDU[key])
        ]
        assert blanks[0] == blanks[1], key


def test_each_topic_has_something_to_say() -> None:
    topics = {remark.topic for remark in (*remarks.ENGLISH, *remarks.URDU)}

    assert topics - {"story", "echo"} <= phrases.ENGLISH.keys()


@given(st.text())
def test_folding_keeps_the_length(text: str) -> None:
    assert len(fold(text)) == len(text)


@given(st.text(max_size=300))
def test_anything_is_answered(message: str) -> None:
    assert say(message) or not message.strip()
