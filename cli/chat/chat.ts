/**
 * The chat: one screen over a session, which is the running node or one of our own. Everything it does it does
 * through the verbs, so it can do nothing that a command cannot.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { HearsayError } from 'hearsay'
import { eventLine, type EventFact } from '../event-facts.ts'
import type { ContactFact, Fact, MessageFact, RequestFact } from '../facts.ts'
import { failureFact } from '../failure.ts'
import type { GroupFact, InvitationFact } from '../group-facts.ts'
import { paintFor, type Paint } from '../output/paint.ts'
import { columns, literal, safe, safeName, words, type SafeText } from '../output/safe-text.ts'
import type { Session } from '../session.ts'
import type { HereContext, NodeVerb } from '../verb.ts'
import { contacts, contactText } from '../verbs/contacts.ts'
import { newsText } from '../verbs/event-text.ts'
import { groupText, invitationWords } from '../verbs/group-text.ts'
import { listGroups } from '../verbs/groups.ts'
import { events, tail } from '../verbs/history.ts'
import { newName } from '../verbs/identity.ts'
import { nodeVerbs } from '../verbs/index.ts'
import { conversations, read, send } from '../verbs/messages.ts'
import { status } from '../verbs/node.ts'
import { requests } from '../verbs/requests.ts'
import { ChatCommands, ownCommands } from './commands.ts'
import { completer } from './completer.ts'
import { Directory, placeName, type Place } from './directory.ts'
import { groupNews } from './group-news.ts'
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
  readonly #directory = new Directory()
  /** The id of the conversation to which plain lines go. */
  #open: string | undefined
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
    this.#screen = screen(completer(nodeVerbs, ownCommands, () => this.#directory.names))
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
    const [people, groups] = await Promise.all([
      this.#all<ContactFact>(contacts, {}),
      this.#all<GroupFact>(listGroups, {})
    ])
    this.#directory.update(people, groups)
    this.#prompt()
  }

  #prompt(): void {
    const elsewhere = [...this.#unread.values()].reduce((sum, count) => sum + count, 0)
    const unread = elsewhere === 0 ? literal('') : words` (${elsewhere} unread)`
    const open = this.#open === undefined ? undefined : this.#directory.place(this.#open)
    if (open === undefined) this.#open = undefined
    const name = open === undefined ? literal('') : placeName(open)
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
    await this.#showWaiting()
    if (this.#directory.isEmpty) {
      screen.print(
        literal('  /invite          makes a link: give it to one person, by any way that you trust')
      )
      screen.print(literal('  /add NAME LINK   takes the link that somebody gave you'))
      screen.print(literal('  @NAME hello      writes to a contact; later lines go there too'))
      return
    }
    for (const conversation of await this.#all<Fact & Place & { unread: number }>(conversations, {})) {
      const { id, unread } = conversation
      if (unread === 0) continue
      this.#unread.set(id, unread)
      screen.print(words`${placeName(conversation)} has ${unread} unread. /open ${placeName(conversation)}`)
    }
    screen.print(this.#paint('dim', legend))
    this.#prompt()
  }

  /** What waits for an answer of ours: people, and invitations to groups. */
  async #showWaiting(): Promise<void> {
    for (const waiting of await this.#all<RequestFact | InvitationFact>(requests, {})) {
      const who =
        waiting.type === 'request'
          ? words`${safeName(waiting.name)} asks to become a contact`
          : invitationWords(waiting, this.#paint)
      this.#screen.print(words`${who}: /accept ${safe(waiting.id.slice(0, 8))}`)
    }
  }

  async #take(line: string): Promise<void> {
    const meaning = meaningOf(line, this.#directory.names)
    switch (meaning.type) {
      case 'nothing':
        return
      case 'verb':
        this.#screen.print(echo(line.trim(), this.#paint))
        return this.#commands.run(meaning.words)
      case 'open':
        return this.#openConversation(meaning.name)
      case 'message': {
        // The next line goes there too, and it may be here already.
        const place = meaning.to === undefined ? undefined : this.#directory.called(meaning.to)
        if (place !== undefined && place.id !== this.#open) this.#turnTo(place)
        const to = place?.id ?? meaning.to ?? this.#open
        if (to === undefined) {
          throw new HearsayError('INVALID_ARGUMENT', {
            message: 'No conversation is open.',
            hint: 'Write @NAME or #GROUP and your text, or /open NAME.'
          })
        }
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

  #turnTo({ id }: Place): void {
    this.#open = id
    this.#unread.delete(id)
    this.#prompt()
  }

  async #openConversation(name: string): Promise<void> {
    const place = this.#directory.find(name)
    this.#turnTo(place)
    const contact = this.#directory.contact(place.id)
    const group = this.#directory.group(place.id)
    if (contact !== undefined) this.#screen.print(asChatLine(contactText(contact, this.#paint)))
    if (group !== undefined) this.#screen.print(asChatLine(groupText(group, this.#paint)))
    for (const message of await this.#all<MessageFact>(tail, { to: place.id, limit: HISTORY_ON_OPEN })) {
      this.#show(message)
    }
    await this.#all(read, { to: place.id })
  }

  #show(message: MessageFact): void {
    const day = message.receivedAt.slice(0, 10)
    if (day !== this.#day) this.#screen.print(dayBreak(message.receivedAt, this.#paint))
    this.#day = day
    const { before, mark, after } = messageRow(message, this.#open, this.#paint)
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
      case 'contact:connected':
      case 'contact:disconnected':
        return this.#online(event.contact, event.type === 'contact:connected')
      case 'contact:added':
      case 'contact:changed':
      case 'contact:removed':
        return this.#changed(event.contact, event.type === 'contact:removed')
      case 'group:added':
      case 'group:changed':
        return this.#groupChanged(event.group)
      case 'group:removed':
        this.#directory.drop(event.group.id)
        return this.#prompt()
      case 'contact:requested':
      case 'contact:warned':
      case 'group:invited':
      case 'group:warned':
      case 'device:added':
      case 'device:removed':
      case 'device:refused':
      case 'history:received':
      case 'invite:used':
        return this.#screen.print(asChatLine(newsText(event, this.#paint)))
    }
  }

  #groupChanged(group: GroupFact): void {
    const before = this.#directory.put(group)
    for (const news of groupNews(before, group, this.#paint)) this.#screen.print(news)
    if (group.id === this.#open) this.#prompt()
  }

  /** A contact answered, or asks for attention. What a verb changed, the verb has shown already. */
  async #changed(contact: ContactFact, removed: boolean): Promise<void> {
    const before = this.#directory.contact(contact.id)
    await this.#refresh()
    if (removed || contact.state === 'requested' || contact.state === before?.state) return
    this.#screen.print(asChatLine(contactText(contact, this.#paint)))
  }

  #received(message: MessageFact): void {
    this.#show(message)
    if (message.conversation === this.#open) {
      this.#began(this.#all(read, { to: message.conversation }).then(() => undefined))
    } else {
      this.#unread.set(message.conversation, (this.#unread.get(message.conversation) ?? 0) + 1)
      this.#prompt()
    }
  }

  #online(contact: ContactFact, online: boolean): void {
    if (contact.id !== this.#open || columns(safeName(contact.name)) === 0) return
    const state = online ? literal('is online') : literal('is offline')
    this.#screen.print(this.#paint('dim', words`${safeName(contact.name)} ${state}`))
  }
}
