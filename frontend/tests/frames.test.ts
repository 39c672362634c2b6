import { describe, expect, it } from "vitest";
import {
  beginRun,
  EMPTY,
  endRun,
  fold,
  fromThread,
  ITEMS_REMOVED,
  type Conversation,
} from "@/features/assistant/bridge/frames";
import type {
  Annotation,
  AssistantMessageItem,
  Thread,
  ThreadEvent,
  ThreadItem,
  WidgetItem,
  WorkflowItem,
} from "@/features/assistant/bridge/protocol";

const BASE = { thread_id: "thr_1", created_at: "2026-11-20T10:00:00Z" };

const HEAD = {
  id: "thr_1",
  title: "Groceries",
  created_at: "2026-11-20T10:00:00Z",
  status: { type: "active" as const },
};

const thread = (items: ThreadItem[] = []): Thread => ({
  ...HEAD,
  items: { data: items, has_more: false },
});

const user: ThreadItem = {
  ...BASE,
  id: "msg_u",
  type: "user_message",
  content: [{ type: "input_text", text: "add milk" }],
  attachments: [],
};

const assistant = (text: string, annotations: Annotation[] = []): AssistantMessageItem => ({
  ...BASE,
  id: "msg_a",
  type: "assistant_message",
  content: [{ type: "output_text", text, annotations }],
});

const empty: ThreadItem = { ...BASE, id: "msg_a", type: "assistant_message", content: [] };

const note: Annotation = {
  type: "annotation",
  source: { type: "url", title: "A", url: "https://a" },
};

const workflow = (...states: ("loading" | "complete")[]): WorkflowItem => ({
  ...BASE,
  id: "wf_1",
  type: "workflow",
  workflow: {
    type: "custom",
    tasks: states.map((status_indicator, index) => ({
      type: "custom" as const,
      title: `tool ${index}`,
      status_indicator,
    })),
  },
});

const widget = (value = "Milk"): WidgetItem => ({
  ...BASE,
  id: "wid_1",
  type: "widget",
  widget: {
    type: "Card",
    children: [
      { type: "Row", children: [{ type: "Text", id: "title", value }] },
      { type: "Transition", children: { type: "Badge", id: "badge", label: "open" } },
    ],
  },
});

const play = (events: ThreadEvent[], start: Conversation = EMPTY) => events.reduce(fold, start);

const updated = (
  item_id: string,
  update: Extract<ThreadEvent, { type: "thread.item.updated" }>["update"],
): ThreadEvent => ({ type: "thread.item.updated", item_id, update });

describe("thread events", () => {
  it("created and updated set the head, and take the items they bring", () => {
    const state = play([{ type: "thread.created", thread: thread() }]);
    expect(state.thread).toEqual(HEAD);
    const renamed = fold(state, {
      type: "thread.updated",
      thread: { ...thread([user]), title: "Shopping" },
    });
    expect(renamed.thread?.title).toBe("Shopping");
    expect(renamed.items).toEqual([user]);
  });

  it("created leaves nothing of another conversation that is still shown", () => {
    const shown = fold(fromThread(thread([user])), { type: "error", code: "custom" });
    const begun = fold(shown, { type: "thread.created", thread: { ...thread(), id: "thr_2" } });
    expect(begun).toEqual({ ...EMPTY, thread: { ...HEAD, id: "thr_2" } });
  });
});

