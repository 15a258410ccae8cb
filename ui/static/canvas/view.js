// Zoom and pan: where the picture's pixels are in the viewport.

const SMALLEST = 0.02;
const LARGEST = 32;

export class View {
  constructor(viewport, stage) {
    this.viewport = viewport;
    this.stage = stage;
    this.scale = 1;
    this.x = 0;
    this.y = 0;
    this.width = 0;
    this.height = 0;
    this.isFitted = true;
    this.onChange = () => {};
    this.observer = new ResizeObserver(() => this.isFitted && this.fit());
    this.observer.observe(viewport);
  }

  /** A new picture of this size in pixels. */
  reset(width, height) {
    this.width = width;
    this.height = height;
    this.fit();
  }

  /** The whole picture, centred, at most at its own size unless it is tiny. */
  fit() {
    this.isFitted = true;
    const { clientWidth, clientHeight } = this.viewport;
    if (!clientWidth || !this.width) return;
    this.scale = Math.min(clientWidth / this.width, clientHeight / this.height, 4);
    this.x = (clientWidth - this.width * this.scale) / 2;
    this.y = (clientHeight - this.height * this.scale) / 2;
    this.#apply();
  }

  zoom(factor, clientX, clientY) {
    const frame = this.viewport.getBoundingClientRect();
    const x = (clientX ?? frame.left + frame.width / 2) - frame.left;
    const y = (clientY ?? frame.top + frame.height / 2) - frame.top;
    const scale = Math.min(LARGEST, Math.max(SMALLEST, this.scale * factor));
    this.x = x - ((x - this.x) * scale) / this.scale;
    this.y = y - ((y - this.y) * scale) / this.scale;
    this.scale = scale;
    this.isFitted = false;
    this.#apply();
  }

  pan(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.isFitted = false;
    this.#apply();
  }

  /** Image coordinates of a mouse position. */
  toImage(clientX, clientY) {
    const frame = this.viewport.getBoundingClientRect();
    return { x: (clientX - frame.left - this.x) / this.scale, y: (clientY - frame.top - this.y) / this.scale };
  }

  /** Viewport coordinates of an image position. */
  toScreen(point) {
    return { x: point.x * this.scale + this.x, y: point.y * this.scale + this.y };
  }

  #apply() {
    this.stage.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
    this.stage.classList.toggle("opc-pixels", this.scale >= 4);
    this.onChange();
  }
}
