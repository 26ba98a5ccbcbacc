/** `npm run thousand -- [--members N] [--seed N] [--write]`: the story of a large group, with what each phase costs. */
import { parseArgs } from 'node:util'
import { sectionOf, writeSection } from './page.ts'
import { tell } from './story.ts'
import type { Phase } from './story.ts'

const { values } = parseArgs({
  options: {
    members: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    write: { type: 'boolean', default: false }
  }
})
const size = Number(values.members)
const MIB = 1024 * 1024

function print(phase: Phase): void {
  const { name, virtualMs, cpuSeconds, cpuMsMedian, cpuMsMost, longestBatchMs } = phase
  console.log(
    [
      name.padEnd(44),
      `${(virtualMs / 1000).toFixed(1)} s`.padStart(9),
      `CPU ${cpuSeconds.toFixed(1)} s`.padStart(13),
      `device ${cpuMsMedian.toFixed(1)}/${cpuMsMost.toFixed(0)} ms`.padStart(22),
      `longest ${longestBatchMs.toFixed(0)} ms`.padStart(15),
      `sent ${(phase.bytesMedian / 1024).toFixed(0)}/${(phase.bytesMost / 1024).toFixed(0)} KiB`.padStart(22),
      `disk ${(phase.recordBytesMedian / 1024).toFixed(0)} KiB`.padStart(15),
      `heap ${(phase.heapBytes / MIB).toFixed(0)} MiB`.padStart(14),
      `wall ${phase.wallSeconds.toFixed(0)} s`.padStart(11)
    ].join(' ')
  )
}

const seed = Number(values.seed)
const { phases } = tell({ seed, size, onPhase: print })
if (values.write) writeSection(sectionOf(phases, size, seed))
