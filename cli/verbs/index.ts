/** All verbs, in the order and groups of the help. */
import type { HereVerb, NodeVerb, Verb } from '../verb.ts'
import { help, verbFact, version, versionFact } from './about.ts'
import { chat } from './chat.ts'
import { completion } from './completion.ts'
import { block, contacts, forget, rename, unblock, verify } from './contacts.ts'
import { devices, link, linkDevice, revokeDevice } from './devices.ts'
import { doctor } from './doctor.ts'
import {
  addMember,
  createGroup,
  demote,
  groupInfo,
  groupMembers,
  inviteToGroup,
  joinGroup,
  leaveGroup,
  listGroups,
  promote,
  removeMember,
  renameGroup,
  setGroup
} from './groups.ts'
import { events, tail } from './history.ts'
import { init, phrase, recover } from './identity.ts'
import { add, invite, invites, revokeInvite } from './invites.ts'
import { conversations, read, send, why } from './messages.ts'
import { down, rpc, status, up } from './node.ts'
import { accept, reject, requests } from './requests.ts'

/** The verbs by group, as help shows them. */
export const groups: ReadonlyMap<string, readonly Verb[]> = new Map<string, readonly Verb[]>([
  ['Identity', [init, recover, phrase]],
  ['First contact', [invite, invites, revokeInvite, add, requests, accept, reject]],
  ['Contacts', [contacts, rename, verify, block, unblock, forget]],
  [
    'Groups',
    [
      createGroup,
      listGroups,
      groupInfo,
      groupMembers,
      addMember,
      removeMember,
      promote,
      demote,
      renameGroup,
      setGroup,
      leaveGroup,
      inviteToGroup,
      joinGroup
    ]
  ],
  ['Messages', [send, tail, conversations, read, why, events]],
  ['Devices', [link, devices, linkDevice, revokeDevice]],
  ['Node', [chat, up, down, status, doctor, rpc]],
  ['About', [help(() => verbs.values()), version, completion]]
])

/** The verbs by name. */
export const verbs: ReadonlyMap<string, Verb> = new Map(
  [...groups.values()].flat().map(verb => [verb.name, verb] as const)
)

/** Those that run on a node: the methods of RPC. */
export const nodeVerbs: ReadonlyMap<string, NodeVerb> = new Map(
  [...verbs.values()].filter(verb => verb.where === 'node').map(verb => [verb.name, verb] as const)
)

/** What RPC answers without a node. */
export const about: ReadonlyMap<string, () => unknown> = new Map<string, () => unknown>([
  ['help', () => [...verbs.values()].filter(verb => verb.where === 'node').map(verbFact)],
  ['version', versionFact]
])

/** The verb that a bare `hearsay` means. */
export const bare: HereVerb = chat
