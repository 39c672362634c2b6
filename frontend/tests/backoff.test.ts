import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { pauseMs, READS, retrying, sleep, type Backoff, type Verdict } from "@/lib/backoff";

const BACKOFF: Backoff = { tries: 4, baseMs: 100, maxMs: 300 };
const ALWAYS = (): Verdict => ({ retry: true });

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("pauseMs", () => {
  it("doubles, up to the longest", () => {
    const pauses = [1, 2, 3, 4].map((attempt) => pauseMs(attempt, BACKOFF, () => 1));
    expect(pauses).toEqual([100, 200, 300, 300]);
  });

  it("is jittered over the upper half of its step", () => {
    expect(pauseMs(2, BACKOFF, () => 0)).toBe(100);
    expect(pauseMs(2, BACKOFF, () => 0.5)).toBe(150);
  });
});

describe("retrying", () => {
  it("waits longer each time and gives the first success", async () => {
    const attempt = vi
      .fn<(number: number) => Promise<string>>()
      .mockRejectedValueOnce(new Error("one"))
      .mockRejectedValueOnce(new Error("two"))
      .mockResolvedValue("done");
    const result = retrying(attempt, ALWAYS, BACKOFF, { random: () => 1 });
    await vi.advanceTimersByTimeAsync(99);
    expect(attempt).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(attempt).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(199);
    expect(attempt).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(1);
    await expect(result).resolves.toBe("done");
    expect(attempt.mock.calls).toEqual([[1], [2], [3]]);
  });

  it("throws the last error when the tries are used up", async () => {
    let count = 0;
    const result = retrying(() => Promise.reject(new Error(String(++count))), ALWAYS, BACKOFF);
    const expectation = expect(result).rejects.toThrow("4");
    await vi.runAllTimersAsync();
    await expectation;
  });

  it("does not retry what is judged final", async () => {
    const attempt = vi.fn(() => Promise.reject(new Error("final")));
    await expect(retrying(attempt, () => ({ retry: false }), READS)).rejects.toThrow("final");
    expect(attempt).toHaveBeenCalledTimes(1);
  });

  it("waits as long as the server wishes", async () => {
    const attempt = vi.fn().mockRejectedValueOnce(new Error()).mockResolvedValue("done");
    const result = retrying(attempt, () => ({ retry: true, afterMs: 7_000 }), BACKOFF);
    await vi.advanceTimersByTimeAsync(6_999);
    expect(attempt).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    await expect(result).resolves.toBe("done");
  });

  it("gives up when the server wishes for too long", async () => {
    const attempt = vi.fn(() => Promise.reject(new Error("later")));
    const verdict = () => ({ retry: true, afterMs: 60_000 }) as const;
    await expect(retrying(attempt, verdict, BACKOFF)).rejects.toThrow("later");
  });

  it("ends at once when aborted in a pause", async () => {
    const controller = new AbortController();
    const attempt = vi.fn(() => Promise.reject(new Error("down")));
    const result = retrying(attempt, ALWAYS, BACKOFF, { signal: controller.signal });
    const expectation = expect(result).rejects.toThrow("enough");
    await vi.advanceTimersByTimeAsync(10);
    controller.abort(new Error("enough"));
    await expectation;
    await vi.runAllTimersAsync();
    expect(attempt).toHaveBeenCalledTimes(1);
  });
});

it("sleeps, and refuses to when already aborted", async () => {
  const slept = vi.fn();
  void sleep(50).then(slept);
  await vi.advanceTimersByTimeAsync(50);
  expect(slept).toHaveBeenCalled();
  await expect(sleep(50, AbortSignal.abort(new Error("no")))).rejects.toThrow("no");
});
