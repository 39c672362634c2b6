"""The model under openai-agents, as the product runs it: both protocols, both languages."""

import json
from typing import Any

import pytest
from agents import (
    Agent,
    FunctionTool,
    Model,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    RunConfig,
    Runner,
    TResponseInputItem,
)
from agents.tool_context import ToolContext
from openai import AsyncOpenAI

from sidestream.local.model import ScriptedModelServer
from tests.tasks.scripted.tasklist import SCHEMAS, TaskList


class Assistant:
    """An agent with the task tools, and its conversation so far."""

    def __init__(self, model: Model) -> None:
        self.tasks = TaskList()
        tools = [self._tool(name, schema) for name, schema in SCHEMAS.items()]
        self._agent: Agent[None] = Agent(
            name="tasks", instructions="You manage tasks.", model=model, tools=[*tools]
        )
        self._items: list[TResponseInputItem] = []

    async def say(self, message: str) -> str:
        """Runs a run; what the deltas make up must be the answer."""
        given: list[TResponseInputItem] = [*self._items, {"role": "user", "content": message}]
        run = Runner.run_streamed(self._agent, given, run_config=RunConfig(tracing_disabled=True))
        streamed = ""
        async for event in run.stream_events():
            if (
                event.type == "raw_response_event"
                and event.data.type == "response.output_text.delta"
            ):
                streamed += event.data.delta
        self._items = run.to_input_list()
        assert streamed == run.final_output
        return streamed

    def _tool(self, name: str, schema: dict[str, Any]) -> FunctionTool:
        async def invoke(_: ToolContext[Any], arguments: str) -> str:
            return self.tasks.run(name, json_object(arguments))

        return FunctionTool(
            name=name,
            description=name,
            params_json_schema=schema,
            on_invoke_tool=invoke,
            strict_json_schema=False,
        )


def json_object(text: str) -> dict[str, Any]:
    decoded = json.loads(text)
    assert isinstance(decoded, dict)
    return decoded


@pytest.fixture(params=[OpenAIResponsesModel, OpenAIChatCompletionsModel])
async def assistant(request: pytest.FixtureRequest, client: AsyncOpenAI) -> Assistant:
    return Assistant(request.param("gpt-5.6-luna", client))


async def test_english_conversation(assistant: Assistant) -> None:
    assert await assistant.say("Create a task to buy groceries") == "Added “buy groceries”."
    assert assistant.tasks.titles == ["buy groceries"]

    answer = await assistant.say("Mark the groceries task as complete")
    assert answer == "Marked “buy groceries” as complete."
    assert assistant.tasks.done == ["buy groceries"]

    assert await assistant.say("Delete the groceries task") == "Deleted “buy groceries”."
    assert assistant.tasks.titles == []


async def test_urdu_conversation(assistant: Assistant) -> None:
    title = "گروسری\u200cخریدنے"  # the zero-width non-joiner must survive
    assert await assistant.say(f"{title} کا کام شامل کرو") == f"“{title}” شامل کر دیا۔"
    assert assistant.tasks.titles == [title]

    assert f"1. {title}" in await assistant.say("میرے کام دکھاؤ")

    assert await assistant.say("کام نمبر 1 مکمل کر دو") == f"“{title}” مکمل کر دیا۔"
    assert assistant.tasks.done == [title]

    assert await assistant.say("گروسری والا کام حذف کرو") == f"“{title}” حذف کر دیا۔"
    assert assistant.tasks.titles == []


async def test_five_turns_keep_their_context(assistant: Assistant) -> None:
    await assistant.say("My name is Sara")
    await assistant.say("add milk and bread")
    await assistant.say("show my tasks")
    await assistant.say("complete the second one")
    assert assistant.tasks.done == ["bread"]
    assert await assistant.say("What is my name?") == "Your name is Sara."
    assert await assistant.say("what was my first message?") == (
        "Your first message was: “My name is Sara”"
    )


async def test_choice_between_two(assistant: Assistant) -> None:
    await assistant.say("add buy milk; add sell milk")
    question = await assistant.say("delete milk")
    assert question.splitlines() == [
        "2 tasks match “milk”:",
        "1. buy milk",
        "2. sell milk",
        "Which one should I delete?",
    ]
    assert await assistant.say("the second one") == "Deleted “sell milk”."
    assert assistant.tasks.titles == ["buy milk"]


async def test_calls_of_one_step_run_together(
    assistant: Assistant, model: ScriptedModelServer
) -> None:
    assistant.tasks = TaskList.of("call the dentist")
    await assistant.say("add milk and mark the dentist as done")

    assert [name for name, _ in assistant.tasks.calls] == [
        "add_task",
        "search_tasks",
        "complete_task",
    ]
    assert len(model.requests) == 3
