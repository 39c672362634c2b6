"""Attachments: announced, uploaded to S3 by the client, read by the model, and gone again."""

import base64
import codecs
import struct
from typing import Any

import boto3
import httpx2
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from chatkit.types import Attachment, FileAttachment, ImageAttachment, UserMessageItem
from pydantic import TypeAdapter

from sidestream.chat.marks import marked
from sidestream.local.aws import BUCKET
from sidestream.local.system import LocalSystem
from tests.chat.client import (
    Client,
    Document,
    add_request,
    create_request,
    thread_request,
)
from tests.chat.conftest import MakePerson, Rows
from tests.chat.variants import chat_function

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
NOTES = "دودھ\nbread & <butter>".encode()

_ATTACHMENT: TypeAdapter[Attachment] = TypeAdapter(Attachment)


@pytest.fixture(scope="module")
def s3(system: LocalSystem) -> BaseClient:
    """The bucket as its owner sees it."""
    client: BaseClient = boto3.client(
        "s3",
        endpoint_url=system.endpoints.aws,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    return client


def png(width: int, height: int) -> bytes:
    """An image that says it is this large, whatever its data say."""
    return PNG[:16] + struct.pack(">II", width, height) + PNG[24:]


def jpeg(width: int, height: int, before: int = 0) -> bytes:
    """The beginning of a JPEG, with so many bytes of what cameras write before its size."""
    notes = b"".join(b"\xff\xe1\xff\xff" + bytes(65_533) for _ in range(before // 65_537 + 1))
    frame = b"\xff\xc0\x00\x11\x08" + struct.pack(">HH", height, width) + b"\x03" + bytes(9)
    return b"\xff\xd8" + notes + frame + bytes(1_000)


def announce(name: str, size: int, mime_type: str) -> Document:
    return {
        "type": "attachments.create",
        "params": {"name": name, "size": size, "mime_type": mime_type},
    }


async def announced(client: Client, name: str, size: int, mime_type: str) -> Attachment:
    answer = await client.send(announce(name, size, mime_type))
    assert answer.status == 200, answer.body
    assert b"metadata" not in answer.body
    return _ATTACHMENT.validate_json(answer.body)


async def upload(attachment: Attachment, content: bytes) -> None:
    """What the browser does: one PUT, without any token of ours."""
    descriptor = attachment.upload_descriptor
    assert descriptor is not None
    async with httpx2.AsyncClient() as http:
        answer = await http.request(
            descriptor.method, str(descriptor.url), content=content, headers=descriptor.headers
        )
    assert answer.status_code == 200, answer.text


async def attached(client: Client, name: str, content: bytes, mime_type: str) -> Attachment:
    attachment = await announced(client, name, len(content), mime_type)
    await upload(attachment, content)
    return attachment


def keys(s3: BaseClient) -> set[str]:
    return {entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])}


async def key_of(rows: Rows, attachment: Attachment) -> str:
    [row] = await rows("select data::jsonb as data from attachments where id = %s", attachment.id)
    return str(row["data"]["metadata"]["key"])


def content_sent(system: LocalSystem) -> list[Document]:
    """All parts of all messages of the last request to the model."""
    sent: list[Document] = system.model.requests[-1].body["input"]
    return [part for item in sent if item.get("role") == "user" for part in item["content"]]


async def test_an_upload_is_announced_and_made(alice: Client, s3: BaseClient, rows: Rows) -> None:
    attachment = await announced(alice, "notes.txt", len(NOTES), "text/plain")
    assert isinstance(attachment, FileAttachment)
    descriptor = attachment.upload_descriptor
    assert descriptor is not None
    assert (descriptor.method, descriptor.headers) == (
        "PUT",
        {"Content-Type": "text/plain", "If-None-Match": "*"},
    )
    # What S3 holds the client to: the size and type that it announced, and a time limit.
    query = dict(descriptor.url.query_params())
    assert query["X-Amz-SignedHeaders"] == "content-length;content-type;host;if-none-match"
    assert query["X-Amz-Expires"] == "600"
    await upload(attachment, NOTES)
    key = await key_of(rows, attachment)
    assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == NOTES
    assert alice.user_id not in key


async def test_an_upload_works_once(alice: Client, s3: BaseClient, rows: Rows) -> None:
    attachment = await attached(alice, "notes.txt", NOTES, "text/plain")
    descriptor = attachment.upload_descriptor
    assert descriptor is not None
    async with httpx2.AsyncClient() as http:
        again = await http.put(
            str(descriptor.url), content=NOTES.swapcase(), headers=descriptor.headers
        )
    assert again.status_code == 412
    key = await key_of(rows, attachment)
    assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == NOTES


async def test_text_reaches_the_model_and_stays_in_the_conversation(
    system: LocalSystem, alice: Client
) -> None:
    file = await attached(alice, "notes.txt", NOTES, "text/plain")
    answer = await alice.send(create_request("what does it say", attachments=[file.id]))
    assert answer.errors == []
    words = marked(f"Attached file: notes.txt (text/plain)\n{NOTES.decode()}")
    assert {"type": "input_text", "text": words} in content_sent(system)
    await alice.add(answer.thread_id, "and again")
    assert {"type": "input_text", "text": words} in content_sent(system)
    [message] = answer.done(UserMessageItem)
    [sent] = message.attachments
    assert (sent.id, sent.thread_id, sent.upload_descriptor) == (file.id, answer.thread_id, None)


async def test_an_image_reaches_the_model(system: LocalSystem, alice: Client) -> None:
    image = await attached(alice, "dot.png", PNG, "image/png")
    assert isinstance(image, ImageAttachment)
    answer = await alice.send(create_request("what is this", attachments=[image.id]))
    assert answer.errors == []
    url = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    assert {"type": "input_image", "detail": "auto", "image_url": url} in content_sent(system)


async def test_a_preview_works_and_is_renewed(alice: Client, rows: Rows) -> None:
    image = await attached(alice, "dot.png", PNG, "image/png")
    answer = await alice.send(create_request("look", attachments=[image.id]))
    await rows(
        "update thread_items set data = replace(data::text, 'X-Amz-Signature=', 'X-Was-Signature=')"
        "::jsonb where thread_id = %s returning id",
        answer.thread_id,
    )
    thread = await alice.get(answer.thread_id)
    for items in (thread.items.data, await alice.items(answer.thread_id)):
        [message] = [item for item in items if isinstance(item, UserMessageItem)]
        [sent] = message.attachments
        assert isinstance(sent, ImageAttachment)
        assert "X-Amz-Signature=" in str(sent.preview_url)
        async with httpx2.AsyncClient() as http:
            shown = await http.get(str(sent.preview_url))
        assert (shown.status_code, shown.content) == (200, PNG)
        assert shown.headers["content-type"] == "image/png"
        assert shown.headers["content-disposition"] == "attachment"


async def test_a_long_text_is_said_to_go_on(system: LocalSystem, alice: Client) -> None:
    shown = "د" * 20_000
    for name, content in (("all.txt", shown), ("part.txt", shown + "end")):
        file = await attached(alice, name, content.encode(), "text/plain")
        await alice.send(create_request("read", attachments=[file.id]))
        remark = "" if content == shown else " (only its beginning)"
        words = marked(f"Attached file: {name} (text/plain){remark}\n{shown}")
        assert {"type": "input_text", "text": words} in content_sent(system)


@pytest.mark.parametrize(
    ("mime_type", "content"),
    [
        ("image/jpeg", jpeg(40, 30)),
        ("image/gif", b"GIF89a" + struct.pack("<HH", 40, 30) + bytes(20)),
        ("image/webp", b"RIFF\x1a\x00\x00\x00WEBPVP8L" + bytes(20)),
    ],
)
async def test_every_type_of_image_is_taken(
    system: LocalSystem, alice: Client, mime_type: str, content: bytes
) -> None:
    image = await attached(alice, "picture", content, mime_type)
    assert (await alice.send(create_request("look", attachments=[image.id]))).status == 200
    url = f"data:{mime_type};base64,{base64.b64encode(content).decode()}"
    assert {"type": "input_image", "detail": "auto", "image_url": url} in content_sent(system)


async def test_an_image_is_of_the_type_that_its_bytes_are(
    system: LocalSystem, alice: Client
) -> None:
    image = await attached(alice, "saved-as.jpg", PNG, "image/jpeg")
    assert (await alice.send(create_request("look", attachments=[image.id]))).status == 200
    url = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    assert {"type": "input_image", "detail": "auto", "image_url": url} in content_sent(system)


@pytest.mark.parametrize(
    ("mime_type", "content"),
    [
        ("image/png", b"this is no image"),
        ("image/png", b"\x89"),
        ("image/webp", b"RIFF\x1a\x00\x00\x00WAVEfmt "),
    ],
)
async def test_an_image_that_is_none(
    system: LocalSystem,
    alice: Client,
    person: MakePerson,
    rows: Rows,
    mime_type: str,
    content: bytes,
) -> None:
    image = await attached(alice, "picture", content, mime_type)
    asked = len(system.model.requests)
    request = create_request("look", attachments=[image.id])
    refused = await alice.send(request)
    assert (refused.status, refused.problem["code"]) == (422, "invalid")
    assert refused.problem["detail"] == "The file is not the image it says it is."
    urdu = await person(alice.user_id, language="ur").send(request)
    assert urdu.problem["detail"] == "یہ فائل وہ تصویر نہیں ہے جو بتائی گئی ہے۔"
    assert len(system.model.requests) == asked
    assert await rows("select id from threads where user_id = %s", alice.user_id) == []


@pytest.mark.parametrize(
    ("name", "announced_as", "mime_type"),
    [
        ("list.csv", "application/vnd.ms-excel", "text/csv"),
        ("LIST.CSV", "application/csv", "text/csv"),
        ("notes.md", "", "text/markdown"),
        ("notes.md", "application/octet-stream", "text/markdown"),
        ("notes.Markdown ", "text/x-markdown", "text/markdown"),
        ("data.json", "text/json", "application/json"),
        ("server.log", "", "text/plain"),
        ("pasted", "text/plain;charset=utf-8", "text/plain"),
        ("pasted", " Text/Plain ; charset=UTF-8", "text/plain"),
        ("main.py", "text/plain", "text/plain"),
        ("plain.txt", "text", "text/plain"),
        ("page.htm", "application/xhtml+xml", "text/html"),
        ("photo.JPG", "image/jpg", "image/jpeg"),
    ],
)
async def test_a_file_is_what_its_name_says_whatever_a_browser_calls_it(
    system: LocalSystem, alice: Client, name: str, announced_as: str, mime_type: str
) -> None:
    content = jpeg(40, 30) if mime_type == "image/jpeg" else NOTES
    file = await attached(alice, name, content, announced_as)
    assert file.mime_type == mime_type
    assert file.upload_descriptor is not None
    assert file.upload_descriptor.headers["Content-Type"] == mime_type
    answer = await alice.send(create_request("read", attachments=[file.id]))
    assert answer.errors == []
    sent = content_sent(system)
    if mime_type == "image/jpeg":
        assert any(part.get("image_url", "").startswith("data:image/jpeg;") for part in sent)
    else:
        words = marked(f"Attached file: {name.strip()} ({mime_type})\n{NOTES.decode()}")
        assert {"type": "input_text", "text": words} in sent


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("picture.txt", PNG),
        ("picture.csv", b"\xff\xd8\xff\xe0" + bytes(20)),
        ("book.md", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"),
        ("sheet.csv", b"PK\x03\x04\x14\x00\x06\x00"),
        ("program.txt", b"MZ\x90\x00\x03\x00\x00\x00"),
        ("program.png", b"MZ\x90\x00\x03\x00\x00\x00"),
        ("picture.json", b"GIF89a" + bytes(20)),
    ],
)
async def test_a_file_that_is_not_what_its_name_says(
    system: LocalSystem, alice: Client, person: MakePerson, name: str, content: bytes
) -> None:
    file = await attached(alice, name, content, "application/octet-stream")
    asked = len(system.model.requests)
    request = create_request("read", attachments=[file.id])
    refused = await alice.send(request)
    assert (refused.status, refused.problem["code"]) == (422, "invalid")
    if not name.endswith(".png"):
        assert refused.problem["detail"] == f"The file “{name}” is not a text."
        urdu = await person(alice.user_id, language="ur").send(request)
        assert urdu.problem["detail"] == f"فائل “{name}” متن نہیں ہے۔"
    assert len(system.model.requests) == asked


