/**
 * An invite: what is handed over outside the network to become contacts, as a link or a QR code.
 * Spec: specs/invite.md. Verified in core/seal/invite.ts.
 */
import { fromBase64url, toBase64url } from '../base/bytes.ts'
import { HearsayError } from '../base/errors.ts'
import type { Address, IdentityId, InviteId, Millis } from '../base/ids.ts'
import { spec } from '../base/limits.ts'
import { address, bytes, codec, id, list, oneOf, optional, structure, time, type Fields } from './shape.ts'

export interface Invite {
  /** One-time invites serve one contact; an address serves everybody until it is revoked; a device waits to be linked. */
  readonly kind: 'one-time' | 'address' | 'device'
  readonly id: InviteId
  /** Who invites. */
  readonly identity: IdentityId
  /** X25519: what requests are sealed to. 32 bytes. */
  readonly publicKey: Uint8Array
  /** Known to those who hold the link and nobody else; the pre-shared key of the seal. 32 bytes. */
  readonly secret: Uint8Array
  /** By the inviter's clock. Undefined: never. */
  readonly expiresAt: Millis | undefined
  /** Where the inviter was reachable when it made the invite. */
  readonly addresses: readonly Address[]
  /** The identity's, over `inviteContent`. 64 bytes. */
  readonly signature: Uint8Array
}

/** An invite before the identity signs it. */
export type InviteContent = Omit<Invite, 'signature'>

const content: Fields<InviteContent> = {
  kind: oneOf({ 'one-time': 0, address: 1, device: 2 }),
  id: id(16),
  identity: id(32),
  publicKey: bytes(32),
  secret: bytes(32),
  expiresAt: optional(time),
  addresses: list(address, { max: spec.addressesMax })
}

const name = 'invite'
const whole = codec(name, spec.inviteMaxBytes, structure<Invite>({ ...content, signature: bytes(64) }))
const signed = codec(name, spec.inviteMaxBytes, structure<InviteContent>(content))

/** The bytes of an invite. Throws MALFORMED. */
export const encodeInvite = whole.encode

/** The invite of foreign bytes, its signature unverified. Throws MALFORMED. */
export const decodeInvite = whole.decode

/** The bytes that the identity signs: the invite without its signature. */
export const inviteContent = signed.encode

const SCHEME = 'hearsay:invite/'
const LINK_MAX_LENGTH = SCHEME.length + Math.ceil((spec.inviteMaxBytes * 4) / 3)

/** The link: `hearsay:invite/` and the bytes in base64url. */
export const formatInvite = (invite: Invite): string => SCHEME + toBase64url(encodeInvite(invite))

/**
 * The invite of a link, its signature unverified. White space around the link is what pasting adds and is
 * forgiven; anything else throws INVALID_INVITE.
 */
export function parseInvite(link: string): Invite {
  const trimmed = link.trim()
  if (!trimmed.startsWith(SCHEME) || trimmed.length > LINK_MAX_LENGTH)
    throw new HearsayError('INVALID_INVITE')
  try {
    return decodeInvite(fromBase64url(trimmed.slice(SCHEME.length)))
  } catch (cause) {
    throw new HearsayError('INVALID_INVITE', { cause })
  }
}
