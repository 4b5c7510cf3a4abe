import { Flags } from '@oclif/core';
import type { ApiClient } from '../orchestrator/client/api-client.ts';

/** What every command has that speaks to the pod API. */
export const podApiFlags = {
  namespace: Flags.string({ char: 'n', description: 'namespace; default `default`' }),
  server: Flags.string({
    char: 's',
    env: 'HAWSER_API',
    default: 'http://127.0.0.1:8080',
    description: 'where the pod API is',
    helpValue: 'URL',
  }),
};

/** @throws HawserError INVALID_ARGUMENT */
export async function podApi(server: string): Promise<ApiClient> {
  const { ApiClient } = await import('../orchestrator/client/api-client.ts');
  return new ApiClient(server);
}
