/**
 * The registry of domain-separation labels: every hash, signature, MAC and derived key of Hearsay begins
 * with one of these, so that no byte string made for one purpose is ever valid for another.
 * Spec: specs/encoding.md, section "Labels". A test holds that no two are equal or a prefix of another.
 */
export const labels = {
  identityKey: 'hearsay/1/identity-key',
  safetyNumber: 'hearsay/1/safety-number',
  deviceEntry: 'hearsay/1/device-entry',
  deviceEntryHash: 'hearsay/1/device-hash',
  leafCertificate: 'hearsay/1/leaf-certificate',
  credentialMemory: 'hearsay/1/credential-memory',
  invite: 'hearsay/1/invite-link',
  inviteTag: 'hearsay/1/invite-tag',
  inviteSeal: 'hearsay/1/invite-seal',
  inviteRendezvous: 'hearsay/1/invite-rendezvous',
  request: 'hearsay/1/contact-request',
  requestHash: 'hearsay/1/request-hash',
  answerKey: 'hearsay/1/answer-key',
  answerTag: 'hearsay/1/answer-tag',
  answerSeal: 'hearsay/1/answer-seal',
  answer: 'hearsay/1/contact-answer',
  commitRank: 'hearsay/1/commit-rank',
  epochId: 'hearsay/1/epoch-id',
  epochKey: 'hearsay/1/epoch-envelope-key',
  epochTag: 'hearsay/1/epoch-envelope-tag',
  epochTopic: 'hearsay/1/epoch-topic',
  contactSecret: 'hearsay/1/contact-secret',
  controlKey: 'hearsay/1/control-key',
  controlTag: 'hearsay/1/control-tag',
  controlBinding: 'hearsay/1/control-binding',
  control: 'hearsay/1/control-message',
  controlObject: 'hearsay/1/control-object',
  topic: 'hearsay/1/topic-name',
  gossipMessage: 'hearsay/1/gossip-message',
  entry: 'hearsay/1/log-entry',
  envelope: 'hearsay/1/envelope-id',
  envelopeTag: 'hearsay/1/envelope-tag',
  presenceSecret: 'hearsay/1/presence-secret',
  presenceDevice: 'hearsay/1/presence-device',
  presenceDaySign: 'hearsay/1/presence-day-sign',
  presenceDaySeal: 'hearsay/1/presence-day-seal',
  presenceKey: 'hearsay/1/presence-dht-key',
  presence: 'hearsay/1/presence-record',
  operation: 'hearsay/1/roster-operation',
  operationId: 'hearsay/1/operation-id',
  consent: 'hearsay/1/group-consent',
  inquiry: 'hearsay/1/receipt-inquiry',
  receipt: 'hearsay/1/passed-receipt',
  card: 'hearsay/1/own-card',
  rosterDigest: 'hearsay/1/roster-digest',
  storeKey: 'hearsay/1/store-key'
} as const

/** The name of a label in the registry. */
export type Label = keyof typeof labels
