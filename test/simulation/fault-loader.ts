/**
 * Plants one fault: edits one source file in memory while it is loaded, in a child process that was started
 * with `--import` of this file and the fault's name in HEARSAY_FAULT. The files on disk are not touched.
 */
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { faultNamed, plant } from './faults.ts'

const fault = faultNamed(process.env['HEARSAY_FAULT'] ?? '')
const target = new URL(`../../${fault.file}`, import.meta.url).href

registerHooks({
  load(url, context, nextLoad) {
    if (url !== target) return nextLoad(url, context)
    const source = plant(fault, readFileSync(fileURLToPath(url), 'utf8'))
    return { format: 'module-typescript', source, shortCircuit: true }
  }
})
