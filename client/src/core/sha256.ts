/**
 * SHA-256 (FIPS 180-4), in plain arithmetic.
 *
 * Browsers have their own, but only on pages that came over HTTPS. A receipt must be provable on every page.
 */

const BLOCK_BYTES = 64;

/** The digest in hex. */
export function sha256(bytes: Uint8Array): string {
  const state = primes(8).map((prime) => fraction(Math.sqrt(prime)));
  const message = padded(bytes);
  for (let block = 0; block < message.byteLength; block += BLOCK_BYTES) compress(state, message, block);
  return state.map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

/** The constant of each round: the first 32 bits of the fraction of the cube root of a prime. */
const CONSTANTS = primes(64).map((prime) => fraction(Math.cbrt(prime)));

function compress(state: number[], message: DataView, block: number): void {
  const words = schedule(message, block);
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (const [round, constant] of CONSTANTS.entries()) {
    const choice = (e & f) ^ (~e & g);
    const first = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + choice + constant + word(words, round);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const second = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + majority;
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + second) | 0;
  }
  for (const [index, sum] of [a, b, c, d, e, f, g, h].entries())
    state[index] = ((state[index] ?? 0) + sum) | 0;
}

/** The words of all rounds: those of the block, and what follows from them. */
function schedule(message: DataView, block: number): DataView {
  const words = new DataView(new ArrayBuffer(4 * CONSTANTS.length));
  for (let round = 0; round < CONSTANTS.length; round += 1) {
    if (round < 16) {
      words.setInt32(4 * round, message.getInt32(block + 4 * round));
      continue;
    }
    const early = word(words, round - 15);
    const late = word(words, round - 2);
    const mixed = (turn(early, 7) ^ turn(early, 18) ^ (early >>> 3)) + word(words, round - 7);
    words.setInt32(
      4 * round,
      mixed + (turn(late, 17) ^ turn(late, 19) ^ (late >>> 10)) + word(words, round - 16),
    );
  }
  return words;
}

function word(words: DataView, index: number): number {
  return words.getInt32(4 * index);
}

/** The message in whole blocks: a bit that is set, zeros, and the length in bits. */
function padded(bytes: Uint8Array): DataView {
  const blocks = Math.ceil((bytes.length + 9) / BLOCK_BYTES);
  const message = new Uint8Array(blocks * BLOCK_BYTES);
  message.set(bytes);
  message[bytes.length] = 0x80;
  const view = new DataView(message.buffer);
  view.setBigUint64(message.length - 8, BigInt(bytes.length) * 8n);
  return view;
}

/** The bits of a word turned to the right. */
function turn(bits: number, places: number): number {
  return (bits >>> places) | (bits << (32 - places));
}

function fraction(root: number): number {
  return ((root % 1) * 2 ** 32) | 0;
}

function primes(count: number): number[] {
  const found: number[] = [];
  for (let number = 2; found.length < count; number += 1)
    if (found.every((prime) => number % prime !== 0)) found.push(number);
  return found;
}
