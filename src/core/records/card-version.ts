/** The record of a card's version: what our devices have said last of a contact or a group. */
import { spec } from '../../base/limits.ts'
import { boolean, bytes, codec, integer, structure } from '../../wire/shape.ts'

export interface CardVersion {
  readonly version: number
  /** Of what the card says. 32 bytes. */
  readonly digest: Uint8Array
  readonly forgotten: boolean
}

const record = codec(
  'card version record',
  spec.envelopeBytes[0],
  structure<CardVersion>({ version: integer(1), digest: bytes(32), forgotten: boolean })
)

export const encodeCardVersion = record.encode
export const decodeCardVersion = record.decode
