"""Limits: how much of everything the chat takes, tells and keeps.

Each is a setting of `ChatSettings`. What a person sends beyond one is refused with a 4xx problem;
what a model or a tool gives beyond one is cut, refused or ended, and said to be.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator


class Limits(BaseModel):
    """Counts, and sizes in bytes as they are stored or sent: of JSON in UTF-8."""

    model_config = ConfigDict(frozen=True)

    max_message_chars: Annotated[int, Field(ge=1, le=200_000)] = 8_000
    """The words of a message and what stands behind its tags, or the answers to a question."""
    max_content_parts: Annotated[int, Field(ge=1, le=1_000)] = 50
    """Texts and tags of a message."""
    max_answers: Annotated[int, Field(ge=1, le=1_000)] = 100
    """Values that the answers to a question may have in all."""
    max_action_bytes: Annotated[int, Field(ge=1_000, le=1_000_000)] = 64_000
    """What an action of a card carries."""
    max_attachments: Annotated[int, Field(ge=0, le=20)] = 5
    """Files that one message may have."""
    max_attachment_bytes: Annotated[int, Field(ge=1, le=20_000_000)] = 5_000_000
    max_image_pixels: Annotated[int, Field(ge=1, le=1_000_000_000)] = 100_000_000
    """Width times height of an attached image, as the file itself says them."""
    max_item_bytes: Annotated[int, Field(ge=200_000, le=5_000_000)] = 256_000
    """An item of a conversation, as it is stored. A quarter is for the arguments of tool calls, and
    a quarter for what they came with."""
    requests_per_minute: Annotated[int, Field(ge=0)] = 30
    """Messages and dictations a user may send in a minute; 0 means no limit."""
    tokens_per_day: Annotated[int, Field(ge=0)] = 500_000
    """Model tokens a user may spend in a day (UTC); 0 means no limit."""
    max_followers: Annotated[int, Field(ge=0, le=1_000)] = 6
    """Streams of answers in progress that a user may join at once; 0 means no limit."""

    @property
    def reserved_tokens(self) -> int:
        """Tokens that a run counts from its start, until it is known what it spent: what one call
        to the model may take."""
        return self.history_tokens + self.max_output_tokens if self.tokens_per_day else 0

    history_items: Annotated[int, Field(ge=1, le=200)] = 40
    history_tokens: Annotated[int, Field(ge=500, le=1_000_000)] = 16_000
    max_file_bytes_per_run: Annotated[int, Field(ge=1, le=100_000_000)] = 20_000_000
    """How much of attached files the model is shown again, the newest first."""
    max_turns: Annotated[int, Field(ge=1, le=50)] = 8
    max_output_tokens: Annotated[int, Field(ge=16, le=100_000)] = 4_000
    max_run_bytes: Annotated[int, Field(ge=100_000, le=100_000_000)] = 8_000_000
    """What one call to the model may send, and the events that a run may stream and store."""
    max_tool_calls_per_step: Annotated[int, Field(ge=1, le=128)] = 16
    """Tool calls of one response of the model that are made."""
    max_tool_calls: Annotated[int, Field(ge=1, le=500)] = 40
    """Tool calls of one answer that are made."""
    tool_output_bytes: Annotated[int, Field(ge=1_000, le=1_000_000)] = 16_000
    """How much of one tool call's result the model reads."""
    tool_output_bytes_per_run: Annotated[int, Field(ge=1_000, le=4_000_000)] = 32_000
    """How much of all tool results of one answer the model reads."""

    @field_validator("tool_output_bytes_per_run")
    @classmethod
    def _fits_an_item(cls, value: int, info: ValidationInfo) -> int:
        if 4 * value > info.data.get("max_item_bytes", 4 * value):
            raise ValueError("MAX_ITEM_BYTES has to be four times as much")
        return value
