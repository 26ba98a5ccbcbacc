/** What is done only after somebody said yes: at the prompt (run.ts asks), or with `--yes`. */
import { HearsayError } from 'hearsay'
import { z } from 'zod'

/** The parameter of every verb that asks. */
export const yes = z.boolean().default(false).meta({ description: 'do it without asking' })

/** Throws NOT_A_TERMINAL where nobody said yes. */
export function confirmed(said: boolean, what: string): void {
  if (said) return
  throw new HearsayError('NOT_A_TERMINAL', {
    message: `${what} after confirmation only.`,
    hint: 'Run it in a terminal, or add --yes.'
  })
}
