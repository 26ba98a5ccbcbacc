/**
 * What shapes a node: the home, its `config.json`, and the options of the command line, which win.
 *
 * Always true: nothing secret is a setting; a passphrase is a file's name, never the passphrase.
 */
import { readFile, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { HearsayError } from 'hearsay'
import { z } from 'zod'
import { limits } from './limits.ts'
import type { Environment } from './surroundings.ts'

/** `config.json` of a home. An unknown key is an error: a typing mistake must not switch something on or off. */
export const configSchema = z.strictObject({
  /** Multiaddrs to listen on; a fixed port lets contacts find the node again. */
  listen: z.array(z.string()).optional(),
  /** Multiaddrs to tell contacts instead of those that the node sees. */
  announce: z.array(z.string()).optional(),
  bootstrap: z.array(z.string()).optional(),
  dht: z.union([z.boolean(), z.enum(['off', 'client', 'server'])]).optional(),
  mdns: z.boolean().optional(),
  offline: z.boolean().optional(),
  /** The name of a file, relative to the home. */
  passphraseFile: z.string().optional()
})
type Config = z.infer<typeof configSchema>

/** The options that every verb takes. */
export interface GlobalOptions {
  readonly home?: string
  readonly json?: boolean
  readonly passphraseFile?: string
  readonly listen?: readonly string[]
  readonly bootstrap?: readonly string[]
  readonly dht?: boolean
  readonly mdns?: boolean
  readonly offline?: boolean
}

/** How a node reaches others. */
export interface NetworkSettings {
  readonly listen?: string[]
  readonly announce?: string[]
  readonly bootstrap?: string[]
  readonly dht?: 'off' | 'client' | 'server'
  readonly mdns?: boolean
}

export interface Settings {
  /** An absolute path. */
  readonly home: string
  readonly network: NetworkSettings | false
  /** `-` is standard input. */
  readonly passphraseFile: string | undefined
}

/** The home that somebody means: `--home`, `HEARSAY_HOME`, or the place that XDG gives. */
export function homeOf(option: string | undefined, environment: Environment): string {
  const named = option ?? environment['HEARSAY_HOME']
  if (named !== undefined && named !== '') return resolve(named)
  const shared = environment['XDG_DATA_HOME']
  // The XDG Base Directory Specification: relative paths are to be ignored.
  const base = shared?.startsWith('/') === true ? shared : join(homedir(), '.local', 'share')
  return join(base, 'hearsay')
}

/** The configuration of a home; empty where there is no file. Throws INVALID_CONFIG. */
async function readConfig(home: string): Promise<Config> {
  const path = join(home, 'config.json')
  const refused = (why: string, cause?: unknown): HearsayError =>
    new HearsayError('INVALID_CONFIG', { message: `${path}: ${why}`, cause })
  try {
    if ((await stat(path)).size > limits.configMaxBytes) throw refused('it is too large')
    const parsed = configSchema.safeParse(JSON.parse(await readFile(path, 'utf8')))
    if (parsed.success) return parsed.data
    throw refused(z.prettifyError(parsed.error), parsed.error)
  } catch (cause) {
    if (cause instanceof HearsayError) throw cause
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw refused(cause instanceof SyntaxError ? 'it is not JSON' : 'it cannot be read', cause)
  }
}

function networkOf(config: Config, options: GlobalOptions): NetworkSettings | false {
  if (options.offline ?? config.offline ?? false) return false
  const listen = options.listen ?? config.listen
  const bootstrap = options.bootstrap ?? config.bootstrap
  // `--no-dht` and `--no-mdns` can only take away: commander says true when neither was given.
  const dht =
    options.dht === false || config.dht === false ? 'off' : config.dht === true ? undefined : config.dht
  const mdns = options.mdns === false ? false : config.mdns
  return {
    ...(listen === undefined ? {} : { listen: [...listen] }),
    ...(config.announce === undefined ? {} : { announce: config.announce }),
    ...(bootstrap === undefined ? {} : { bootstrap: [...bootstrap] }),
    ...(dht === undefined ? {} : { dht }),
    ...(mdns === undefined ? {} : { mdns })
  }
}

/** The settings of one run. Throws INVALID_CONFIG. */
export async function settingsOf(options: GlobalOptions, environment: Environment): Promise<Settings> {
  const home = homeOf(options.home, environment)
  const config = await readConfig(home)
  const configured = config.passphraseFile === undefined ? undefined : resolve(home, config.passphraseFile)
  return {
    home,
    network: networkOf(config, options),
    passphraseFile: options.passphraseFile ?? configured
  }
}
