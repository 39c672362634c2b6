"""The fold itself: every event and every update, and what it will not take."""

from typing import get_args

import pytest
from chatkit.types import ThreadItemUpdate, ThreadStreamEvent
from pydantic import TypeAdapter

from tests.chat.fold import FoldError, Screen, fold


class TestFold:
    """The fold itself: every event and every update, and what it will not take."""

    THREAD = '{"id":"t","created_at":"2026-01-01T00:00:00Z","items":{"data":[]}'
    COMMON = '"thread_id":"t","created_at":"2026-01-01T00:00:00Z"'

    def _events(self, *frames: str) -> list[ThreadStreamEvent]:
        adapter: TypeAdapter[ThreadStreamEvent] = TypeAdapter(ThreadStreamEvent)
        return [adapter.validate_json(frame) for frame in frames]

    def _message(self, text: str | None) -> str:
        part = "" if text is None else f'{{"type":"output_text","text":"{text}","annotations":[]}}'
        return f'{{"type":"assistant_message","id":"m",{self.COMMON},"content":[{part}]}}'

    def _update(self, update: str, item_id: str = "m") -> str:
        return f'{{"type":"thread.item.updated","item_id":"{item_id}","update":{{{update}}}}}'

    def test_a_message_word_by_word(self) -> None:
        kind = '"type":"assistant_message.content_part.'
        annotation = '"annotation":{"type":"annotation","source":{"type":"url","url":"https://e.org","title":"e"}}'
        events = self._events(
            f'{{"type":"thread.created","thread":{self.THREAD},"title":"A"}}}}',
            '{"type":"stream_options","stream_options":{"allow_cancel":true}}',
            f'{{"type":"thread.item.added","item":{self._message(None)}}}',
            self._update(
                f'{kind}added","content_index":0,"content":{{"text":"","annotations":[]}}'
            ),
            self._update(f'{kind}text_delta","content_index":0,"delta":"Hel"'),
            self._update(f'{kind}text_delta","content_index":0,"delta":"lo"'),
            self._update(
                f'{kind}annotation_added","content_index":0,"annotation_index":0,{annotation}'
            ),
            self._update(f'{kind}done","content_index":0,"content":{{"text":"Hello"}}'),
        )
        screen = fold(events)
        assert screen.unfinished == {"m"}
        assert (screen.title, screen.allow_cancel) == ("A", True)
        assert '"text": "Hello"' in screen.texts()[0]
        # In two parts it is the same, and nothing that went in has changed.
        halves = fold(events[4:], fold(events[:4]))
        assert halves.texts() == screen.texts()
        assert fold(events).texts() == screen.texts()
        done = fold(
            self._events(
                f'{{"type":"thread.item.done","item":{self._message("Hello")}}}',
                f'{{"type":"thread.updated","thread":{self.THREAD},"title":"B"}}}}',
                '{"type":"progress_update","text":"soon"}',
                '{"type":"notice","level":"info","message":"n"}',
                '{"type":"client_effect","name":"e","data":{}}',
                '{"type":"error","code":"custom","message":"x","allow_retry":false}',
            ),
            screen,
        )
        assert done.unfinished == frozenset()
        assert (done.title, done.progress) == ("B", "soon")
        assert (len(done.notices), len(done.effects), len(done.errors)) == (1, 1, 1)
        removed = fold(self._events('{"type":"thread.item.removed","item_id":"m"}'), done)
        assert removed.items == ()

    def test_workflows_widgets_and_images(self) -> None:
        task = '"task":{"type":"custom","title":"one","status_indicator":"loading"}'
        empty = '{"type":"custom","tasks":[]}'
        workflow = f'{{"type":"workflow","id":"w",{self.COMMON},"workflow":{empty}}}'
        widget = (
            f'{{"type":"widget","id":"g",{self.COMMON},"widget":{{"type":"Card","children":['
            '{"type":"Markdown","id":"x","value":"a","streaming":true}]}}'
        )
        image = f'{{"type":"generated_image","id":"i",{self.COMMON}}}'
        events = self._events(
            f'{{"type":"thread.item.added","item":{workflow}}}',
            self._update(f'"type":"workflow.task.added","task_index":0,{task}', "w"),
            self._update(
                f'"type":"workflow.task.updated","task_index":0,{task.replace("one", "two")}', "w"
            ),
            f'{{"type":"thread.item.added","item":{widget}}}',
            self._update(
                '"type":"widget.streaming_text.value_delta","component_id":"x","delta":"bc",'
                '"done":true',
                "g",
            ),
            f'{{"type":"thread.item.added","item":{image}}}',
            self._update(
                '"type":"generated_image.updated","image":{"id":"p","url":"https://e.org/p"}', "i"
            ),
        )
        screen = fold(events)
        assert ["two" in screen.texts()[0], '"abc"' in screen.texts()[1]] == [True, True]
        assert "https://e.org/p" in screen.texts()[2]
        later = fold(
            self._events(
                self._update(
                    '"type":"widget.component.updated","component_id":"x",'
                    '"component":{"type":"Markdown","id":"x","value":"new"}',
                    "g",
                )
            ),
            screen,
        )
        assert '"new"' in later.texts()[1]
        root = fold(
            self._events(
                self._update(
                    '"type":"widget.root.updated","widget":{"type":"Card","children":[]}', "g"
                )
            ),
            later,
        )
        assert '"children": []' in root.texts()[1]
        replaced = fold(self._events(f'{{"type":"thread.item.replaced","item":{widget}}}'), root)
        assert [item.id for item in replaced.items] == ["w", "g", "i"]

    @pytest.mark.parametrize(
        "frame",
        [
            '{"type":"thread.item.updated","item_id":"nobody","update":'
            '{"type":"assistant_message.content_part.text_delta","content_index":0,"delta":"x"}}',
            '{"type":"thread.item.updated","item_id":"m","update":'
            '{"type":"assistant_message.content_part.text_delta","content_index":7,"delta":"x"}}',
            '{"type":"thread.item.updated","item_id":"m","update":'
            '{"type":"workflow.task.added","task_index":0,"task":{"type":"custom"}}}',
            '{"type":"thread.created","thread":{"id":"t","created_at":"2026-01-01T00:00:00Z",'
            '"items":{"data":[]}}}',
            '{"type":"thread.updated","thread":{"id":"other","created_at":"2026-01-01T00:00:00Z",'
            '"items":{"data":[]}}}',
        ],
    )
    def test_what_makes_no_sense(self, frame: str) -> None:
        before = fold(
            self._events(
                f'{{"type":"thread.created","thread":{self.THREAD}}}}}',
                f'{{"type":"thread.item.added","item":{self._message("Hi")}}}',
            )
        )
        with pytest.raises(FoldError):
            fold(self._events(frame), before)

    def test_items_of_other_threads_and_doubles(self) -> None:
        added = f'{{"type":"thread.item.added","item":{self._message("Hi")}}}'
        before = fold(self._events(f'{{"type":"thread.created","thread":{self.THREAD}}}}}', added))
        done = added.replace("added", "done")
        with pytest.raises(FoldError):
            fold(self._events(added), before)
        with pytest.raises(FoldError):
            fold(self._events(done.replace('"thread_id":"t"', '"thread_id":"u"')), before)
        with pytest.raises(FoldError):
            fold(self._events(done.replace("done", "replaced")), Screen(thread_id="t"))

    def test_there_are_no_other_updates(self) -> None:
        """The ten that the tests above take. A new one has to be folded too."""
        assert {kind.model_fields["type"].default for kind in get_args(ThreadItemUpdate)} == {
            "assistant_message.content_part.added",
            "assistant_message.content_part.annotation_added",
            "assistant_message.content_part.done",
            "assistant_message.content_part.text_delta",
            "generated_image.updated",
            "widget.component.updated",
            "widget.root.updated",
            "widget.streaming_text.value_delta",
            "workflow.task.added",
            "workflow.task.updated",
        }
