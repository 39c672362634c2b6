"""What is sent: a conversation in any state comes out whole, for each kind of provider."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from openai.types.responses import ResponseFunctionToolCall, ResponseReasoningItem

from sidestream.chat.model.sent.conversation import UNKNOWN_OUTPUT, read
from sidestream.chat.model.sent.ids import COMMON, NINE, CallIds, short_id
from sidestream.chat.model.sent.items import items_of
from sidestream.chat.model.sent.messages import messages_of
from sidestream.chat.model.sent.origins import origins
from sidestream.chat.model.sent.providers import Provider

type Item = dict[str, Any]

ELSEWHERE = "http://127.0.0.1:8080/v1"
OPENAI = "https://api.openai.com/v1"


def user(text: str) -> Item:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def note(text: str) -> Item:
    return {**user(text), "role": "developer"}


def said(text: str) -> Item:
    return {"type": "message", "role": "assistant", "content": text}


def call(call_id: str, arguments: Any = "{}", **origin: Any) -> Item:
    made = {"type": "function_call", "call_id": call_id, "name": "look", "arguments": arguments}
    return made | ({"provider_data": origin} if origin else {})


def output(call_id: str, text: str = "{}") -> Item:
    return {"type": "function_call_output", "call_id": call_id, "output": text}


def sent(given: Sequence[Any], model: str = "m", base_url: str = ELSEWHERE) -> list[Item]:
    provider = Provider(base_url, model)
    return messages_of(read(given, provider), provider)


def roles(written: Sequence[Item]) -> str:
    """The roles of messages, a letter each: `c` is the assistant with calls."""
    letters = {"user": "u", "tool": "t", "developer": "d"}
    return "".join(letters.get(m["role"], "c" if m.get("tool_calls") else "a") for m in written)


class TestOrder:
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ([user("1"), said("2"), user("3")], "uau"),
            ([user("1"), call("a"), output("a"), said("2"), user("3")], "uctau"),
            # The answer broke off behind its call, or was a click of the person.
            ([user("1"), call("a"), output("a"), user("3")], "uctau"),
            # No word came.
            ([user("1"), user("3")], "uau"),
            ([user("1"), note("stopped"), user("3")], "uau"),
            ([user("1"), call("a"), output("a"), note("stopped"), user("3")], "uctau"),
            ([user("1"), said("2"), call("a"), output("a")], "uct"),
            ([user("1"), said("2"), said("3"), user("4")], "uau"),
            # Two in one step, and one after the other.
            ([user("1"), call("a"), call("b"), output("a"), output("b")], "uctt"),
            ([user("1"), call("a"), output("a"), call("b"), output("b")], "uctct"),
            # The window begins in the middle.
            ([call("a"), output("a"), said("2"), user("3")], "uctau"),
            ([user("1"), said("2")], "uau"),
            ([user("1"), said("2"), note("more")], "uau"),
            ([user("1"), note("more"), call("a"), output("a")], "uct"),
            ([user("1"), call("a"), output("a"), note("more"), call("b"), output("b")], "uctauct"),
            ([], ""),
        ],
    )
    def test_strict_templates_take_it(self, given: list[Item], expected: str) -> None:
        assert roles(sent(given)) == expected

    def test_a_note_is_marked_in_the_next_message_of_the_person(self) -> None:
        written = sent([user("1"), said("2"), note("stopped"), user("3")])
        assert written[-1] == {"role": "user", "content": "<note>stopped</note>\n\n3"}

    @pytest.mark.parametrize("host", ["api.openai.com", "eu.api.openai.com"])
    def test_openai_has_developers_and_any_order(self, host: str) -> None:
        given = [user("1"), call("a"), output("a"), note("stopped"), user("3")]
        written = sent(given, base_url=f"https://{host}/v1")
        assert roles(written) == "uctdu"

    def test_a_host_that_only_sounds_like_it_does_not(self) -> None:
        given = [user("1"), note("stopped"), user("3")]
        assert roles(sent(given, base_url="https://api.openai.com.example/v1")) == "uau"

    def test_text_alone_is_a_string_and_files_are_parts(self) -> None:
        image = {"type": "input_image", "image_url": "data:image/png;base64,AA", "detail": "auto"}
        file = {"type": "input_file", "file_data": "data:application/pdf;base64,AA"}
        written = sent([{**user("see"), "content": [*user("see")["content"], image, file]}])
        assert sent([user("see")])[0]["content"] == "see"
        assert [part["type"] for part in written[0]["content"]] == ["text", "image_url", "file"]


class TestCalls:
    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ('{"title": "دودھ"}', {"title": "دودھ"}),
            ("", {}),
            (None, {}),
            ('"milk"', {}),
            ("[1]", {}),
            ('{"title": "mil', {}),
            ('{"a": NaN}', {}),
            ('{"a": 1e999}', {}),
            ('{"a": ' + "[" * 3_000 + "]" * 3_000 + "}", {}),
            ({"title": "milk"}, {"title": "milk"}),
            ('{"title": "\\ud83d\\ude00"}', {"title": "😀"}),
            ('{"title": "\\ud83d"}', {"title": "\N{REPLACEMENT CHARACTER}"}),
        ],
    )
    def test_arguments_are_an_object(self, arguments: Any, expected: Item) -> None:
        [asked, *_] = sent([user("1"), call("a", arguments), output("a")])[1:]
        written = asked["tool_calls"][0]["function"]["arguments"]
        assert json.loads(written) == expected
        written.encode()

    def test_a_call_without_output_has_one_and_an_output_without_a_call_goes(self) -> None:
        given = [user("1"), output("x"), call("a"), call("b"), output("b", "B"), user("2")]
        written = sent(given)
        assert roles(written) == "ucttau"
        assert [m["content"] for m in written[2:4]] == [UNKNOWN_OUTPUT, "B"]

    def test_outputs_stand_in_the_order_of_the_calls(self) -> None:
        given = [user("1"), call("a"), call("b"), output("b", "B"), output("a", "A")]
        written = sent(given)
        assert [(m["tool_call_id"], m["content"]) for m in written[2:]] == [("a", "A"), ("b", "B")]

    def test_an_id_that_is_used_again_is_another_one(self) -> None:
        given = [user("1"), call("call_0"), output("call_0", "A"), said("2"), user("3")]
        given += [call("call_0"), output("call_0", "B")]
        written = sent(given)
        first, second = (m["tool_calls"][0]["id"] for m in written if m.get("tool_calls"))
        assert first == "call_0"
        assert NINE.fullmatch(second)
        assert [m["tool_call_id"] for m in written if m["role"] == "tool"] == [first, second]

    @pytest.mark.parametrize(
        ("call_id", "model", "made_by", "kept"),
        [
            ("call_abc", "m", "m", True),
            ("functions.add_task:0", "kimi-k2.6", "kimi-k2.6", True),
            ("call_1__thought__" + "QUJD" * 40, "gemini-3", "gemini-3", True),
            ("call_abc", "m", "other", False),
            ("call_abc", "m", "", False),  # stored before it was kept who made it, or a click
            ("call_" + "x" * 36, "m", "m", False),
            ("call_abc", "mistral-small", "mistral-small", False),
            ("abc123DEF", "devstral-2", "devstral-2", True),
            ("", "m", "m", False),
        ],
    )
    def test_an_id_goes_back_where_it_fits(
        self, call_id: str, model: str, made_by: str, kept: bool
    ) -> None:
        given = [user("1"), call(call_id, model=made_by), output(call_id)]
        [asked, told] = sent(given, model)[1:]
        written = asked["tool_calls"][0]["id"]
        assert (written == call_id) is kept
        assert kept or NINE.fullmatch(written)
        assert told["tool_call_id"] == written

    def test_ids_are_the_same_on_every_sending(self) -> None:
        short, longer = CallIds(COMMON), CallIds(COMMON)
        given = ["call_run_1", "call_run_1", "x" * 99]
        before = [short.give(each, own=False) for each in given]
        after = [longer.give(each, own=False) for each in [*given, "more"]]
        assert after[:3] == before
        assert len(set(after)) == 4
        assert all(NINE.fullmatch(each) for each in after)

    def test_short_ids_differ(self) -> None:
        assert len({short_id(str(number)) for number in range(10_000)}) == 10_000


class TestThoughts:
    THOUGHT: Item = {  # noqa: RUF012
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "Hm."}],
        "provider_data": {"model": "deepseek-v4", "field": "reasoning_content"},
    }

    def _thought(self, model: str, **kept: Any) -> Item:
        data = {"field": "reasoning_content", **kept, "model": model}
        return {**self.THOUGHT, "provider_data": data}

    def _given(self, thought: Item) -> list[Item]:
        made_by = thought["provider_data"]["model"]
        return [user("1"), thought, call("a", model=made_by), output("a"), said("2"), user("3")]

    @pytest.mark.parametrize("model", ["deepseek-v4", "kimi-k2.6", "some-thinker"])
    def test_they_go_back_to_who_had_them(self, model: str) -> None:
        thought = self._thought(model)
        written = sent(self._given(thought), model)
        assert written[1]["reasoning_content"] == "Hm."

    def test_they_go_to_nobody_else(self) -> None:
        written = sent(self._given(self.THOUGHT), "some-thinker")
        assert not [m for m in written if "reasoning_content" in m]

    def test_who_wants_some_gets_some_with_all_that_it_said(self) -> None:
        written = sent(self._given(self.THOUGHT), "kimi-k2.6")
        assert all(m["reasoning_content"] for m in written if m["role"] == "assistant")
        assert "Hm." not in str(written)

    def test_the_name_of_the_field_is_the_one_it_came_with(self) -> None:
        thought = self._thought("m", field="reasoning")
        [_, asked, *_] = sent(self._given(thought))
        assert asked["reasoning"] == "Hm."
        assert "reasoning_content" not in asked

    @pytest.mark.parametrize("name", ["thinking_blocks", "reasoning_details"])
    def test_signed_thoughts_go_back_as_they_came(self, name: str) -> None:
        parts = [{"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}]
        thought = self._thought("m", **{name: parts})
        [_, asked, *_] = sent(self._given(thought))
        assert asked[name] == parts
        assert "reasoning_content" not in asked

    def test_gemini_reads_its_signature_or_that_there_is_none(self) -> None:
        extra = {"google": {"thought_signature": "c2ln"}}
        given = [user("1"), call("a", model="gemini-3", extra_content=extra), output("a")]
        given += [call("b", model=""), call("c", model=""), output("b"), output("c")]
        steps = [m["tool_calls"] for m in sent(given, "gemini-3") if m.get("tool_calls")]
        signed = [[c.get("extra_content", {}).get("google") for c in step] for step in steps]
        placeholder = {"thought_signature": "skip_thought_signature_validator"}
        assert signed == [[{"thought_signature": "c2ln"}], [placeholder, None]]
        assert "extra_content" not in str(sent(given, "m"))


class TestItems:
    """The Responses API."""

    def _sent(self, given: Sequence[Any], base_url: str = ELSEWHERE) -> list[Any]:
        provider = Provider(base_url, "m")
        return items_of(read(given, provider), provider)

    def test_order_and_ids_are_those_of_the_other_api(self) -> None:
        given = [
            user("1"),
            call("x" * 50, '"milk"', model=""),
            output("x" * 50),
            note("n"),
            user("2"),
        ]
        written = self._sent(given)
        kinds = [item.get("role") or item["type"] for item in written]
        assert kinds == ["user", "function_call", "function_call_output", "assistant", "user"]
        assert written[1]["call_id"] == written[2]["call_id"]
        assert NINE.fullmatch(written[1]["call_id"])
        assert written[1]["arguments"] == "{}"
        assert "provider_data" not in str(written)

    def test_what_a_run_has_gathered_goes_back_as_it_came(self) -> None:
        thought = {"type": "reasoning", "id": "rs_1", "summary": []}
        message = {**said("Look."), "id": "msg_1", "status": "completed"}
        made = {**call("call_1"), "id": "fc_1", "status": "completed"}
        given = [user("1"), thought, message, made, output("call_1")]
        assert self._sent(given, OPENAI)[1:] == given[1:]

    def test_a_thought_of_an_earlier_run_stands_for_itself(self) -> None:
        thought = {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [],
            "provider_data": {"model": "m"},
        }
        given = [user("1"), thought, call("a", model="m"), output("a"), said("2"), user("3")]
        whole = {**thought, "encrypted_content": "xyz"}
        assert "rs_1" not in str(self._sent(given, OPENAI))
        assert self._sent([user("1"), whole, *given[2:]], OPENAI)[1] == {
            "type": "reasoning",
            "summary": [],
            "encrypted_content": "xyz",
        }
        assert self._sent(given)[1] == {"type": "reasoning", "id": "rs_1", "summary": []}


class TestOrigins:
    def test_a_call_keeps_what_came_before_it(self) -> None:
        thought = ResponseReasoningItem(
            id="rs_1", type="reasoning", summary=[], provider_data={"field": "reasoning"}
        )
        extra = {"google": {"thought_signature": "c2ln"}}
        first = ResponseFunctionToolCall(
            type="function_call",
            call_id="a",
            name="look",
            arguments="{}",
            provider_data={"extra_content": extra},
        )
        second = first.model_copy(update={"call_id": "b", "provider_data": None})
        kept = {
            "id": "rs_1",
            "type": "reasoning",
            "summary": [],
            "provider_data": {"field": "reasoning", "model": "m"},
        }
        assert origins([thought, first, second], "m", 3) == {
            "a": {
                "step": 3,
                "provider_data": {"extra_content": extra, "model": "m"},
                "reasoning": [kept],
            },
            "b": {"step": 3, "provider_data": {"model": "m"}},
        }


class TestUnicode:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("a\ud83d", "a\ufffd"),
            ("\ud83d\ude00", "😀"),
            ("\ude00a", "\ufffda"),
            ("a\0b", "a\ufffdb"),
        ],
    )
    def test_nothing_invalid_leaves(self, text: str, expected: str) -> None:
        given = [user(text), said(text), call("a", {"t": text}), output("a", text)]
        written = json.dumps(sent(given), ensure_ascii=False).encode().decode()
        assert written.count(expected) == 4


@pytest.mark.parametrize("base_url", [ELSEWHERE, OPENAI])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("look", "look"),
        ("functions.look:0", "functions_look_0"),
        ("look up! \u00e4", "look_up___"),
        ("x" * 5_000, "x" * 64),
        ("", "unnamed"),
    ],
)
def test_a_name_that_was_no_tools_is_one_that_is_taken(
    name: str, expected: str, base_url: str
) -> None:
    """`string does not match pattern '^[a-zA-Z0-9_-]+$'`, with which OpenAI ends a thread."""
    given: list[Any] = [user("1"), {**call("a"), "name": name}, output("a")]
    [called] = sent(given, base_url=base_url)[1]["tool_calls"]
    assert called["function"]["name"] == expected
    provider = Provider(base_url, "m")
    assert items_of(read(given, provider), provider)[1]["name"] == expected


def test_every_item_says_its_type() -> None:
    """llama.cpp answers `Cannot determine type of 'item'` to one that does not."""
    provider = Provider(ELSEWHERE, "m")
    given: list[Any] = [user("a"), call("1"), output("1"), note("broke off"), user("b")]
    written = items_of(read(given, provider), provider)
    assert [item["type"] for item in written].count("message") == 3
