"use client";
/** ChatKit's icons by name, as far as the page has one like it; a dot for the others. */
import {
  AlertIcon,
  BoltIcon,
  CalendarIcon,
  CheckIcon,
  ChevronIcon,
  ClockIcon,
  DotIcon,
  InfoIcon,
  PencilIcon,
  PlusIcon,
  RetryIcon,
  SearchIcon,
  SparkIcon,
  TrashIcon,
} from "@/components/icons";

const ICONS: Readonly<Record<string, typeof CheckIcon>> = {
  check: CheckIcon,
  "check-circle": CheckIcon,
  "check-circle-filled": CheckIcon,
  "empty-circle": DotIcon,
  calendar: CalendarIcon,
  clock: ClockIcon,
  info: InfoIcon,
  warning: AlertIcon,
  bolt: BoltIcon,
  plus: PlusIcon,
  write: PencilIcon,
  "write-alt": PencilIcon,
  "write-alt2": PencilIcon,
  pencil: PencilIcon,
  trash: TrashIcon,
  search: SearchIcon,
  reload: RetryIcon,
  sparkle: SparkIcon,
  "chevron-right": ChevronIcon,
};

interface Props {
  name: string;
  size?: number;
  className?: string;
}

export function NamedIcon({ name, size = 17, className = "text-muted" }: Props) {
  const Found = ICONS[name.replace(/^lucide:/, "")] ?? DotIcon;
  return <Found size={size} className={`shrink-0 ${className}`} />;
}
