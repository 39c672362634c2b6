// @ts-check
/**
 * The keys that sign the JWT, which are wrapped with BETTER_AUTH_SECRET. After the secret has been
 * replaced nobody can open the old ones: they sign no more, and Better Auth makes a new one. Plain
 * JavaScript, as `options.mjs` is.
 */
import { symmetricDecrypt } from "better-auth/crypto";

/** When this process, and so its secret, began. */
const STARTED = new Date();

/**
 * Every key that is kept, as Better Auth's jwt plugin asks for them. One that this secret cannot
 * open counts as expired: it is still published for a while, for the tokens that it signed. It is
 * marked so for good, unless it is newer than this process: then a server with another secret made
 * it, and each of the two signs with its own.
 *
 * @param {{ context: import("better-auth").AuthContext }} request
 */
export async function readKeys({ context }) {
  const now = new Date();
  /** @type {import("better-auth/plugins").Jwk[]} */
  const keys = await context.adapter.findMany({ model: "jwks" });
  return Promise.all(
    keys.map(async (key) => {
      if (key.expiresAt && key.expiresAt <= now) return key;
      if (await opens(context, key)) return key;
      if (key.createdAt <= STARTED) {
        await context.adapter.update({
          model: "jwks",
          where: [{ field: "id", value: key.id }],
          update: { expiresAt: now },
        });
      }
      return { ...key, expiresAt: now };
    }),
  );
}

/**
 * @param {import("better-auth").AuthContext} context
 * @param {import("better-auth/plugins").Jwk} key
 */
function opens(context, key) {
  const data = JSON.parse(key.privateKey);
  return symmetricDecrypt({ key: context.secretConfig, data }).then(
    () => true,
    () => false,
  );
}
