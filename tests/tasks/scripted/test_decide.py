"""Conversations with the policy: what is called, what is said, what becomes of the list."""

import json
from dataclasses import replace
from typing import Any

import pytest

from sidestream.local.model import policy
from sidestream.local.model.conversation import (
    Conversation,
    Exchange,
    Message,
    Step,
    Tool,
    ToolRequest,
)
from sidestream.tasks.scripted import decide
from tests.tasks.scripted.tasklist import NOW, SCHEMAS, TOOLS, Talk, TaskList


def next_step(given: Conversation) -> Step:
    return policy.next_step(given, NOW, decide)


@pytest.fixture(params=[True, False], ids=["history with calls", "history of messages"])
def keeps_calls(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


class TestAdd:
    @pytest.mark.parametrize(
        ("message", "titles"),
        [
            ("Create a task to buy groceries", ["buy groceries"]),
            ("add milk and bread", ["milk", "bread"]),
            ("add buy milk; remind me to call mom", ["buy milk", "call mom"]),
            ("Add a task: Email Bob, Ann and Joe", ["Email Bob, Ann and Joe"]),
            ("please add 'milk and mark it' to my list", ["milk and mark it"]),
            ("Add tasks: a, b and c", ["a", "b", "c"]),
            ("add these tasks:\n- milk\n- call mom", ["milk", "call mom"]),
            ("can you create a new task called Review PR #42?", ["Review PR #42"]),
            ("گروسری خریدنے کا کام شامل کرو", ["گروسری خریدنے"]),
            ("دودھ لانے کا ٹاسک بناؤ", ["دودھ لانے"]),
            ("دودھ اور روٹی شامل کریں", ["دودھ", "روٹی"]),
            ("نیا کام بناؤ: امی کو فون کرنا", ["امی کو فون کرنا"]),
            ("براہ کرم دوائی لینے کا کام فہرست میں شامل کریں۔", ["دوائی لینے"]),
            ("کیا آپ دودھ لانے کا کام شامل کر سکتے ہیں؟", ["دودھ لانے"]),
            ("add دودھ لانا", ["دودھ لانا"]),
            ("buy groceries کا ٹاسک بناؤ", ["buy groceries"]),
        ],
    )
    def test_titles(self, message: str, titles: list[str]) -> None:
        talk = Talk()
        answer = talk.say(message)

        assert talk.tasks.titles == titles
        assert all(f"“{title}”" in answer for title in titles)

    @pytest.mark.parametrize(
        "title", ["ي ك ه", "ی\u0654 کۂ", "دودھ\u200cوالا", "e\u0301te\u0301", "a  b", "🥛 و 🍞"]
    )
    def test_title_keeps_its_bytes(self, title: str) -> None:
        talk = Talk()
        talk.say(f"“{title}” شامل کرو")
        talk.say(f"add a task called {title}")

        assert talk.tasks.titles == [title, title]

    def test_due_date_and_notes(self) -> None:
        talk = Talk()
        talk.say("remind me to call mom tomorrow at 5pm")
        talk.say("add task buy stamps with notes two sheets")

        first, second = talk.tasks.tasks.values()
        assert (first["title"], first["due_at"]) == ("call mom", "2026-11-21T17:00:00")
        assert (second["title"], second["notes"]) == ("buy stamps", "two sheets")

    def test_asks_for_a_missing_title(self, keeps_calls: bool) -> None:
        talk = Talk(keeps_calls=keeps_calls)
        assert talk.say("add a task") == "What should the task be called?"
        talk.say("water the plants")

        assert talk.tasks.titles == ["water the plants"]

    @pytest.mark.parametrize(
        ("message", "title", "due"),
        [
            ("add call mom in two days", "call mom", "2026-11-22"),
            ("add pay the rent on Friday", "pay the rent", "2026-11-27"),
            ("add Friday prayers", "Friday prayers", None),
            ("کل دودھ لانا شامل کرو", "دودھ لانا", "2026-11-21"),
            ("جمعے کو امی کو فون کرنا شامل کرو", "امی کو فون کرنا", "2026-11-27"),
            ("آج کا اخبار خریدنا شامل کرو", "آج کا اخبار خریدنا", None),
            ("doodh khareedna add karo", "doodh khareedna", None),
        ],
    )
    def test_days_in_the_words(self, message: str, title: str, due: str | None) -> None:
        talk = Talk()
        talk.say(message)

        (added,) = talk.tasks.tasks.values()
        assert (added["title"], added["due_at"]) == (title, due)


class TestPlan:
    @pytest.mark.parametrize(
        ("message", "start"),
        [
            ("Plan my day", "Start with “rent”"),
            ("Show me my tasks and help me plan my day", "Start with “rent”"),
            ("What should I do first?", "Start with “rent”"),
            ("میرا دن ترتیب دیں", "“rent” سے شروع کریں"),
            ("میرے کام دکھاؤ اور دن ترتیب دینے میں مدد کرو", "“rent” سے شروع کریں"),
            ("mera din plan karo", "“rent” سے شروع کریں"),
        ],
    )
    def test_what_is_due_comes_first(self, message: str, start: str) -> None:
        talk = Talk(TaskList.of("milk", done=("old",)))
        talk.tasks.add("tax", due_at="2026-11-25T09:00:00Z")
        talk.tasks.add("rent", due_at="2026-11-19T09:00:00Z")
        heading, *lines, blank, end = talk.say(message).splitlines()

        assert "3" in heading
        assert blank == ""
        assert [line.split(" · ")[0] for line in lines] == ["1. rent", "2. tax", "3. milk"]
        assert end.startswith(start)
        assert len(talk.steps) == 1

    def test_dates_are_said_as_they_are_from_today(self) -> None:
        talk = Talk()
        talk.tasks.add("late", due_at="2026-11-19T09:00:00Z")
        talk.tasks.add("now", due_at="2026-11-20T09:00:00Z")
        talk.tasks.add("soon", due_at="2026-11-21T09:00:00Z")
        lines = talk.say("plan my day").splitlines()[1:-2]

        assert [line.split(" · ")[1] for line in lines] == [
            "overdue since 2026-11-19",
            "due today",
            "due 2026-11-21",
        ]

    def test_numbers_are_those_of_the_plan(self) -> None:
        talk = Talk(TaskList.of("milk"))
        talk.tasks.add("rent", due_at="2026-11-19T09:00:00Z")
        talk.say("plan my day")
        talk.say("the first one is done")

        assert talk.tasks.done == ["rent"]

    def test_an_empty_list_leaves_the_day_free(self) -> None:
        assert Talk().say("plan my day").startswith("Nothing is left on your list")


class TestUndo:
    @pytest.mark.parametrize("undo", ["undo that", "Undo", "یہ واپس کرو", "wapas karo"])
    @pytest.mark.parametrize(
        "message",
        ["add eggs", "add eggs, flour and tea", "complete milk", "delete milk", "reopen old"],
    )
    def test_the_list_is_as_it_was(self, message: str, undo: str) -> None:
        talk = Talk(TaskList.of("milk", done=("old",)))
        talk.say(message)
        assert (sorted(talk.tasks.titles), talk.tasks.done) != (["milk", "old"], ["old"])
        talk.say(undo)

        assert (sorted(talk.tasks.titles), talk.tasks.done) == (["milk", "old"], ["old"])

    def test_the_last_change_is_meant(self) -> None:
        talk = Talk()
        talk.say("add eggs")
        talk.say("add tea")
        talk.say("show my tasks")

        assert talk.say("undo that") == "Took “tea” off the list again."
        assert talk.tasks.titles == ["eggs"]

    def test_what_is_not_known_is_said(self) -> None:
        assert Talk().say("undo that") == "There is nothing that I could undo."
        talk = Talk(TaskList.of("milk"))
        talk.say("rename milk to tea")
        assert talk.say("undo that").startswith("I no longer know how “tea” was before")


class TestRead:
    def test_list_marks_what_is_done(self) -> None:
        talk = Talk(TaskList.of("milk", done=("bread",)))

        assert talk.say("show my tasks") == "You have 2 tasks:\n1. milk\n2. bread ✓"

    @pytest.mark.parametrize(
        ("message", "lines"),
        [
            ("what's pending?", ["milk"]),
            ("Show my completed tasks", ["bread ✓"]),
            ("what's on my list", ["milk", "bread ✓"]),
            ("how many tasks do I have?", ["milk", "bread ✓"]),
            ("find milk", ["milk"]),
            ("do I have any tasks about bread?", ["bread ✓"]),
            ("میرے کام دکھاؤ", ["milk", "bread ✓"]),
            ("کون سے کام باقی ہیں؟", ["milk"]),
            ("مکمل کام دکھائیں", ["bread ✓"]),
            ("milk تلاش کرو", ["milk"]),
            ("What is left on my list?", ["milk"]),
            ("میری فہرست میں کیا باقی ہے؟", ["milk"]),
            ("kya baqi hai", ["milk"]),
            ("mere kaam dikhao", ["milk", "bread ✓"]),
        ],
    )
    def test_lines(self, message: str, lines: list[str]) -> None:
        answer = Talk(TaskList.of("milk", done=("bread",))).say(message)

        assert answer.splitlines()[1:] == [f"{n}. {line}" for n, line in enumerate(lines, 1)]

    def test_list_follows_pages(self) -> None:
        talk = Talk(TaskList.of(*(f"task {n}" for n in range(150))))

        assert "150. task 149" in talk.say("show my tasks")

    def test_show_one(self) -> None:
        talk = Talk(TaskList.of("milk", "bread"))
        talk.tasks.tasks["task_2"].update(notes="rye", due_at="2026-12-01T09:00:00Z")

        assert talk.say("show task 2") == (
            "“bread” is not complete yet. It is due 2026-12-01. Notes: rye"
        )


class TestChange:
    @pytest.mark.parametrize(
        "message",
        [
            "Mark the dentist task as complete",
            "I finished the dentist",
            "complete task 2",
            "check off call the dentist",
            "the dentist is done",
            "mark the second one as done",
            "dentist والا کام مکمل کر دو",
            "کام نمبر ۲ مکمل کریں",
            "دوسرا کام مکمل کرو",
            "dentist wala kaam mukammal karo",
            "kaam 2 mukammal karo",
        ],
    )
    def test_complete(self, message: str) -> None:
        talk = Talk(TaskList.of("milk", "call the dentist"))
        talk.say(message)

        assert talk.tasks.done == ["call the dentist"]

    def test_reopen(self) -> None:
        talk = Talk(TaskList.of(done=("milk", "bread")))
        talk.say("mark milk as not done")
        talk.say("bread والا کام دوبارہ کھولو")

        assert talk.tasks.done == []

    @pytest.mark.parametrize(
        "message",
        [
            "rename task 1 to Oat milk",
            "change milk to Oat milk",
            "کام نمبر 1 کا نام بدل کر Oat milk کر دو",
        ],
    )
    def test_rename(self, message: str) -> None:
        talk = Talk(TaskList.of("milk"))
        talk.say(message)

        assert talk.tasks.titles == ["Oat milk"]

    def test_notes_and_due_date(self) -> None:
        talk = Talk(TaskList.of("milk"))
        talk.say("add a note to the milk task: two bottles")
        talk.say("set the due date of milk to 2026-12-24")

        (task,) = talk.tasks.tasks.values()
        assert (task["notes"], task["due_at"]) == ("two bottles", "2026-12-24")

    @pytest.mark.parametrize(
        ("message", "left"),
        [
            ("delete task 3", ["a", "b", "old"]),
            ("delete tasks 1 and 2", ["c", "old"]),
            ("delete all completed tasks", ["a", "b", "c"]),
            ("delete everything", []),
            ("delete a and b", ["c", "old"]),
            ("سب مکمل کام حذف کر دو", ["a", "b", "c"]),
            ("کام نمبر 2 مٹا دو", ["a", "c", "old"]),
            ("kaam 2 delete karo", ["a", "c", "old"]),
        ],
    )
    def test_delete(self, message: str, left: list[str]) -> None:
        talk = Talk(TaskList.of("a", "b", "c", done=("old",)))
        talk.say(message)

        assert talk.tasks.titles == left

    def test_other_endings_are_found_in_the_list(self) -> None:
        talk = Talk(TaskList.of("buy groceries", "دودھ لانا"))
        talk.say("complete the grocery task")
        talk.say("دودھ لانے والا کام مکمل کرو")

        assert talk.tasks.done == ["buy groceries", "دودھ لانا"]

    def test_nothing_found_is_said(self) -> None:
        talk = Talk(TaskList.of("milk"))

        assert talk.say("delete the piano") == "I could not find a task matching “piano”."
        assert talk.say("delete task 9") == "There is no task number 9."
        assert talk.say("پیانو والا کام حذف کرو") == "“پیانو” نام کا کوئی کام نہیں ملا۔"

    def test_it_is_the_task_just_spoken_of(self, keeps_calls: bool) -> None:
        talk = Talk(TaskList.of("milk"), keeps_calls=keeps_calls)
        talk.say("add eggs and mark it as done")
        assert talk.tasks.done == ["eggs"]
        talk.say("delete it")
        assert talk.tasks.titles == ["milk"]

    def test_a_list_is_read_after_what_changes_it(self) -> None:
        talk = Talk()

        assert talk.say("add milk and show my tasks").endswith("You have 1 task:\n1. milk")

    def test_one_call_a_step_when_they_may_not_be_parallel(self) -> None:
        talk = Talk(TaskList.of("milk"), parallel=False)
        talk.say("add a, b and c and delete milk")

        assert [len(step) for step in talk.steps] == [1] * 5
        assert talk.tasks.titles == ["a", "b", "c"]


class TestWhich:
    def test_numbers_are_those_of_the_list_last_shown(self, keeps_calls: bool) -> None:
        talk = Talk(TaskList.of("a", "b", "c"), keeps_calls=keeps_calls)
        talk.say("show my tasks")
        talk.say("delete 1")
        talk.say("delete 2")

        assert talk.tasks.titles == ["c"]

    @pytest.mark.parametrize(
        ("reply", "left"),
        [
            ("2", ["buy milk"]),
            ("the first one", ["sell milk"]),
            ("Sell milk", ["buy milk"]),
            ("both", []),
            ("neither", ["buy milk", "sell milk"]),
            ("دوسرا", ["buy milk"]),
        ],
    )
    def test_answers(self, keeps_calls: bool, reply: str, left: list[str]) -> None:
        talk = Talk(TaskList.of("buy milk", "sell milk"), keeps_calls=keeps_calls)
        assert talk.say("delete milk").endswith("Which one should I delete?")
        talk.say(reply)

        assert talk.tasks.titles == left

    def test_choice_carries_the_rest_of_the_request(self, keeps_calls: bool) -> None:
        talk = Talk(TaskList.of("buy milk", "sell milk"), keeps_calls=keeps_calls)
        talk.say("rename milk to Cheese and wine")
        talk.say("1")

        assert talk.tasks.titles == ["Cheese and wine", "sell milk"]

    def test_same_titles_are_told_apart_by_number(self, keeps_calls: bool) -> None:
        talk = Talk(TaskList.of("milk", "milk"), keeps_calls=keeps_calls)
        talk.say("delete milk")
        talk.say("2")

        assert list(talk.tasks.tasks) == ["task_1"]

    def test_urdu_question(self, keeps_calls: bool) -> None:
        talk = Talk(TaskList.of("دودھ لانا", "دودھ ابالنا"), keeps_calls=keeps_calls)
        assert talk.say("دودھ والا کام مکمل کرو").endswith("کون سا مکمل کروں؟")

        assert talk.say("2") == "“دودھ ابالنا” مکمل کر دیا۔"

    def test_another_request_is_not_an_answer(self) -> None:
        talk = Talk(TaskList.of("buy milk", "sell milk"))
        talk.say("delete milk")
        talk.say("add eggs")

        assert talk.tasks.titles == ["buy milk", "sell milk", "eggs"]

    def test_the_one_that_can_be_completed_needs_no_question(self) -> None:
        talk = Talk(TaskList.of("buy milk", done=("sell milk",)))
        talk.say("complete milk")

        assert talk.tasks.done == ["buy milk", "sell milk"]

    def test_only_one_question_at_a_time(self) -> None:
        talk = Talk(TaskList.of("milk a", "milk b", "dog a", "dog b"))
        answer = talk.say("delete milk and complete dog")

        assert answer.splitlines()[0].startswith("More than one task matches “dog” too")
        assert talk.say("1") == "Deleted “milk a”."


class TestTrouble:
    def test_tool_errors_are_told(self) -> None:
        talk = Talk(replace(TaskList.of("milk"), broken=frozenset({"add_task", "search_tasks"})))

        assert talk.say("add eggs") == "I could not add “eggs”: the database is away"
        assert talk.say("delete milk") == "I could not read your tasks: the database is away"

    @pytest.mark.parametrize(
        "output",
        [
            "The task service cannot be reached right now. Nothing was changed.",
            "An error occurred while running the tool. Please try again. Error: boom",
            '{"type": "about:blank", "title": "Conflict", "status": 409, "detail": "No."}',
            '{"isError": true, "content": [{"type": "text", "text": "No."}]}',
            '{"error": "No."}',
        ],
    )
    def test_errors_in_any_form(self, output: str) -> None:
        exchange = Exchange(ToolRequest("add_task", {"title": "milk"}), output)
        items = (Message("user", "add milk"), exchange)

        said = next_step(Conversation("", items, TOOLS)).text
        assert said.startswith("I could not add “milk”: ")

    @pytest.mark.parametrize(
        ("deletions", "said"),
        [(["milk"], "Deleted “milk”."), ([], "All right, I have left them as they are.")],
    )
    def test_goes_on_after_a_card(self, deletions: list[str], said: str) -> None:
        delete = ToolRequest("delete_task", {"task_id": "t1"})
        items: list[Message | Exchange] = [
            Message("user", "delete everything"),
            Exchange(delete, '{"id": "t1", "title": "milk", "status": "held"}'),
            Message("user", "The person answered a question on a card:\nDelete? -> Delete them"),
            *(Exchange(delete, json.dumps({"id": "t1", "title": t})) for t in deletions),
        ]

        assert next_step(Conversation("", tuple(items), TOOLS)) == Step(text=said)

    def test_a_chosen_tool_takes_unclear_words(self) -> None:
        items: tuple[Message | Exchange, ...] = (Message("user", "دودھ والی چائے"),)
        step = next_step(Conversation("", items, TOOLS, forced="add_task"))
        assert step.calls == (ToolRequest("add_task", {"title": "دودھ والی چائے"}),)

        items = (*items, Exchange(step.calls[0], '{"id": 1, "title": "دودھ والی چائے"}'))
        assert next_step(Conversation("", items, TOOLS)).text.startswith("“دودھ والی چائے”")

    def test_without_tools_it_says_so(self) -> None:
        talk = Talk(tools=())

        assert talk.say("add milk") == "I have not been given a tool for that."
        assert talk.say("hello").startswith("Hello!")

    def test_list_stands_in_for_a_missing_search(self) -> None:
        tools = tuple(tool for tool in TOOLS if tool.name != "search_tasks")
        talk = Talk(TaskList.of("milk", "bread"), tools=tools)
        talk.say("delete the bread task")

        assert talk.tasks.titles == ["milk"]

    def test_schema_decides_the_argument_names(self) -> None:
        schema = {
            "properties": {
                "name": {"type": "string"},
                "due": {"type": ["string", "null"]},
                "priority": {"type": "integer"},
            },
            "required": ["name", "due", "priority"],
        }
        given = Conversation("", (Message("user", "add milk"),), (Tool("add_task", schema),))

        (call,) = next_step(given).calls
        assert call == ToolRequest("add_task", {"name": "milk", "due": None, "priority": 0})


class TestTalk:
    @pytest.mark.parametrize(
        ("message", "start"),
        [
            ("hello", "Hello!"),
            ("thanks!", "You are welcome"),
            ("who are you?", "I am Sidestream’s scripted model"),
            ("What can you do?", "I can add, list, show"),
            ("سلام", "السلام علیکم"),
            ("شکریہ", "خوش آمدید"),
            ("آپ کون ہیں؟", "میں Sidestream کا"),
            ("آپ کیا کر سکتے ہیں؟", "میں نام یا نمبر سے"),
            ("how's the weather?", "I did not understand “how's the weather”"),
            ("موسم کیسا ہے", "میں “موسم کیسا ہے” نہیں سمجھ سکا"),
            ("", "Hello!"),
        ],
    )
    def test_answers(self, message: str, start: str) -> None:
        assert Talk().say(message).startswith(start)

    def test_remembers_what_was_said(self) -> None:
        talk = Talk()
        talk.say("my name is Sara")
        talk.say("سلام")

        assert talk.say("what is my name?") == "Your name is Sara."
        assert talk.say("میرا نام کیا ہے؟") == "آپ کا نام Sara ہے۔"
        assert talk.say("what did I just ask?") == "You just said: “میرا نام کیا ہے؟”"
        assert talk.say("میرا پہلا پیغام کیا تھا؟") == "آپ کا پہلا پیغام یہ تھا: “my name is Sara”"

    def test_does_not_know_what_was_not_said(self) -> None:
        assert Talk().say("what is my name?") == "You have not told me your name yet."
        assert Talk().say("what did I just ask?").startswith("This is the first message")

    def test_client_context_is_not_speech(self) -> None:
        context = "A message was displayed to the user that the following task was performed:\nx"
        items = (Message("user", "add milk"), Message("user", context))
        step = next_step(Conversation("", items, TOOLS))

        assert [call.arguments for call in step.calls] == [{"title": "milk"}]

    def test_title_of_a_thread(self) -> None:
        given = Conversation(
            "Write a title for the conversation.",
            (Message("user", "دودھ لانے کا ٹاسک بناؤ اور گروسری والا کام مکمل کرو"),),
        )

        assert next_step(given).text == "دودھ لانے کا ٹاسک بناؤ اور"


@pytest.mark.parametrize(
    "wrap",
    [
        lambda task: json.dumps(task),
        lambda task: json.dumps({"type": "text", "text": json.dumps(task)}),
        lambda task: json.dumps([{"type": "text", "text": json.dumps(task)}]),
        lambda task: json.dumps({"content": [{"type": "text", "text": json.dumps(task)}]}),
        lambda task: json.dumps({"task": task}),
        lambda _: "done",
    ],
)
def test_outputs_are_read_in_any_wrapping(wrap: Any) -> None:
    request = ToolRequest("add_task", {"title": "milk"})
    output = wrap({"id": 3, "title": "milk"})
    items = (Message("user", "add milk"), Exchange(request, output))

    assert next_step(Conversation("", items, TOOLS)).text == "Added “milk”."


def test_every_tool_of_the_list_is_used() -> None:
    talk = Talk(TaskList.of("milk"))
    for message in ("add x", "list", "show milk", "rename x to y", "complete y", "delete y"):
        talk.say(message)

    assert {name for name, _ in talk.tasks.calls} == set(SCHEMAS)
