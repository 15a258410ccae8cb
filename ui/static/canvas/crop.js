// The part of the picture that "only masked" works on: the server's crop_region once more, so that the
// box follows the hand. What the server says afterwards counts.

function grow(start, stop, wanted, limit) {
  const growth = Math.trunc(wanted - (stop - start));
  start -= Math.floor(growth / 2);
  stop += growth - Math.floor(growth / 2);
  if (stop >= limit) [start, stop] = [start - (stop - limit), limit];
  return start < 0 ? [0, Math.min(stop - start, limit)] : [start, stop];
}

/** Box [x1, y1, x2, y2] around `inner`, padded and grown to the ratio of `target` [width, height]. */
export function cropRegion(inner, [width, height], target, padding) {
  let [x1, y1, x2, y2] = inner;
  [x1, y1] = [Math.max(x1 - padding, 0), Math.max(y1 - padding, 0)];
  [x2, y2] = [Math.min(x2 + padding, width), Math.min(y2 + padding, height)];
  const aspect = target[0] / target[1];
  if ((x2 - x1) / (y2 - y1) > aspect) [y1, y2] = grow(y1, y2, (x2 - x1) / aspect, height);
  else [x1, x2] = grow(x1, x2, (y2 - y1) * aspect, width);
  return [x1, y1, x2, y2];
}
