import { describe, expect, test } from 'vitest'
import { formatSafetyNumber, safetyNumber, sameSafetyNumber } from '../../src/crypto/safety-number.ts'
import { person } from '../core/seal/cast.ts'

const alice = person('alice').identity
const bob = person('bob').identity
const mallory = person('mallory').identity

describe('the safety number', () => {
  test('is the same 60 digits for Alice and for Bob', () => {
    const number = safetyNumber(alice, bob)
    expect(number).toMatch(/^\d{60}$/)
    expect(safetyNumber(bob, alice)).toBe(number)
  })

  test('shows Mallory in the middle: neither side’s number is the other’s', () => {
    const honest = safetyNumber(alice, bob)
    expect(sameSafetyNumber(safetyNumber(alice, mallory), safetyNumber(mallory, bob))).toBe(false)
    expect(sameSafetyNumber(safetyNumber(alice, mallory), honest)).toBe(false)
  })

  test('is read out in twelve groups of five, and compared however it was typed', () => {
    const number = safetyNumber(alice, bob)
    const shown = formatSafetyNumber(number)
    expect(shown).toMatch(/^(\d{5} ){11}\d{5}$/)
    expect(sameSafetyNumber(number, shown)).toBe(true)
    expect(sameSafetyNumber(`\n${shown.replaceAll(' ', '\n')}  `, number)).toBe(true)
  })

  test('never fits where it is cut short, has letters, or differs in one digit', () => {
    const number = safetyNumber(alice, bob)
    const last = (Number(number.at(-1)) + 1) % 10
    expect(sameSafetyNumber(number.slice(0, -1) + String(last), number)).toBe(false)
    for (const bad of ['', number.slice(0, 59), `${number}0`, number.slice(0, 59).concat('x')]) {
      expect(sameSafetyNumber(bad, number)).toBe(false)
      expect(sameSafetyNumber(bad, bad)).toBe(false)
    }
  })
})
