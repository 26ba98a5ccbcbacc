/** Messages and all that happens, one line each, as a person reads them. */
import type { EventFact } from '../event-facts.ts'
import type { MessageFact } from '../facts.ts'
import type { Paint } from '../output/paint.ts'
import { conversationName, groupName, localMoment, person, shortFingerprint } from '../output/people.ts'
import { indented, literal, safe, safeLines, safeName, words, type SafeText } from '../output/safe-text.ts'
import { groupText, invitationWords } from './group-text.ts'

/** A message as a person reads it: when, from whom, and its lines under each other. */
const messageRow = (when: SafeText, who: SafeText, text: string): SafeText =>
  words`${when} ${who}: ${indented(safeLines(text), 4)}`

/** A message in a list; where it belongs is said unless `known`. */
export function messageText(message: MessageFact, paint: Paint, known = false): SafeText {
  const where = conversationName(message, paint)
  const group = message.conversationKind === 'group' && !known ? words`${where} ` : literal('')
  const who = message.from.self ? words`you → ${where}` : words`${group}${person(message.from, paint)}`
  return messageRow(paint('dim', localMoment(message.receivedAt)), who, message.text)
}

/** What each warning about a contact means to a person. */
const contactWarnings = {
  'device-changed': literal(
    'uses other devices than before. Compare safety numbers again before you trust it.'
  ),
  'forged-device-list': literal(
    'showed two different lists of devices. Somebody may hold its key: compare in person.'
  ),
  equivocated: literal(
    'told different people different things. Do not rely on it until you have talked in person.'
  )
} as const

/** What each warning about a group means to a person. */
const groupWarnings = {
  equivocated: literal('told different members different things. Do not rely on it until you have talked.'),
  'unjustified-commit': literal('tried to change who can read, against the list of members. It was refused.'),
  forked: literal(
    'members write under different keys. It heals when their nodes meet; compare: hearsay group info'
  ),
  ghost: literal(
    'a device that belongs to no member could read along. Ask an admin to remove who brought it in.'
  ),
  flooded: literal('sends more than a group takes. What is too much is dropped.')
} as const

type ContactWarned = Extract<EventFact, { readonly type: 'contact:warned' }>
type GroupWarned = Extract<EventFact, { readonly type: 'group:warned' }>

/** A warning, loud on purpose: what is odd, about whom, and what to do. */
export function warningText(event: ContactWarned | GroupWarned, paint: Paint): SafeText {
  if (event.type === 'contact:warned') {
    return paint('red', words`WARNING ${person(event.contact, paint)}: ${contactWarnings[event.warning]}`)
  }
  const { group, member, device, warning } = event
  const who = member === null ? literal('') : words` ${person(member, paint)}`
  const by = device === null ? literal('') : words` (device ${shortFingerprint(device)})`
  return paint('red', words`WARNING ${groupName(group, paint)}${who}${by}: ${groupWarnings[warning]}`)
}

/** A device of our own came or went. Whoever did not do that themselves must know at once. */
export function deviceNews(
  { type, device }: Extract<EventFact, { readonly type: 'device:added' | 'device:removed' }>,
  paint: Paint
): SafeText {
  const id = safe(device.id.slice(0, 8))
  if (type === 'device:removed') return words`your device ${id} was revoked`
  const undo = words`If that was not you: hearsay device revoke ${id}`
  return words`${paint('yellow', words`a new device of yours: ${id}`)}. ${undo}`
}

/** An event as a person reads it. */
export function eventText(event: EventFact, paint: Paint): SafeText {
  if (event.type === 'message:received' || event.type === 'message:sent') {
    return messageText(event.message, paint)
  }
  return words`${paint('dim', localMoment(event.at))} ${newsText(event, paint)}`
}

/** An event that is no message. */
type News = Exclude<EventFact, { readonly type: 'message:received' | 'message:sent' }>

/** What an event that is no message says, without its time. */
export function newsText(event: News, paint: Paint): SafeText {
  switch (event.type) {
    case 'delivery:changed':
      return words`message ${shortFingerprint(event.delivery.message)} is ${safe(event.delivery.state)}`
    case 'contact:requested': {
      const { name, id } = event.request
      return words`${safeName(name)} asks to become a contact: hearsay accept ${safe(id.slice(0, 8))}`
    }
    case 'contact:warned':
    case 'group:warned':
      return warningText(event, paint)
    case 'group:invited': {
      const { invitation } = event
      return words`${invitationWords(invitation, paint)}: hearsay accept ${safe(invitation.id.slice(0, 8))}`
    }
    case 'group:added':
    case 'group:changed':
      return words`group ${groupText(event.group, paint)}`
    case 'group:removed':
      return words`group ${groupName(event.group, paint)} removed`
    case 'device:added':
    case 'device:removed':
      return deviceNews(event, paint)
    case 'device:refused':
      return literal('the machine that you wanted to link was taken already')
    case 'history:received':
      return event.complete
        ? words`all ${event.messages} earlier messages of a conversation are here`
        : words`${event.messages} earlier messages of a conversation are here`
    case 'invite:used':
      return words`${person(event.contact, paint)} used your invite`
    case 'contact:added':
    case 'contact:changed':
    case 'contact:removed':
      return words`contact ${person(event.contact, paint)} ${changes[event.type]}: ${safe(event.contact.state)}`
    case 'contact:connected':
      return words`${person(event.contact, paint)} is online`
    case 'contact:disconnected':
      return words`${person(event.contact, paint)} is offline`
  }
}

const changes = {
  'contact:added': literal('added'),
  'contact:changed': literal('changed'),
  'contact:removed': literal('removed')
} as const
