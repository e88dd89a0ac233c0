/**
 * The URL; undefined for a text that is none. Not by URL.canParse, which in Node.js 20 refuses every text with a letter such as ü
 * once V8 has compiled the call.
 */
export function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
