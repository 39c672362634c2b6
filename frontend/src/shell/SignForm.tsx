"use client";
/** Sign-in and sign-up: one form, with or without a name. */
import Link from "next/link";
import { useRouter } from "next/navigation";
import { useId, useState, useTransition } from "react";
import { Form } from "@/components/Form";
import { EyeIcon, EyeOffIcon } from "@/components/icons";
import { ProblemNote } from "@/components/ProblemNote";
import { TASKS_PATH } from "@/features/tasks/host";
import { fetchUserId, signInWithEmail, SignInRefused, signUpWithEmail } from "@/lib/auth/client";
import { CONFIG } from "@/lib/config";
import { Problem, problemOf } from "@/lib/problems";
import { written } from "@/lib/text";
import type { MessageKey } from "./catalogues";
import { useTexts } from "./useTexts";

const MIN_PASSWORD_CHARS = 8;

/** Better Auth's codes, in our words; anything else is "that did not work". */
const REFUSALS: Readonly<Record<string, MessageKey>> = {
  INVALID_EMAIL_OR_PASSWORD: "sign.error.credentials",
  USER_ALREADY_EXISTS: "sign.error.exists",
  USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL: "sign.error.exists",
  INVALID_EMAIL: "sign.error.email",
  PASSWORD_TOO_SHORT: "sign.error.password_short",
  PASSWORD_TOO_LONG: "sign.error.password_long",
};

type Field = "name" | "email" | "password";

