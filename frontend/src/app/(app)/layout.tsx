import { headers } from "next/headers";
import { redirect } from "next/navigation";
import { Suspense, type ReactNode } from "react";
import { AppShell } from "@/shell/AppShell";
import { Assistant } from "@/shell/Assistant";
import { SessionProvider } from "@/shell/SessionProvider";
import { SignInBroken } from "@/shell/SignInBroken";
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
        <Assistant>
          <AppShell>{children}</AppShell>
        </Assistant>
      </Suspense>
    </SessionProvider>
  );
}
