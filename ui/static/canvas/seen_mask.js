// The mask as the job will use it, laid over the picture in place of the strokes: blurred, or on the
// latent grid. It is the server's answer to the drawing as it was; the next stroke takes it away.

export class SeenMask {
  constructor(root) {
    this.stage = root.querySelector(".opc-stage");
    this.node = root.querySelector(".opc-seen");
    this.isKnown = false;
    this.choice = root.querySelector('[data-set="shown"]');
  }

  get wanted() {
    return this.choice?.value ?? "";
  }

  /** `mask` is {url, place: [x, y, width, height] in picture pixels} or null. */
  show(mask, tone) {
    this.isKnown = Boolean(mask && this.node);
    this.again();
    if (!this.isKnown) return;
    const [x, y, width, height] = mask.place;
    const layer = `url("${mask.url}")`;
    Object.assign(this.node.style, {
      left: `${x}px`,
      top: `${y}px`,
      width: `${width}px`,
      height: `${height}px`,
      background: tone,
      maskImage: layer,
      imageRendering: mask.cells ? "pixelated" : "auto",
    });
  }

  /** Out of the way while somebody paints. */
  hide() {
    this.stage.classList.remove("opc-sees");
  }

  /** Back, because nothing was painted after all. */
  again() {
    this.stage.classList.toggle("opc-sees", this.isKnown);
  }
}
