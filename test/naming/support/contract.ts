/** The naming rules of the public contract, implemented independently of the product to check it. */

export function isValidSlug(text: string): boolean {
  return (
    /^[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*$/.test(text) &&
    text.length >= 2 &&
    text.length <= 40 &&
    !text.startsWith('pg_') &&
    !/^[0-9a-f]{32}$/.test(text.replaceAll('-', ''))
  );
}

/** `reserved` contains PostgreSQL's reserved words. */
export function isValidSchemaName(text: string, reserved: ReadonlySet<string>): boolean {
  return (
    /^[a-z][a-z0-9_]{0,62}$/.test(text) &&
    !text.startsWith('pg_') &&
    text !== 'public' &&
    text !== 'information_schema' &&
    !reserved.has(text)
  );
}

/** `<prefix><slug with - as _>`, with a suffix when another tenant has that name. */
export function isIssuedName(name: string, prefix: string, slug: string): boolean {
  const plain = prefix + slug.replaceAll('-', '_');
  return (
    name === plain || (name.startsWith(`${plain}_`) && /^[1-9][0-9]?$/.test(name.slice(plain.length + 1)))
  );
}
