/** The groups of a node, behind the public API. Every method is a command or a question to the core. */
import type {
  AbortOptions,
  Contact,
  ContactReference,
  Conversation,
  Group,
  GroupInvitation,
  GroupReference,
  Groups,
  GroupSettings,
  Invite,
  Role
} from './api.ts'
import { HearsayError } from './base/errors.ts'
import type { Address, ConversationId, RequestId } from './base/ids.ts'
import type { HearsayEvent } from './base/model.ts'
import * as commands from './core/commands.ts'
import { checkName } from './core/names.ts'
import type { Runtime } from './runtime.ts'

const referenceOf = (reference: GroupReference | ContactReference): string =>
  typeof reference === 'string' ? reference : reference.id

const ROLES: readonly Role[] = ['member', 'admin', 'owner']

export class NodeGroups implements Groups {
  readonly #runtime: Runtime
  readonly #open: (id: ConversationId) => Conversation

  constructor(runtime: Runtime, open: (id: ConversationId) => Conversation) {
    this.#runtime = runtime
    this.#open = open
  }

  create(
    name: string,
    {
      members = [],
      settings = {}
    }: { members?: readonly ContactReference[]; settings?: Partial<GroupSettings> } = {}
  ): Promise<Group> {
    return this.#runtime.execute(({ book, rooms, turn }) => {
      checkSettings(settings)
      const people = members.map(member => book.find(referenceOf(member)))
      const room = rooms.create(turn, name, settings)
      for (const entry of people) rooms.invite(turn, room, entry, 'member')
      return room.view()
    })
  }

  list(): Promise<Group[]> {
    return this.#runtime.execute(({ book }) => [...book.rooms.values()].map(room => room.view()))
  }

  get(reference: GroupReference): Promise<Group> {
    return this.#runtime.execute(({ rooms }) => rooms.find(referenceOf(reference)).view())
  }

  async conversation(reference: GroupReference): Promise<Conversation> {
    return this.#open((await this.get(reference)).id)
  }

  add(reference: GroupReference, member: ContactReference): Promise<Group> {
    return this.#runtime.execute(({ book, rooms, turn }) => {
      const room = rooms.find(referenceOf(reference))
      rooms.invite(turn, room, book.find(referenceOf(member)), 'member')
      return room.view()
    })
  }

  remove(reference: GroupReference, member: ContactReference): Promise<Group> {
    return this.#runtime.execute(core => {
      const group = referenceOf(reference)
      const identity = commands.memberOf(core, group, referenceOf(member))
      return commands.changeGroup(core, group, { type: 'remove', identity })
    })
  }

  setRole(reference: GroupReference, member: ContactReference, role: Role): Promise<Group> {
    return this.#runtime.execute(core => {
      if (!ROLES.includes(role)) throw new HearsayError('INVALID_ARGUMENT')
      const group = referenceOf(reference)
      const identity = commands.memberOf(core, group, referenceOf(member))
      return commands.changeGroup(core, group, { type: 'role', identity, role })
    })
  }

  rename(reference: GroupReference, name: string): Promise<Group> {
    return this.#runtime.execute(core =>
      commands.changeGroup(core, referenceOf(reference), { type: 'rename', name: checkName(name) })
    )
  }

  configure(reference: GroupReference, settings: Partial<GroupSettings>): Promise<Group> {
    return this.#runtime.execute(core => {
      checkSettings(settings)
      const group = referenceOf(reference)
      const before = core.rooms.find(group).view().settings
      return commands.changeGroup(core, group, { type: 'settings', settings: { ...before, ...settings } })
    })
  }

  leave(reference: GroupReference): Promise<Group> {
    return this.#runtime.execute(core =>
      commands.changeGroup(core, referenceOf(reference), { type: 'remove', identity: core.own.identity })
    )
  }

  invitations(): Promise<GroupInvitation[]> {
    return this.#runtime.execute(({ rooms }) => rooms.listInvitations())
  }

  accept(id: RequestId): Promise<Group> {
    return this.#runtime.execute(({ rooms, turn }) => rooms.accept(turn, id).view())
  }

  decline(id: RequestId): Promise<GroupInvitation> {
    return this.#runtime.execute(({ rooms, turn }) => rooms.decline(turn, id))
  }

  async joined(reference: GroupReference, { signal }: AbortOptions = {}): Promise<Group> {
    const { events } = this.#runtime
    const from = events.last
    const now = await this.get(reference)
    const settled = (group: Group): Group | undefined => {
      if (group.state === 'removed' || group.state === 'left') throw new HearsayError('NOT_A_MEMBER')
      return group.state === 'joined' ? group : undefined
    }
    const inside = (event: HearsayEvent): Group | undefined =>
      (event.type === 'group:added' || event.type === 'group:changed') && event.group.id === now.id
        ? settled(event.group)
        : undefined
    return settled(now) ?? events.find(inside, from, signal)
  }

  invite(
    reference: GroupReference,
    { role = 'member', expiresInMs }: { role?: Role; expiresInMs?: number } = {}
  ): Promise<Invite> {
    return this.#runtime.execute(({ first, reach, rooms, own, turn }) => {
      const room = rooms.find(referenceOf(reference))
      const ours = room.conversation.members?.members.get(own.identity)
      if (ours === undefined) throw new HearsayError('NOT_A_MEMBER')
      const mayAdd = ours.role !== 'member' || room.view().settings.mayAdd === 'members'
      if (!mayAdd || (role !== 'member' && ours.role !== 'owner')) throw new HearsayError('NOT_ALLOWED')
      const { addresses: known, peer } = reach.presence
      const addresses = known.length > 0 ? known : [`/p2p/${peer}` as Address]
      const into = { group: room.facts.id, role }
      const invite = first.invite(turn, {
        reusable: true,
        expiresInMs: expiresInMs ?? GROUP_LINK_MS,
        addresses,
        into
      })
      reach.published(turn)
      return invite
    })
  }

  join(link: string, { name }: { name?: string } = {}): Promise<Contact> {
    return this.#runtime.execute(core => commands.joinGroup(core, { link, name }))
  }
}

/** A link that anybody can pass on ends by itself: after a week, if not said otherwise. */
const GROUP_LINK_MS = 7 * 86_400_000

/** Nobody is promised what no node does yet. */
function checkSettings({ disappearAfterMs }: Partial<GroupSettings>): void {
  if (disappearAfterMs !== undefined)
    throw new HearsayError('INVALID_ARGUMENT', { message: 'Messages do not disappear yet.' })
}
