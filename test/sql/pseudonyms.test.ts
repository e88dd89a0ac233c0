import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';

let gateway: TestGateway;
let acme: StoryTenant;
let key: Buffer;
beforeAll(async () => {
  gateway = await openGateway();
  acme = await aTenant().at(gateway);
  const [row] = await gateway.psql<{ key: Buffer }>(
    'SELECT key FROM personal_data_keys WHERE tenant_id = $1',
    [acme.id],
  );
  key = row?.key ?? Buffer.of();
});
afterAll(() => gateway?.close());

const sha256 = (...parts: (Buffer | string)[]) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** The keyed hash of an address, computed here by itself. */
function hashOf(address: string): string {
  return `hash:${sha256(key, sha256(key, address.toLowerCase())).toString('hex').slice(0, 32)}`;
}

/** A part of a text that is an e-mail address. */
interface Address {
  address: string;
}
const mail = (address: string): Address => ({ address });
type Text = (string | Address)[];

const write = (text: Text) => text.map((part) => (typeof part === 'string' ? part : part.address)).join('');
const expected = (text: Text, pseudonym: (address: string) => string) =>
  text.map((part) => (typeof part === 'string' ? part : pseudonym(part.address))).join('');

async function pseudonymise(document: unknown, tenant: string | null = acme.id): Promise<unknown> {
  const [row] = await gateway.psql<{ found: unknown }>('SELECT registry_pseudonymise($1, $2) AS found', [
    tenant,
    JSON.stringify(document),
  ]);
  return row?.found;
}

const bob = mail('bob@acme.example');
const jimbob = mail('jimbob@acme.example');
const longer = mail('bob@acme.example.org');
const longest = mail('jimbob@acme.example.org');

describe('in the audit log, e-mail addresses leave no part of themselves', () => {
  test.each<[string, Text]>([
    ['one address alone', [bob]],
    ['one address in a text', ['ask ', bob, ' first']],
    ['one that ends another, shorter first', [bob, ' ', jimbob]],
    ['one that ends another, longer first', [jimbob, ' ', bob]],
    ['one that begins another, shorter first', [bob, ' ', longer]],
    ['one that begins another, longer first', [longer, ' ', bob]],
    ['one that is in the middle of another', [bob, ' ', longest, ' ', bob]],
    ['all of these', [bob, ';', longest, ';', jimbob, ';', longer, ';', bob]],
    ['one address several times', [bob, ', ', bob, ', ', bob]],
    ['one address in different case', [bob, ' ', mail('Bob@Acme.Example'), ' ', mail('BOB@ACME.EXAMPLE')]],
    ['one that ends another in different case', [mail('Bob@acme.example'), ' ', mail('JimBob@acme.example')]],
    ['addresses with a tag', [mail('bob+invoices@acme.example'), ' ', bob]],
    ['addresses in angle brackets', ['"Bob" <', bob, '>, "Jim" <', jimbob, '>']],
    ['a mailto link', ['see mailto:', bob]],
    [
      'an address with letters of other alphabets',
      [mail('zoë@bücher.example'), ' ', mail('oë@bücher.example')],
    ],
    ['addresses in lines', ['first\n', bob, '\nsecond\r\n', jimbob, '\n']],
    ['addresses between tabs', [bob, '\t', jimbob, '\t', bob]],
    ['an address after a backslash', ['C:\\', bob, ' ', jimbob]],
    ['an address between quotes', ['"', bob, "\" and 'x'"]],
    ['an address after a control character', ['\u0001', bob, '\u001f', jimbob]],
    ['no address', ['a@ and @b and @ and none']],
  ])('%s', async (_what, text) => {
    const wanted = expected(text, hashOf);
    expect(await pseudonymise({ note: write(text) })).toEqual({ note: wanted });
    // Inside a configuration, and as the name of a key.
    expect(await pseudonymise({ tenant_config: { list: [1, null, { note: write(text) }] } })).toEqual({
      tenant_config: { list: [1, null, { note: wanted }] },
    });
    expect(await pseudonymise({ tenant_config: { [write(text)]: true } })).toEqual({
      tenant_config: { [wanted]: true },
    });
  });

  test('in one document each address is its own, wherever it is', async () => {
    const document = { email: bob.address, config: { a: jimbob.address, b: [longest.address, bob.address] } };
    expect(await pseudonymise(document)).toEqual({
      email: hashOf(bob.address),
      config: { a: hashOf(jimbob.address), b: [hashOf(longest.address), hashOf(bob.address)] },
    });
  });

  test('without the key of a tenant they become ***', async () => {
    const text: Text = [bob, '\n', jimbob, ' ', longest];
    expect(await pseudonymise({ note: write(text) }, null)).toEqual({ note: expected(text, () => '***') });
  });

  test('a change with addresses in lines is recorded', async () => {
    const signature = write(['Regards\n', bob, '\n', jimbob]);
    await gateway.psql('UPDATE tenants SET tenant_config = $2 WHERE id = $1', [
      acme.id,
      JSON.stringify({ branding: { email_signature: signature } }),
    ]);
    const [change] = await gateway.psql<{ after: { tenant_config: object } }>(
      'SELECT after FROM registry_change WHERE tenant_id = $1 ORDER BY revision DESC LIMIT 1',
      [acme.id],
    );
    expect(change?.after.tenant_config).toEqual({
      branding: { email_signature: `Regards\n${hashOf(bob.address)}\n${hashOf(jimbob.address)}` },
    });
  });
});
