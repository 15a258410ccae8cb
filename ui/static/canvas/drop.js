// A picture dropped anywhere on a tab goes into that tab's canvas: the first empty one, else the first.
// What has a meaning of its own for a drop - a canvas, a file field, a text - keeps it.

import { fromTransfer } from "./pictures.js";
import { visible } from "./registry.js";

const OWN = "input, textarea, select, [contenteditable=true]";

function goal(event) {
  if (event.defaultPrevented || event.target.closest?.(OWN)) return null;
  const types = event.dataTransfer?.types ?? [];
  if (!types.includes("Files") && !types.includes("text/uri-list")) return null;
  const shown = visible();
  return shown.find((each) => !each.hasPicture) ?? shown[0] ?? null;
}

async function onDrop(event) {
  const editor = goal(event);
  if (!editor) return;
  event.preventDefault();
  const file = await fromTransfer(event.dataTransfer);
  if (file) editor.open(file);
}

let isListening = false;

export function listen() {
  if (isListening) return;
  isListening = true;
  document.addEventListener("dragover", (event) => goal(event) && event.preventDefault());
  document.addEventListener("drop", onDrop);
}
