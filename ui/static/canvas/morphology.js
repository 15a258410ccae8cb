// Grow, shrink, feather and invert a whole mask (one byte per pixel).

/** Sliding maximum (or minimum) over 2 r + 1 pixels of a line, by van Herk's two passes. */
function slide(source, target, from, step, count, r, pick) {
  const size = 2 * r + 1;
  const padded = count + 2 * r;
  const ahead = new Uint8Array(padded);
  const behind = new Uint8Array(padded);
  const edge = pick === Math.max ? 0 : 255;
  const value = (i) => (i < r || i >= r + count ? edge : source[from + (i - r) * step]);
  for (let i = 0; i < padded; i++) ahead[i] = i % size ? pick(ahead[i - 1], value(i)) : value(i);
  for (let i = padded - 1; i >= 0; i--) {
    const isLast = i % size === size - 1 || i === padded - 1;
    behind[i] = isLast ? value(i) : pick(behind[i + 1], value(i));
  }
  for (let i = 0; i < count; i++) target[from + i * step] = pick(behind[i], ahead[i + 2 * r]);
}

function bothAxes(data, width, height, line) {
  const between = new Uint8ClampedArray(data.length);
  for (let y = 0; y < height; y++) line(data, between, y * width, 1, width);
  for (let x = 0; x < width; x++) line(between, data, x, width, height);
}

/** Grow by `r` pixels, or shrink by -r. The picture's border does not eat a mask that touches it. */
export function grow(data, width, height, r) {
  const reach = Math.abs(Math.round(r));
  if (!reach) return;
  const pick = r > 0 ? Math.max : Math.min;
  bothAxes(data, width, height, (source, target, from, step, count) => slide(source, target, from, step, count, reach, pick));
}

function average(source, target, from, step, count, r) {
  const at = (i) => source[from + Math.min(count - 1, Math.max(0, i)) * step];
  let sum = 0;
  for (let i = -r; i <= r; i++) sum += at(i);
  for (let i = 0; i < count; i++) {
    target[from + i * step] = Math.round(sum / (2 * r + 1));
    sum += at(i + r + 1) - at(i - r);
  }
}

/** Soften the edge: three box blurs, close to a Gaussian of about `r` pixels. */
export function feather(data, width, height, r) {
  const reach = Math.round(r);
  if (reach < 1) return;
  for (let pass = 0; pass < 3; pass++) {
    bothAxes(data, width, height, (source, target, from, step, count) => average(source, target, from, step, count, reach));
  }
}

export function invert(data) {
  for (let i = 0; i < data.length; i++) data[i] = 255 - data[i];
}
