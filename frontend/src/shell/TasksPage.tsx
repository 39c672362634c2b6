"use client";
/** The list of tasks, in its place beside the assistant. */
import { useMemo } from "react";
import { useChat } from "@/features/assistant/ChatProvider";
import { TASKS_CHANGED, type TasksHost } from "@/features/tasks/host";
import { TasksView } from "@/features/tasks/TasksView";
import { CONFIG } from "@/lib/config";
import { useClientEffects } from "./Assistant";
import { useSession } from "./SessionProvider";

export function TasksPage() {
  const { user, tokens, askToSignIn } = useSession();
  const { setOpen } = useChat();
  const { listen } = useClientEffects();

  const host = useMemo<TasksHost>(
    () => ({
      baseUrl: CONFIG.TASKS_BASE_URL,
      userId: user.id,
      tokens,
      onChanged: (listener) =>
        listen((effect) => {
          // What an answer changed and did not tell is seen at its end.
          if (effect === null || effect === TASKS_CHANGED) listener();
        }),
      onSignInNeeded: askToSignIn,
      onAsk: () => setOpen(true),
    }),
    [user.id, tokens, listen, askToSignIn, setOpen],
  );
  return <TasksView host={host} />;
}
