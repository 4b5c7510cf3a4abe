import { expect } from 'chai';
import type { Event } from '../../../src/api/event.ts';
import type { ApiObject } from '../../../src/api/object-meta.ts';
import { EventRecorder, type NewEvent } from '../../../src/orchestrator/apiserver/event-recorder.ts';
import { type OpenedApi, openApi, podNamed, podsPath } from '../support/open-api.ts';

describe('event recorder', () => {
  let api: OpenedApi;
  let recorder: EventRecorder;
  let pod: ApiObject;
  beforeEach(async () => {
    api = await openApi();
    recorder = new EventRecorder(api.context, line => api.log.push(line));
    pod = (await api.call('POST', podsPath, { body: podNamed('a') })).value as unknown as ApiObject;
  });
  afterEach(() => api.close());

  const event = (message: string, more: Partial<NewEvent> = {}): NewEvent => ({
    object: pod,
    type: 'Normal',
    reason: 'Testing',
    message,
    component: 'test',
    ...more,
  });
  async function events(): Promise<readonly Event[]> {
    await recorder.drain();
    return (await api.call('GET', '/api/v1/events')).value['items'] as readonly Event[];
  }

  it('writes events in their order, with what they are about', async () => {
    for (const message of ['one', 'two', 'three']) recorder.record(event(message));
    const found = await events();
    expect(found.map(({ message }) => message)).to.deep.equal(['one', 'two', 'three']);
    const { uid, resourceVersion } = pod.metadata;
    expect(found[0]).to.deep.include({
      involvedObject: {
        apiVersion: 'v1',
        kind: 'Pod',
        name: 'a',
        namespace: 'default',
        uid,
        resourceVersion,
      },
      type: 'Normal',
      reason: 'Testing',
      source: { component: 'test' },
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:00Z',
      count: 1,
    });
    expect(found[0]?.metadata.name).to.match(/^a\.[0-9a-f]+$/);
  });

  it('counts what is told again', async () => {
    recorder.record(event('again', { fieldPath: 'spec.containers{a}', host: 'n' }));
    recorder.record(event('other'));
    api.now += 5000;
    recorder.record(event('again', { fieldPath: 'spec.containers{a}', host: 'n' }));
    recorder.record(event('again'));
    const found = await events();
    expect(
      found.map(({ message, count, involvedObject }) => [message, count, involvedObject.fieldPath]),
    ).to.deep.equal([
      ['again', 2, 'spec.containers{a}'],
      ['other', 1, undefined],
      ['again', 1, undefined],
    ]);
    expect(found[0]).to.include({
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:05Z',
    });
  });

  it('begins anew where the first one is gone', async () => {
    recorder.record(event('again'));
    const [first] = await events();
    await api.call('DELETE', `/api/v1/namespaces/default/events/${first?.metadata.name}`);
    recorder.record(event('again'));
    expect((await events()).map(({ count }) => count)).to.deep.equal([1]);
  });

  it('drops what is an hour old', async () => {
    recorder.record(event('old'));
    await events();
    api.now += 3_600_000;
    recorder.record(event('new'));
    expect((await events()).length).to.equal(2);
    api.now += 300_000;
    recorder.record(event('newer'));
    expect((await events()).map(({ message }) => message)).to.deep.equal(['new', 'newer']);
  });

  it('says nothing where the namespace is gone', async () => {
    const lost = { ...pod, metadata: { ...pod.metadata, namespace: 'nowhere' } };
    recorder.record(event('lost', { object: lost }));
    recorder.record(event('kept'));
    expect((await events()).map(({ message }) => message)).to.deep.equal(['kept']);
    expect(api.log).to.deep.equal([]);
  });

  it('tells of what has no namespace in the default one, and of long names in short', async () => {
    const node: ApiObject = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n'.repeat(253), uid: 'u' } };
    recorder.record(event('node', { object: node }));
    const [found] = await events();
    expect(found?.metadata.namespace).to.equal('default');
    expect(found?.metadata.name.length).to.be.at.most(253);
    expect(found?.involvedObject).to.not.have.property('namespace');
  });
});
