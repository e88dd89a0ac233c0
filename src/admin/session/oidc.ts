import type { PageConfig } from './page-config.js';

type Provider = NonNullable<PageConfig['oidc']>;

/**
 * Logs in at the identity provider by an authorization code with PKCE (RFC 7636), and returns the access token. The provider's page
 * opens in a window of its own, so this page, with what was typed into it, stays as it is.
 */
export async function logInByProvider({ issuer, clientId, scope, audience }: Provider): Promise<string> {
  // Opened at once: browsers block windows that open later than the click.
  const popup = window.open('about:blank', '_blank', 'popup,width=480,height=720');
  if (!popup)
    throw new Error('The browser blocked the window of the login: allow pop-up windows for this page');
  try {
    const endpoints = await discover(issuer);
    const verifier = randomText();
    const state = randomText();
    const redirectUri = new URL('callback', document.baseURI).href;
    popup.location.href = withParameters(endpoints.authorization_endpoint, {
      ...{ response_type: 'code', client_id: clientId, redirect_uri: redirectUri, scope, audience, state },
      ...{ code_challenge: await challengeOf(verifier), code_challenge_method: 'S256' },
    });
    const code = await answerTo(state, popup);
    return await exchange(endpoints.token_endpoint, {
      ...{ grant_type: 'authorization_code', code, redirect_uri: redirectUri },
      ...{ client_id: clientId, code_verifier: verifier },
    });
  } finally {
    popup.close();
  }
}

/** In the window of the login: hands the answer to the page that opened it. The state names the channel. */
export function returnFromProvider(parameters: URLSearchParams): void {
  const state = parameters.get('state') ?? '';
  const channel = new BroadcastChannel(channelOf(state));
  channel.postMessage(Object.fromEntries(parameters));
  channel.close();
  window.close();
}

const channelOf = (state: string) => `tenant-registry-login-${state}`;

function answerTo(state: string, popup: Window): Promise<string> {
  return new Promise((resolve, reject) => {
    const channel = new BroadcastChannel(channelOf(state));
    const timer = setInterval(() => {
      if (popup.closed) end(() => reject(new Error('The window was closed before the login was complete')));
    }, 500);
    const end = (settle: () => void) => {
      clearInterval(timer);
      channel.close();
      settle();
    };
    channel.onmessage = ({ data }: MessageEvent<Record<string, string>>) =>
      end(() => {
        const { code, error, error_description: description } = data;
        if (code) resolve(code);
        else
          reject(
            new Error(`The identity provider refused the login: ${description ?? error ?? 'no reason'}`),
          );
      });
  });
}

interface Endpoints {
  issuer: string;
  authorization_endpoint: string;
  token_endpoint: string;
}

async function discover(issuer: string): Promise<Endpoints> {
  const url = `${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`;
  const found = (await readJson(await fetch(url, { credentials: 'omit' }))) as unknown as Endpoints;
  if (found.issuer !== issuer) throw new Error(`The discovery document at ${url} is of another issuer`);
  return found;
}

async function exchange(url: string, parameters: Record<string, string>): Promise<string> {
  const response = await fetch(url, {
    method: 'POST',
    credentials: 'omit',
    body: new URLSearchParams(parameters),
  });
  const { access_token: token, error, error_description: description } = await readJson(response);
  if (!token) throw new Error(`The identity provider gave no token: ${description ?? error ?? 'no reason'}`);
  return token;
}

async function readJson(response: Response): Promise<Record<string, string>> {
  return (await response.json().catch(() => ({ error: `HTTP status ${response.status}` }))) as Record<
    string,
    string
  >;
}

function withParameters(url: string, parameters: Record<string, string>): string {
  const full = new URL(url);
  for (const [name, value] of Object.entries(parameters)) full.searchParams.set(name, value);
  return full.href;
}

function randomText(): string {
  return base64Url(crypto.getRandomValues(new Uint8Array(32)));
}

async function challengeOf(verifier: string): Promise<string> {
  return base64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))));
}

function base64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}
