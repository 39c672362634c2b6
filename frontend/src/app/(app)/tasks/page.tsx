import type { Metadata } from "next";
import { serverTranslator } from "@/shell/language";
import { TasksPage } from "@/shell/TasksPage";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await serverTranslator()).t("tasks.title") };
}

export default TasksPage;
