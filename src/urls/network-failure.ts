/** Why a connection to PostgreSQL or Redis failed, by the error codes of Node.js, and what to do. */

interface NetworkFailure {
  codes: RegExp;
  /** `variable` has the URL. */
  advise: (variable: string) => string;
}

const failures: readonly NetworkFailure[] = [
  {
    codes: /^(ENOTFOUND|EAI_AGAIN)$/,
    advise: (variable) => `correct the host in ${variable}, which has no address`,
  },
  {
    codes: /^ECONNREFUSED$/,
    advise: (variable) => `start the server, or correct the host and the port in ${variable}`,
  },
  {
    codes: /^(ECONNRESET|EPIPE)$/,
    advise: (variable) =>
      `check that the host and the port in ${variable} lead to the server, and whether it asks for TLS or for another client certificate (sslcert, sslkey)`,
  },
  {
    codes: /^(ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN)$/,
    advise: (variable) =>
      `correct the host and the port in ${variable}, or allow the connection in the firewall`,
  },
  {
    codes: /^(ENOENT|EACCES|ENOTSOCK)$/,
    advise: (variable) =>
      `correct the folder of the socket and the port in ${variable}, or let this user open the socket`,
  },
  {
    codes:
      /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT|UNABLE_TO_GET_ISSUER_CERT_LOCALLY)$/,
    advise: (variable) =>
      `add sslrootcert=<path of a PEM file with the authority that signed the server’s certificate> to ${variable}`,
  },
  {
    codes: /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    advise: (variable) => `write a host in ${variable} that the server’s certificate names`,
  },
  {
    codes: /^(CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|CERT_REVOKED)$/,
    advise: () => 'renew the server’s certificate, and check the clock of this machine',
  },
  {
    codes: /^ERR_SSL_.*(ALERT|CERTIFICATE)/,
    advise: (variable) =>
      `give the client certificate that the server asks for: add sslcert=<path> and sslkey=<path> to ${variable}`,
  },
  {
    codes: /^(ERR_SSL_|EPROTO)/,
    advise: (variable) =>
      `correct the port in ${variable}, or leave out TLS, which the server does not speak there`,
  },
];

/** undefined for other errors. */
export function adviseOnNetwork(error: unknown, variable: string): string | undefined {
  const code = String(readCode(error) ?? '');
  return failures.find(({ codes }) => codes.test(code))?.advise(variable);
}

/** Also of the errors for several addresses of one host. */
function readCode(error: unknown): unknown {
  if (!(error instanceof Error)) return undefined;
  return 'code' in error
    ? error.code
    : error instanceof AggregateError
      ? readCode(error.errors[0])
      : undefined;
}

/** The error's message as one line. An error of OpenSSL has a shorter one. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ');
  if (!(error instanceof Error)) return String(error);
  const { reason, code } = error as { reason?: unknown; code?: unknown };
  const isOpenSsl = typeof code === 'string' && code.startsWith('ERR_SSL_') && typeof reason === 'string';
  return (isOpenSsl ? reason : error.message || String(code ?? error.name)).replace(/\s+/g, ' ').trim();
}
