/** Idempotency keys (G7). Belongs here: making one. Does not belong here: what is done with them (`commands`). */

/**
 * A random UUID, version 4. `crypto.randomUUID` exists on secure origins only, and a venue may open the grid by its
 * server's address on the local network, so that there it is made from `getRandomValues` (RFC 9562, 5.4).
 */
export function idempotencyKey(): string {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return [8, 12, 16, 20, 32]
    .map((end, part, ends) => digits.slice(part === 0 ? 0 : ends[part - 1], end))
    .join('-');
}
