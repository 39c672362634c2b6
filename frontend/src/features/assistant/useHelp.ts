"use client";
/** What stands in the way of chatting at all: no network, no server, no database, no API key. */
import { useCallback, useEffect, useState } from "react";
import type { Problem, ProblemKind } from "@/lib/problems";
import { checkHealth, type Health } from "./bridge/health";
import type { Help } from "./help";

/** Failures of one request that may be failures of everything. */
const SUSPICIOUS: ReadonlySet<ProblemKind> = new Set([
  "unreachable",
  "server",
  "database",
  "model",
  "offline",
]);

export function useHelp(baseUrl: string) {
  const [help, setHelp] = useState<Help | null>(null);
  const [health, setHealth] = useState<Health | null>(null);

  const recheck = useCallback(async () => {
    const finding = await checkHealth(baseUrl);
    if (finding.kind === "fine") {
      setHealth(finding.health);
      setHelp(null);
    } else {
      setHelp({ kind: navigator.onLine ? finding.kind : "offline" });
    }
  }, [baseUrl]);

  const onProblem = useCallback(
    (problem: Problem) => {
      if (SUSPICIOUS.has(problem.kind)) void recheck();
    },
    [recheck],
  );

  useEffect(() => {
    const online = () => void recheck();
    const offline = () => setHelp({ kind: "offline" });
    window.addEventListener("online", online);
    window.addEventListener("offline", offline);
    return () => {
      window.removeEventListener("online", online);
      window.removeEventListener("offline", offline);
    };
  }, [recheck]);

  return { help, setHelp, health, recheck, onProblem };
}
