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
    const { stdin, stdout } = context.surroundings
    const watched = stdin.isTTY === true && stdout.isTTY === true
    // Loaded only here: every other verb starts faster without.
    if (watched || plain)
      await (await import('../chat/chat.ts')).chatIn(context, { plain: !watched || plain })
    else await (await import('../demo.ts')).demonstrate(context)
  },
  text: () => literal('')
})