describe("items", () => {
  it("are added open, and done when done", () => {
    const added = play([{ type: "thread.item.added", item: empty }]);
    expect(added.open).toEqual(new Set(["msg_a"]));
    const done = fold(added, { type: "thread.item.done", item: assistant("Hi") });
    expect(done.items).toEqual([assistant("Hi")]);
    expect(done.open).toEqual(new Set());
  });

  it("may be done without having been added", () => {
    expect(play([{ type: "thread.item.done", item: user }]).items).toEqual([user]);
  });

  it("keep their place when replaced", () => {
    const state = play([
      { type: "thread.item.done", item: widget() },
      { type: "thread.item.done", item: user },
      { type: "thread.item.replaced", item: widget("Eggs") },
    ]);
    expect(state.items).toEqual([widget("Eggs"), user]);
  });

  it.each([
    ["msg_d", ["msg_a", "msg_d"]],
    [null, ["msg_a"]],
    ["msg_gone", ["msg_a", "msg_b", "msg_c", "msg_d"]],
  ])("go up to %s when a retry took them away", (before, kept) => {
    const items = ["msg_a", "msg_b", "msg_c", "msg_d"].map((id) => ({ ...user, id }));
    const state = play([
      ...items.map((item) => ({ type: "thread.item.done" as const, item })),
      { type: "client_effect", name: ITEMS_REMOVED, data: { after: "msg_a", before } },
    ]);
    expect(state.items.map(({ id }) => id)).toEqual(kept);
  });

  it("go when removed, open or not", () => {
    const state = play([
      { type: "thread.item.added", item: empty },
      { type: "thread.item.removed", item_id: "msg_a" },
      { type: "thread.item.removed", item_id: "msg_gone" },
    ]);
    expect(state.items).toEqual([]);
    expect(state.open).toEqual(new Set());
  });

  const others: ThreadItem[] = [
    {
      ...BASE,
      id: "ct_1",
      type: "client_tool_call",
      status: "pending",
      call_id: "c",
      name: "tool",
      arguments: {},
    },
    { ...BASE, id: "img_1", type: "generated_image" },
    {
      ...BASE,
      id: "in_1",
      type: "structured_input",
      status: "pending",
      inputs: [
        { type: "multiple_choice", id: "q", question: "Sure?", options: [{ value: "Yes" }] },
      ],
    },
    { ...BASE, id: "tsk_1", type: "task", task: { type: "thought", content: "hm" } },
    { ...BASE, id: "end_1", type: "end_of_turn" },
    user,
    assistant("x"),
    widget(),
    workflow("complete"),
  ];

  it.each(others)("of type $type are kept as they come", (item) => {
    const added = play([{ type: "thread.item.added", item }]);
    expect(added.items).toEqual([item]);
    expect(fold(added, { type: "thread.item.done", item }).items).toEqual([item]);
  });

  it.each(["hidden_context_item", "sdk_hidden_context"] as const)(
    "of type %s are not shown",
    (type) => {
      const item: ThreadItem = { ...BASE, id: "hid_1", type, content: "secret" };
      const events = ["thread.item.added", "thread.item.done", "thread.item.replaced"] as const;
      expect(play(events.map((event) => ({ type: event, item }))).items).toEqual([]);
    },
  );
});

describe("assistant message updates", () => {
  const begun = play([{ type: "thread.item.added", item: empty }]);

  it("grow a part by deltas", () => {
    const state = play(
      [
        updated("msg_a", {
          type: "assistant_message.content_part.added",
          content_index: 0,
          content: { type: "output_text", text: "", annotations: [] },
        }),
        ...["Ad", "ded", " milk"].map((delta) =>
          updated("msg_a", {
            type: "assistant_message.content_part.text_delta",
            content_index: 0,
            delta,
          }),
        ),
      ],
      begun,
    );
    expect(state.items).toEqual([assistant("Added milk")]);
  });

  it("take deltas for a part that was never announced", () => {
    const state = fold(
      begun,
      updated("msg_a", {
        type: "assistant_message.content_part.text_delta",
        content_index: 0,
        delta: "Hi",
      }),
    );
    expect(state.items).toEqual([assistant("Hi")]);
  });

  it("put annotations and finished parts in place", () => {
    const state = play(
      [
        updated("msg_a", {
          type: "assistant_message.content_part.annotation_added",
          content_index: 0,
          annotation_index: 0,
          annotation: note,
        }),
        updated("msg_a", {
          type: "assistant_message.content_part.done",
          content_index: 0,
          content: { type: "output_text", text: "See A", annotations: [note] },
        }),
      ],
      begun,
    );
    expect(state.items).toEqual([assistant("See A", [note])]);
  });
});

