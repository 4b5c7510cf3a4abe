import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type HawserError, isHawserError } from '../../../src/errors/hawser-error.ts';
import { checkManifest, nameOf, parsePath } from '../../../src/orchestrator/client/check-manifest.ts';
import { parseManifests, readManifests } from '../../../src/orchestrator/client/read-manifests.ts';

const pod = `apiVersion: v1
kind: Pod
metadata:
  name: a
  labels: {app: x}
spec:
  containers:
  - name: app
    image: app:1
    ports:
    - containerPort: 80
`;

async function failureOf(work: () => Promise<unknown>): Promise<HawserError> {
  try {
    await work();
  } catch (error) {
    if (isHawserError(error)) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

async function check(text: string): Promise<void> {
  for (const manifest of await parseManifests('pod.yaml', text)) checkManifest(manifest);
}

/** `line:column-end` and what stands there. */
function placeOf({ location }: HawserError): string {
  const { line = 0, column = 0, endColumn = 0, excerpt = [] } = location ?? {};
  return `${line}:${column} ${excerpt[0]?.slice(column - 1, endColumn - 1)}`;
}

/** Text, where it is wrong, what is said, and the remedy. */
const wrong: readonly (readonly [string, string, string, RegExp, RegExp])[] = [
  [
    'a slip',
    pod.replace('containerPort', 'containerport'),
    '11:7 containerport',
    /^Pod "a": unknown field "spec\.containers\[0\]\.ports\[0\]\.containerport"$/,
    /^Did you mean containerPort\?$/,
  ],
  [
    'a field from elsewhere',
    pod.replace('spec:', 'spec:\n  frobnicate: 1'),
    '7:3 frobnicate',
    /unknown field "spec\.frobnicate"/,
    /^See: kubectl explain pod$/,
  ],
  [
    'a word for a number',
    pod.replace('80', 'http'),
    '11:22 http',
    /^Pod "a": spec\.containers\[0\]\.ports\[0\]\.containerPort must be of type int32$/,
    /^Mend the value\.$/,
  ],
  [
    'a number for a word',
    pod.replace('app: x', 'app: 1'),
    '5:17 1',
    /^Pod "a": metadata\.labels\.app must be of type string$/,
    /^Put the value in quotation marks\.$/,
  ],
  [
    'a truth for a word, as YAML 1.1 has it',
    pod.replace('app: x', 'app: yes'),
    '5:17 yes',
    /metadata\.labels\.app must be of type string/,
    /quotation marks/,
  ],
  [
    'a list for an object',
    pod.replace('metadata:\n  name: a\n  labels: {app: x}', 'metadata: []'),
    '3:11 [',
    /metadata must be of type v1\.ObjectMeta/,
    /Mend/,
  ],
  [
    'a quantity',
    pod.replace('image: app:1', 'image: app:1\n    resources: {limits: {cpu: 1 core}}'),
    '10:31 1 core',
    /quantities must match the regular expression/,
    /Mend/,
  ],
  [
    'no kind',
    pod.replace('kind: Pod\n', ''),
    '1:1 a',
    /^the object has no kind$/,
    /begins with apiVersion: v1 and kind: Pod/,
  ],
  [
    'no version',
    pod.replace('apiVersion: v1', 'apiVersion:'),
    '1:1 apiVersion',
    /^the object has no apiVersion$/,
    /begins with/,
  ],
  [
    'no object',
    '- a\n- b\n',
    '1:1 -',
    /^pod\.yaml is not a Kubernetes object$/,
    /apiVersion, kind and metadata/,
  ],
  ['a text', 'hello\n', '1:1 hello', /is not a Kubernetes object/, /apiVersion/],
  ['no YAML', 'a: [\n', '2:1 ', /^pod\.yaml is not valid YAML: /, /Mend the named line/],
  ['a tab', 'a:\n\tb: 1\n', '2:1 \t', /is not valid YAML/, /Mend/],
  [
    'a name twice',
    pod.replace('kind: Pod', 'kind: Pod\nkind: Pod'),
    '3:1 k',
    /is not valid YAML: Map keys must be unique/,
    /Mend/,
  ],
  [
    'one of a list',
    'kind: List\napiVersion: v1\nitems:\n- 7\n',
    '1:1 k',
    /is not a Kubernetes object/,
    /apiVersion/,
  ],
];

describe('manifests', () => {
  for (const [title, text, place, message, remedy] of wrong) {
    it(`tells where ${title} stands`, async () => {
      const error = await failureOf(() => check(text));
      expect(error.code).to.equal('OBJECT_INVALID');
      expect(error.message).to.match(message);
      expect(error.remedy).to.match(remedy);
      expect(error.location?.file).to.equal('pod.yaml');
      expect(placeOf(error)).to.satisfy((found: string) => found.startsWith(place));
    });
  }

  it('are found in several documents, lists and JSON', async () => {
    const json = '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"c"}}';
    const list = `kind: List\napiVersion: v1\nitems:\n- ${json}\n- {kind: Pod, apiVersion: v1, metadata: {name: d}}\n`;
    const text = `# first\n${pod}---\n---\n# nothing\n---\n${pod.replace('name: a', 'name: b')}---\n${list}`;
    expect((await parseManifests('f', text)).map(nameOf)).to.deep.equal(['a', 'b', 'c', 'd']);
    expect((await parseManifests('f', json)).map(nameOf)).to.deep.equal(['c']);
    expect(await parseManifests('f', '')).to.deep.equal([]);
  });

  it('of a list know where they stand', async () => {
    const text =
      'kind: PodList\napiVersion: v1\nitems:\n- kind: Pod\n  apiVersion: v1\n  metadata: {name: a}\n  spec: {hostNam: x}\n';
    expect(placeOf(await failureOf(() => check(text)))).to.equal('7:10 hostNam');
  });

  it('are read as kubectl reads YAML', async () => {
    const text = 'a: 0644\nb: 1:20\nc: 2026-01-01\nd: off\ne: ~\nf: 0o17\ng: 1e3\nh: "yes"\n';
    const [manifest] = await parseManifests('f', text);
    expect(manifest?.value).to.deep.equal({
      a: 420,
      b: '1:20',
      c: '2026-01-01',
      d: false,
      e: null,
      f: '0o17',
      g: 1000,
      h: 'yes',
    });
    const anchors = 'a: &x {b: 1}\nc: *x\nd:\n  <<: *x\n  e: 2\n';
    expect((await parseManifests('f', anchors))[0]?.value).to.deep.equal({
      a: { b: 1 },
      c: { b: 1 },
      d: { b: 1, e: 2 },
    });
  });

  it('do not grow without end', async () => {
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...'bcdefghi'
        .split('')
        .map(
          (name, index) =>
            `${name}: &${name} [${Array.from({ length: 9 }, () => `*${'abcdefgh'[index]}`).join(',')}]`,
        ),
    ].join('\n');
    const error = await parseManifests('f', bomb).catch((thrown: unknown) => thrown);
    expect(isHawserError(error, 'OBJECT_INVALID'), String(error)).to.equal(true);
  });

  describe('of files', () => {
    let folder: string;
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'hawser-manifests-'));
      await mkdir(join(folder, 'sub'));
      await writeFile(join(folder, 'b.yml'), pod.replace('name: a', 'name: b'));
      await writeFile(join(folder, 'a.yaml'), pod);
      await writeFile(join(folder, 'c.json'), '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"c"}}');
      await writeFile(join(folder, 'readme.txt'), 'nothing');
      await writeFile(join(folder, 'sub', 'd.yaml'), pod);
      await writeFile(join(folder, 'empty.txt'), '\n');
    });
    after(() => rm(folder, { recursive: true }));

    async function* input(text: string) {
      yield Buffer.from(text);
    }
    const names = async (...paths: readonly string[]) => (await readManifests(paths, input(pod))).map(nameOf);

    it('come in the order of the files, those of a folder by name', async () => {
      expect(await names(folder)).to.deep.equal(['a', 'b', 'c']);
      expect(await names(join(folder, 'c.json'), join(folder, 'a.yaml'))).to.deep.equal(['c', 'a']);
    });

    it('may come from stdin', async () => {
      expect(await names('-')).to.deep.equal(['a']);
    });

    it('must be there', async () => {
      expect(await failureOf(() => names(join(folder, 'none.yaml')))).to.include({ code: 'NOT_FOUND' });
      const error = await failureOf(() => names(join(folder, 'empty.txt')));
      expect([error.code, error.message]).to.deep.equal([
        'OBJECT_INVALID',
        `there is no object in ${join(folder, 'empty.txt')}`,
      ]);
    });
  });

  it('have paths that can be read', () => {
    expect(parsePath('spec.containers[0].ports[12].name')).to.deep.equal([
      'spec',
      'containers',
      0,
      'ports',
      12,
      'name',
    ]);
    expect(parsePath('metadata')).to.deep.equal(['metadata']);
    expect(parsePath('')).to.deep.equal([]);
  });
});
