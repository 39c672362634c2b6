import { describe, expect, it, vi } from "vitest";
import { jwtExpiry, TokenCache, type Token } from "@/lib/tokens";

const MARGIN = 60_000;

function setup(lifetimeMs = 600_000) {
  let now = 1_000_000;
  let count = 0;
  const fetchToken = vi.fn(async (): Promise<Token> => {
    count += 1;
    return { value: `token-${count}`, expiresAt: now + lifetimeMs };
  });
  const cache = new TokenCache(fetchToken, MARGIN, () => now);
  return { cache, fetchToken, pass: (ms: number) => (now += ms) };
}

describe("TokenCache", () => {
  it("fetches once and gives the same token until the margin", async () => {
    const { cache, fetchToken, pass } = setup();
    expect(await cache.get()).toBe("token-1");
    pass(600_000 - MARGIN - 1);
    expect(await cache.get()).toBe("token-1");
    pass(1);
    expect(await cache.get()).toBe("token-2");
    expect(fetchToken).toHaveBeenCalledTimes(2);
  });

  it("renews once for everyone who asks meanwhile", async () => {
    const { cache, fetchToken } = setup();
    const tokens = await Promise.all([cache.get(), cache.get(), cache.get()]);
    expect(tokens).toEqual(["token-1", "token-1", "token-1"]);
    expect(fetchToken).toHaveBeenCalledTimes(1);
  });

  it("replaces a refused token once, however many requests met the refusal", async () => {
    const { cache, fetchToken } = setup();
    const first = await cache.get();
    const fresh = await Promise.all([cache.replace(first), cache.replace(first)]);
    expect(fresh).toEqual(["token-2", "token-2"]);
    expect(await cache.replace(first)).toBe("token-2");
    expect(fetchToken).toHaveBeenCalledTimes(2);
  });

  it("passes a failure on and tries anew the next time", async () => {
    const { cache, fetchToken } = setup();
    fetchToken.mockRejectedValueOnce(new Error("down"));
    await expect(cache.get()).rejects.toThrow("down");
    expect(await cache.get()).toBe("token-1");
  });

  it("keeps nothing after forget, not even a renewal under way", async () => {
    let answer: (token: Token) => void = () => {};
    const fetchToken = vi
      .fn<() => Promise<Token>>()
      .mockImplementationOnce(() => new Promise((resolve) => (answer = resolve)))
      .mockResolvedValue({ value: "second person", expiresAt: Infinity });
    const cache = new TokenCache(fetchToken, MARGIN);
    const early = cache.get();
    cache.forget();
    answer({ value: "first person", expiresAt: Infinity });
    expect(await early).toBe("first person");
    expect(await cache.get()).toBe("second person");
  });
});

describe("jwtExpiry", () => {
  const jwt = (claims: object) =>
    `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.sig`;

  it("reads exp in milliseconds", () => {
    expect(jwtExpiry(jwt({ exp: 1_800_000_000, name: "ÿÿ~~" }))).toBe(1_800_000_000_000);
  });

  it.each(["", "nonsense", jwt({}), jwt({ exp: "soon" })])("gives 0 for %s", (token) => {
    expect(jwtExpiry(token)).toBe(0);
  });
});
