// Reads the histograms of a benchmark: HdrHistogram's own format, version 2, deflated, in base64.
// https://github.com/HdrHistogram/HdrHistogram: the layout is that of its encodeIntoByteBuffer().

const COMPRESSED = 0x1c849304;
const PLAIN = 0x1c849303;
const COOKIE = ~0xf0; // what of a cookie does not depend on the size of words
const HEADER = 40; // bytes

/** @typedef {[value: number, count: number]} Bucket the highest value that counts as equal, and how many there are */

/** @param {string} encoded @returns {Promise<Bucket[]>} in ascending order, those without any left out. Rejects for anything else. */
export async function decode(encoded) {
  const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
  const outer = new DataView(bytes.buffer);
  if ((outer.getInt32(0) & COOKIE) !== (COMPRESSED & COOKIE))
    throw new Error("no histogram of HdrHistogram, version 2");
  const stream = new Blob([bytes.subarray(8, 8 + outer.getInt32(4))])
    .stream()
    .pipeThrough(new DecompressionStream("deflate"));
  const inner = new DataView(await new Response(stream).arrayBuffer());
  if ((inner.getInt32(0) & COOKIE) !== (PLAIN & COOKIE)) throw new Error("no histogram of HdrHistogram, version 2");
  const digits = inner.getInt32(12);
  const unit = Math.floor(Math.log2(Number(inner.getBigInt64(16))));
  const half = Math.ceil(Math.log2(2 * 10 ** digits)) - 1; // the magnitude of half of a bucket's parts
  /** @type {Bucket[]} */
  const found = [];
  let index = 0;
  for (const count of numbers(inner, HEADER, HEADER + inner.getInt32(4))) {
    if (count > 0) found.push([highest(index, half, unit), count]);
    index += count < 0 ? -count : 1; // a negative one is a run of empty places
  }
  return found;
}

/** @param {number} index @param {number} half @param {number} unit */
function highest(index, half, unit) {
  const bucket = Math.max(0, (index >> half) - 1);
  const part = index - bucket * 2 ** half;
  return (part + 1) * 2 ** (bucket + unit) - 1;
}

/** The numbers there: LEB128 of up to 9 bytes, in zigzag. @param {DataView} view @param {number} from @param {number} to */
function* numbers(view, from, to) {
  for (let at = from; at < Math.min(to, view.byteLength);) {
    let [value, scale] = [0, 1];
    for (let place = 0; place < 9; place++) {
      const byte = view.getUint8(at++);
      value += (place === 8 ? byte : byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) break;
    }
    yield value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}

/** @param {Bucket[][]} several @returns {Bucket[]} all of them together */
export function merged(several) {
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (const [value, count] of several.flat()) counts.set(value, (counts.get(value) ?? 0) + count);
  return [...counts].sort(([a], [b]) => a - b);
}

/** @param {Bucket[]} buckets @param {number[]} percentiles in ascending order @returns {(number | null)[]} */
export function percentiles(buckets, percentiles) {
  const total = buckets.reduce((sum, [, count]) => sum + count, 0);
  let [place, seen] = [0, buckets[0]?.[1] ?? 0];
  return percentiles.map((percentile) => {
    if (total === 0) return null;
    const due = Math.max(1, Math.ceil((percentile / 100) * total - 1e-9));
    while (seen < due && place < buckets.length - 1) seen += buckets[++place][1];
    return buckets[place][0];
  });
}
