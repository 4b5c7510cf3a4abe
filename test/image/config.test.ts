import { expect } from 'chai';
import { configSizeLimit, parseImageConfig, serializeImageConfig } from '../../src/image/config.ts';
import { digestOf } from '../../src/image/digest.ts';
import { thrownBy } from '../support/thrown-by.ts';

const diffID = digestOf('layer');
const least = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [diffID] } };
const parse = (value: unknown) =>
  parseImageConfig(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));

const full = {
  ...least,
  created: '2026-01-01T00:00:00Z',
  author: 'A',
  variant: 'v2',
  'os.version': '1',
  'os.features': ['a'],
  config: {
    User: 'a:b',
    ExposedPorts: { '80/tcp': {} },
    Env: ['PATH=/bin'],
    Entrypoint: ['/a'],
    Cmd: ['b'],
    Volumes: { '/data': {} },
    WorkingDir: '/',
    Labels: { a: 'b' },
    StopSignal: 'SIGINT',
    Healthcheck: { Test: ['CMD', 'true'], Interval: 1e9, Retries: 3 },
    OnBuild: ['RUN x'],
    Shell: ['/bin/sh', '-c'],
    ArgsEscaped: true,
    Unknown: 1,
  },
  history: [
    { created: '2026-01-01T00:00:00Z', created_by: 'RUN x', author: 'A', comment: 'c' },
    { created_by: 'CMD x', empty_layer: true },
  ],
  container_config: { Hostname: 'old' },
};

/** What is wrong, and the place that is named. */
const wrong: readonly (readonly [unknown, string])[] = [
  [{ ...least, architecture: undefined }, 'architecture'],
  [{ ...least, os: 7 }, 'os'],
  [{ ...least, variant: 7 }, 'variant'],
  [{ ...least, created: 7 }, 'created'],
  [{ ...least, author: [] }, 'author'],
  [{ ...least, 'os.version': 7 }, 'os.version'],
  [{ ...least, 'os.features': 'a' }, 'os.features'],
  [{ ...least, rootfs: undefined }, 'rootfs'],
  [{ ...least, rootfs: { type: 'other', diff_ids: [] } }, 'rootfs.type'],
  [{ ...least, rootfs: { type: 'layers' } }, 'rootfs.diff_ids'],
  [{ ...least, rootfs: { type: 'layers', diff_ids: ['x'] } }, 'rootfs.diff_ids[0]'],
  [{ ...least, config: [] }, 'config'],
  [{ ...least, config: { User: 0 } }, 'config.User'],
  [{ ...least, config: { Env: 'A=b' } }, 'config.Env'],
  [{ ...least, config: { Env: ['A=b', null] } }, 'config.Env[1]'],
  [{ ...least, config: { Cmd: { 0: 'a' } } }, 'config.Cmd'],
  [{ ...least, config: { Entrypoint: ['a', 1] } }, 'config.Entrypoint[1]'],
  [{ ...least, config: { ExposedPorts: ['80'] } }, 'config.ExposedPorts'],
  [{ ...least, config: { Volumes: '/a' } }, 'config.Volumes'],
  [{ ...least, config: { Labels: { a: 1 } } }, 'config.Labels.a'],
  [{ ...least, config: { Healthcheck: 'true' } }, 'config.Healthcheck'],
  [{ ...least, config: { Healthcheck: { Test: 'true' } } }, 'config.Healthcheck.Test'],
  [{ ...least, config: { Healthcheck: { Interval: '1s' } } }, 'config.Healthcheck.Interval'],
  [{ ...least, history: {} }, 'history'],
  [{ ...least, history: [null] }, 'history[0]'],
  [{ ...least, history: [{ created: 7 }] }, 'history[0].created'],
  [{ ...least, history: [{ created_by: 7 }] }, 'history[0].created_by'],
  [{ ...least, history: [{ comment: 7 }] }, 'history[0].comment'],
  [{ ...least, history: [{ empty_layer: 'true' }] }, 'history[0].empty_layer'],
  [{ ...least, history: [{}, {}] }, 'history'],
  ['[]', ''],
];

describe('image configs', () => {
  for (const value of [least, full]) {
    it(`keeps ${JSON.stringify(value).slice(0, 60)}`, () => {
      const { value: read, digest, bytes } = parse(value);
      expect(read).to.deep.equal(value);
      expect(digest).to.equal(digestOf(bytes));
    });
  }

  it('keep the bytes as they came', () => {
    const text = `{ "b" : 1,\n${JSON.stringify(least).slice(1)} `;
    expect(Buffer.from(parse(text).bytes).toString()).to.equal(text);
    expect(parse(text).digest).to.equal(digestOf(text));
  });

  it('take null for a field that is left out, as Docker writes it', () => {
    const nothing = {
      created: null,
      history: null,
      variant: null,
      config: {
        User: '',
        Env: null,
        Cmd: null,
        Volumes: null,
        Labels: null,
        OnBuild: null,
        Healthcheck: null,
      },
    };
    expect(parse({ ...least, ...nothing }).value).to.deep.equal({ ...least, config: { User: '' } });
    expect(parse({ ...least, config: null }).value).to.deep.equal(least);
    const empty = { ...least, rootfs: { type: 'layers', diff_ids: null } };
    expect(parse(empty).value.rootfs.diff_ids).to.deep.equal([]);
    const history = [{ created_by: 'x', comment: null, empty_layer: null }];
    expect(parse({ ...least, history }).value.history).to.deep.equal([{ created_by: 'x' }]);
  });

  it('may have less history than layers', () => {
    expect(parse({ ...least, history: [] }).value.history).to.deep.equal([]);
  });

  for (const [value, field] of wrong) {
    it(`refuses ${JSON.stringify(value).slice(-70)}`, () => {
      const error = thrownBy(() => parse(value), 'MANIFEST_INVALID');
      expect(error.detail).to.deep.equal({ field });
      expect(error.message).to.match(/^image config /);
    });
  }

  it('have a limit', () => {
    thrownBy(() => parseImageConfig(Buffer.alloc(configSizeLimit + 1, ' ')), 'SIZE_INVALID');
  });

  it('that are made here keep the order of their fields', () => {
    const made = serializeImageConfig({
      os: 'linux',
      architecture: 'amd64',
      rootfs: { type: 'layers', diff_ids: [] },
    });
    expect(Buffer.from(made.bytes).toString()).to.equal(
      '{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]}}',
    );
  });
});
