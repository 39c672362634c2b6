/** After this long, the same words are meant anew. */
const MEMORY_MS = 10 * 60_000;

/**
 * Idempotency keys: one per message a person sends, the same one whenever that message is sent
 * again because its fate is unknown.
 *
 * ChatKit knows no keys. When its own retry sends the very same body after a failure, this ring
 * finds the key of the first attempt, so that the API answers one message once.
 */
export class KeyRing {
  private readonly unsettled = new Map<string, { key: string; takenAt: number }>();

  constructor(
    private readonly fresh: () => string = () => crypto.randomUUID(),
    private readonly now: () => number = Date.now,
  ) {}

  /** Give the key for a body: the pending one, or a fresh one. */
  take(body: string): string {
    for (const [old, { takenAt }] of this.unsettled) {
      if (takenAt < this.now() - MEMORY_MS) this.unsettled.delete(old);
    }
    const known = this.unsettled.get(body);
    if (known) return known.key;
    const key = this.fresh();
    this.unsettled.set(body, { key, takenAt: this.now() });
    return key;
  }

  /** The API has answered for good: the same words sent again are a new message. */
  settle(body: string): void {
    this.unsettled.delete(body);
  }
}
