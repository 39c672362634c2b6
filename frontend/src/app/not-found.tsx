import Link from "next/link";
import { StandAlone } from "@/shell/SignInBroken";
import { serverTranslator } from "@/shell/language";

export default async function NotFound() {
  const { t } = await serverTranslator();
  return (
    <StandAlone>
      <h1 className="text-2xl font-semibold tracking-tight">{t("not_found.title")}</h1>
      <p className="mt-2 text-muted">{t("not_found.body")}</p>
      <Link href="/tasks" className="btn btn-primary mt-6">
        {t("not_found.back")}
      </Link>
    </StandAlone>
  );
}
