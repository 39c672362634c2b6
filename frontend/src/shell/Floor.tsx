/** What a person reads in place of a page whose scripts cannot run, in every language. */
import { headers } from "next/headers";
import { FLOOR_SCRIPT } from "@/lib/floor";
import { CATALOGUES, type Catalogue } from "./catalogues";
import { requestCatalogue } from "./language";

// Beside the script, not in the stylesheet, which may be what did not come.
const STYLE = `
  .floor { display: none; max-width: 32rem; margin: 18vh auto; padding: 0 1.5rem; font: 1.1rem/1.6 system-ui, sans-serif }
  .floor [data-typeface="nastaliq"] { font-family: "Noto Nastaliq Urdu", serif; line-height: 2.2 }
  .floor a { text-decoration: underline }
  .floor p { margin: 0 0 1.25rem }
  html[data-floor] body > * { display: none !important }
  html[data-floor="old"] body > .floor-old,
  html[data-floor="failed"] body > .floor-failed { display: block !important }
`;
const STYLE_WITHOUT_SCRIPTS = `
  body > * { display: none !important }
  body > noscript, .floor-script { display: block !important }
`;

/** For the head, before every other script. */
export async function FloorCheck() {
  const nonce = (await headers()).get("x-nonce") ?? undefined;
  return (
    <>
      <style dangerouslySetInnerHTML={{ __html: STYLE }} />
      <script
        nonce={nonce}
        // A browser hides the nonce from scripts.
        suppressHydrationWarning
        dangerouslySetInnerHTML={{ __html: FLOOR_SCRIPT }}
      />
      <noscript>
        <style dangerouslySetInnerHTML={{ __html: STYLE_WITHOUT_SCRIPTS }} />
      </noscript>
    </>
  );
}

/** For the end of the body; hidden until the check, or the lack of scripts, shows one of them. */
export async function FloorNotices() {
  const first = await requestCatalogue();
  return (
    <>
      <Notice kind="old" first={first} />
      <Notice kind="failed" first={first} />
      <noscript>
        <Notice kind="script" first={first} />
      </noscript>
    </>
  );
}

function Notice({ kind, first }: { kind: "old" | "failed" | "script"; first: Catalogue }) {
  const others = [...CATALOGUES.values()].filter((catalogue) => catalogue !== first);
  return (
    <div role="alert" className={`floor floor-${kind}`}>
      {[first, ...others].map(({ language: { code, direction, typeface }, messages }) => (
        <p key={code} lang={code} dir={direction} data-typeface={typeface}>
          {messages[`floor.${kind}`]} {kind !== "old" && <a href="">{messages["floor.again"]}</a>}
        </p>
      ))}
    </div>
  );
}
