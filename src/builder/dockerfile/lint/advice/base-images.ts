import { replaceIn, shownFix } from '../edits.ts';
import { adviceRules } from './advice-rules.ts';
import type { StageSurvey, Survey } from './survey.ts';
import { officialName } from './survey.ts';

/** Official images with a variant that has less in it, and where its tag has the word. */
const variants: Readonly<Record<string, 'slim-bookworm' | 'bookworm-slim' | 'alpine'>> = {
  debian: 'bookworm-slim',
  node: 'bookworm-slim',
  perl: 'slim-bookworm',
  python: 'slim-bookworm',
  ruby: 'slim-bookworm',
  rust: 'slim-bookworm',
  nginx: 'alpine',
  httpd: 'alpine',
  redis: 'alpine',
  memcached: 'alpine',
  haproxy: 'alpine',
};

/** Whole systems, which a program that is only copied in does not need. */
const systems = /^(?:debian|ubuntu|fedora|rockylinux|almalinux|amazonlinux|centos|oraclelinux)$/;

const codenames = 'stretch|buster|bullseye|bookworm|trixie|sid|stable|oldstable|testing|unstable';

export function adviseBaseImages(survey: Survey): void {
  for (const stage of survey.stages) adviseTag(stage, survey);
  const [bottom] = survey.chain;
  if (bottom === undefined || adviseBare(bottom, survey)) return;
  adviseVariant(bottom, survey);
}

function adviseTag({ stage, image, reference }: StageSurvey, { linter }: Survey): void {
  if (reference === undefined || reference.digest !== undefined) return;
  if (reference.tag !== undefined && reference.tag !== 'latest') return;
  linter.report(
    adviceRules.baseWithoutTag,
    { node: stage.from.node, range: stage.from.image },
    {
      message:
        reference.tag === undefined
          ? `${image} without a tag is whatever is the latest when it is pulled`
          : `${image} is another image whenever it is pulled`,
      hint: 'Name a version; or a digest, where builds must not differ at all:',
      mended: [`FROM ${image.replace(/:latest$/, '')}:VERSION`],
    },
  );
}

/** Nothing is run in it: then a base without shell and package manager does. */
function adviseBare({ stage, image, reference }: StageSurvey, { linter, chain }: Survey): boolean {
  const isBuiltUpon = chain.some(({ stage: { instructions } }) =>
    instructions.some(({ kind }) => kind === 'run'),
  );
  const hasFiles = chain.some(({ stage: { instructions } }) =>
    instructions.some(line => line.kind === 'copy' && line.from !== undefined),
  );
  if (isBuiltUpon || !hasFiles || !systems.test(officialName(reference) ?? '')) return false;
  linter.report(
    adviceRules.smallerBase,
    { node: stage.from.node, range: stage.from.image },
    {
      message: `${image} is a whole system, and nothing is run in it: files are only copied in`,
      hint: 'Take a base without one; scratch for a program that is linked statically:',
      mended: ['FROM gcr.io/distroless/base-debian12:nonroot'],
    },
  );
  return true;
}

function adviseVariant({ stage, image, reference }: StageSurvey, { linter }: Survey): void {
  const name = officialName(reference) ?? '';
  const place = variants[name];
  const tag = reference?.tag ?? 'latest';
  if (place === undefined || /slim|alpine|nanoserver|windowsservercore/.test(tag)) return;
  const smaller = smallerTag(tag, { place, isDebian: name === 'debian' });
  const { node, image: word } = stage.from;
  const written = word.text;
  const text = reference?.tag === undefined ? `${written}:${smaller}` : `${name}:${smaller}`;
  const isPlain = written === image && reference?.digest === undefined;
  linter.report(
    adviceRules.smallerBase,
    { node, range: word },
    {
      message: `${image} has a variant of a fraction of its size`,
      hint:
        place === 'alpine'
          ? 'It has musl and busybox in place of glibc and the usual tools:'
          : 'If something must be compiled, do that in a stage of its own:',
      ...(isPlain ? shownFix(replaceIn(node, word, text)) : { mended: [`FROM ${text}`] }),
    },
  );
}

/** `3.12-bookworm` is `3.12-slim-bookworm` of Python, and `20-bookworm-slim` of Node. */
function smallerTag(
  tag: string,
  { place, isDebian }: { readonly place: string; readonly isDebian: boolean },
): string {
  const match = new RegExp(`^(?:(.*)-)?(${codenames})$`).exec(tag);
  const [, version, codename = ''] = match ?? [];
  if (place === 'alpine')
    return tag === 'latest' ? 'alpine' : `${match === null ? tag : (version ?? '')}-alpine`.replace(/^-/, '');
  if (tag === 'latest') return isDebian ? 'stable-slim' : 'slim';
  if (match === null) return `${tag}-slim`;
  const suffix = place.startsWith('slim') ? `slim-${codename}` : `${codename}-slim`;
  return version === undefined ? suffix : `${version}-${suffix}`;
}
