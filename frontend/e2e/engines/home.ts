/** A browser's own home: it reads nothing of the person's, and leaves nothing behind. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export class Home {
  private readonly folder = mkdtempSync(join(tmpdir(), "sidestream-browser."));

  /** The environment of a process that lives there. Firefox as root refuses another's home. */
  get env(): NodeJS.ProcessEnv {
    return {
      ...process.env,
      HOME: this.folder,
      XDG_CONFIG_HOME: undefined,
      XDG_CACHE_HOME: undefined,
      XDG_DATA_HOME: undefined,
    };
  }

  remove(): void {
    // What ended a moment ago may still be writing.
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
