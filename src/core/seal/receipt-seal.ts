/**
 * Signing and verifying inquiries and receipts. Spec: specs/delivery.md, section 11.
 *
 * Always true: what somebody has is said by its own device, whoever carries it, about one group and one log.
 */
import { fromHex } from '../../base/bytes.ts'
import { requireSignature, sign } from '../../crypto/signature.ts'
import {
  encodeInquiry,
  encodeReceipt,
  inquiryContent,
  receiptContent,
  type Inquiry,
  type Receipt
} from '../../wire/receipt.ts'

/** The bytes of an inquiry, signed by its author. */
export const makeInquiry = (content: Omit<Inquiry, 'signature'>, deviceSeed: Uint8Array): Uint8Array =>
  encodeInquiry({ ...content, signature: sign('inquiry', deviceSeed, inquiryContent(content)) })

/** Verifies that the author has signed it. Throws MALFORMED. */
export const requireInquiry = ({ signature, ...content }: Inquiry): void =>
  requireSignature(
    `device ${content.author}`,
    fromHex(content.author),
    'inquiry',
    signature,
    inquiryContent(content)
  )

/** The bytes of a receipt, signed by the device that has what it says. */
export const makeReceipt = (content: Omit<Receipt, 'signature'>, deviceSeed: Uint8Array): Uint8Array =>
  encodeReceipt({ ...content, signature: sign('receipt', deviceSeed, receiptContent(content)) })

/** Verifies that the device that it is about has signed it. Throws MALFORMED. */
export const requireReceipt = ({ signature, ...content }: Receipt): void =>
  requireSignature(
    `device ${content.device}`,
    fromHex(content.device),
    'receipt',
    signature,
    receiptContent(content)
  )
