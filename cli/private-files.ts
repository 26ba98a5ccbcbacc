/** Files and folders that only their owner may touch, whatever the umask. */
import { chmod, lstat, mkdir, open, rename, rm } from 'node:fs/promises'
import { HearsayError } from 'hearsay'

const OTHERS = 0o077

/** Makes a folder for its owner only, or checks that it is one. Throws HOME_UNSAFE. */
export async function privateFolder(path: string): Promise<void> {
  const made = await mkdir(path, { recursive: true, mode: 0o700 })
  if (made !== undefined) await chmod(path, 0o700)
  const status = await lstat(path)
  const unsafe = (why: string): HearsayError =>
    new HearsayError('HOME_UNSAFE', { message: `${path} ${why}.` })
  // A link could be moved to where somebody else listens.
  if (!status.isDirectory()) throw unsafe('is not a plain folder')
  if (process.getuid === undefined) return
  if (status.uid !== process.getuid()) throw unsafe('belongs to another user')
  if ((status.mode & OTHERS) !== 0) throw unsafe('can be read or written by others')
}

/** Replaces a file in one step, for its owner only; on disk when this resolves. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const draft = `${path}.${process.pid}.new`
  await rm(draft, { force: true })
  const handle = await open(draft, 'wx', 0o600)
  try {
    await handle.chmod(0o600)
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(draft, path)
}
