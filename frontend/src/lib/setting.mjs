// @ts-check
/**
 * One setting of the server, without what is pasted along with a value. Plain JavaScript, since
 * `scripts/migrate.mjs`, which Node runs as it is, reads its settings with it too.
 */

/** A setting cannot be right. The text names it, and never its value. */
export class SettingError extends Error {
  /** @override */
  name = "SettingError";
}

const WRAPPERS = new Set(['""', "''", "``", "“”", "‘’", "„“", "«»", "<>", "{}"]);

/**
 * Give a setting's value, undefined when there is nothing in it. Throws `SettingError`.
 *
 * @param {Readonly<Record<string, string | undefined>>} env
 * @param {string} name
 * @returns {string | undefined}
 */
export function readSetting(env, name) {
  const text = (env[name] ?? "").replace(
    /^[\s\x85\x1c-\x1f\p{Cf}]+|[\s\x85\x1c-\x1f\p{Cf}]+$/gu,
    "",
  );
  if (text.length > 1 && WRAPPERS.has(text.charAt(0) + text.charAt(text.length - 1))) {
    throw new SettingError(`${name} has quotes or brackets round it.`);
  }
  if (/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u.test(text)) {
    throw new SettingError(`${name} has a line end or another invisible character inside it.`);
  }
  return text || undefined;
}
