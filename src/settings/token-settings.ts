import { oneOf, type Setting, wholeNumber } from './setting.js';

/** The environment variables that say which tokens of an identity provider are accepted. */
export const tokenSettings = {
  JWT_ISSUER: {
    default: 'none',
    expected: 'the `iss` claim of the identity provider’s tokens',
    meaning: 'Issuer of the tokens that are accepted besides API keys. `JWT_AUDIENCE` must be set with it.',
  },
  JWT_AUDIENCE: {
    default: 'none',
    expected: 'the audience of the identity provider’s tokens',
    meaning: 'Audience that the accepted tokens must name in the claim `JWT_AUDIENCE_CLAIM`.',
  },
  JWT_AUDIENCE_CLAIM: {
    default: 'aud',
    ...oneOf('aud', 'client_id'),
    meaning:
      'Claim that names the audience. `client_id` is for providers whose access tokens have no `aud`, such as Amazon Cognito.',
  },
  JWT_TYPES: {
    default: 'JWT,at+jwt',
    expected: 'one or both of JWT and at+jwt, separated by commas',
    meaning:
      'Accepted values of the header `typ`. A token without `typ` counts as `JWT`. With `at+jwt` alone only access tokens ' +
      'after RFC 9068 are accepted. ID tokens are always refused.',
  },
  JWT_MAX_LIFETIME_SECONDS: {
    default: '86400',
    ...wholeNumber(60, 31_536_000),
    meaning: 'Longest time from `iat` to `exp` of an accepted token, in seconds.',
  },
  JWT_SCOPES: {
    default: 'every scope',
    expected: 'scopes separated by commas, such as resolve:*,registry:read',
    meaning:
      'Scopes that tokens may carry; others in a token have no effect. `resolve:*` allows `resolve:<module>` too.',
  },
  JWT_SCOPE_CLAIMS: {
    default: 'scope',
    expected: 'names of claims separated by commas, such as scope,scp,roles,permissions',
    meaning:
      'Claims from which scopes are read. Each may be a list or a text with blanks between the scopes; claims that a token lacks ' +
      'are skipped.',
  },
  JWT_SCOPE_PREFIX: {
    default: 'none',
    expected: 'a text without blanks, such as registry/',
    meaning: 'Text before each scope in a token. Values without it are no scopes of the registry.',
  },
  JWT_JWKS_URL: {
    default:
      'the `jwks_uri` of the document `/.well-known/openid-configuration` of `JWT_ISSUER`, on the same origin',
    expected: 'an https URL such as https://login.example/.well-known/jwks.json, or http on a loopback host',
    meaning: 'URL of the identity provider’s public keys.',
    isSecret: true,
  },
  ADMIN_OIDC_CLIENT_ID: {
    default: 'none',
    expected: 'the client id of the admin page at the identity provider',
    meaning:
      'Offers a login by `JWT_ISSUER` on the admin page (OpenID Connect, authorization code with PKCE), besides the one by API key. ' +
      'The provider must know it as a public client with the redirect URI `<address of the gateway>/admin/callback`, and must have all ' +
      'its endpoints on the origin of `JWT_ISSUER`.',
  },
  ADMIN_OIDC_SCOPE: {
    default: 'openid',
    expected: 'scopes with blanks between them, such as `openid registry:read registry:write`',
    meaning: 'Scopes that the admin page asks the identity provider for.',
  },
} as const satisfies Record<string, Setting>;
