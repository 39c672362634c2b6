"""A tool as its server knows it: the model of its arguments, what it does, what is said of it.

The model of the arguments doubles as the input schema, and its docstring is the description that
the language model reads. In every tool `null` means the same as leaving an argument out, because
some models must name every argument. The owner is never an argument.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from mcp_types import Tool, ToolAnnotations
from pydantic import BaseModel, ConfigDict

from sidestream.time_zone import UTC_ZONE
from sidestream.tool_server.asking import ANSWER_WITHIN_S, Answer, answer_to
from sidestream.tool_server.pages import MAX_PAGE_BYTES


@dataclass(frozen=True, slots=True)
class ToolCall:
    """For whom a tool runs and in which time zone they are, the key under which a repetition of
    this call is recognised, and what a page may come to."""

    user_id: str
    idempotency_key: str | None = None
    answers: Mapping[str, Answer] = field(default_factory=dict)
    time_zone: ZoneInfo = UTC_ZONE
    page_bytes: int = MAX_PAGE_BYTES

    def ask[FormT: BaseModel](self, form: type[FormT], message: str) -> FormT:
        """Ask the person, and give the answer. To be done before anything is changed.

        `form` is a flat model, whose fields are named like arguments of the tool: a client that
        cannot ask is told to pass those. `message` and the titles of the fields are texts of the
        domain's catalogues. Raises what ends the call as long as there is no answer.
        """
        return answer_to(self.answers, form, message)


class Arguments[ThingsT](BaseModel, ABC):
    """What a tool takes, and what it does with it to the things of its domain."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @abstractmethod
    async def run(self, things: ThingsT, call: ToolCall) -> dict[str, Any]:
        """Give the structured result. Raises `Problem`."""


READS: Final = ToolAnnotations(read_only_hint=True, open_world_hint=False)
ADDS: Final = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
)
SETS: Final = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
OVERWRITES: Final = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
)


@dataclass(frozen=True, kw_only=True)
class ServedTool[ThingsT]:
    """A tool, with the JSON Schema of its structured result."""

    name: str
    title: str
    arguments: type[Arguments[ThingsT]]
    annotations: ToolAnnotations
    output: Mapping[str, Any]

    @cached_property
    def listed(self) -> Tool:
        """The tool as `tools/list` gives it."""
        return Tool(
            name=self.name,
            title=self.title,
            description=" ".join((self.arguments.__doc__ or "").split()),
            input_schema=_tidy(self.arguments.model_json_schema()),
            output_schema=dict(self.output),
            annotations=self.annotations,
        )


@dataclass(frozen=True, kw_only=True)
class ToolServer[ThingsT]:
    """A domain's tools, and what their server says of itself.

    `gone` and `broken` are the sentences for people, of the domain's catalogues, when a thing is
    not there and when nobody knows what went wrong; `find` tells the model how to find the right
    id, `look` where to look before it does again what may have been done. `answer_within_s` is how
    long a tool's question can be answered. `catalogues` has the domain's texts in each language.
    """

    name: str
    title: str
    version: str
    instructions: str
    gone: str
    broken: str
    find: str
    look: str
    tools: Sequence[ServedTool[ThingsT]]
    answer_within_s: float = ANSWER_WITHIN_S
    catalogues: Path | None = None

    @cached_property
    def by_name(self) -> Mapping[str, ServedTool[ThingsT]]:
        """The tools by their names."""
        return {tool.name: tool for tool in self.tools}


def _tidy(schema: dict[str, Any]) -> dict[str, Any]:
    """Take away what pydantic adds and a model does not need: titles and the class's docstring."""
    schema.pop("description", None)
    schema.pop("title", None)
    for entry in schema["properties"].values():
        entry.pop("title", None)
        if entry.get("default", ...) is None:
            del entry["default"]
    return schema
