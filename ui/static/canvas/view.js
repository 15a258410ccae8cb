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
    const { clientWidth, clientHeight } = this.viewport;
    const middle = { x: clientWidth / 2, y: clientHeight / 2 };
    const { x, y } = clientX === undefined ? middle : this.toViewport(clientX, clientY);
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
    const { x, y } = this.toViewport(clientX, clientY);
    return { x: (x - this.x) / this.scale, y: (y - this.y) / this.scale };
  }

  /** A mouse position from the viewport's corner, inside its border. */
  toViewport(clientX, clientY) {
    const frame = this.viewport.getBoundingClientRect();
    return { x: clientX - frame.left - this.viewport.clientLeft, y: clientY - frame.top - this.viewport.clientTop };
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
