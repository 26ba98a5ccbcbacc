/** What is written is found in no file of the home, in no form: neither while it is open nor afterwards. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openKeyFile } from '../../src/store/key.ts'
import { changePassphrase, fileStore } from '../../src/store/sqlite.ts'
import { copyAsCrashed, filesIn, temporaryFolder } from './places.ts'

/** Every form in which text tends to leak. */
function formsOf(secret: Uint8Array): Map<string, Buffer> {
  const bytes = Buffer.from(secret)
  const forms = new Map([
    ['bytes', bytes],
    ['utf16le', Buffer.from(bytes.toString('latin1'), 'utf16le')],
    ['utf16be', Buffer.from(bytes.toString('latin1'), 'utf16le').swap16()],
    ['hex', Buffer.from(bytes.toString('hex'))],
    ['HEX', Buffer.from(bytes.toString('hex').toUpperCase())]
  ])
  for (const shift of [0, 1, 2])
    for (const encoding of ['base64', 'base64url'] as const) {
      // Without the characters that depend on what stands before and after.
      const text = Buffer.concat([Buffer.alloc(shift), bytes])
        .toString(encoding)
        .replaceAll('=', '')
      forms.set(`${encoding}+${shift}`, Buffer.from(text.slice(shift === 0 ? 0 : shift + 1, -1)))
    }
  return forms
}

/** Where in a folder any of these secrets stands in any form. */
async function leaksIn(folder: string, secrets: readonly Uint8Array[]): Promise<string[]> {
  const leaks: string[] = []
  for (const [path, bytes] of await filesIn(folder))
    for (const secret of secrets)
      for (const [form, needle] of formsOf(secret))
        if (bytes.includes(needle))
          leaks.push(`${path}: ${form} of ${Buffer.from(secret).toString('latin1')}`)
  return leaks
}

test('the search itself finds what is there', async () => {
  await using folder = await temporaryFolder()
  const secret = Buffer.from('canary-of-the-search')
  for (const [form, bytes] of formsOf(secret)) {
    await writeFile(join(folder.path, 'file'), Buffer.concat([Buffer.from('..'), bytes, Buffer.from('..')]))
    expect(await leaksIn(folder.path, [secret]), form).not.toEqual([])
  }
  for (const shift of [3, 4, 5]) {
    await writeFile(
      join(folder.path, 'file'),
      Buffer.from(`${'x'.repeat(shift)}${secret.toString()}yz`).toString('base64')
    )
    expect(await leaksIn(folder.path, [secret])).not.toEqual([])
  }
})

test('nothing that alice writes, and nothing that opens it, lies in the home in the clear', async () => {
  await using folder = await temporaryFolder()
  const home = join(folder.path, 'home')
  const passphrase = 'canary-passphrase-of-alice'
  const texts = ['canary-collection', 'canary-key-of-a-record', 'canary-value-meet-me-at-noon', passphrase]
  const secrets = texts.map(text => Buffer.from(text))
  const [collection, key, value] = [texts[0]!, texts[1]!, secrets[2]!]

  const store = await fileStore(home, { passphrase })
  const large = Buffer.alloc(300_000, value)
  for (let index = 0; index < 50; index++)
    await store.write([
      { collection, key: `${key}-${index}`, value },
      { collection, key, value: large.subarray(0, 5000 * index) }
    ])
  await store.write([{ collection, key, value: undefined }])
  copyAsCrashed(home, join(folder.path, 'while-open'))
  await store.close()
  expect(await leaksIn(join(folder.path, 'while-open'), secrets)).toEqual([])
  expect(await leaksIn(home, secrets)).toEqual([])

  const databaseKey = await openKeyFile(await readFile(join(home, 'store', 'key.json'), 'utf8'), passphrase)
  expect(await leaksIn(folder.path, [databaseKey])).toEqual([])
  await changePassphrase(home, { from: passphrase, to: 'another' })
  expect(await leaksIn(home, [...secrets, databaseKey, Buffer.from('another')])).toEqual([])
})
