/**
 * Invisible characters that writing needs: ZWNJ (U+200C) and ZWJ (U+200D) between letters of scripts that join them, ZWJ inside an
 * emoji, and the tags of a flag. The rule is a simpler form of RFC 5892, appendix A, and UTS #51. It is written in ranges and not in
 * classes of Unicode, because PostgreSQL has the same one in registry_without_joiners, and a test compares the two.
 */

/** Arabic and its neighbours, N'Ko, Mandaic, all of India and Sri Lanka, Tibetan, Myanmar, Khmer, Mongolian, further Brahmic scripts. */
const joining =
  '\\u0620-\\u06dc\\u06de-\\u070d\\u0710-\\u07ff\\u0840-\\u088f\\u0897-\\u08e1\\u08e3-\\u0dff\\u0f00-\\u109f\\u1700-\\u180d\\u180f-\\u18af\\u1900-\\u194f' +
  '\\u1a20-\\u1bff\\ua800-\\ua87f\\ua880-\\ua9ff\\uaa60-\\uaaff\\uabc0-\\uabff\\u{11000}-\\u{110bc}\\u{110be}-\\u{110cc}\\u{110d0}-\\u{11fff}\\u{1e900}-\\u{1e95f}';
/** Signs that bind the next consonant: with ZWJ after one, a letter has another form, also at the end of a word. */
const virama =
  '\\u094d\\u09cd\\u0a4d\\u0acd\\u0b4d\\u0bcd\\u0c4d\\u0ccd\\u0d3b\\u0d3c\\u0d4d\\u0dca\\u0f84\\u1039\\u103a\\u1714\\u1734\\u17d2\\u1b44\\u1baa\\u1bab\\ua806\\ua8c4\\ua953\\ua9c0\\uabed';
const emoji = '\\u2190-\\u2bff\\u{1f000}-\\u{1fbff}';

/** What withoutJoiners takes out. It has no group. */
export const joinersInPlace = new RegExp(
  [
    `(?<=[${joining}])[\\u200c\\u200d](?=[.0-9A-Za-z${joining}])`,
    `(?<=[0-9A-Za-z])[\\u200c\\u200d](?=[${joining}])`,
    `(?<=[${virama}])\\u200d`,
    `(?<=[\\ufe0f${emoji}])\\u200d(?=[${emoji}])`,
    '(?<=\\u{1f3f4})[\\u{e0030}-\\u{e0039}\\u{e0061}-\\u{e007a}]{3,6}\\u{e007f}',
  ].join('|'),
  'gu',
);

/** The text without those of these characters that stand where writing needs them. */
export function withoutJoiners(text: string): string {
  return text.replace(joinersInPlace, '');
}
