import { colorSequence } from './color.js';

/** Characters that steer a terminal or hide in a text: C0, C1, bidirectional controls, line separators. */
export const steering = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

const parts = new RegExp(`${colorSequence.source}|\\n|${steering.source}`, 'gu');

/**
 * Escapes what a terminal would obey, as in JSON, except line feeds and the command line's own colours. Printed JSON keeps
 * its meaning: such characters occur only inside its texts.
 */
export function printable(text: string): string {
  return text.replace(parts, (found) => (found.length > 2 || found === '\n' ? found : escaped(found)));
}

/** The same for one line: a text from the registry must not begin a line of its own either. */
export function oneLine(text: string): string {
  return text.replace(new RegExp(steering.source, 'gu'), escaped);
}

function escaped(character: string): string {
  return [...Array(character.length).keys()]
    .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
    .join('');
}
