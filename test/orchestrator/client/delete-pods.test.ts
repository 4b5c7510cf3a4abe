import { expect } from 'chai';
import type { ErrorCode } from '../../../src/errors/codes.ts';
import { isHawserError } from '../../../src/errors/hawser-error.ts';
import { removeObject } from '../../../src/orchestrator/apiserver/registry/delete-object.ts';
import { pods } from '../../../src/orchestrator/apiserver/resources/pods.ts';
import { ApiClient } from '../../../src/orchestrator/client/api-client.ts';
import { type DeletePodsOptions, deletePods } from '../../../src/orchestrator/client/delete-pods.ts';
import { namesOf, type OpenedApi, openApi, podNamed, podOf, podsPath } from '../support/open-api.ts';

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

describe('client: delete', () => {
  let api: OpenedApi;
  let printed: string[] = [];
  beforeEach(async () => {
    api = await openApi();
    printed = [];
    for (const name of ['a', 'b', 'c']) {
      const labels = { app: name === 'c' ? 'y' : 'x' };
      await api.call('POST', podsPath, { body: podNamed(name, {}, { labels }) });
    }
  });
  afterEach(() => api.close());

  const remove = (options: Partial<DeletePodsOptions>) =>
    deletePods(new ApiClient(api.url), { names: [], print: line => printed.push(line), ...options });
  async function refusal(options: Partial<DeletePodsOptions>, code: ErrorCode): Promise<string> {
    const thrown = await remove(options).catch((error: unknown) => error);
    if (!isHawserError(thrown, code)) throw new Error(`not refused with ${code}: ${thrown}`);
    return thrown.message;
  }
  const left = async () => namesOf(await api.call('GET', podsPath));

  it('takes pods by name, by labels, or all of them', async () => {
    await remove({ names: ['a', 'c'] });
    expect(printed).to.deep.equal(['pod "a" deleted', 'pod "c" deleted']);
    expect(await left()).to.deep.equal(['b']);
    await remove({ selector: 'app=x' });
    expect(await left()).to.deep.equal([]);
    await api.call('POST', podsPath, { body: podNamed('d') });
    await remove({ all: true });
    expect(await left()).to.deep.equal([]);
  });

  it('takes the objects of files', async () => {
    const text =
      'kind: Pod\napiVersion: v1\nmetadata: {name: b}\n---\nkind: Namespace\napiVersion: v1\nmetadata: {name: nowhere}\n';
    await remove({ files: ['-'], input: bytesOf(text), ignoreNotFound: true });
    expect(printed).to.deep.equal(['pod "b" deleted']);
    expect(await left()).to.deep.equal(['a', 'c']);
  });

  it('never takes more than it is told to', async () => {
    for (const selector of [undefined, '', ' '])
      expect(await refusal({ selector }, 'INVALID_ARGUMENT')).to.equal('no pod is named');
    for (const name of ['', '.', '..', 'a/b', '%2e%2e'])
      expect(await refusal({ names: [name] }, 'INVALID_ARGUMENT'), name).to.equal(
        `${JSON.stringify(name)} is not the name of an object`,
      );
    expect(await refusal({ names: ['a'], namespace: '..' }, 'INVALID_ARGUMENT')).to.match(/is not the name/);
    for (const metadata of ['{}', '{name: ""}', '{generateName: a-}', '{name: null}']) {
      const text = `kind: Pod\napiVersion: v1\nmetadata: ${metadata}\n`;
      expect(await refusal({ files: ['-'], input: bytesOf(text) }, 'OBJECT_INVALID'), metadata).to.equal(
        'the pod has no metadata.name',
      );
    }
    const nothing = 'kind: {toString: 1, valueOf: 1}\napiVersion: v1\nmetadata: {name: a}\n';
    expect(await refusal({ files: ['-'], input: bytesOf(nothing) }, 'OBJECT_INVALID')).to.equal(
      'the object has no kind',
    );
    const elsewhere = 'kind: Pod\napiVersion: v1\nmetadata: {name: a, namespace: kube-system}\n';
    expect(
      await refusal({ files: ['-'], input: bytesOf(elsewhere), namespace: 'default' }, 'OBJECT_INVALID'),
    ).to.match(/lies in the namespace/);
    expect(await left()).to.deep.equal(['a', 'b', 'c']);
  });

  it('tells of what is not there, unless that is fine', async () => {
    expect(await refusal({ names: ['z'] }, 'NOT_FOUND')).to.equal('pods "z" not found');
    await remove({ names: ['z', 'a'], ignoreNotFound: true });
    expect(printed).to.deep.equal(['pod "a" deleted']);
    expect(await refusal({ selector: 'a b' }, 'OBJECT_INVALID')).to.match(/unable to parse requirement/);
  });

  it('waits until the pod is gone, though another has its name', async () => {
    const pod = podOf(await api.call('POST', podsPath, { body: podNamed('n', { nodeName: 'node' }) }));
    const state = { gone: false };
    const waiting = remove({ names: ['n'] }).finally(() => {
      state.gone = true;
    });
    for await (const { object } of api.watch(`${podsPath}?watch=true&fieldSelector=metadata.name%3Dn`))
      if (object.metadata.deletionTimestamp !== undefined) break;
    expect(state.gone).to.equal(false);
    await removeObject(api.context, pods, pod);
    await api.call('POST', podsPath, { body: podNamed('n') });
    await waiting;
    expect(printed).to.deep.equal(['pod "n" deleted']);
  });

  it('need not wait, and may be cancelled while it does', async () => {
    await api.call('POST', podsPath, { body: podNamed('n', { nodeName: 'node' }) });
    await remove({ names: ['n'], wait: false });
    expect(await left()).to.include('n');
    const stop = new AbortController();
    const waiting = refusal({ names: ['n'], signal: stop.signal, print: () => stop.abort() }, 'ABORTED');
    expect(await waiting).to.match(/cancelled/);
  });

  it('gives as long as it is told to, and none by force', async () => {
    const add = (name: string) => api.call('POST', podsPath, { body: podNamed(name, { nodeName: 'node' }) });
    await add('m');
    await add('n');
    await remove({ names: ['m'], gracePeriod: 7, wait: false });
    expect(podOf(await api.call('GET', `${podsPath}/m`)).metadata.deletionGracePeriodSeconds).to.equal(7);
    await remove({ names: ['n'], force: true });
    expect(printed).to.deep.equal(['pod "m" deleted', 'pod "n" force deleted']);
    expect(await left()).to.not.include('n');
  });
});
