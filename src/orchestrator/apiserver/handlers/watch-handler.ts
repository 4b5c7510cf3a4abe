import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { badRequest, StatusError } from '../../../api/status.ts';
import type { ApiContext } from '../api-context.ts';
import type { ApiResponse } from '../api-message.ts';
import { type WatchEvent, watchObjects } from '../registry/watch-objects.ts';
import { apiVersionOf } from '../resource-definition.ts';
import { type Representation, representationOf, representObject } from './represent.ts';
import { booleanQuery, integerQuery, type ResourceRequest, selectionOf } from './resource-request.ts';

/** Milliseconds between two bookmarks. */
const BOOKMARK_INTERVAL = 60_000;
/** Seconds that a watch lasts at least where the client does not say; at most twice as long, so that not all end at once. */
const DEFAULT_TIMEOUT = 1800;

interface WatchRequest {
  /** Undefined: what is there comes first. */
  readonly after: number | undefined;
  readonly bookmarks: boolean;
  /** The client wants to be told when all that was there has come. */
  readonly initialBookmark: boolean;
  readonly form: Representation;
  /** Seconds. */
  readonly timeout: number;
}

/** @throws StatusError 400 */
function watchRequestOf({ request }: ResourceRequest): WatchRequest {
  const version = request.query.get('resourceVersion') ?? '';
  if (!/^\d*$/.test(version)) throw badRequest(`resourceVersion: Invalid value: ${JSON.stringify(version)}`);
  const initial = booleanQuery(request, 'sendInitialEvents');
  const timeout = integerQuery(request, 'timeoutSeconds') ?? 0;
  return {
    after: initial || version === '' || version === '0' ? undefined : Number(version),
    bookmarks: booleanQuery(request, 'allowWatchBookmarks'),
    initialBookmark: initial,
    form: representationOf(request),
    timeout: timeout > 0 ? timeout : DEFAULT_TIMEOUT + randomInt(DEFAULT_TIMEOUT),
  };
}

/** Writes events as lines of JSON. */
class EventWriter {
  readonly #context: ApiContext;
  readonly #resource: ResourceRequest;
  readonly #form: Representation;
  #first = true;
  /** Of the last thing told. */
  revision = 0;

  constructor(context: ApiContext, resource: ResourceRequest, form: Representation) {
    this.#context = context;
    this.#resource = resource;
    this.#form = form;
  }

  event(event: Exclude<WatchEvent, { readonly type: 'SYNCED' }>): string {
    this.revision = Math.max(this.revision, Number(event.object.metadata.resourceVersion ?? 0));
    const form = { ...this.#form, now: this.#context.now(), columns: this.#first };
    this.#first = false;
    const object = representObject(this.#resource.definition, event.object, form);
    return `${JSON.stringify({ type: event.type, object })}\n`;
  }

  bookmark(annotations?: Readonly<Record<string, string>>): string {
    const { definition } = this.#resource;
    const metadata = {
      name: '',
      resourceVersion: String(this.revision),
      ...(annotations === undefined ? {} : { annotations }),
    };
    const object = { kind: definition.kind, apiVersion: apiVersionOf(definition), metadata };
    if (!this.#form.table) return `${JSON.stringify({ type: 'BOOKMARK', object })}\n`;
    const { resourceVersion } = metadata;
    const table = {
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      metadata: { resourceVersion },
      columnDefinitions: [],
      rows: [{ cells: [], object: { ...object, kind: 'PartialObjectMetadata' } }],
    };
    return `${JSON.stringify({ type: 'BOOKMARK', object: table })}\n`;
  }

  failure(error: StatusError): string {
    return `${JSON.stringify({ type: 'ERROR', object: error.status })}\n`;
  }
}

/** The next event; 'tick' when it is time for a bookmark. */
async function nextOrTick(
  next: Promise<IteratorResult<WatchEvent, void>>,
  over: AbortSignal,
): Promise<IteratorResult<WatchEvent, void> | 'tick'> {
  const done = new AbortController();
  const signal = AbortSignal.any([done.signal, over]);
  const tick = delay(BOOKMARK_INTERVAL, 'tick' as const, { signal, ref: false }).catch(() => next);
  try {
    return await Promise.race([next, tick]);
  } finally {
    done.abort();
  }
}

async function* watchLines(context: ApiContext, resource: ResourceRequest, wanted: WatchRequest) {
  const { form, after, bookmarks } = wanted;
  const signal = AbortSignal.any([resource.request.signal, AbortSignal.timeout(wanted.timeout * 1000)]);
  const writer = new EventWriter(context, resource, form);
  writer.revision = after ?? 0;
  const events = watchObjects(context, resource.definition, { ...selectionOf(resource), after, signal });
  // Headers go out with the first chunk: the client waits for them even where nothing happens.
  yield '';
  try {
    let next = events.next();
    for (;;) {
      const result = await nextOrTick(next, signal);
      if (result === 'tick') {
        if (bookmarks) yield writer.bookmark();
        continue;
      }
      if (result.done === true) break;
      const event = result.value;
      if (event.type === 'SYNCED') {
        writer.revision = event.revision;
        if (wanted.initialBookmark) yield writer.bookmark({ 'k8s.io/initial-events-end': 'true' });
      } else yield writer.event(event);
      next = events.next();
    }
    if (bookmarks && !resource.request.signal.aborted) yield writer.bookmark();
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    yield writer.failure(error);
  } finally {
    await events.return();
  }
}

/** Changes as lines of JSON, until the client goes or the time is over. */
export async function handleWatch(context: ApiContext, resource: ResourceRequest): Promise<ApiResponse> {
  const wanted = watchRequestOf(resource);
  // A wrong selector is an answer of its own, not a broken stream.
  selectionOf(resource);
  return {
    status: 200,
    headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-cache, private' },
    body: watchLines(context, resource, wanted),
  };
}
