// Ctrl+V with a picture: into the canvas under the mouse, else the first visible empty one, else the
// last visible one (ui 15). Pasting text stays what it is.

import { fromTransfer } from "./pictures.js";
import { active, visible } from "./registry.js";

async function onPaste(event) {
  const hasPicture = [...(event.clipboardData?.files ?? [])].some((file) => file.type.startsWith("image/"));
  const shown = visible();
  const editor = active() ?? shown.find((each) => !each.hasPicture) ?? shown.at(-1);
  if (!hasPicture || !editor) return;
  event.preventDefault();
  editor.open(await fromTransfer(event.clipboardData));
}

let isListening = false;

export function listen() {
  if (isListening) return;
  isListening = true;
  document.addEventListener("paste", onPaste);
}
