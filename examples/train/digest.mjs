/** A fingerprint of a model: equal for equal bits, whatever machine or build they come from. */

const NAN = 0x7fc00000;

/**
 * SHA-256, in hexadecimal, of every Parameter and buffer in the order of the state dictionary: f32
 * words and 64-bit counters, little-endian. Every NaN is written as 7fc00000, for sign and payload
 * differ between engines.
 *
 * @param {ReturnType<import("chainrule/nn").Module["stateDict"]>} state
 */
export async function digest(state) {
  const parts = Object.values(state).map(({ data }) => bytesOf(data));
  const hash = await crypto.subtle.digest("SHA-256", await new Blob(parts).arrayBuffer());
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function bytesOf(data) {
  const bytes = new Uint8Array(data.byteLength);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of data.entries())
    if (typeof value === "bigint") view.setBigInt64(8 * index, value, true);
    else if (Number.isNaN(value)) view.setUint32(4 * index, NAN, true);
    else view.setFloat32(4 * index, value, true);
  return bytes;
}
