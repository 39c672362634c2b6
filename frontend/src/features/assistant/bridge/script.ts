/**
 * Loading OpenAI's ChatKit script. Each attempt appends a `<script>` of its own: a failed one never
 * loads again, and Next's `<Script>` would call a second mount of it loaded.
 */

/** OpenAI serves its component here only; it is on no package registry. */
const CHATKIT_SCRIPT_URL = "https://cdn.platform.openai.com/deployments/chatkit/chatkit.js";

export const CHATKIT_ELEMENT = "openai-chatkit";

/** How long the component may take from here to its `ready` event. */
export const READY_TIMEOUT_MS = 10_000;

/** Resolve when the element is defined; reject when its script does not load. */
export function loadChatKit(signal: AbortSignal): Promise<void> {
  if (customElements.get(CHATKIT_ELEMENT)) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = CHATKIT_SCRIPT_URL;
    script.async = true;
    script.onerror = () => {
      script.remove();
      reject(new Error("The ChatKit script did not load."));
    };
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    void customElements.whenDefined(CHATKIT_ELEMENT).then(() => resolve());
    document.head.append(script);
  });
}
