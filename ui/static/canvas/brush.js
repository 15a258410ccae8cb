// How much of each pixel a brush covers, 0..255. Coverage is the maximum over a stroke, so a stroke
// that crosses itself does not get darker.

import { box, clip, isEmpty } from "./rects.js";

/** Coverage at a distance from the brush's path; hardness 1 is a sharp, one pixel wide edge. */
function profile(distance, radius, hardness) {
  if (hardness >= 1) return Math.min(1, Math.max(0, radius + 0.5 - distance));
  const inner = radius * hardness;
  if (distance <= inner) return 1;
  if (distance >= radius) return 0;
  const u = (distance - inner) / (radius - inner);
  return (1 - u) * (1 - u) * (1 + 2 * u);
}

/** Add the capsule between two points {x, y, r} to `coverage`; returns the touched box. */
export function segment(coverage, width, height, a, b, hardness) {
  const reach = Math.max(a.r, b.r) + 1;
  const touched = clip(
    box(Math.min(a.x, b.x) - reach, Math.min(a.y, b.y) - reach, Math.max(a.x, b.x) + reach, Math.max(a.y, b.y) + reach),
    width,
    height,
  );
  if (isEmpty(touched)) return touched;
  const dx = b.x - a.x;
  const dy = b.y - a.y;
  const length = dx * dx + dy * dy;
  for (let y = touched.y1; y < touched.y2; y++) {
    const py = y + 0.5 - a.y;
    for (let x = touched.x1, at = y * width + touched.x1; x < touched.x2; x++, at++) {
      if (coverage[at] === 255) continue;
      const px = x + 0.5 - a.x;
      const t = length ? Math.min(1, Math.max(0, (px * dx + py * dy) / length)) : 0;
      const ex = px - t * dx;
      const ey = py - t * dy;
      const squared = ex * ex + ey * ey;
      if (squared > reach * reach) continue;
      const value = Math.round(255 * profile(Math.sqrt(squared), a.r + t * (b.r - a.r), hardness));
      if (value > coverage[at]) coverage[at] = value;
    }
  }
  return touched;
}
