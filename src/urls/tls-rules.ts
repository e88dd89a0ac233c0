/** TLS of connections to PostgreSQL and Redis: what their URLs say about it, with the names of libpq. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type ConnectionOptions, createSecureContext, type SecureContext } from 'node:tls';
import type { UrlParameters } from './url-parameters.js';

export interface TlsRules {
  verifies: 'nothing' | 'certificate' | 'certificate and host';
  /** Path of a PEM file, by the parameter that names it. */
  files: Readonly<Partial<Record<TlsFile, string>>>;
  /** Of the private key. */
  passphrase: string | undefined;
  minVersion: ConnectionOptions['minVersion'];
  maxVersion: ConnectionOptions['maxVersion'];
}

type TlsFile = keyof typeof optionByFile;

const optionByFile = { sslrootcert: 'ca', sslcert: 'cert', sslkey: 'key', sslcrl: 'crl' } as const;
const tlsFiles = Object.keys(optionByFile) as TlsFile[];

/** Instead of a file: the certificate authorities that Node.js trusts, which is the default. */
const systemAuthorities = 'system';

const versions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];

/** Parameters besides the mode. */
export const tlsParameters = {
  sslrootcert: {
    effect:
      'Path of a PEM file with the certificate authorities that may have signed the server’s certificate. `system`, the default: those that Node.js trusts.',
  },
  sslcert: { effect: 'Path of a PEM file with the client certificate. `sslkey` must be given with it.' },
  sslkey: { effect: 'Path of a PEM file with the private key of `sslcert`.' },
  sslpassword: { effect: 'Passphrase of `sslkey`.' },
  sslcrl: { effect: 'Path of a PEM file with revoked certificates.' },
  ssl_min_protocol_version: { effect: 'Lowest version of TLS.', values: versions },
  ssl_max_protocol_version: { effect: 'Highest version of TLS.', values: versions },
} as const satisfies UrlParameters;

export function readTlsRules(params: URLSearchParams, verifies: TlsRules['verifies']): TlsRules {
  const files: Partial<Record<TlsFile, string>> = {};
  for (const name of tlsFiles) {
    const path = params.get(name);
    if (path && !(name === 'sslrootcert' && path === systemAuthorities)) files[name] = path;
  }
  const version = (name: string) =>
    (params.get(name) ?? undefined) as ConnectionOptions['minVersion'] | undefined;
  return {
    verifies,
    files,
    passphrase: params.get('sslpassword') ?? undefined,
    minVersion: version('ssl_min_protocol_version'),
    maxVersion: version('ssl_max_protocol_version'),
  };
}

const lastRead = new Map<string, Buffer>();

/** A file that is being replaced may be missing for a moment, in which connections are opened all the same. */
function readLast(path: string): Buffer {
  try {
    const content = readFileSync(path);
    lastRead.set(path, content);
    return content;
  } catch (error) {
    const content = lastRead.get(path);
    if (!content) throw error;
    return content;
  }
}

/** Options of Node.js. Reads the files, which can be replaced while the product runs. */
export function tlsOptions(rules: TlsRules): ConnectionOptions {
  const { verifies, files, passphrase, minVersion, maxVersion } = rules;
  const given = Object.entries(files).map(([name, path]) => [optionByFile[name as TlsFile], readLast(path)]);
  return {
    ...Object.fromEntries(given),
    ...(passphrase !== undefined && { passphrase }),
    ...(minVersion && { minVersion }),
    ...(maxVersion && { maxVersion }),
    ...(verifies === 'nothing' && { rejectUnauthorized: false }),
    ...(verifies === 'certificate' && { checkServerIdentity: () => undefined }),
  };
}

/**
 * The same for a driver that copies the options at each connection, and gives up for ever when they cannot be used: the files are read again
 * then, and the last ones that fit together count while they are being replaced.
 */
export function renewedTlsOptions(rules: TlsRules): ConnectionOptions {
  let last: SecureContext | undefined;
  return {
    ...tlsOptions(rules),
    get secureContext() {
      try {
        last = createSecureContext(tlsOptions(rules));
      } catch (error) {
        if (!last) throw error;
      }
      return last;
    },
  };
}

/** What is wrong with the files, one line each. */
export function findTlsProblems({ files, passphrase }: TlsRules): string[] {
  const problems: string[] = [];
  if ((files.sslcert === undefined) !== (files.sslkey === undefined))
    problems.push('its parameters sslcert and sslkey belong together: give both, or neither');
  const content: Partial<Record<TlsFile, Buffer>> = {};
  for (const [name, path] of Object.entries(files) as [TlsFile, string][])
    try {
      content[name] = readFileSync(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      problems.push(
        `its parameter ${name} names the file ${path}, which cannot be read (${code}): correct the path`,
      );
    }
  if (problems.length > 0) return problems;
  const { sslrootcert: ca, sslcrl: crl, sslcert: cert, sslkey: key } = content;
  return [
    ...(ca
      ? [problemOf('sslrootcert', 'the certificates of authorities', () => new X509Certificate(ca))]
      : []),
    ...(crl ? [problemOf('sslcrl', 'revoked certificates', () => createSecureContext({ crl }))] : []),
    ...(cert && key
      ? [
          problemOf('sslcert with sslkey', 'a certificate and its private key', () =>
            createSecureContext({ cert, key, ...(passphrase !== undefined && { passphrase }) }),
          ),
        ]
      : []),
  ].flat();
}

function problemOf(names: string, expected: string, load: () => unknown): string[] {
  try {
    load();
    return [];
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [`its parameter ${names} cannot be used (${reason}): expected PEM files with ${expected}`];
  }
}
