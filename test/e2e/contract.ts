/**
 * The lines of `--json` as the contract of the command line names them, written down a second time: what is
 * renamed or goes missing in cli/facts.ts fails here. Further fields may come; none may go.
 */
import { z } from 'zod'

const time = z.iso.datetime({ precision: 3 })
const id = z.string().regex(/^[0-9a-f]{32,}$/u)
const state = z.enum(['queued', 'sent', 'held', 'delivered', 'read', 'failed'])

const identity = z.looseObject({
  fingerprint: z.string().regex(/^[0-9a-f]{64}$/u),
  safetyNumber: z.string().regex(/^\d{30}$/u),
  name: z.string(),
  home: z.string().startsWith('/')
})
const invite = z.looseObject({
  id,
  link: z.string().startsWith('hearsay:invite/'),
  expiresAt: time.nullable(),
  reusable: z.boolean()
})
const contact = z.looseObject({
  id,
  name: z.string(),
  state: z.enum(['requested', 'ready', 'rejected']),
  verified: z.boolean(),
  fingerprint: z.string().regex(/^[0-9a-f]{64}$/u)
})
const delivery = z.looseObject({
  message: id,
  conversation: id,
  state,
  ms: z.number().min(0).nullable(),
  devices: z.array(z.looseObject({ identity: id, device: id, state }))
})
const message = z.looseObject({
  id,
  conversation: id,
  from: z.looseObject({ name: z.string(), id, verified: z.boolean(), self: z.boolean() }),
  text: z.string(),
  sentAt: time,
  receivedAt: time,
  replyTo: id.nullable(),
  delivery: state.nullable(),
  attachments: z.array(z.unknown())
})
const role = z.enum(['owner', 'admin', 'member'])
const member = z.looseObject({ name: z.string(), id, role, devices: z.array(id) })
const group = z.looseObject({
  id: z.string().regex(/^[0-9a-f]{64}$/u),
  name: z.string(),
  state: z.enum(['joining', 'joined', 'left', 'removed']),
  epoch: id.nullable(),
  settled: z.boolean(),
  members: z.array(member),
  invited: z.array(z.looseObject({ name: z.string(), id })),
  settings: z.looseObject({
    mayAdd: z.enum(['admins', 'members']),
    history: z.int().min(0)
  }),
  suite: z.string()
})
const invitation = z.looseObject({
  id,
  group: id,
  name: z.string(),
  from: z.looseObject({ name: z.string(), id }),
  members: z.int().min(1),
  role,
  receivedAt: time
})
const request = z.looseObject({ id, from: id, greeting: z.string() })
const device = z.looseObject({ id, current: z.boolean(), addedAt: time, online: z.boolean() })
const event = { cursor: z.int().min(1), at: time }

const shapes = {
  identity,
  invite,
  contact,
  delivery,
  message,
  group,
  invitation,
  request,
  device,
  link: z.looseObject({ link: z.string().startsWith('hearsay:'), expiresAt: time.nullable() }),
  conversation: z.looseObject({
    id,
    kind: z.enum(['direct', 'group', 'channel']),
    name: z.string(),
    unread: z.int().min(0)
  }),
  error: z.looseObject({
    code: z.string().regex(/^[A-Z_]+$/u),
    message: z.string().min(1),
    hint: z.string().min(1)
  }),
  verification: z.looseObject({
    name: z.string(),
    safetyNumber: z.string().regex(/^\d{5}( ?\d{5}){11}$/u),
    verified: z.boolean()
  }),
  phrase: z.looseObject({ phrase: z.string().regex(/^[a-z]+( [a-z]+){23}$/u) }),
  stopped: z.looseObject({ pid: z.int() }),
  status: z.looseObject({
    addresses: z.array(z.string()),
    connections: z.array(
      z.looseObject({ peer: z.string(), address: z.string(), direction: z.enum(['inbound', 'outbound']) })
    ),
    outbox: z.looseObject({ messages: z.int() })
  }),
  ready: z.looseObject({
    peerId: z.string().startsWith('12D3Koo'),
    addresses: z.array(z.string().startsWith('/')),
    socket: z.string().startsWith('/'),
    pid: z.int().positive()
  }),
  'message:received': z.looseObject({ ...event, message }),
  'message:sent': z.looseObject({ ...event, message }),
  'delivery:changed': z.looseObject({ ...event, delivery }),
  'contact:requested': z.looseObject({ ...event, request }),
  'contact:warned': z.looseObject({ ...event, contact, warning: z.string() }),
  'group:invited': z.looseObject({ ...event, invitation }),
  'group:added': z.looseObject({ ...event, group }),
  'group:changed': z.looseObject({ ...event, group }),
  'group:removed': z.looseObject({ ...event, group }),
  'group:warned': z.looseObject({
    ...event,
    group,
    member: member.nullable(),
    device: id.nullable(),
    warning: z.string()
  }),
  'device:added': z.looseObject({ ...event, device }),
  'device:removed': z.looseObject({ ...event, device }),
  'contact:added': z.looseObject({ ...event, contact }),
  'contact:changed': z.looseObject({ ...event, contact }),
  'contact:removed': z.looseObject({ ...event, contact }),
  'contact:connected': z.looseObject({ ...event, contact }),
  'contact:disconnected': z.looseObject({ ...event, contact }),
  'invite:used': z.looseObject({ ...event, invite, contact })
} as const

type Shapes = typeof shapes
export type LineType = keyof Shapes

/** One line, by its type. */
export type LineOf<Type extends LineType> = { readonly v: 1; readonly type: Type } & z.infer<Shapes[Type]>
export type Line = { [Type in LineType]: LineOf<Type> }[LineType]

/** A line of `--json`. Throws where it is not what the contract says. */
export function parseLine(text: string): Line {
  const head = z.looseObject({
    v: z.literal(1),
    type: z.enum(Object.keys(shapes) as [LineType, ...LineType[]])
  })
  try {
    const value: unknown = JSON.parse(text)
    const { type } = head.parse(value)
    shapes[type].parse(value)
    return value as Line
  } catch (cause) {
    throw new Error(`Not a line of the contract: ${text}`, { cause })
  }
}

/** Whether a line is of this type. */
export const isLine =
  <Type extends LineType>(type: Type) =>
  (line: Line): line is Extract<Line, { readonly type: Type }> =>
    line.type === type
