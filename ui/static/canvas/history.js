// Undo and redo as tiles: only what a stroke changed is kept, a tile of one value costs nothing.

const LIMIT_BYTES = 128 * 1024 * 1024;
const LIMIT_STEPS = 100;

function compact(bytes) {
  const first = bytes[0];
  return bytes.every((value) => value === first) ? first : bytes;
}

const cost = (patch) => {
  let bytes = 0;
  for (const tile of patch.values()) bytes += typeof tile === "number" ? 0 : tile.length;
  return bytes;
};

const same = (a, b) => a.length === b.length && a.every((value, i) => value === b[i]);

/** One change in the making: remembers each tile before it is touched for the first time. */
export class Change {
  constructor(layer) {
    this.layer = layer;
    this.before = new Map();
  }

  /** Must be called before bytes in `rect` change. */
  touch(rect) {
    this.layer.eachTile(rect, (number) => {
      if (!this.before.has(number)) this.before.set(number, this.layer.copy(this.layer.tileBox(number)));
    });
  }

  /** Put everything back; returns the tiles' numbers. */
  cancel() {
    for (const [number, bytes] of this.before) this.layer.paste(this.layer.tileBox(number), bytes);
    return [...this.before.keys()];
  }
}

export class History {
  constructor(layer) {
    this.layer = layer;
    this.undos = [];
    this.redos = [];
    this.bytes = 0;
  }

  /** Keep a finished change; returns whether anything really changed. */
  push(change) {
    const patch = new Map();
    for (const [number, bytes] of change.before) {
      if (!same(bytes, this.layer.copy(this.layer.tileBox(number)))) patch.set(number, compact(bytes));
    }
    if (!patch.size) return false;
    for (const old of this.redos) this.bytes -= cost(old);
    this.redos = [];
    this.undos.push(patch);
    this.bytes += cost(patch);
    while (this.undos.length > 1 && (this.bytes > LIMIT_BYTES || this.undos.length > LIMIT_STEPS)) {
      this.bytes -= cost(this.undos.shift());
    }
    return true;
  }

  undo() {
    return this.#swap(this.undos, this.redos);
  }

  redo() {
    return this.#swap(this.redos, this.undos);
  }

  #swap(from, to) {
    const patch = from.pop();
    if (!patch) return null;
    const inverse = new Map();
    for (const [number, tile] of patch) {
      const area = this.layer.tileBox(number);
      const now = this.layer.copy(area);
      inverse.set(number, compact(now));
      this.layer.paste(area, typeof tile === "number" ? new Uint8ClampedArray(now.length).fill(tile) : tile);
    }
    this.bytes += cost(inverse) - cost(patch);
    to.push(inverse);
    return [...patch.keys()];
  }
}
