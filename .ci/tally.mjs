/**
 * Sums what the parts of a run reported. A test that ran in two parts counts once, and as failed if it ever did. A
 * file that did not load, a part that ended badly without a failed test, and a part without a report each count as one
 * failure.
 *
 *     node tally.mjs FOLDER PART...
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const [folder, ...parts] = process.argv.slice(2)

/** Tests by file and name, with how they ended. */
const results = new Map()

for (const part of parts) {
  const report = join(folder, `${part}.json`)
  const code = readFileSync(join(folder, `${part}.code`), 'utf8').trim()
  let failures = 0
  for (const file of existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')).testResults : []) {
    const tests = file.assertionResults
    for (const { fullName, status } of tests) {
      const test = `${file.name} ${fullName}`
      if (results.get(test) !== 'failed') results.set(test, status)
    }
    const failed = tests.filter(({ status }) => status === 'failed').length
    if (file.status === 'failed' && failed === 0) results.set(file.name, 'failed')
    failures += file.status === 'failed' ? 1 : 0
  }
  if (!existsSync(report)) console.log(`${part} ended with ${code}, before its tests`)
  else if (code !== '0' && failures === 0) console.log(`${part} ended with ${code}, though no test failed`)
  if (!existsSync(report) || (code !== '0' && failures === 0)) results.set(`${part} as a whole`, 'failed')
}

const count = (...wanted) => [...results.values()].filter(status => wanted.includes(status)).length
const skipped = results.size - count('passed', 'failed')
const failed = count('failed')
if (skipped > 0) console.log(`${skipped} skipped`)
console.log(`${count('passed')} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