@pytest.mark.parametrize(
    "content",
    [
        NOTES.decode().encode("utf-8-sig"),
        NOTES.decode().encode("utf-16"),
        codecs.BOM_UTF16_BE + NOTES.decode().encode("utf-16-be"),
    ],
)
async def test_a_text_is_read_by_its_byte_order_mark(
    system: LocalSystem, alice: Client, content: bytes
) -> None:
    file = await attached(alice, "notes.txt", content, "text/plain")
    await alice.send(create_request("read", attachments=[file.id]))
    words = marked(f"Attached file: notes.txt (text/plain)\n{NOTES.decode()}")
    assert {"type": "input_text", "text": words} in content_sent(system)


async def test_a_csv_file_as_excel_writes_it(system: LocalSystem, alice: Client) -> None:
    content = "Käse;3,50 €\r\n".encode("cp1252")
    file = await attached(alice, "prices.csv", content, "application/vnd.ms-excel")
    await alice.send(create_request("read", attachments=[file.id]))
    words = marked("Attached file: prices.csv (text/csv)\nKäse;3,50 €\r\n")
    assert {"type": "input_text", "text": words} in content_sent(system)


async def test_a_text_that_was_written_over_is_not_shown_as_one(
    system: LocalSystem, alice: Client, s3: BaseClient, rows: Rows
) -> None:
    file = await attached(alice, "notes.txt", NOTES, "text/plain")
    answer = await alice.send(create_request("read", attachments=[file.id]))
    s3.put_object(Bucket=BUCKET, Key=await key_of(rows, file), Body=bytes(len(NOTES)))
    assert (await alice.add(answer.thread_id, "hello")).errors == []
    words = marked("Attached file: notes.txt (text/plain) (not a text)")
    assert {"type": "input_text", "text": words} in content_sent(system)


