/**
 * Receipts that others carry: in a large group nobody is linked with everybody, so an author asks by an inquiry that
 * every member passes on, and the answers, each signed by who gives it, come back the way that the inquiry went.
 * Spec: specs/delivery.md, section 11. Signed and verified in core/seal/receipt-seal.ts.
 */
import type { DeviceId, OperationId } from '../base/ids.ts'
import { spec } from '../base/limits.ts'
import { bytes, codec, id, integer, list, optional, pair, structure, withRule, type Fields } from './shape.ts'

/** An author asks how far its log has come. */
export interface Inquiry {
  readonly group: OperationId
  readonly author: DeviceId
  /** Tells it from others of this author. 32 hexadecimal digits. */
  readonly round: string
  /** Everything up to here all have whom it was for: who is new to the log begins after it. */
  readonly contiguous: number
  /** Hash of the entry with that number, 32 bytes; zeros at 0. */
  readonly hash: Uint8Array
  /** Who is to answer; everybody where it is undefined. */
  readonly devices: readonly DeviceId[] | undefined
  /** The author's, over `inquiryContent`. 64 bytes. */
  readonly signature: Uint8Array
}

/** What a device has of the author's log. */
export interface Receipt {
  readonly group: OperationId
  readonly author: DeviceId
  /** Who has it. */
  readonly device: DeviceId
  /** Of the inquiry that this answers. */
  readonly round: string
  /** The same as in a row of a report. */
  readonly contiguous: number
  readonly hash: Uint8Array
  readonly ranges: ReadonlyArray<readonly [from: number, to: number]>
  readonly read: number
  /** Of the device that has it, over `receiptContent`. 64 bytes. */
  readonly signature: Uint8Array
}

const inquiryFields: Fields<Omit<Inquiry, 'signature'>> = {
  group: id(32),
  author: id(32),
  round: id(16),
  contiguous: integer(),
  hash: bytes(32),
  devices: optional(list(id<DeviceId>(32), { max: spec.inquiredMax }))
}

const receiptFields: Fields<Omit<Receipt, 'signature'>> = {
  group: id(32),
  author: id(32),
  device: id(32),
  round: id(16),
  contiguous: integer(),
  hash: bytes(32),
  ranges: list(pair(integer(1)), { max: spec.receiptRangesMax }),
  read: integer()
}

function disorder({ contiguous, ranges }: Receipt): string | undefined {
  let end = contiguous
  for (const [from, to] of ranges) {
    if (from <= end || to < from) return 'ranges ascend and are disjoint'
    end = to
  }
  return undefined
}

const inquiry = codec(
  'inquiry',
  spec.inquiryMaxBytes,
  structure<Inquiry>({ ...inquiryFields, signature: bytes(64) })
)
const receipt = codec(
  'receipt',
  spec.receiptMaxBytes,
  withRule(structure<Receipt>({ ...receiptFields, signature: bytes(64) }), disorder)
)

export const encodeInquiry = inquiry.encode
/** The inquiry of foreign bytes, its signature unverified. Throws MALFORMED. */
export const decodeInquiry = inquiry.decode
export const inquiryContent = codec('inquiry', spec.inquiryMaxBytes, structure(inquiryFields)).encode

export const encodeReceipt = receipt.encode
/** The receipt of foreign bytes, its signature unverified. Throws MALFORMED. */
export const decodeReceipt = receipt.decode
export const receiptContent = codec('receipt', spec.receiptMaxBytes, structure(receiptFields)).encode
