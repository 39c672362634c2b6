/** Trying again: exponential backoff with full jitter, and a server's own wish before either. */

export interface Backoff {
  /** Attempts in all, the first included. */
  tries: number;
  baseMs: number;
  maxMs: number;
}

export const READS: Backoff = { tries: 4, baseMs: 300, maxMs: 5_000 };
export const WRITES: Backoff = { tries: 3, baseMs: 500, maxMs: 5_000 };

/** A server that asks for more patience than this is not waited for. */
const LONGEST_WISH_MS = 15_000;

/** The pause before attempt `attempt + 1`: anywhere between half and all of the doubling step. */
export function pauseMs(attempt: number, backoff: Backoff, random: () => number): number {
  const step = Math.min(backoff.maxMs, backoff.baseMs * 2 ** (attempt - 1));
  return step / 2 + (random() * step) / 2;
}

/** Wait, or reject with the signal's reason as soon as it aborts. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    function stop() {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    }
    signal?.addEventListener("abort", stop, { once: true });
  });
}

export type Verdict = { retry: false } | { retry: true; afterMs?: number };

/**
 * Run `attempt` until it succeeds, `judge` gives up, or the tries run out; then the last error is
 * thrown.
 */
export async function retrying<T>(
  attempt: (number: number) => Promise<T>,
  judge: (error: unknown) => Verdict,
  backoff: Backoff,
  { signal, random = Math.random }: { signal?: AbortSignal; random?: () => number } = {},
): Promise<T> {
  for (let number = 1; ; number++) {
    try {
      return await attempt(number);
    } catch (error) {
      signal?.throwIfAborted();
      const verdict = judge(error);
      if (!verdict.retry || number >= backoff.tries) throw error;
      if (verdict.afterMs !== undefined && verdict.afterMs > LONGEST_WISH_MS) throw error;
      await sleep(verdict.afterMs ?? pauseMs(number, backoff, random), signal);
    }
  }
}