async def test_an_empty_file(alice: Client, s3: BaseClient, rows: Rows) -> None:
    for name in ("notes.txt", "dot.png"):
        file = await announced(alice, name, 5, "")
        s3.put_object(Bucket=BUCKET, Key=await key_of(rows, file), Body=b"")
        refused = await alice.send(create_request("read", attachments=[file.id]))
        assert refused.problem["detail"] == f"The file “{name}” does not have the size announced."


async def test_an_image_of_another_size(alice: Client, s3: BaseClient, rows: Rows) -> None:
    image = await announced(alice, "dot.png", len(PNG), "image/png")
    s3.put_object(Bucket=BUCKET, Key=await key_of(rows, image), Body=PNG * 2)
    refused = await alice.send(create_request("look", attachments=[image.id]))
    assert refused.problem["detail"] == "The file “dot.png” does not have the size announced."


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (png(10_000, 10_000), 200),
        (png(10_001, 10_000), 413),
        (png(2**31 - 1, 2**31 - 1), 413),
        (png(0, 5), 422),
        (PNG[:10], 422),
        (jpeg(4_000, 3_000, before=200_000), 200),
        (jpeg(65_000, 65_000, before=200_000), 413),
        (jpeg(4_000, 3_000, before=200_000)[:180_000], 422),
        (b"GIF89a" + struct.pack("<HH", 20_000, 20_000) + bytes(20), 413),
        (b"GIF89a" + struct.pack("<HH", 20, 20) + bytes(20), 200),
        (b"RIFF\x30\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff\xff\x3f" * 2 + bytes(30), 413),
        (b"RIFF\x30\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\x0f\0\0" * 2 + bytes(30), 200),
    ],
)
async def test_a_picture_may_be_so_large(alice: Client, content: bytes, status: int) -> None:
    image = await attached(alice, "holiday.png", content, "image/png")
    answer = await alice.send(create_request("look", attachments=[image.id]))
    assert answer.status == status
    if status == 413:
        assert answer.problem["detail"] == "An image may have 100000000 pixels at most."


