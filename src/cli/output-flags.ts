import type {
  Annotation,
  AnnotationPlace,
  BuildOutput,
  FilesOutput,
  ImageForm,
  ImageOutput,
} from '../builder/export/output.ts';
import { writesToStdout } from '../builder/export/output.ts';
import { HawserError } from '../errors/hawser-error.ts';
import { parsePlatform } from '../image/platform.ts';
import { nearest } from '../util/nearest.ts';
import { FlagFields } from './flag-fields.ts';

const types = ['image', 'registry', 'oci', 'docker', 'local', 'tar'] as const;
const remedy = `Use type=${types.join('|')}, with dest=PATH, dest=-, name=NAME or push=true where they apply.`;

/**
 * `--output`, with BuildKit's names: `type=…` and what the type takes; a bare path is a folder, `-` a tar on stdout.
 *
 * @throws HawserError INVALID_ARGUMENT
 */
export function parseOutput(text: string): BuildOutput {
  if (text === '-') return { type: 'tar', dest: '-' };
  if (!text.includes('=')) return { type: 'local', dest: text };
  const fields = new FlagFields({ name: '--output', text, remedy });
  const output = outputOf(fields);
  fields.end();
  return output;
}

function outputOf(fields: FlagFields): BuildOutput {
  const given = fields.take('type') ?? '';
  const type = types.find(known => known === given);
  switch (type) {
    case 'image':
    case 'registry':
      return imageOutput(fields, type);
    case 'oci':
    case 'docker': {
      const dest = fields.take('dest');
      // As with docker: without a place it is loaded, which here is to be in the store.
      if (type === 'docker' && dest === undefined) return imageOutput(fields, 'image');
      const isFolder = fields.takeChoice('tar') === false;
      if (isFolder && (dest === undefined || dest === '-'))
        fields.fail('tar=false needs a dest that is a folder');
      return {
        type,
        dest: placeOf(fields, dest ?? '-'),
        folder: isFolder,
        ...namesOf(fields),
        ...formOf(fields),
      };
    }
    case 'local':
    case 'tar':
      return filesOutput(fields, type);
    default: {
      const near = nearest(given, types);
      return fields.fail(
        `unknown type ${JSON.stringify(given)}${near === undefined ? '' : `; did you mean ${near}?`}`,
      );
    }
  }
}

function placeOf(fields: FlagFields, dest: string): string {
  return dest === '' ? fields.fail('its dest is empty') : dest;
}

function imageOutput(fields: FlagFields, type: 'image' | 'registry'): ImageOutput {
  const push = fields.takeChoice('push') ?? type === 'registry';
  const byDigest = fields.takeFlag('push-by-digest');
  const names = namesOf(fields);
  if (byDigest && names.names === undefined) fields.fail('push-by-digest needs a name');
  // What containerd has to be told, and is so here or makes no difference.
  for (const key of ['unpack', 'dangling-name-prefix']) fields.take(key);
  return {
    type: 'image',
    push,
    ...names,
    byDigest,
    store: fields.takeChoice('store') ?? !byDigest,
    canonical: fields.takeFlag('name-canonical'),
    plainHttp: fields.takeFlag('registry.insecure'),
    ...formOf(fields),
  };
}

function filesOutput(fields: FlagFields, type: 'local' | 'tar'): FilesOutput {
  const dest =
    fields.take('dest') ?? (type === 'tar' ? '-' : fields.fail('it needs a dest that is a folder'));
  if (type === 'local' && dest === '-') fields.fail('local files cannot go to stdout: use type=tar');
  const platformSplit = fields.takeChoice('platform-split');
  return { type, dest: placeOf(fields, dest), ...(platformSplit === undefined ? {} : { platformSplit }) };
}

function namesOf(fields: FlagFields): { readonly names?: readonly string[] } {
  const text = fields.take('name');
  if (text === undefined || text === '') return {};
  return { names: text.split(',').map(name => name.trim()) };
}

function formOf(fields: FlagFields): { readonly form?: ImageForm } {
  const compression = fields.takeOne('compression', ['gzip', 'zstd', 'uncompressed', 'estargz'], undefined);
  if (compression === 'estargz') fields.fail('hawser writes no estargz: use gzip or zstd');
  const level = fields.takeNumber('compression-level');
  const forceCompression = fields.takeFlag('force-compression');
  const ociTypes = fields.takeChoice('oci-mediatypes');
  // Files that the build makes have the time of SOURCE_DATE_EPOCH anyway; those of the base image keep theirs.
  fields.takeChoice('rewrite-timestamp');
  const annotations = fields
    .takeAll('annotation')
    .map(([rest, value]) => annotationOf(rest, value) ?? fields.fail(`unknown field "annotation${rest}"`));
  if (ociTypes === false && annotations.length > 0)
    fields.fail("Docker's media types have no annotations: leave oci-mediatypes=false out");
  const form: ImageForm = {
    ...(compression === undefined ? {} : { compression }),
    ...(level === undefined ? {} : { level }),
    ...(forceCompression ? { forceCompression } : {}),
    ...(ociTypes === false ? { dockerTypes: true } : {}),
    ...(annotations.length > 0 ? { annotations } : {}),
  };
  return Object.keys(form).length === 0 ? {} : { form };
}

