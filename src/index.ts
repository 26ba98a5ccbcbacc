/** Hearsay, the library: the types of the public API and its errors. */
export { errors, HearsayError, type ErrorCode } from './base/errors.ts'
export { parseIdentityId, parseInviteId, parseMessageId } from './base/ids.ts'
export type {
  Address,
  ConversationId,
  Cursor,
  DeviceId,
  IdentityId,
  InviteId,
  MessageId,
  Millis,
  PeerId,
  RequestId
} from './base/ids.ts'
export type * from './api.ts'
