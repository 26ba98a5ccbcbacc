/**
 * Invites: made by an identity, opened by whoever was given the link. Spec: specs/invite.md.
 *
 * Always true: an opened invite was signed by the identity that it names. That it is the *right* identity,
 * only the way the link came and the safety number can say.
 */
import { fromHex } from '../../base/bytes.ts'
import { HearsayError } from '../../base/errors.ts'
import { idOf, type Address, type IdentityId, type InviteId, type Millis } from '../../base/ids.ts'
import type { Random } from '../../base/random.ts'
import { hpke } from '../../crypto/hpke.ts'
import { publicKeyOf, sign, verify } from '../../crypto/signature.ts'
import { inviteContent, parseInvite, type Invite } from '../../wire/invite.ts'
import { inviteSuite } from './invite-suite.ts'

const INVITE_ID_BYTES = 16
const SECRET_BYTES = 32

/** A new invite, and the X25519 secret key that opens the requests made through it. */
export function makeInvite(init: {
  readonly identitySeed: Uint8Array
  readonly kind: Invite['kind']
  readonly expiresAt: Millis | undefined
  readonly addresses: readonly Address[]
  readonly random: Random
}): { readonly invite: Invite; readonly secretKey: Uint8Array } {
  const { identitySeed, kind, expiresAt, addresses, random } = init
  const { publicKey, secretKey } = hpke(inviteSuite, { random }).generateKeyPair()
  const content = {
    kind,
    id: idOf<InviteId>(random(INVITE_ID_BYTES)),
    identity: idOf<IdentityId>(publicKeyOf(identitySeed)),
    publicKey,
    secret: random(SECRET_BYTES),
    expiresAt,
    addresses
  }
  const signature = sign('invite', identitySeed, inviteContent(content))
  return { invite: { ...content, signature }, secretKey }
}

/**
 * The invite of a link, verified. Throws INVALID_INVITE where it is damaged or edited, INVITE_EXPIRED where it
 * is past its time by our clock.
 */
export function openInviteLink(link: string, now: Millis): Invite {
  const invite = parseInvite(link)
  const signed = verify(fromHex(invite.identity), 'invite', invite.signature, inviteContent(invite))
  if (!signed) throw new HearsayError('INVALID_INVITE')
  if (invite.expiresAt !== undefined && invite.expiresAt <= now) throw new HearsayError('INVITE_EXPIRED')
  return invite
}
