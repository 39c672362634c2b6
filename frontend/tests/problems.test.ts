import { describe, expect, it } from "vitest";
import { checkHealth } from "@/features/assistant/bridge/health";
import { Problem, problemFrom, problemOf, retryAfterMs } from "@/lib/problems";

describe("problemFrom", () => {
  it.each([
    [401, "unauthorized", "sign_in"],
    [403, "forbidden", "forbidden"],
    [404, "not_found", "not_found"],
    [409, "run_in_progress", "busy"],
    [409, "thread_locked", "locked"],
    [413, "too_large", "too_large"],
    [409, "already_answered", "answered"],
    [422, "invalid", "invalid"],
    [422, "invalid_answer", "answer"],
    [429, "rate_limited", "rate_limited"],
    [500, "internal", "server"],
    [501, "not_configured", "not_configured"],
    [502, "bad_gateway", "unreachable"],
    [503, "database_unavailable", "database"],
  ])("reads %i %s as %s", async (status, code, kind) => {
    const response = Response.json({ code, request_id: "r1", retryable: true }, { status });
    expect(await problemFrom(response)).toMatchObject({ kind, code, requestId: "r1" });
  });

  it("has the API's words, those of the fields first", async () => {
    const errors = [
      { loc: ["title"], msg: "یہ ضروری ہے۔" },
      { msg: "یہ ضروری ہے۔" },
      { msg: 7 },
      null,
    ];
    const whole = { code: "invalid", detail: "درخواست درست نہیں ہے" };
    const said = async (document: object) =>
      (await problemFrom(Response.json(document, { status: 422 }))).said;
    expect(await said({ ...whole, errors })).toBe("یہ ضروری ہے۔");
    expect(await said({ ...whole, errors: "odd" })).toBe(whole.detail);
    expect(await said(whole)).toBe(whole.detail);
  });

  it("makes do without a document", async () => {
    const response = new Response("<html>Bad gateway</html>", { status: 502 });
    expect(await problemFrom(response)).toMatchObject({
      kind: "unreachable",
      code: "http_502",
      retryable: true,
    });
  });
});

it("tells no network from no answer", () => {
  expect(problemOf(new TypeError("Failed to fetch"), false).kind).toBe("offline");
  expect(problemOf(new TypeError("Failed to fetch"), true).kind).toBe("unreachable");
  const problem = new Problem({ kind: "busy", status: 409, code: "x", retryable: true });
  expect(problemOf(problem)).toBe(problem);
});

it("reads Retry-After in seconds and as a date", () => {
  expect(retryAfterMs("3")).toBe(3_000);
  expect(retryAfterMs("Fri, 20 Nov 2026 10:00:05 GMT", Date.UTC(2026, 10, 20, 10))).toBe(5_000);
  expect(retryAfterMs("soon")).toBeUndefined();
  expect(retryAfterMs(null)).toBeUndefined();
});

describe("checkHealth", () => {
  const finding = (reply: Response | Error) =>
    checkHealth("https://api.test", async () => {
      if (reply instanceof Error) throw reply;
      return reply;
    });

  it.each([
    [
      Response.json({ status: "degraded", database: "unreachable", api_key: "missing" }),
      "database",
    ],
    [Response.json({ status: "degraded", database: "reachable", api_key: "missing" }), "api_key"],
    [Response.json({ status: "ok", database: "reachable", api_key: "configured" }), "fine"],
    [new Response("<html>", { status: 502 }), "unreachable"],
    [new TypeError("Failed to fetch"), "unreachable"],
  ])("finds what is wrong (%#)", async (reply, kind) => {
    expect((await finding(reply)).kind).toBe(kind);
  });
});
