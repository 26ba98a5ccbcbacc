/**
 * The chat: one screen over a session, which is the running node or one of our own. Everything it does it does
 * through the verbs, so it can do nothing that a command cannot.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { HearsayError } from 'hearsay'
import type { ContactFact, EventFact, Fact, MessageFact } from '../facts.ts'
import { eventLine } from '../facts.ts'
import { failureFact } from '../failure.ts'
import { paintFor, type Paint } from '../output/paint.ts'
import { person } from '../output/people.ts'
import { columns, literal, safe, safeName, words, type SafeText } from '../output/safe-text.ts'
import type { Session } from '../session.ts'
import type { HereContext, NodeVerb } from '../verb.ts'
import { contacts, contactText } from '../verbs/contacts.ts'
import { events, tail, warnings } from '../verbs/history.ts'
import { newName } from '../verbs/identity.ts'
import { nodeVerbs } from '../verbs/index.ts'
import { conversations, read, send } from '../verbs/messages.ts'
import { status } from '../verbs/node.ts'
import { ChatCommands, ownCommands } from './commands.ts'
import { completer } from './completer.ts'
import { meaningOf } from './line.ts'
import { PlainScreen, TerminalScreen, type Screen } from './screen.ts'
import { asChatLine, dayBreak, echo, legend, markOf, messageRow } from './view.ts'

const HISTORY_ON_OPEN = 10

/** Runs the chat until `/quit`, the end of input, or the end of the node. */
export async function chatIn(context: HereContext, { plain }: { readonly plain: boolean }): Promise<void> {
  const { surroundings, settings } = context
  const fresh = !existsSync(join(settings.home, 'store'))
  const name = fresh ? await newName(context) : ''
  const session = await context.session({
    create: 'if-missing',
    network: true,
    stays: true,
    ...(name === '' ? {} : { name })
  })
  const { stdin, stdout, environment } = surroundings
  try {
    const chat: Chat = new Chat(session, context, paintFor(stdout, environment), complete =>
      plain ? new PlainScreen(stdin, stdout) : new TerminalScreen(stdin, stdout, complete)
    )
    await chat.run(fresh, settings.passphraseFile === undefined)
  } finally {
    await session.close()
  }
}

class Chat {
  readonly #session: Session
  readonly #paint: Paint
  readonly #screen: Screen
  readonly #commands: ChatCommands
  readonly #ended = new AbortController()
  readonly #signal: AbortSignal
  #contacts: readonly ContactFact[] = []
  #open: { readonly id: string; readonly name: string } | undefined
  readonly #unread = new Map<string, number>()
  readonly #waiting = new Set<Promise<void>>()
  /** Messages leave in the order in which they were typed. */
  #sending: Promise<void> = Promise.resolve()
  #day = ''

