import { describe, expect, test } from 'vitest'
import { fromBase64url, toBase64url } from '../../../src/base/bytes.ts'
import { millis } from '../../../src/base/ids.ts'
import { openInviteLink } from '../../../src/core/seal/invite.ts'
import { safetyNumber } from '../../../src/crypto/safety-number.ts'
import { formatInvite, type Invite } from '../../../src/wire/invite.ts'
import { inviteOf, NOON, person } from './cast.ts'

const alice = person('alice')
const { invite, link } = inviteOf(alice)
const invalid = expect.objectContaining({ code: 'INVALID_INVITE' })

describe('an invite', () => {
  test('names who invites, and opens as it was made', () => {
    expect(openInviteLink(link, NOON)).toEqual(invite)
    expect(invite.identity).toBe(alice.identity)
  })

  test('ends at its time; an address has none', () => {
    const expiresAt = invite.expiresAt!
    expect(openInviteLink(link, millis(expiresAt - 1))).toEqual(invite)
    for (const late of [expiresAt, expiresAt + 1, expiresAt + 1e12])
      expect(() => openInviteLink(link, millis(late))).toThrow(
        expect.objectContaining({ code: 'INVITE_EXPIRED' })
      )
    const address = inviteOf(alice, 'address')
    expect(openInviteLink(address.link, millis(NOON + 1e12)).kind).toBe('address')
  })

  test('edited in any field is refused: a later end, another key, another way, another person', () => {
    const mallory = inviteOf(person('mallory')).invite
    const edits: Partial<Invite>[] = [
      { kind: 'address' },
      { id: mallory.id },
      { identity: mallory.identity },
      { publicKey: mallory.publicKey },
      { secret: mallory.secret },
      { expiresAt: millis(invite.expiresAt! + 1) },
      { expiresAt: undefined },
      { addresses: [] },
      { addresses: mallory.addresses },
      { signature: mallory.signature }
    ]
    for (const edit of edits)
      expect(() => openInviteLink(formatInvite({ ...invite, ...edit }), NOON), JSON.stringify(edit)).toThrow(
        invalid
      )
  })

  test('with a bit flipped anywhere is refused', () => {
    const bytes = fromBase64url(link.slice('hearsay:invite/'.length))
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const flipped = bytes.with(bit >> 3, bytes[bit >> 3]! ^ (1 << (bit & 7)))
      expect(() => openInviteLink(`hearsay:invite/${toBase64url(flipped)}`, NOON)).toThrow(invalid)
    }
  })

  test('swapped whole on its way is Mallory’s, and the safety number says so', () => {
    const mallory = person('mallory')
    const swapped = openInviteLink(inviteOf(mallory).link, NOON)
    const bob = person('bob')
    expect(safetyNumber(bob.identity, swapped.identity)).not.toBe(safetyNumber(bob.identity, alice.identity))
  })

  test('has keys of its own: two invites of one person share nothing secret', () => {
    const again = inviteOf(alice)
    expect(again.invite.id).not.toBe(invite.id)
    expect(again.invite.secret).not.toEqual(invite.secret)
    expect(again.invite.publicKey).not.toEqual(invite.publicKey)
  })
})
