/**
 * A bot: anybody who has its address may become a contact, and gets everything back. It remembers where it was, so
 * whatever was written to it while it was stopped is answered when it runs again.
 *
 *     node -C hearsay-source examples/03-echo-bot.ts FOLDER [LISTEN]
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createNode, fileStore, type Cursor, type HearsayEvent } from 'hearsay'

const [folder = './echo-bot', listen = '/ip4/0.0.0.0/tcp/0'] = process.argv.slice(2)
await mkdir(folder, { recursive: true, mode: 0o700 })
const stopping = new AbortController()
process.once('SIGTERM', () => stopping.abort()).once('SIGINT', () => stopping.abort())

await using bot = await createNode({
  store: fileStore(join(folder, 'home')),
  name: 'echo',
  network: { listen: [listen] }
})

// One address for everybody, made once. Unlike an invite it can be used again, until it is revoked.
const open = (await bot.contacts.invites()).find(({ reusable, state }) => reusable && state === 'open')
const { link } = open ?? (await bot.contacts.invite({ reusable: true }))
console.log(link)

// Every event has a cursor that stays valid over restarts. What comes after the last one we finished is still due.
const cursorFile = join(folder, 'cursor')
const since = Number(await readFile(cursorFile, 'utf8').catch(() => '0')) as Cursor

try {
  for await (const event of bot.events({ since, signal: stopping.signal })) {
    await answer(event)
    await writeFile(`${cursorFile}.new`, String(event.cursor))
    await rename(`${cursorFile}.new`, cursorFile)
  }
} catch (error) {
  if (!stopping.signal.aborted) throw error
}

async function answer(event: HearsayEvent): Promise<void> {
  if (event.type === 'contact:requested') {
    // A crash may have come between our answer and the cursor: then nobody waits any more.
    const waiting = await bot.contacts.requests()
    if (waiting.some(({ id }) => id === event.request.id)) await bot.contacts.accept(event.request.id)
  }
  if (event.type === 'message:received') {
    const { from, text, id } = event.message
    const chat = await bot.direct(from.id)
    await chat.send(text, { replyTo: id })
    await chat.markRead()
  }
}
