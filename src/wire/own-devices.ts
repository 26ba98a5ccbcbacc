/**
 * What the devices of one identity give each other: the grant that makes a device one of them, what they know
 * of contacts and groups, and pages of history. Spec: specs/devices.md. They travel in control messages.
 */
import type {
  ConversationId,
  DeviceId,
  GroupId,
  IdentityId,
  MessageId,
  Millis,
  OperationId
} from '../base/ids.ts'
import { spec } from '../base/limits.ts'
import { presenceShape, type Presence } from './presence.ts'
import {
  boolean,
  bytes,
  bytesBetween,
  id,
  integer,
  list,
  oneOf,
  optional,
  record,
  text,
  time,
  union,
  type Fields
} from './shape.ts'

/** A secret under which control messages are sealed, by the group whose beginning it comes from. */
export interface SharedSecret {
  readonly group: GroupId
  /** 32 bytes. */
  readonly secret: Uint8Array
}

/** Makes a machine a device of an identity; all of it but the phrase. */
export interface Grant {
  readonly type: 'grant'
  readonly identity: IdentityId
  /** The list with the new device on it. */
  readonly devices: readonly Uint8Array[]
  readonly name: string
  readonly presenceSecret: Uint8Array
  /** What the devices of the identity share among themselves. */
  readonly channel: SharedSecret
  /** Where the other devices are. */
  readonly presences: readonly Presence[]
}

/** What replaces the secrets that a revoked device knows. */
export interface Secrets {
  readonly type: 'secrets'
  /** How many entries the device list had: what comes with the longer list is newer. */
  readonly entries: number
  readonly presenceSecret: Uint8Array
  readonly channel: SharedSecret
}

/** What a person knows of a contact, or that it has forgotten it. */
export interface ContactCard {
  readonly type: 'contact'
  readonly identity: IdentityId
  /** Grows with every change; of two with one version the one with the greater hash counts. */
  readonly version: number
  readonly standing: 'requested' | 'ready' | 'rejected' | 'forgotten'
  readonly name: string
  readonly verified: boolean
  readonly blocked: boolean
  readonly addedAt: Millis
  readonly presenceSecret: Uint8Array | undefined
  readonly channels: readonly SharedSecret[]
  /** The operations that the rosters of the conversation begin with. */
  readonly creates: readonly Uint8Array[]
  readonly presences: readonly Presence[]
}

/** A group that a person is in or was in. */
export interface GroupCard {
  readonly type: 'group'
  readonly group: OperationId
  readonly version: number
  readonly standing: 'joining' | 'joined' | 'left' | 'removed' | 'forgotten'
  readonly name: string
  readonly channels: readonly SharedSecret[]
}

export type Card = ContactCard | GroupCard

/** Where a message stands in its conversation: specs/delivery.md, section "Order". */
export interface HistoryPlace {
  readonly lamport: number
  readonly device: DeviceId
  readonly sequence: number
}

/** A message as somebody was shown it: the word of whoever passes it on, and of nobody else. */
export interface PastMessage extends HistoryPlace {
  readonly id: MessageId
  readonly identity: IdentityId
  readonly sentAt: Millis
  readonly receivedAt: Millis
  readonly text: string
  readonly replyTo: MessageId | undefined
  /** Whose word it is that it was said so, where that is not the author's. */
  readonly via: IdentityId | undefined
}

/** Asks for the messages before a place, or the newest. */
export interface Recall {
  readonly type: 'recall'
  readonly conversation: ConversationId
  readonly before: HistoryPlace | undefined
}

/** A page of messages, the newest first. */
export interface History {
  readonly type: 'history'
  readonly conversation: ConversationId
  readonly before: HistoryPlace | undefined
  readonly messages: readonly PastMessage[]
  /** Whether there is nothing earlier. */
  readonly last: boolean
  /** Whether the sender has the past itself, as far as it knows. */
  readonly whole: boolean
}

export type OwnDevicesBody =
  | Grant
  | Secrets
  | { readonly type: 'cards'; readonly cards: readonly Card[] }
  | Recall
  | History

type Body<Type extends OwnDevicesBody['type']> = Fields<Omit<Extract<OwnDevicesBody, { type: Type }>, 'type'>>

const sharedSecret = record<SharedSecret>({ group: id(16), secret: bytes(32) })
const sharedSecrets = list(sharedSecret, { max: spec.sharedSecretsMax })
const presences = list(presenceShape, { max: spec.deviceEntriesMax })
const deviceList = list(bytesBetween(1, spec.deviceEntryMaxBytes), { min: 1, max: spec.deviceEntriesMax })

const card = union<Card>({
  contact: [
    0,
    {
      identity: id(32),
      version: integer(1),
      standing: oneOf({ requested: 0, ready: 1, rejected: 2, forgotten: 3 }),
      name: text(spec.nameMaxBytes),
      verified: boolean,
      blocked: boolean,
      addedAt: time,
      presenceSecret: optional(bytes(32)),
      channels: sharedSecrets,
      creates: list(bytesBetween(1, spec.operationMaxBytes), { max: spec.sharedSecretsMax }),
      presences
    }
  ],
  group: [
    1,
    {
      group: id(32),
      version: integer(1),
      standing: oneOf({ joining: 0, joined: 1, left: 2, removed: 3, forgotten: 4 }),
      name: text(spec.nameMaxBytes),
      channels: sharedSecrets
    }
  ]
})

const place: Fields<HistoryPlace> = { lamport: integer(), device: id(32), sequence: integer(1) }

/** A place as a field of other structures. */
export const historyPlaceShape = record(place)

const pastMessage = record<PastMessage>({
  ...place,
  id: id(32),
  identity: id(32),
  sentAt: time,
  receivedAt: time,
  text: text(spec.textMaxBytes),
  replyTo: optional(id(32)),
  via: optional(id(32))
})

/** The fields of each body, for the union of control bodies. */
export const grantFields: Body<'grant'> = {
  identity: id(32),
  devices: deviceList,
  name: text(spec.nameMaxBytes),
  presenceSecret: bytes(32),
  channel: sharedSecret,
  presences
}

export const secretsFields: Body<'secrets'> = {
  entries: integer(1, spec.deviceEntriesMax),
  presenceSecret: bytes(32),
  channel: sharedSecret
}

export const cardsFields: Body<'cards'> = { cards: list(card, { min: 1, max: spec.cardsPerMessageMax }) }

export const recallFields: Body<'recall'> = { conversation: id(32), before: optional(historyPlaceShape) }

export const historyFields: Body<'history'> = {
  conversation: id(32),
  before: optional(historyPlaceShape),
  messages: list(pastMessage, { max: spec.historyPageMax }),
  last: boolean,
  whole: boolean
}