export function SignForm({
  mode,
  next,
  expired = false,
}: {
  mode: "sign_in" | "sign_up";
  next: string;
  expired?: boolean;
}) {
  const { t } = useTexts();
  const router = useRouter();
  const ids = { name: useId(), email: useId(), password: useId() };
  const [visible, setVisible] = useState(false);
  const [working, setWorking] = useState(false);
  const [leaving, startLeaving] = useTransition();
  const [errors, setErrors] = useState<Partial<Record<Field, MessageKey>>>({});
  const [refusal, setRefusal] = useState<MessageKey | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);

  const busy = working || leaving;
  const other = mode === "sign_in" ? "sign-up" : "sign-in";

  function check(data: Record<Field, string>): Partial<Record<Field, MessageKey>> {
    const found: Partial<Record<Field, MessageKey>> = {};
    if (mode === "sign_up" && !written(data.name)) found.name = "sign.error.name";
    if (!/^\S+@\S+\.\S+$/.test(data.email.trim())) found.email = "sign.error.email";
    if (data.password.length < MIN_PASSWORD_CHARS) found.password = "sign.error.password_short";
    return found;
  }

  async function send(form: HTMLFormElement) {
    if (busy) return;
    const entries = new FormData(form);
    const value = (field: Field) => String(entries.get(field) ?? "");
    const data = { name: value("name"), email: value("email"), password: value("password") };
    setRefusal(null);
    setProblem(null);
    const found = check(data);
    setErrors(found);
    const first = (["name", "email", "password"] as const).find((field) => found[field]);
    if (first) {
      document.getElementById(ids[first])?.focus();
      return;
    }
    setWorking(true);
    try {
      const credentials = { email: data.email.trim(), password: data.password };
      if (mode === "sign_in") await signInWithEmail(credentials);
      else await signUpWithEmail({ ...credentials, name: written(data.name) });
      if ((await fetchUserId()) === null) {
        setRefusal("sign.error.cookies");
        return;
      }
      startLeaving(() => {
        router.replace(next);
        router.refresh();
      });
    } catch (error) {
      if (error instanceof SignInRefused) {
        setRefusal(
          error.status === 429 ? "sign.error.rate" : (REFUSALS[error.code] ?? "sign.error.unknown"),
        );
      } else {
        setProblem(problemOf(error));
      }
    } finally {
      setWorking(false);
    }
  }

  return (
    <>
      <h1 className="text-2xl font-semibold tracking-tight">{t(`${mode}.title`)}</h1>
      <p className="mt-1.5 text-muted">
        {t(mode === "sign_in" ? "tasks.sign_in" : "sign_up.lead")}
      </p>

      {expired && !refusal && !problem && (
        <p role="status" className="mt-6 rounded-xl bg-warn-soft px-4 py-3 text-sm text-warn">
          {t("sign.expired")}
        </p>
      )}
      {refusal && (
        <p
          role="alert"
          className="mt-6 rounded-xl border border-[#f1d3cf] bg-bad-soft px-4 py-3 text-sm text-bad"
        >
          {t(refusal, { count: MIN_PASSWORD_CHARS })}
        </p>
      )}
      {problem && <ProblemNote problem={problem} url={CONFIG.AUTH_BASE_URL} className="mt-6" />}

      <Form onSend={(form) => void send(form)} noValidate className="mt-7 space-y-5">
        {mode === "sign_up" && (
          <div>
            <label htmlFor={ids.name} className="label">
              {t("field.name")}
            </label>
            <input
              id={ids.name}
              name="name"
              className="field"
              autoComplete="name"
              dir="auto"
              maxLength={100}
              aria-invalid={Boolean(errors.name)}
              aria-describedby={errors.name && `${ids.name}-error`}
            />
            <FieldError id={`${ids.name}-error`} error={errors.name} />
          </div>
        )}
        <div>
          <label htmlFor={ids.email} className="label">
            {t("field.email")}
          </label>
          <input
            id={ids.email}
            name="email"
            type="email"
            className="field"
            autoComplete="email"
            dir="ltr"
            maxLength={254}
            aria-invalid={Boolean(errors.email)}
            aria-describedby={errors.email && `${ids.email}-error`}
          />
          <FieldError id={`${ids.email}-error`} error={errors.email} />
        </div>
        <div>
          <label htmlFor={ids.password} className="label">
            {t("field.password")}
          </label>
          <div className="relative">
            <input
              id={ids.password}
              name="password"
              type={visible ? "text" : "password"}
              className="field ltr:pr-12 rtl:pl-12"
              autoComplete={mode === "sign_in" ? "current-password" : "new-password"}
              dir="ltr"
              maxLength={128}
              aria-invalid={Boolean(errors.password)}
              aria-describedby={
                errors.password
                  ? `${ids.password}-error`
                  : mode === "sign_up"
                    ? `${ids.password}-hint`
                    : undefined
              }
            />
            <button
              type="button"
              className="icon-btn absolute end-1 top-1/2 -translate-y-1/2"
              onClick={() => setVisible(!visible)}
              aria-label={t(visible ? "field.hide_password" : "field.show_password")}
            >
              {visible ? <EyeOffIcon /> : <EyeIcon />}
            </button>
          </div>
          <FieldError id={`${ids.password}-error`} error={errors.password} />
          {mode === "sign_up" && !errors.password && (
            <p id={`${ids.password}-hint`} className="mt-1.5 text-sm text-muted">
              {t("field.password_hint", { count: MIN_PASSWORD_CHARS })}
            </p>
          )}
        </div>
        <button type="submit" disabled={busy} className="btn btn-primary h-11 w-full">
          {t(busy ? "sign.working" : `${mode}.submit`)}
        </button>
      </Form>

      <p className="mt-6 text-sm text-muted">
        {t(`${mode}.other`)}{" "}
        <Link
          href={`/${other}${next === TASKS_PATH ? "" : `?next=${encodeURIComponent(next)}`}`}
          className="font-semibold text-brand-strong underline-offset-4 hover:underline"
        >
          {t(`${mode}.other_link`)}
        </Link>
      </p>
    </>
  );
}

function FieldError({ id, error }: { id: string; error: MessageKey | undefined }) {
  const { t } = useTexts();
  if (!error) return null;
  return (
    <p id={id} className="mt-1.5 text-sm text-bad">
      {t(error, { count: MIN_PASSWORD_CHARS })}
    </p>
  );
}
