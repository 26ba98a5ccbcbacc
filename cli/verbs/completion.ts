/** Completion as a verb: prints what a shell loads. */
import { z } from 'zod'
import { literal } from '../output/safe-text.ts'
import { hereVerb } from '../verb.ts'

export const completion = hereVerb({
  name: 'completion',
  summary: 'print the completion script of a shell',
  details:
    'bash: source <(hearsay completion bash), in ~/.bashrc; likewise for zsh. fish: hearsay completion fish | source',
  params: { shell: z.enum(['bash', 'zsh', 'fish']).meta({ description: 'your shell' }) },
  positionals: ['shell'],
  result: z.never(),
  async run({ shell }, { surroundings }) {
    const { completionRun } = await import('../completion.ts')
    await completionRun(['completion', shell], surroundings)
  },
  text: () => literal('')
})
