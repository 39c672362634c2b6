/**
 * Widgets that the assistant itself never makes, in our own panel: a thread is loaded with another
 * widget in the place of its task list. All else is real, so its actions reach the API.
 */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Action, Thread, ThreadItem, WidgetNode } from "@/features/assistant/bridge/protocol";
import { launch, Person } from "./browser";
import { sharedSystem } from "./system";

const { web } = sharedSystem();
let browser: Browser;
beforeAll(async () => void (browser = await launch()));
afterAll(() => browser.close());

const LISTED = "Buy milk";

/** Come with a conversation that shows a list of one task. */
async function arrive(): Promise<Person> {
  const person = await Person.signedUp(browser, web, { path: "/tasks?panel=local" });
  await person.addTask(LISTED);
  await person.openAssistant();
  await person.ask("Show my tasks");
  await person.page.locator("[data-item=widget]").getByText(LISTED).waitFor();
  return person;
}

/** Load the conversation again, each of its task lists replaced by other items. */
async function reloadWith({ page }: Person, instead: (listed: ThreadItem) => ThreadItem[]) {
  await page.route("**/api/chatkit", async (route) => {
    if (!route.request().postData()?.includes("threads.get_by_id")) return route.continue();
    const response = await route.fetch();
    const thread = (await response.json()) as Thread;
    const data = thread.items.data.flatMap((item) =>
      item.type === "widget" ? instead(item) : [item],
    );
    await route.fulfill({ response, json: { ...thread, items: { ...thread.items, data } } });
  });
  await page.reload();
  await page.locator("[data-item=widget]").waitFor();
}

function withWidget(listed: ThreadItem, widget: WidgetNode): ThreadItem {
  return { ...listed, type: "widget", widget };
}

/** The action that ticks the task off, as the task list carries it. */
function tickOf(listed: ThreadItem): Action {
  const nodes = listed.type === "widget" ? [listed.widget] : [];
  for (const node of nodes) {
    if (node.type === "Checkbox") return node.onChangeAction as Action;
    nodes.push(...[node.children ?? []].flat());
  }
  throw new Error("The item is no list of tasks.");
}

it("an image is shown, from a web address alone", async () => {
  const person = await arrive();
  const { page } = person;
  await reloadWith(person, (listed) => [
    withWidget(listed, {
      type: "Card",
      children: [
        { type: "Title", value: "The dairy" },
        { type: "Image", src: `${web}/icon.svg`, alt: "Its sign" },
        { type: "Image", src: "javascript:void 0", alt: "A trick" },
      ],
    }),
    {
      id: "img_1",
      thread_id: listed.thread_id,
      created_at: listed.created_at,
      type: "generated_image",
      image: { id: "img_1", url: `${web}/icon.svg` },
    },
  ]);
  const widget = page.locator("[data-widget=Card]");
  await widget.getByText("The dairy").waitFor();
  expect(await widget.getByRole("img").count()).toBe(1);
  for (const name of ["Its sign", "Image made by the assistant"]) {
    const image = page.getByRole("img", { name });
    const width = () => image.evaluate((node) => (node as HTMLImageElement).naturalWidth);
    await expect.poll(width).toBeGreaterThan(0);
  }
  expect(await person.accessibilityProblems()).toEqual([]);
  await person.leave();
});

it("a chart says that it cannot be shown here, and what stands around it is shown", async () => {
  const person = await arrive();
  await reloadWith(person, (listed) => [
    withWidget(listed, {
      type: "Card",
      children: [
        { type: "Title", value: "Your week" },
        {
          type: "Chart",
          xAxis: { dataKey: "day" },
          series: [{ type: "bar", dataKey: "done", label: "Done" }],
          data: [{ day: "Monday", done: 3 }],
        },
        { type: "Caption", value: "Three tasks on Monday" },
      ],
    }),
  ]);
  const lines = await person.page.locator("[data-widget=Card] p").allInnerTexts();
  expect(lines).toEqual([
    "Your week",
    "This part of the answer cannot be shown here.",
    "Three tasks on Monday",
  ]);
  await person.leave();
});

it("a card with a form sends what was filled in with its action, once it is complete", async () => {
  const person = await arrive();
  const { page } = person;
  let tick: Action | undefined;
  await reloadWith(person, (listed) => {
    tick = tickOf(listed);
    return [
      withWidget(listed, {
        type: "Card",
        asForm: true,
        status: { text: "From your list", icon: "check-circle" },
        children: [
          { type: "Title", value: "How did it go?" },
          { type: "Input", name: "shop", placeholder: "Shop", required: true },
          { type: "Textarea", name: "remark", placeholder: "Remark", defaultValue: "None" },
          {
            type: "Select",
            name: "size",
            placeholder: "Size",
            options: [
              { value: "s", label: "Small" },
              { value: "l", label: "Large" },
            ],
          },
          {
            type: "RadioGroup",
            name: "paid",
            ariaLabel: "Paid by",
            options: [
              { value: "cash", label: "Cash" },
              { value: "card", label: "Card" },
            ],
            defaultValue: "cash",
          },
          { type: "DatePicker", name: "day", placeholder: "Day" },
          { type: "Checkbox", name: "again", label: "Buy it again", defaultChecked: true },
          { type: "Checkbox", name: "late", label: "Too late" },
        ],
        confirm: { label: "Save it", action: tick },
        cancel: { label: "Forget it", action: { type: "task.forget" } },
      }),
    ];
  });
  const actions: unknown[] = [];
  page.on("request", (request) => {
    const body = request.postData() ?? "";
    if (body.includes("threads.custom_action")) actions.push(JSON.parse(body).params.action);
  });
  const form = page.locator("[data-widget=Card] form");
  await form.getByText("From your list").waitFor();
  await form.getByRole("button", { name: "Forget it" }).waitFor();
  expect(await person.accessibilityProblems()).toEqual([]);

  await form.getByLabel("Remark").fill("Two litres\nand fresh");
  await form.getByLabel("Size").selectOption({ label: "Large" });
  await form.getByRole("radiogroup", { name: "Paid by" }).getByLabel("Card").check();
  await form.getByLabel("Day").fill("2026-01-05");
  await form.getByRole("button", { name: "Save it" }).click();
  // Nothing is sent while a field that is needed is empty: the browser leads there.
  const shop = form.getByLabel("Shop");
  await expect.poll(() => shop.evaluate((node) => node === document.activeElement)).toBe(true);
  await shop.fill("دودھ والا");
  await form.getByRole("button", { name: "Save it" }).click();

  // The API takes the action for what it is, and the task list comes back with its tick.
  const list = page.locator("[data-widget=ListView]");
  await expect.poll(() => list.getByRole("checkbox", { name: "Done" }).isChecked()).toBe(true);
  await page.locator("[data-task] [role=checkbox][aria-checked=true]").waitFor();
  await person.quiet();
  expect(actions).toEqual([
    {
      type: "task.complete",
      payload: {
        ...(tick?.payload as object),
        shop: "دودھ والا",
        remark: "Two litres\nand fresh",
        size: "l",
        paid: "card",
        day: "2026-01-05",
        again: "on",
      },
    },
  ]);
  expect(tick?.payload).toMatchObject({ title: LISTED, completed: false });
  await person.leave();
});
