import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { openBrowser, skipsBrowser } from '../setup/browser.js';
import { openGateway } from '../setup/gateway.js';
import { openIdentityProvider } from '../setup/identity-provider.js';

test.skipIf(skipsBrowser)('logs in by the identity provider with PKCE, in a window of its own', async () => {
  await using identities = await openIdentityProvider();
  let challenge = '';
  let issuer = '';
  const asked: URLSearchParams[] = [];
  const provider = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', issuer);
    response.setHeader('access-control-allow-origin', '*');
    if (url.pathname === '/.well-known/openid-configuration')
      return response.end(
        JSON.stringify({
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
        }),
      );
    if (url.pathname === '/authorize') {
      asked.push(url.searchParams);
      challenge = url.searchParams.get('code_challenge') ?? '';
      const back = new URL(url.searchParams.get('redirect_uri') ?? '');
      back.searchParams.set('code', 'a-code');
      back.searchParams.set('state', url.searchParams.get('state') ?? '');
      return response.writeHead(302, { location: back.href }).end();
    }
    let body = '';
    for await (const chunk of request) body += chunk;
    const form = new URLSearchParams(body);
    const proof = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (form.get('code') !== 'a-code' || proof !== challenge)
      return response.writeHead(400).end(JSON.stringify({ error: 'invalid_grant' }));
    const token = await identities.sign({ iss: issuer, sub: 'ada', scope: 'registry:read' });
    response.end(JSON.stringify({ access_token: token, token_type: 'Bearer' }));
  });
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  issuer = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  await using gateway = await openGateway({
    authMode: 'required',
    config: {
      basePath: '/registry',
      identityProvider: { ...identities.provider, issuer },
      adminLogin: { clientId: 'admin-page', scope: 'openid registry:read' },
    },
  });
  const browser = await openBrowser();
  try {
    const page = await browser.newPage();
    await page.goto(`${gateway.url}/registry/admin/tenants`);
    await page.getByRole('button', { name: /^Log in with 127/ }).click();
    await page.getByText('subject:ada').waitFor();
    await page.getByRole('heading', { name: 'Tenants', exact: true }).waitFor();
    expect(browser.contexts().flatMap((context) => context.pages())).toHaveLength(1);
    const [given] = asked;
    expect(Object.fromEntries(given ?? [])).toMatchObject({
      ...{ response_type: 'code', client_id: 'admin-page', scope: 'openid registry:read' },
      ...{ code_challenge_method: 'S256', audience: identities.provider.audience },
      redirect_uri: `${gateway.url}/registry/admin/callback`,
    });
    expect(
      await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }])),
    ).not.toContain('eyJ');
  } finally {
    await browser.close();
    provider.closeAllConnections();
    provider.close();
  }
});

test.skipIf(skipsBrowser)('goes on by itself after an outage, and keeps what was typed', async () => {
  await using gateway = await openGateway({ authMode: 'required' });
  await gateway.psql(
    `INSERT INTO tenants (slug, name, status, plan) VALUES ('acme', 'Acme', 'active', 'lite')`,
  );
  const browser = await openBrowser();
  try {
    const page = await browser.newPage();
    await page.goto(`${gateway.url}/admin/tenants/acme?tab=profile`);
    await page
      .getByLabel('API key')
      .fill(await gateway.createKey('registry:read', 'registry:write', 'audit:read'));
    await page.getByRole('button', { name: 'Log in', exact: true }).click();
    await page.getByLabel('Short name').fill('Half typ');
    // As a gateway that is being restarted looks from here.
    await page.context().route('**/graphql', (route) => route.abort('connectionrefused'));
    await page.getByText('The gateway does not answer').waitFor();
    await gateway.psql(`UPDATE tenants SET name = 'Acme Two' WHERE slug = 'acme'`);
    await page.context().unroute('**/graphql');
    await page.getByText('The gateway does not answer').waitFor({ state: 'detached' });
    await page.getByRole('heading', { name: 'Acme Two' }).waitFor();
    expect(await page.getByLabel('Short name').inputValue()).toBe('Half typ');
  } finally {
    await browser.close();
  }
});
