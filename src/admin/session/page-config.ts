/** Facts about the gateway that the page needs before anybody has logged in. The server writes them into index.html. */
export interface PageConfig {
  /** Without a credential every request would be refused. */
  requiresLogin?: boolean;
  /** Login by an identity provider; undefined: by API key only. */
  oidc?: { issuer: string; clientId: string; scope: string; audience: string };
}

function readPageConfig(): PageConfig {
  const content = document.querySelector('meta[name="tenant-registry"]')?.getAttribute('content');
  return JSON.parse(content || '{}') as PageConfig;
}

export const pageConfig = readPageConfig();

/** The path of the page with BASE_PATH, without a slash at the end: "/registry/admin". */
export const basePath = new URL(document.baseURI).pathname.replace(/\/$/, '');

export const graphqlUrl = new URL('../graphql', document.baseURI).href;
