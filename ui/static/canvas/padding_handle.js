// The handle at the corner of the crop box: dragging it, or the arrow keys, change the padding.

import { cropRegion } from "./crop.js";

const FIELD = "img2img_inpaint_full_res_padding";
const STEP = 4;
const LARGEST = 256;

const KEYS = { ArrowRight: STEP, ArrowUp: STEP, ArrowLeft: -STEP, ArrowDown: -STEP, PageUp: 8 * STEP, PageDown: -8 * STEP };

const rounded = (padding) => Math.min(LARGEST, Math.max(0, Math.round(padding / STEP) * STEP));

/** Set the padding field as if the user had typed. */
function setField(padding) {
  for (const input of document.getElementById(FIELD)?.querySelectorAll("input[type=number]") ?? []) {
    input.value = padding;
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

export class PaddingHandle {
  constructor(editor) {
    this.editor = editor;
    this.node = editor.root.querySelector(".opc-handle");
    this.seen = null;
    this.node?.addEventListener("pointerdown", (event) => this.#grab(event));
    this.node?.addEventListener("pointermove", (event) => this.#drag(event));
    this.node?.addEventListener("pointerup", (event) => this.#drop(event));
    this.node?.addEventListener("pointercancel", () => this.#give(this.start?.padding));
    this.node?.addEventListener("keydown", (event) => this.#key(event));
  }

  /** What the server says: {box, inner, target, padding}; without a box there is no handle. */
  show(seen) {
    this.seen = seen?.box ? seen : null;
    this.padding = seen?.padding ?? 0;
    this.#place(seen?.box);
  }

  /** The view has moved. */
  draw() {
    this.#place(this.box);
  }

  #place(box) {
    this.box = box;
    if (!this.node) return;
    this.node.hidden = !this.seen || !box;
    if (this.node.hidden) return;
    const { x, y } = this.editor.view.toScreen({ x: box[2], y: box[3] });
    this.node.style.transform = `translate(${x}px, ${y}px)`;
    this.node.setAttribute("aria-valuenow", this.padding);
    this.node.setAttribute("aria-valuetext", `${this.padding} px`);
  }

  #grab(event) {
    if (!event.isPrimary || !this.seen) return;
    event.stopPropagation();
    event.preventDefault();
    this.node.focus({ preventScroll: true });
    this.node.setPointerCapture(event.pointerId);
    this.start = { x: event.clientX, y: event.clientY, padding: this.padding };
  }

  /** Outwards grows the padding by as many picture pixels as the hand moves, inwards shrinks it. */
  #drag(event) {
    if (!this.start) return;
    event.stopPropagation();
    const across = (event.clientX - this.start.x) / this.editor.view.scale;
    const down = (event.clientY - this.start.y) / this.editor.view.scale;
    this.#try(this.start.padding + (Math.abs(across) > Math.abs(down) ? across : down));
  }

  #drop(event) {
    if (!this.start) return;
    event.stopPropagation();
    this.#give(this.padding);
  }

  #key(event) {
    if (!KEYS[event.key] || !this.seen) return;
    event.preventDefault();
    event.stopPropagation();
    this.#try(this.padding + KEYS[event.key]);
    this.#give(this.padding);
  }

  #try(padding) {
    this.padding = rounded(padding);
    const { inner, target } = this.seen;
    const { width, height } = this.editor.paper.layer;
    const box = cropRegion(inner, [width, height], target, this.padding);
    this.editor.overlay.showCrop(box);
    this.#place(box);
  }

  #give(padding) {
    this.start = null;
    if (padding !== undefined) setField(padding);
  }
}
