// Keyboard of the canvas (ui 14.3). Works while the mouse is over it or the focus is in it, and never
// while somebody types.

import { active } from "./registry.js";

const TYPING = "input:not([type=range]):not([type=color]):not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true]";

const ACTIONS = {
  r: (editor) => editor.act("fit"),
  s: (editor) => editor.act("full"),
  o: (editor) => editor.act("hide"),
  q: (editor) => editor.toolbar.scaleBrush(1 / 1.1),
  w: (editor) => editor.toolbar.scaleBrush(1.1),
  b: (editor) => editor.toolbar.useTool("brush"),
  e: (editor) => editor.toolbar.useTool("eraser"),
  "+": (editor) => editor.act("zoom-in"),
  "-": (editor) => editor.act("zoom-out"),
};

const WITH_CTRL = {
  z: (editor, event) => editor.act(event.shiftKey ? "redo" : "undo"),
  y: (editor) => editor.act("redo"),
};

function onKeyDown(event) {
  const editor = active();
  if (!editor || event.target.closest?.(TYPING)) return;
  const key = event.key.toLowerCase();
  if (key === "escape" && editor.isFullScreen) {
    event.stopImmediatePropagation();
    editor.act("full");
    return;
  }
  if (!editor.hasPicture || event.altKey) return;
  if (event.ctrlKey || event.metaKey) {
    if (!WITH_CTRL[key]) return;
    WITH_CTRL[key](editor, event);
  } else if (key === "f") editor.pointers.isPanKeyDown = true;
  else if (ACTIONS[key]) ACTIONS[key](editor);
  else return;
  event.preventDefault();
}

function onKeyUp(event) {
  if (event.key.toLowerCase() === "f") {
    const editor = active();
    if (editor) editor.pointers.isPanKeyDown = false;
  }
}

let isListening = false;

export function listen() {
  if (isListening) return;
  isListening = true;
  window.addEventListener("keydown", onKeyDown, true);
  window.addEventListener("keyup", onKeyUp, true);
}
