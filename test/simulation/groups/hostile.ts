/**
 * Members in bad faith: whole nodes with the real keys of a member, whose code was changed so that they break the
 * rules. What honest members have among them must be as if such a member had said nothing.
 *
 * The change is an edit of the source in memory, as of a planted fault, but of a second copy of all modules: those
 * that were loaded with `?hostile=NAME`. The honest nodes of the same process run the code as it is on disk.
 */
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { openNode } from '../../../src/node.ts'
import { plant } from '../faults.ts'
import type { Edit } from '../faults.ts'

type OpenNode = typeof openNode

/** One kind of bad faith. */
export interface Hostility {
  readonly name: string
  readonly why: string
  readonly edits: readonly Edit[]
}

export const hostilities: readonly Hostility[] = [
  {
    name: 'lengthens-alone',
    why: 'Commits on top of its own commits, so that its branch is always the longest.',
    edits: [
      {
        file: 'src/core/group.ts',
        find: 'head.committed || head.author === this.#self) return false\n',
        replace: 'head.committed) return false\n    if (head.author === this.#self) return true\n'
      }
    ]
  },
  {
    name: 'removes-without-right',
    why: 'Removes members from the tree whom the roster has.',
    edits: [
      {
        file: 'src/core/commit-order.ts',
        find: 'const removes = [...tree.filter(({ device }) => !desired.has(device)), ...again]\n',
        replace:
          'const removes = [...tree.filter(({ device }) => !desired.has(device)), ...again]\n' +
          '  const victim = tree.find(({ device }) => device !== self && desired.has(device))\n' +
          '  if (victim !== undefined && !removes.includes(victim)) removes.push(victim)\n'
      }
    ]
  },
  {
    name: 'goes-on-when-removed',
    why: 'Never hears that it was removed, and goes on writing and committing.',
    edits: [
      {
        file: 'src/core/roster-sync.ts',
        find: '      const result = roster.add(bytes)\n',
        replace:
          '      const { content } = decodeOperation(bytes)\n' +
          "      if (content.type === 'remove' && content.identity === conversation.identity) continue\n" +
          '      const result = roster.add(bytes)\n'
      },
      {
        file: 'src/core/roster-sync.ts',
        find: "import type { OperationContent } from '../wire/roster-operation.ts'\n",
        replace:
          "import { decodeOperation } from '../wire/roster-operation.ts'\n" +
          "import type { OperationContent } from '../wire/roster-operation.ts'\n"
      }
    ]
  },
  {
    name: 'rules-without-right',
    why: 'Adds, removes, promotes and renames as if it were the owner.',
    edits: [
      {
        file: 'src/core/roster-sync.ts',
        find: '  if (roster.mayIssue(own.identity, content) !== undefined)',
        replace: '  if (roster.size < 0)'
      }
    ]
  },
  {
    name: 'asks-for-ever',
    why: 'Says at all times that it has nothing and has to be taken in again.',
    edits: [
      {
        file: 'src/core/reconcile.ts',
        find: '  if (!isBehind(conversation)) {\n',
        replace: '  if (conversation.self.length === 0) {\n'
      },
      {
        file: 'src/core/report.ts',
        find: '    head: head && {\n',
        replace: '    head: conversation.ask === undefined ? undefined : undefined && head && {\n'
      }
    ]
  },
  {
    name: 'refuses-everything',
    why: 'Says of all that it has opened that it could not.',
    edits: [
      {
        file: 'src/core/receive.ts',
        find: '  unopened.delete(id)\n  keepForOthers',
        replace: '  unopened.set(id, { bytes, refusals: 0 })\n  keepForOthers'
      }
    ]
  },
  {
    name: 'tells-two-stories',
    why: 'Gives two texts one number, and tells each half of the others another one first.',
    edits: [
      {
        file: 'src/core/compose.ts',
        find: "import { encodeEntry } from '../wire/entry.ts'\n",
        replace: "import { decodeEntry, encodeEntry } from '../wire/entry.ts'\n"
      },
      {
        file: 'src/core/compose.ts',
        find: '  return maySeal(conversation) ? conversation.group.seal(turn, entry, sequence) : undefined\n',
        replace:
          '  if (!maySeal(conversation)) return undefined\n' +
          '  const one = conversation.group.seal(turn, entry, sequence)\n' +
          '  const told = decodeEntry(entry)\n' +
          "  if (told.content.type !== 'text') return one\n" +
          '  const content = { ...told.content, text: `${told.content.text}, or not` }\n' +
          '  const other = conversation.group.seal(turn, encodeEntry({ ...told, content }), sequence)\n' +
          '  return { epoch: one.epoch, envelopes: [...one.envelopes, ...other.envelopes] }\n'
      },
      {
        file: 'src/core/transmission.ts',
        find: 'items.flatMap(({ envelopes }) => envelopes)',
        replace:
          'items.flatMap(({ envelopes }) => (Number.parseInt(link.device[0]!, 16) % 2 === 0 ? envelopes : envelopes.toReversed()))'
      }
    ]
  }
]

/** The hostility of that name. Throws a RangeError where there is none. */
export function hostilityNamed(name: string): Hostility {
  const found = hostilities.find(each => each.name === name)
  if (found === undefined) throw new RangeError(`there is no bad faith called "${name}"`)
  return found
}

const source = new URL('../../../src/', import.meta.url).href
const opened = new Map<string, OpenNode>()
let isHooked = false

/** Opens nodes in bad faith. */
export async function hostileOpenNode(name: string): Promise<OpenNode> {
  const known = opened.get(name)
  if (known !== undefined) return known
  hostilityNamed(name)
  hook()
  const node = (await import(`${source}node.ts?hostile=${name}`)) as { openNode: OpenNode }
  opened.set(name, node.openNode)
  return node.openNode
}

function hook(): void {
  if (isHooked) return
  isHooked = true
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const resolved = nextResolve(specifier, context)
      const kind = kindOf(context.parentURL ?? '')
      return kind === undefined || !resolved.url.startsWith(source) || kindOf(resolved.url) !== undefined
        ? resolved
        : { ...resolved, url: `${resolved.url}?hostile=${kind}` }
    },
    load(url, context, nextLoad) {
      const kind = kindOf(url)
      if (kind === undefined) return nextLoad(url, context)
      const path = url.replace(/\?.*$/u, '')
      const hostility = hostilityNamed(kind)
      const text = readFileSync(fileURLToPath(path), 'utf8')
      const edits = hostility.edits.filter(
        ({ file }) => path === new URL(`../../../${file}`, import.meta.url).href
      )
      return {
        format: 'module-typescript',
        source: edits.reduce((edited, edit) => plant(edit, edited), text),
        shortCircuit: true
      }
    }
  })
}

const kindOf = (url: string): string | undefined => /\?hostile=([\w-]+)$/u.exec(url)?.[1]
