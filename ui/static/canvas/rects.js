// Boxes of pixels, half-open: x1 <= x < x2. Nothing here touches the page.

export const box = (x1, y1, x2, y2) => ({ x1, y1, x2, y2 });
export const isEmpty = (r) => !r || r.x2 <= r.x1 || r.y2 <= r.y1;

export function union(a, b) {
  if (isEmpty(a)) return b;
  if (isEmpty(b)) return a;
  return box(Math.min(a.x1, b.x1), Math.min(a.y1, b.y1), Math.max(a.x2, b.x2), Math.max(a.y2, b.y2));
}

/** The part of `r` inside a picture; floats are widened to whole pixels. */
export function clip(r, width, height) {
  return box(
    Math.max(0, Math.floor(r.x1)),
    Math.max(0, Math.floor(r.y1)),
    Math.min(width, Math.ceil(r.x2)),
    Math.min(height, Math.ceil(r.y2)),
  );
}

/** The box between two dragged corners, to the nearest pixel edges. */
export function dragged(a, b) {
  return box(
    Math.round(Math.min(a.x, b.x)),
    Math.round(Math.min(a.y, b.y)),
    Math.round(Math.max(a.x, b.x)),
    Math.round(Math.max(a.y, b.y)),
  );
}
