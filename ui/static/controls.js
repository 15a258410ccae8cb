// Finding and setting Gradio's controls by element id.

export const byId = (id) => document.getElementById(id);
export const visible = (node) => Boolean(node && node.getClientRects().length);

export function button(id) {
  const node = byId(id);
  return node?.tagName === "BUTTON" ? node : node?.querySelector("button");
}

/** Set the number or text of a Gradio control as if the user had typed it. */
export function setValue(id, value) {
  for (const input of byId(id)?.querySelectorAll("input[type=number], textarea") ?? []) {
    input.value = value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

/** The generation page in front, or undefined on other tabs. */
export const activeTab = () => ["txt2img", "img2img"].find((tab) => visible(byId(`${tab}_generate_box`)));

const WATCH_PERIOD = 500;

/** Call back now and whenever the page has heard of changed settings; Gradio tells nobody itself. */
export function onSettings(heard) {
  let told = null;
  const look = () => {
    const now = byId("settings_json")?.querySelector("textarea")?.value ?? "";
    if (now === told) return;
    told = now;
    heard();
  };
  look();
  setInterval(look, WATCH_PERIOD);
}

/** A setting of the server as the page last heard of it. */
export function setting(key, usual) {
  try {
    return JSON.parse(byId("settings_json")?.querySelector("textarea")?.value || "{}")[key] ?? usual;
  } catch {
    return usual;
  }
}
