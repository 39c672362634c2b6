/**
 * A stand-in for OpenAI's ChatKit script, for tests alone: the public interface of the element and
 * the public protocol, and nothing of the real thing's inside. It draws in an iframe, as the real
 * one does, so that focus and keys behave alike, and keeps what it sent and got for checking.
 *
 * It is served in place of the real script as it stands here, with its types removed. Written
 * against `OpenAIChatKit`, so that a new version of the package that changes the interface breaks
 * the type check.
 */
import type { ChatKitOptions, OpenAIChatKit } from "@openai/chatkit";

declare global {
  interface Window {
    /** Every request sent and every frame received, as JSON texts. */
    chatKitTraffic: { requests: string[]; frames: string[]; options: ChatKitOptions[] };
  }
}

window.chatKitTraffic = { requests: [], frames: [], options: [] };

interface Frame {
  type: string;
  thread?: { id: string };
  item?: { id: string; type: string; content?: { text: string }[] };
  item_id?: string;
  update?: { type: string; delta?: string };
  name?: string;
  data?: Record<string, unknown>;
}

class ChatKitDouble extends HTMLElement implements OpenAIChatKit {
  #options: ChatKitOptions | undefined;
  #thread: string | null = null;
  #frame: HTMLIFrameElement | undefined;
  #running: AbortController | undefined;

  setOptions(options: ChatKitOptions): void {
    window.chatKitTraffic.options.push(options);
    const isFirst = this.#options === undefined;
    this.#options = options;
    if (isFirst) void this.#start();
    this.#draw();
  }

  async focusComposer(): Promise<void> {
    this.#find<HTMLInputElement>("input")?.focus();
  }

  async setThreadId(threadId: string | null): Promise<void> {
    this.#thread = threadId;
    this.#find("ol")?.replaceChildren();
    this.#emit("chatkit.thread.change", { threadId });
    if (threadId) await this.#load(threadId);
  }

