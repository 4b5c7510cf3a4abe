import { formatReference, parseReference, withDefaultTag } from '../image/reference.ts';
import type { AheadTarget, LayersAhead } from './cache/layers-ahead.ts';
import type { BuildEnvironment, BuildOptions } from './environment.ts';
import type { Vertex } from './execute/operation.ts';
import type { StoreWork } from './export/platform-image.ts';

export interface SendAheadWork extends Pick<StoreWork, 'lease' | 'signal'> {
  readonly options: BuildOptions;
  readonly environment: BuildEnvironment;
  /** Full references of `-t`. */
  readonly names: readonly string[];
  /** The vertices of the images' files. */
  readonly targets: readonly Vertex[];
}

/** What sends layers on while later steps run, to where `--push` and `--cache-to` will want them; undefined for nowhere. */
export async function sendAhead(work: SendAheadWork): Promise<LayersAhead | undefined> {
  const { options, environment, lease, signal, targets } = work;
  const { cacheTo = [] } = options;
  if (cacheTo.length === 0 && !isPushed(options)) return undefined;
  const [{ aheadTargets, stepsOfImage }, { LayersAhead }] = await Promise.all([
    import('./cache/export-cache.ts'),
    import('./cache/layers-ahead.ts'),
  ]);
  const { store, openUploads } = environment;
  const own = stepsOfImage(targets);
  const all = [
    ...pushTargets(work, vertex => own.has(vertex)),
    ...aheadTargets(cacheTo, { targets, openUploads }),
  ];
  return new LayersAhead(all, { store, lease, signal });
}

/** Whether layers of steps go out with the image: those of a squashed one do not. */
export function isPushed({ outputs = [], squash }: BuildOptions): boolean {
  return squash !== true && outputs.some(output => output.type === 'image' && output.push);
}

function pushTargets(
  { options, environment, names }: SendAheadWork,
  wants: AheadTarget['wants'],
): readonly AheadTarget[] {
  const { openUploads } = environment;
  if (openUploads === undefined || !isPushed(options)) return [];
  return (options.outputs ?? []).flatMap(output => {
    if (output.type !== 'image' || !output.push) return [];
    const { form = {}, plainHttp = false } = output;
    const { compression = 'gzip', level } = form;
    const wanted = output.names?.map(name => formatReference(withDefaultTag(parseReference(name)))) ?? names;
    return wanted.map(reference => ({
      wants,
      compression,
      level,
      openUploads: () => openUploads({ reference, plainHttp }),
    }));
  });
}
