import { readFile, stat } from 'node:fs/promises';
import type { SecureContextOptions, TlsOptions } from 'node:tls';
import { createSecureContext } from 'node:tls';
import { HawserError, messageOf } from '../../errors/hawser-error.ts';

export interface TLSSettings {
  /** Files in PEM. */
  readonly certificate: string;
  readonly key: string;
  readonly clientAuthorities?: readonly string[];
  /** Whether clients are asked for a certificate, and whether they get in without one. */
  readonly clients?: 'required' | 'given' | 'requested' | 'none';
  readonly minVersion?: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
  /** Names of OpenSSL; its own choice where there are none. */
  readonly ciphers?: readonly string[];
}

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new HawserError('REGISTRY_CONFIG_INVALID', `http.tls: read ${file}: ${messageOf(error)}`, {
      cause: error,
      remedy: 'Name readable files in PEM.',
    });
  }
}

/** The certificates and keys as they are on disk now. @throws HawserError REGISTRY_CONFIG_INVALID */
export async function readTLSFiles(settings: TLSSettings): Promise<SecureContextOptions> {
  const { ciphers = [], clientAuthorities = [] } = settings;
  const options: SecureContextOptions = {
    cert: await read(settings.certificate),
    key: await read(settings.key),
    minVersion: settings.minVersion ?? 'TLSv1.2',
    ...(clientAuthorities.length === 0 ? {} : { ca: await Promise.all(clientAuthorities.map(read)) }),
    ...(ciphers.length === 0 ? {} : { ciphers: ciphers.join(':') }),
  };
  try {
    createSecureContext(options);
  } catch (error) {
    const files = `${settings.certificate}, ${settings.key}`;
    throw new HawserError('REGISTRY_CONFIG_INVALID', `http.tls: ${files}: ${messageOf(error)}`, {
      cause: error,
      remedy: 'The key must be that of the first certificate.',
    });
  }
  return options;
}

export function clientOptions({ clients = 'none' }: TLSSettings): TlsOptions {
  return { requestCert: clients !== 'none', rejectUnauthorized: clients === 'required' };
}

/** Changes when one of the files does. */
export async function tlsFilesVersion({ certificate, key }: TLSSettings): Promise<string> {
  const found = await Promise.all([certificate, key].map(file => stat(file)));
  return found.map(({ mtimeMs, ino, size }) => `${mtimeMs}-${ino}-${size}`).join();
}
