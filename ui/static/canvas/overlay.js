// What lies over the picture without being part of it: the brush's ring, a shape being dragged, the
// box that the model will see.

const SVG = "http://www.w3.org/2000/svg";

export class Overlay {
  constructor(root, view) {
    this.view = view;
    this.svg = root.querySelector(".opc-overlay");
    this.ring = root.querySelector(".opc-ring");
    this.points = null;
    this.crop = null;
    this.aspect = null;
  }

  /** Ring of the brush at a mouse position; null hides it. */
  showRing(event, radius) {
    this.ring.hidden = !event;
    if (!event) return;
    const { x, y } = this.view.toViewport(event.clientX, event.clientY);
    const size = Math.max(3, 2 * radius * this.view.scale);
    this.ring.style.cssText = `width:${size}px;height:${size}px;transform:translate(${x - size / 2}px,${y - size / 2}px)`;
  }

  /** A shape being dragged: {kind: "rectangle" | "ellipse" | "lasso", points: [...]} or null. */
  showShape(shape) {
    this.shape = shape;
    this.draw();
  }

  /** The part of the picture that the model sees: [x1, y1, x2, y2] or null. */
  showCrop(crop) {
    this.crop = crop;
    this.draw();
  }

  /** [{width, height} of the picture, [width, height] of the job], or null. */
  showAspect(aspect) {
    this.aspect = aspect;
    this.draw();
  }

  draw() {
    const parts = [];
    if (this.aspect) parts.push(this.#aspect());
    if (this.crop) parts.push(this.#box(this.crop, "opc-crop"));
    if (this.shape) parts.push(this.#shape());
    this.svg.replaceChildren(...parts);
  }

  #box([x1, y1, x2, y2], name) {
    const a = this.view.toScreen({ x: x1, y: y1 });
    const b = this.view.toScreen({ x: x2, y: y2 });
    return make("rect", { x: a.x, y: a.y, width: b.x - a.x, height: b.y - a.y, class: name });
  }

  /** The largest part of the picture with the job's aspect ratio, in its middle. */
  #aspect() {
    const [{ width, height }, [wide, high]] = this.aspect;
    const scale = Math.min(width / wide, height / high);
    const [x, y] = [(width - wide * scale) / 2, (height - high * scale) / 2];
    const rect = this.#box([x, y, width - x, height - y], "opc-aspect");
    rect.id = "imageARPreview";
    return rect;
  }

  #shape() {
    const { kind, points } = this.shape;
    const [a, b] = [points[0], points.at(-1)].map((point) => this.view.toScreen(point));
    const corner = { x: Math.min(a.x, b.x), y: Math.min(a.y, b.y), width: Math.abs(a.x - b.x), height: Math.abs(a.y - b.y) };
    if (kind === "rectangle") return make("rect", { ...corner, class: "opc-shape" });
    if (kind === "ellipse") {
      const [rx, ry] = [corner.width / 2, corner.height / 2];
      return make("ellipse", { cx: corner.x + rx, cy: corner.y + ry, rx, ry, class: "opc-shape" });
    }
    const path = points.map((point) => this.view.toScreen(point)).map(({ x, y }) => `${x},${y}`);
    return make("polygon", { points: path.join(" "), class: "opc-shape" });
  }
}

function make(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}
