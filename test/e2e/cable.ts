/**
 * Two places on one cable that can be cut: a network namespace for each and one for the cable between them, as two
 * houses and the street. What is cut goes silent without a word, as when a cable breaks: nobody's interface goes
 * down, and no connection is told.
 */
import type { Story } from './story.ts'
import { system } from './system.ts'

export interface Place {
  /** What stands before a command that is to run there. */
  readonly prefix: readonly string[]
  /** Its address on the cable. */
  readonly address: string
}

export interface Cable {
  readonly east: Place
  readonly west: Place
  /** Nothing gets through any more. */
  cut(): void
  mend(): void
}

const ip = (...args: readonly string[]): string => system('ip', ...args)

/** Runs one after the other. Returns what went wrong first; the empty string where nothing did. */
function inTurn(commands: readonly (readonly string[])[]): string {
  for (const command of commands) {
    const refused = ip(...command)
    if (refused !== '') return refused
  }
  return ''
}

/** One end of the cable: a pair of interfaces, of which one is at the place and one in the street. */
const end = (street: string, space: string, name: string, address: string): (readonly string[])[] => [
  ['-n', street, 'link', 'add', name, 'type', 'veth', 'peer', 'name', 'lan', 'netns', space],
  ['-n', street, 'link', 'set', name, 'master', 'street'],
  ['-n', street, 'link', 'set', name, 'up'],
  ['-n', space, 'addr', 'add', `${address}/24`, 'dev', 'lan'],
  ['-n', space, 'link', 'set', 'lo', 'up'],
  ['-n', space, 'link', 'set', 'lan', 'up'],
  ['-n', space, 'route', 'add', '224.0.0.0/4', 'dev', 'lan']
]

/** Lays a cable between two places, for one story. Says why not, where it cannot. */
export function cableBetween(story: Story): Cable | string {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'it takes root on Linux'
  const [street, east, west] = ['street', 'east', 'west'].map(name => `hearsay-${process.pid}-${name}`) as [
    string,
    string,
    string
  ]
  for (const space of [street, east, west]) {
    const refused = ip('netns', 'add', space)
    if (refused !== '') return refused
    story.atEnd(() => ip('netns', 'del', space))
  }
  const refused = inTurn([
    ['-n', street, 'link', 'add', 'street', 'type', 'bridge'],
    ['-n', street, 'link', 'set', 'street', 'up'],
    ...end(street, east, 'east', '10.78.0.1'),
    ...end(street, west, 'west', '10.78.0.2')
  ])
  if (refused !== '') return refused
  const turn = (state: 'up' | 'down'): void => {
    // Taken out of the bridge, not switched off: the places must not see their link go down.
    const args = state === 'up' ? ['master', 'street'] : ['nomaster']
    const failure = ip('-n', street, 'link', 'set', 'west', ...args)
    if (failure !== '') throw new Error(failure)
  }
  return {
    east: { prefix: ['ip', 'netns', 'exec', east], address: '10.78.0.1' },
    west: { prefix: ['ip', 'netns', 'exec', west], address: '10.78.0.2' },
    cut: () => turn('down'),
    mend: () => turn('up')
  }
}
