// A picture with its drawing: layer, history, the canvas that shows it. Knows no tools, no server.

import { compose, wipe } from "./compose.js";
import { Change, History } from "./history.js";
import { Layer } from "./layer.js";
import { union } from "./rects.js";

/** "#rrggbb" to [r, g, b]. */
export const channelsOf = (colour) => [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));

function take({ data, channels }, rgba) {
  if (channels === 4) data.set(rgba);
  else for (let i = 0; i < data.length; i++) data[i] = rgba[i * 4];
}

const packed = ([r, g, b]) => (b << 16) | (g << 8) | r;

export class PaintDocument {
  constructor(kind, canvas) {
    this.kind = kind;
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.layer = null;
    this.version = 0;
    this.tones = [0, 0];
    this.onChange = () => {};
  }

  /** An empty drawing of this size. */
  reset(width, height) {
    this.layer = width ? new Layer(this.kind, width, height) : null;
    this.history = this.layer && new History(this.layer);
    this.coverage = null;
    this.change = null;
    const isShown = this.layer?.channels > 0;
    this.canvas.width = isShown ? width : 1;
    this.canvas.height = isShown ? height : 1;
    this.#changed();
  }

  /** Colour in which a mask is shown; its value is not touched. */
  setTone(colour) {
    const base = channelsOf(colour);
    this.tones = [packed(base), packed(base.map((value) => Math.round(value * 0.45 + (value < 128 ? 140 : 0))))];
    if (this.layer) this.show(this.layer.all);
  }

  /** Start a change; `ink` is {colour: [r, g, b], opacity, erase}. */
  begin(ink) {
    this.coverage ??= new Uint8Array(this.layer.width * this.layer.height);
    this.change = new Change(this.layer);
    this.ink = ink;
    this.dirty = null;
  }

  /** Paint what `cover(coverage, width, height)` covers; it returns the touched box. */
  cover(cover) {
    const rect = cover(this.coverage, this.layer.width, this.layer.height);
    this.change.touch(rect);
    compose(this.layer, this.change, this.coverage, rect, this.ink);
    this.dirty = union(this.dirty, rect);
    this.show(rect);
  }

  commit() {
    if (!this.change) return;
    if (this.dirty) wipe(this.coverage, this.layer, this.dirty);
    const isNew = this.history.push(this.change);
    this.change = null;
    if (isNew) this.#changed();
  }

  /** Forget the change in the making, e.g. when a second finger comes down. */
  cancel() {
    if (!this.change) return;
    if (this.dirty) wipe(this.coverage, this.layer, this.dirty);
    this.#showTiles(this.change.cancel());
    this.change = null;
  }

  /** A change of the whole drawing: `edit(bytes, width, height)`. */
  edit(edit) {
    const change = new Change(this.layer);
    change.touch(this.layer.all);
    edit(this.layer.data, this.layer.width, this.layer.height);
    this.show(this.layer.all);
    if (this.history.push(change)) this.#changed();
  }

  clear() {
    this.edit((data) => data.fill(0));
  }

  undo() {
    this.#step(this.history?.undo());
  }

  redo() {
    this.#step(this.history?.redo());
  }

  /** Take over a drawing that was kept on the server: RGBA bytes, grey ones for a mask. */
  restore(rgba) {
    take(this.layer, rgba);
    this.show(this.layer.all);
    this.#changed();
  }

  /** The same as a change that can be undone. */
  replace(rgba) {
    this.edit(() => take(this.layer, rgba));
  }

  show(rect) {
    if (rect.x2 > rect.x1 && rect.y2 > rect.y1) this.context.putImageData(this.layer.pixels(rect, this.tones), rect.x1, rect.y1);
  }

  #step(tiles) {
    if (!tiles) return;
    this.#showTiles(tiles);
    this.#changed();
  }

  #showTiles(numbers) {
    for (const number of numbers) this.show(this.layer.tileBox(number));
  }

  #changed() {
    this.version++;
    this.onChange();
  }
}
