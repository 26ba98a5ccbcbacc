/**
 * Becoming contacts: what the inviter founds and answers, and what the requester joins.
 *
 * Spec: specs/contact.md, section "Answer". The inviter founds the MLS group of the conversation with the key
 * package of the request and answers with the welcome; from its first epoch both draw their shared secret.
 */
import { fromHex } from '../base/bytes.ts'
import { malformed } from '../base/errors.ts'
import { idOf } from '../base/ids.ts'
import { labels } from '../base/labels.ts'
import { limits } from '../base/limits.ts'
import type { IdentityId, Millis, RequestId } from '../base/ids.ts'
import type { Epoch } from '../crypto/mls/index.ts'
import type { ContactAnswer } from '../wire/contact-answer.ts'
import type { Presence } from '../wire/presence.ts'
import { NO_GROUP } from '../wire/roster-operation.ts'
import type { Acquaintance, Book } from './book.ts'
import type { ContactFacts } from './contact.ts'
import { generationOf } from './admit.ts'
import { resealLost } from './compose.ts'
import { noChannels } from './channels.ts'
import { leavesOf } from './leaves.ts'
import { groupIdOf } from './key-packages.ts'
import { encodeAnswer } from './records/answer.ts'
import { Roster } from './roster.ts'
import { beginRoster, groupOf, rosterChanged, syncRecipients } from './roster-sync.ts'
import { sealAnswer, signAnswer } from './seal/contact.ts'
import type { OpenedRequest } from './seal/contact.ts'
import type { DeviceList } from './seal/device-list.ts'
import { operationId, signOperation } from './seal/roster-seal.ts'
import type { Turn } from './turn.ts'

export const ANSWERS = 'answers'

/** An answer of ours that the requester may not have yet. */
export interface Answer {
  readonly request: RequestId
  readonly contact: IdentityId
  readonly accepted: boolean
  /** Where the requester said it is. */
  readonly presence: Presence
  readonly envelope: Uint8Array
  readonly at: Millis
}

/** A contact made by a request, and the welcome for it. */
export interface Accepted {
  readonly entry: Acquaintance
  readonly welcome: Uint8Array
  readonly create: Uint8Array
}

/** A contact as it begins. */
export const newFacts = (
  id: IdentityId,
  name: string,
  state: ContactFacts['state'],
  now: Millis
): ContactFacts => ({
  id,
  name,
  state,
  verified: false,
  blocked: false,
  addedAt: now,
  list: undefined,
  presenceSecret: undefined,
  ...noChannels(),
  claimed: '',
  presences: new Map(),
  requests: [],
  joining: [],
  toldPresence: 0
})

/**
 * Makes the requester a contact and founds the group with it. Throws MALFORMED, with nothing changed, where
 * its key package is not sound or not its own.
 */
export function becomeContacts(
  book: Book,
  turn: Turn,
  opened: OpenedRequest,
  name: string | undefined
): Accepted {
  const { request, devices } = opened
  const id = devices.identity
  const create = createDirect(book, turn, devices)
  const group = fromHex(groupOf(operationId(create)))
  const { mls, welcome } = book.packages.found(turn, group, request.keyPackage, identity => identity === id)
  const known = book.get(id)
  const chosen = name ?? known?.contact.facts.name ?? book.nameFor(request.name, id)
  const entry = known ?? book.add(newFacts(id, chosen, 'ready', turn.now))
  if (!book.learnDevices(turn, entry, devices)) throw malformed('a forged device list')
  const { facts } = entry.contact
  facts.name = chosen
  facts.claimed = request.name
  facts.requests = [...facts.requests, request.request].slice(-limits.requestsPerContactMax)
  begin(book, turn, entry, mls, { author: 'us', request, create })
  turn.announce({
    type: known === undefined ? 'contact:added' : 'contact:changed',
    contact: entry.contact.view()
  })
  return { entry, welcome, create }
}

