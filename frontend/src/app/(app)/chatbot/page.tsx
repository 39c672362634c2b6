import type { Metadata } from "next";
import { ChatPage } from "@/components/ChatPage";
import { serverTranslator } from "@/lib/i18n/server";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await serverTranslator()).t("assistant.title") };
}

export default function ChatbotPage() {
  return <ChatPage />;
}
