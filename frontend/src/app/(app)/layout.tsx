import { headers } from "next/headers";
import { redirect } from "next/navigation";
import { Suspense, type ReactNode } from "react";
import { AppShell } from "@/components/AppShell";
import { ChatProvider } from "@/components/ChatProvider";
import { SessionProvider } from "@/components/SessionProvider";
import { SignInBroken } from "@/components/SignInBroken";
import { signIn } from "@/lib/auth/user";

export default async function AppLayout({ children }: { children: ReactNode }) {
  const who = await signIn();
  if (who.state === "out") {
    const path = (await headers()).get("x-path");
    redirect(path ? `/sign-in?next=${encodeURIComponent(path)}` : "/sign-in");
  }
  if (who.state === "broken") {
    return <SignInBroken reason={who.reason} detail={"detail" in who ? who.detail : undefined} />;
  }
  return (
    <SessionProvider user={who.user}>
      <Suspense>
        <ChatProvider>
          <AppShell>{children}</AppShell>
        </ChatProvider>
      </Suspense>
    </SessionProvider>
  );
}
