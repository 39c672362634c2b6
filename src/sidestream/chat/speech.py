"""Dictation: speech in, text for the composer out, by OpenAI's transcription."""

from typing import Final

import openai
from chatkit.types import AudioInput
from openai import AsyncOpenAI

from sidestream.problems import BadGateway, Invalid, NotConfigured, UnsupportedMedia

_EXTENSIONS: Final = {"audio/webm": "webm", "audio/ogg": "ogg", "audio/mp4": "mp4"}


async def transcribe(client: AsyncOpenAI, model: str, audio: AudioInput) -> str:
    """Give the words of a recording. Raises problems for a bad one, or where there is no model."""
    if not model:
        raise NotConfigured("Dictation is not configured here.")
    extension = _EXTENSIONS.get(audio.media_type)
    if extension is None:
        raise UnsupportedMedia("Dictation takes audio/webm, audio/ogg or audio/mp4.")
    if not audio.data:
        raise Invalid("The recording is empty.")
    file = (f"speech.{extension}", audio.data, audio.media_type)
    try:
        result = await client.audio.transcriptions.create(model=model, file=file)
    except openai.BadRequestError as error:
        raise Invalid("The recording cannot be understood.") from error
    except openai.OpenAIError as error:
        raise BadGateway("The speech service failed.") from error
    return result.text
