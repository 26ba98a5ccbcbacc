/**
 * Identifiers. Each kind is a branded string, parsed once at the edge; inside, a plain string that might be
 * an id is a bug.
 */
import { toHex } from './bytes.ts'
import { HearsayError } from './errors.ts'

declare const brand: unique symbol
/** A value of type `T` that cannot be mistaken for another kind of `T`. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name }

/** A person: the identity's Ed25519 public key, 64 hexadecimal digits. Never a PeerId. */
export type IdentityId = Brand<string, 'IdentityId'>
/** One node of an identity: the device's Ed25519 public key, 64 hexadecimal digits. */
export type DeviceId = Brand<string, 'DeviceId'>
/** A node as the network sees it (libp2p), in its text form. Changes when network keys rotate. */
export type PeerId = Brand<string, 'PeerId'>
/** A multiaddr in its text form; where it leads to a known node it ends in `/p2p/<PeerId>`. */
export type Address = Brand<string, 'Address'>
/** What a person wrote: the hash of its log entry, 64 hexadecimal digits. The same after re-sealing. */
export type MessageId = Brand<string, 'MessageId'>
/** The hash of an envelope's bytes, 64 hexadecimal digits. */
export type EnvelopeId = Brand<string, 'EnvelopeId'>
/** A conversation on this node, 64 hexadecimal digits. For direct ones the contact's IdentityId. */
export type ConversationId = Brand<string, 'ConversationId'>
/** An MLS group, 32 hexadecimal digits. */
export type GroupId = Brand<string, 'GroupId'>
/** An MLS epoch, by its exporter: 32 hexadecimal digits. Two branches share an epoch number, never this. */
export type EpochId = Brand<string, 'EpochId'>
/** A signed operation of a roster, 64 hexadecimal digits: the hash of its bytes. That of a group's first is the group's id. */
export type OperationId = Brand<string, 'OperationId'>
/** An invite or address, 32 hexadecimal digits. */
export type InviteId = Brand<string, 'InviteId'>
/** A contact request, 32 hexadecimal digits. */
export type RequestId = Brand<string, 'RequestId'>
/** Milliseconds since 1970 in UTC, as this node's clock has it. */
export type Millis = Brand<number, 'Millis'>
/** A durable position in the events of this node: grows by one per event. */
export type Cursor = Brand<number, 'Cursor'>

/** The id of some bytes: their hexadecimal text. */
export const idOf = <Id extends string>(bytes: Uint8Array): Id => toHex(bytes) as Id

/** A time as a branded number. */
export const millis = (value: number): Millis => value as Millis

function parser<Id extends string>(what: string, digits: number): (text: string) => Id {
  const pattern = new RegExp(`^[0-9a-f]{${digits}}$`)
  return text => {
    if (!pattern.test(text))
      throw new HearsayError('INVALID_ID', {
        message: `This is not ${what}: ${digits} hexadecimal digits are.`
      })
    return text as Id
  }
}

/** Parses an IdentityId. Throws INVALID_ID. */
export const parseIdentityId = parser<IdentityId>('an identity', 64)
/** Parses a MessageId. Throws INVALID_ID. */
export const parseMessageId = parser<MessageId>('a message id', 64)
/** Parses an InviteId. Throws INVALID_ID. */
export const parseInviteId = parser<InviteId>('an invite id', 32)
