/** The entry: one run in this process. */
import { run } from './run.ts'
import { processSurroundings } from './surroundings.ts'

// Whatever is made from here on is for its owner only, whatever the shell said.
process.umask(0o077)
process.exitCode = await run(process.argv.slice(2), processSurroundings())
