/**
 * The frame of a story: a folder that goes away at its end, people, and every process that was started in it,
 * which ends with it. A story that fails prints what was run, so that it can be run again by hand.
 */
import { mkdtemp, mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test as base } from 'vitest'
import type { Child } from './child.ts'
import { Person, type Surroundings } from './person.ts'

export class Story {
  readonly folder: string
  /** Number of the random choices of this story; SEED chooses it. */
  readonly seed: number
  readonly children: Child[] = []
  readonly #ends: (() => unknown)[] = []

  private constructor(folder: string, seed: number) {
    this.folder = folder
    this.seed = seed
  }

  static async begin(): Promise<Story> {
    const folder = await mkdtemp(join(tmpdir(), 'hearsay-e2e-'))
    await mkdir(join(folder, 'run'), { mode: 0o700 })
    const seed = Number(process.env['SEED'] ?? Math.trunc(Math.random() * 2 ** 31))
    return new Story(folder, seed)
  }

  /** The environment of every process: this story's folders and nothing of whoever runs it. */
  get env(): NodeJS.ProcessEnv {
    return {
      PATH: process.env['PATH'],
      HOME: this.folder,
      XDG_RUNTIME_DIR: join(this.folder, 'run'),
      TMPDIR: this.folder,
      LANG: 'C.UTF-8'
    }
  }

  /** Somebody with a home of their own that is not made yet. */
  person(name: string, surroundings: Partial<Surroundings> & { readonly home?: string } = {}): Person {
    const { home = join(this.folder, name), ...rest } = surroundings
    return new Person(name, home, { env: this.env, ...rest }, child => this.keep(child))
  }

  /** Ends this process with the story, whatever happens. */
  keep<Kept extends Child>(child: Kept): Kept {
    this.children.push(child)
    return child
  }

  /** Runs this at the end, the last one first. */
  atEnd(end: () => unknown): void {
    this.#ends.push(end)
  }

  async end(): Promise<void> {
    for (const child of this.children) child.kill('SIGKILL')
    await Promise.all(this.children.map(({ ended }) => ended))
    for (const end of this.#ends.toReversed()) await end()
    if (process.env['KEEP'] === undefined) await rm(this.folder, { recursive: true, force: true })
  }

  /** What was run, and how to run it again. */
  describe(test: string): string {
    const again = `SEED=${this.seed} KEEP=1 npx vitest run --project e2e -t ${JSON.stringify(test)}`
    return [
      `Again, keeping ${this.folder}: ${again}`,
      ...this.children.slice(-12).map(child => child.describe())
    ].join('\n')
  }
}

/** A test with a story of its own. */
export const test = base.extend<{ story: Story }>({
  story: async ({ task, onTestFailed }, use) => {
    const story = await Story.begin()
    onTestFailed(() => console.error(story.describe(task.name)))
    await use(story)
    await story.end()
  }
})
