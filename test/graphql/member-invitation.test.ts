import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { uniqueName } from '../setup/database.js';
import { openGateway, recordStatements, type TestGateway } from '../setup/gateway.js';
import { mutate } from '../setup/graphql-calls.js';
import { aTenant } from '../setup/stories.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway?.close());

const member = 'member { id email fullName role status version }';
const invite = (tenantId: string, fields: object) =>
  mutate(
    gateway,
    'inviteTenantMember',
    { tenantId, ...fields },
    `${member} invitation { id expiresAt } invitationToken`,
  );
const remove = (tenantId: string, memberId: string, fields = {}) =>
  mutate(gateway, 'removeTenantMember', { tenantId, memberId, ...fields }, member);
const revoke = (tenantId: string, memberId: string, fields = {}) =>
  mutate(
    gateway,
    'revokeInvitation',
    { tenantId, memberId, ...fields },
    'member { id email fullName role status version invitation { id } }',
  );
const accept = (token: string, subject: string, fields = {}) =>
  mutate(gateway, 'acceptInvitation', { token, subject, ...fields }, `${member} tenant { id }`);

async function membersOf(id: string): Promise<{ id: string; email: string; role: string; status: string }[]> {
  const { data } = await gateway.ask(
    'query ($id: ID!) { tenant(id: $id) { members(first: 100) { edges { node { id email role status } } } } }',
    { id },
  );
  return data.tenant.members.edges.map(({ node }: { node: object }) => node);
}

/** A tenant with an admin who has accepted an invitation. */
async function aTeam() {
  const tenant = await aTenant().at(gateway);
  const { result } = await invite(tenant.id, { email: 'ada@acme.example', role: 'ADMIN' });
  const subject = uniqueName('subject');
  await accept(result.invitationToken, subject);
  return { ...tenant, admin: result.member.id as string, subject };
}

test('one person is one member, whether the domain is written in letters or in punycode', async () => {
  const { id } = await aTenant().at(gateway);
  const first = await invite(id, { email: 'Ada@MÜLLER.example', fullName: 'Ada' });
  const second = await invite(id, { email: 'ada@xn--mller-kva.example' });
  expect(first.result.member.email).toBe('ada@xn--mller-kva.example');
  expect(second.result.member.id).toBe(first.result.member.id);
  expect(await membersOf(id)).toHaveLength(1);
});

