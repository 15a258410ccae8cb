// Keys and small client-side buttons of the whole page. Nothing here talks to the server by itself.

const byId = (id) => document.getElementById(id);
const visible = (node) => Boolean(node && node.offsetParent);

function button(id) {
  const node = byId(id);
  return node?.tagName === "BUTTON" ? node : node?.querySelector("button");
}

/** Set the number or text of a Gradio control as if the user had typed it. */
function setValue(id, value) {
  for (const input of byId(id)?.querySelectorAll("input[type=number], textarea") ?? []) {
    input.value = value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

/** Ctrl+Enter: generate, or interrupt and start again as soon as the running job is over. */
function generateOrRestart() {
  const interrupt = button("img2img_interrupt");
  if (!visible(interrupt)) return button("img2img_generate")?.click();
  interrupt.click();
  const wait = setInterval(() => {
    if (visible(button("img2img_interrupt")) || visible(button("img2img_interrupting"))) return;
    clearInterval(wait);
    button("img2img_generate")?.click();
  }, 100);
}

function onKey(event) {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    event.stopPropagation();
    generateOrRestart();
  } else if (event.key === "Enter" && event.altKey) {
    const skip = button("img2img_skip");
    if (visible(skip)) {
      event.preventDefault();
      skip.click();
    }
  } else if (event.key === "Escape" && !document.querySelector("dialog[open]")) {
    const interrupt = button("img2img_interrupt");
    if (visible(interrupt)) interrupt.click();
  }
}

/** Pasting "768x512" into width or height fills both (ui 6). */
function onPaste(event) {
  const field = event.target.closest?.("#img2img_width, #img2img_height");
  const size = field && event.clipboardData?.getData("text").match(/^\s*(\d+)\s*[x×*]\s*(\d+)\s*$/);
  if (!size) return;
  event.preventDefault();
  setValue("img2img_width", size[1]);
  setValue("img2img_height", size[2]);
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

function loadStyle(name) {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = new URL(name, import.meta.url);
  document.head.append(link);
}

export function start(tooltips) {
  loadStyle("phone.css");
  document.addEventListener("keydown", onKey, true);
  document.addEventListener("paste", onPaste, true);
  document.addEventListener("input", (event) => {
    if (event.target.closest?.("#img2img_prompt")) checkBrackets("img2img_prompt", "img2img_token_counter");
    if (event.target.closest?.("#img2img_neg_prompt")) checkBrackets("img2img_neg_prompt", "img2img_negative_token_counter");
  });
  const label = () => {
    for (const [id, text] of Object.entries(tooltips)) {
      const node = byId(id);
      if (node && node.title !== text) {
        node.title = text;
        const inner = button(id);
        if (inner && !inner.getAttribute("aria-label")) inner.setAttribute("aria-label", text);
      }
    }
  };
  label();
  new MutationObserver(label).observe(document.body, { childList: true, subtree: true });
}
