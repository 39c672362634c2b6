import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { bearer } from "@/lib/bearer";

it("a token is also where a signature does not take its place", () => {
  const headers = bearer("jwt-1");
  expect(headers.authorization).toBe("Bearer jwt-1");
  expect(headers["x-sidestream-authorization"]).toBe("Bearer jwt-1");
});

it.each(["", "{}", '{"title":"دودھ 🥛"}'])("the body %j is told by its hash", (body) => {
  const hash = createHash("sha256").update(body).digest("hex");
  expect(bearer("t", body)["x-amz-content-sha256"]).toBe(hash);
});
