/** Programs of the system that stories need: for network namespaces and small disks. */
import { spawnSync } from 'node:child_process'

/** Runs one to its end. Returns what went wrong; the empty string where nothing did. */
export function system(program: string, ...args: readonly string[]): string {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' })
  if (error !== undefined) return error.message
  return status === 0 ? '' : `${program} ${args.join(' ')}: ${stderr.trim()}`
}
