/** One conversation as one device has it, without a network: what it says is handed to the test. */
import type { ConversationId, DeviceId, IdentityId } from '../../src/base/ids.ts'
import { Conversation } from '../../src/core/conversation.ts'
import { KeyPackages } from '../../src/core/key-packages.ts'
import type { Roster } from '../../src/core/roster.ts'
import { groupOf } from '../../src/core/roster-sync.ts'
import { makeSelf } from '../../src/core/self.ts'
import { Turn } from '../../src/core/turn.ts'
import { cipherSuite } from '../../src/crypto/mls/index.ts'
import { encodeControlBody, type ControlBody } from '../../src/wire/control.ts'
import { NOON, seededRandom } from './seal/cast.ts'

const MLS_128_X25519 = 1

export interface OneSide {
  readonly conversation: Conversation
  readonly turn: Turn
  /** What it has told anybody, each of which was small enough to be encoded. */
  readonly told: ControlBody[]
}

/** The conversation of a roster as this device of this person has it. */
export function oneSide(init: { roster: Roster; identity: IdentityId; self: DeviceId }): OneSide {
  const { roster, identity, self } = init
  const turn = new Turn({ now: NOON, uptime: 0, cursor: 0 })
  const own = makeSelf(turn, seededRandom('own'), { name: 'own' })
  const told: ControlBody[] = []
  const conversation = new Conversation({
    id: roster.id as string as ConversationId,
    identity,
    self,
    with: {
      isDirect: roster.kind === 'direct',
      control: (_, body) => {
        told.push(body)
        return [encodeControlBody(body)]
      },
      describe: () => {
        throw new Error('nothing is shown here')
      },
      warn: () => {},
      topics: () => [],
      revoked: () => false,
      changed: () => {}
    },
    packages: new KeyPackages({ own, suite: cipherSuite(MLS_128_X25519) }),
    random: seededRandom('nonces')
  })
  conversation.rosters.set(groupOf(roster.id), roster)
  turn.take()
  return { conversation, turn, told }
}
