"""Attachments: files on S3, uploaded by the browser itself in two phases.

`attachments.create` registers a file and gives a presigned PUT, which works once, with the type and
size that its signature fixes; the browser uploads; a message that refers to the file is accepted
once the file is there. The bucket is private, each object's key begins with its owner's hash, and a
file goes when its thread does.
"""

from __future__ import annotations

import base64
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from chatkit.store import AttachmentStore
from chatkit.types import (
    Attachment,
    AttachmentCreateParams,
    AttachmentUploadDescriptor,
    FileAttachment,
    ImageAttachment,
)
from openai.types.responses import ResponseInputImageParam, ResponseInputTextParam
from openai.types.responses.response_input_message_content_list_param import (
    ResponseInputContentParam,
)
from pydantic import AnyUrl

from sidestream.caller import Caller
from sidestream.chat.files.file_types import (
    HEAD_BYTES,
    IMAGE_TYPES,
    file_type,
    has_type,
    image_type,
    text_of,
)
from sidestream.chat.files.image_size import IMAGE_HEAD_BYTES, pixels_of
from sidestream.chat.files.keys import key_of
from sidestream.chat.marks import marked, plain_name
from sidestream.config import ChatSettings
from sidestream.problems import (
    Invalid,
    NotConfigured,
    NotFound,
    TooLarge,
    UnsupportedMedia,
)
from sidestream.store.ids import new_id
from sidestream.visible import is_visible

if TYPE_CHECKING:
    from sidestream.chat.files.bucket import Bucket

MAX_NAME_CHARS: Final = 255
MAX_TEXT_CHARS: Final = 20_000
"""How much of a text file the model is shown."""

_UPLOAD_TTL_S: Final = 600
_PREVIEW_TTL_S: Final = 3600
_GOES_ON: Final = "only its beginning"


class AttachmentFiles(AttachmentStore[Caller]):
    """The files behind attachments. Raises `NotConfigured` where there is no bucket."""

    def __init__(self, settings: ChatSettings) -> None:
        self._bucket = settings.attachments_bucket
        self._max_bytes = settings.max_attachment_bytes
        self._max_pixels = settings.max_image_pixels

    @cached_property
    def _objects(self) -> Bucket:
        if not self._bucket:
            raise NotConfigured("Attachments are not configured here.")
        # Imported on first use: boto3 takes longer than a whole run, and most runs have no files.
        from sidestream.chat.files.bucket import Bucket

        return Bucket(self._bucket)

    def generate_attachment_id(self, mime_type: str, context: Caller) -> str:  # noqa: ARG002
        return new_id("atc")

    async def create_attachment(self, input: AttachmentCreateParams, context: Caller) -> Attachment:
        """Register a file and give the presigned PUT for it. Raises problems for a bad one."""
        if not (is_visible(input.name) and len(input.name.strip()) <= MAX_NAME_CHARS):
            raise Invalid("A file's name has 1 to {count} characters.", count=MAX_NAME_CHARS)
        if input.size < 1:
            raise Invalid("A file has at least one byte.")
        if input.size > self._max_bytes:
            raise TooLarge("A file may have {count} bytes at most.", count=self._max_bytes)
        mime_type = file_type(input.name, input.mime_type)
        if mime_type is None:
            raise UnsupportedMedia("Only images and text files can be attached.")
        attachment_id = self.generate_attachment_id(mime_type, context)
        key = key_of(context.user_id, attachment_id)
        upload = AttachmentUploadDescriptor(
            url=AnyUrl(await self._objects.upload_url(key, mime_type, input.size, _UPLOAD_TTL_S)),
            method="PUT",
            headers={"Content-Type": mime_type, "If-None-Match": "*"},
        )
        common: dict[str, Any] = {
            "id": attachment_id,
            "name": input.name.strip(),
            "mime_type": mime_type,
            "upload_descriptor": upload,
            "metadata": {"key": key, "size": input.size},
        }
        if mime_type in IMAGE_TYPES:
            preview = await self._objects.download_url(key, mime_type, _PREVIEW_TTL_S)
            return ImageAttachment(**common, preview_url=AnyUrl(preview))
        return FileAttachment(**common)

    async def delete_attachment(self, attachment_id: str, context: Caller) -> None:
        """Delete the file of an attachment. Deleting it again changes nothing."""
        await self._objects.delete(key_of(context.user_id, attachment_id))

    async def check_uploaded(self, attachment: Attachment) -> None:
        """Raise `Invalid` unless the file is there in the size that was announced, and is what its
        type says, and no larger picture than is taken."""
        metadata = attachment.metadata or {}
        is_image = attachment.mime_type in IMAGE_TYPES
        length = IMAGE_HEAD_BYTES if is_image else HEAD_BYTES
        try:
            head, size = await self._objects.beginning(metadata["key"], length)
        except NotFound:
            raise Invalid(
                "The file “{name}” has not been uploaded.", name=attachment.name
            ) from None
        if size != metadata["size"]:
            raise Invalid(
                "The file “{name}” does not have the size announced.", name=attachment.name
            )
        # A provider refuses a request with a broken image, and the image is in every later one.
        if not has_type(attachment.mime_type, head[:HEAD_BYTES]):
            if is_image:
                raise Invalid("The file is not the image it says it is.")
            raise Invalid("The file “{name}” is not a text.", name=attachment.name)
        if is_image:
            pixels = pixels_of(head)
            if pixels is None and size > len(head):
                pixels = pixels_of(await self._objects.read(metadata["key"]))
            if pixels is None:
                raise Invalid("The file is not the image it says it is.")
            if pixels > self._max_pixels:
                raise TooLarge("An image may have {count} pixels at most.", count=self._max_pixels)

    async def fresh_preview(self, attachment: Attachment) -> Attachment:
        """Give an attachment with a preview address that works now: they expire."""
        if not isinstance(attachment, ImageAttachment) or not self._bucket:
            return attachment
        key = (attachment.metadata or {})["key"]
        preview = AnyUrl(
            await self._objects.download_url(key, attachment.mime_type, _PREVIEW_TTL_S)
        )
        return attachment.model_copy(update={"preview_url": preview})

    async def model_content(self, attachment: Attachment) -> ResponseInputContentParam:
        """Give an attachment's content as the model takes it: an image, or text."""
        try:
            body = await self._objects.read((attachment.metadata or {})["key"])
        except (NotFound, KeyError):
            return told_of(attachment, "no longer there")
        is_image = attachment.mime_type in IMAGE_TYPES
        # It may have been written over after the check: the address works for a while.
        if not has_type(attachment.mime_type, body[:HEAD_BYTES]):
            return told_of(attachment, "not an image" if is_image else "not a text")
        if is_image:
            data = base64.b64encode(body).decode()
            url = f"data:{image_type(body)};base64,{data}"
            return ResponseInputImageParam(type="input_image", detail="auto", image_url=url)
        words = text_of(body)
        remark = _GOES_ON if len(words) > MAX_TEXT_CHARS else None
        return told_of(attachment, remark, words[:MAX_TEXT_CHARS])


def told_of(
    attachment: Attachment, remark: str | None = None, words: str | None = None
) -> ResponseInputTextParam:
    """Give a file as text for the model: its name, a remark of ours, and its words."""
    lines = [f"Attached file: {plain_name(attachment.name)} ({plain_name(attachment.mime_type)})"]
    lines[0] += f" ({remark})" if remark else ""
    lines += [] if words is None else [words]
    return ResponseInputTextParam(type="input_text", text=marked("\n".join(lines)))
