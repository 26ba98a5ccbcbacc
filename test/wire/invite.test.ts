import { describe, expect, test } from 'vitest'
import { formatInvite, parseInvite } from '../../src/wire/invite.ts'
import { inviteOf, person } from '../core/seal/cast.ts'

const { invite, link } = inviteOf(person('alice'))
const invalid = expect.objectContaining({ code: 'INVALID_INVITE' })

describe('the link of an invite', () => {
  test('is text that any messenger, mail or QR code carries unharmed', () => {
    expect(link).toMatch(/^hearsay:invite\/[A-Za-z0-9_-]+$/)
    expect(parseInvite(link)).toEqual(invite)
    expect(formatInvite(parseInvite(link))).toBe(link)
  })

  test('is forgiven the white space that pasting adds around it, and nothing else', () => {
    for (const pasted of [`${link}\n`, `  ${link}`, `\r\n\t${link}\r\n`])
      expect(parseInvite(pasted)).toEqual(invite)
    const middle = link.length >> 1
    const damaged = [
      '',
      ' ',
      'hearsay:invite/',
      link.slice(0, middle),
      link.slice(0, -1),
      `${link}A`,
      `${link}=`,
      `${link}?utm_source=x`,
      `${link}#`,
      `<${link}>`,
      `"${link}"`,
      `${link} ${link}`,
      `${link.slice(0, middle)}\n${link.slice(middle)}`,
      link.replace('hearsay:', 'Hearsay:'),
      link.replace('hearsay:', 'hearsаy:'),
      link.replace('hearsay:invite/', 'hearsay:invite/../'),
      link.replace('hearsay:', 'https://hearsay.example/'),
      link.replaceAll('_', '/').replaceAll('-', '+').concat('+'),
      `hearsay:invite/${'A'.repeat(64 * 1024)}`
    ]
    for (const text of damaged) expect(() => parseInvite(text), text.slice(0, 80)).toThrow(invalid)
  })
})