const places: readonly AnnotationPlace[] = ['manifest', 'index', 'manifest-descriptor', 'index-descriptor'];

/** `.KEY`, `-index.KEY`, `-manifest[linux/arm64].KEY` */
function annotationOf(rest: string, value: string): Annotation | undefined {
  const [, name = 'manifest', platform, key = ''] =
    /^(?:-([a-z-]+))?(?:\[([^\]]+)\])?\.(.+)$/s.exec(rest) ?? [];
  const place = places.find(known => known === name);
  if (key === '' || place === undefined) return undefined;
  return { place, key, value, ...(platform === undefined ? {} : { platform: parsePlatform(platform) }) };
}

/**
 * `--annotation [PLACE[PLATFORM][,PLACE…]:]KEY=VALUE`; for the manifest without a place.
 *
 * @throws HawserError INVALID_ARGUMENT, PLATFORM_INVALID
 */
export function parseAnnotation(text: string): readonly Annotation[] {
  const wrong = (why: string) =>
    new HawserError('INVALID_ARGUMENT', `--annotation ${JSON.stringify(text)}: ${why}`, {
      remedy: `Use [${places.join('|')}[PLATFORM]:]KEY=VALUE.`,
    });
  const equals = text.indexOf('=');
  if (equals <= 0) throw wrong('it is not KEY=VALUE');
  const [whole, value] = [text.slice(0, equals), text.slice(equals + 1)];
  const colon = whole.indexOf(':');
  const key = whole.slice(colon + 1);
  if (key === '') throw wrong('it has no key');
  const targets = colon < 0 ? ['manifest'] : whole.slice(0, colon).split(',');
  return targets.map(target => {
    const [, name = '', platform] = /^([a-z-]+)(?:\[([^\]]+)\])?$/.exec(target) ?? [];
    const place = places.find(known => known === name);
    if (place === undefined) throw wrong(`unknown place ${JSON.stringify(target)}`);
    return { place, key, value, ...(platform === undefined ? {} : { platform: parsePlatform(platform) }) };
  });
}

/**
 * All of `--output`, `--push` and `--load`.
 *
 * @throws HawserError INVALID_ARGUMENT for two on stdout, for an archive to a terminal, and for a push without a name
 */
export function buildOutputs(
  flags: {
    readonly output?: readonly string[] | undefined;
    readonly push: boolean;
    readonly load: boolean;
    readonly tag?: readonly string[] | undefined;
  },
  options: { readonly stdoutIsTerminal: boolean },
): readonly BuildOutput[] {
  const outputs = (flags.output ?? []).map(parseOutput);
  if (flags.push) {
    const images = outputs.filter(output => output.type === 'image');
    if (images.length === 0) outputs.push({ type: 'image', push: true });
    else for (const image of images) outputs[outputs.indexOf(image)] = { ...image, push: true };
  }
  if (flags.load && !outputs.some(output => output.type === 'image'))
    outputs.push({ type: 'image', push: false });
  const nameless = outputs.find(
    output => output.type === 'image' && output.push && output.names === undefined,
  );
  if (nameless !== undefined && (flags.tag ?? []).length === 0) {
    throw new HawserError('INVALID_ARGUMENT', 'cannot push an image that has no name', {
      remedy: 'Name it with -t HOST/NAME[:TAG].',
    });
  }
  checkStdout(outputs, options.stdoutIsTerminal);
  return outputs;
}

function checkStdout(outputs: readonly BuildOutput[], isTerminal: boolean): void {
  const toStdout = outputs.filter(writesToStdout);
  if (toStdout.length > 1) {
    throw new HawserError('INVALID_ARGUMENT', 'only one --output can go to stdout', {
      remedy: 'Give the others a dest=PATH.',
    });
  }
  if (toStdout.length === 1 && isTerminal) {
    throw new HawserError('INVALID_ARGUMENT', 'will not write an archive to a terminal', {
      remedy: 'Use dest=FILE, or redirect stdout.',
    });
  }
}
