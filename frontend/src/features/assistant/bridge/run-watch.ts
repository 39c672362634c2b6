/** Watches the events of one run go by: could what was seen be all of it? */
import type { ThreadEvent } from "./protocol";

export class RunWatch {
  sawError = false;
  private sawAnswer = false;
  private readonly open = new Set<string>();

  see(event: ThreadEvent): void {
    switch (event.type) {
      case "thread.item.added":
        this.open.add(event.item.id);
        break;
      case "thread.item.done":
        this.open.delete(event.item.id);
        // The agent answers in words, a widget or a question; a tool trace alone is not an end.
        this.sawAnswer ||= !["user_message", "workflow", "task"].includes(event.item.type);
        break;
      case "thread.item.replaced":
        this.sawAnswer = true;
        break;
      case "thread.item.removed":
        this.open.delete(event.item_id);
        break;
      case "error":
        this.sawError = true;
        break;
    }
  }

  get isWhole(): boolean {
    return this.sawError || (this.sawAnswer && this.open.size === 0);
  }
}
