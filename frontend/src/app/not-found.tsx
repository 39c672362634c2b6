import Link from "next/link";
import { TASKS_PATH } from "@/features/tasks/host";
import { serverTranslator } from "@/shell/language";
import { StandAlone } from "@/shell/SignInBroken";

export default async function NotFound() {
  const { t } = await serverTranslator();
  return (
    <StandAlone>
      <h1 className="text-2xl font-semibold tracking-tight">{t("not_found.title")}</h1>
      <p className="mt-2 text-muted">{t("not_found.body")}</p>
      <Link href={TASKS_PATH} className="btn btn-primary mt-6">
        {t("tasks.back")}
      </Link>
    </StandAlone>
  );
}
