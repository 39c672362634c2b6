/** What a widget asks of its server, with the values of the fields that belong to it. */
import type { Action } from "../../bridge/protocol";

export type OnAction = (action: Action) => void;

export function actionOf(value: unknown): Action | null {
  return value && typeof value === "object" && typeof (value as Action).type === "string"
    ? (value as Action)
    : null;
}

/** An action with what its form holds, under the names of the fields. */
export function withForm(action: Action, form: HTMLFormElement | null): Action {
  if (!form) return action;
  const fields = Object.fromEntries(
    [...new FormData(form)].map(([name, value]) => [name, String(value)]),
  );
  const payload = action.payload;
  return {
    ...action,
    payload: { ...(payload && typeof payload === "object" ? payload : {}), ...fields },
  };
}

/** A value with the name of its field, beside what an action carries already. */
export function withValue(action: Action, name: string, value: unknown): Action {
  const payload = action.payload && typeof action.payload === "object" ? action.payload : {};
  return { ...action, payload: { ...payload, [name]: value } };
}
