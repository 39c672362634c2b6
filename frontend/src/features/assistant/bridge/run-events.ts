/**
 * The events of one run, each once and in order, through breaks of the line.
 *
 * Every event carries its number, and the API replays and follows a run from any number. A stream
 * whose run has ended says so in its last line; one that ends without it, breaks or falls silent is
 * taken up again after the last number that was seen.
 */
import { pauseMs, sleep, type Backoff } from "@/lib/backoff";
import { problemFrom, problemOf } from "@/lib/problems";
import { END } from "./end";
import { readEvents } from "./sse";

const RESUME: Backoff = { tries: 8, baseMs: 400, maxMs: 8_000 };

/** The API breaks the silence after 15 s, or 20 at most. */
const SILENCE_MS = 50_000;

export interface RunEventsOptions {
  /** A stream of the run that is there already. */
  first?: Response;
  /** The number of the last event that has been seen. */
  after?: number;
  /** The connection broke (true) or is back (false). */
  onBroken?: (broken: boolean) => void;
  signal?: AbortSignal;
  random?: () => number;
}

/** Give the events as JSON texts. `open` asks for the stream after a number. */
export async function* runEvents(
  open: (after: number) => Promise<Response>,
  { first, after = 0, onBroken, signal, random = Math.random }: RunEventsOptions,
): AsyncGenerator<string, void, undefined> {
  let last = after;
  let isBroken = false;
  for (let attempt = 1; ; attempt++) {
    const before = last;
    let hasLived = false;
    try {
      const response = first ?? (await open(last));
      first = undefined;
      if (!response.ok) throw await problemFrom(response);
      if (isBroken) onBroken?.(false);
      isBroken = false;
      let hasEnded = false;
      const onComment = (text: string) => {
        hasEnded ||= text === END;
        hasLived = true;
      };
      for await (const event of readEvents(response.body, { silenceMs: SILENCE_MS, onComment })) {
        const number = Number(event.id) || last + 1;
        if (number <= last) continue;
        last = number;
        yield event.data;
      }
      if (hasEnded) return;
      throw new TypeError("The stream ended before its run.");
    } catch (error) {
      signal?.throwIfAborted();
      // A stream that was only left off has told that it lives.
      if (last > before || hasLived) attempt = 1;
      const problem = problemOf(error);
      if (!problem.retryable || attempt >= RESUME.tries) throw problem;
      isBroken = true;
      onBroken?.(true);
      await sleep(problem.retryAfterMs ?? pauseMs(attempt, RESUME, random), signal);
    }
  }
}
