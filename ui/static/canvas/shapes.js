// Coverage of closed shapes, 0..255 per pixel: rectangle, ellipse, polygon.

import { box, clip, isEmpty } from "./rects.js";

export function rectangle(coverage, width, height, r) {
  const area = clip(r, width, height);
  for (let y = area.y1; y < area.y2; y++) coverage.fill(255, y * width + area.x1, y * width + Math.max(area.x1, area.x2));
  return area;
}

export function ellipse(coverage, width, height, r) {
  const points = [];
  const [cx, cy] = [(r.x1 + r.x2) / 2, (r.y1 + r.y2) / 2];
  const [rx, ry] = [(r.x2 - r.x1) / 2, (r.y2 - r.y1) / 2];
  const count = 4 * Math.max(16, Math.ceil(Math.max(rx, ry) / 4));
  for (let i = 0; i < count; i++) {
    const angle = (i / count) * 2 * Math.PI;
    points.push({ x: cx + rx * Math.cos(angle), y: cy + ry * Math.sin(angle) });
  }
  return polygon(coverage, width, height, points);
}

const LINES = 4;

/** Even-odd fill; four scan lines per pixel row, exact along x. */
export function polygon(coverage, width, height, points) {
  const xs = points.map((p) => p.x);
  const ys = points.map((p) => p.y);
  const area = clip(
    box(xs.reduce((a, b) => Math.min(a, b)), ys.reduce((a, b) => Math.min(a, b)), xs.reduce((a, b) => Math.max(a, b)), ys.reduce((a, b) => Math.max(a, b))),
    width,
    height,
  );
  if (isEmpty(area)) return area;
  const row = new Float32Array(width + 1);
  for (let y = area.y1; y < area.y2; y++) {
    row.fill(0, area.x1, area.x2);
    for (let line = 0; line < LINES; line++) {
      const crossings = crossed(points, y + (line + 0.5) / LINES);
      for (let i = 0; i + 1 < crossings.length; i += 2) span(row, crossings[i], crossings[i + 1], area);
    }
    for (let x = area.x1; x < area.x2; x++) {
      const value = Math.round((255 * row[x]) / LINES);
      const at = y * width + x;
      if (value > coverage[at]) coverage[at] = Math.min(255, value);
    }
  }
  return area;
}

function crossed(points, y) {
  const found = [];
  for (let i = 0, j = points.length - 1; i < points.length; j = i++) {
    const [a, b] = [points[j], points[i]];
    if (a.y <= y !== b.y <= y) found.push(a.x + ((y - a.y) / (b.y - a.y)) * (b.x - a.x));
  }
  return found.sort((a, b) => a - b);
}

function span(row, from, to, area) {
  const start = Math.max(from, area.x1);
  const stop = Math.min(to, area.x2);
  if (stop <= start) return;
  const first = Math.floor(start);
  const last = Math.ceil(stop) - 1;
  if (first === last) {
    row[first] += stop - start;
    return;
  }
  row[first] += first + 1 - start;
  for (let x = first + 1; x < last; x++) row[x] += 1;
  row[last] += stop - last;
}
