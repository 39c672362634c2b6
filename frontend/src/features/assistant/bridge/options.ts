/** How OpenAI's ChatKit looks and what it offers on this page. */
import type { ChatKitOptions, ThemeOption } from "@openai/chatkit-react";
import type { Typeface } from "@/lib/i18n/script";
import { firstName } from "@/lib/text";
import type { AssistantHost } from "../host";
import type { AssistantTexts } from "../useTexts";
import { CHAT_PATH } from "./fetch";
import { extensionsByType } from "./files";
import { disclaimer, type Health } from "./health";

interface Inputs {
  host: AssistantHost;
  fetch: typeof fetch;
  texts: AssistantTexts;
  /** The thread to show first. */
  threadId: string | null;
  health: Health | null;
  /** Given where the assistant can be closed. */
  onClose: (() => void) | undefined;
}

const THEME: ThemeOption = {
  colorScheme: "light",
  radius: "round",
  density: "normal",
  color: { accent: { primary: "#FF6B4A", level: 2 } },
};

/** ChatKit draws in a frame, whose typeface is the same for all of its words. */
const TYPOGRAPHY: Readonly<Record<Typeface, ThemeOption["typography"]>> = {
  plain: { baseSize: 15, fontFamily: '"Inter Variable", Inter, system-ui, sans-serif' },
  naskh: { baseSize: 16, fontFamily: "system-ui, sans-serif" },
  nastaliq: { baseSize: 17, fontFamily: '"Noto Nastaliq Urdu", system-ui, sans-serif' },
};

export function chatKitOptions(inputs: Inputs): ChatKitOptions {
  const { host, texts, health } = inputs;
  const { t, language } = texts;
  const models = health?.models ?? [];
  return {
    api: {
      url: host.baseUrl + CHAT_PATH,
      domainKey: host.domainKey,
      fetch: inputs.fetch,
      uploadStrategy: { type: "two_phase" },
    },
    // One that it does not know makes it speak English.
    locale: language.code as ChatKitOptions["locale"],
    frameTitle: host.title,
    theme: { ...THEME, typography: TYPOGRAPHY[language.typeface] },
    initialThread: inputs.threadId,
    header: {
      enabled: true,
      ...(inputs.onClose && { rightAction: { icon: "close", onClick: inputs.onClose } }),
    },
    history: { enabled: true, showDelete: true, showRename: true },
    startScreen: {
      greeting: t("assistant.greeting", { name: firstName(host.user.name) }),
      prompts: [...host.prompts],
    },
    threadItemActions: { feedback: true, retry: true },
    thread: { autoScroll: true },
    composer: {
      placeholder: t("assistant.placeholder"),
      // The component checks its options strictly: what is not offered is left out.
      ...(health?.attachments && {
        attachments: {
          enabled: true,
          maxSize: health.attachments.max_bytes,
          maxCount: health.attachments.max_count,
          accept: extensionsByType(health.attachments),
        },
      }),
      ...(health?.dictation && { dictation: { enabled: true } }),
      ...(models.length > 1 && {
        models: models.map((id, index) => ({ id, label: id, default: index === 0 })),
      }),
    },
    disclaimer: { text: disclaimer(health, texts) },
  };
}
