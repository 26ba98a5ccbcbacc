/** Vectors that others made, from a folder beside the repository. Tests without them are skipped and say so. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { describe, test } from 'vitest'

const folder = fileURLToPath(new URL('../../../../shared/vectors/', import.meta.url))

/** Bytes of the hexadecimal text in a vector. */
export const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))

/**
 * Describes tests over the cases of one file. `Case` says what the file has; only the fields that are named
 * there are read.
 */
export function describeVectors<Case>(
  file: string,
  define: (cases: readonly Case[]) => void,
  pick: (content: never) => readonly Case[] = content => content as readonly Case[]
): void {
  const path = `${folder}${file}.json.gz`
  if (!existsSync(path)) {
    describe(file, () => test.skip(`the vectors are not there (${file}.json.gz)`, () => undefined))
    return
  }
  const content = JSON.parse(gunzipSync(readFileSync(path)).toString()) as never
  describe(file, () => define(pick(content)))
}
