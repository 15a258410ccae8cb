// Small client-side behaviour of the whole page. Nothing here talks to the server by itself.

import { button, byId, setValue } from "./controls.js";
import { divide } from "./divider.js";
import { start as forever } from "./forever.js";
import { listen } from "./keys.js";
import { start as arrange } from "./layout.js";
import { listen as takeDrops } from "./prompt_drop.js";
import { loadStyle } from "./sheets.js";
import { start as translate } from "./translate.js";

/** Pasting "768x512" into width or height fills both (ui 6). */
function onPaste(event) {
  const field = event.target.closest?.("[id$=img_width], [id$=img_height]");
  const size = field && event.clipboardData?.getData("text").match(/^\s*(\d+)\s*[x×*]\s*(\d+)\s*$/);
  if (!size) return;
  event.preventDefault();
  const tab = field.id.replace(/_(width|height)$/, "");
  setValue(`${tab}_width`, size[1]);
  setValue(`${tab}_height`, size[2]);
}

/** Mark unbalanced brackets on the token counter (ui 3.1). */
function checkBrackets(prompt, counter) {
  const text = byId(prompt)?.querySelector("textarea")?.value ?? "";
  const clean = text.replace(/\\[()[\]{}]/g, "");
  const uneven = ["()", "[]", "{}"].filter(([open, close]) => clean.split(open).length !== clean.split(close).length);
  const badge = byId(counter);
  badge?.classList.toggle("op-unbalanced", uneven.length > 0);
  if (badge) badge.title = uneven.length ? `${badge.dataset.unbalanced ?? "Unbalanced brackets:"} ${uneven.join(" ")}` : "";
}

export function start(tooltips, menu) {
  loadStyle("interrogate.css");
  loadStyle("phone.css");
  listen();
  takeDrops();
  translate();
  arrange();
  forever(menu);
  document.addEventListener("paste", onPaste, true);
  document.addEventListener("input", (event) => {
    const box = event.target.closest?.("[id$=img_prompt], [id$=img_neg_prompt]");
    if (box) checkBrackets(box.id, box.id.replace("_neg_prompt", "_negative_token_counter").replace("_prompt", "_token_counter"));
  });
  const label = () => {
    divide();
    for (const input of document.querySelectorAll("[id$=img_styles] input:not([placeholder])")) {
      input.placeholder = input.getAttribute("aria-label") ?? "";
    }
    for (const [id, text] of Object.entries(tooltips)) {
      const node = byId(id);
      if (node && node.dataset.opTitle !== text) {
        node.dataset.opTitle = node.title = text;
        const inner = button(id);
        if (inner && !inner.getAttribute("aria-label")) inner.setAttribute("aria-label", text);
      }
    }
  };
  label();
  let waiting = false;
  const soon = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; label(); });
  };
  new MutationObserver(soon).observe(document.body, { childList: true, subtree: true });
  document.documentElement.dataset.overpaint = "ready"; // keys, drops and pastes are heard from now on
}
