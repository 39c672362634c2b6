"use client";
/**
 * Every form of the page. What is typed into one never becomes part of an address: it goes where
 * `onSend` takes it, and by no other way. Until the form is alive, and where no script runs, the
 * browser cannot send it: React gives a form whose action is a function an address that nothing
 * opens. One that a person sends before it is alive is sent when it is, with what it holds then.
 */
import { useRef, type ComponentProps } from "react";

type Props = Omit<ComponentProps<"form">, "action" | "method" | "onSubmit" | "onReset" | "ref"> & {
  onSend: (form: HTMLFormElement) => void;
};

export function Form({ onSend, ...rest }: Props) {
  const form = useRef<HTMLFormElement>(null);
  return (
    <form
      {...rest}
      ref={form}
      // Called for what was sent before the form was alive alone: `onSubmit` prevents it afterwards.
      action={() => void setTimeout(() => form.current?.requestSubmit())}
      onSubmit={(event) => {
        event.preventDefault();
        onSend(event.currentTarget);
      }}
      // React empties a form after its action.
      onReset={(event) => event.preventDefault()}
    />
  );
}
