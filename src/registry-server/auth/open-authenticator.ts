import type { Logger } from '../log/logger.ts';
import type { AuthSettings } from '../registry-options.ts';
import type { Authenticator } from './authenticator.ts';
import { HtpasswdAuthenticator } from './htpasswd-authenticator.ts';
import { TokenAuthenticator } from './token-authenticator.ts';

/** @throws HawserError REGISTRY_CONFIG_INVALID */
export async function openAuthenticator(
  auth: AuthSettings | undefined,
  logger: Logger,
): Promise<(Authenticator & { close?(): Promise<void> }) | undefined> {
  switch (auth?.kind) {
    case 'htpasswd':
      return await HtpasswdAuthenticator.open({ realm: auth.realm, path: auth.path, logger });
    case 'token':
      return await TokenAuthenticator.open(auth);
    default:
      return undefined;
  }
}
