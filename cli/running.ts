/**
 * Who runs the node of a home, and where it answers.
 *
 * The holder writes `running.json` into the home, beside the store's lock. The file is a hint and nothing more:
 * the lock decides who holds the home, and whether a socket answers decides whether a node runs. So a file that a
 * crash left behind does no harm.
 *
 * The socket is not in the home but in a short folder of the user's own: a socket's path has some hundred bytes,
 * and homes, above all those of tests, are deep.
 */
import { createHash } from 'node:crypto'
import { lstat, readFile, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { limits } from './limits.ts'
import { privateFolder, writePrivateFile } from './private-files.ts'
import type { Environment } from './surroundings.ts'

const holderSchema = z.object({
  pid: z.int().positive(),
  socket: z.string().max(limits.socketPathMaxBytes),
  stays: z.boolean().default(true)
})

/** The process that holds a home, by its own word. */
export type Holder = z.infer<typeof holderSchema>

const fileIn = (home: string): string => join(home, 'running.json')

/** Says in the home who holds it. The caller holds the store's lock. */
export const writeHolder = async (home: string, holder: Holder): Promise<void> =>
  writePrivateFile(fileIn(home), `${JSON.stringify(holder)}\n`)

/** Takes our word back. */
export const removeHolder = async (home: string): Promise<void> => rm(fileIn(home), { force: true })

/** Who says to hold this home; undefined when nobody does, or what is there makes no sense. */
export async function readHolder(home: string): Promise<Holder | undefined> {
  try {
    return holderSchema.parse(JSON.parse(await readFile(fileIn(home), 'utf8')))
  } catch {
    return undefined
  }
}

/**
 * Folders that could hold the socket, best first: the user's runtime folder, a folder of our own in /tmp, and the
 * home, for the case that somebody else took that name in /tmp.
 */
function runtimeFolders(home: string, environment: Environment): readonly string[] {
  const runtime = environment['XDG_RUNTIME_DIR']
  const own = `hearsay-${process.getuid?.() ?? 'user'}`
  return [
    ...(runtime?.startsWith('/') === true ? [join(runtime, 'hearsay')] : []),
    join(tmpdir(), own),
    join('/tmp', own),
    home
  ]
}

/** Where the node of a home is to listen; its folder is there and closed to others. Throws HOME_UNSAFE. */
export async function socketPath(home: string, environment: Environment): Promise<string> {
  // One home has one socket by whichever path it was named.
  const real = await realpath(home)
  const name = createHash('sha256').update(real).digest('hex').slice(0, 16)
  if (process.platform === 'win32') return `\\\\.\\pipe\\hearsay-${name}`
  const folders = runtimeFolders(real, environment).filter(
    folder => Buffer.byteLength(join(folder, `${name}.sock`)) <= limits.socketPathMaxBytes
  )
  let failure: unknown
  for (const folder of folders) {
    try {
      await privateFolder(folder)
      return join(folder, `${name}.sock`)
    } catch (error) {
      failure ??= error
    }
  }
  throw failure
}

/** Whether a socket is ours: what we send there must not reach a stranger who was faster. */
export async function isOwnSocket(path: string): Promise<boolean> {
  if (process.getuid === undefined) return true
  try {
    const status = await lstat(path)
    return status.isSocket() && status.uid === process.getuid()
  } catch {
    return false
  }
}