describe("workflow and task updates", () => {
  it("add tasks and change them by index", () => {
    const state = play([
      { type: "thread.item.added", item: workflow("loading") },
      updated("wf_1", {
        type: "workflow.task.added",
        task_index: 1,
        task: { type: "custom", title: "tool 1", status_indicator: "loading" },
      }),
      updated("wf_1", {
        type: "workflow.task.updated",
        task_index: 0,
        task: { type: "custom", title: "tool 0", status_indicator: "complete" },
      }),
    ]);
    expect(state.items).toEqual([workflow("complete", "loading")]);
  });

  it("change a lone task", () => {
    const item: ThreadItem = { ...BASE, id: "tsk_1", type: "task", task: { type: "custom" } };
    const task = { type: "custom" as const, title: "done" };
    const state = play([
      { type: "thread.item.added", item },
      updated("tsk_1", { type: "workflow.task.updated", task_index: 0, task }),
    ]);
    expect(state.items).toEqual([{ ...item, task }]);
  });
});

describe("widget and image updates", () => {
  it("stream text into a component, however deep", () => {
    const delta = (words: string, done: boolean) =>
      updated("wid_1", {
        type: "widget.streaming_text.value_delta",
        component_id: "title",
        delta: words,
        done,
      });
    const state = play(
      [delta(" and", false), delta(" eggs", true)],
      play([{ type: "thread.item.done", item: widget() }]),
    );
    expect(JSON.stringify(state.items)).toContain('"value":"Milk and eggs","streaming":false');
  });

  it("replace a component, also an only child", () => {
    const state = play([
      { type: "thread.item.done", item: widget() },
      updated("wid_1", {
        type: "widget.component.updated",
        component_id: "badge",
        component: { type: "Badge", id: "badge", label: "done" },
      }),
    ]);
    expect(JSON.stringify(state.items)).toContain('"label":"done"');
  });

  it("replace the root, also after the widget was done", () => {
    const state = play([
      { type: "thread.item.done", item: widget() },
      updated("wid_1", { type: "widget.root.updated", widget: { type: "Card", children: [] } }),
    ]);
    expect(state.items).toEqual([{ ...widget(), widget: { type: "Card", children: [] } }]);
  });

  it("show an image as it comes", () => {
    const image = { id: "i", url: "https://a/b.png" };
    const state = play([
      { type: "thread.item.added", item: { ...BASE, id: "img_1", type: "generated_image" } },
      updated("img_1", { type: "generated_image.updated", image, progress: 0.5 }),
    ]);
    expect(state.items[0]).toMatchObject({ image });
  });

  it("leave everything as it is for what they do not fit", () => {
    const state = play([{ type: "thread.item.added", item: user }]);
    for (const id of ["msg_u", "nobody"]) {
      const next = fold(
        state,
        updated(id, { type: "widget.root.updated", widget: { type: "Card" } }),
      );
      expect(next).toBe(state);
    }
  });
});

describe("what belongs to a run alone", () => {
  const events: ThreadEvent[] = [
    { type: "stream_options", stream_options: { allow_cancel: true } },
    { type: "progress_update", text: "Looking", icon: "search" },
    { type: "notice", level: "warning", message: "Nearly full", title: "Quota" },
    { type: "error", code: "custom", message: "No", allow_retry: true },
  ];

  it("is kept as it comes", () => {
    const state = play(events);
    expect(state.allowCancel).toBe(true);
    expect(state.notices).toHaveLength(1);
    expect(state.error?.message).toBe("No");
    expect(state.progress).toBeNull();
    expect(play(events.slice(0, 2)).progress).toEqual({ text: "Looking", icon: "search" });
  });

  it("gives way to the first words", () => {
    const state = play([...events.slice(0, 2), { type: "thread.item.added", item: empty }]);
    expect(state.progress).toBeNull();
  });

  it("ends with the run; errors and notices stay until the next", () => {
    const ended = endRun(play(events));
    expect(ended.allowCancel).toBe(false);
    expect(ended.error).not.toBeNull();
    expect(beginRun(ended)).toMatchObject({ error: null, notices: [], progress: null });
  });

  it("does not count effects, nor events of a later version", () => {
    const later = { type: "thread.sparkled" } as unknown as ThreadEvent;
    expect(fold(EMPTY, { type: "client_effect", name: "tasks.changed" })).toBe(EMPTY);
    expect(fold(EMPTY, later)).toBe(EMPTY);
  });
});

