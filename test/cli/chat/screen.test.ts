import { PassThrough } from 'node:stream'
import { afterEach, describe, expect, test } from 'vitest'
import { TerminalScreen } from '../../../cli/chat/screen.ts'
import { coloured } from '../../../cli/output/paint.ts'
import { literal, safe, words } from '../../../cli/output/safe-text.ts'
import { TestScreen } from '../vt.ts'

const screens: TerminalScreen[] = []
afterEach(() => screens.splice(0).forEach(screen => screen.close()))

/** A chat screen, the terminal that shows it, and the keyboard. */
function screenOf(columns = 60, rows = 20) {
  const keyboard = new PassThrough()
  const terminal = new TestScreen(columns, rows)
  const screen = new TerminalScreen(keyboard, terminal, line => [
    ['@bob ', '@bobby '].filter(name => name.startsWith(line)),
    line
  ])
  screens.push(screen)
  screen.prompt(literal('bob> '))
  const lines = screen.lines()[Symbol.asyncIterator]()
  return { keyboard, terminal, screen, typed: async () => (await lines.next()).value as string | undefined }
}

describe('the chat screen', () => {
  test('what is being typed survives what arrives', async () => {
    const { keyboard, terminal, screen, typed } = screenOf()
    keyboard.write('lun')
    await terminal.until(/> lun$/u)
    screen.print(safe('12:00    bob: hi'))
    expect(terminal.text).toBe('12:00    bob: hi\nbob> lun')
    keyboard.write('ch?')
    await terminal.until(/> lunch\?$/u)
    keyboard.write('\r')
    expect(await typed()).toBe('lunch?')
    expect(terminal.text).toBe('12:00    bob: hi\nbob>')
  })

  test('a typed line of several rows goes, and leaves nothing behind', async () => {
    for (const length of [1, 14, 15, 16, 34, 35, 36, 55]) {
      const { keyboard, terminal, screen, typed } = screenOf(20)
      screen.print(literal('above'))
      keyboard.write('x'.repeat(length))
      await terminal.until(new RegExp(`x{1}`, 'u'))
      screen.print(literal('between'))
      keyboard.write('\r')
      expect(await typed()).toBe('x'.repeat(length))
      screen.print(literal('after'))
      expect(terminal.text, `${length} columns`).toBe('above\nbetween\nafter\nbob>')
    }
  })

  test('a pasted line of several rows goes too', async () => {
    for (const length of [1, 14, 15, 16, 34, 35, 36, 55]) {
      const { keyboard, terminal, screen, typed } = screenOf(20)
      screen.print(literal('above'))
      keyboard.write(`${'x'.repeat(length)}\r${'y'.repeat(length)}\r`)
      expect(await typed()).toBe('x'.repeat(length))
      expect(await typed()).toBe('y'.repeat(length))
      screen.print(literal('after'))
      expect(terminal.text, `${length} columns`).toBe('above\nafter\nbob>')
    }
  })

  test('a mark changes in its place, also above wrapped rows, and nothing else does', () => {
    const { terminal, screen } = screenOf(20)
    screen.printMarked('1', literal('12:00 '), literal('· '), safe(' you: one'))
    screen.print(safe('y'.repeat(45)))
    screen.printMarked('2', literal('12:01 '), coloured('dim', literal('· ')), safe(' you: two'))
    expect(screen.mark('1', literal('✓ '))).toBe(true)
    expect(screen.mark('2', coloured('cyan', literal('✓✓')))).toBe(true)
    expect(screen.mark('3', literal('✓✓'))).toBe(false)
    expect(terminal.text.split('\n')).toEqual([
      '12:00 ✓  you: one',
      'y'.repeat(20),
      'y'.repeat(20),
      'yyyyy',
      '12:01 ✓✓ you: two',
      'bob>'
    ])
  })

  test('a mark that has scrolled away is left alone', () => {
    const { terminal, screen } = screenOf(60, 5)
    screen.printMarked('1', literal('12:00 '), literal('· '), safe(' you: one'))
    for (let row = 0; row < 5; row++) screen.print(words`row ${row}`)
    expect(screen.mark('1', literal('✓✓'))).toBe(false)
    expect(terminal.text).toContain('12:00 ·  you: one')
    terminal.emit('resize')
  })

  test('after a change of width marks are left alone', () => {
    const { terminal, screen } = screenOf()
    screen.printMarked('1', literal('12:00 '), literal('· '), safe(' you: one'))
    terminal.emit('resize')
    expect(screen.mark('1', literal('✓✓'))).toBe(false)
  })

  test('wide characters are measured as the terminal shows them', () => {
    const { terminal, screen } = screenOf(20)
    screen.printMarked('1', literal('12:00 '), literal('· '), safe(' you: 日本語日本語日本語日本語'))
    screen.print(safe('👩‍🚀 ok'))
    screen.mark('1', literal('✓✓'))
    expect(terminal.text.split('\n')[0]).toMatch(/^12:00 ✓✓ you: /u)
    expect(terminal.text).toContain('👩‍🚀 ok')
  })

  test('TAB completes a name', async () => {
    const { keyboard, terminal } = screenOf()
    keyboard.write('@b\t')
    await terminal.until(/@bob/u)
  })

  test('Ctrl-C and Ctrl-D end it', async () => {
    for (const key of ['\u0003', '\u0004']) {
      const { keyboard, typed } = screenOf()
      keyboard.write(key)
      expect(await typed()).toBeUndefined()
    }
  })
})
