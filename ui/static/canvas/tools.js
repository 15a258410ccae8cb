// What a press, a drag and a release mean with each tool. Points are in image pixels.

import { segment } from "./brush.js";
import { channelsOf } from "./document.js";
import { flood } from "./flood.js";
import { dragged, union } from "./rects.js";
import { ellipse, polygon, rectangle } from "./shapes.js";

/** `settings`: size (diameter in px), hardness, opacity, tolerance (0..1), colour. */
function inkOf(settings, erase) {
  return { colour: channelsOf(settings.colour), opacity: settings.opacity, erase };
}

class Brush {
  constructor(editor, erase) {
    this.editor = editor;
    this.erase = erase;
  }

  press(point) {
    const { paper, settings } = this.editor;
    paper.begin(inkOf(settings, this.erase || point.eraser));
    this.last = this.#sized(point);
    this.drag([point]);
  }

  drag(points) {
    const { paper, settings } = this.editor;
    paper.cover((coverage, width, height) => {
      let touched = null;
      for (const point of points) {
        const next = this.#sized(point);
        touched = union(touched, segment(coverage, width, height, this.last, next, settings.hardness));
        this.last = next;
      }
      return touched;
    });
  }

  release() {
    this.editor.paper.commit();
  }

  /** A pen presses the brush wider; a mouse has no pressure. */
  #sized(point) {
    const radius = this.editor.settings.size / 2;
    return { x: point.x, y: point.y, r: point.pressure === null ? radius : Math.max(0.5, radius * point.pressure) };
  }
}

class Shape {
  constructor(editor, kind) {
    this.editor = editor;
    this.kind = kind;
  }

  press(point) {
    this.points = [point];
    this.erase = point.eraser || point.alt;
    this.#preview();
  }

  drag(points) {
    this.points.push(...points);
    this.#preview();
  }

  release() {
    const { paper, settings, overlay } = this.editor;
    overlay.showShape(null);
    const [first, last] = [this.points[0], this.points.at(-1)];
    const area = dragged(first, last);
    paper.begin({ ...inkOf(settings, this.erase) });
    paper.cover((coverage, width, height) => {
      if (this.kind === "rectangle") return rectangle(coverage, width, height, area);
      if (this.kind === "ellipse") return ellipse(coverage, width, height, area);
      return polygon(coverage, width, height, this.points);
    });
    paper.commit();
  }

  cancel() {
    this.editor.overlay.showShape(null);
  }

  #preview() {
    this.editor.overlay.showShape({ kind: this.kind, points: this.points });
  }
}

class Fill {
  constructor(editor) {
    this.editor = editor;
  }

  press(point) {
    const { paper, settings } = this.editor;
    const start = { x: Math.floor(point.x), y: Math.floor(point.y) };
    const { layer } = paper;
    if (start.x < 0 || start.y < 0 || start.x >= layer.width || start.y >= layer.height) return;
    const picture = this.editor.pictureBytes();
    paper.begin(inkOf(settings, point.eraser || point.alt));
    paper.cover((coverage) => flood(coverage, layer, picture, start, settings.tolerance));
    paper.commit();
  }

  drag() {}

  release() {}
}

class Picker {
  constructor(editor) {
    this.editor = editor;
  }

  press(point) {
    const colour = this.editor.colourAt(Math.floor(point.x), Math.floor(point.y));
    if (colour) this.editor.toolbar.set("colour", colour);
  }

  drag(points) {
    this.press(points.at(-1));
  }

  release() {
    this.editor.toolbar.useTool("brush");
  }
}

export function makeTools(editor) {
  return {
    brush: new Brush(editor, false),
    eraser: new Brush(editor, true),
    rectangle: new Shape(editor, "rectangle"),
    ellipse: new Shape(editor, "ellipse"),
    lasso: new Shape(editor, "lasso"),
    fill: new Fill(editor),
    picker: new Picker(editor),
  };
}