describe('an invitation', () => {
  test('creates a member; its token is shown once and stored as a hash', async () => {
    const { id, slug } = await aTenant().at(gateway);
    const { result } = await invite(slug, { email: 'Ada@Acme.example', fullName: 'Ada', idempotencyKey: id });
    expect(result).toEqual({
      member: {
        id: expect.any(String),
        email: 'ada@acme.example',
        fullName: 'Ada',
        role: 'MEMBER',
        status: 'INVITED',
        version: 1,
      },
      invitation: { id: expect.any(String), expiresAt: expect.any(String) },
      invitationToken: expect.stringMatching(/^trk_inv_[\w-]{43}$/),
    });
    const days = (Date.parse(result.invitation.expiresAt) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(6.9);
    expect(days).toBeLessThanOrEqual(7);
    const again = await invite(slug, { email: 'Ada@Acme.example', fullName: 'Ada', idempotencyKey: id });
    expect(again.result).toEqual({ ...result, invitationToken: null });
    const found = await gateway.psql<{ everything: string }>(
      `SELECT string_agg(t::text, '') AS everything FROM (
         SELECT row_to_json(i)::text AS t FROM invitations i UNION ALL SELECT row_to_json(c)::text FROM registry_change c
         UNION ALL SELECT row_to_json(k)::text FROM idempotency_keys k) AS rows`,
    );
    expect(found[0]?.everything).not.toContain(result.invitationToken.slice(8));
  });

  test('admits its member once; repeating the call after a lost answer changes nothing', async () => {
    const { id } = await aTenant().at(gateway);
    const { result } = await invite(id, { email: 'ada@acme.example' });
    const first = await accept(result.invitationToken, 'sub-1', { fullName: 'Ada Lovelace' });
    expect(first.result).toEqual({
      member: { ...result.member, fullName: 'Ada Lovelace', status: 'ACTIVE', version: 2 },
      tenant: { id },
    });
    expect((await accept(result.invitationToken, 'sub-1')).result.member).toEqual(first.result.member);
    expect((await accept(result.invitationToken, 'sub-2')).codes).toEqual(['CONFLICT']);
  });

  test('replaces an earlier invitation of the same member', async () => {
    const { id } = await aTenant().at(gateway);
    const email = 'ada@acme.example';
    const first = await invite(id, { email, validDays: 1 });
    const second = await invite(id, { email, validDays: 90, role: 'MEMBER' });
    expect(second.result.member).toEqual(first.result.member);
    expect((await accept(first.result.invitationToken, 's')).errors[0]?.message).toBe(
      'token: belongs to no invitation, or to a withdrawn one: ask for a new invitation',
    );
    expect((await accept(second.result.invitationToken, 's')).codes).toEqual([]);
  });

  test('is rejected after its expiry', async () => {
    const { id } = await aTenant().at(gateway);
    const { result } = await invite(id, { email: 'ada@acme.example' });
    await gateway.psql(`UPDATE invitations SET expires_at = '2020-01-02T00:00:00Z' WHERE id = $1`, [
      result.invitation.id,
    ]);
    const late = await accept(result.invitationToken, 's');
    expect(late.codes).toEqual(['VALIDATION_ERROR']);
    expect(late.errors[0]?.message).toContain('expired on 2020-01-02T00:00:00.000Z');
  });

  test('does not admit one subject to a tenant as two members', async () => {
    const team = await aTeam();
    const { result } = await invite(team.id, { email: 'other@acme.example' });
    const { codes, errors } = await accept(result.invitationToken, team.subject);
    expect(codes).toEqual(['CONFLICT']);
    expect(errors[0]?.message).toContain('as ada@acme.example');
  });

  test('to a person known from another tenant creates a member under the known name', async () => {
    const email = `${uniqueName('ada')}@acme.example`;
    const [one, two] = [await aTenant().at(gateway), await aTenant().at(gateway)];
    const first = await invite(one.id, { email, fullName: 'Ada Lovelace' });
    await accept(first.result.invitationToken, email);
    const second = await invite(two.id, { email });
    expect(second.result.member).toMatchObject({ email, fullName: 'Ada Lovelace', status: 'INVITED' });
    expect(second.result.member.id).not.toBe(first.result.member.id);
    expect((await accept(second.result.invitationToken, email)).result.member.status).toBe('ACTIVE');
  });

  test('is refused beyond the quota, which ignores removed members', async () => {
    const team = await aTeam();
    await mutate(gateway, 'updateTenant', { tenantId: team.id, maxUsers: 2 });
    const { result } = await invite(team.id, { email: 'two@acme.example' });
    const third = await invite(team.id, { email: 'three@acme.example' });
    expect(third.codes).toEqual(['QUOTA_EXCEEDED']);
    // An active member needs no additional place.
    expect((await invite(team.id, { email: 'two@acme.example' })).codes).toEqual([]);
    await remove(team.id, result.member.id);
    expect((await invite(team.id, { email: 'three@acme.example' })).codes).toEqual([]);
    expect((await invite(team.id, { email: 'two@acme.example' })).codes).toEqual(['QUOTA_EXCEEDED']);
  });

  test.each([
    ['no address', { email: 'ada' }, 'email'],
    ['no days', { email: 'a@b.example', validDays: 0 }, 'validDays'],
    ['a name of controls', { email: 'a@b.example', fullName: '\u0007' }, 'fullName'],
  ])('of %s is refused with the name of the field', async (_, fields, field) => {
    const { id } = await aTenant().at(gateway);
    const { codes, errors } = await invite(id, fields);
    expect(codes).toEqual(['VALIDATION_ERROR']);
    expect(errors[0]?.extensions.fields?.map((one) => one.field)).toEqual([field]);
    expect(await membersOf(id)).toEqual([]);
  });

  test('to a deleted tenant is refused, and so is accepting one', async () => {
    const { id } = await aTenant().at(gateway);
    const { result } = await invite(id, { email: 'ada@acme.example' });
    await mutate(gateway, 'deleteTenant', { tenantId: id });
    expect((await invite(id, { email: 'b@acme.example' })).codes).toEqual(['TENANT_DELETED']);
    expect((await accept(result.invitationToken, 's')).codes).toEqual(['TENANT_DELETED']);
  });

  test.each(['', 'trk_inv_short', `trk_${'x'.repeat(43)}`])('is not the token %j', async (token) => {
    expect((await accept(token, 's')).errors[0]?.extensions.fields?.map(({ field }) => field)).toEqual([
      'token',
    ]);
  });
});

describe('an invitation that is revoked', () => {
  test.each(['open', 'expired'])(
    'while it is %s cannot be accepted, and its member can be invited anew',
    async (state) => {
      const { id, slug } = await aTenant().at(gateway);
      const { result } = await invite(id, { email: 'bob@acme.example', role: 'ADMIN' });
      if (state === 'expired')
        await gateway.psql(`UPDATE invitations SET expires_at = now() - interval '1 day'`);
      const revoked = await revoke(slug, result.member.id);
      expect(revoked.errors).toEqual([]);
      expect(revoked.result.member).toEqual({ ...result.member, invitation: null });
      expect((await accept(result.invitationToken, 's')).codes).toEqual(['VALIDATION_ERROR']);
      const again = await revoke(id, result.member.id);
      expect([again.codes, again.errors[0]?.message]).toEqual([
        ['CONFLICT'],
        `bob@acme.example has no open invitation to tenant ${slug}: it was revoked already`,
      ]);
      const anew = await invite(id, { email: 'bob@acme.example', role: 'ADMIN' });
      expect(anew.result.member).toEqual(result.member);
      expect((await accept(anew.result.invitationToken, uniqueName('sub'))).codes).toEqual([]);
    },
  );

  test('is neither an accepted one nor that of a removed or unknown member', async () => {
    const team = await aTeam();
    const accepted = await revoke(team.id, team.admin);
    expect([accepted.codes, accepted.errors[0]?.message]).toEqual([
      ['CONFLICT'],
      `ada@acme.example has accepted the invitation to tenant ${team.slug}: remove the member with removeTenantMember`,
    ]);
    expect((await revoke(team.id, team.admin, { expectedVersion: 1 })).codes).toEqual(['VERSION_CONFLICT']);
    expect((await revoke((await aTeam()).id, team.admin)).codes).toEqual(['NOT_FOUND']);
    await remove(team.id, team.admin);
    expect((await revoke(team.id, team.admin)).codes).toEqual(['CONFLICT']);
  });

  test('is in the audit log as removed, without its token', async () => {
    const { id } = await aTenant().at(gateway);
    const { result } = await invite(id, { email: 'bob@acme.example' });
    await revoke(id, result.member.id);
    const [entry] = await gateway.psql<{ kind: string; before: object }>(
      'SELECT kind, before FROM registry_change WHERE tenant_id = $1 ORDER BY revision DESC LIMIT 1',
      [id],
    );
    expect([entry?.kind, Object.keys(entry?.before ?? {})]).toEqual([
      'invitation.removed',
      expect.not.arrayContaining(['token_hash']),
    ]);
  });
});

describe('Member.invitation', () => {
  const read = (ids: string[]) =>
    gateway.ask(
      `{ ${ids.map((id, at) => `t${at}: tenant(id: "${id}") { members { edges { node { email status invitation ${facts} } } } }`).join(' ')} }`,
    );
  const facts = '{ id createdBy createdAt expiresAt isExpired acceptedAt member { email } }';
  const invitation = {
    ...{ id: expect.any(String), createdBy: 'developer', createdAt: expect.any(String) },
    ...{ expiresAt: expect.any(String), isExpired: false, acceptedAt: null },
  };

  test('tells of the present invitation of each member, and never its token', async () => {
    const team = await aTeam();
    for (const name of ['bob', 'late', 'gone', 'revoked'])
      await invite(team.id, { email: `${name}@acme.example` });
    await gateway.psql(
      `INSERT INTO members (tenant_id, email) VALUES ('${team.id}', 'byhand@acme.example');
       UPDATE invitations SET expires_at = now() - interval '1 day'
         WHERE member_id = (SELECT id FROM members WHERE tenant_id = '${team.id}' AND email LIKE 'late@%')`,
    );
    const idOf = async (name: string) =>
      (await membersOf(team.id)).find(({ email }) => email.startsWith(name))?.id ?? '';
    await remove(team.id, await idOf('gone'));
    await revoke(team.id, await idOf('revoked'));
    const { data, errors } = await read([team.id]);
    expect(errors).toEqual([]);
    const of = (name: string, status: string, found: object | null) => ({
      ...{ email: `${name}@acme.example`, status },
      invitation: found && { ...invitation, member: { email: `${name}@acme.example` }, ...found },
    });
    expect(data.t0.members.edges.map(({ node }: { node: object }) => node)).toEqual([
      of('ada', 'ACTIVE', { acceptedAt: expect.any(String) }),
      of('bob', 'INVITED', {}),
      of('byhand', 'INVITED', null),
      of('gone', 'REMOVED', null),
      of('late', 'INVITED', { isExpired: true }),
      of('revoked', 'INVITED', null),
    ]);
  });

  test('of a member who joined twice is not the one of before', async () => {
    const team = await aTeam();
    const { result } = await invite(team.id, { email: 'bob@acme.example' });
    await accept(result.invitationToken, uniqueName('sub'));
    await remove(team.id, result.member.id);
    const again = await invite(team.id, { email: 'bob@acme.example' });
    const present = async () => (await read([team.id])).data.t0.members.edges[1].node.invitation?.id;
    expect(await present()).toBe(again.result.invitation.id);
    await revoke(team.id, result.member.id);
    expect(await present()).toBeUndefined();
  });

  test('takes as many statements for many members as for one', async () => {
    const teams = [await aTeam(), await aTeam(), await aTeam()].map(({ id }) => id);
    for (const id of teams) await invite(id, { email: 'bob@acme.example' });
    const count = async (ids: string[]) =>
      (await recordStatements(() => read(ids))).filter((sql) => /"(invitations|members)"/.test(sql)).length;
    const [one, many] = [await count(teams.slice(0, 1)), await count(teams)];
    expect(many).toBe(one);
    expect(one).toBeGreaterThan(0);
  });
});

describe('a member who is removed', () => {
  test('stays in the list without a subject, and can be invited again', async () => {
    const team = await aTeam();
    const { result } = await invite(team.id, { email: 'bob@acme.example' });
    await accept(result.invitationToken, 'sub-bob');
    const removed = await remove(team.slug, result.member.id);
    expect(removed.result.member).toMatchObject({ status: 'REMOVED' });
    expect((await remove(team.slug, result.member.id)).codes).toEqual(['CONFLICT']);
    const again = await invite(team.id, { email: 'bob@acme.example' });
    expect(again.result.member).toMatchObject({ id: result.member.id, status: 'INVITED' });
    // The address may belong to another person now.
    expect((await accept(again.result.invitationToken, 'sub-other')).codes).toEqual([]);
  });

  test('cannot use an open invitation', async () => {
    const team = await aTeam();
    const { result } = await invite(team.id, { email: 'bob@acme.example' });
    await remove(team.id, result.member.id);
    expect((await accept(result.invitationToken, 's')).codes).toEqual(['VALIDATION_ERROR']);
  });

  test('must belong to the tenant and have the expected version', async () => {
    const [team, other] = [await aTeam(), await aTeam()];
    const refused = await remove(team.id, other.admin);
    expect(refused.codes).toEqual(['NOT_FOUND']);
    expect(refused.errors[0]?.message).toBe(
      `memberId: there is no member ${other.admin} in tenant ${team.slug}`,
    );
    expect((await remove(team.id, team.admin, { expectedVersion: 1 })).codes).toEqual(['VERSION_CONFLICT']);
  });
});

describe('onboarding', () => {
  const config = { email: { primary: 'sales@acme.example' }, branding: { theme_id: 'safari_gold' } };
  const whole = {
    adminFullName: 'Ada Lovelace',
    settings: {
      companyName: 'Acme Travel',
      supportPhone: '+27 21 555 0100',
      currency: 'EUR',
      timezone: 'Africa/Nairobi',
    },
    branding: { presetTheme: 'safari_gold', primaryColor: '#C8102E' },
    config,
  };
  const profile = `tenant { primaryEmail config members { edges { node { email fullName role status } } }
    settings { companyName supportEmail supportPhone currency timezone emailFromEmail } branding { presetTheme primaryColor } }
    invitation { id } invitationToken`;

  test.each(['registerTenant', 'provisionTenant'])(
    'by %s writes the whole profile in one revision',
    async (name) => {
      const slug = uniqueName('t');
      const modules = name === 'provisionTenant' ? { modules: ['finance'] } : {};
      const input = { name: 'Acme', slug, adminEmail: 'Ada@acme.example', ...whole, ...modules };
      const { result, errors } = await mutate(gateway, name, input, profile);
      expect(errors).toEqual([]);
      expect(result.tenant).toEqual({
        primaryEmail: 'sales@acme.example',
        config,
        members: {
          edges: [
            {
              node: { email: 'ada@acme.example', fullName: 'Ada Lovelace', role: 'ADMIN', status: 'INVITED' },
            },
          ],
        },
        settings: {
          ...whole.settings,
          supportEmail: 'sales@acme.example',
          emailFromEmail: 'sales@acme.example',
        },
        branding: whole.branding,
      });
      expect((await accept(result.invitationToken, slug)).codes).toEqual([]);
      const kinds = await gateway.psql<{ kind: string }>(
        `SELECT kind FROM registry_change WHERE tenant_slug = $1 AND revision = (
         SELECT min(revision) FROM registry_change WHERE tenant_slug = $1) ORDER BY kind`,
        [slug],
      );
      const first = kinds
        .map(({ kind }) => kind)
        .filter((kind) => !/^(subscription|storage|operation)/.test(kind));
      expect(first).toEqual([
        'branding.created',
        'invitation.created',
        'member.created',
        'settings.created',
        'tenant.registered',
      ]);
    },
  );

  test('is refused as a whole for a secret, a wrong field or a full tenant', async () => {
    const slug = uniqueName('t');
    const attempts = [
      { config: { infrastructure: { sendgrid: { api_key: 'SG.example-not-a-key.example' } } } },
      { config: { brand: {} } },
      { config: [] },
      { settings: { website: 'acme' } },
      { branding: { primaryColor: 'red' } },
      { maxUsers: 0 },
    ];
    const codes: string[] = [];
    for (const attempt of attempts) {
      const input = { name: 'Acme', slug, adminEmail: 'ada@acme.example', ...attempt };
      codes.push(...(await mutate(gateway, 'registerTenant', input)).codes);
    }
    expect(codes).toEqual([
      'SECRET_IN_CONFIG',
      'VALIDATION_ERROR',
      'VALIDATION_ERROR',
      'VALIDATION_ERROR',
      'VALIDATION_ERROR',
      'QUOTA_EXCEEDED',
    ]);
    const { data } = await gateway.ask('query ($id: ID!) { tenant(id: $id) { id } }', { id: slug });
    expect(data.tenant).toBeNull();
  });
});
