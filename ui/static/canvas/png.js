// A small PNG writer. canvas.toBlob would premultiply colours and cannot write 8-bit grey.

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

function crc(parts) {
  let c = 0xffffffff;
  for (const bytes of parts) for (let i = 0; i < bytes.length; i++) c = TABLE[(c ^ bytes[i]) & 255] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

const word = (value) => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);

function chunk(name, bytes) {
  const type = new TextEncoder().encode(name);
  return [word(bytes.length), type, bytes, word(crc([type, bytes]))];
}

const COLOUR_TYPES = { 1: 0, 3: 2, 4: 6 };

/** Bytes (1, 3 or 4 channels of 8 bits) to a PNG blob, value for value. */
export async function encodePng(data, width, height, channels) {
  const length = width * channels;
  const raw = new Uint8Array((length + 1) * height);
  for (let y = 0; y < height; y++) raw.set(data.subarray(y * length, (y + 1) * length), y * (length + 1) + 1);
  const packed = new Blob([raw]).stream().pipeThrough(new CompressionStream("deflate"));
  const body = new Uint8Array(await new Response(packed).arrayBuffer());
  const header = new Uint8Array(13);
  header.set(word(width), 0);
  header.set(word(height), 4);
  header.set([8, COLOUR_TYPES[channels], 0, 0, 0], 8);
  const signature = Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10);
  const parts = [signature, ...chunk("IHDR", header), ...chunk("IDAT", body), ...chunk("IEND", new Uint8Array(0))];
  return new Blob(parts, { type: "image/png" });
}
