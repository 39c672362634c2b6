import type { Metadata } from "next";
import { redirect } from "next/navigation";
import { TASKS_PATH } from "@/features/tasks/host";
import { safePath } from "@/lib/auth/paths";
import { signIn } from "@/lib/auth/user";
import { serverTranslator } from "@/shell/language";
import { SignForm } from "@/shell/SignForm";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await serverTranslator()).t("sign_up.submit") };
}

export default async function SignUpPage({
  searchParams,
}: {
  searchParams: Promise<{ next?: string }>;
}) {
  const { next } = await searchParams;
  if ((await signIn()).state === "in") redirect(safePath(next, TASKS_PATH));
  return <SignForm mode="sign_up" next={safePath(next, TASKS_PATH)} />;
}
