// Flood fill: the connected area whose picture colour and painted amount are like the clicked pixel.

import { box } from "./rects.js";

/**
 * Marks the area in `coverage` and returns its box. `picture` are the RGBA bytes of the picture;
 * `tolerance` is 0..1 of the largest difference per channel. What is painted is a wall for what is
 * not, and the other way round.
 */
export function flood(coverage, layer, picture, start, tolerance) {
  const { width, height } = layer;
  const seed = (start.y * width + start.x) * 4;
  const [r, g, b] = [picture[seed], picture[seed + 1], picture[seed + 2]];
  const painted = layer.amount(start.x, start.y) > 127;
  const limit = tolerance * 255;
  const fits = (at, x, y) => {
    if (coverage[at]) return false;
    if (layer.amount(x, y) > 127 !== painted) return false;
    const p = at * 4;
    return Math.abs(picture[p] - r) <= limit && Math.abs(picture[p + 1] - g) <= limit && Math.abs(picture[p + 2] - b) <= limit;
  };
  const found = box(start.x, start.y, start.x + 1, start.y + 1);
  const stack = [start.x, start.y];
  while (stack.length) {
    const y = stack.pop();
    let x = stack.pop();
    let at = y * width + x;
    if (!fits(at, x, y)) continue;
    while (x > 0 && fits(at - 1, x - 1, y)) x--, at--;
    found.x1 = Math.min(found.x1, x);
    found.y1 = Math.min(found.y1, y);
    found.y2 = Math.max(found.y2, y + 1);
    let above = false;
    let below = false;
    for (; x < width && fits(at, x, y); x++, at++) {
      coverage[at] = 255;
      const up = y > 0 && fits(at - width, x, y - 1);
      if (up && !above) stack.push(x, y - 1);
      above = up;
      const down = y + 1 < height && fits(at + width, x, y + 1);
      if (down && !below) stack.push(x, y + 1);
      below = down;
    }
    found.x2 = Math.max(found.x2, x);
  }
  return found;
}
