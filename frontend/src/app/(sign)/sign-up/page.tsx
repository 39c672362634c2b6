import type { Metadata } from "next";
import { redirect } from "next/navigation";
import { SignForm } from "@/shell/SignForm";
import { safePath } from "@/lib/auth/paths";
import { signIn } from "@/lib/auth/user";
import { serverTranslator } from "@/shell/language";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await serverTranslator()).t("sign_up.submit") };
}

export default async function SignUpPage({
  searchParams,
}: {
  searchParams: Promise<{ next?: string }>;
}) {
  const { next } = await searchParams;
  if ((await signIn()).state === "in") redirect(safePath(next));
  return <SignForm mode="sign_up" next={safePath(next)} />;
}
