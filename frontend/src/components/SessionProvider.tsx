"use client";
/** The signed-in person, their token for the API, and the ways out. */
import { useRouter } from "next/navigation";
import { createContext, use, useCallback, useMemo, useState, type ReactNode } from "react";
import { fetchIdentityToken, signOut as endSession } from "@/lib/auth/client";
import type { User } from "@/lib/auth/user";
import { CONFIG } from "@/lib/config";
import { forget } from "@/lib/memory";
import { TokenCache } from "@/lib/tokens";

interface Session {
  user: User;
  /** The person's JWT, for the task list. */
  tokens: TokenCache;
  signOut: () => Promise<void>;
  /** The session has ended on the server: go and sign in again, and come back here. */
  askToSignIn: () => void;
}

const Context = createContext<Session | null>(null);

export function SessionProvider({ user, children }: { user: User; children: ReactNode }) {
  const router = useRouter();
  const [tokens] = useState(() => new TokenCache(fetchIdentityToken, CONFIG.REFRESH_CACHE * 1000));

  const signOut = useCallback(async () => {
    tokens.forget();
    forget(user.id);
    await endSession();
    // A whole new page: nothing of this person stays in memory.
    // eslint-disable-next-line @next/next/no-location-assign-relative-destination
    location.assign("/sign-in");
  }, [tokens, user.id]);

  const askToSignIn = useCallback(() => {
    tokens.forget();
    router.replace(`/sign-in?expired=1&next=${encodeURIComponent(location.pathname)}`);
  }, [tokens, router]);

  const value = useMemo(
    () => ({ user, tokens, signOut, askToSignIn }),
    [user, tokens, signOut, askToSignIn],
  );
  return <Context value={value}>{children}</Context>;
}

export function useSession(): Session {
  const value = use(Context);
  if (!value) throw new Error("useSession needs a SessionProvider");
  return value;
}
