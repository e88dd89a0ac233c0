/** Certificates for tests of TLS, made by openssl. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';

export interface Certificate {
  certFile: string;
  keyFile: string;
}

export interface Authority extends Disposable {
  certFile: string;
  /** `names` as in openssl: "DNS:localhost,IP:127.0.0.1". */
  issue(subject: string, options?: { names?: string; isExpired?: boolean; passphrase?: string }): Certificate;
  /** Path of the list of revoked certificates, with this one. */
  revoke(certificate: Certificate): string;
}

const configuration = (folder: string) => `
[ca]
default_ca = own
[own]
database = ${folder}/index.txt
new_certs_dir = ${folder}
serial = ${folder}/serial
certificate = ${folder}/ca.crt
private_key = ${folder}/ca.key
default_md = sha256
default_crl_days = 2
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
`;

const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];

export function createAuthority(): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'tenant-registry-ca-'));
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' });
  const [certFile, config] = [join(folder, 'ca.crt'), join(folder, 'ca.cnf')];
  writeFileSync(config, configuration(folder));
  writeFileSync(join(folder, 'index.txt'), '');
  writeFileSync(join(folder, 'serial'), '01\n');
  mkdirSync(join(folder, 'issued'));
  const own = ['-keyout', join(folder, 'ca.key'), '-out', certFile];
  openssl('req', '-x509', ...kind, '-nodes', '-days', '2', '-subj', '/CN=authority of a test', ...own);
  let issued = 0;
  return {
    certFile,
    issue(subject, { names, isExpired = false, passphrase } = {}) {
      const stem = join(folder, 'issued', String(++issued));
      const made = { certFile: `${stem}.crt`, keyFile: `${stem}.key` };
      const secret = passphrase === undefined ? ['-nodes'] : ['-passout', `pass:${passphrase}`];
      const extensions = names === undefined ? [] : ['-addext', `subjectAltName=${names}`];
      const files = ['-keyout', made.keyFile, '-out', `${stem}.csr`];
      openssl('req', ...kind, ...secret, '-subj', `/CN=${subject}`, ...extensions, ...files);
      const time = isExpired
        ? ['-startdate', '20200101000000Z', '-enddate', '20200201000000Z']
        : ['-days', '2'];
      openssl(
        'ca',
        '-batch',
        '-config',
        config,
        ...time,
        '-notext',
        '-in',
        `${stem}.csr`,
        '-out',
        made.certFile,
      );
      return made;
    },
    revoke(certificate) {
      const list = join(folder, 'issued', 'revoked.crl');
      openssl('ca', '-config', config, '-revoke', certificate.certFile);
      openssl('ca', '-config', config, '-gencrl', '-out', list);
      return list;
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}

const isInstalled = spawnSync('openssl', ['version']).status === 0;

if (!isInstalled) {
  const advice = 'openssl is not installed: install it (apt-get install openssl)';
  if (process.env.CI === 'true') throw new Error(`${advice}; under CI=true these tests must run`);
  process.stderr.write(`\n!!! ${advice}; what needs certificates is SKIPPED\n\n`);
}

/** Declares tests that need certificates. */
export const describeWithCertificates = describe.skipIf(!isInstalled);
