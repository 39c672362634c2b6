"""The language for any tools: lines that are calls, steps, and the words at the end."""

import json
from typing import Any

import pytest
from openai import AsyncOpenAI
from openai.types.responses import FunctionToolParam, Response, ResponseFunctionToolCall

from sidestream.local.model import ModelSettings, ScriptedModelServer

NAMES = ("open_ticket", "close-ticket")
TOOLS: list[FunctionToolParam] = [
    {"type": "function", "name": name, "parameters": {"type": "object"}, "strict": False}
    for name in NAMES
]


class Tickets:
    """A conversation with a model that knows no domain; each call is answered with "ok"."""

    def __init__(self, client: AsyncOpenAI) -> None:
        self._client = client
        self.items: list[Any] = []
        self.steps: list[list[tuple[str, Any]]] = []

    async def say(self, message: str, **request: Any) -> str:
        self.items.append({"role": "user", "content": message})
        self.steps = []
        for _ in range(8):
            response = await self._ask(**request)
            calls = [item for item in response.output if item.type == "function_call"]
            if not calls:
                return response.output_text
            self.steps.append([(call.name, json.loads(call.arguments)) for call in calls])
            self.answer(*calls)
        raise AssertionError(f"no end: {self.steps}")

    def answer(self, *calls: ResponseFunctionToolCall, output: str = "ok") -> None:
        for call in calls:
            self.items += [
                call.model_dump(exclude_none=True),
                {"type": "function_call_output", "call_id": call.call_id, "output": output},
            ]

    async def _ask(self, **request: Any) -> Response:
        response: Response = await self._client.responses.create(
            model="m", input=self.items, tools=TOOLS, **request
        )
        return response


@pytest.fixture
async def tickets() -> Any:
    async with (
        ScriptedModelServer(ModelSettings(delay_ms=0)) as server,
        AsyncOpenAI(base_url=server.base_url, api_key="any", max_retries=0) as client,
    ):
        yield Tickets(client)


async def test_lines_are_one_step_and_the_last_words_are_the_answer(tickets: Tickets) -> None:
    said = await tickets.say(
        '!open_ticket {"subject": "Schlüssel"}\n!close-ticket\n--\n'
        '!open_ticket {"subject": "b"}\nBoth are\nopen.'
    )

    assert said == "Both are\nopen."
    assert tickets.steps == [
        [("open_ticket", {"subject": "Schlüssel"}), ("close-ticket", {})],
        [("open_ticket", {"subject": "b"})],
    ]


async def test_it_is_followed_again_in_the_next_message(tickets: Tickets) -> None:
    await tickets.say("!open_ticket {}")
    await tickets.say("!close-ticket {}")

    assert tickets.steps == [[("close-ticket", {})]]


@pytest.mark.parametrize(("earlier", "said"), [("hello", "Done."), ("سلام", "ہو گیا۔")])
async def test_without_words_it_says_that_it_is_done(
    tickets: Tickets, earlier: str, said: str
) -> None:
    await tickets.say(earlier)

    assert await tickets.say("!open_ticket {}") == said


async def test_calls_come_one_by_one_when_they_may_not_be_parallel(tickets: Tickets) -> None:
    await tickets.say(
        '!open_ticket {"n": 1}\n!open_ticket {"n": 2}\n--\n!open_ticket {"n": 3}',
        parallel_tool_calls=False,
    )

    assert [arguments["n"] for ((_, arguments),) in tickets.steps] == [1, 2, 3]


@pytest.mark.parametrize(
    ("message", "start"),
    [
        ("!fly_away {}", "There is no tool “fly_away” here. The tools are: `open_ticket`, `close-"),
        ("!open_ticket {oops", "What follows “!open_ticket” has to be a JSON object"),
        ("!open_ticket [1]", "What follows “!open_ticket” has to be a JSON object"),
        ("!open_ticket {}\n!fly_away {}", "There is no tool “fly_away” here."),
    ],
)
async def test_what_cannot_be_called_is_said_and_nothing_is(
    tickets: Tickets, message: str, start: str
) -> None:
    assert (await tickets.say(message)).startswith(start)
    assert tickets.steps == []


@pytest.mark.parametrize(
    ("calls", "said"), [(1, "They are gone."), (0, "All right, I have left them as they are.")]
)
async def test_a_card_ends_it(tickets: Tickets, calls: int, said: str) -> None:
    call = ResponseFunctionToolCall(
        type="function_call", call_id="c1", name="close-ticket", arguments="{}"
    )
    tickets.items = [
        {"role": "user", "content": "!close-ticket {}\n--\n!open_ticket\nThey are gone."}
    ]
    tickets.answer(call, output='{"status": "held"}')
    tickets.items.append(
        {"role": "user", "content": "The person answered a question on a card:\nClose? -> Yes"}
    )
    tickets.answer(*[call.model_copy(update={"call_id": "c2"})][:calls])
    response = await tickets._ask()

    assert response.output_text == said


async def test_a_note_of_the_application_is_no_message(tickets: Tickets) -> None:
    call = ResponseFunctionToolCall(
        type="function_call", call_id="c1", name="close-ticket", arguments="{}"
    )
    tickets.items = [{"role": "user", "content": "!close-ticket {}\nIt is closed."}]
    tickets.answer(call)
    tickets.items.append({"role": "user", "content": "<note>A card was filled in.</note>"})
    tickets.answer(call.model_copy(update={"call_id": "c2"}))
    response = await tickets._ask()

    assert response.output_text == "It is closed."


@pytest.mark.parametrize(
    "message", ["great!", "! open_ticket", "hello\n!open_ticket {}", "!", "!!"]
)
async def test_other_words_are_no_calls(tickets: Tickets, message: str) -> None:
    await tickets.say(message)

    assert tickets.steps == []