async def test_an_image_that_was_written_over_does_not_break_the_conversation(
    system: LocalSystem, alice: Client, s3: BaseClient, rows: Rows
) -> None:
    image = await attached(alice, "dot.png", PNG, "image/png")
    answer = await alice.send(create_request("look", attachments=[image.id]))
    s3.put_object(Bucket=BUCKET, Key=await key_of(rows, image), Body=bytes(len(PNG)))
    again = await alice.add(answer.thread_id, "hello")
    assert again.errors == []
    words = marked("Attached file: dot.png (image/png) (not an image)")
    assert {"type": "input_text", "text": words} in content_sent(system)


async def test_a_message_may_be_files_alone(alice: Client) -> None:
    file = await attached(alice, "Groceries.md", NOTES, "text/markdown")
    answer = await alice.send(create_request("", attachments=[file.id, file.id]))
    [message] = answer.done(UserMessageItem)
    assert [sent.id for sent in message.attachments] == [file.id]
    assert (await alice.get(answer.thread_id)).title == "Groceries.md"


@pytest.mark.parametrize(
    ("name", "size", "mime_type", "status", "code"),
    [
        ("a.txt", 5_000_001, "text/plain", 413, "too_large"),
        ("a.txt", 0, "text/plain", 422, "invalid"),
        ("a.txt", -1, "text/plain", 422, "invalid"),
        (" ", 1, "text/plain", 422, "invalid"),
        ("x" * 256, 1, "text/plain", 422, "invalid"),
        ("a.exe", 1, "application/x-msdownload", 415, "unsupported_media"),
        ("a.svg", 1, "image/svg+xml", 415, "unsupported_media"),
        ("a", 1, "", 415, "unsupported_media"),
        ("a.", 1, "application/octet-stream", 415, "unsupported_media"),
        ("txt", 1, "application/octet-stream", 415, "unsupported_media"),
        ("a.txt.zip", 1, "application/zip", 415, "unsupported_media"),
        ("a", 1, "text", 415, "unsupported_media"),
        ("a.txt", 1, "text/plain\r\nx-amz-acl: public-read", 415, "unsupported_media"),
    ],
)
async def test_what_may_not_be_attached(
    alice: Client, name: str, size: int, mime_type: str, status: int, code: str
) -> None:
    refused = await alice.send(announce(name, size, mime_type))
    assert (refused.status, refused.problem["code"]) == (status, code)


