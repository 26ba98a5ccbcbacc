/** The section of docs/evidence.md about large groups: written by `npm run thousand -- --write`, kept by `npm run evidence`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Phase } from './story.ts'

const PAGE = fileURLToPath(new URL('../../../docs/evidence.md', import.meta.url))
const HEADING = '\n## Large groups\n'

/** The section as the page has it now, from its heading to the end; empty where there is none. */
export function keptSection(): string {
  const page = readFileSync(PAGE, 'utf8')
  const from = page.indexOf(HEADING)
  return from < 0 ? '' : page.slice(from)
}

/** Puts the section at the end of the page, in place of an older one. */
export function writeSection(section: string): void {
  const page = readFileSync(PAGE, 'utf8')
  const from = page.indexOf(HEADING)
  writeFileSync(PAGE, `${(from < 0 ? page : page.slice(0, from)).trimEnd()}\n${section}`)
}

const KIB = 1024

/** What each phase of a story cost, as a table. */
export function sectionOf(phases: readonly Phase[], size: number, seed: number): string {
  const rows = phases.map(
    ({
      name,
      virtualMs,
      cpuSeconds,
      cpuMsMedian,
      cpuMsMost,
      longestBatchMs,
      bytesMedian,
      bytesMost,
      recordBytesMedian
    }) =>
      `| ${name} | ${(virtualMs / 1000).toFixed(1)} s | ${cpuSeconds.toFixed(1)} s | ${cpuMsMedian.toFixed(0)} / ${cpuMsMost.toFixed(0)} ms | ${longestBatchMs.toFixed(0)} ms | ${Math.round(bytesMedian / KIB)} / ${Math.round(bytesMost / KIB)} KiB | ${Math.round(recordBytesMedian / KIB)} KiB |`
  )
  const heap = Math.max(...phases.map(({ heapBytes }) => heapBytes)) / KIB / KIB
  return `${HEADING}
Written by \`npm run thousand -- --members ${size} --seed ${seed} --write\`, ${new Date().toISOString().slice(0, 10)}, Node ${process.versions.node}, ${cpus().length}
shared cores: ${size} whole cores with real rosters and real MLS (classical suite), in virtual time, on a thin network on
which most are connected to a part of the others. Everybody comes in by a link of the founder's; one message is written; the network
falls into two halves that both write, remove somebody and renew keys; it comes together. At the end everybody has
shown every text once and has the same roster, and every author knows that all have what it wrote.

| Phase | Virtual time | CPU of all | of one device, median / most | longest batch | sent by one device, median / most | written to disk, median |
|---|---|---|---|---|---|---|
${rows.join('\n')}

Memory of all ${size} cores in one process: at most ${heap.toFixed(0)} MiB of heap. A signature that one core has verified the others
of the process need not verify: a device by itself pays for each member's statements once more (benchmarks.md, "join").
`
}
