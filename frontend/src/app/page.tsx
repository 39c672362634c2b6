import { redirect } from "next/navigation";
import { TASKS_PATH } from "@/features/tasks/host";

export default function Home() {
  redirect(TASKS_PATH);
}
