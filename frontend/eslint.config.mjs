import { defineConfig, globalIgnores } from "eslint/config";
import nextVitals from "eslint-config-next/core-web-vitals";
import nextTs from "eslint-config-next/typescript";

/**
 * What a room may not import: rooms above it and beside it, by whatever path.
 * @param {string} room
 * @param {string[]} others
 * @param {{ regex: string, message: string }[]} more
 * @returns {import("eslint").Linter.Config}
 */
function oneWay(room, others, ...more) {
  const paths = others.join("|");
  const message = "Imports point one way: app, shell, features, components, lib.";
  const patterns = [{ regex: `^(@/|(\\.{1,2}/)+)(${paths})(/|$)`, message }, ...more];
  return {
    files: [`src/${room}/**`],
    rules: { "no-restricted-imports": ["error", { patterns }] },
  };
}

export default defineConfig([
  ...nextVitals,
  ...nextTs,
  {
    files: ["src/**/*.tsx"],
    ignores: ["src/components/Form.tsx"],
    rules: {
      "no-restricted-syntax": [
        "error",
        {
          selector: "JSXOpeningElement[name.name='form']",
          message: "Use Form: it keeps what is typed out of the address.",
        },
      ],
    },
  },
  oneWay("lib", ["components", "features", "shell", "app"]),
  oneWay("components", ["features", "shell", "app"]),
  oneWay("features/tasks", ["assistant", "features/assistant", "shell", "app"]),
  oneWay("features/assistant", ["tasks", "features/tasks", "shell", "app"], {
    regex: "^(next($|/)|server-only$|(@/|(\\.{1,2}/)+)lib/(config|floor|address|setting|auth))",
    message: "The assistant's host gives it what belongs to the page (host.tsx).",
  }),
  oneWay("shell", ["app"]),
  globalIgnores([".next/**", "next-env.d.ts", "node_modules/**"]),
]);
