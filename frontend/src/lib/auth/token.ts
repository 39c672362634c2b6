/** The JWT of whoever asks, for this page's own server. */
import "server-only";
import { isAPIError } from "better-auth/api";
import { auth } from "./server";

/** A token, or null when nobody is signed in, and the cookies of a session that was renewed. */
export interface Signed {
  token: string | null;
  cookies: string[];
}

/** Sign a token. Throws `SecretMissing`, and what Better Auth throws when its database fails. */
export async function signToken(headers: Headers): Promise<Signed> {
  try {
    const { headers: set, response } = await auth().api.getToken({ headers, returnHeaders: true });
    return { token: response.token, cookies: set.getSetCookie() };
  } catch (error) {
    if (isAPIError(error) && error.statusCode === 401) return { token: null, cookies: [] };
    throw error;
  }
}
