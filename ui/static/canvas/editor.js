// One canvas of the page: picture, drawing, tools, and its value as the server knows it.

import { PaintDocument } from "./document.js";
import { Overlay } from "./overlay.js";
import { blank, bytesOf, drawingBytes, fromTransfer, isHuge } from "./pictures.js";
import { encodePng } from "./png.js";
import { PaddingHandle } from "./padding_handle.js";
import { Pointers } from "./pointers.js";
import { SeenMask } from "./seen_mask.js";
import { Toolbar } from "./toolbar.js";
import { makeTools } from "./tools.js";
import { View } from "./view.js";
import * as morphology from "./morphology.js";
import { rectangle } from "./shapes.js";

const SAVE_AFTER_MS = 900;
const ASPECT_MS = 2000;
const SEEN_TONE = "#ff2d78";

const fileData = ({ path, url }, name) => ({ path, url, orig_name: name, mime_type: "image/png", meta: { _type: "gradio.FileData" } });

export class Editor {
  /** `link`: {props, upload, changed()}; `changed` tells the server that there is something to keep. */
  constructor(root, link) {
    this.root = root;
    this.link = link;
    this.id = root.dataset.canvas;
    this.settings = { colour: "#ffffff" };
    this.viewport = root.querySelector(".opc-viewport");
    this.image = root.querySelector(".opc-stage img");
    this.status = root.querySelector(".opc-status");
    this.paper = new PaintDocument(root.dataset.kind, root.querySelector(".opc-layer"));
    this.view = new View(this.viewport, root.querySelector(".opc-stage"));
    this.overlay = new Overlay(root, this.view);
    this.tools = makeTools(this);
    this.seenMask = new SeenMask(root);
    this.handle = new PaddingHandle(this);
    this.toolbar = new Toolbar(this, root);
    this.pointers = new Pointers(this);
    this.sent = { version: -1, drawing: null };
    this.waiting = Promise.resolve();
    this.view.onChange = () => this.#viewChanged();
    this.paper.onChange = () => this.#paperChanged();
    this.#listen();
    this.paper.reset(0, 0);
  }

  get hasPicture() {
    return Boolean(this.paper.layer);
  }

  get isVisible() {
    return Boolean(this.root.offsetParent) || this.isFullScreen;
  }

  get isFullScreen() {
    return this.root.classList.contains("opc-full");
  }

  get tool() {
    return this.tools[this.toolbar.tool];
  }

  get usesBrush() {
    return ["brush", "eraser"].includes(this.toolbar.tool);
  }

  /** Show what the server put into our value. */
  async adopt(value) {
    if (value?.rev !== undefined && value.rev === this.rev) return;
    this.rev = value?.rev;
    if (!value?.image) return this.#forget();
    if (this.hasPicture && value.image.path === this.picture?.path) return this.#redraw(value.drawing);
    await this.#load(value.image.url);
    this.picture = value.image;
    if (value.drawing) await this.#restore(value.drawing);
    this.#publish();
    if (!value.rev?.startsWith("kept-")) this.link.changed();
  }

  /** A picture the user chose: usable at once, uploaded meanwhile. What is pressed before it has
      arrived at the server waits for it. */
  open(file) {
    this.waiting = this.waiting.then(() => this.#take(file));
    return this.waiting;
  }

  async #take(file) {
    if (!(await this.#isShown(file)) && !this.#takesUnseen()) return;
    try {
      this.picture = fileData(await this.link.upload(file), file.name);
    } catch {
      return this.say(this.root.dataset.uploadFailed);
    }
    this.#publish();
    this.link.changed();
  }

  async #isShown(file) {
    try {
      if (!(await isHuge(file))) {
        await this.#load(URL.createObjectURL(file));
        return true;
      }
    } catch {
      // said below
    }
    this.root.classList.add("opc-fault");
    this.say(this.root.dataset.unreadable);
    return false;
  }

  /** An empty picture field hands over what the browser cannot show: the server can read it, or says
      why it is no picture. */
  #takesUnseen() {
    return !this.hasPicture && this.paper.kind === "picture";
  }

