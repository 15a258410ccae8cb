// While width or height are moved, the picture shows the aspect ratio that they make (ui 4.2).

import { visible } from "./registry.js";

const FIELDS = ["img2img_width", "img2img_height"];

const valueOf = (id) => Number(document.querySelector(`#${id} input[type=number]`)?.value);

function onInput(event) {
  const moved = FIELDS.find((id) => event.target.closest?.(`#${id}`));
  if (!moved) return;
  // The other half of the control follows a moment later; what was moved is the truth.
  const size = FIELDS.map((id) => (id === moved ? Number(event.target.value) : valueOf(id)));
  const editor = visible().find((each) => each.hasPicture);
  if (editor && size.every((side) => side > 0)) editor.showAspect(size);
}

let isListening = false;

export function listen() {
  if (isListening) return;
  isListening = true;
  document.addEventListener("input", onInput);
}
