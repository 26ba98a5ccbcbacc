/** `doctor`: tries each thing that a node needs, and says what to mend. */
import { HearsayError, type ErrorCode } from 'hearsay'
import { z } from 'zod'
import {
  bootstrapCheck,
  clockCheck,
  diskCheck,
  homeCheck,
  listenCheck,
  mdnsCheck,
  runtimeCheck,
  type Check
} from '../doctor/checks.ts'
import { nodeChecks } from '../doctor/node-checks.ts'
import { line } from '../facts.ts'
import { row } from '../output/people.ts'
import { literal, safe, words } from '../output/safe-text.ts'
import { hereVerb, type HereContext } from '../verb.ts'

const checkLine = line('check', {
  name: z.string(),
  ok: z.boolean(),
  detail: z.string(),
  hint: z.string()
})

async function* checks(context: HereContext): AsyncGenerator<Check> {
  const { settings, surroundings } = context
  yield* homeCheck(settings.home)
  yield* runtimeCheck(settings.home, surroundings.environment)
  yield* diskCheck(settings.home)
  yield* clockCheck(settings.home)
  if (settings.network !== false) {
    yield* listenCheck(settings.network.listen ?? [])
    yield* mdnsCheck(settings.network.mdns ?? true)
    yield* bootstrapCheck(settings.network.bootstrap ?? [])
  }
  yield* nodeChecks(context)
}

export const doctor = hereVerb({
  name: 'doctor',
  summary: 'try each thing that a node needs, and say what to mend',
  details: 'Fails (exit 1) when something fails that a node cannot do without.',
  params: {},
  result: checkLine,
  lists: true,
  async *run(_params, context) {
    let failure: ErrorCode | undefined
    for await (const { name, ok, detail, hint, code } of checks(context)) {
      yield { v: 1 as const, type: 'check' as const, name, ok, detail, hint: ok ? '' : hint }
      if (!ok) failure ??= code
    }
    if (failure !== undefined) throw new HearsayError(failure)
  },
  text({ name, ok, detail, hint }, paint) {
    const mark = ok ? paint('green', literal('ok  ')) : paint('red', literal('FAIL'))
    const mend = hint === '' ? literal('') : words`\n                  ${paint('yellow', safe(hint))}`
    return words`${mark} ${row(safe(name), safe(detail))}${mend}`
  }
})