/** The roster of a direct conversation begins with both people and all their devices. */
function createDirect({ own, random }: Book, turn: Turn, theirs: DeviceList): Uint8Array {
  const consent = new Uint8Array()
  return signOperation(
    {
      group: NO_GROUP,
      author: own.identity,
      device: own.device,
      sequence: 1,
      parents: [],
      createdAt: turn.now,
      content: {
        type: 'create',
        kind: 'direct',
        nonce: random(16),
        name: '',
        settings: { mayAdd: 'admins', history: 0, disappearAfterMs: undefined },
        members: [
          { identity: own.identity, role: 'owner', devices: own.devices, consent },
          { identity: theirs.identity, role: 'owner', devices: theirs.entries, consent }
        ]
      }
    },
    own.deviceSeed
  )
}

/** Seals the answer to a request: with a welcome where it was accepted. It is kept until it is heard. */
export function answer(
  book: Book,
  turn: Turn,
  answers: Map<RequestId, Answer>,
  opened: OpenedRequest,
  presence: Presence,
  accepted: Accepted | undefined
): Answer {
  const { own, random } = book
  const content = {
    request: opened.request.request,
    status: accepted === undefined ? ('rejected' as const) : ('accepted' as const),
    devices: own.devices,
    device: own.device,
    welcome: accepted?.welcome ?? new Uint8Array(),
    create: accepted?.create ?? new Uint8Array(),
    // A stranger that is turned away learns nothing that would find us again.
    presenceSecret: accepted === undefined ? new Uint8Array(32) : own.presenceSecret,
    presence: accepted === undefined ? { ...presence, addresses: [] } : presence,
    name: accepted === undefined ? '' : own.name,
    sentAt: turn.now
  }
  const signed = signAnswer(content, opened.requestHash, own.deviceSeed)
  const made: Answer = {
    request: content.request,
    contact: opened.devices.identity,
    accepted: accepted !== undefined,
    presence: opened.request.presence,
    envelope: sealAnswer(signed, opened.answerKey, random),
    at: turn.now
  }
  while (answers.size >= limits.answersWaitingMax) {
    const oldest = answers.keys().next().value!
    answers.delete(oldest)
    turn.remove(ANSWERS, oldest)
  }
  answers.set(made.request, made)
  turn.save(ANSWERS, made.request, () => encodeAnswer(made))
  return made
}

/** Joins the group of an accepted request. Throws MALFORMED with nothing changed. */
export function join(
  book: Book,
  turn: Turn,
  entry: Acquaintance,
  said: ContactAnswer,
  devices: DeviceList
): void {
  const { own, packages } = book
  const create = Roster.begin(said.create)
  const { members } = create.current
  const both = members.size === 2 && members.has(own.identity) && members.has(entry.contact.facts.id)
  if (create.kind !== 'direct' || !both) throw malformed('a roster of others')
  const mls = packages.join(turn, said.welcome)
  const stranger = leavesOf(mls).some(({ identity, device }) => !create.current.holds(identity, device))
  if (stranger || idOf(mls.groupId) !== groupOf(create.id)) throw malformed('a group of others')
  if (!book.learnDevices(turn, entry, devices)) throw malformed('a forged device list')
  begin(book, turn, entry, mls, { author: 'them', request: said, create: said.create })
}

function begin(
  book: Book,
  turn: Turn,
  entry: Acquaintance,
  mls: Epoch,
  init: {
    author: 'us' | 'them'
    request: Pick<ContactAnswer, 'device' | 'presence' | 'presenceSecret'>
    create: Uint8Array
  }
): void {
  const { contact, conversation } = entry
  const { facts } = contact
  const { device, presence, presenceSecret } = init.request
  if (facts.state !== 'linking') facts.state = 'ready'
  facts.presenceSecret = presenceSecret
  contact.learnPresence(turn, presence)
  const group = groupIdOf(mls)
  contact.channels.add(turn, { group, secret: mls.export(labels.contactSecret, mls.groupId, 32) })
  const theirs = init.author === 'them'
  // People who meet again start over: what they reported of an earlier group is void, and the later one counts.
  conversation.heads.clear()
  const { create } = beginRoster(conversation, turn, init.create)
  const generation = generationOf(create.createdAt)
  const author = theirs ? device : book.own.device
  conversation.group.add(turn, mls, { generation, parent: undefined, author, fresh: theirs })
  syncRecipients(conversation, turn)
  resealLost(conversation, turn)
  rosterChanged(conversation, turn)
}
