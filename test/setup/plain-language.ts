/** Openings of a sentence without a subject; each has a plain form, such as "Input of suspendTenant." */
const headlessOpening =
  /^(What|Who|Whom|Whose|Whoever|Whomever|Whatever|Whichever|From when|Since when|Until when|Of (what|whom|which))\b/;

/** Returns the language rules of docs and descriptions that a text breaks; see CONTRIBUTING.md. */
export function languageProblems(text: string): string[] {
  return [
    ...(headlessOpening.test(text) ? ['begins without a subject'] : []),
    ...(/^\p{Lu}/u.test(text) ? [] : ['does not begin with a capital letter']),
    ...(text.endsWith('.') ? [] : ['does not end with a period']),
    ...(/[^.] (Scope:|Errors:|Null when)/.test(text) ? ['lacks a period between two sentences'] : []),
  ];
}
