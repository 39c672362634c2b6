// @ts-check
/**
 * The keys that sign the JWT, which are wrapped with BETTER_AUTH_SECRET. After the secret has been
 * replaced nobody can open the old ones: they sign no more, and a new one is made. Plain JavaScript, as `options.mjs` is.
 */
import { symmetricDecrypt } from "better-auth/crypto";
import { createJwk } from "better-auth/plugins";

/** When this process, and so its secret, began. */
const STARTED = new Date();

/**
 * Every key that is kept, as Better Auth's jwt plugin asks for them. One that this secret cannot
 * open counts as expired: it is still published for a while, for the tokens that it signed. It is
 * marked so for good, unless it is newer than this process: then a server with another secret made
 * it, and each of the two signs with its own. When none is left, a new one is made at once: whoever
 * fetches the keys then has it before the first token comes.
 *
 * @param {import("better-auth").GenericEndpointContext} request
 */
export function readKeys(request) {
  // One after the other, so that one new key is made and everybody is given that one.
  const reading = last.then(() => read(request));
  last = reading.then(nothing, nothing);
  return reading;
}

const nothing = () => {};

/** @type {Promise<void>} */
let last = Promise.resolve();

/** @param {import("better-auth").GenericEndpointContext} request */
async function read(request) {
  const { context } = request;
  const now = new Date();
  /** @type {import("better-auth/plugins").Jwk[]} */
  const keys = await context.adapter.findMany({ model: "jwks" });
  const known = await Promise.all(
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
  const live = known.some(({ expiresAt }) => !expiresAt || expiresAt > now);
  return live ? known : [...known, await createJwk(request, {})];
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