  async sendUserMessage({ text = "" }: { text?: string }): Promise<void> {
    const input = {
      content: [{ type: "input_text", text }],
      attachments: [],
      inference_options: {},
    };
    await this.#stream(
      this.#thread
        ? { type: "threads.add_user_message", params: { thread_id: this.#thread, input } }
        : { type: "threads.create", params: { input } },
    );
  }

  async sendCustomAction(
    action: { type: string; payload?: Record<string, unknown> },
    itemId?: string,
  ): Promise<void> {
    const params = { thread_id: this.#thread, item_id: itemId, action };
    await this.#stream({ type: "threads.custom_action", params });
  }

  async setComposerValue({ text = "" }: { text?: string }): Promise<void> {
    const input = this.#find<HTMLInputElement>("input");
    if (input) input.value = text;
  }

  async fetchUpdates(): Promise<void> {
    if (this.#thread) await this.#load(this.#thread);
  }

  async showHistory(): Promise<void> {
    this.#emit("chatkit.history.open");
  }

  async hideHistory(): Promise<void> {
    this.#emit("chatkit.history.close");
  }

  async #start(): Promise<void> {
    this.#frame = document.createElement("iframe");
    this.#frame.title = this.#options?.frameTitle ?? "Chat";
    this.#frame.style.cssText = "border:0;width:100%;height:100%";
    this.replaceChildren(this.#frame);
    await new Promise((resolve) => setTimeout(resolve));
    this.#draw();
    this.#emit("chatkit.ready");
    const first = this.#options?.initialThread;
    if (first) {
      this.#thread = first;
      await this.#load(first);
    }
  }

  #draw(): void {
    const page = this.#frame?.contentDocument;
    const options = this.#options;
    if (!page?.body || !options) return;
    if (!page.body.querySelector("form")) {
      page.body.innerHTML =
        "<header><h1></h1><button>close</button></header><ol></ol>" +
        "<form><input aria-label=Message><button>Send</button></form><button>Stop</button>";
      page.body.style.cssText = "font:15px system-ui;margin:16px";
      page.body.querySelector("form")?.addEventListener("submit", (event) => {
        event.preventDefault();
        const input = this.#find<HTMLInputElement>("input");
        if (!input?.value) return;
        const text = input.value;
        input.value = "";
        void this.sendUserMessage({ text });
      });
      page.body.querySelector("header button")?.addEventListener("click", () => {
        this.#options?.header?.rightAction?.onClick();
      });
      page.body.querySelector("body > button")?.addEventListener("click", () => {
        this.#running?.abort();
      });
    }
    const heading = page.body.querySelector("h1");
    if (heading) heading.textContent = options.startScreen?.greeting ?? "";
    const close = page.body.querySelector<HTMLElement>("header button");
    if (close) close.hidden = !options.header?.rightAction;
  }

  #find<T extends HTMLElement>(selector: string): T | null | undefined {
    return this.#frame?.contentDocument?.querySelector<T>(selector);
  }

  async #post(request: object, signal?: AbortSignal): Promise<Response> {
    const api = this.#options?.api;
    if (!api || !("url" in api)) throw new Error("The double speaks to a custom API only.");
    const body = JSON.stringify(request);
    window.chatKitTraffic.requests.push(body);
    const send = api.fetch ?? fetch;
    const response = await send(api.url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
      signal,
    });
    if (!response.ok) throw new Error(`${response.status}`);
    return response;
  }

  async #load(threadId: string): Promise<void> {
    this.#emit("chatkit.thread.load.start", { threadId });
    try {
      const response = await this.#post({
        type: "threads.get_by_id",
        params: { thread_id: threadId },
      });
      const thread = (await response.json()) as { items: { data: NonNullable<Frame["item"]>[] } };
      this.#find("ol")?.replaceChildren();
      for (const item of thread.items.data) this.#show(item);
    } catch (error) {
      this.#emit("chatkit.error", { error });
    }
    this.#emit("chatkit.thread.load.end", { threadId });
  }

  async #stream(request: object): Promise<void> {
    this.#running = new AbortController();
    this.#emit("chatkit.response.start");
    try {
      const response = await this.#post(request, this.#running.signal);
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      let buffer = "";
      for (;;) {
        const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
        if (done) break;
        buffer += value;
        const frames = buffer.split("\n\n");
        buffer = frames.pop() ?? "";
        for (const frame of frames) {
          const data = frame.split("\n").find((line) => line.startsWith("data: "));
          if (data) this.#take(data.slice("data: ".length));
        }
      }
    } catch (error) {
      this.#emit("chatkit.error", { error });
    }
    this.#emit("chatkit.response.end");
  }

  #take(text: string): void {
    window.chatKitTraffic.frames.push(text);
    const frame = JSON.parse(text) as Frame;
    if (frame.type === "thread.created" && frame.thread) {
      this.#thread = frame.thread.id;
      this.#emit("chatkit.thread.change", { threadId: frame.thread.id });
    }
    if (frame.type === "client_effect") {
      this.#emit("chatkit.effect", { name: frame.name, data: frame.data });
    }
    if (frame.item) this.#show(frame.item);
    if (frame.update?.delta && frame.item_id) {
      const line = this.#line(frame.item_id);
      line.textContent += frame.update.delta;
    }
  }

  #show(item: NonNullable<Frame["item"]>): void {
    const line = this.#line(item.id);
    line.dataset.type = item.type;
    line.textContent = (item.content ?? []).map(({ text }) => text).join("");
  }

  #line(id: string): HTMLElement {
    const list = this.#find("ol");
    const known = list?.querySelector<HTMLElement>(`[data-id="${id}"]`);
    if (known) return known;
    const line = document.createElement("li");
    line.dataset.id = id;
    list?.append(line);
    return line;
  }

  #emit(name: string, detail?: unknown): void {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

customElements.define("openai-chatkit", ChatKitDouble);
