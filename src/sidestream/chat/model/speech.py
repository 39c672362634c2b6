"""Dictation: speech in, text for the composer out, by OpenAI's transcription."""

from dataclasses import dataclass
from typing import Final, Self

import openai
from chatkit.types import AudioInput
from openai import AsyncOpenAI

from sidestream.chat.failures import reason_of
from sidestream.problems import BadGateway, Invalid, NotConfigured, UnsupportedMedia
from sidestream.reasons import report

_EXTENSIONS: Final = {"audio/webm": "webm", "audio/ogg": "ogg", "audio/mp4": "mp4"}


@dataclass(frozen=True, slots=True)
class Recording:
    """Speech that can be sent to be written down."""

    name: str
    data: bytes
    media_type: str

    @classmethod
    def of(cls, audio: AudioInput) -> Self:
        """Check what a client recorded. Raises `UnsupportedMedia` and `Invalid`."""
        extension = _EXTENSIONS.get(audio.media_type)
        if extension is None:
            raise UnsupportedMedia("Dictation takes audio/webm, audio/ogg or audio/mp4.")
        if not audio.data:
            raise Invalid("The recording is empty.")
        return cls(f"speech.{extension}", audio.data, audio.media_type)


async def transcribe(client: AsyncOpenAI, model: str, recording: Recording) -> str:
    """Give the words of a recording. Raises problems for a bad one, or where the provider has no
    transcription: not every provider that speaks OpenAI's protocol does."""
    file = (recording.name, recording.data, recording.media_type)
    try:
        result = await client.audio.transcriptions.create(model=model, file=file)
    except openai.BadRequestError as error:
        raise Invalid("The recording cannot be understood.") from error
    except openai.NotFoundError as error:
        raise NotConfigured("Dictation is not configured here.") from error
    except openai.OpenAIError as error:
        if reason := reason_of(error):
            report("model", reason)
        raise BadGateway("The speech service failed.") from error
    return result.text
