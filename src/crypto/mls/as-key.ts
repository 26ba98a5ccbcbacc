/** Bytes as the key of a Set or Map: one character a byte, so that different bytes never give one key. */

/** The key of some bytes. */
export const asKey = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')

// Keys in a tree never change and are compared in every epoch.
const remembered = new WeakMap<Uint8Array, string>()

/** The same for bytes that nobody ever overwrites. */
export function asLastingKey(bytes: Uint8Array): string {
  const known = remembered.get(bytes)
  if (known !== undefined) return known
  const text = asKey(bytes)
  remembered.set(bytes, text)
  return text
}
