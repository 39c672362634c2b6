"""The S3 bucket of attachments: what is done with its objects, off the event loop.

Credentials, region and endpoint come from the environment as boto3 finds them, so the same code
talks to S3 and to its stand-in on a laptop.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sidestream.problems import BadGateway, NotFound
from sidestream.reasons import of_error, of_status, report

_PART: Final = "bucket"
_MISSING = frozenset({"404", "NoSuchKey", "NotFound"})


class Bucket:
    """One bucket. Raises `NotFound` for a missing object, `BadGateway` when S3 fails."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._s3 = boto3.client(
            "s3",
            config=Config(
                signature_version="s3v4",
                # One address for all regions, which the page's policy names.
                s3={"addressing_style": "path", "us_east_1_regional_endpoint": "regional"},
                connect_timeout=3,
                read_timeout=10,
                retries={"max_attempts": 2},
            ),
        )

    async def upload_url(self, key: str, mime_type: str, size_bytes: int, ttl_s: int) -> str:
        """Give an address that takes one PUT of exactly this type and size, sent with
        `If-None-Match: *`; another finds the object there, and is refused with 412."""
        return await _in_thread(
            lambda: self._s3.generate_presigned_url(
                "put_object",
                Params={
                    "Bucket": self._name,
                    "Key": key,
                    "ContentType": mime_type,
                    "ContentLength": size_bytes,
                    "IfNoneMatch": "*",
                },
                ExpiresIn=ttl_s,
            )
        )

    async def download_url(self, key: str, mime_type: str, ttl_s: int) -> str:
        """Give an address from which the object can be read for a while: shown within a page, as
        this type, and saved by whoever opens it."""
        return await _in_thread(
            lambda: self._s3.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self._name,
                    "Key": key,
                    "ResponseContentType": mime_type,
                    "ResponseContentDisposition": "attachment",
                },
                ExpiresIn=ttl_s,
            )
        )

    async def beginning(self, key: str, length_bytes: int) -> tuple[bytes, int]:
        """Give the first bytes of an object, and the size of all of it."""

        def get() -> tuple[bytes, int]:
            end = f"bytes=0-{length_bytes - 1}"
            try:
                answer = self._s3.get_object(Bucket=self._name, Key=key, Range=end)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") == "InvalidRange":  # it is empty
                    return b"", 0
                raise
            size = answer["ContentRange"].rpartition("/")[2]
            return bytes(answer["Body"].read()), int(size)

        return await _in_thread(get)

    async def read(self, key: str) -> bytes:
        """Give the bytes of an object."""
        return await _in_thread(
            lambda: bytes(self._s3.get_object(Bucket=self._name, Key=key)["Body"].read())
        )

    async def page(self, prefix: str, *, after: str) -> list[tuple[str, datetime]]:
        """Give up to a thousand keys behind `after`, in their order, and when each was written."""

        def get() -> list[tuple[str, datetime]]:
            found = self._s3.list_objects_v2(Bucket=self._name, Prefix=prefix, StartAfter=after)
            return [(each["Key"], each["LastModified"]) for each in found.get("Contents", ())]

        return await _in_thread(get)

    async def delete_all(self, keys: Sequence[str]) -> None:
        """Delete up to a thousand objects."""
        if not keys:
            return
        objects = {"Objects": [{"Key": key} for key in keys], "Quiet": True}
        answer = await _in_thread(
            lambda: self._s3.delete_objects(Bucket=self._name, Delete=objects)
        )
        if answer.get("Errors"):
            raise BadGateway("The file store refused the request.")

    async def delete(self, key: str) -> None:
        """Delete an object. One that is not there is deleted already."""
        await _in_thread(lambda: self._s3.delete_object(Bucket=self._name, Key=key))


async def _in_thread[T](work: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(work)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in _MISSING:
            raise NotFound("The file is not there.") from None
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        report(_PART, of_status(status))
        raise BadGateway("The file store refused the request.") from error
    except BotoCoreError as error:
        report(_PART, of_error(error))
        raise BadGateway("The file store cannot be reached.") from error
