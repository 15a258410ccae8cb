// The drawing as bytes: one per pixel for a mask (255 = repaint), RGBA for colours, none for a picture. The canvas on
// the page only shows it, so that what is sent is exactly what these bytes say.

import { box, clip, isEmpty } from "./rects.js";

export const TILE = 128;

export class Layer {
  constructor(kind, width, height) {
    this.kind = kind;
    this.width = width;
    this.height = height;
    this.channels = { mask: 1, colour: 4, picture: 0 }[kind];
    this.data = new Uint8ClampedArray(width * height * this.channels);
    this.columns = Math.ceil(width / TILE);
  }

  get all() {
    return box(0, 0, this.width, this.height);
  }

  /** How much is painted at a pixel, 0..255. */
  amount(x, y) {
    const at = (y * this.width + x) * this.channels;
    return this.data[this.channels === 1 ? at : at + 3];
  }

  /** Calls `visit(tile number, box)` for every tile that `rect` meets; the box is cut to `rect`. */
  eachTile(rect, visit) {
    const r = clip(rect, this.width, this.height);
    if (isEmpty(r)) return;
    for (let row = Math.floor(r.y1 / TILE); row * TILE < r.y2; row++) {
      for (let column = Math.floor(r.x1 / TILE); column * TILE < r.x2; column++) {
        const x = column * TILE;
        const y = row * TILE;
        visit(
          row * this.columns + column,
          box(Math.max(x, r.x1), Math.max(y, r.y1), Math.min(x + TILE, r.x2), Math.min(y + TILE, r.y2)),
        );
      }
    }
  }

  tileBox(number) {
    const x = (number % this.columns) * TILE;
    const y = Math.floor(number / this.columns) * TILE;
    return box(x, y, Math.min(x + TILE, this.width), Math.min(y + TILE, this.height));
  }

  /** A copy of the bytes in a box, row by row. */
  copy(r) {
    const length = (r.x2 - r.x1) * this.channels;
    const bytes = new Uint8ClampedArray(length * (r.y2 - r.y1));
    for (let y = r.y1, to = 0; y < r.y2; y++, to += length) {
      const from = (y * this.width + r.x1) * this.channels;
      bytes.set(this.data.subarray(from, from + length), to);
    }
    return bytes;
  }

  paste(r, bytes) {
    const length = (r.x2 - r.x1) * this.channels;
    for (let y = r.y1, from = 0; y < r.y2; y++, from += length) {
      this.data.set(bytes.subarray(from, from + length), (y * this.width + r.x1) * this.channels);
    }
  }

  /** The smallest box around everything painted, or null. */
  bounds() {
    const step = this.channels;
    const { width, height, data } = this;
    let found = null;
    for (let y = 0; y < height; y++) {
      const row = y * width * step + step - 1;
      let first = 0;
      while (first < width && data[row + first * step] === 0) first++;
      if (first === width) continue;
      let last = width - 1;
      while (data[row + last * step] === 0) last--;
      if (found === null) found = box(first, y, last + 1, y + 1);
      else {
        found.x1 = Math.min(found.x1, first);
        found.x2 = Math.max(found.x2, last + 1);
        found.y2 = y + 1;
      }
    }
    return found;
  }

  /** Share of the picture that is painted, 0..1. */
  share() {
    const { data, channels } = this;
    let painted = 0;
    for (let i = channels - 1; i < data.length; i += channels) if (data[i]) painted++;
    return painted / (this.width * this.height);
  }

  /** What the page shows of a box: masks get a hatch of two tones, visible on any picture. */
  pixels(r, tones) {
    if (this.channels === 4) return new ImageData(this.copy(r), r.x2 - r.x1);
    const image = new ImageData(r.x2 - r.x1, r.y2 - r.y1);
    const words = new Uint32Array(image.data.buffer);
    const shift = Math.max(2, Math.round(Math.log2(Math.max(this.width, this.height) / 80)));
    for (let y = r.y1, to = 0; y < r.y2; y++) {
      for (let x = r.x1, from = y * this.width + r.x1; x < r.x2; x++, from++, to++) {
        const value = this.data[from];
        if (value) words[to] = ((value << 24) | tones[((x + y) >> shift) & 1]) >>> 0;
      }
    }
    return image;
  }
}
