// A picture dropped on a prompt: its infotext takes the prompt's place (ui 3.1, 15).

import { byId } from "./controls.js";

const FIELD = "[id$=img_prompt], [id$=img_neg_prompt]";

function dropped(event) {
  const box = event.target.closest?.(FIELD);
  const file = [...(event.dataTransfer?.files ?? [])].find((one) => /^image\/|json|^text\//.test(one.type) || /\.json$/i.test(one.name));
  return box && file ? { box, file } : null;
}

/** Hand the file to the hidden upload of this page, as if it had been chosen there. */
function send(box, file) {
  const tab = box.id.split("_")[0];
  const input = byId(`${tab}_prompt_image`)?.previousElementSibling;
  if (input?.type !== "file") return;
  const files = new DataTransfer();
  files.items.add(file);
  input.files = files.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

export function listen() {
  document.addEventListener("dragover", (event) => {
    if (event.target.closest?.(FIELD) && event.dataTransfer?.types.includes("Files")) event.preventDefault();
  }, true);
  document.addEventListener("drop", (event) => {
    const found = dropped(event);
    if (!found) return;
    event.preventDefault();
    event.stopPropagation();
    send(found.box, found.file);
  }, true);
}
