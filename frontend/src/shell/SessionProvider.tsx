"use client";
/** The signed-in person, their token for the API, and the ways out. */
import { useRouter } from "next/navigation";
import {
  createContext,
  use,
  useCallback,
  useEffect,
  useMemo,
  useState,
  type ReactNode,
} from "react";
import { fetchIdentityToken, fetchUserId, signOut as endSession } from "@/lib/auth/client";
import type { User } from "@/lib/auth/user";
import { CONFIG } from "@/lib/config";
import { TokenCache } from "@/lib/tokens";
import { forget } from "./memory";

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

  useEffect(() => keepFromOthers(user.id), [user.id]);

  const value = useMemo(
    () => ({ user, tokens, signOut, askToSignIn }),
    [user, tokens, signOut, askToSignIn],
  );
  return <Context value={value}>{children}</Context>;
}

/**
 * A browser may keep the whole page and show it again on "Back", after a sign-out too: it is
 * hidden on the way out, and shown again to the same person alone.
 */
function keepFromOthers(userId: string): () => void {
  const { style } = document.documentElement;
  const left = (event: PageTransitionEvent) => {
    if (event.persisted) style.visibility = "hidden";
  };
  const back = async (event: PageTransitionEvent) => {
    if (!event.persisted) return;
    const now = await fetchUserId().catch(() => null);
    if (now === userId) style.removeProperty("visibility");
    else location.reload();
  };
  const onBack = (event: PageTransitionEvent) => void back(event);
  addEventListener("pagehide", left);
  addEventListener("pageshow", onBack);
  return () => {
    removeEventListener("pagehide", left);
    removeEventListener("pageshow", onBack);
  };
}

export function useSession(): Session {
  const value = use(Context);
  if (!value) throw new Error("useSession needs a SessionProvider");
  return value;
}
