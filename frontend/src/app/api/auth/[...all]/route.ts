/** Better Auth's own routes: sign-up, sign-in, sign-out, the JWT and its public keys. */
import { auth } from "@/lib/auth/server";
import { databaseProblem } from "@/lib/auth/failures";

async function handle(request: Request): Promise<Response> {
  try {
    const response = await auth().handler(request);
    // Better Auth answers a lost database with an empty 500.
    if (response.status >= 500) return (await databaseProblem()) ?? response;
    return response;
  } catch (error) {
    return (await databaseProblem(error)) ?? Promise.reject(error as Error);
  }
}

export { handle as GET, handle as POST };
