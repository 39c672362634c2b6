import type { Metadata } from "next";
import { TasksView } from "@/components/tasks/TasksView";
import { serverTranslator } from "@/lib/i18n/server";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await serverTranslator()).t("tasks.title") };
}

export default function TasksPage() {
  return <TasksView />;
}
