// Keys of the whole page (ui 14): generate, skip, interrupt, weights in prompts.

import { editAttention, movePart } from "./attention.js";
import { activeTab, button, setting, visible } from "./controls.js";

const PROMPT = "[id*='prompt'] textarea";

/** Ctrl+Enter: generate, or interrupt and start again as soon as the running job is over. */
function generateOrRestart(tab) {
  const [interrupt, interrupting] = [() => button(`${tab}_interrupt`), () => button(`${tab}_interrupting`)];
  if (!visible(interrupt())) return button(`${tab}_generate`)?.click();
  interrupt().click();
  const wait = setInterval(() => {
    if (visible(interrupt()) || visible(interrupting())) return;
    clearInterval(wait);
    button(`${tab}_generate`)?.click();
  }, 100);
}

/** Write a change of a prompt as the user would have typed it, so that undo takes it back. */
function write(box, change) {
  box.setSelectionRange(change.from, change.to);
  if (!document.execCommand("insertText", false, change.text)) {
    box.setRangeText(change.text);
    box.dispatchEvent(new Event("input", { bubbles: true }));
  }
  box.setSelectionRange(change.start, change.end);
}

function onPromptKey(event, box) {
  const [start, end] = [box.selectionStart, box.selectionEnd];
  const upright = event.key === "ArrowUp" || event.key === "ArrowDown";
  if (upright && (event.ctrlKey || event.metaKey) && !event.altKey) {
    const steps = { attention: setting("keyedit_precision_attention", 0.1), network: setting("keyedit_precision_extra", 0.05) };
    const delimiters = setting("keyedit_delimiters", ".,\\/!?%^*;:{}=`~() ");
    const change = editAttention(box.value, start, end, event.key === "ArrowUp", steps, `${delimiters}[]<>`);
    event.preventDefault();
    if (change) write(box, change);
    return true;
  }
  const sideways = event.key === "ArrowLeft" || event.key === "ArrowRight";
  if (sideways && event.altKey && !event.ctrlKey && setting("keyedit_move", true)) {
    const change = movePart(box.value, start, end, event.key === "ArrowLeft");
    event.preventDefault();
    if (change) write(box, change);
    return true;
  }
  return false;
}

function onEscape(tab) {
  const dialog = [...document.querySelectorAll(".op-dialog")].find(visible);
  if (dialog) return dialog.querySelector("[id$=_style_close], [id$=_style_close] button, [id$=style_close]")?.click();
  if (document.querySelector("dialog[open]")) return;
  const interrupt = tab && button(`${tab}_interrupt`);
  if (visible(interrupt)) interrupt.click();
}

function onKey(event) {
  const tab = activeTab();
  const box = event.target.closest?.(PROMPT);
  if (box && onPromptKey(event, box)) return;
  if (event.key === "Escape") return onEscape(tab);
  if (!tab || event.key !== "Enter") return;
  if (event.ctrlKey || event.metaKey) {
    event.preventDefault();
    event.stopPropagation();
    generateOrRestart(tab);
  } else if (event.altKey) {
    const skip = button(`${tab}_skip`);
    if (!visible(skip)) return;
    event.preventDefault();
    skip.click();
  }
}

export function listen() {
  document.addEventListener("keydown", onKey, true);
}
