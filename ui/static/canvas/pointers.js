// Mouse, touch and pen to tools and view: one finger or the left button works, two fingers or the
// middle or right button move the picture.

const ERASER_BUTTON = 32;
const DRAWING_BUTTONS = 1 | ERASER_BUTTON;

export class Pointers {
  constructor(editor) {
    this.editor = editor;
    this.fingers = new Map();
    this.working = null;
    this.panning = null;
    this.isPanKeyDown = false;
    const { viewport } = editor;
    viewport.addEventListener("pointerdown", (event) => this.#down(event));
    viewport.addEventListener("pointermove", (event) => this.#move(event));
    viewport.addEventListener("pointerup", (event) => this.#up(event));
    viewport.addEventListener("pointercancel", (event) => this.#cancel(event));
    viewport.addEventListener("pointerleave", () => editor.overlay.showRing(null));
    viewport.addEventListener("contextmenu", (event) => editor.hasPicture && event.preventDefault());
    viewport.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  #down(event) {
    const { editor } = this;
    if (!editor.hasPicture) return;
    const isPen = event.pointerType === "pen";
    // A hand that rests on the tablet while the pen is down is no finger.
    if (this.working && event.pointerType === "touch" && this.working.isPen) return;
    editor.viewport.focus({ preventScroll: true });
    editor.viewport.setPointerCapture(event.pointerId);
    if (event.pointerType === "touch") this.fingers.set(event.pointerId, event);
    if (event.pointerType === "touch" && !editor.tool && this.fingers.size < 2) return;
    if (this.fingers.size === 2) {
      this.#stop();
      this.panning = null;
      return;
    }
    const moves = !editor.tool || this.isPanKeyDown || event.button === 1 || (event.button === 2 && !isPen);
    if (moves) this.panning = { id: event.pointerId, x: event.clientX, y: event.clientY };
    else if (event.buttons & DRAWING_BUTTONS && this.fingers.size < 2) {
      this.working = { id: event.pointerId, tool: editor.tool, isPen, version: editor.paper.version };
      editor.seenMask.hide();
      editor.tool.press(this.#point(event));
    }
    event.preventDefault();
  }

  #move(event) {
    const { editor } = this;
    editor.overlay.showRing(editor.usesBrush && event.pointerType !== "touch" && editor.hasPicture ? event : null, editor.settings.size / 2);
    if (this.fingers.size === 2 && this.fingers.has(event.pointerId)) return this.#pinch(event);
    if (this.panning?.id === event.pointerId) {
      editor.view.pan(event.clientX - this.panning.x, event.clientY - this.panning.y);
      Object.assign(this.panning, { x: event.clientX, y: event.clientY });
    } else if (this.isPanKeyDown && !this.working && editor.hasPicture) {
      editor.view.pan(event.movementX, event.movementY);
    } else if (this.working?.id === event.pointerId) {
      const events = event.getCoalescedEvents?.() ?? [];
      this.working.tool.drag((events.length ? events : [event]).map((each) => this.#point(each)));
    }
  }

  #pinch(event) {
    const before = [...this.fingers.values()];
    this.fingers.set(event.pointerId, event);
    const after = [...this.fingers.values()];
    const gap = ([a, b]) => Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
    const middle = ([a, b]) => [(a.clientX + b.clientX) / 2, (a.clientY + b.clientY) / 2];
    const [x0, y0] = middle(before);
    const [x1, y1] = middle(after);
    this.editor.view.pan(x1 - x0, y1 - y0);
    if (gap(before) > 0) this.editor.view.zoom(gap(after) / gap(before), x1, y1);
  }

  #up(event) {
    this.fingers.delete(event.pointerId);
    if (this.panning?.id === event.pointerId) this.panning = null;
    if (this.working?.id !== event.pointerId) return;
    const { tool, version } = this.working;
    this.working = null;
    tool.release();
    if (version === this.editor.paper.version) this.editor.seenMask.again();
  }

  #cancel(event) {
    this.fingers.delete(event.pointerId);
    if (this.working?.id === event.pointerId) this.#stop();
    if (this.panning?.id === event.pointerId) this.panning = null;
  }

  /** Give up the stroke in the making. */
  #stop() {
    if (!this.working) return;
    this.working.tool.cancel?.();
    this.working = null;
    this.editor.paper.cancel();
    this.editor.seenMask.again();
  }

  #wheel(event) {
    const { editor } = this;
    if (!editor.hasPicture) return;
    if (event.ctrlKey && !event.altKey) editor.toolbar.scaleBrush(event.deltaY < 0 ? 1.1 : 1 / 1.1);
    else if (event.altKey || editor.isFullScreen) editor.view.zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, event.clientX, event.clientY);
    else return;
    event.preventDefault();
    editor.overlay.showRing(editor.usesBrush ? event : null, editor.settings.size / 2);
  }

  #point(event) {
    const isPen = event.pointerType === "pen";
    return {
      ...this.editor.view.toImage(event.clientX, event.clientY),
      pressure: isPen && event.pressure > 0 ? event.pressure : null,
      eraser: isPen && Boolean(event.buttons & ERASER_BUTTON),
      alt: event.altKey,
    };
  }
}
