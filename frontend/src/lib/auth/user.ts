/** The signed-in person, for server components. */
import "server-only";
import { headers } from "next/headers";
import { cache } from "react";
import { databaseAnswers } from "./failures";
import { auth, SecretMissing } from "./server";

export interface User {
  id: string;
  name: string;
  email: string;
}

export type SignIn =
  | { state: "in"; user: User }
  | { state: "out" }
  | { state: "broken"; reason: "database" }
  | { state: "broken"; reason: "setup"; detail: string };

/** Who asks, or why that cannot be known. */
export const signIn = cache(async (): Promise<SignIn> => {
  // First: a build draws no page that asks this, and so needs no database.
  const asking = await headers();
  try {
    const session = await auth().api.getSession({
      headers: asking,
      // While a page is drawn no cookie can be set: the session is renewed by the routes that can.
      query: { disableRefresh: true },
    });
    if (!session) return { state: "out" };
    const { id, name, email } = session.user;
    return { state: "in", user: { id, name, email } };
  } catch (error) {
    if (error instanceof SecretMissing) {
      return { state: "broken", reason: "setup", detail: error.message };
    }
    if (!(await databaseAnswers())) return { state: "broken", reason: "database" };
    throw error;
  }
});
