/** How the chat shows what happens: rows, marks and day breaks. */
import type { DeliveryState } from 'hearsay'
import type { MessageFact } from '../facts.ts'
import { plain, type Paint } from '../output/paint.ts'
import { conversationName, localDay, localTime, person } from '../output/people.ts'
import { columns, indented, literal, safe, safeLines, words, type SafeText } from '../output/safe-text.ts'

/** The mark of an own message. A mark says what is true, never more. */
export function markOf(state: DeliveryState, paint: Paint): SafeText {
  switch (state) {
    case 'queued':
      return paint('dim', literal('· '))
    case 'sent':
      return literal('✓ ')
    case 'held':
      return paint('yellow', literal('◌ '))
    case 'delivered':
      return literal('✓✓')
    case 'read':
      return paint('cyan', literal('✓✓'))
    default:
      return paint('red', literal('✗ '))
  }
}

/** What the marks mean, in one line. */
export const legend = literal(
  '· queued on disk   ✓ sent   ◌ held by a mailbox   ✓✓ delivered (coloured: read)   ✗ failed'
)

/** A message as the screen takes it: what stands before its mark, and after. */
export interface MessageRow {
  readonly before: SafeText
  readonly mark: SafeText
  readonly after: SafeText
}

/** A row for a message. Those of other conversations than the open one say where they belong. */
export function messageRow(message: MessageFact, open: string | undefined, paint: Paint): MessageRow {
  const before = words`${paint('dim', localTime(message.receivedAt))} `
  const mark = message.from.self ? markOf(message.delivery ?? 'queued', paint) : literal('  ')
  const elsewhere = message.conversation !== open
  const where = conversationName(message, plain)
  const self = elsewhere ? words`you → ${where}` : literal('you')
  const author = person(message.from, paint)
  const other = elsewhere && message.conversationKind === 'group' ? words`${where} ${author}` : author
  const who = message.from.self ? paint('dim', self) : paint('cyan', other)
  const head = words` ${who}: `
  // Lines after the first one stand under it, so that none of them can pass for a row of its own.
  const width = columns(before) + columns(mark) + columns(head)
  return { before, mark, after: words`${head}${indented(safeLines(message.text), Math.min(width, 24))}` }
}

/** A verb's words for people, with its hints as lines of the chat: `/verify bob` instead of a command. */
export const asChatLine = (text: SafeText): SafeText => text.replaceAll(': hearsay ', ': /') as SafeText

/** A typed line as it is echoed: links are long, and nobody reads them twice. */
export const echo = (line: string, paint: Paint): SafeText =>
  paint('dim', line.length <= ECHO_MAX ? safe(line) : words`${safe(line.slice(0, ECHO_MAX))}…`)

const ECHO_MAX = 60

/** The line between two days. */
export const dayBreak = (isoTime: string, paint: Paint): SafeText =>
  paint('dim', words`── ${localDay(isoTime)} ──`)
