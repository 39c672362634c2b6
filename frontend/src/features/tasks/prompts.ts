/** What the assistant offers to begin with, beside a list of tasks. */
import type { TasksTexts } from "./useTexts";

export function prompts({ t }: TasksTexts) {
  return [
    { label: t("tasks.prompt.add"), prompt: t("tasks.prompt.add_text"), icon: "plus" },
    { label: t("tasks.prompt.list"), prompt: t("tasks.prompt.list_text"), icon: "check-circle" },
    { label: t("tasks.prompt.plan"), prompt: t("tasks.prompt.plan_text"), icon: "calendar" },
  ] as const;
}
