import { beforeEach, describe, expect, it, vi } from "vitest";
import { EMPTY_LIST, reduce, shown, type ListEvent, type TaskList } from "@/features/tasks/list";
import {
  dueDate,
  dueState,
  fromDateInput,
  matches,
  toDateInput,
  type Task,
} from "@/features/tasks/task";

const task = (id: string, fields: Partial<Task> = {}): Task => ({
  id,
  title: id,
  notes: "",
  completed: false,
  due_at: null,
  created_at: "2026-11-20T10:00:00Z",
  updated_at: "2026-11-20T10:00:00Z",
  ...fields,
});

const loaded = (tasks: Task[], append = false): ListEvent => ({
  type: "loaded",
  page: { data: tasks, has_more: false },
  append,
});

const play = (events: ListEvent[], start: TaskList = EMPTY_LIST) => events.reduce(reduce, start);
const titles = (list: TaskList) => shown(list).map(({ title }) => title);

describe("optimistic changes", () => {
  const start = play([loaded([task("a"), task("b")])]);

  it("show an addition at once, first, and the real task when confirmed", () => {
    const draft = task("new-1", { title: "milk" });
    const began = play([{ type: "began", change: { id: 1, kind: "add", task: draft } }], start);
    expect(shown(began)[0]).toMatchObject({ title: "milk", pending: true });
    const confirmed = reduce(began, {
      type: "confirmed",
      id: 1,
      task: task("tsk_1", { title: "milk" }),
    });
    expect(shown(confirmed)[0]).toEqual(task("tsk_1", { title: "milk" }));
  });

  it("do not show an addition twice when a refresh is faster than the answer", () => {
    const draft = task("new-1", { title: "milk" });
    const real = task("tsk_1", { title: "milk" });
    const list = play(
      [
        { type: "began", change: { id: 1, kind: "add", task: draft } },
        loaded([real, task("a"), task("b")]),
        { type: "confirmed", id: 1, task: real },
      ],
      start,
    );
    expect(titles(list)).toEqual(["milk", "a", "b"]);
  });

  it("roll back what is refused, and nothing else", () => {
    const list = play(
      [
        { type: "began", change: { id: 1, kind: "edit", taskId: "a", changes: { title: "A" } } },
        {
          type: "began",
          change: { id: 2, kind: "edit", taskId: "a", changes: { completed: true } },
        },
        { type: "began", change: { id: 3, kind: "delete", taskId: "b" } },
      ],
      start,
    );
    expect(titles(list)).toEqual(["A"]);
    const rolled = play(
      [
        { type: "refused", id: 1 },
        { type: "refused", id: 3 },
      ],
      list,
    );
    expect(titles(rolled)).toEqual(["a", "b"]);
    expect(shown(rolled)[0]?.completed).toBe(true);
  });

  it("survive a refresh that does not know them yet", () => {
    const list = play(
      [
        { type: "began", change: { id: 1, kind: "delete", taskId: "a" } },
        loaded([task("a"), task("b")]),
      ],
      start,
    );
    expect(titles(list)).toEqual(["b"]);
    expect(titles(reduce(list, { type: "confirmed", id: 1 }))).toEqual(["b"]);
  });

  it("ignore word of a change that is not pending", () => {
    expect(reduce(start, { type: "confirmed", id: 9 })).toBe(start);
  });
});

it("appends a page without repeating what is there", () => {
  const list = play([loaded([task("a"), task("b")]), loaded([task("b"), task("c")], true)]);
  expect(titles(list)).toEqual(["a", "b", "c"]);
});

const ZONES = [
  "Asia/Karachi",
  "America/New_York",
  "Pacific/Kiritimati",
  "Pacific/Pago_Pago",
  "Africa/Cairo",
];

describe.each(ZONES)("due dates in %s", (zone) => {
  beforeEach(() => {
    vi.stubEnv("TZ", zone);
    return () => vi.unstubAllEnvs();
  });
  const state = (due_at: string, now: Date, completed = false) =>
    dueState(task("a", { due_at, completed }), now);

  it("are a day from its first minute here to its last", () => {
    const day = "2026-11-20";
    expect(state(day, new Date(2026, 10, 19, 23, 59))).toBe("later");
    expect(state(day, new Date(2026, 10, 20, 0, 0))).toBe("today");
    expect(state(day, new Date(2026, 10, 20, 23, 59))).toBe("today");
    expect(state(day, new Date(2026, 10, 21, 0, 0))).toBe("overdue");
    expect(state(day, new Date(2026, 10, 21), true)).toBe("done");
    expect(dueState(task("a"), new Date())).toBeNull();
  });

  it("are shown on the day that was entered", () => {
    // In Cairo the last of them has no midnight.
    for (const day of ["2026-12-24", "2026-12-31", "2027-01-01", "2028-02-29", "2026-04-24"]) {
      expect(fromDateInput(day)).toBe(day);
      expect(toDateInput(day)).toBe(day);
      expect(dueDate(day).getDate()).toBe(Number(day.slice(-2)));
    }
    expect(fromDateInput("")).toBeNull();
    expect(fromDateInput("", "2026-12-24")).toBeNull();
    expect(toDateInput(null)).toBe("");
    expect(fromDateInput("2026-12-25", "2026-12-24")).toBe("2026-12-25");
  });

  it("with a time are over when it is", () => {
    const now = new Date(2026, 10, 20, 12);
    const at = (...time: [number, number, number, number]) =>
      state(new Date(...time).toISOString(), now);
    expect(at(2026, 10, 19, 23)).toBe("overdue");
    expect(at(2026, 10, 20, 11)).toBe("overdue");
    expect(at(2026, 10, 20, 12)).toBe("today");
    expect(at(2026, 10, 20, 23)).toBe("today");
    expect(at(2026, 10, 21, 0)).toBe("later");
  });

  it("keep their time, whatever the day", () => {
    const nine = new Date(2026, 11, 24, 9, 30).toISOString();
    expect(toDateInput(nine)).toBe("2026-12-24");
    expect(fromDateInput("2026-12-24", nine)).toBe(nine);
    expect(fromDateInput("2026-12-25", nine)).toBe(new Date(2026, 11, 25, 9, 30).toISOString());
  });
});

it("matches filters", () => {
  const done = task("a", { completed: true });
  expect([matches(done, "all"), matches(done, "open"), matches(done, "done")]).toEqual([
    true,
    false,
    true,
  ]);
});
