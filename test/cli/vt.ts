/**
 * A small terminal, for looking at what a person would see: the part of ECMA-48 and xterm that this program and an
 * attacker use. It answers queries and keeps a title and a clipboard, so that a test can say that nobody asked.
 */
import { Writable } from 'node:stream'
import stringWidth from 'string-width'

const ESC = '\u001B'
// eslint-disable-next-line no-control-regex
const SEQUENCE = new RegExp(
  `^(?:${ESC}\\[([?>=]?[\\d;]*)([@-~])|${ESC}\\]([^\\u0007${ESC}]*)(?:\\u0007|${ESC}\\\\)|${ESC}[P_^X][^${ESC}]*${ESC}\\\\|${ESC}([78c=>]))`,
  'u'
)

export class TestScreen extends Writable {
  readonly isTTY = true
  readonly columns: number
  readonly rows: number
  title = ''
  clipboard = ''
  /** What the terminal typed by itself, to answer. */
  answers = ''
  /** Sequences that it does not know. */
  readonly unknown: string[] = []
  #cells: string[][] = []
  #row = 0
  #column = 0
  #saved: readonly [number, number] = [0, 0]
  #pending = ''
  #waiting: (() => void)[] = []

  constructor(columns = 60, rows = 20) {
    super({ decodeStrings: false })
    this.columns = columns
    this.rows = rows
  }

  override _write(chunk: string | Buffer, _encoding: string, done: () => void): void {
    this.show(chunk.toString())
    done()
  }

  /** Everything that was ever shown, also what has scrolled away. */
  get text(): string {
    return this.#cells
      .map(row => row.join('').trimEnd())
      .join('\n')
      .trimEnd()
  }

  /** Resolves once the screen shows it. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.text)) await new Promise<void>(resolve => this.#waiting.push(resolve))
    return this.text
  }

  show(text: string): void {
    let rest = this.#pending + text
    this.#pending = ''
    while (rest !== '') {
      if (rest.startsWith(ESC)) {
        const found = SEQUENCE.exec(rest)
        if (found === null) {
          // The rest of it may be in the next chunk.
          if (rest.length < 16) {
            this.#pending = rest
            break
          }
          this.unknown.push(rest.slice(0, 16))
          rest = rest.slice(1)
          continue
        }
        this.#obey(found)
        rest = rest.slice(found[0].length)
      } else {
        const character = String.fromCodePoint(rest.codePointAt(0) ?? 0)
        this.#put(character)
        rest = rest.slice(character.length)
      }
    }
    for (const wake of this.#waiting.splice(0)) wake()
  }

  #put(character: string): void {
    if (character === '\r') this.#column = 0
    else if (character === '\n') this.#row++
    else if (character === '\b') this.#column = Math.max(0, this.#column - 1)
    else if (character >= ' ') {
      const width = stringWidth(character)
      if (this.#column + width > this.columns) {
        this.#column = 0
        this.#row++
      }
      const row = (this.#cells[this.#row] ??= [])
      while (row.length < this.#column) row.push(' ')
      if (width === 0) row[this.#column - 1] = `${row[this.#column - 1] ?? ''}${character}`
      else row.splice(this.#column, width, character, ...Array<string>(width - 1).fill(''))
      this.#column += width
    }
  }

  #obey([, parameters = '', final = '', osc, simple]: RegExpExecArray): void {
    const count = Math.max(1, Number(parameters) || 1)
    if (osc !== undefined) {
      if (osc.startsWith('52;')) this.clipboard += osc
      else this.title += osc
    } else if (simple === '7') this.#saved = [this.#row, this.#column]
    else if (simple === '8') [this.#row, this.#column] = this.#saved
    else if (final === 'A') this.#row = Math.max(0, this.#row - count)
    else if (final === 'B') this.#row += count
    else if (final === 'C') this.#column += count
    else if (final === 'D') this.#column = Math.max(0, this.#column - count)
    else if (final === 'G') this.#column = count - 1
    else if (final === 'J' && (parameters === '' || parameters === '0')) this.#clearBelow()
    else if (final === 'K') this.#cells[this.#row]?.splice(this.#column)
    else if (final === 'n' || final === 'c') this.answers += `${ESC}[0${final}`
    else if (final !== 'm' && !parameters.startsWith('?')) this.unknown.push(`${parameters}${final}`)
  }

  #clearBelow(): void {
    this.#cells[this.#row]?.splice(this.#column)
    this.#cells.splice(this.#row + 1)
  }
}
