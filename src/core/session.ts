/** One direct stream, and what is known of who is at its other end. */
import type { ConversationId, PeerId } from '../base/ids.ts'
import type { ControlBody } from '../wire/control.ts'
import { Parts } from './parts.ts'
import type { Proven } from './speakers.ts'

/** The body of a hello. */
export type Hello = Extract<ControlBody, { type: 'hello' }>

export interface Session {
  readonly peer: PeerId
  readonly openedAt: number
  /** Whom we have said hello to on it. */
  readonly greeted: Set<string>
  proven: Proven | undefined
  /** The groups that we have told it we are not in together any more. */
  readonly parted: Set<ConversationId>
  /** Which presence it was told, under which secret. */
  told: string | undefined
  /** A control message that is coming in parts. */
  readonly parts: Parts
  /** What could not be read before anything was proven: a hello by somebody of whom we hear a moment later. */
  early: readonly Uint8Array[]
  /** Envelopes that led nowhere. */
  useless: number
  /** The network was asked to end it. */
  ending: boolean
}

/** A stream that has just opened: nothing is proven. */
export const newSession = (peer: PeerId, openedAt: number): Session => ({
  peer,
  openedAt,
  greeted: new Set(),
  proven: undefined,
  parted: new Set(),
  told: undefined,
  parts: new Parts(),
  early: [],
  useless: 0,
  ending: false
})
