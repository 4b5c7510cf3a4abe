import type { SecretSource } from '../execute/mounts/secrets.ts';
import type { ScratchFolders } from '../scratch-folder.ts';
import type { RemoteSources } from './remote-sources.ts';

export interface RemoteLoaderOptions {
  /** `$HAWSER_ROOT/build-cache` */
  readonly cacheRoot: string;
  readonly scratch: ScratchFolders;
  readonly secrets: readonly SecretSource[];
  readonly signal?: AbortSignal | undefined;
}

/** What fetches is loaded when something is fetched, once for a build. */
export function remoteLoader(options: RemoteLoaderOptions): () => Promise<RemoteSources> {
  const load = async () => {
    const [remote, { readSecret }] = await Promise.all([
      import('./remote-sources.ts'),
      import('../execute/mounts/secrets.ts'),
    ]);
    const { secrets, ...rest } = options;
    return new remote.RemoteSources({ ...rest, readSecret: id => readSecret(secrets, id) });
  };
  let loading: Promise<RemoteSources> | undefined;
  return () => {
    loading ??= load();
    return loading;
  };
}
