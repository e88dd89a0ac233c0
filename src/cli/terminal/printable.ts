import { joinersInPlace } from '../../registry/joiners.js';
import { colorSequence } from './color.js';

/** Characters that steer a terminal or hide in a text: C0, C1, bidirectional controls, line separators. */
export const steering = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

const inLine = new RegExp(`(${joinersInPlace.source})|${steering.source}`, 'gu');
const inLines = new RegExp(`(${joinersInPlace.source}|${colorSequence.source}|\\n)|${steering.source}`, 'gu');

/**
 * Escapes what a terminal would obey, as in JSON, except line feeds, the command line's own colours and what writing needs. Printed
 * JSON keeps its meaning: such characters occur only inside its texts.
 */
export function printable(text: string): string {
  return text.replace(inLines, (found, kept: string | undefined) => kept ?? escaped(found));
}

/** The same for one line: a text from the registry must not begin a line of its own either. */
export function oneLine(text: string): string {
  return text.replace(inLine, (found, kept: string | undefined) => kept ?? escaped(found));
}

function escaped(character: string): string {
  return [...Array(character.length).keys()]
    .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
    .join('');
}
