import type { Metadata } from "next";
import { TasksView } from "@/features/tasks/TasksView";
import { serverTranslator } from "@/shell/language";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await serverTranslator()).t("tasks.title") };
}

export default function TasksPage() {
  return <TasksView />;
}
