import type { Metadata } from "next";
import { ChatPage } from "@/features/assistant/ChatPage";
import { serverTranslator } from "@/shell/language";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await serverTranslator()).t("tasks.assistant") };
}

export default function ChatbotPage() {
  return <ChatPage />;
}
