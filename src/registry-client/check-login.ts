import { HawserError, isHawserError } from '../errors/hawser-error.ts';
import type { Credentials } from './credentials.ts';
import { discardBody } from './read-answer.ts';
import { Transport, type TransportOptions } from './transport.ts';

/**
 * Tries credentials at a registry: docker's `GET /v2/`, with a token where the registry wants one.
 *
 * @returns what the token server hands out to be kept in the password's place, where it does
 * @throws HawserError UNAUTHORIZED where they are refused, REGISTRY_UNREACHABLE, …
 */
export async function checkLogin(
  domain: string,
  credentials: Credentials,
  options: Omit<TransportOptions, 'credentials' | 'onRefreshToken'> & { readonly signal?: AbortSignal } = {},
): Promise<string | undefined> {
  let identityToken: string | undefined;
  const transport = new Transport({
    ...options,
    credentials: async () => credentials,
    onRefreshToken: token => (identityToken = token),
  });
  try {
    const answer = await transport.request({
      method: 'GET',
      scope: { domain, path: '', actions: 'login' },
      target: '/v2/',
      expect: [200],
      signal: options.signal,
    });
    discardBody(answer.body);
    return identityToken;
  } catch (error) {
    if (!isHawserError(error, 'UNAUTHORIZED')) throw error;
    const { message, cause } = error;
    throw new HawserError('UNAUTHORIZED', message, { cause, remedy: 'Check user and password.' });
  } finally {
    transport.close();
  }
}