  /** The value to send: uploads the drawing if it has changed. */
  flush() {
    const sending = this.waiting.then(() => this.#upload());
    this.waiting = sending.catch(() => this.say(this.root.dataset.uploadFailed));
    return sending;
  }

  act(name) {
    const { paper, view } = this;
    const amount = Number(this.root.querySelector('[data-set="amount"]')?.value ?? 0);
    const actions = {
      undo: () => paper.undo(),
      redo: () => paper.redo(),
      clear: () => paper.clear(),
      invert: () => paper.edit(morphology.invert),
      grow: () => paper.edit((data, width, height) => morphology.grow(data, width, height, amount)),
      shrink: () => paper.edit((data, width, height) => morphology.grow(data, width, height, -amount)),
      feather: () => paper.edit((data, width, height) => morphology.feather(data, width, height, amount)),
      fit: () => view.fit(),
      "zoom-in": () => view.zoom(1.25),
      "zoom-out": () => view.zoom(0.8),
      full: () => this.#fullScreen(),
      hide: () => this.root.classList.toggle("opc-hidden"),
      upload: () => this.root.querySelector("input[type=file]").click(),
      blank: () => this.#blank(),
      remove: () => this.#remove(),
      "add-rectangle": () => this.#named(false),
      "cut-rectangle": () => this.#named(true),
    };
    actions[name]?.();
  }

  /** RGBA bytes of the picture. */
  pictureBytes() {
    const { width, height } = this.paper.layer;
    this.bytes ??= bytesOf(this.image, width, height);
    return this.bytes;
  }

  /** The colour that is seen at a pixel, "#rrggbb", or null outside. */
  colourAt(x, y) {
    const { layer } = this.paper;
    if (x < 0 || y < 0 || x >= layer.width || y >= layer.height) return null;
    const at = (y * layer.width + x) * 4;
    const alpha = layer.data[at + 3] / 255;
    const mixed = [0, 1, 2].map((i) => Math.round(this.pictureBytes()[at + i] * (1 - alpha) + layer.data[at + i] * alpha));
    return `#${mixed.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
  }

  /** What the model will see: {box, text, inner, target, padding, shown}, or null. */
  showModelView(seen) {
    const now = this.hasPicture ? seen : null;
    this.overlay.showCrop(now?.box ?? null);
    this.handle.show(now);
    this.seenMask.show(this.pointers.working ? null : now?.shown, this.settings.tone ?? SEEN_TONE);
    this.root.querySelector(".opc-model").textContent = now?.text ?? "";
  }

  /** Another view of the mask was chosen; the server draws it. */
  chooseView() {
    this.seenMask.show(null);
    if (!this.hasPicture) return;
    this.#publish();
    this.link.changed();
  }

  /** Hand the drawing to the user as a PNG file, value for value. */
  async download(name) {
    if (!this.hasPicture) return;
    const { data, width, height, channels } = this.paper.layer;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await encodePng(data, width, height, channels));
    link.download = `${name || "mask"}.png`;
    link.click();
    URL.revokeObjectURL(link.href);
  }

  /** For two seconds: what the size [width, height] would have of the picture (ui 4.2). */
  showAspect(size) {
    clearTimeout(this.aspectTimer);
    this.overlay.showAspect(size && this.hasPicture ? [this.paper.layer, size] : null);
    if (size) this.aspectTimer = setTimeout(() => this.showAspect(null), ASPECT_MS);
  }

  say(text) {
    this.status.textContent = text;
  }

  async #load(url) {
    const image = new Image();
    image.src = url;
    await image.decode();
    Object.assign(image, { alt: "", draggable: false });
    this.image.replaceWith(image);
    this.image = image;
    const { naturalWidth: width, naturalHeight: height } = image;
    Object.assign(this.image.style, { width: `${width}px`, height: `${height}px` });
    this.bytes = null;
    this.picture = null;
    this.sent = { version: -1, drawing: null };
    this.showModelView(null);
    this.toolbar.set("size", Math.max(4, Math.min(width, height) / 12));
    this.paper.reset(width, height);
    this.view.reset(width, height);
  }

  async #restore(drawing) {
    const rgba = await drawingBytes(drawing.url, this.paper.layer);
    if (!rgba) return;
    this.paper.restore(rgba);
    this.sent = { version: this.paper.version, drawing };
    clearTimeout(this.timer);
  }

  /** Another drawing for the same picture, e.g. a mask from a file: a step that can be undone. */
  async #redraw(drawing) {
    if (!drawing) return this.paper.clear();
    const rgba = await drawingBytes(drawing.url, this.paper.layer);
    if (rgba) this.paper.replace(rgba);
  }

  async #upload() {
    if (!this.hasPicture || !this.picture || !this.paper.layer.channels) return this.link.props.value;
    const { layer, version } = this.paper;
    if (this.sent.version !== version) {
      const blob = await encodePng(layer.data, layer.width, layer.height, layer.channels);
      const stored = await this.link.upload(new File([blob], "drawing.png", { type: "image/png" }));
      this.sent = { version, drawing: fileData(stored, "drawing.png") };
      this.#publish();
    }
    return { ...this.link.props.value, colour: this.settings.colour };
  }

  #publish() {
    const { width = 0, height = 0 } = this.paper.layer ?? {};
    this.rev = `${this.id}-${Date.now()}-${this.paper.version}`;
    const { picture: image, id: canvas, rev } = this;
    const shown = this.seenMask.wanted;
    this.link.props.value = { canvas, image, drawing: this.sent.drawing, width, height, shown, rev };
  }

  #forget() {
    this.image.removeAttribute("src");
    this.picture = this.bytes = null;
    this.sent = { version: -1, drawing: null };
    this.paper.reset(0, 0);
    this.showModelView(null);
  }

  #remove() {
    this.#forget();
    this.#publish();
    this.link.changed();
  }

  async #blank() {
    const field = (name) => this.root.querySelector(`[data-blank="${name}"]`);
    const side = (name) => Math.min(8192, Math.max(64, Math.round(Number(field(name).value) || 512)));
    await this.open(await blank(side("width"), side("height"), field("colour").value));
  }

  /** A rectangle given in numbers, for those who do not drag. */
  #named(erase) {
    const [x, y, width, height] = ["x", "y", "width", "height"].map((name) => Number(this.root.querySelector(`[data-box="${name}"]`).value) || 0);
    const [r, g, b] = [1, 3, 5].map((i) => parseInt(this.settings.colour.slice(i, i + 2), 16));
    this.paper.begin({ colour: [r, g, b], opacity: this.settings.opacity, erase });
    this.paper.cover((coverage, w, h) => rectangle(coverage, w, h, { x1: x, y1: y, x2: x + width, y2: y + height }));
    this.paper.commit();
  }

  #fullScreen() {
    this.root.classList.toggle("opc-full");
    document.body.classList.toggle("opc-locked", this.isFullScreen);
    requestAnimationFrame(() => this.view.fit());
  }

  #viewChanged() {
    this.overlay.draw();
    this.handle.draw();
    this.root.querySelector(".opc-zoom").textContent = `${Math.round(this.view.scale * 100)} %`;
  }

  #paperChanged() {
    this.toolbar.refresh();
    this.root.classList.remove("opc-fault");
    this.seenMask.show(null);
    const { layer } = this.paper;
    this.say(layer ? this.#measures(layer) : "");
    clearTimeout(this.timer);
    if (layer && this.picture) this.timer = setTimeout(() => this.#keep(), SAVE_AFTER_MS);
  }

  /** The picture's size and where it is painted on, also for those who do not see it. */
  #measures(layer) {
    const size = `${layer.width} × ${layer.height}`;
    const box = layer.channels ? layer.bounds() : null;
    if (!box) return size;
    const values = { size, width: box.x2 - box.x1, height: box.y2 - box.y1, x: box.x1, y: box.y1, share: (100 * layer.share()).toFixed(1) };
    return this.root.dataset.painted.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  }

  async #keep() {
    await this.flush();
    this.link.changed();
  }

  #listen() {
    const input = this.root.querySelector("input[type=file]");
    input.addEventListener("change", () => {
      if (input.files[0]) this.open(input.files[0]);
      input.value = "";
    });
    this.root.addEventListener("dragover", (event) => event.preventDefault());
    this.root.addEventListener("drop", async (event) => {
      event.preventDefault();
      event.stopPropagation();
      const file = await fromTransfer(event.dataTransfer);
      if (file) this.open(file);
    });
  }
}
