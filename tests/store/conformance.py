"""What any ChatKit `Store` must do. Subclass `StoreConformance` and give it a store to run.

class TestMyStore(StoreConformance[MyContext]):
    @pytest.fixture
    def store(self) -> MyStore: ...

    @pytest.fixture
    def context(self) -> MyContext: ...        # a user with nothing stored

    @pytest.fixture
    def other_context(self) -> MyContext: ...  # another such user
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from chatkit.store import NotFoundError, Store
from chatkit.types import (
    Annotation,
    AssistantMessageContent,
    AssistantMessageItem,
    Attachment,
    ClientToolCallItem,
    ClosedStatus,
    CustomSummary,
    CustomTask,
    EndOfTurnItem,
    FileAttachment,
    GeneratedImage,
    GeneratedImageItem,
    HiddenContextItem,
    ImageAttachment,
    InferenceOptions,
    LockedStatus,
    Page,
    SDKHiddenContextItem,
    StructuredInputAnswer,
    StructuredInputFreeform,
    StructuredInputItem,
    StructuredInputMultipleChoice,
    StructuredInputMultipleChoiceOption,
    TaskItem,
    Thread,
    ThreadItem,
    ThreadMetadata,
    ToolChoice,
    URLSource,
    UserMessageItem,
    UserMessageTagContent,
    UserMessageTextContent,
    Workflow,
    WorkflowItem,
)
from pydantic import TypeAdapter

from sidestream.store.ids import new_id

_NOON = datetime(2026, 11, 20, 12, 0, 0, 123456)  # noqa: DTZ001
_BIG = {"b": 1e16, "a": -0.0, "null": None, "ten": 10.0, "nested": [{"z": 1, "a": [True, ""]}]}
_URDU = 'گروسری خریدنا 🛒 \\u0000 "quoted" \n\t\u2028'


def a_thread(**fields: Any) -> ThreadMetadata:
    return ThreadMetadata(**{"id": new_id("thr"), "created_at": _NOON, **fields})


def a_message(thread_id: str, text: str = "hello", **fields: Any) -> UserMessageItem:
    return UserMessageItem(
        **{
            "id": new_id("msg"),
            "thread_id": thread_id,
            "created_at": _NOON,
            "content": [UserMessageTextContent(text=text)],
            "inference_options": InferenceOptions(),
            **fields,
        }
    )


def an_attachment(**fields: Any) -> FileAttachment:
    fields = {"id": new_id("atc"), "name": "a.txt", "mime_type": "text/plain", **fields}
    return FileAttachment(**fields)


def every_item(thread_id: str) -> list[ThreadItem]:
    """One of each kind of item, with everything in it that a careless store loses."""

    def base(prefix: str) -> dict[str, Any]:
        return {"id": new_id(prefix), "thread_id": thread_id, "created_at": _NOON}

    image = ImageAttachment(
        id=new_id("atc"),
        name="ä.png",
        mime_type="image/png",
        preview_url="https://files.example/a%20b.png?x=1&y=2",
        thread_id=thread_id,
        metadata=dict(_BIG),
    )
    widget = TypeAdapter(ThreadItem).validate_python(
        {
            **base("msg"),
            "type": "widget",
            "copy_text": _URDU,
            "widget": {
                "type": "Card",
                "children": [
                    {"type": "Text", "id": "t", "value": _URDU},
                    {
                        "type": "Button",
                        "label": "Done",
                        "onClickAction": {"type": "task.complete", "payload": {"id": "tsk_1"}},
                    },
                ],
            },
        }
    )
    return [
        UserMessageItem(
            **base("msg"),
            content=[
                UserMessageTextContent(text=_URDU),
                UserMessageTagContent(id="tag", text="@a", data=dict(_BIG), group="g"),
            ],
            attachments=[image],
            quoted_text="",
            inference_options=InferenceOptions(model="m", tool_choice=ToolChoice(id="t")),
        ),
        AssistantMessageItem(
            **base("msg"),
            content=[
                AssistantMessageContent(
                    text=_URDU,
                    annotations=[
                        Annotation(source=URLSource(title="t", url="https://a.example"), index=3)
                    ],
                ),
                AssistantMessageContent(text=""),
            ],
        ),
        ClientToolCallItem(
            **base("tc"), call_id="c", name="n", arguments=dict(_BIG), output=[1.0, None, "x"]
        ),
        widget,
        GeneratedImageItem(
            **base("img"), image=GeneratedImage(id="i", url="data:image/png;base64,AA==")
        ),
        StructuredInputItem(
            **base("si"),
            status="answered",
            inputs=[
                StructuredInputMultipleChoice(
                    id="q1",
                    question="Delete 3 tasks?",
                    options=[StructuredInputMultipleChoiceOption(value="yes")],
                    answer=StructuredInputAnswer(values=["yes"]),
                ),
                StructuredInputFreeform(id="q2", question="Why?", description=_URDU),
            ],
        ),
        WorkflowItem(
            **base("wf"),
            workflow=Workflow(
                type="custom",
                tasks=[
                    CustomTask(title="add_task", status_indicator="complete", content='{"a": 1}'),
                    CustomTask(title="add_task", status_indicator="complete", content='{"a": 1}'),
                ],
                summary=CustomSummary(title="Used 2 tools"),
            ),
        ),
        TaskItem(**base("tsk"), task=CustomTask(title=_URDU)),
        HiddenContextItem(**base("hc"), content=dict(_BIG)),
        SDKHiddenContextItem(**base("shcx"), content=_URDU),
        EndOfTurnItem(**base("eot")),
    ]


class StoreConformance[Context]:
    """The suite. Each test takes two users with nothing stored."""

    async def collect_items(
        self, store: Store[Context], thread_id: str, order: str, size: int, context: Context
    ) -> list[str]:
        ids: list[str] = []
        after: str | None = None
        while True:
            page = await store.load_thread_items(thread_id, after, size, order, context)
            ids += [item.id for item in page.data]
            assert len(page.data) <= size
            if not page.has_more:
                return ids
            assert page.after
            after = page.after

    async def collect_threads(
        self, store: Store[Context], order: str, size: int, context: Context
    ) -> list[str]:
        ids: list[str] = []
        after: str | None = None
        while True:
            page = await store.load_threads(size, after, order, context)
            ids += [thread.id for thread in page.data]
            if not page.has_more:
                return ids
            assert page.after
            after = page.after

    async def saved_thread(self, store: Store[Context], context: Context) -> ThreadMetadata:
        thread = a_thread(id=store.generate_thread_id(context))
        await store.save_thread(thread, context)
        return thread

    # Ids

    def test_generated_ids_are_many_enough(self, store: Store[Context], context: Context) -> None:
        thread = a_thread()
        threads = {store.generate_thread_id(context) for _ in range(1000)}
        items = {store.generate_item_id("message", thread, context) for _ in range(1000)}
        assert len(threads | items) == 2000
        assert all(len(made.partition("_")[2]) >= 26 for made in threads | items)

    # Threads

    async def test_a_thread_comes_back_whole(self, store: Store[Context], context: Context) -> None:
        thread = a_thread(
            title=_URDU,
            status=LockedStatus(reason="r"),
            allowed_image_domains=["a.example"],
            metadata=dict(_BIG),
        )
        await store.save_thread(thread, context)
        loaded = await store.load_thread(thread.id, context)
        assert loaded.model_dump_json() == thread.model_dump_json()

    async def test_saving_a_thread_again_replaces_it(
        self, store: Store[Context], context: Context
    ) -> None:
        thread = await self.saved_thread(store, context)
        thread.title, thread.status = "renamed", ClosedStatus()
        await store.save_thread(thread, context)
        assert await store.load_thread(thread.id, context) == thread
        assert await self.collect_threads(store, "desc", 20, context) == [thread.id]

    async def test_a_thread_saved_with_items_loses_none_and_gains_none(
        self, store: Store[Context], context: Context
    ) -> None:
        metadata = await self.saved_thread(store, context)
        kept = a_message(metadata.id)
        await store.add_thread_item(metadata.id, kept, context)
        extra = Thread(
            **metadata.model_dump(exclude={"title"}),
            title="now titled",
            items=Page(data=[a_message(metadata.id)]),
        )
        await store.save_thread(extra, context)
        loaded = await store.load_thread(metadata.id, context)
        assert type(loaded) is ThreadMetadata
        assert loaded.title == "now titled"
        assert await self.collect_items(store, metadata.id, "asc", 20, context) == [kept.id]

    @pytest.mark.parametrize("order", ["asc", "desc"])
    @pytest.mark.parametrize("size", [1, 3, 100])
    async def test_threads_of_one_moment_page_without_loss(
        self, store: Store[Context], context: Context, order: str, size: int
    ) -> None:
        made = [(await self.saved_thread(store, context)).id for _ in range(7)]
        expected = made if order == "asc" else made[::-1]
        assert await self.collect_threads(store, order, size, context) == expected

    async def test_deleting_a_thread_deletes_what_it_holds(
        self, store: Store[Context], context: Context
    ) -> None:
        thread = await self.saved_thread(store, context)
        item = a_message(thread.id)
        attachment = an_attachment(thread_id=thread.id)
        await store.add_thread_item(thread.id, item, context)
        await store.save_attachment(attachment, context)
        await store.delete_thread(thread.id, context)
        for load in (
            store.load_thread(thread.id, context),
            store.load_item(thread.id, item.id, context),
            store.load_thread_items(thread.id, None, 20, "asc", context),
            store.load_attachment(attachment.id, context),
        ):
            with pytest.raises(NotFoundError):
                await load
        await store.delete_thread(thread.id, context)

    # Items

    @pytest.mark.parametrize("index", range(len(every_item("thr"))))
    async def test_every_kind_of_item_comes_back_whole(
        self, store: Store[Context], context: Context, index: int
    ) -> None:
        thread = await self.saved_thread(store, context)
        item = every_item(thread.id)[index]
        await store.add_thread_item(thread.id, item, context)
        loaded = await store.load_item(thread.id, item.id, context)
        assert type(loaded) is type(item)
        assert loaded.model_dump_json() == item.model_dump_json()
        page = await store.load_thread_items(thread.id, None, 20, "desc", context)
        assert [each.model_dump_json() for each in page.data] == [item.model_dump_json()]

    async def test_saving_an_item_again_keeps_its_place(
        self, store: Store[Context], context: Context
    ) -> None:
        thread = await self.saved_thread(store, context)
        items = [a_message(thread.id, str(number)) for number in range(4)]
        for item in items:
            await store.add_thread_item(thread.id, item, context)
        again = items[1].model_copy(update={"content": [UserMessageTextContent(text="again")]})
        saved = items[2].model_copy(update={"created_at": _NOON + timedelta(days=1)})
        await store.add_thread_item(thread.id, again, context)
        await store.save_item(thread.id, saved, context)
        page = await store.load_thread_items(thread.id, None, 20, "asc", context)
        assert page.data == [items[0], again, saved, items[3]]

    async def test_save_item_makes_what_is_not_there(
        self, store: Store[Context], context: Context
    ) -> None:
        thread = await self.saved_thread(store, context)
        item = a_message(thread.id)
        await store.save_item(thread.id, item, context)
        assert await store.load_item(thread.id, item.id, context) == item

    @pytest.mark.parametrize("order", ["asc", "desc"])
    @pytest.mark.parametrize("size", [1, 7, 100])
    async def test_items_of_one_moment_page_without_loss(
        self, store: Store[Context], context: Context, order: str, size: int
    ) -> None:
        thread = await self.saved_thread(store, context)
        made = [a_message(thread.id, id=f"msg_{number * 7919 % 23}") for number in range(23)]
        for item in made:
            await store.add_thread_item(thread.id, item, context)
        expected = [item.id for item in (made if order == "asc" else made[::-1])]
        assert await self.collect_items(store, thread.id, order, size, context) == expected

    @pytest.mark.parametrize("limit", [-5, 0, 1_000_000])
    async def test_a_limit_out_of_range_is_brought_into_it(
        self, store: Store[Context], context: Context, limit: int
    ) -> None:
        thread = await self.saved_thread(store, context)
        for _ in range(3):
            await store.add_thread_item(thread.id, a_message(thread.id), context)
        page = await store.load_thread_items(thread.id, None, limit, "asc", context)
        assert len(page.data) == (3 if limit > 0 else 1)
        assert page.has_more is (limit <= 0)
        assert len((await store.load_threads(limit, None, "asc", context)).data) == 1

    async def test_deleting_an_item_leaves_the_others_in_place(
        self, store: Store[Context], context: Context
    ) -> None:
        thread = await self.saved_thread(store, context)
        items = [a_message(thread.id) for _ in range(3)]
        for item in items:
            await store.add_thread_item(thread.id, item, context)
        await store.delete_thread_item(thread.id, items[1].id, context)
        await store.delete_thread_item(thread.id, items[1].id, context)
        expected = [items[0].id, items[2].id]
        assert await self.collect_items(store, thread.id, "asc", 20, context) == expected

    async def test_two_writers_on_one_thread(self, store: Store[Context], context: Context) -> None:
        thread = await self.saved_thread(store, context)

        async def write(name: str) -> None:
            for number in range(20):
                item = a_message(thread.id, id=f"msg_{name}_{number:02}")
                await store.add_thread_item(thread.id, item, context)

        await asyncio.gather(write("a"), write("b"))
        ids = await self.collect_items(store, thread.id, "asc", 7, context)
        assert sorted(ids) == sorted(f"msg_{name}_{n:02}" for name in "ab" for n in range(20))
        for name in "ab":
            mine = [each for each in ids if each.startswith(f"msg_{name}")]
            assert mine == sorted(mine)

    # Times

    @pytest.mark.parametrize("zone", [None, UTC, timezone(timedelta(hours=5))])
    async def test_times_come_back_naive_in_utc(
        self, store: Store[Context], context: Context, zone: timezone | None
    ) -> None:
        moment = _NOON if zone is None else _NOON.replace(tzinfo=UTC).astimezone(zone)
        thread = a_thread(created_at=moment)
        await store.save_thread(thread, context)
        item = a_message(thread.id, created_at=moment)
        await store.add_thread_item(thread.id, item, context)
        loaded = await store.load_item(thread.id, item.id, context)
        assert loaded.created_at == _NOON
        assert (await store.load_thread(thread.id, context)).created_at == _NOON
        # ChatKit subtracts this from its own naive clock when a workflow goes on.
        assert isinstance(datetime.now() - loaded.created_at, timedelta)  # noqa: DTZ005

    # What is not there

    async def test_loading_what_is_not_there(self, store: Store[Context], context: Context) -> None:
        thread = await self.saved_thread(store, context)
        for load in (
            store.load_thread("thr_none", context),
            store.load_item(thread.id, "msg_none", context),
            store.load_item("thr_none", "msg_none", context),
            store.load_thread_items("thr_none", None, 20, "asc", context),
            store.load_attachment("atc_none", context),
        ):
            with pytest.raises(NotFoundError):
                await load

    async def test_adding_an_item_to_no_thread(
        self, store: Store[Context], context: Context
    ) -> None:
        for add in (store.add_thread_item, store.save_item):
            with pytest.raises(NotFoundError):
                await add("thr_none", a_message("thr_none"), context)

    @pytest.mark.parametrize("order", ["asc", "desc"])
    async def test_a_page_goes_on_where_a_row_was_that_is_gone(
        self, store: Store[Context], context: Context, order: str
    ) -> None:
        threads = [await self.saved_thread(store, context) for _ in range(5)]
        ids = [thread.id for thread in threads]
        page = await store.load_threads(2, None, order, context)
        await store.delete_thread(page.data[-1].id, context)
        rest = await store.load_threads(9, page.after, order, context)
        ordered = ids if order == "asc" else ids[::-1]
        assert [thread.id for thread in [*page.data, *rest.data]] == ordered

        kept = rest.data[0].id
        items = [a_message(kept) for _ in range(5)]
        for item in items:
            await store.add_thread_item(kept, item, context)
        first = await store.load_thread_items(kept, None, 2, order, context)
        await store.delete_thread_item(kept, first.data[-1].id, context)
        more = await store.load_thread_items(kept, first.after, 9, order, context)
        names = [item.id for item in (items if order == "asc" else items[::-1])]
        assert [item.id for item in [*first.data, *more.data]] == names

    async def test_a_thread_that_was_used_between_two_pages_comes_once(
        self, store: Store[Context], context: Context
    ) -> None:
        ids = [(await self.saved_thread(store, context)).id for _ in range(5)][::-1]
        page = await store.load_threads(2, None, "desc", context)
        for used in (ids[1], ids[3]):
            await store.add_thread_item(used, a_message(used), context)
        rest = await store.load_threads(9, page.after, "desc", context)
        assert [thread.id for thread in [*page.data, *rest.data]] == [*ids[:3], ids[4]]

    @pytest.mark.parametrize("order", ["asc", "desc"])
    async def test_the_id_of_a_row_is_a_cursor_too(
        self, store: Store[Context], context: Context, order: str
    ) -> None:
        threads = [await self.saved_thread(store, context) for _ in range(3)]
        items = [a_message(threads[0].id) for _ in range(3)]
        if order == "desc":
            threads.reverse()
        page = await store.load_threads(9, threads[0].id, order, context)
        assert [thread.id for thread in page.data] == [thread.id for thread in threads[1:]]
        for item in items:
            await store.add_thread_item(items[0].thread_id, item, context)
        if order == "desc":
            items.reverse()
        rest = await store.load_thread_items(items[0].thread_id, items[0].id, 9, order, context)
        assert [item.id for item in rest.data] == [item.id for item in items[1:]]

    # Attachments

    async def test_an_attachment_comes_back_whole_and_can_be_saved_again(
        self, store: Store[Context], context: Context
    ) -> None:
        thread = await self.saved_thread(store, context)
        attachment = an_attachment(
            metadata=dict(_BIG),
            upload_descriptor={
                "url": "https://s3.example/put?sig=a%2Fb",
                "method": "PUT",
                "headers": {"Content-Type": "text/plain"},
            },
        )
        await store.save_attachment(attachment, context)
        loaded = await store.load_attachment(attachment.id, context)
        assert loaded.model_dump_json() == attachment.model_dump_json()
        bound = attachment.model_copy(update={"thread_id": thread.id, "upload_descriptor": None})
        await store.save_attachment(bound, context)
        assert await store.load_attachment(attachment.id, context) == bound
        await store.delete_attachment(attachment.id, context)
        await store.delete_attachment(attachment.id, context)
        with pytest.raises(NotFoundError):
            await store.load_attachment(attachment.id, context)

    # Other users

    async def test_another_user_reads_nothing(
        self, store: Store[Context], context: Context, other_context: Context
    ) -> None:
        thread, item, attachment = await self.belongings(store, context)
        for load in (
            store.load_thread(thread.id, other_context),
            store.load_item(thread.id, item.id, other_context),
            store.load_thread_items(thread.id, None, 20, "asc", other_context),
            store.load_attachment(attachment.id, other_context),
        ):
            with pytest.raises(NotFoundError):
                await load
        assert (await store.load_threads(20, None, "asc", other_context)).data == []

    async def test_another_user_changes_nothing(
        self, store: Store[Context], context: Context, other_context: Context
    ) -> None:
        thread, item, attachment = await self.belongings(store, context)
        own = await self.saved_thread(store, other_context)
        attempts: list[Callable[[], Awaitable[None]]] = [
            lambda: store.save_thread(a_thread(id=thread.id, title="mine"), other_context),
            lambda: store.add_thread_item(
                thread.id, a_message(thread.id, "mine", id=item.id), other_context
            ),
            lambda: store.add_thread_item(thread.id, a_message(thread.id), other_context),
            lambda: store.save_item(
                thread.id, a_message(thread.id, "mine", id=item.id), other_context
            ),
            lambda: store.save_attachment(an_attachment(id=attachment.id), other_context),
            lambda: store.save_attachment(an_attachment(thread_id=thread.id), other_context),
            lambda: store.save_attachment(
                an_attachment(id=attachment.id, thread_id=own.id), other_context
            ),
        ]
        for attempt in attempts:
            with pytest.raises(NotFoundError):
                await attempt()
        await store.delete_thread_item(thread.id, item.id, other_context)
        await store.delete_attachment(attachment.id, other_context)
        await store.delete_thread(thread.id, other_context)
        assert await store.load_thread(thread.id, context) == thread
        assert await self.collect_items(store, thread.id, "asc", 20, context) == [item.id]
        assert await store.load_item(thread.id, item.id, context) == item
        assert await store.load_attachment(attachment.id, context) == attachment
        assert await self.collect_items(store, own.id, "asc", 20, other_context) == []

    async def test_two_users_may_hold_items_of_one_id(
        self, store: Store[Context], context: Context, other_context: Context
    ) -> None:
        for user, text in ((context, "one"), (other_context, "two")):
            thread = await self.saved_thread(store, user)
            await store.add_thread_item(thread.id, a_message(thread.id, text, id="msg_1"), user)
        for user, text in ((context, "one"), (other_context, "two")):
            [thread] = (await store.load_threads(20, None, "asc", user)).data
            item = await store.load_item(thread.id, "msg_1", user)
            assert isinstance(item, UserMessageItem)
            assert item.content == [UserMessageTextContent(text=text)]

    async def belongings(
        self, store: Store[Context], context: Context
    ) -> tuple[ThreadMetadata, ThreadItem, Attachment]:
        thread = await self.saved_thread(store, context)
        item = a_message(thread.id)
        attachment = an_attachment(thread_id=thread.id)
        await store.add_thread_item(thread.id, item, context)
        await store.save_attachment(attachment, context)
        return thread, item, attachment
