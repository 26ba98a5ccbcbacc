/** Alice on several machines, and bob: cores alone, with the test as the network between all of them. */
import { addContact, linkDevice } from '../../src/core/commands.ts'
import { collect, deliver, Person } from './people.ts'

export class Household {
  readonly seed: number
  readonly laptop: Person
  readonly bob: Person
  readonly people: Person[]
  /** Pairs that cannot hear each other. */
  readonly #apart = new Set<string>()
  /** What bob has sent to anybody. */
  readonly sentByBob: Uint8Array[] = []

  constructor(seed: number) {
    this.seed = seed
    this.laptop = new Person('laptop', seed)
    this.bob = new Person('bob', seed + 500)
    this.people = [this.laptop, this.bob]
    const link = this.laptop.run(core =>
      core.first.invite(core.turn, {
        reusable: false,
        expiresInMs: undefined,
        addresses: [this.laptop.address]
      })
    ).link
    this.bob.run(core => addContact(core, { link, name: 'alice', greeting: 'hi' }))
    this.meet(this.laptop, this.bob)
    this.pass(5000)
  }

  /** Makes a new machine that shows a link, and tells the laptop of it. */
  asked(name: string): Person {
    const machine = new Person(name, this.seed + 1000 + this.people.length, { provisional: true })
    this.people.push(machine)
    const { link } = machine.run(core => core.first.inviteDevice(core.turn, [machine.address]))
    this.laptop.run(core => linkDevice(core, link))
    return machine
  }

  /** Makes a new machine a device of alice that everybody can reach. */
  link(name: string): Person {
    const machine = this.asked(name)
    this.meet(this.laptop, machine)
    this.pass(1000)
    this.part(this.laptop, machine)
    machine.becomeDevice()
    for (const other of this.people) if (other !== machine) this.meet(machine, other)
    this.pass(30_000)
    return machine
  }

  meet(a: Person, b: Person): void {
    this.#apart.delete(pair(a, b))
    a.step({ type: 'opened', peer: b.peer })
    b.step({ type: 'opened', peer: a.peer })
    this.settle()
  }

  part(a: Person, b: Person): void {
    this.#apart.add(pair(a, b))
    a.step({ type: 'closed', peer: b.peer })
    b.step({ type: 'closed', peer: a.peer })
    this.settle()
  }

  /** Somebody loses the network. */
  leave(person: Person): void {
    for (const other of this.people) if (other !== person) this.part(person, other)
  }

  comeBack(person: Person): void {
    for (const other of this.people) if (other !== person) this.meet(person, other)
  }

  /** Carries everything until nobody has anything to say. */
  settle(): void {
    for (let round = 0; round < 500; round++) {
      let said = 0
      for (const from of this.people)
        for (const to of this.people) {
          if (from === to) continue
          for (const letter of collect(from, to)) {
            said += 1
            if (from === this.bob) this.sentByBob.push(...letter.envelopes)
            if (!this.#apart.has(pair(from, to))) deliver(letter)
          }
        }
      if (said === 0) return
    }
    throw new Error(`seed=${this.seed}: they never stop talking`)
  }

  /** Lets time pass, with what is due in it. */
  pass(ms: number): void {
    for (let passed = 0; passed < ms; passed += 500) {
      for (const person of this.people) person.sleep(500)
      this.settle()
    }
  }
}

const pair = (a: Person, b: Person): string => [a.name, b.name].toSorted().join()
