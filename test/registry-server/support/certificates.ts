import { execFileSync } from 'node:child_process';
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface TestCertificate {
  /** Files in PEM. */
  readonly certificate: string;
  readonly key: string;
  readonly privateKey: KeyObject;
  /** DER in base64, as `x5c` has it. */
  readonly der: string;
}

export interface CertificateSettings {
  readonly issuer?: TestCertificate;
  readonly isAuthority?: boolean;
  /** From now; -1 for one that has expired. */
  readonly days?: number;
}

/** A certificate for localhost and 127.0.0.1, signed by `issuer` or by itself; made by openssl. */
export function makeCertificate(
  folder: string,
  name: string,
  settings: CertificateSettings = {},
): TestCertificate {
  const { issuer, isAuthority = false, days = 1 } = settings;
  const path = (suffix: string) => join(folder, `${name}.${suffix}`);
  const extensions = [
    `basicConstraints=critical,CA:${isAuthority ? 'TRUE' : 'FALSE'}`,
    'subjectAltName=DNS:localhost,IP:127.0.0.1',
  ];
  writeFileSync(path('ext'), extensions.join('\n'));
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  openssl(
    'req',
    '-new',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    path('key'),
    '-subj',
    `/CN=${name}`,
    '-out',
    path('csr'),
  );
  const by =
    issuer === undefined
      ? ['-signkey', path('key')]
      : ['-CA', issuer.certificate, '-CAkey', issuer.key, '-CAcreateserial'];
  // `-days -1` has ended yesterday.
  openssl(
    'x509',
    '-req',
    '-in',
    path('csr'),
    ...by,
    '-days',
    String(days),
    '-extfile',
    path('ext'),
    '-out',
    path('crt'),
  );
  const text = readFileSync(path('crt'), 'latin1');
  return {
    certificate: path('crt'),
    key: path('key'),
    privateKey: createPrivateKey(readFileSync(path('key'))),
    der: text.replaceAll(/-----.*-----|\s/g, ''),
  };
}
