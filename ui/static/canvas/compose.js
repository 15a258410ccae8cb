// Lays covered pixels over the layer: paint over or erase, from the bytes before the stroke.

import { box, clip, isEmpty } from "./rects.js";

/**
 * Recompute the layer in `rect` from `change.before` and the stroke's coverage. `ink` is
 * {colour: [r, g, b], opacity: 0..1, erase}. Tiles must have been touched before.
 */
export function compose(layer, change, coverage, rect, ink) {
  const area = clip(rect, layer.width, layer.height);
  if (isEmpty(area)) return;
  layer.eachTile(area, (number, part) => {
    const tile = layer.tileBox(number);
    const before = change.before.get(number);
    const width = tile.x2 - tile.x1;
    for (let y = part.y1; y < part.y2; y++) {
      let at = y * layer.width + part.x1;
      let old = ((y - tile.y1) * width + part.x1 - tile.x1) * layer.channels;
      for (let x = part.x1; x < part.x2; x++, at++, old += layer.channels) {
        if (layer.channels === 1) mark(layer.data, at, before[old], coverage[at] * ink.opacity, ink.erase);
        else paint(layer.data, at * 4, before, old, (coverage[at] / 255) * ink.opacity, ink);
      }
    }
  });
}

function mark(data, at, old, amount, erase) {
  data[at] = erase ? (old * (255 - amount)) / 255 : old + (amount * (255 - old)) / 255;
}

/** Source over, colours not premultiplied. */
function paint(data, at, before, old, share, ink) {
  const alpha = before[old + 3] / 255;
  if (ink.erase || share === 0) {
    const left = ink.erase ? alpha * (1 - share) : alpha;
    for (let i = 0; i < 3; i++) data[at + i] = left > 0 ? before[old + i] : 0;
    data[at + 3] = left * 255;
    return;
  }
  const total = share + alpha * (1 - share);
  for (let i = 0; i < 3; i++) data[at + i] = (ink.colour[i] * share + before[old + i] * alpha * (1 - share)) / total;
  data[at + 3] = total * 255;
}

/** Forget the coverage of a finished stroke. */
export function wipe(coverage, layer, rect) {
  const area = clip(rect, layer.width, layer.height);
  if (isEmpty(area)) return box(0, 0, 0, 0);
  for (let y = area.y1; y < area.y2; y++) coverage.fill(0, y * layer.width + area.x1, y * layer.width + area.x2);
  return area;
}
