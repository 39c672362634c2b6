"use client";
/** The line above a card or a list that says where it comes from or how it stands. */
import { NamedIcon } from "./NamedIcon";

export function StatusLine({ status, className = "" }: { status: unknown; className?: string }) {
  if (!status || typeof status !== "object") return null;
  const { text: words, icon } = status as { text?: string; icon?: string };
  return (
    <p className={`flex items-center gap-2 text-xs text-muted ${className}`}>
      {icon && <NamedIcon name={icon} size={14} />}
      <span dir="auto">{words}</span>
    </p>
  );
}
