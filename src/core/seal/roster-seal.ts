/**
 * Signing and verifying what a roster is made of: operations and consents. Spec: specs/roster.md, sections 2
 * and 3.
 *
 * Always true: an operation belongs to one roster and a consent to one group and one person, by their signed
 * bytes; neither is worth anything elsewhere.
 */
import { fromHex } from '../../base/bytes.ts'
import { malformed } from '../../base/errors.ts'
import { idOf, type OperationId } from '../../base/ids.ts'
import { labelledHash } from '../../crypto/hash.ts'
import { requireStatement, sign } from '../../crypto/signature.ts'
import {
  consentContent,
  decodeConsent,
  encodeConsent,
  type Consent,
  type ConsentContent
} from '../../wire/consent.ts'
import {
  decodeOperation,
  encodeOperation,
  operationContent,
  type Newcomer,
  type RosterOperation,
  type UnsignedOperation
} from '../../wire/roster-operation.ts'
import { verifyDeviceList, type DeviceList } from './device-list.ts'

/** The id of an operation, by all its bytes. That of a `create` is the id of its roster. */
export const operationId = (operation: Uint8Array): OperationId =>
  idOf(labelledHash('operationId', operation))

/** The bytes of an operation, signed by its device. Throws MALFORMED where a field breaks its limit. */
export const signOperation = (content: UnsignedOperation, deviceSeed: Uint8Array): Uint8Array =>
  encodeOperation({ ...content, signature: sign('operation', deviceSeed, operationContent(content)) })

/**
 * The operation of foreign bytes, signed by the device that it names. Whether that device speaks for the
 * author is for the device list to say. Throws MALFORMED.
 */
export function verifyOperation(bytes: Uint8Array): RosterOperation {
  const operation = decodeOperation(bytes)
  const { device, signature } = operation
  const signed = operationContent(operation)
  requireStatement(`device ${device}`, fromHex(device), 'operation', signature, signed)
  return operation
}

/** The bytes of a consent, signed by its device. */
export const makeConsent = (content: ConsentContent, deviceSeed: Uint8Array): Uint8Array =>
  encodeConsent({ ...content, signature: sign('consent', deviceSeed, consentContent(content)) })

/**
 * The consent of foreign bytes: that this person wants to be in this group, said by a device on the list.
 * Throws MALFORMED.
 */
export function verifyConsent(bytes: Uint8Array, group: OperationId, list: DeviceList): Consent {
  const consent = decodeConsent(bytes)
  if (consent.group !== group) throw malformed('a consent to another group')
  if (consent.identity !== list.identity) throw malformed('somebody else’s consent')
  const { device, signature } = consent
  if (!list.devices.has(device)) throw malformed('a consent by a device that is not on the list')
  requireStatement(`device ${device}`, fromHex(device), 'consent', signature, consentContent(consent))
  return consent
}

/** A newcomer whose device list and, in a group that is there already, consent were verified. */
export interface VerifiedNewcomer {
  readonly newcomer: Newcomer
  readonly list: DeviceList
  readonly consent: Consent | undefined
}

/** Verifies somebody who is brought into a group; undefined: who begins one. Throws MALFORMED. */
export function verifyNewcomer(newcomer: Newcomer, group: OperationId | undefined): VerifiedNewcomer {
  const list = verifyDeviceList(newcomer.devices, newcomer.identity)
  const consent = group === undefined ? undefined : verifyConsent(newcomer.consent, group, list)
  return { newcomer, list, consent }
}
