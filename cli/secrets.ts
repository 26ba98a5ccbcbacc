/**
 * Secrets: a passphrase or a recovery phrase, from a file, standard input or the prompt; never from an argument or
 * the environment, which other programs can see.
 */
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { HearsayError } from 'hearsay'
import { limits } from './limits.ts'
import type { SafeText } from './output/safe-text.ts'
import type { Surroundings } from './surroundings.ts'

/** Whether there is a person to ask. */
export const canAsk = ({ stdin, stderr }: Surroundings): boolean =>
  stdin.isTTY === true && stderr.isTTY === true

/** All of standard input as text. Throws MESSAGE_TOO_LARGE beyond the limit. */
export async function readStandardInput({ stdin }: Surroundings): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of stdin) {
    parts.push(Buffer.from(part as Uint8Array))
    bytes += (part as Uint8Array).length
    if (bytes > limits.stdinMaxBytes) {
      throw new HearsayError('MESSAGE_TOO_LARGE', { message: 'Standard input holds too much.' })
    }
  }
  return Buffer.concat(parts).toString('utf8')
}

/** A secret out of a file; `-` is standard input. Its line end does not belong to it. */
export async function readSecretFile(path: string, surroundings: Surroundings): Promise<string> {
  const text = path === '-' ? await readStandardInput(surroundings) : await readSmallFile(path)
  return text.replace(/\r?\n$/u, '')
}

async function readSmallFile(path: string): Promise<string> {
  try {
    await using file = await open(path)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(limits.secretMaxBytes + 1), { position: 0 })
    if (bytesRead <= limits.secretMaxBytes) return buffer.toString('utf8', 0, bytesRead)
  } catch (cause) {
    throw new HearsayError('INVALID_ARGUMENT', {
      message: 'The file with the passphrase cannot be read.',
      hint: 'Check the name and the rights of the file.',
      cause
    })
  }
  throw new HearsayError('INVALID_ARGUMENT', { message: 'The file with the passphrase is too large.' })
}

/** Asks a person. With `hidden` nothing of the answer is shown. Throws ABORTED on Ctrl-C and Ctrl-D. */
export async function ask(
  question: SafeText,
  { stdin, stderr }: Surroundings,
  { hidden = false } = {}
): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const reader = createInterface({
    input: stdin,
    output: hidden ? silent : stderr,
    terminal: true,
    historySize: 0
  })
  const asked = new AbortController()
  const leave = (): void => asked.abort()
  reader.once('SIGINT', leave).once('close', leave)
  try {
    const answer = once(reader, 'line', { signal: asked.signal }) as Promise<[string]>
    // Only now: from here on the terminal shows nothing by itself, so a quick answer is not seen either.
    if (hidden) stderr.write(`${question} `)
    else {
      reader.setPrompt(`${question} `)
      reader.prompt()
    }
    const [line] = await answer
    return line.trim()
  } catch (cause) {
    throw new HearsayError('ABORTED', { cause })
  } finally {
    reader.close()
    if (hidden) stderr.write('\n')
  }
}