  constructor(
    session: Session,
    context: HereContext,
    paint: Paint,
    screen: (complete: ReturnType<typeof completer>) => Screen
  ) {
    this.#session = session
    this.#paint = paint
    this.#signal = AbortSignal.any([this.#ended.signal, context.signal, session.stopAsked])
    const names = (): readonly string[] => this.#contacts.map(contact => contact.name)
    this.#screen = screen(completer(nodeVerbs, ownCommands, names))
    this.#commands = new ChatCommands({
      context,
      paint,
      print: text => this.#screen.print(text),
      run: (verb, params) => this.#run(verb, params),
      open: wanted => this.#openConversation(wanted),
      quit: () => this.#ended.abort()
    })
  }

  async run(fresh: boolean, open: boolean): Promise<void> {
    const screen = this.#screen
    this.#signal.addEventListener('abort', () => screen.close(), { once: true })
    const following = this.#follow()
    try {
      await this.#refresh()
      await this.#greet(fresh, open)
      for await (const line of screen.lines()) {
        this.#began(this.#take(line))
        if (this.#signal.aborted) break
      }
      // What was typed is done before the end: a message that was entered is on disk.
      await Promise.all(this.#waiting)
    } finally {
      this.#ended.abort()
      screen.close()
      await following
    }
  }

  #began(doing: Promise<void>): void {
    const done = doing
      .catch((error: unknown) => this.#failed(error))
      .finally(() => this.#waiting.delete(done))
    this.#waiting.add(done)
  }

  #failed(error: unknown): void {
    const { code, message, hint } = failureFact(error)
    if (this.#signal.aborted && code === 'ABORTED') return
    const shown = hint.replaceAll('hearsay ', '/')
    this.#screen.print(words`${this.#paint('red', safe(code))}: ${safe(message)} ${safe(shown)}`)
  }

  async *#run(verb: NodeVerb, params: object): AsyncGenerator<Fact> {
    const note = (said: SafeText): void => this.#screen.print(this.#paint('dim', said))
    yield* this.#session.run(verb, params, { signal: this.#signal, note })
  }

  async #all<Result extends Fact>(verb: NodeVerb, params: object): Promise<Result[]> {
    const results: Result[] = []
    for await (const fact of this.#session.run(verb, params, {
      signal: this.#signal,
      note: () => undefined
    })) {
      results.push(verb.result.parse(fact) as Result)
    }
    return results
  }

  async #refresh(): Promise<void> {
    this.#contacts = await this.#all<ContactFact>(contacts, {})
    const open = this.#contacts.find(contact => contact.id === this.#open?.id)
    this.#open = open === undefined ? undefined : { id: open.id, name: open.name }
    this.#prompt()
  }

  #prompt(): void {
    const elsewhere = [...this.#unread.values()].reduce((sum, count) => sum + count, 0)
    const unread = elsewhere === 0 ? literal('') : words` (${elsewhere} unread)`
    const name = this.#open === undefined ? literal('') : safeName(this.#open.name)
    this.#screen.prompt(words`${this.#paint('bold', name)}${this.#paint('yellow', unread)}> `)
  }

  async #greet(fresh: boolean, open: boolean): Promise<void> {
    const screen = this.#screen
    const [now] = await this.#all<Fact & { name: string; fingerprint: string }>(status, {})
    if (now !== undefined) {
      const name = now.name === '' ? literal('nobody in particular') : safeName(now.name)
      screen.print(words`You are ${this.#paint('bold', name)}. /help lists what you can do, /quit ends.`)
    }
    if (fresh && open) {
      screen.print(
        literal(
          'Your key is in a file that only you can read; there is no passphrase. /phrase shows the way back to it.'
        )
      )
    }
    if (this.#contacts.length === 0) {
      screen.print(
        literal('  /invite          makes a link: give it to one person, by any way that you trust')
      )
      screen.print(literal('  /add NAME LINK   takes the link that somebody gave you'))
      screen.print(literal('  @NAME hello      writes to a contact; later lines go there too'))
      return
    }
    for (const { id, name, unread } of await this.#all<Fact & { id: string; name: string; unread: number }>(
      conversations,
      {}
    )) {
      if (unread === 0) continue
      this.#unread.set(id, unread)
      screen.print(words`${safeName(name)} has ${unread} unread. /open ${safeName(name)}`)
    }
    screen.print(this.#paint('dim', legend))
    this.#prompt()
  }

  async #take(line: string): Promise<void> {
    const names = this.#contacts.map(contact => contact.name)
    const meaning = meaningOf(line, names)
    switch (meaning.type) {
      case 'nothing':
        return
      case 'verb':
        this.#screen.print(echo(line.trim(), this.#paint))
        return this.#commands.run(meaning.words)
      case 'open':
        return this.#openConversation(meaning.name)
      case 'message': {
        const to = meaning.to ?? this.#open?.id
        if (to === undefined) {
          throw new HearsayError('INVALID_ARGUMENT', {
            message: 'No conversation is open.',
            hint: 'Write @NAME and your text, or /open NAME.'
          })
        }
        // The next line goes there too, and it may be here already.
        const contact = this.#contacts.find(({ name }) => name === meaning.to)
        if (contact !== undefined && contact.id !== this.#open?.id) this.#turnTo(contact)
        return this.#send(to, meaning.text)
      }
    }
  }

  async #send(to: string, text: string): Promise<void> {
    const before = this.#sending
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#sending = promise
    try {
      await before
      await this.#all(send, { to, text, until: 'queued' })
    } finally {
      resolve()
    }
  }

  #turnTo(contact: ContactFact): void {
    this.#open = { id: contact.id, name: contact.name }
    this.#unread.delete(contact.id)
    this.#prompt()
  }

  async #openConversation(name: string): Promise<void> {
    const exact = this.#contacts.find(contact => contact.name === name || contact.id === name)
    const near = this.#contacts.filter(contact => contact.name.startsWith(name))
    const contact = exact ?? (near.length === 1 ? near[0] : undefined)
    if (contact === undefined) {
      throw near.length > 1
        ? new HearsayError('AMBIGUOUS_CONTACT', {
            message: `It fits ${near.map(each => each.name).join(', ')}.`
          })
        : new HearsayError('UNKNOWN_CONTACT', { message: `There is no contact called ${name}.` })
    }
    this.#turnTo(contact)
    this.#screen.print(asChatLine(contactText(contact, this.#paint)))
    for (const message of await this.#all<MessageFact>(tail, { to: contact.id, limit: HISTORY_ON_OPEN })) {
      this.#show(message)
    }
    await this.#all(read, { to: contact.id })
  }

  #show(message: MessageFact): void {
    const day = message.receivedAt.slice(0, 10)
    if (day !== this.#day) this.#screen.print(dayBreak(message.receivedAt, this.#paint))
    this.#day = day
    const { before, mark, after } = messageRow(message, this.#open?.id, this.#paint)
    if (message.from.self) this.#screen.printMarked(message.id, before, mark, after)
    else this.#screen.print(words`${before}${mark}${after}`)
  }

  /** Shows what happens until the chat ends. Never rejects. */
  async #follow(): Promise<void> {
    try {
      for await (const fact of this.#run(events, {})) await this.#happened(eventLine.parse(fact))
    } catch (error) {
      if (!this.#signal.aborted) this.#failed(error)
    }
    this.#ended.abort()
  }

  async #happened(event: EventFact): Promise<void> {
    switch (event.type) {
      case 'message:sent':
        return this.#show(event.message)
      case 'message:received':
        return this.#received(event.message)
      case 'delivery:changed': {
        const { message, state } = event.delivery
        const shown = this.#screen.mark(message, markOf(state, this.#paint))
        if (!shown && state === 'failed') this.#screen.print(words`Not delivered: /why ${safe(message)}`)
        return
      }
      case 'contact:requested': {
        const { id, name } = event.request
        return this.#screen.print(
          words`${safeName(name)} asks to become a contact: /accept ${safe(id.slice(0, 8))}`
        )
      }
      case 'contact:warned': {
        const said = words`WARNING ${person(event.contact, this.#paint)}: ${warnings[event.warning]}`
        return this.#screen.print(this.#paint('red', said))
      }
      case 'invite:used':
        return this.#screen.print(words`${person(event.contact, this.#paint)} used your invite`)
      case 'contact:connected':
      case 'contact:disconnected':
        return this.#online(event.contact, event.type === 'contact:connected')
      case 'contact:added':
      case 'contact:changed':
      case 'contact:removed':
        return this.#changed(event.contact, event.type === 'contact:removed')
    }
  }

  /** A contact answered, or asks for attention. What a verb changed, the verb has shown already. */
  async #changed(contact: ContactFact, removed: boolean): Promise<void> {
    const before = this.#contacts.find(({ id }) => id === contact.id)
    await this.#refresh()
    if (removed || contact.state === 'requested' || contact.state === before?.state) return
    this.#screen.print(asChatLine(contactText(contact, this.#paint)))
  }

  #received(message: MessageFact): void {
    this.#show(message)
    if (message.conversation === this.#open?.id) {
      this.#began(this.#all(read, { to: message.conversation }).then(() => undefined))
    } else {
      this.#unread.set(message.conversation, (this.#unread.get(message.conversation) ?? 0) + 1)
      this.#prompt()
    }
  }

  #online(contact: ContactFact, online: boolean): void {
    if (contact.id !== this.#open?.id || columns(safeName(contact.name)) === 0) return
    const state = online ? literal('is online') : literal('is offline')
    this.#screen.print(this.#paint('dim', words`${safeName(contact.name)} ${state}`))
  }
}