async def test_a_file_that_is_not_there_yet(alice: Client, person: MakePerson, rows: Rows) -> None:
    file = await announced(alice, "notes.txt", len(NOTES), "text/plain")
    refused = await alice.send(create_request("read", attachments=[file.id]))
    assert refused.status == 422
    assert refused.problem["detail"] == "The file “notes.txt” has not been uploaded."
    urdu = await person(alice.user_id, language="ur").send(
        create_request("read", attachments=[file.id])
    )
    assert urdu.problem["detail"] == "فائل “notes.txt” ابھی اپ لوڈ نہیں ہوئی۔"
    assert await rows("select id from threads where user_id = %s", alice.user_id) == []
    await upload(file, NOTES)
    assert (await alice.send(create_request("read", attachments=[file.id]))).status == 200


async def test_a_file_of_another_size(alice: Client, s3: BaseClient, rows: Rows) -> None:
    file = await announced(alice, "notes.txt", len(NOTES), "text/plain")
    s3.put_object(Bucket=BUCKET, Key=await key_of(rows, file), Body=NOTES * 2)
    refused = await alice.send(create_request("read", attachments=[file.id]))
    assert refused.problem["detail"] == "The file “notes.txt” does not have the size announced."


async def test_too_many_files(alice: Client) -> None:
    refused = await alice.send(create_request("read", attachments=[f"atc_{n}" for n in range(6)]))
    assert (refused.status, refused.problem["code"]) == (413, "too_large")


async def test_another_users_file_is_not_there(
    alice: Client, bob: Client, s3: BaseClient, rows: Rows
) -> None:
    file = await attached(alice, "secret.txt", NOTES, "text/plain")
    refused = await bob.send(create_request("read", attachments=[file.id]))
    assert (refused.status, refused.problem["code"]) == (404, "not_found")
    deleted = await bob.send({"type": "attachments.delete", "params": {"attachment_id": file.id}})
    assert deleted.status == 404
    key = await key_of(rows, file)
    assert key in keys(s3)
    mine = await announced(bob, "mine.txt", 1, "text/plain")
    escape = f"../../{key.removeprefix('attachments/')}"
    for attachment_id in (escape, f"{mine.id}/../{file.id}"):
        request = {"type": "attachments.delete", "params": {"attachment_id": attachment_id}}
        assert (await bob.send(request)).status == 404
    assert key in keys(s3)


async def test_a_file_belongs_to_one_conversation(alice: Client) -> None:
    file = await attached(alice, "notes.txt", NOTES, "text/plain")
    first = await alice.send(create_request("read", attachments=[file.id]))
    second = await alice.create("hello")
    refused = await alice.send(add_request(second.thread_id, "read", attachments=[file.id]))
    assert refused.status == 422
    again = await alice.send(add_request(first.thread_id, "read it", attachments=[file.id]))
    assert again.status == 200


