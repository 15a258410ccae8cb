// What settings say about the page's looks and the browser can do alone: no restart, no reload.

import { onSettings, setting } from "./controls.js";

const HEIGHT = "--op-gallery-height";

function apply() {
  const root = document.documentElement;
  const wanted = String(setting("gallery_height", "")).trim();
  const height = /^\d+(\.\d+)?$/.test(wanted) ? `${wanted}px` : wanted;
  if (height) root.style.setProperty(HEIGHT, height);
  else root.style.removeProperty(HEIGHT);
  root.classList.toggle("op-no-viewer", !setting("js_modal_lightbox", true));
}

export function start() {
  onSettings(apply);
}
