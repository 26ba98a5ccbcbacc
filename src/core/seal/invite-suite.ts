/** The HPKE suite of contact requests (specs/contact.md, section 2; docs/decisions/0001-invite-seal.md). */
import type { HpkeSuite } from '../../crypto/hpke.ts'

/** DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM: RFC 9180 section 7. */
export const inviteSuite: HpkeSuite = { kem: 'x25519', kdf: 'sha256', aead: 'aes-256-gcm' }
