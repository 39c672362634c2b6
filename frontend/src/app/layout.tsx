import "@fontsource-variable/inter/wght.css";
import "@fontsource/noto-nastaliq-urdu/arabic-400.css";
import "@fontsource/noto-nastaliq-urdu/arabic-600.css";
import "./globals.css";

import type { Metadata, Viewport } from "next";
import type { ReactNode } from "react";
import { FloorCheck, FloorNotices } from "@/shell/Floor";
import { InputMethod } from "@/components/InputMethod";
import { CONFIG } from "@/lib/config";
import { LANGUAGES, requestCatalogue, serverTranslator } from "@/shell/language";
import { PageLanguage } from "@/shell/PageLanguage";

export async function generateMetadata(): Promise<Metadata> {
  const { t } = await serverTranslator();
  return {
    title: { default: t("app.name"), template: `%s · ${t("app.name")}` },
    description: t("app.tagline"),
    referrer: "strict-origin",
  };
}

export const viewport: Viewport = {
  themeColor: "#faf8f5",
  width: "device-width",
  initialScale: 1,
  interactiveWidget: "resizes-content",
};

export default async function RootLayout({ children }: { children: ReactNode }) {
  const { language, messages } = await requestCatalogue();
  return (
    <html
      lang={language.code}
      dir={language.direction}
      data-typeface={language.typeface}
      data-digits={language.digits}
      data-config={JSON.stringify(CONFIG)}
      className="h-full"
      // The check of the browser marks it before React looks.
      suppressHydrationWarning
    >
      <head>
        <FloorCheck />
      </head>
      <body className="min-h-full font-sans">
        <InputMethod />
        <PageLanguage language={language} languages={LANGUAGES} messages={messages}>
          {children}
        </PageLanguage>
        <FloorNotices />
      </body>
    </html>
  );
}
