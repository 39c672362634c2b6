/** How OpenAI's ChatKit looks and what it offers on this page. */
import type { ChatKitOptions, ThemeOption } from "@openai/chatkit-react";
import type { User } from "@/lib/auth/user";
import type { Config } from "@/lib/config";
import type { Translator } from "@/lib/i18n/translate";
import { extensionsByType } from "./files";
import { disclaimer, type Health } from "./health";
import { firstName, prompts } from "./start";

interface Inputs {
  config: Config;
  endpoint: string;
  fetch: typeof fetch;
  user: User;
  language: Translator;
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

export function chatKitOptions(inputs: Inputs): ChatKitOptions {
  const { language, health } = inputs;
  const { t } = language;
  const models = health?.models ?? [];
  return {
    api: {
      url: inputs.endpoint,
      domainKey: inputs.config.DOMAIN_KEY,
      fetch: inputs.fetch,
      uploadStrategy: { type: "two_phase" },
    },
    locale: language.language,
    frameTitle: t("assistant.title"),
    theme: {
      ...THEME,
      typography: {
        baseSize: language.language === "ur" ? 17 : 15,
        fontFamily:
          language.language === "ur"
            ? '"Noto Nastaliq Urdu", system-ui, sans-serif'
            : '"Inter Variable", Inter, system-ui, sans-serif',
      },
    },
    initialThread: inputs.threadId,
    header: {
      enabled: true,
      ...(inputs.onClose && { rightAction: { icon: "close", onClick: inputs.onClose } }),
    },
    history: { enabled: true, showDelete: true, showRename: true },
    startScreen: {
      greeting: t("assistant.greeting", { name: firstName(inputs.user.name) }),
      prompts: prompts(language).map(({ label, prompt, icon }) => ({ label, prompt, icon })),
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
    disclaimer: { text: disclaimer(health, language) },
  };
}