/** A run as the API streams it: announced, grown, done. */
function frames(items: ThreadItem[], random: () => number): ThreadEvent[] {
  const events: ThreadEvent[] = [{ type: "thread.created", thread: thread() }];
  for (const item of items) {
    if (item.type === "assistant_message") {
      events.push({ type: "thread.item.added", item: { ...item, content: [] } });
      item.content.forEach((content, content_index) => {
        events.push(
          updated(item.id, {
            type: "assistant_message.content_part.added",
            content_index,
            content: { ...content, text: "", annotations: [] },
          }),
        );
        for (let rest = content.text; rest;) {
          const delta = rest.slice(0, 1 + Math.floor(random() * 8));
          rest = rest.slice(delta.length);
          events.push(
            updated(item.id, {
              type: "assistant_message.content_part.text_delta",
              content_index,
              delta,
            }),
          );
        }
        content.annotations.forEach((annotation, annotation_index) =>
          events.push(
            updated(item.id, {
              type: "assistant_message.content_part.annotation_added",
              content_index,
              annotation_index,
              annotation,
            }),
          ),
        );
      });
    } else if (item.type === "workflow") {
      const [first, ...rest] = item.workflow.tasks;
      const loading = { status_indicator: "loading" as const };
      events.push({
        type: "thread.item.added",
        item: {
          ...item,
          workflow: { ...item.workflow, tasks: first ? [{ ...first, ...loading }] : [] },
        },
      });
      rest.forEach((task, index) =>
        events.push(
          updated(item.id, {
            type: "workflow.task.added",
            task_index: index + 1,
            task: { ...task, ...loading },
          }),
        ),
      );
      item.workflow.tasks.forEach((task, task_index) =>
        events.push(updated(item.id, { type: "workflow.task.updated", task_index, task })),
      );
    }
    const hasDone = random() < 0.7 || !["assistant_message", "workflow"].includes(item.type);
    if (hasDone) events.push({ type: "thread.item.done", item });
  }
  return events;
}

/** Park and Miller's generator: the same cases in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

function randomItems(random: () => number): ThreadItem[] {
  const words = ["دودھ", "milk", "✓ done", "**bold**", "\n- list"];
  const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)] as T;
  return Array.from({ length: 1 + Math.floor(random() * 6) }, (_, index): ThreadItem => {
    const text = Array.from({ length: Math.floor(random() * 12) }, () => pick(words)).join(" ");
    switch (pick(["user", "assistant", "workflow", "widget"])) {
      case "user":
        return { ...user, id: `item_${index}` };
      case "assistant":
        return {
          ...assistant(text, random() < 0.5 ? [note] : []),
          id: `item_${index}`,
        };
      case "workflow":
        return {
          ...workflow(
            ...Array.from({ length: 1 + Math.floor(random() * 3) }, () => "complete" as const),
          ),
          id: `item_${index}`,
        };
      default:
        return { ...widget(text), id: `item_${index}` };
    }
  });
}

describe("the folding law", () => {
  const seeds = Array.from({ length: 200 }, (_, index) => index + 1);

  it("folding a run gives the items that the API then gives", () => {
    for (const seed of seeds) {
      const random = seeded(seed);
      const items = randomItems(random);
      expect(play(frames(items, random)).items, `seed ${seed}`).toEqual(items);
    }
  });

  it("a resumed stream that overlaps what is known changes nothing", () => {
    for (const seed of seeds) {
      const random = seeded(seed);
      const items = randomItems(random);
      const events = frames(items, random);
      const cut = Math.floor(random() * events.length);
      const overlap = Math.floor(random() * cut);
      const resumed = play(events.slice(cut), play(events.slice(0, cut)));
      expect(resumed.items, `seed ${seed}`).toEqual(items);
      // After a reload: what was saved meanwhile, then the run from its beginning.
      const saved = fromThread(thread(items.slice(0, overlap % (items.length + 1))));
      expect(play(events, saved).items, `seed ${seed}`).toEqual(items);
    }
  });

  it("a whole replay over the finished thread changes nothing", () => {
    for (const seed of seeds) {
      const random = seeded(seed);
      const items = randomItems(random);
      const state = fromThread(thread(items));
      expect(play(frames(items, random), state).items, `seed ${seed}`).toEqual(items);
    }
  });
});
