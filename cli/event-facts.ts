/** The lines of `events`: everything that happens, each with its cursor; the contract is that of facts.ts. */
import type { HearsayEvent } from 'hearsay'
import { z } from 'zod'
import {
  contactFact,
  contactLine,
  deliveryFact,
  deliveryLine,
  inviteFact,
  inviteLine,
  isoTime,
  line,
  messageFact,
  messageLine,
  requestFact,
  requestLine,
  time,
  id,
  type Names
} from './facts.ts'
import {
  deviceFact,
  deviceLine,
  groupFact,
  groupLine,
  invitationFact,
  invitationLine,
  memberFact,
  memberFields
} from './group-facts.ts'

const eventFields = { cursor: z.int(), at: time }

export const eventLine = z.discriminatedUnion('type', [
  line('message:received', { ...eventFields, message: messageLine }),
  line('message:sent', { ...eventFields, message: messageLine }),
  line('delivery:changed', { ...eventFields, delivery: deliveryLine }),
  line('contact:requested', { ...eventFields, request: requestLine }),
  line('contact:added', { ...eventFields, contact: contactLine }),
  line('contact:changed', { ...eventFields, contact: contactLine }),
  line('contact:removed', { ...eventFields, contact: contactLine }),
  line('contact:warned', {
    ...eventFields,
    contact: contactLine,
    warning: z.enum(['device-changed', 'forged-device-list', 'equivocated'])
  }),
  line('group:invited', { ...eventFields, invitation: invitationLine }),
  line('group:added', { ...eventFields, group: groupLine }),
  line('group:changed', { ...eventFields, group: groupLine }),
  line('group:removed', { ...eventFields, group: groupLine }),
  line('group:warned', {
    ...eventFields,
    group: groupLine,
    /** Null where nobody can be named. */
    member: memberFields.nullable(),
    device: id.nullable(),
    warning: z.enum(['equivocated', 'unjustified-commit', 'forked', 'ghost', 'flooded'])
  }),
  line('device:added', { ...eventFields, device: deviceLine }),
  line('device:removed', { ...eventFields, device: deviceLine }),
  line('device:refused', eventFields),
  line('history:received', { ...eventFields, conversation: id, messages: z.int(), complete: z.boolean() }),
  line('invite:used', { ...eventFields, invite: inviteLine, contact: contactLine }),
  line('contact:connected', { ...eventFields, contact: contactLine }),
  line('contact:disconnected', { ...eventFields, contact: contactLine })
])
export type EventFact = z.infer<typeof eventLine>

/** An event as a line. */
export function eventFact(event: HearsayEvent, names: Names): EventFact {
  const head = { v: 1, cursor: event.cursor, at: isoTime(event.at) } as const
  switch (event.type) {
    case 'message:received':
    case 'message:sent':
      return { ...head, type: event.type, message: messageFact(event.message, names) }
    case 'delivery:changed':
      return { ...head, type: event.type, delivery: deliveryFact(event.delivery, null) }
    case 'contact:requested':
      return { ...head, type: event.type, request: requestFact(event.request) }
    case 'contact:added':
    case 'contact:changed':
    case 'contact:removed':
    case 'contact:connected':
    case 'contact:disconnected':
      return { ...head, type: event.type, contact: contactFact(event.contact, names.alike) }
    case 'contact:warned': {
      const contact = contactFact(event.contact, names.alike)
      return { ...head, type: event.type, contact, warning: event.warning }
    }
    case 'invite:used': {
      const contact = contactFact(event.contact, names.alike)
      return { ...head, type: event.type, invite: inviteFact(event.invite), contact }
    }
    case 'group:invited':
      return { ...head, type: event.type, invitation: invitationFact(event.invitation, names) }
    case 'group:added':
    case 'group:changed':
    case 'group:removed':
      return { ...head, type: event.type, group: groupFact(event.group, names) }
    case 'group:warned': {
      const { type, group, member, device = null, warning } = event
      const named = member === undefined ? null : memberFact(member, names)
      return { ...head, type, group: groupFact(group, names), member: named, device, warning }
    }
    case 'device:added':
    case 'device:removed':
      return { ...head, type: event.type, device: deviceFact(event.device) }
    case 'device:refused':
      return { ...head, type: event.type }
    case 'history:received': {
      const { type, conversation, messages, complete } = event
      return { ...head, type, conversation, messages, complete }
    }
  }
}
