/**
 * JSON for a line: what is unprintable is written as an escape. The value is the same for every reader, and a
 * terminal that shows the line has nothing to obey.
 */

// JSON.stringify leaves these as they are: DEL and C1, and what shows nothing or turns lines around.
const UNPRINTABLE = /[\u007F]|[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu

const escaped = (character: string): string =>
  [...Array(character.length).keys()]
    .map(index => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`)
    .join('')

/** One object as one line, without the line break. */
export const jsonLine = (value: object): string => JSON.stringify(value).replaceAll(UNPRINTABLE, escaped)