async def test_a_message_with_a_file_sent_twice(alice: Client, rows: Rows) -> None:
    file = await attached(alice, "notes.txt", NOTES, "text/plain")
    request = create_request("read", attachments=[file.id])
    first = await alice.send(request, idempotency_key="with-file")
    second = await alice.send(request, idempotency_key="with-file")
    assert second.body == first.body
    assert len(await rows("select id from threads where user_id = %s", alice.user_id)) == 1


async def test_an_attachment_that_was_not_sent_is_deleted(
    alice: Client, s3: BaseClient, rows: Rows
) -> None:
    file = await attached(alice, "notes.txt", NOTES, "text/plain")
    key = await key_of(rows, file)
    request = {"type": "attachments.delete", "params": {"attachment_id": file.id}}
    assert (await alice.send(request)).json() == {}
    assert key not in keys(s3)
    assert await rows("select id from attachments where id = %s", file.id) == []
    assert (await alice.send(request)).status == 404


async def test_files_go_with_their_thread(
    alice: Client, bob: Client, s3: BaseClient, rows: Rows
) -> None:
    files = [
        await attached(alice, "a.txt", NOTES, "text/plain"),
        await attached(alice, "b.png", PNG, "image/png"),
    ]
    other = await attached(alice, "c.txt", NOTES, "text/plain")
    answer = await alice.send(create_request("read", attachments=[file.id for file in files]))
    here = [await key_of(rows, file) for file in files]
    kept = await key_of(rows, other)
    await bob.send(thread_request("threads.delete", answer.thread_id))
    assert {*here, kept} <= keys(s3)
    await alice.send(thread_request("threads.delete", answer.thread_id))
    assert not keys(s3) & set(here)
    assert kept in keys(s3)
    left = await rows("select id from attachments where user_id = %s", alice.user_id)
    assert [row["id"] for row in left] == [other.id]


async def test_a_file_that_vanished_does_not_break_the_conversation(
    system: LocalSystem, alice: Client, s3: BaseClient, rows: Rows
) -> None:
    file = await attached(alice, "notes.txt", NOTES, "text/plain")
    answer = await alice.send(create_request("read", attachments=[file.id]))
    s3.delete_object(Bucket=BUCKET, Key=await key_of(rows, file))
    with pytest.raises(ClientError):
        s3.head_object(Bucket=BUCKET, Key=await key_of(rows, file))
    again = await alice.add(answer.thread_id, "hello")
    assert again.errors == []
    gone: dict[str, Any] = {
        "type": "input_text",
        "text": marked("Attached file: notes.txt (text/plain) (no longer there)"),
    }
    assert gone in content_sent(system)


async def test_retry_reads_the_file_again(system: LocalSystem, alice: Client) -> None:
    file = await attached(alice, "notes.txt", NOTES, "text/plain")
    answer = await alice.send(create_request("read", attachments=[file.id]))
    [message] = answer.done(UserMessageItem)
    retried = await alice.send(
        thread_request("threads.retry_after_item", answer.thread_id, item_id=message.id)
    )
    assert retried.errors == []
    assert any(NOTES.decode() in part.get("text", "") for part in content_sent(system))


async def test_the_page_is_given_the_one_list_of_types(alice: Client) -> None:
    offered = (await alice.request("GET", "/api/chatkit/health")).json()["attachments"]
    assert set(offered["extensions"].values()) == set(offered["types"])
    for extension, mime_type in offered["extensions"].items():
        assert extension == extension.lower()
        assert extension.startswith(".")
        await announced(alice, f"a file{extension}", 5, mime_type)


async def test_files_beyond_what_a_request_has_room_for_are_only_named(
    system: LocalSystem, alice: Client
) -> None:
    """The newest are shown; the others have been."""
    async with (
        chat_function(system, MAX_FILE_BYTES_PER_RUN="25") as function,
        Client(function.url, alice.token) as client,
    ):
        old = await attached(client, "old.txt", b"the older words", "text/plain")
        thread_id = (await client.send(create_request("look", attachments=[old.id]))).thread_id
        assert "the older words" in str(content_sent(system))
        new = await attached(client, "new.txt", b"the newer words", "text/plain")
        await client.send(add_request(thread_id, "look here", attachments=[new.id]))
    told = str(content_sent(system))
    assert "the newer words" in told
    assert "the older words" not in told
    assert "Attached file: old.txt (text/plain) (not shown again)" in told
