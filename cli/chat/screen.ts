/**
 * Where the chat is shown: lines above, one line to type in below.
 *
 * Always true: what somebody is typing survives whatever arrives; a mark is changed in its own two columns or not
 * at all; nothing is printed that is not SafeText.
 */
import { createInterface, type Interface } from 'node:readline'
import { limits } from '../limits.ts'
import { columns, type SafeText } from '../output/safe-text.ts'
import type { Input, Output } from '../surroundings.ts'
import { linesOf } from '../rpc/lines.ts'

/** What completes a line: the candidates, and the part of the line that they would replace. */
export type Complete = (line: string) => readonly [candidates: readonly string[], part: string]

export interface Screen {
  print(text: SafeText): void
  /** Prints a line whose mark may change later. All marks have the same width, so one can take another's place. */
  printMarked(id: string, before: SafeText, mark: SafeText, after: SafeText): void
  /** Changes the mark of a line. False where the line is out of reach. */
  mark(id: string, mark: SafeText): boolean
  prompt(text: SafeText): void
  /** What was typed, line by line, until the end or `close`. */
  lines(): AsyncIterable<string>
  close(): void
}

/** Lines and nothing else, for pipes and screen readers. */
export class PlainScreen implements Screen {
  readonly #input: Input
  readonly #output: Output
  #closed = false

  constructor(input: Input, output: Output) {
    this.#input = input
    this.#output = output
  }

  print(text: SafeText): void {
    this.#output.write(`${text}\n`)
  }

  printMarked(_id: string, before: SafeText, mark: SafeText, after: SafeText): void {
    this.#output.write(`${before}${mark}${after}\n`)
  }

  mark(): boolean {
    return false
  }

  prompt(): void {
    // A pipe has nobody to prompt.
  }

  async *lines(): AsyncGenerator<string> {
    try {
      for await (const line of linesOf(this.#input)) {
        if ('text' in line) yield line.text.replace(/\r$/u, '')
      }
    } catch (error) {
      if (!this.#closed) throw error
    }
  }

  close(): void {
    this.#closed = true
    this.#input.destroy()
  }
}

/** What readline keeps of the rows that it has drawn; ours to reset when we draw over them. */
interface Drawn {
  prevRows?: number
}

/** A terminal: the normal screen, with its own scrolling, searching and copying. */
export class TerminalScreen implements Screen {
  readonly #input: Input
  readonly #output: Output
  readonly #reader: Interface & Drawn
  readonly #typed: string[] = []
  /** Rows printed so far, and at which of them marked lines begin. */
  #rows = 0
  readonly #marked = new Map<string, { readonly row: number; readonly column: number }>()
  #ended = false
  #wake: () => void = () => undefined
  #prompt = '> '

  constructor(input: Input, output: Output, complete: Complete) {
    this.#input = input
    this.#output = output
    this.#reader = createInterface({
      input,
      output,
      terminal: true,
      historySize: limits.chatHistoryMax,
      removeHistoryDuplicates: true,
      completer: (line: string) => {
        const [candidates, part] = complete(line)
        return [[...candidates], part]
      }
    })
    this.#reader.on('line', line => this.#line(line))
    this.#reader.on('SIGINT', () => this.#end()).on('close', () => this.#end())
    input.prependListener('keypress', this.#beforeKey)
    // After a change of width nobody knows where a line is.
    output.on('resize', this.#forget)
  }

  /**
   * Readline writes what is pasted without keeping count of the rows, and a full row without going to the next one.
   * Before every key both are put right; else it would draw over rows that are not its own.
   */
  readonly #beforeKey = (): void => {
    const { cols, rows } = this.#reader.getCursorPos()
    if (cols === 0 && rows > 0 && this.#reader.cursor === this.#reader.line.length) this.#output.write(' \r')
    this.#reader.prevRows = rows
  }

  readonly #forget = (): void => this.#marked.clear()

  get #width(): number {
    return this.#output.columns ?? 80
  }

  #rowsOf(text: string): number {
    const lines = text.split('\n') as SafeText[]
    return lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(columns(line) / this.#width)), 0)
  }

  /** Takes the typing line away, lets something be written where it was, and puts it back below. */
  #above(text: string): void {
    const up = this.#reader.getCursorPos().rows
    this.#output.write(`${up > 0 ? `\u001B[${up}A` : ''}\r\u001B[J${text}\n`)
    this.#rows += this.#rowsOf(text)
    this.#reader.prevRows = 0
    if (!this.#ended) this.#reader.prompt(true)
  }

  print(text: SafeText): void {
    this.#above(text)
  }

  printMarked(id: string, before: SafeText, mark: SafeText, after: SafeText): void {
    this.#marked.set(id, { row: this.#rows, column: columns(before) })
    const [oldest] = this.#marked.keys()
    if (this.#marked.size > limits.marksTrackedMax && oldest !== undefined) this.#marked.delete(oldest)
    this.#above(`${before}${mark}${after}`)
  }

  mark(id: string, mark: SafeText): boolean {
    const place = this.#marked.get(id)
    if (place === undefined || this.#ended) return false
    const up = this.#rows - place.row + this.#reader.getCursorPos().rows
    if (up >= (this.#output.rows ?? 24)) {
      this.#marked.delete(id)
      return false
    }
    // Save the cursor, go there, write over the old mark, come back.
    this.#output.write(`\u001B7\u001B[${up}A\r\u001B[${place.column}C${mark}\u001B8`)
    return true
  }

  prompt(text: SafeText): void {
    this.#prompt = text
    this.#reader.setPrompt(text)
    if (!this.#ended) this.#reader.prompt(true)
  }

  /** Readline has gone to the next row; the typed rows go, because the chat shows what became of them. */
  #line(line: string): void {
    const rows = Math.floor(columns(`${this.#prompt}${line}` as SafeText) / this.#width) + 1
    this.#output.write(`\u001B[${rows}A\r\u001B[J`)
    this.#typed.push(line)
    this.#wake()
    this.#reader.prompt()
  }

  async *lines(): AsyncGenerator<string> {
    for (;;) {
      const line = this.#typed.shift()
      if (line !== undefined) yield line
      else if (this.#ended) return
      else await new Promise<void>(resolve => (this.#wake = resolve))
    }
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#wake()
  }

  close(): void {
    this.#end()
    this.#output.off('resize', this.#forget)
    this.#input.off('keypress', this.#beforeKey)
    this.#reader.close()
    const up = this.#reader.getCursorPos().rows
    this.#output.write(`${up > 0 ? `\u001B[${up}A` : ''}\r\u001B[J`)
  }
}
