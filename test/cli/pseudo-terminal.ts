/** A real terminal device for a real process: a pseudo-terminal, opened by Python's standard library. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { TestScreen } from './vt.ts'

const BRIDGE = `
import fcntl, os, pty, select, struct, sys, termios
rows, columns = int(sys.argv[1]), int(sys.argv[2])
child, fd = pty.fork()
if child == 0:
    os.execvp(sys.argv[3], sys.argv[3:])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
sources = [fd, 0]
while True:
    ready, _, _ = select.select(sources, [], [])
    if 0 in ready:
        typed = os.read(0, 4096)
        if typed: os.write(fd, typed)
        else: sources.remove(0)
    if fd in ready:
        try: shown = os.read(fd, 65536)
        except OSError: shown = b''
        if not shown: break
        os.write(1, shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
`

/** Whether this machine can make one. */
export const hasPseudoTerminal =
  process.platform !== 'win32' && spawnSync('python3', ['-c', 'import pty']).status === 0

/** Runs the command line in a terminal of its own. What the terminal answers is typed, as a real one would. */
export function inTerminal(argv: readonly string[], environment: Readonly<Record<string, string>>) {
  const screen = new TestScreen(80, 24)
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const command = [process.execPath, '-C', 'hearsay-source', 'cli/main.ts', ...argv]
  const child = spawn('python3', ['-c', BRIDGE, '24', '80', ...command], {
    cwd: root,
    env: { PATH: process.env['PATH'], TERM: 'xterm-256color', ...environment },
    stdio: ['pipe', 'pipe', 'inherit']
  })
  // Whoever has ended reads no more; what it did before is what counts.
  child.stdin.on('error', () => undefined)
  let answered = 0
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen.show(text)
    if (screen.answers.length > answered) child.stdin.write(screen.answers.slice(answered))
    answered = screen.answers.length
  })
  return {
    screen,
    type: (text: string) => void child.stdin.write(text),
    kill: () => void child.kill('SIGKILL'),
    ended: once(child, 'exit').then(([code]) => code as number | null)
  }
}
