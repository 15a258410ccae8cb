// The menu at Generate and Interrupt: "Generate forever" presses Generate whenever nothing runs
// (ui 14.4). It ends by the menu, with an error, and when the page is closed.

import { button, byId } from "./controls.js";
import { loadStyle } from "./sheets.js";

const TABS = ["txt2img", "img2img"];
const PERIOD = 500;
const PATIENCE = 20; // periods until a press of Generate that started nothing is repeated

/** One tab's loop. The elements of Interrupt are in the document only while a job is there. */
class Loop {
  constructor(tab, words) {
    this.tab = tab;
    this.words = words;
    this.timer = 0;
  }

  get on() {
    return this.timer !== 0;
  }

  busy() {
    return ["interrupt", "interrupting"].some((name) => byId(`${this.tab}_${name}`));
  }

  monitor() {
    return byId(`html_log_${this.tab}`)?.querySelector(".op-monitor");
  }

  begin() {
    if (this.on) return;
    this.pressed = this.begun = false;
    this.timer = setInterval(() => this.look(), PERIOD);
    // Jobs may be shorter than the period, so what happens in between is noted.
    this.eyes = new MutationObserver(() => this.note());
    const box = byId(`${this.tab}_generate_box`);
    if (box) this.eyes.observe(box, { childList: true, subtree: true });
    if (this.monitor()) this.eyes.observe(this.monitor(), { attributes: true, attributeFilter: ["class"] });
    this.show();
    this.look();
  }

  end() {
    clearInterval(this.timer);
    this.eyes?.disconnect();
    this.timer = 0;
    this.show();
  }

  error() {
    return Boolean(this.monitor()?.classList.contains("op-error"));
  }

  note() {
    if (this.busy()) this.begun = true;
    if (!this.error()) this.old = false; // what is said now is about our own press
  }

  look() {
    this.note();
    if (this.busy()) return;
    if (this.pressed && this.error() && !this.old) return this.end();
    if (this.pressed && !this.begun && this.waited < PATIENCE) {
      this.waited += 1;
      return;
    }
    if (this.pressed && !this.begun && this.old) return this.end();
    this.pressed = true;
    this.begun = false;
    this.old = this.error();
    this.waited = 0;
    button(`${this.tab}_generate`)?.click();
  }

  show() {
    const generate = button(`${this.tab}_generate`);
    generate?.classList.toggle("op-forever", this.on);
    if (!generate) return;
    if (this.on) generate.title = this.words.on;
    else generate.removeAttribute("title");
  }
}

function item(text, disabled, act) {
  const node = document.createElement("button");
  Object.assign(node, { type: "button", textContent: text, disabled });
  node.setAttribute("role", "menuitem");
  node.addEventListener("click", act);
  return node;
}

/** Opens where the pointer is, or beside a button that the keyboard's menu key was pressed on. */
function open(loop, event, target) {
  close();
  const { words } = loop;
  const menu = document.createElement("div");
  menu.id = "context-menu";
  menu.setAttribute("role", "menu");
  menu.setAttribute("aria-label", words.menu);
  const done = (act) => () => { close(); target.focus(); act(); };
  menu.append(
    item(words.forever, loop.on, done(() => loop.begin())),
    item(words.cancel, !loop.on, done(() => loop.end())),
  );
  document.body.append(menu);
  const place = target.getBoundingClientRect();
  const [x, y] = event.clientX || event.clientY ? [event.clientX, event.clientY] : [place.left, place.bottom];
  menu.style.left = `${Math.max(0, Math.min(x, window.innerWidth - menu.offsetWidth - 4))}px`;
  menu.style.top = `${Math.max(0, Math.min(y, window.innerHeight - menu.offsetHeight - 4))}px`;
  menu.querySelector("button:not([disabled])").focus();
}

const close = () => byId("context-menu")?.remove();

function onKey(event) {
  const menu = byId("context-menu");
  if (!menu) return;
  if (event.key === "Tab") return close();
  if (event.key !== "Escape") return;
  event.preventDefault();
  event.stopImmediatePropagation(); // Escape would interrupt the job
  close();
}

export function start(words) {
  loadStyle("forever.css");
  const loops = Object.fromEntries(TABS.map((tab) => [tab, new Loop(tab, words)]));
  window.addEventListener("contextmenu", (event) => {
    const target = event.target.closest?.("button");
    const tab = TABS.find((name) => target && byId(`${name}_generate_box`)?.contains(target));
    if (!tab) return close();
    event.preventDefault();
    open(loops[tab], event, target);
  });
  window.addEventListener("pointerdown", (event) => {
    if (!event.target.closest?.("#context-menu")) close();
  }, true);
  window.addEventListener("keydown", onKey, true);
}
