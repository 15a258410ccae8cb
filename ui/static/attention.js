// Weights and order of prompt parts: pure functions of text and selection, no page (ui 14.2).

const NETWORKS = /^(lora|lyco|hypernet)$/i;
const BRACKET = 1.1;

const rounded = (number) => Number(number.toFixed(4));
const escaped = (text, at) => {
  let slashes = 0;
  while (text[at - 1 - slashes] === "\\") slashes += 1;
  return slashes % 2 === 1;
};

/** Innermost pair of `open` and `close` around [start, end]: positions of both, or null. */
function around(text, start, end, open, close) {
  let depth = 0;
  let left = -1;
  for (let at = start - 1; at >= 0; at -= 1) {
    if (escaped(text, at)) continue;
    if (text[at] === close) depth += 1;
    else if (text[at] === open) {
      if (depth === 0) { left = at; break; }
      depth -= 1;
    }
  }
  if (left < 0) return null;
  depth = 0;
  for (let at = end; at < text.length; at += 1) {
    if (escaped(text, at)) continue;
    if (text[at] === open) depth += 1;
    else if (text[at] === close) {
      if (depth === 0) return { left, right: at };
      depth -= 1;
    }
  }
  return null;
}

/** A bracket block as its body, weight and extent; nested bare brackets count as one block. */
function weighted(text, block) {
  const inside = text.slice(block.left + 1, block.right);
  const number = inside.match(/^([\s\S]*):\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*$/);
  if (number) {
    return { from: block.left, to: block.right + 1, body: number[1], bodyAt: block.left + 1, weight: Number(number[2]) };
  }
  let { left, right } = block;
  let layers = 1;
  while (text[left - 1] === "(" && !escaped(text, left - 1) && text[right + 1] === ")") {
    left -= 1;
    right += 1;
    layers += 1;
  }
  return { from: left, to: right + 1, body: inside, bodyAt: block.left + 1, weight: rounded(BRACKET ** layers) };
}

/** `[x]`, but not editing `[a:b:0.5]` or alternation `[a|b]`. */
function lowered(text, start, end) {
  const block = around(text, start, end, "[", "]");
  if (!block) return null;
  const body = text.slice(block.left + 1, block.right);
  if (/[:|]/.test(body)) return null;
  let { left, right } = block;
  let layers = 1;
  while (text[left - 1] === "[" && text[right + 1] === "]") {
    left -= 1;
    right += 1;
    layers += 1;
  }
  return { from: left, to: right + 1, body, bodyAt: block.left + 1, weight: rounded(BRACKET ** -layers) };
}

/** The network tag around the cursor: where its first number is, or where one can be put. */
function network(text, start, end) {
  const block = around(text, start, end, "<", ">");
  if (!block) return null;
  const parts = text.slice(block.left + 1, block.right).split(":");
  if (parts.length < 2 || !NETWORKS.test(parts[0])) return null;
  const numberAt = block.left + 1 + parts[0].length + 1 + parts[1].length;
  if (parts.length === 2) return { from: numberAt, to: numberAt, weight: 1 };
  const weight = Number(parts[2]);
  return Number.isFinite(weight) ? { from: numberAt, to: numberAt + 1 + parts[2].length, weight } : null;
}

/** The word at the cursor. */
function word(text, at, delimiters) {
  const ends = (letter) => letter === undefined || /\s/.test(letter) || delimiters.includes(letter);
  let [from, to] = [at, at];
  while (from > 0 && !ends(text[from - 1])) from -= 1;
  while (to < text.length && !ends(text[to])) to += 1;
  return from < to ? { from, to, body: text.slice(from, to), bodyAt: from, weight: 1 } : null;
}

function selected(text, start, end) {
  while (start < end && /\s/.test(text[start])) start += 1;
  while (end > start && /\s/.test(text[end - 1])) end -= 1;
  if (start === end) return null;
  const whole = text[start] === "(" && text[end - 1] === ")" && around(text, start + 1, end - 1, "(", ")");
  if (whole && whole.left === start && whole.right === end - 1) return weighted(text, whole);
  const block = around(text, start, end, "(", ")");
  if (block) {
    const found = weighted(text, block);
    if (found.body.trim() === text.slice(start, end)) return found;
  }
  return { from: start, to: end, body: text.slice(start, end), bodyAt: start, weight: 1 };
}

/**
 * Raise or lower the weight at the selection: what to replace, by what, and the new selection.
 * `steps`: {attention, network}; null when there is nothing to weigh.
 */
export function editAttention(text, start, end, up, steps, delimiters) {
  const sign = up ? 1 : -1;
  const tag = network(text, start, end);
  if (tag) {
    const replacement = `:${rounded(tag.weight + sign * steps.network)}`;
    const moved = replacement.length - (tag.to - tag.from);
    const follow = (at) => (at >= tag.to ? at + moved : Math.min(at, tag.from + replacement.length));
    return { from: tag.from, to: tag.to, text: replacement, start: follow(start), end: follow(end) };
  }
  let found;
  if (start !== end) found = selected(text, start, end);
  else {
    const block = around(text, start, end, "(", ")");
    found = (block && weighted(text, block)) ?? lowered(text, start, end) ?? word(text, start, delimiters);
  }
  if (!found) return null;
  const weight = rounded(found.weight + sign * steps.attention);
  const bare = weight === 1;
  const replacement = bare ? found.body : `(${found.body}:${weight})`;
  const bodyAt = found.from + (bare ? 0 : 1);
  const inBody = (at) => bodyAt + Math.max(0, Math.min(found.body.length, at - found.bodyAt));
  const selection = start === end ? [inBody(start), inBody(end)] : [bodyAt, bodyAt + found.body.length];
  return { from: found.from, to: found.to, text: replacement, start: selection[0], end: selection[1] };
}

/** Parts between commas outside brackets, as [start, end) without the comma. */
function parts(text) {
  const found = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at <= text.length; at += 1) {
    const letter = text[at];
    if (at === text.length || (letter === "," && depth === 0)) {
      found.push([from, at]);
      from = at + 1;
    } else if ("([{<".includes(letter) && !escaped(text, at)) depth += 1;
    else if (")]}>".includes(letter) && !escaped(text, at)) depth = Math.max(0, depth - 1);
  }
  return found;
}

/** Move the parts under the selection one place left or right; null at the end of the line. */
export function movePart(text, start, end, left) {
  const slots = parts(text).map(([from, to]) => {
    const raw = text.slice(from, to);
    const body = raw.trim();
    const lead = body ? raw.slice(0, raw.indexOf(body)) : raw;
    return { from, to, lead, body, trail: raw.slice(lead.length + body.length) };
  });
  const first = slots.findIndex((slot) => start <= slot.to);
  let last = slots.findIndex((slot) => end <= slot.to);
  if (last < first) last = first;
  const other = left ? first - 1 : last + 1;
  if (first < 0 || other < 0 || other >= slots.length) return null;
  const bodies = slots.map((slot) => slot.body);
  const [neighbour] = bodies.splice(other, 1);
  bodies.splice(left ? last : first, 0, neighbour);
  const [from, to] = [Math.min(first, other), Math.max(last, other)];
  const written = slots.slice(from, to + 1).map((slot, i) => `${slot.lead}${bodies[from + i]}${slot.trail}`);
  const place = left ? 0 : 1;
  let begin = slots[from].from + (place ? written[0].length + 1 : 0);
  begin += slots[from + place].lead.length;
  const moved = written.slice(place, place + last - first + 1).join(",");
  const length = moved.trim().length;
  return { from: slots[from].from, to: slots[to].to, text: written.join(","), start: begin, end: begin + length };
}
