/** The entry: one run in this process. */
import { run } from './run.ts'
import { processSurroundings } from './surroundings.ts'

// Whatever is made from here on is for its owner only, whatever the shell said.
process.umask(0o077)
// Node opens a debugger, and with it everything that is in memory, to whoever may send this signal.
process.on('SIGUSR1', () => undefined)
process.exitCode = await run(process.argv.slice(2), processSurroundings())
