import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import type { BuildOptions } from '../../src/builder/environment.ts';
import { tarEntry } from '../../src/tar/entry.ts';
import { tarItem, writeTar } from '../../src/tar/writer.ts';
import { byteString } from '../../src/util/byte-string.ts';
import { chunked, collect } from '../content/conformance.ts';
import { GitServer } from './servers/git-server.ts';
import { WebServer } from './servers/web-server.ts';
import { BuildSandbox, Log } from './support.ts';

const dockerfile = 'FROM scratch\nARG SOURCE_DATE_EPOCH\nCOPY f /f\nENV SEEN=$SOURCE_DATE_EPOCH\n';

describe('SOURCE_DATE_EPOCH=context', function () {
  this.timeout(30_000);
  let sandbox: BuildSandbox;
  let web: WebServer;
  let archive: Buffer;
  let modified: string | undefined;

  before(async () => {
    sandbox = await BuildSandbox.open();
    const item = (name: string, seconds: number, content: string) =>
      tarItem(
        tarEntry({ type: 'file', name: byteString(name), mtime: { seconds, nanoseconds: 0 } }),
        Buffer.from(content),
      );
    archive = await collect(
      writeTar([
        item('Dockerfile', 1_500_000_000, dockerfile),
        item('in/f', 1_600_000_000, ''),
        item('f', 1_550_000_000, 'f'),
      ]),
    );
    web = await WebServer.start((request, response) => {
      if (modified !== undefined) response.setHeader('last-modified', modified);
      response.end(request.url?.endsWith('.gz') === true ? gzipSync(archive) : archive);
    });
  });
  beforeEach(() => {
    modified = undefined;
  });
  after(async () => {
    await web.stop();
    sandbox.close();
  });

  /** When the image says that it was made, in seconds, and what a stage sees. */
  const times = async (
    context: string,
    options: Partial<BuildOptions> = { buildArgs: { SOURCE_DATE_EPOCH: 'context' } },
  ) => {
    const { image } = await sandbox.build(context, options);
    const { created = '', config, history = [] } = image.config.value;
    expect(new Set(history.map(entry => entry.created))).to.deep.equal(new Set([created]));
    const seen = config?.Env?.find(text => text.startsWith('SEEN='))?.slice(5);
    return [Date.parse(created) / 1000, seen];
  };

  it('is the time of the commit', async () => {
    const server = await GitServer.start(sandbox.path('repositories'));
    try {
      server.commit('app', { Dockerfile: dockerfile, f: 'f' });
      expect(await times(server.urlOf('app'))).to.deep.equal([1_000_000_000, '1000000000']);
      const ofEnvironment = await times(`${server.urlOf('app')}#main`, { sourceDateEpoch: 'context' });
      expect(ofEnvironment).to.deep.equal([1_000_000_000, '1000000000']);
    } finally {
      await server.stop();
    }
  });

  it('is Last-Modified of a download, else the time of its newest file', async () => {
    expect(await times(`${web.url}/a.tar`)).to.deep.equal([1_600_000_000, '1600000000']);
    modified = 'Sat, 01 Jan 2022 00:00:00 GMT';
    expect(await times(`${web.url}/b.tar.gz`)).to.deep.equal([1_640_995_200, '1640995200']);
  });

  it('is the time of the newest file of an archive on stdin', async () => {
    const options = { stdin: chunked(archive, 700), buildArgs: { SOURCE_DATE_EPOCH: 'context' } };
    expect(await times('-', options)).to.deep.equal([1_600_000_000, '1600000000']);
  });

  it('is left out of a folder of this machine, with a warning', async () => {
    const before = Date.now();
    const warnings: string[] = [];
    const observer = Object.assign(new Log(), { warning: (message: string) => warnings.push(message) });
    const context = sandbox.context({ Dockerfile: `ARG SOURCE_DATE_EPOCH=context\n${dockerfile}`, f: 'f' });
    const { image } = await sandbox.build(context, {}, { observer });
    expect(Date.parse(image.config.value.created ?? '')).to.be.at.least(before - 1000);
    expect(image.config.value.config?.Env).to.include('SEEN=');
    expect(warnings.join()).to.match(/SOURCE_DATE_EPOCH=context is left out/);
  });
});
