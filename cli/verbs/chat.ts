/** The chat as a verb: what a bare `hearsay` means. */
import { z } from 'zod'
import { literal } from '../output/safe-text.ts'
import { hereVerb } from '../verb.ts'

export const chat = hereVerb({
  name: 'chat',
  summary: 'open the chat; without a terminal, show a scripted conversation',
  params: {
    plain: z.boolean().default(false).meta({ description: 'lines only, also when input is no terminal' })
  },
  result: z.never(),
  async run({ plain }, context) {
    const { stdin, stdout, environment } = context.surroundings
    const typed = stdin.isTTY === true
    const drawn = typed && stdout.isTTY === true && environment['TERM'] !== 'dumb'
    // Loaded only here: every other verb starts faster without.
    if (typed || plain) await (await import('../chat/chat.ts')).chatIn(context, { plain: !drawn || plain })
    else await (await import('../demo.ts')).demonstrate(context)
  },
  text: () => literal('')
})
