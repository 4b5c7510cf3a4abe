import { replaceIn, shownFix } from '../edits.ts';
import { adviceRules } from './advice-rules.ts';
import type { StageSurvey, Survey } from './survey.ts';
import { officialName } from './survey.ts';

/** Official images that have a variant without what only builds need, and where its tag has the word. */
const slim: Readonly<Record<string, 'slim-bookworm' | 'bookworm-slim'>> = {
  debian: 'bookworm-slim',
  node: 'bookworm-slim',
  perl: 'slim-bookworm',
  python: 'slim-bookworm',
  ruby: 'slim-bookworm',
  rust: 'slim-bookworm',
  redis: 'bookworm-slim',
};

const codenames = 'stretch|buster|bullseye|bookworm|trixie|sid|stable|oldstable|testing|unstable';

export function adviseBaseImages(survey: Survey): void {
  for (const stage of survey.stages) adviseTag(stage, survey);
  const [bottom] = survey.chain;
  if (bottom !== undefined) adviseSlim(bottom, survey);
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
      hint: 'Name a version, or a digest where builds must not differ at all.',
    },
  );
}

function adviseSlim({ stage, image, reference }: StageSurvey, { linter }: Survey): void {
  const place = slim[officialName(reference) ?? ''];
  const tag = reference?.tag ?? 'latest';
  if (place === undefined || /slim|alpine|nanoserver|windowsservercore/.test(tag)) return;
  const smaller = slimTag(tag, { place, isDebian: officialName(reference) === 'debian' });
  const { node, image: word } = stage.from;
  const written = word.text;
  const text =
    reference?.tag === undefined ? `${written}:${smaller}` : written.replace(/:[^:/]*$/, `:${smaller}`);
  linter.report(
    adviceRules.smallerBase,
    { node, range: word },
    {
      message: `${image} brings compilers and headers; its slim variant is a fraction of the size`,
      hint: 'If something must be compiled, do that in a stage of its own.',
      ...(written === image && reference?.digest === undefined
        ? shownFix(replaceIn(node, word, text))
        : { mended: [`FROM ${text}`] }),
    },
  );
}

/** `3.12-bookworm` is `3.12-slim-bookworm` of Python, and `20-bookworm-slim` of Node. */
function slimTag(
  tag: string,
  { place, isDebian }: { readonly place: string; readonly isDebian: boolean },
): string {
  const match = new RegExp(`^(?:(.*)-)?(${codenames})$`).exec(tag);
  if (tag === 'latest') return isDebian ? 'stable-slim' : 'slim';
  if (match === null) return `${tag}-slim`;
  const [, version, codename = ''] = match;
  const suffix = place.startsWith('slim') ? `slim-${codename}` : `${codename}-slim`;
  return version === undefined ? suffix : `${version}-${suffix}`;
}
