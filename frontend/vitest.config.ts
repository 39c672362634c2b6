import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { alias: { "@": new URL("./src", import.meta.url).pathname } },
  test: {
    include: ["tests/**/*.test.{ts,tsx}"],
    environment: "node",
    restoreMocks: true,
    env: {
      NEXT_PUBLIC_MOD: "dev",
      NEXT_PUBLIC_API_BASE_URL: "http://127.0.0.1:8701",
      NEXT_PUBLIC_TASKS_BASE_URL: "http://127.0.0.1:8702",
      NEXT_PUBLIC_AUTH_BASE_URL: "http://localhost:3000",
    },
  },
});
